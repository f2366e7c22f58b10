//! What one group remembers, and whether it fires.

use std::collections::{BTreeSet, VecDeque, vec_deque};
use std::ops::Range;

use chrono::{DateTime, Duration, Utc};
use event::{EventId, Finding};
use serde::{Deserialize, Serialize};

use super::plan::CorrelationPlan;
use crate::ast::{Comparison, CorrelationKind};
use crate::limits::ENTRIES_PER_GROUP_MAX;

/// One remembered event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: DateTime<Utc>,
    pub(super) id: EventId,
    /// Which of the correlation's rules saw it.
    pub(super) input: usize,
    /// The value whose differences are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// The number that is added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<f64>,
}

/// A correlation that has come true.
#[derive(Debug, PartialEq)]
pub(super) struct Firing {
    pub(super) count: u64,
    /// Oldest first, the newest [`Finding::EVENTS_MAX`] of them.
    pub(super) events: Vec<EventId>,
}

/// The memory of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    /// In the order of time.
    pub(super) entries: VecDeque<Entry>,
    pub(super) last_fired_at: Option<DateTime<Utc>>,
}

/// Repetitions of one value (or rule) closer than this part of the time span are thinned out: only
/// the first and the last of such a run matter for what is counted as different.
const THINNING: i32 = 16;

impl Group {
    /// Takes in an entry; returns the firing that it completes, if it does.
    pub(super) fn take(&mut self, plan: &CorrelationPlan, entry: Entry) -> Option<Firing> {
        let known = |own: &Entry| own.id == entry.id && own.input == entry.input;
        if self.entries.iter().rev().take(KNOWN_LOOK_BACK).any(known) {
            return None;
        }
        let at = entry.at;
        let id = entry.id;
        if !matches!(plan.kind, CorrelationKind::EventCount) && !plan.sums() {
            self.thin(&entry, plan.timespan);
        }
        let place = self.entries.partition_point(|own| (own.at, own.id) <= (at, id));
        self.entries.insert(place, entry);
        let firing = if self.is_quiet(at, plan.timespan) { None } else { self.judge(plan, at) };
        if firing.is_some() {
            self.last_fired_at = Some(self.last_fired_at.map_or(at, |before| before.max(at)));
        }
        self.forget(plan.timespan);
        firing
    }

