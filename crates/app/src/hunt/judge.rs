//! Judges one piece of evidence: records → events → findings. Every thread has a judge of its own; the
//! same piece gives the same answer on any of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use detect::{Candidate, CountedRules, IndicatorWatch, RuleSet, Scratch};
use event::{Attr, Event, Finding, LogSource};

use super::crew::Place;
use super::evidence::{Exhibit, Piece};
use super::reading::{Reader, Record};
use super::unread::{Seen, Unread};
use super::{Hit, Question};

/// A finding's place: which record of which file.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) exhibit: Arc<Exhibit>,
    /// The EVTX record number, the line, or which object of a JSON file, from 1.
    pub(crate) record: u64,
}

/// What one piece came to.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) exhibit: Arc<Exhibit>,
    pub(crate) events: u64,
    pub(crate) unreadable: u64,
    pub(crate) refused: Option<String>,
    pub(crate) hits: Vec<Hit>,
    /// What correlations count, in the order of the records.
    pub(crate) counted: Vec<(Event, CountedRules, Spot)>,
    /// The log sources met, each once.
    pub(crate) sources: Vec<LogSource>,
}

/// Judges pieces.
pub(crate) struct Judge<'a> {
    question: &'a Question,
    reader: &'a Reader,
    rules: &'a Arc<RuleSet>,
    unread: Unread<'a>,
    scratch: Scratch,
    watch: IndicatorWatch,
    found: Vec<Finding>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(question: &'a Question, reader: &'a Reader, rules: &'a Arc<RuleSet>) -> Self {
        let unread = Unread::new(reader, rules, &question.indicators);
        let watch = IndicatorWatch::new(Arc::clone(&question.indicators));
        let (scratch, found) = (Scratch::default(), Vec::new());
        Self { question, reader, rules, unread, scratch, watch, found }
    }

    /// Judges the piece at this place. A fault in reading it (of ours, or of a library) stops
    /// nothing but this piece.
    pub(super) fn judge(&mut self, place: Place, piece: Piece) -> Judged {
        let exhibit = Arc::clone(&piece.exhibit);
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge_piece(place, piece)));
        judged.unwrap_or_else(|_panic| {
            *self = Self::new(self.question, self.reader, self.rules);
            let mut judged = Judged::new(exhibit);
            judged.refused = Some("a part of it made the reader fail".to_owned());
            judged
        })
    }

    fn judge_piece(&mut self, place: Place, piece: Piece) -> Judged {
        let mut judged = Judged::new(piece.exhibit);
        let lost = self
            .reader
            .records(piece.content, &mut |record| self.record(&mut judged, record, place));
        judged.unreadable += lost.records;
        judged.refused = lost.refused;
        judged
    }

    fn record(&mut self, judged: &mut Judged, record: Record<'a>, place: Place) {
        let candidates = match self.unread.see(&record) {
            Seen::Silent(source) => {
                judged.events += 1;
                judged.meet(source);
                return;
            }
            Seen::Open(candidates) => candidates,
        };
        let spot = Spot { exhibit: Arc::clone(&judged.exhibit), record: record.number };
        let written = judged.exhibit.written;
        let id = place.event_id(judged.events + judged.unreadable, written);
        let whole = Record { bytes: record.bytes.clone(), ..record };
        if let Some(event) = self.reader.event(record, written, id) {
            self.event(judged, event, candidates.as_deref(), spot);
            return;
        }
        let parts = Reader::parts(&whole);
        judged.unreadable += u64::from(parts.is_empty());
        for part in parts {
            self.record(judged, part, place);
        }
    }

    /// Judges events that were read before, the first of which is this row (from 0) of its file.
    pub(super) fn judge_events(
        &mut self,
        exhibit: Arc<Exhibit>,
        first: u64,
        events: Vec<Event>,
    ) -> Judged {
        let mut judged = Judged::new(exhibit);
        for (record, event) in (first.saturating_add(1)..).zip(events) {
            let spot = Spot { exhibit: Arc::clone(&judged.exhibit), record };
            self.event(&mut judged, event, None, spot);
        }
        judged
    }

    fn event(
        &mut self,
        judged: &mut Judged,
        event: Event,
        candidates: Option<&[Candidate]>,
        spot: Spot,
    ) {
        judged.events += 1;
        judged.meet(&event.logsource);
        if !self.question.is_in_time(event.occurred_at) {
            return;
        }
        self.watch.observe(&event, &mut self.found);
        let Self { rules, scratch, found, .. } = self;
        let counted = rules.judge_among(&event, candidates, scratch, found);
        for finding in self.found.drain(..) {
            if self.question.selection.wants(&finding) {
                judged.hits.push(Hit::new(finding, &event, spot.clone()));
            }
        }
        if !counted.is_empty() {
            // Correlations look at fields; the record as it came would only take memory.
            let event = Event { raw: String::new(), ..event };
            judged.counted.push((event, counted, spot));
        }
    }
}

impl Judged {
    const fn new(exhibit: Arc<Exhibit>) -> Self {
        Self {
            exhibit,
            events: 0,
            unreadable: 0,
            refused: None,
            hits: Vec::new(),
            counted: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Returns what came of a piece that cannot be read, and why.
    pub(super) fn refused(exhibit: Arc<Exhibit>, why: String) -> Self {
        Self { refused: Some(why), ..Self::new(exhibit) }
    }

    fn meet(&mut self, source: &LogSource) {
        if self.sources.last() != Some(source) && !self.sources.contains(source) {
            self.sources.push(source.clone());
        }
    }
}

impl Question {
    fn is_in_time(&self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

impl Hit {
    pub(crate) fn new(finding: Finding, event: &Event, spot: Spot) -> Self {
        let host = event.attr_text(Attr::Host).unwrap_or_default().to_owned();
        Self { finding, spot, host }
    }
}
