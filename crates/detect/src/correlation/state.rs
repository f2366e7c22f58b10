//! The groups of one correlation: found by key, bounded in number, stored and restored.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Sighting;
use super::entry::Micros;
use super::group::{Firing, Group};
use super::loss::Losses;
use super::plan::CorrelationPlan;
use crate::limits::{ENTRIES_PER_RULE_MAX, GROUPS_PER_RULE_MAX};

/// What one correlation remembers.
#[derive(Debug, Default)]
pub(super) struct RuleState {
    groups: HashMap<u128, Group, ahash::RandomState>,
    entries: usize,
    /// The newest moment of which something was forgotten for its age.
    forgotten_until: Option<Micros>,
    taken: u64,
    since_sweep: usize,
    pub(super) losses: Losses,
}

/// Sightings between two rounds that forget groups nothing was heard of for long.
const SWEEP_EVERY: usize = 8_192;

/// The part of its groups or entries that is given up when a limit is reached: each round looks at
/// all of them, so it must be worth it.
const GIVEN_UP: usize = 10;

impl RuleState {
    /// Takes in a sighting; returns the firing that it completes.
    pub(super) fn take(&mut self, plan: &CorrelationPlan, sighting: Sighting) -> Option<Firing> {
        let first = sighting.entries.first()?;
        let (now, at) = (first.arrived, first.at);
        let kept_from = now.saturating_sub(plan.kept());
        self.since_sweep = self.since_sweep.saturating_add(1);
        if self.since_sweep >= SWEEP_EVERY {
            self.sweep(kept_from);
        }
        self.taken = self.taken.saturating_add(1);
        let group = self.groups.entry(sighting.key).or_default();
        (group.heard_at, group.heard) = (now, self.taken);
        let before = group.entries.len();
        let taken = group.take(plan, sighting.entries, kept_from);
        self.entries = self.entries.saturating_add(group.entries.len()).saturating_sub(before);
        self.forgotten_until = self.forgotten_until.max(taken.forgotten_until);
        let reach = at.saturating_sub(plan.span());
        let is_late = self.forgotten_until.is_some_and(|until| until >= reach);
        if is_late && taken.firing.is_none() && !group.is_quiet(at, plan.span()) {
            self.losses.late = self.losses.late.saturating_add(1);
        }
        self.losses.cut_windows = self.losses.cut_windows.saturating_add(u64::from(taken.is_cut));
        self.keep_limits(kept_from);
        taken.firing
    }

    fn keep_limits(&mut self, kept_from: Micros) {
        let is_over =
            |own: &Self| own.groups() > GROUPS_PER_RULE_MAX || own.entries > ENTRIES_PER_RULE_MAX;
        if is_over(self) {
            self.sweep(kept_from);
        }
        if is_over(self) {
            self.give_up();
        }
    }

    /// Returns how many groups are followed.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Returns how many events are remembered.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    /// Forgets the groups that nothing was heard of since.
    fn sweep(&mut self, kept_from: Micros) {
        self.since_sweep = 0;
        let (mut until, mut gone) = (self.forgotten_until, 0_usize);
        self.groups.retain(|_, group| {
            let is_kept = group.heard_at >= kept_from;
            if !is_kept {
                until = until.max(group.newest());
                gone = gone.saturating_add(group.entries.len());
            }
            is_kept
        });
        self.forgotten_until = until;
        self.entries = self.entries.saturating_sub(gone);
    }

    /// Gives up a tenth of the groups, or as many as hold a tenth of the events: first those that a
    /// single event made, as a flood of invented names does, then those not heard of for longest.
    pub(super) fn give_up(&mut self) {
        let groups = self.groups().div_ceil(GIVEN_UP);
        let entries = if self.entries > ENTRIES_PER_RULE_MAX { self.entries / GIVEN_UP } else { 0 };
        let mut order: Vec<(bool, u64, u128)> = self
            .groups
            .iter()
            .map(|(key, group)| (group.entries.len() > 1, group.heard, *key))
            .collect();
        order.sort_unstable();
        let (mut groups_gone, mut entries_gone) = (0_usize, 0_usize);
        for (_, _, key) in order {
            if groups_gone >= groups && entries_gone >= entries {
                break;
            }
            if let Some(group) = self.groups.remove(&key) {
                groups_gone = groups_gone.saturating_add(1);
                entries_gone = entries_gone.saturating_add(group.entries.len());
            }
        }
        self.entries = self.entries.saturating_sub(entries_gone);
        self.losses.give_up(groups_gone, entries_gone);
    }

    /// Returns what is remembered, to be stored.
    pub(super) fn snapshot(&self, plan: &CorrelationPlan) -> RuleSnapshot {
        let mut groups: Vec<GroupSnapshot> = self
            .groups
            .iter()
            .map(|(key, group)| GroupSnapshot { key: *key, group: group.clone() })
            .collect();
        groups.sort_unstable_by_key(|group| group.key);
        RuleSnapshot {
            rule: plan.info.id.clone(),
            fingerprint: plan.fingerprint,
            groups,
            forgotten_until: self.forgotten_until,
            losses: self.losses.clone(),
        }
    }

    /// Returns the memory that was stored.
    pub(super) fn restored(snapshot: RuleSnapshot) -> Self {
        let mut state = Self {
            forgotten_until: snapshot.forgotten_until,
            losses: snapshot.losses,
            ..Self::default()
        };
        for GroupSnapshot { key, group } in snapshot.groups {
            state.taken = state.taken.max(group.heard);
            state.entries = state.entries.saturating_add(group.entries.len());
            state.groups.insert(key, group);
        }
        while state.groups() > GROUPS_PER_RULE_MAX || state.entries > ENTRIES_PER_RULE_MAX {
            state.give_up();
        }
        state
    }

    /// Sets back when things were heard of, after our clock was set back.
    pub(super) fn set_back(&mut self, now: Micros) {
        self.losses.set_back(now);
        self.groups.values_mut().for_each(|group| group.set_back(now));
    }
}

/// All that a correlator remembers, for a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CorrelatorState {
    /// The newest moment at which an event was collected, in microseconds since 1970.
    pub(super) now: Option<Micros>,
    /// One per correlation.
    pub(super) rules: Vec<RuleSnapshot>,
}

/// What one correlation remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleSnapshot {
    /// The correlation's id.
    pub(super) rule: String,
    /// What the correlation and the rules it counts looked like.
    pub(super) fingerprint: u64,
    pub(super) groups: Vec<GroupSnapshot>,
    #[serde(default)]
    pub(super) forgotten_until: Option<Micros>,
    #[serde(default)]
    pub(super) losses: Losses,
}

/// What one group remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupSnapshot {
    pub(super) key: u128,
    pub(super) group: Group,
}
