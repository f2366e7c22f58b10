//! What is remembered of one system or source: entities, and under each its values with a record.
//! Bounded in bytes; what was not seen for the longest time goes first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spec::Learn;
use crate::limits::{BASELINE_FINDINGS_PER_HOUR_MAX, BASELINE_VALUES_PER_ENTITY_MAX};

/// What is kept under one value of one entity.
pub(super) trait Record: Default {
    /// Returns when it was last seen, in seconds.
    fn newest_s(&self) -> i64;

    /// Returns what it takes in memory, about.
    fn bytes(&self) -> usize;
}

/// One book: the habits of one system (or source) as one baseline sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Book<R> {
    entities: BTreeMap<Arc<str>, Entity<R>>,
    newest_s: i64,
    since_sweep: usize,
    told: Told,
    /// By value: how many entities have it. Counted again when a book is restored.
    #[serde(skip)]
    spread: BTreeMap<Arc<str>, u64>,
    #[serde(skip)]
    bytes: usize,
}

/// One entity's habits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entity<R> {
    since_s: i64,
    events: u64,
    values: BTreeMap<Arc<str>, R>,
}

/// What a book has said lately.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Told {
    hour: i64,
    findings: usize,
    /// The day on which each limit was last reported.
    reported: BTreeMap<Limit, i64>,
}

/// A limit that cut something off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    /// Values were forgotten before their time.
    Memory,
    /// Findings were not made.
    Findings,
}

/// What is known of an entity and a value before an event is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// When the entity's first event happened.
    pub(super) since_s: i64,
    /// How many it had.
    pub(super) events: u64,
    /// How many other entities have the value.
    pub(super) others_with: u64,
    /// How many other entities there are.
    pub(super) others: u64,
}

impl Facts {
    /// Returns whether the entity is known well enough to be judged.
    pub(super) const fn is_known(&self, learn: Learn, at_s: i64) -> bool {
        self.events >= learn.known && at_s.saturating_sub(self.since_s) >= learn.span_s
    }
}

/// Events between two rounds that forget what was not seen for long.
const SWEEP_EVERY: usize = 8_192;

/// What a map entry takes beside its key and record, about.
const ENTRY_BYTES: usize = 48;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

impl<R> Default for Book<R> {
    fn default() -> Self {
        Self {
            entities: BTreeMap::new(),
            newest_s: 0,
            since_sweep: 0,
            told: Told::default(),
            spread: BTreeMap::new(),
            bytes: 0,
        }
    }
}

impl<R: Record> Book<R> {
    /// Returns the record of a value, if the entity has it.
    pub(super) fn record(&self, entity: &str, value: &str) -> Option<&R> {
        self.entities.get(entity)?.values.get(value)
    }

    /// Returns what is known of an entity that is known at all.
    pub(super) fn facts(&self, entity: &str, value: &str) -> Option<Facts> {
        let own = self.entities.get(entity)?;
        let with = self.spread.get(value).copied().unwrap_or(0);
        let itself = u64::from(own.values.contains_key(value));
        let entities = u64::try_from(self.entities.len()).unwrap_or(u64::MAX);
        Some(Facts {
            since_s: own.since_s,
            events: own.events,
            others_with: with.saturating_sub(itself),
            others: entities.saturating_sub(1),
        })
    }

    /// Returns the entity's values with their records, in the order of the values.
    pub(super) fn values(&self, entity: &str) -> impl Iterator<Item = (&str, &R)> {
        let own = self.entities.get(entity).into_iter();
        own.flat_map(|own| own.values.iter().map(|(value, record)| (value.as_ref(), record)))
    }

    /// Counts an event of an entity and changes the record of its value. Returns what the change
    /// returned, and whether something had to be forgotten for it.
    pub(super) fn take<T>(
        &mut self,
        (entity, value): (&str, &str),
        at_s: i64,
        change: impl FnOnce(&mut R) -> T,
    ) -> (T, Option<Limit>) {
        self.newest_s = self.newest_s.max(at_s);
        self.since_sweep = self.since_sweep.saturating_add(1);
        if !self.entities.contains_key(entity) {
            self.bytes = self.bytes.saturating_add(entry_bytes(entity));
            let own = Entity { since_s: at_s, events: 0, values: BTreeMap::new() };
            self.entities.insert(entity.into(), own);
        }
        let mut first = R::default();
        let Some(own) = self.entities.get_mut(entity) else { return (change(&mut first), None) };
        own.since_s = own.since_s.min(at_s);
        own.events = own.events.saturating_add(1);
        if let Some(record) = own.values.get_mut(value) {
            let before = record.bytes();
            let changed = change(record);
            self.bytes = self.bytes.saturating_add(record.bytes()).saturating_sub(before);
            return (changed, None);
        }
        let changed = change(&mut first);
        self.bytes = self.bytes.saturating_add(entry_bytes(value)).saturating_add(first.bytes());
        // All entities share the text of a value.
        let shared = self.spread.get_key_value(value).map(|(known, _)| Arc::clone(known));
        let shared = shared.unwrap_or_else(|| value.into());
        let with = self.spread.entry(Arc::clone(&shared)).or_default();
        *with = with.saturating_add(1);
        own.values.insert(shared, first);
        if own.values.len() <= BASELINE_VALUES_PER_ENTITY_MAX {
            return (changed, None);
        }
        self.thin(entity);
        (changed, Some(Limit::Memory))
    }

