//! Volumes: an hour's total against the same hours of earlier days.
//!
//! Workdays and weekends are kept apart, and an hour is compared with itself and its neighbours. An
//! hour in which the source spoke and the entity did not counts as nothing; who is at work at an
//! unusual hour must still go far beyond an hour of work. The hour is judged while it runs: the finding
//! comes with the event that goes too far, once per hour.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{Datelike as _, Timelike as _, Weekday};
use serde::{Deserialize, Serialize};

use super::book::Record;
use super::learning::time;
use super::statistics::Middle;
use super::unusual::{Unusual, Usual};

/// Hours remembered per kind of day and hour of day: eight workdays, or four weekends.
const SAMPLES_MAX: usize = 8;

/// Fewer comparable hours than this say nothing.
const SAMPLES_MIN: usize = 6;

/// How many median deviations (as standard deviations) above the median are too far. Totals of busy
/// machines are skewed: three would call one hour in a hundred unusual.
const FAR: f64 = 6.0;

/// A median absolute deviation times this is a standard deviation, for normally distributed values.
const DEVIATION: f64 = 1.4826;

/// A total is never expected to be steadier than this share of its median.
const STEADY: f64 = 0.1;

/// Hours that may still change: events come late.
const OPEN_HOURS: i64 = 2;

const HOUR_S: i64 = 3_600;

/// The hours in which a source spoke, as far back as samples reach.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Live(BTreeSet<i64>);

/// Hours that [`Live`] remembers: four weeks.
const LIVE_MAX: usize = 672;

impl Live {
    /// Notes that the source spoke.
    pub(super) fn take(&mut self, at_s: i64) {
        self.0.insert(at_s.div_euclid(HOUR_S));
        while self.0.len() > LIVE_MAX {
            self.0.pop_first();
        }
    }
}

/// The hours of one entity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hours {
    newest_s: i64,
    /// Closed up to and with this hour.
    closed: Option<i64>,
    open: BTreeMap<i64, Total>,
    /// By [`slot`]: the totals of past hours, the newest last.
    past: BTreeMap<u8, VecDeque<f64>>,
}

/// An hour that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Total {
    sum: f64,
    is_told: bool,
    /// Reckoned once per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// What an hour's total is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Expected {
    limit: f64,
    median: f64,
    deviation: f64,
    largest: f64,
    hours: usize,
}

impl Record for Hours {
    fn newest_s(&self) -> i64 {
        self.newest_s
    }

    fn bytes(&self) -> usize {
        let deque = size_of::<VecDeque<f64>>().saturating_add(SAMPLES_MAX.saturating_mul(8));
        self.past.len().saturating_mul(deque).saturating_add(size_of::<Self>()).saturating_add(256)
    }
}

/// One event as a volume sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub(super) at_s: i64,
    /// What it adds.
    pub(super) number: f64,
    /// The zone whose days and hours people keep, in seconds east of UTC.
    pub(super) offset_s: i64,
}

/// From where on a total is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threshold {
    pub(super) least: f64,
    pub(super) times: f64,
    /// When the entity was first seen.
    pub(super) since_s: i64,
}

impl Hours {
    /// Adds an amount; judges the hour if a threshold is given.
    pub(super) fn take(
        &mut self,
        amount: Amount,
        live: &Live,
        threshold: Option<Threshold>,
    ) -> Option<Unusual> {
        let Amount { at_s, number, offset_s } = amount;
        self.newest_s = self.newest_s.max(at_s);
        let hour = at_s.div_euclid(HOUR_S);
        if self.closed.is_some_and(|closed| hour <= closed) {
            return None;
        }
        let total = self.open.entry(hour).or_default();
        total.sum += number;
        let (sum, is_told, known) = (total.sum, total.is_told, total.expected);
        self.close(live, offset_s);
        let threshold = threshold.filter(|threshold| !is_told && sum >= threshold.least)?;
        let expected = match known {
            Some(expected) => expected,
            None => self.expected(hour, offset_s, threshold)?,
        };
        let is_told = sum > expected.limit;
        if let Some(total) = self.open.get_mut(&hour) {
            total.expected = Some(expected);
            total.is_told = is_told;
        }
        let Expected { median, deviation, largest, hours, .. } = expected;
        is_told.then_some(Unusual {
            measured: Some(sum),
            usual: Usual::Volume { median, deviation, largest, hours },
            since_s: threshold.since_s,
        })
    }

    /// Turns the hours that nothing may be added to any more into samples.
    fn close(&mut self, live: &Live, offset_s: i64) {
        let Some((newest, _)) = self.open.last_key_value() else { return };
        let last = newest.saturating_sub(OPEN_HOURS);
        let Some((first, _)) = self.open.first_key_value() else { return };
        let from = self.closed.map_or(*first, |closed| closed.saturating_add(1));
        if from > last {
            return;
        }
        let mut hours: BTreeSet<i64> = live.0.range(from..=last).copied().collect();
        hours.extend(self.open.range(from..=last).map(|(hour, _)| *hour));
        for hour in hours {
            let sum = self.open.remove(&hour).map_or(0.0, |total| total.sum);
            let samples = self.past.entry(slot(hour, offset_s)).or_default();
            samples.push_back(sum);
            if samples.len() > SAMPLES_MAX {
                samples.pop_front();
            }
        }
        self.closed = Some(last);
    }

    /// Returns what an hour's total is held against; `None` with too little to compare with.
    fn expected(&self, hour: i64, offset_s: i64, threshold: Threshold) -> Option<Expected> {
        let near = [hour.saturating_sub(1), hour, hour.saturating_add(1)];
        let own = slot(hour, offset_s);
        let slots: BTreeSet<u8> =
            near.iter().map(|hour| same_day(own, slot(*hour, offset_s))).collect();
        let samples: Vec<f64> =
            slots.iter().filter_map(|slot| self.past.get(slot)).flatten().copied().collect();
        let (hours, largest) = (samples.len(), samples.iter().copied().fold(0.0, f64::max));
        if hours < SAMPLES_MIN {
            return None;
        }
        let Middle { median, deviation, .. } = Middle::of(samples)?;
        let deviation = (DEVIATION * deviation).max(STEADY * median).max(1.0);
        let busy = self.past.values().flatten().copied().filter(|sum| *sum > 0.0).collect();
        let busy = Middle::of(busy).map_or(0.0, |middle| middle.median);
        let limit = (FAR * deviation + median)
            .max(threshold.times * median.max(busy))
            .max(threshold.least)
            .max(largest);
        Some(Expected { limit, median, deviation, largest, hours })
    }
}

/// Slots of one kind of day.
const HOURS_OF_DAY: u8 = 24;

/// Returns the hour of day, 0 to 23 on workdays, 24 to 47 on Saturdays and Sundays.
fn slot(hour: i64, offset_s: i64) -> u8 {
    let local = time(hour.saturating_mul(HOUR_S).saturating_add(offset_s));
    let of_day = u8::try_from(local.hour()).unwrap_or(0);
    match local.weekday() {
        Weekday::Sat | Weekday::Sun => of_day.saturating_add(HOURS_OF_DAY),
        _ => of_day,
    }
}

/// Returns a neighbour's slot on this slot's kind of day: past midnight the kind may change.
fn same_day(own: u8, neighbour: u8) -> u8 {
    let of_day = neighbour.checked_rem(HOURS_OF_DAY).unwrap_or(0);
    if own >= HOURS_OF_DAY { of_day.saturating_add(HOURS_OF_DAY) } else { of_day }
}
