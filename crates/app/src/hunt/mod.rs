//! The offline hunt: evidence files → findings, on all cores, always in the same order.
//!
//! One thread opens files in order and cuts them into pieces (`evidence`, `cutting`); as many as there
//! are cores judge pieces (`judge`); the caller's thread takes what they found in the order of the
//! pieces and follows correlations over it. Pieces do not depend on how many threads there are, so
//! neither does the answer. Only so many pieces are on their way at a time, so memory is bounded too.

pub(crate) mod cutting;
pub(crate) mod evidence;
mod judge;
pub(crate) mod reading;
pub(crate) mod report;
pub(crate) mod selection;
mod unread;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use detect::{CountedRules, Engine, IndicatorSet, RuleSet};
use event::{Event, Finding, LogSource};
use indicatif::ProgressBar;

use evidence::{Opener, Piece};
use judge::{Judge, Judged, Spot};
use reading::Reader;
use selection::Selection;

/// Pieces on their way for each judging thread: enough that none waits, few enough to hold (1 MiB each).
const PIECES_PER_JOB: usize = 4;

/// Events that correlations count wait here to be put in order of time over all files. Past so many,
/// the oldest go in first; the engine of a past takes late ones too.
const WAITING_MAX: usize = 50_000;

/// What is hunted for, and in what.
#[derive(Debug)]
pub(crate) struct Question {
    /// Judging threads; at least one.
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
    files: &[PathBuf],
    reader: &Reader,
    rules: &Arc<RuleSet>,
    bar: &ProgressBar,
    take: &mut dyn FnMut(Hit) -> Result<()>,
) -> Result<Tally> {
    let jobs = question.jobs.max(1);
    let most = jobs * PIECES_PER_JOB;
    let (permit, permits) = sync_channel(most);
    let (give, pieces) = sync_channel(most);
    let (tell, judged) = sync_channel(most);
    let pieces = Mutex::new(pieces);
    let (bytes_read, opened) = (AtomicU64::new(0), AtomicU64::new(0));
    let merged = thread::scope(|scope| {
        scope.spawn(|| open_all(files, &bytes_read, &opened, permit, give));
        for _ in 0..jobs {
            let tell = tell.clone();
            let judge = Judge::new(question, reader, rules);
            scope.spawn(|| judge_all(judge, &pieces, tell));
        }
        drop(tell);
        let mut merge = Merge::new(question, rules, take);
        for judged in InOrder::new(judged, permits) {
            bar.set_position(bytes_read.load(Ordering::Relaxed));
            merge.piece(judged)?;
        }
        merge.finish()
    });
    Ok(Tally { files: opened.into_inner(), ..merged? })
}

/// Opens all files and hands out their pieces, each against a permit.
#[expect(clippy::needless_pass_by_value, reason = "the channels close when the last piece is out")]
fn open_all(
    files: &[PathBuf],
    bytes_read: &AtomicU64,
    opened: &AtomicU64,
    permit: SyncSender<()>,
    give: SyncSender<(u64, Piece)>,
) {
    let mut number = 0;
    let mut send = |piece: Piece| {
        let sent = permit.send(()).is_ok() && give.send((number, piece)).is_ok();
        number += 1;
        if sent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut opener = Opener { send: &mut send, bytes_read, files: opened };
    for file in files {
        if opener.open(file).is_break() {
            return;
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the channel closes when the last judge is done")]
fn judge_all(
    mut judge: Judge<'_>,
    pieces: &Mutex<Receiver<(u64, Piece)>>,
    tell: SyncSender<(u64, Judged)>,
) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, piece)) = next else { return };
        if tell.send((number, judge.judge(number, piece))).is_err() {
            return;
        }
    }
}

/// What judges tell, in the order of the pieces. Each piece taken frees its permit.
struct InOrder {
    judged: Receiver<(u64, Judged)>,
    permits: Receiver<()>,
    early: BTreeMap<u64, Judged>,
    next: u64,
}

impl InOrder {
    const fn new(judged: Receiver<(u64, Judged)>, permits: Receiver<()>) -> Self {
        Self { judged, permits, early: BTreeMap::new(), next: 0 }
    }
}

impl Iterator for InOrder {
    type Item = Judged;

    fn next(&mut self) -> Option<Judged> {
        loop {
            if let Some(judged) = self.early.remove(&self.next) {
                self.next += 1;
                self.permits.recv().ok()?;
                return Some(judged);
            }
            let (number, judged) = self.judged.recv().ok()?;
            self.early.insert(number, judged);
        }
    }
}

/// Puts the parts together.
struct Merge<'a> {
    question: &'a Question,
    engine: Engine,
    take: &'a mut dyn FnMut(Hit) -> Result<()>,
    tally: Tally,
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
}

impl<'a> Merge<'a> {
    fn new(
        question: &'a Question,
        rules: &Arc<RuleSet>,
        take: &'a mut dyn FnMut(Hit) -> Result<()>,
    ) -> Self {
        let engine = Engine::over_past(Arc::clone(rules));
        let (tally, waiting) = (Tally::default(), BinaryHeap::new());
        Self { question, engine, take, tally, waiting, number: 0 }
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
        for finding in findings {
            if self.question.selection.wants(&finding) {
                (self.take)(Hit::new(finding, &oldest.event, oldest.spot.clone()))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Tally> {
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