    /// Forgets the tenth of one entity's values that was not seen for the longest time.
    fn thin(&mut self, entity: &str) {
        let Some(own) = self.entities.get_mut(entity) else { return };
        let ages = own.values.values().map(Record::newest_s).collect();
        let mut oldest = Oldest::tenth(ages);
        let (spread, bytes) = (&mut self.spread, &mut self.bytes);
        own.values.retain(|value, record| {
            let goes = oldest.takes(record.newest_s());
            if goes {
                *bytes = bytes.saturating_sub(entry_bytes(value).saturating_add(record.bytes()));
                if let Some(with) = spread.get_mut(value) {
                    *with = with.saturating_sub(1);
                    if *with == 0 {
                        spread.remove(value);
                    }
                }
            }
            !goes
        });
    }

    /// Forgets the tenth of all values that was not seen for the longest time.
    pub(super) fn evict(&mut self) {
        let values = self.entities.values().flat_map(|own| own.values.values());
        let mut oldest = Oldest::tenth(values.map(Record::newest_s).collect());
        self.retain(|record| !oldest.takes(record.newest_s()));
    }

    /// Forgets, now and then, what was not seen for `forget_s`.
    pub(super) fn sweep(&mut self, forget_s: i64) {
        if self.since_sweep >= SWEEP_EVERY {
            self.since_sweep = 0;
            let oldest_kept = self.newest_s.saturating_sub(forget_s);
            self.retain(|record| record.newest_s() >= oldest_kept);
        }
    }

    fn retain(&mut self, mut stays: impl FnMut(&R) -> bool) {
        self.entities.retain(|_, own| {
            own.values.retain(|_, record| stays(record));
            !own.values.is_empty()
        });
        self.recount();
    }

    /// Counts what is not stored: bytes, and how many entities have each value.
    pub(super) fn recount(&mut self) {
        let mut spread: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        let mut bytes: usize = 0;
        for (name, own) in &self.entities {
            bytes = bytes.saturating_add(entry_bytes(name));
            for (value, record) in &own.values {
                let size = entry_bytes(value).saturating_add(record.bytes());
                bytes = bytes.saturating_add(size);
                let with = spread.entry(Arc::clone(value)).or_default();
                *with = with.saturating_add(1);
            }
        }
        self.spread = spread;
        self.bytes = bytes;
    }

    /// Returns what the book takes in memory, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether this hour's findings are not used up.
    pub(super) const fn may_tell(&self, at_s: i64) -> bool {
        self.told.hour != at_s.div_euclid(HOUR_S)
            || self.told.findings < BASELINE_FINDINGS_PER_HOUR_MAX
    }

    /// Counts a finding; returns the limit if it was the last one of this hour.
    pub(super) fn tell(&mut self, at_s: i64) -> Option<Limit> {
        let hour = at_s.div_euclid(HOUR_S);
        if self.told.hour != hour {
            self.told.hour = hour;
            self.told.findings = 0;
        }
        self.told.findings = self.told.findings.saturating_add(1);
        (self.told.findings == BASELINE_FINDINGS_PER_HOUR_MAX).then_some(Limit::Findings)
    }

    /// Returns whether a limit has to be reported: once a day.
    pub(super) fn reports(&mut self, limit: Limit, at_s: i64) -> bool {
        let day = at_s.div_euclid(DAY_S);
        self.told.reported.insert(limit, day) != Some(day)
    }
}

fn entry_bytes(key: &str) -> usize {
    key.len().saturating_add(ENTRY_BYTES)
}

/// Picks the oldest tenth.
struct Oldest {
    border_s: i64,
    left: usize,
}

impl Oldest {
    fn tenth(mut ages: Vec<i64>) -> Self {
        let place = ages.len() / 10;
        if ages.len() <= place {
            return Self { border_s: i64::MIN, left: 0 };
        }
        let (_, border, _) = ages.select_nth_unstable(place);
        Self { border_s: *border, left: place.saturating_add(1) }
    }

    fn takes(&mut self, newest_s: i64) -> bool {
        let takes = self.left > 0 && newest_s <= self.border_s;
        if takes {
            self.left = self.left.saturating_sub(1);
        }
        takes
    }
}
