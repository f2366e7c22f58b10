//! The offline hunt: evidence files → findings, on all cores, always in the same order.
//!
//! As many threads as there are cores (`crew`) open files, cut them into pieces (`evidence`, `cutting`)
//! and judge these (`judge`); the caller's thread takes what they found in the order of the pieces and
//! follows correlations over it. Pieces do not depend on how many threads there are, so neither does
//! the answer. Only so many pieces are on their way at a time, so memory is bounded too.

pub(crate) mod chunks;
mod crew;
pub(crate) mod cutting;
pub(crate) mod evidence;
mod headed;
mod journal;
mod judge;
mod kind;
pub(crate) mod past;
pub(crate) mod reading;
pub(crate) mod report;
mod rewritten;
pub(crate) mod selection;
mod table;
mod unread;
mod utf16;
mod zeros;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use detect::{CountedRules, Engine, IndicatorSet, RuleSet};
use event::{Event, Finding, LogSource};
use indicatif::ProgressBar;

use crew::Crew;
use evidence::Open;
use judge::{Judge, Judged, Spot};
use reading::Reader;
use selection::Selection;

/// Events that correlations count wait here to be put in order of time over all files. Past so many,
/// the oldest go in first; the engine of a past takes late ones too.
const WAITING_MAX: usize = 50_000;

/// What is hunted for, and in what.
#[derive(Debug)]
pub(crate) struct Question {
    /// Threads that read and judge; at least one.
    pub(crate) jobs: usize,
    /// Only events from this time on.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Only events before this time.
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) selection: Selection,
    /// Indicators looked for beside the rules.
    pub(crate) indicators: Arc<IndicatorSet>,
}

/// One finding with where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) finding: Finding,
    pub(crate) spot: Spot,
    /// The machine that the event tells of; empty if it names none.
    pub(crate) host: String,
}

/// What a hunt went through.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Files, those in archives too.
    pub(crate) files: u64,
    pub(crate) events: u64,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    /// Files that were not searched, or not to their end, and why.
    pub(crate) refused: Vec<(String, String)>,
    /// The log sources met, in order of first sight.
    pub(crate) sources: Vec<LogSource>,
}

/// Searches the files and gives each hit to `take`, in the order of the evidence; those of correlations
/// follow, in the order of time.
///
/// # Errors
/// What `take` cannot do.
pub(crate) fn search(
    question: &Question,
    files: (&[PathBuf], Open<'_>),
    reader: &Reader,
    rules: &Arc<RuleSet>,
    bar: &ProgressBar,
    take: &mut dyn FnMut(Hit) -> Result<()>,
) -> Result<Tally> {
    let jobs = question.jobs.max(1);
    let crew = Crew::new(files, jobs);
    let merged = thread::scope(|scope| {
        let _over = crew.over();
        for _ in 0..jobs {
            let judge = Judge::new(question, reader, rules);
            scope.spawn(|| crew.work(judge));
        }
        let mut merge = Merge::new(question, rules, take);
        while let Some(judged) = crew.take() {
            bar.set_position(crew.bytes_read());
            merge.piece(judged)?;
        }
        merge.finish()
    });
    Ok(Tally { files: crew.opened(), ..merged? })
}

/// Puts the parts together.
struct Merge<'a> {
    question: &'a Question,
    engine: Engine,
    take: &'a mut dyn FnMut(Hit) -> Result<()>,
    tally: Tally,
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
    /// Nothing more comes.
    is_over: bool,
}

impl<'a> Merge<'a> {
    fn new(
        question: &'a Question,
        rules: &Arc<RuleSet>,
        take: &'a mut dyn FnMut(Hit) -> Result<()>,
    ) -> Self {
        let engine = Engine::over_past(Arc::clone(rules));
        let (tally, waiting) = (Tally::default(), BinaryHeap::new());
        Self { question, engine, take, tally, waiting, number: 0, is_over: false }
    }

    fn piece(&mut self, judged: Judged) -> Result<()> {
        self.tally.events += judged.events;
        self.tally.unreadable += judged.unreadable;
        if let Some(reason) = judged.refused {
            self.tally.refused.push((judged.exhibit.shown.clone(), reason));
        }
        for source in judged.sources {
            if !self.tally.sources.contains(&source) {
                self.tally.sources.push(source);
            }
        }
        for hit in judged.hits {
            (self.take)(hit)?;
        }
        for (event, counted, spot) in judged.counted {
            let at = event.occurred_at;
            self.waiting.push(Reverse(Waiting { at, number: self.number, event, counted, spot }));
            self.number += 1;
            if self.waiting.len() > WAITING_MAX {
                self.correlate_oldest()?;
            }
        }
        Ok(())
    }

    fn correlate_oldest(&mut self) -> Result<()> {
        let Some(Reverse(oldest)) = self.waiting.pop() else { return Ok(()) };
        let mut findings = Vec::new();
        self.engine.correlate(&oldest.event, &oldest.counted, &mut findings);
        if self.waiting.is_empty() && self.is_over {
            self.engine.tell_losses(&oldest.event, &mut findings);
        }
        for finding in findings {
            if self.question.selection.wants(&finding) {
                (self.take)(Hit::new(finding, &oldest.event, oldest.spot.clone()))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Tally> {
        self.is_over = true;
        while !self.waiting.is_empty() {
            self.correlate_oldest()?;
        }
        Ok(self.tally)
    }
}

/// An event that waits for its correlations, ordered by time, then by place in the evidence.
#[derive(Debug)]
struct Waiting {
    at: DateTime<Utc>,
    number: u64,
    event: Event,
    counted: CountedRules,
    spot: Spot,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// Returns all files below the paths, in order, and their bytes in all; `-` stands for standard input.
/// Links inside folders are not followed: they may lead round in circles.
///
/// # Errors
/// A path that does not exist, or a folder that cannot be read.
pub(crate) fn files(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, u64)> {
    let mut files = Vec::new();
    let mut bytes = 0;
    let mut waiting: Vec<(PathBuf, bool)> =
        paths.iter().rev().map(|path| (path.clone(), true)).collect();
    while let Some((path, is_named)) = waiting.pop() {
        if path == Path::new("-") {
            files.push(path);
            continue;
        }
        let facts = if is_named { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let facts = facts.with_context(|| format!("opening {}", path.display()))?;
        if facts.is_dir() {
            let mut inside = fs::read_dir(&path)
                .with_context(|| format!("reading {}", path.display()))?
                .map(|entry| entry.map(|entry| (entry.path(), false)))
                .collect::<Result<Vec<_>, _>>()?;
            inside.sort_by(|a, b| b.cmp(a));
            waiting.extend(inside);
        } else if facts.is_file() || is_named {
            bytes += facts.len();
            files.push(path);
        }
    }
    Ok((files, bytes))
}
