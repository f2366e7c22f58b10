//! Beacons: contacts of one machine with one destination at even intervals.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::book::{Facts, Record};
use super::statistics::Middle;
use super::unusual::{Unusual, Usual};

/// Contacts remembered of one pair.
pub(super) const CONTACTS_KEPT: usize = 64;

/// A beacon's sizes differ at most so much (four of five, as a share of the median).
const SIZE_SPREAD_MAX: f64 = 0.3;

/// A beacon is told again only after so long.
const QUIET_S: i64 = 7 * 86_400;

/// The contacts of one pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rhythm {
    first_ms: i64,
    count: u64,
    /// Times of the newest contacts in milliseconds, in order, each with its size.
    contacts: VecDeque<(i64, Option<f64>)>,
    /// It was even while the source was being learned: a service of the house.
    is_usual: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_s: Option<i64>,
}

impl Record for Rhythm {
    fn newest_s(&self) -> i64 {
        self.contacts.back().map_or(0, |(at_ms, _)| at_ms.div_euclid(1_000))
    }

    fn bytes(&self) -> usize {
        let contact = size_of::<(i64, Option<f64>)>();
        self.contacts.len().saturating_mul(contact).saturating_add(size_of::<Self>())
    }
}

/// What makes a rhythm a beacon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tempo {
    pub(super) contacts: usize,
    pub(super) jitter_max: f64,
    pub(super) interval_s: (i64, i64),
    pub(super) others_max: u64,
}

impl Rhythm {
    /// Adds a contact. While the source or the entity is being learned (nothing is `known`) an even
    /// rhythm becomes a usual one; later it is a beacon.
    pub(super) fn take(
        &mut self,
        (at_ms, size): (i64, Option<f64>),
        tempo: Tempo,
        known: Option<Facts>,
        may_tell: bool,
    ) -> Option<Unusual> {
        if !self.add(at_ms, size, tempo) {
            return None;
        }
        let at_s = at_ms.div_euclid(1_000);
        let is_quiet = self.told_s.is_some_and(|told_s| at_s.saturating_sub(told_s) < QUIET_S);
        if self.is_usual || is_quiet || self.contacts.len() < tempo.contacts {
            return None;
        }
        let middle = self.even(tempo)?;
        let Some(facts) = known else {
            self.is_usual = true;
            return None;
        };
        if facts.others_with > tempo.others_max || !may_tell {
            return None;
        }
        self.told_s = Some(at_s);
        let span_ms = at_ms.saturating_sub(self.first_ms);
        Some(Unusual {
            measured: None,
            usual: Usual::Rhythm {
                interval_s: middle.median,
                jitter: middle.unevenness(),
                contacts: self.count,
                span_s: span_ms.div_euclid(1_000),
                others_with: facts.others_with,
                others: facts.others,
            },
            since_s: facts.since_s,
        })
    }

    /// Adds a contact in its place; `false` if it belongs to one that is there.
    fn add(&mut self, at_ms: i64, size: Option<f64>, tempo: Tempo) -> bool {
        let apart_ms = tempo.interval_s.0.saturating_mul(500);
        let place = self.contacts.partition_point(|(own_ms, _)| *own_ms <= at_ms);
        let near = |index: Option<usize>| {
            let contact = index.and_then(|index| self.contacts.get(index));
            contact.is_some_and(|(own_ms, _)| own_ms.abs_diff(at_ms) < apart_ms.unsigned_abs())
        };
        if near(place.checked_sub(1)) || near(Some(place)) {
            return false;
        }
        if self.count == 0 {
            self.first_ms = at_ms;
        }
        self.first_ms = self.first_ms.min(at_ms);
        self.count = self.count.saturating_add(1);
        self.contacts.insert(place, (at_ms, size));
        if self.contacts.len() > CONTACTS_KEPT.min(tempo.contacts) {
            self.contacts.pop_front();
        }
        true
    }

    /// Returns the intervals' middle, in seconds, if they are even.
    fn even(&self, tempo: Tempo) -> Option<Middle> {
        let pairs = self.contacts.iter().zip(self.contacts.iter().skip(1));
        let between = pairs.map(|((before, _), (after, _))| after.saturating_sub(*before));
        let seconds = between.map(|ms| f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1_000.0);
        let middle = Middle::of(seconds.collect())?;
        let (shortest, longest) = tempo.interval_s;
        let second = |whole: i64| f64::from(u32::try_from(whole).unwrap_or(u32::MAX));
        let in_range = (second(shortest)..=second(longest)).contains(&middle.median);
        let sizes: Vec<f64> = self.contacts.iter().filter_map(|(_, size)| *size).collect();
        let sizes_even =
            Middle::of(sizes).is_none_or(|middle| middle.unevenness() <= SIZE_SPREAD_MAX);
        (in_range && middle.unevenness() <= tempo.jitter_max && sizes_even).then_some(middle)
    }
}
