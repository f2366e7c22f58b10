//! Counting again after an unclean end, so that `received = decoded + dead` tells the truth.
//!
//! The health book is written down every few seconds; what passed between its last writing and a
//! `kill -9` is in the lake or among the dead letters, but not in the book. Both are asked, once, when
//! the spool has been played back. A mark in the data folder tells a clean end from an unclean one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chrono::DateTime;
use db::Db;
use event::lake::Search;
use event::query::Query;
use event::{LakeReader, Scope, SourceId};
use registry::HealthBook;

use crate::config::Config;

/// More sources than this are not told apart by one question.
const SOURCES_MAX: u32 = 1000;

/// The mark of a clean end.
#[derive(Debug)]
pub(crate) struct CleanMark(PathBuf);

impl CleanMark {
    /// Takes the mark away and returns it, and whether it stood there (or nothing ran here before).
    pub(crate) fn take(config: &Config) -> Result<(Self, bool)> {
        let mark = Self(config.site.data_folder.join("ended-cleanly"));
        let was_clean = mark.0.try_exists()? || !config.spool_folder().try_exists()?;
        if mark.0.try_exists()? {
            fs::remove_file(&mark.0).with_context(|| format!("removing {}", mark.0.display()))?;
        }
        Ok((mark, was_clean))
    }

    /// Sets the mark: everything is written down.
    pub(crate) fn set(&self) {
        if let Err(error) = fs::write(&self.0, "") {
            tracing::warn!(%error, "the next start will count again");
        }
    }
}

/// Counts what lake and dead letters hold of each source, and puts it into the book.
pub(crate) async fn recount(db: &Db, lake: &dyn LakeReader, health: &HealthBook) {
    match counts(db, lake).await {
        Ok(counts) => {
            tracing::info!(sources = counts.len(), "counted again after an unclean end");
            for (source, (decoded, dead)) in counts {
                health.restate(source, decoded, dead);
            }
        }
        Err(error) => tracing::warn!("the counts of sources may be behind: {error:#}"),
    }
}

async fn counts(db: &Db, lake: &dyn LakeReader) -> Result<BTreeMap<SourceId, (u64, u64)>> {
    let always = |seconds| DateTime::from_timestamp(seconds, 0).context("a moment out of range");
    let everything = Search {
        query: Query::All,
        from: always(0)?,
        to: always(7_258_118_400)?, // the year 2200
        limit: 0,
        after: None,
    };
    let mut counts: BTreeMap<SourceId, (u64, u64)> = BTreeMap::new();
    for top in lake.top(&Scope::platform(), &everything, "source_id", SOURCES_MAX).await? {
        if let Ok(source) = top.value.parse::<SourceId>() {
            counts.entry(source).or_default().0 = top.count;
        }
    }
    for (source, letters) in registry::dead_letter::per_source(db).await? {
        counts.entry(source).or_default().1 = letters;
    }
    Ok(counts)
}
