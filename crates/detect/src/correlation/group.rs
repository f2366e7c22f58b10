//! What one group remembers, and whether it fires.

use std::collections::HashMap;

use event::{EventId, Finding};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Micros};
use super::judge::{Verdict, judge};
use super::plan::CorrelationPlan;
use super::sums::Sums;
use super::timeline::Timeline;
use crate::ast::CorrelationKind;

/// A correlation that has come true.
#[derive(Debug, PartialEq)]
pub(super) struct Firing {
    /// When the last event of the window happened.
    pub(super) at: Micros,
    pub(super) count: u64,
    /// Oldest first, the newest [`Finding::EVENTS_MAX`] of them.
    pub(super) events: Vec<EventId>,
}

/// What became of an event.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Taken {
    pub(super) firing: Option<Firing>,
    /// It did not fire, and what the group had to give up to a limit might have changed that.
    pub(super) is_cut: bool,
    /// The newest moment of which something was forgotten for its age.
    pub(super) forgotten_until: Option<Micros>,
}

/// The memory of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) entries: Timeline,
    /// When the windows that fired ended, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fired: Vec<Micros>,
    /// Up to here events were given up to the limit of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut_until: Option<Micros>,
    /// When we last heard of it.
    pub(super) heard_at: Micros,
    /// Its turn when we last heard of it: tells apart what came in the same moment.
    pub(super) heard: u64,
    /// Events since repetitions were last thinned out.
    since_thinned: usize,
    /// Of what a rule adds up.
    #[serde(skip)]
    sums: Sums,
}

/// Firings remembered for their quiet times: as many time spans as late events may reach back into.
const FIRINGS_MAX: usize = 64;

/// Entries below which nothing is thinned out: what a person looks at stays whole.
const THINNED_FROM: usize = 256;

/// Repetitions of a rule closer than this part of the time span are thinned out where order counts.
const ORDER_THINNING: i64 = 16;

impl Group {
    /// Takes in the entries of one event: all of them, before any window is judged, for what an event says
    /// it says at once. `kept_from` is the arrival before which entries are forgotten.
    pub(super) fn take(
        &mut self,
        plan: &CorrelationPlan,
        mut newcomers: Vec<Entry>,
        kept_from: Micros,
    ) -> Taken {
        let mut taken = Taken { forgotten_until: self.forget(plan, kept_from), ..Taken::default() };
        newcomers.retain(|entry| self.entries.insert(entry.clone()));
        let Some(at) = newcomers.first().map(|entry| entry.at) else { return taken };
        self.sums.changed(at, plan.span());
        let verdict =
            if self.is_all_quiet(at, plan.span()) { None } else { self.judged(plan, &newcomers) };
        let reach = at.saturating_sub(plan.span());
        taken.is_cut = verdict.is_none()
            && self.cut_until.is_some_and(|until| until >= reach)
            && !self.is_quiet(at, plan.span());
        taken.firing = verdict.map(|verdict| self.fire(&verdict));
        self.thin(plan, newcomers.len());
        while self.entries.len() > plan.entries_max() {
            let given_up = self.entries.pop_front_if(|_| true).map(|entry| entry.at);
            self.cut_until = self.cut_until.max(given_up);
            if let Some(at) = given_up {
                self.sums.changed(at, plan.span());
            }
        }
        taken
    }

    /// Judges the windows that hold these entries of one event. Only of distinct values is each judged apart,
    /// where its windows are none but those that hold no other like it.
    fn judged(&mut self, plan: &CorrelationPlan, newcomers: &[Entry]) -> Option<Verdict> {
        let mut sums = std::mem::take(&mut self.sums);
        let loud_from = |end| self.loud_from(end, plan.span());
        let is_each = plan.counts_different() && plan.grows();
        let each = if is_each { newcomers.len() } else { 1 };
        let verdict = newcomers
            .iter()
            .take(each)
            .find_map(|newcomer| judge(plan, &self.entries, &mut sums, newcomer, loud_from));
        self.sums = sums;
        verdict
    }

    /// Returns whether a window that ends then is in the quiet time around a firing.
    pub(super) fn is_quiet(&self, end: Micros, span: Micros) -> bool {
        self.loud_from(end, span) != end
    }

    /// Returns this moment, or the first after it at which a window may end that is in no quiet time.
    fn loud_from(&self, end: Micros, span: Micros) -> Micros {
        // In the order of time, so what ends one quiet time may only lie in a later one.
        self.fired.iter().fold(end, |end, fired| {
            let is_quiet = fired.saturating_sub(end).saturating_abs() < span;
            if is_quiet { fired.saturating_add(span) } else { end }
        })
    }

