//! The groups of one correlation: found by key, bounded in number, stored and restored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Sighting;
use super::group::{Entry, Firing, Group};
use super::plan::CorrelationPlan;
use crate::limits::{ENTRIES_PER_RULE_MAX, GROUPS_PER_RULE_MAX};

/// What one correlation remembers.
#[derive(Debug, Default)]
pub(super) struct RuleState {
    groups: BTreeMap<Vec<String>, Group>,
    entries: usize,
    newest: Option<DateTime<Utc>>,
    since_sweep: usize,
    limit_reached: bool,
    limit_reported: bool,
}

/// Sightings between two rounds that forget groups nothing was heard of for long.
const SWEEP_EVERY: usize = 8_192;

impl RuleState {
    /// Takes in a sighting; returns the firing that it completes.
    pub(super) fn take(&mut self, plan: &CorrelationPlan, sighting: Sighting) -> Option<Firing> {
        self.newest = self.newest.max(Some(sighting.entry.at));
        let group = self.groups.entry(sighting.key).or_default();
        let before = group.entries.len();
        let firing = group.take(plan, sighting.entry);
        self.entries = self.entries.saturating_add(group.entries.len()).saturating_sub(before);
        self.since_sweep = self.since_sweep.saturating_add(1);
        if self.since_sweep >= SWEEP_EVERY {
            self.sweep(plan);
        }
        if self.groups.len() > GROUPS_PER_RULE_MAX || self.entries > ENTRIES_PER_RULE_MAX {
            self.sweep(plan);
            if self.groups.len() > GROUPS_PER_RULE_MAX || self.entries > ENTRIES_PER_RULE_MAX {
                self.evict();
            }
        }
        firing
    }

    /// Returns whether a limit has to be reported: once, when the first group had to be forgotten.
    pub(super) const fn report_limit(&mut self) -> bool {
        let report = self.limit_reached && !self.limit_reported;
        self.limit_reported |= report;
        report
    }

    /// Forgets the groups that no window can reach any more.
    fn sweep(&mut self, plan: &CorrelationPlan) {
        self.since_sweep = 0;
        let kept = plan.timespan.checked_mul(2).unwrap_or(plan.timespan);
        let Some(oldest_kept) = self.newest.and_then(|newest| newest.checked_sub_signed(kept))
        else {
            return;
        };
        self.groups.retain(|_, group| group.newest().is_some_and(|newest| newest >= oldest_kept));
        self.count_entries();
    }

    /// Forgets the tenth of the groups that was not heard of for the longest time.
    fn evict(&mut self) {
        self.limit_reached = true;
        let mut ages: Vec<DateTime<Utc>> = self.groups.values().filter_map(Group::newest).collect();
        let place = ages.len() / 10;
        if ages.len() <= place {
            return;
        }
        let (_, border, _) = ages.select_nth_unstable(place);
        let border = *border;
        let mut left = place.saturating_add(1);
        self.groups.retain(|_, group| {
            let old = left > 0 && group.newest().is_none_or(|newest| newest <= border);
            if old {
                left = left.saturating_sub(1);
            }
            !old
        });
        self.count_entries();
    }

    fn count_entries(&mut self) {
        self.entries = self.groups.values().map(|group| group.entries.len()).sum();
    }

    /// Returns what is remembered, to be stored.
    pub(super) fn snapshot(&self, plan: &CorrelationPlan) -> RuleSnapshot {
        let groups = self.groups.iter().map(|(key, group)| GroupSnapshot {
            key: key.clone(),
            entries: group.entries.iter().cloned().collect(),
            last_fired_at: group.last_fired_at,
        });
        RuleSnapshot {
            rule: plan.info.id.clone(),
            fingerprint: plan.fingerprint,
            groups: groups.collect(),
            limit_reported: self.limit_reported,
        }
    }

    /// Returns the memory that was stored.
    pub(super) fn restored(snapshot: RuleSnapshot) -> Self {
        let mut state = Self {
            limit_reached: snapshot.limit_reported,
            limit_reported: snapshot.limit_reported,
            ..Self::default()
        };
        for stored in snapshot.groups {
            let mut entries = stored.entries;
            entries.sort_by_key(|entry| (entry.at, entry.id));
            let group = Group { entries: entries.into(), last_fired_at: stored.last_fired_at };
            state.newest = state.newest.max(group.newest());
            state.groups.insert(stored.key, group);
        }
        state.count_entries();
        state
    }
}

/// All that a correlator remembers, for a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CorrelatorState {
    /// One per correlation.
    pub rules: Vec<RuleSnapshot>,
}

/// What one correlation remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleSnapshot {
    /// The correlation's id.
    pub rule: String,
    /// What the correlation and the rules it counts looked like.
    pub fingerprint: u64,
    /// Its groups.
    pub groups: Vec<GroupSnapshot>,
    /// Its memory limit was reached and reported.
    pub limit_reported: bool,
}

/// What one group remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSnapshot {
    key: Vec<String>,
    entries: Vec<Entry>,
    last_fired_at: Option<DateTime<Utc>>,
}