    /// Returns when the newest remembered event happened.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.entries.back().map(|entry| entry.at)
    }

    fn is_quiet(&self, at: DateTime<Utc>, timespan: Duration) -> bool {
        self.last_fired_at.is_some_and(|fired| at.signed_duration_since(fired).abs() < timespan)
    }

    /// Forgets what is too old for any window that may still open, and the oldest past the limit.
    fn forget(&mut self, timespan: Duration) {
        let kept = timespan.checked_mul(2).unwrap_or(timespan);
        let Some(oldest_kept) = self.newest().and_then(|newest| newest.checked_sub_signed(kept))
        else {
            return;
        };
        while self.entries.front().is_some_and(|entry| entry.at < oldest_kept) {
            self.entries.pop_front();
        }
        while self.entries.len() > ENTRIES_PER_GROUP_MAX {
            self.entries.pop_front();
        }
    }

    /// Removes the middle one of three equal entries that stand close together.
    fn thin(&mut self, entry: &Entry, timespan: Duration) {
        let close = timespan.checked_div(THINNING).unwrap_or(timespan);
        let same = |own: &Entry| own.input == entry.input && own.value == entry.value;
        let mut equal = self.entries.iter().enumerate().rev().filter(|(_, own)| same(own));
        let (Some((last, last_entry)), Some((_, before))) = (equal.next(), equal.next()) else {
            return;
        };
        let in_order = last_entry.at <= entry.at;
        if in_order && last_entry.at.signed_duration_since(before.at) < close {
            self.entries.remove(last);
        }
    }

    /// Judges the windows that the entry at this time belongs to.
    fn judge(&self, plan: &CorrelationPlan, at: DateTime<Utc>) -> Option<Firing> {
        let growing = |(comparison, _): &(Comparison, f64)| {
            matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
        };
        let any_window = !plan.sums() && plan.threshold.tests.iter().all(growing);
        let earliest = at.checked_sub_signed(plan.timespan).unwrap_or(at);
        let first = self.entries.partition_point(|entry| entry.at < earliest);
        let after = self.entries.partition_point(|entry| entry.at <= at);
        if !any_window {
            return self.judge_window(plan, first..after);
        }
        for start in first..after {
            let Some(from) = self.entries.get(start).map(|entry| entry.at) else { break };
            let until = from.checked_add_signed(plan.timespan).unwrap_or(from);
            let end = self.entries.partition_point(|entry| entry.at <= until);
            if let Some(firing) = self.judge_window(plan, start..end) {
                return Some(firing);
            }
            // Nothing newer than this window: the windows that start later only hold less.
            if end == self.entries.len() {
                break;
            }
        }
        None
    }

    fn judge_window(&self, plan: &CorrelationPlan, range: Range<usize>) -> Option<Firing> {
        let window = || self.entries.range(range.clone());
        let measured = match plan.kind {
            CorrelationKind::EventCount => float(range.len()),
            CorrelationKind::ValueCount => {
                let values: BTreeSet<&str> =
                    window().filter_map(|entry| entry.value.as_deref()).collect();
                float(values.len())
            }
            CorrelationKind::ValueSum => window().filter_map(|entry| entry.number).sum(),
            CorrelationKind::ValueAverage => {
                let sum: f64 = window().filter_map(|entry| entry.number).sum();
                sum / float(range.len().max(1))
            }
            CorrelationKind::ValueMedian => percentile(window(), 50),
            CorrelationKind::ValuePercentile(Some(percent)) => percentile(window(), percent),
            CorrelationKind::ValuePercentile(None) => rank(window()),
            CorrelationKind::Temporal => {
                let inputs: BTreeSet<usize> = window().map(|entry| entry.input).collect();
                float(inputs.len())
            }
            CorrelationKind::TemporalOrdered => float(in_order(window(), plan.inputs.len())),
        };
        let temporal =
            matches!(plan.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
        let tests = &plan.threshold.tests;
        let met = if let Some(condition) = &plan.threshold.rules {
            let seen: BTreeSet<usize> = window().map(|entry| entry.input).collect();
            let in_order = plan.kind == CorrelationKind::Temporal || measured >= float(seen.len());
            in_order && condition.holds(&|rule| seen.contains(&rule))
        } else if tests.is_empty() && temporal {
            measured >= float(plan.inputs.len())
        } else {
            tests.iter().all(|(comparison, number)| comparison.holds(measured, *number))
        };
        met.then(|| {
            let skipped = range.len().saturating_sub(Finding::EVENTS_MAX);
            Firing {
                count: whole(measured),
                events: window().skip(skipped).map(|entry| entry.id).collect(),
            }
        })
    }
}

/// How many of the newest entries are searched for one that was taken in already: what a restart
/// plays again stands at the end.
const KNOWN_LOOK_BACK: usize = 256;

/// Returns the number below which this many percent of the numbers lie, between two neighbours in
/// proportion.
fn percentile(window: vec_deque::Iter<'_, Entry>, percent: u8) -> f64 {
    let mut numbers: Vec<f64> = window.filter_map(|entry| entry.number).collect();
    numbers.sort_by(f64::total_cmp);
    let steps = numbers.len().saturating_sub(1).saturating_mul(usize::from(percent));
    let at = |place: usize| numbers.get(place).or(numbers.last()).copied().unwrap_or_default();
    let (below, part) = (steps / 100, float(steps % 100) / 100.0);
    at(below) + (at(below.saturating_add(1)) - at(below)) * part
}

/// Returns how many percent of the numbers are no greater than the newest.
fn rank(window: vec_deque::Iter<'_, Entry>) -> f64 {
    let numbers: Vec<f64> = window.filter_map(|entry| entry.number).collect();
    let newest = numbers.last().copied().unwrap_or_default();
    let no_greater = numbers.iter().filter(|number| **number <= newest).count();
    float(no_greater) * 100.0 / float(numbers.len().max(1))
}

/// Returns how many of the rules, taken in their order, were seen one after the other. Equal times
/// count as being in order.
fn in_order(window: vec_deque::Iter<'_, Entry>, inputs: usize) -> usize {
    let mut next = 0;
    let mut same_time: Vec<usize> = Vec::new();
    let mut time: Option<DateTime<Utc>> = None;
    for entry in window {
        if time != Some(entry.at) {
            same_time.clear();
            time = Some(entry.at);
        }
        same_time.push(entry.input);
        while next < inputs && same_time.contains(&next) {
            next = next.saturating_add(1);
        }
    }
    next
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; a finding shows whole counts"
)]
fn whole(measured: f64) -> u64 {
    measured.round() as u64
}