    /// Returns whether every window that holds this moment ends in the quiet time of one firing.
    fn is_all_quiet(&self, at: Micros, span: Micros) -> bool {
        let latest = at.saturating_add(span);
        self.fired.iter().any(|fired| (at.saturating_add(1)..latest).contains(fired))
    }

    fn fire(&mut self, verdict: &Verdict) -> Firing {
        let place = self.fired.partition_point(|fired| *fired < verdict.at);
        self.fired.insert(place, verdict.at);
        if self.fired.len() > FIRINGS_MAX {
            self.fired.remove(0);
        }
        let window = self.entries.range(verdict.window.clone());
        // Entries of one event stand beside each other.
        let mut events: Vec<EventId> = window.map(|entry| entry.id).collect();
        events.dedup();
        events.drain(..events.len().saturating_sub(Finding::EVENTS_MAX));
        Firing { at: verdict.at, count: whole(verdict.measured), events }
    }

    /// Forgets what arrived before this; returns the newest moment of it.
    fn forget(&mut self, plan: &CorrelationPlan, kept_from: Micros) -> Option<Micros> {
        let mut until = None;
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.arrived < kept_from) {
            self.sums.changed(entry.at, plan.span());
            until = until.max(Some(moment(&entry)));
        }
        until
    }

    /// Sets back when things were heard of, after our clock was set back.
    pub(super) fn set_back(&mut self, now: Micros) {
        self.heard_at = self.heard_at.min(now);
        for entry in self.entries.iter_mut() {
            entry.arrived = entry.arrived.min(now);
        }
    }

    /// Returns the newest moment that is forgotten with this group.
    pub(super) fn newest(&self) -> Option<Micros> {
        self.entries.iter().map(moment).max()
    }

    /// Removes repetitions that no window needs, now and then, once there are many.
    fn thin(&mut self, plan: &CorrelationPlan, newcomers: usize) {
        self.since_thinned = self.since_thinned.saturating_add(newcomers);
        if self.since_thinned < THINNED_FROM || self.since_thinned < self.entries.len() / 2 {
            return;
        }
        self.since_thinned = 0;
        match plan.kind {
            CorrelationKind::ValueCount | CorrelationKind::Temporal => {
                self.thin_repetitions(plan.span());
            }
            CorrelationKind::TemporalOrdered => self.thin_runs(plan.span() / ORDER_THINNING),
            _ => {}
        }
    }

    /// Of three equal entries within one time span the middle one is in no window without one of
    /// the others.
    fn thin_repetitions(&mut self, span: Micros) {
        let mut kept: Vec<bool> = Vec::with_capacity(self.entries.len());
        // By what is counted: the place of the last one, and the time of the one before.
        let mut last: HashMap<(u16, u128), (usize, Option<Micros>), ahash::RandomState> =
            HashMap::default();
        for (place, entry) in self.entries.iter().enumerate() {
            kept.push(true);
            let (own, before) = last.entry(entry.counted()).or_insert((place, None));
            if *own == place {
                continue;
            }
            let is_close = before.is_some_and(|before| entry.at.saturating_sub(before) <= span);
            if is_close {
                if let Some(middle) = kept.get_mut(*own) {
                    *middle = false;
                }
            } else {
                *before = self.entries.get(*own).map(|own| own.at);
            }
            *own = place;
        }
        self.keep(&kept);
    }

    /// Of a run of one rule without another between, the first and the last stand for the others.
    fn thin_runs(&mut self, span: Micros) {
        let mut kept: Vec<bool> = Vec::with_capacity(self.entries.len());
        let mut run: Option<(u16, Micros)> = None;
        let mut entries = self.entries.iter().peekable();
        let mut is_first = true;
        while let Some(entry) = entries.next() {
            let goes_on = run.is_some_and(|(input, from)| {
                input == entry.input && entry.at.saturating_sub(from) <= span
            });
            if !goes_on {
                run = Some((entry.input, entry.at));
                is_first = true;
            }
            let is_last = entries.peek().is_none_or(|next| {
                next.input != entry.input
                    || run.is_none_or(|(_, from)| next.at.saturating_sub(from) > span)
            });
            kept.push(is_first || is_last);
            is_first = false;
        }
        drop(entries);
        self.keep(&kept);
    }

    fn keep(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.entries.retain(|_| kept.next().copied().unwrap_or(true));
    }
}

/// Returns the moment up to which windows miss an entry that is forgotten. A clock that is ahead does
/// not count: it would make the others late.
fn moment(entry: &Entry) -> Micros {
    entry.at.min(entry.arrived)
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
