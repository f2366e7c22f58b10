//! Searching evidence that people hand in: the offline hunt, over one file, with the rules in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use event::Severity;
use indicatif::ProgressBar;
use respond::KeptFile;
use respond::evidence::{Examined, Examiner, Found, Scanner, TimeStamps};
use tokio_util::sync::CancellationToken;
use web::outbound::Outbound;

use super::indicator_book::IndicatorBook;
use super::rule_book::RuleBook;
use crate::config::{Config, EvidenceConfig};
use crate::hunt::reading::Reader;
use crate::hunt::selection::Selection;
use crate::hunt::{self, Hit, Question};

/// The hunt, for one file at a time: the platform has other work to do.
#[derive(Debug)]
pub(super) struct Hunter {
    pub(super) rules: Arc<RuleBook>,
    pub(super) indicators: Arc<IndicatorBook>,
    /// The operator's folders of sources.
    pub(super) sources: Vec<PathBuf>,
}

impl Examiner for Hunter {
    fn examine(
        &self,
        file: &KeptFile,
        name: &str,
        most: usize,
        stop: &CancellationToken,
    ) -> Result<Examined, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.search(file, name, most, stop)?)
    }
}

impl Hunter {
    fn search(
        &self,
        file: &KeptFile,
        name: &str,
        most: usize,
        stop: &CancellationToken,
    ) -> Result<Examined> {
        let reader = Reader::new("auto", &self.sources)?.recover_records(true);
        let rules = self.rules.current();
        let selection = Selection::new(&rules, Severity::Low, &[], &[])
            .map_err(|_| anyhow!("no rule fits the choice"))?;
        let indicators = self.indicators.current();
        let question = Question { jobs: 1, from: None, to: None, selection, indicators };
        let place = file.name().display().to_string();
        let mut examined = Examined::default();
        let mut take = |hit: Hit| {
            ensure!(!stop.is_cancelled(), "told to stop");
            examined.findings += 1;
            if examined.found.len() < most {
                examined.found.push(found(hit, &place, name));
            }
            Ok(())
        };
        let files = [file.name().to_owned()];
        let open = |_: &Path| file.open();
        let bar = ProgressBar::hidden();
        let tally = hunt::search(&question, (&files, &open), &reader, &rules, &bar, &mut take)?;
        examined.files = tally.files;
        examined.events = tally.events;
        examined.unreadable = tally.unreadable;
        let refused = tally.refused.iter();
        examined.refused =
            refused.map(|(file, why)| format!("{}: {why}", shown(file, &place, name))).collect();
        Ok(examined)
    }
}

/// Returns a file as people know it: the store's own path says nothing.
fn shown(file: &str, place: &str, name: &str) -> String {
    file.strip_prefix(place).map_or_else(|| file.to_owned(), |inside| format!("{name}{inside}"))
}

fn found(hit: Hit, place: &str, name: &str) -> Found {
    let spot = format!("{}#{}", shown(&hit.spot.exhibit.shown, place, name), hit.spot.record);
    Found {
        at: hit.finding.occurred_at,
        severity: hit.finding.severity,
        rule: hit.finding.rule,
        title: hit.finding.title,
        title_vi: hit.finding.title_vi,
        host: hit.host,
        entity: hit.finding.entity.value,
        spot,
    }
}

/// Returns the engine that scans evidence with YARA rules.
#[cfg(feature = "yara")]
pub(super) fn scanner(config: &EvidenceConfig) -> Arc<dyn Scanner> {
    Arc::new(crate::yara::Yara { folders: config.yara.clone() })
}

/// Returns an engine that says that there is none: this build goes without.
#[cfg(not(feature = "yara"))]
pub(super) fn scanner(_: &EvidenceConfig) -> Arc<dyn Scanner> {
    #[derive(Debug)]
    struct None;

    impl Scanner for None {
        fn with_rules(
            &self,
            _: &mut dyn FnMut(&mut dyn respond::evidence::Scan),
        ) -> Result<(u64, Vec<respond::evidence::BadYara>), Box<dyn std::error::Error + Send + Sync>>
        {
            Err("this build has no YARA".into())
        }
    }
    Arc::new(None)
}

/// Returns the authority that stamps evidence with times, if one is configured.
///
/// # Errors
/// When it may not be reached from here.
pub(super) fn time_stamps(config: &Config) -> Result<Option<TimeStamps>> {
    let url = config.evidence.timestamp_url.clone();
    if url.is_empty() {
        return Ok(None);
    }
    let outbound = Outbound::new(config.outbound.settings()?).context("opening the way out")?;
    outbound.check(&url).context("[evidence] timestamp_url")?;
    Ok(Some(TimeStamps { outbound, url }))
}
