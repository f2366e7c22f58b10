//! How far a baseline has learned a log source. It says nothing before.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use event::SourceId;
use serde::{Deserialize, Serialize};

use super::spec::Learn;

/// The learning time is cut into so many slices, and each must have brought events: seven days of a
/// `7d` baseline. One event with a wrong date fills one slice only, and a week with two days off
/// does not count as a week.
pub(super) const SLICES: usize = 7;

/// What one source has brought so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    since_s: i64,
    events: u64,
    slices: BTreeSet<i64>,
    learned_s: Option<i64>,
}

impl Progress {
    /// Counts an event; returns whether the source had been learned before it.
    pub(super) fn take(&mut self, at_s: i64, learn: Learn) -> bool {
        if self.events == 0 {
            self.since_s = at_s;
        }
        self.events = self.events.saturating_add(1);
        if self.learned_s.is_some() {
            return true;
        }
        let slice = slice_s(learn);
        if self.slices.len() < SLICES {
            self.slices.insert(at_s.div_euclid(slice));
        }
        if self.slices.len() >= SLICES && self.events >= learn.events {
            self.learned_s = Some(at_s);
        }
        false
    }

    /// Returns the progress as people see it.
    pub(super) fn seen(&self, baseline: &str, source: SourceId, learn: Learn) -> Learning {
        Learning {
            baseline: baseline.to_owned(),
            source,
            since: time(self.since_s),
            events: self.events,
            events_wanted: learn.events,
            slices: self.slices.len(),
            slices_wanted: SLICES,
            slice_s: slice_s(learn),
            learned_at: self.learned_s.map(time),
            is_on: true,
        }
    }
}

fn slice_s(learn: Learn) -> i64 {
    let slices = i64::try_from(SLICES).unwrap_or(i64::MAX);
    learn.span_s.checked_div(slices).unwrap_or(1).max(1)
}

/// Returns the time of a second; the earliest there is for one out of range.
pub(super) fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or_default()
}

/// How far a baseline has learned a source: `luytre baselines` and the pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Learning {
    /// The baseline's id.
    pub baseline: String,
    /// The log source.
    pub source: SourceId,
    /// When its first event happened.
    pub since: DateTime<Utc>,
    /// Events seen.
    pub events: u64,
    /// Events needed.
    pub events_wanted: u64,
    /// Slices of the learning time that had events.
    pub slices: usize,
    /// Slices needed.
    pub slices_wanted: usize,
    /// Length of a slice, in seconds: a day for a baseline that learns a week.
    pub slice_s: i64,
    /// When it had learned enough; until then it makes no finding.
    pub learned_at: Option<DateTime<Utc>>,
    /// The operator has not switched it off for this source.
    pub is_on: bool,
}

impl Learning {
    /// Returns whether it may make findings.
    pub const fn speaks(&self) -> bool {
        self.is_on && self.learned_at.is_some()
    }
}
