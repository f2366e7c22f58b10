//! Rules over several events: counting, order and togetherness in time.
//!
//! * Time is the events' own ([`event::Event::occurred_at`]), windows slide and include both ends: two
//!   events exactly one `timespan` apart are in one window.
//! * An event dated more than an hour after its collection counts as of its collection.
//! * Events may come late and in any order. A late event stands in every window it belongs to, as long
//!   as its fellows are remembered: one time span and [`crate::limits::LATENESS`] from *their arrival on*. So the
//!   backlog of a sender that was cut off for a day is judged like any other, a sender whose clock is
//!   ahead makes nobody forget, and an event that finds its fellows gone is reported ([`LATE_RULE`]).
//! * A group is one combination of the `group-by` values *of one agency*: the same account name or
//!   internal address at two agencies is two different things. Values compare without regard to case.
//!   An event that lacks one of the fields (absent, null, empty) belongs to no group; a list is one
//!   value, its members joined. Of a *counted* field each member of a list is a value of its own.
//! * An event is counted once, whichever of the rules saw it and however often it is played again.
//! * After firing, a group is quiet for one time span before and after: it fires at most once in it.
//! * `gt`/`gte` over counts, and order, look at every window that holds the event. So do sums, averages
//!   and other comparisons with up to a thousand events around; past them, and for percentiles, a late
//!   event is judged in its own window and in the newest one that holds it.
//! * `temporal_ordered` takes equal times as being in order: many logs tell only the second.
//! * Memory is bounded (see `limits.rs`); when a limit cuts something off that could have mattered, a
//!   finding of the rule [`LIMIT_RULE`] says of which rule, how much and which limit.
//!
//! Source: Sigma correlation rules specification 2.1.

mod entry;
mod group;
mod judge;
mod loss;
mod plan;
mod state;
mod sums;
mod timeline;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use event::{Event, Finding, Match, Value};

use crate::entity;
use crate::limits::{CLOCK_AHEAD_MAX, ENTRIES_MAX, GROUPS_MAX, VALUES_PER_EVENT_MAX};
use crate::rule_set::RuleSet;
use crate::taxonomy;
use crate::test_value::as_number;

use entry::{Digest, Entry, Measure, Micros};
use group::Firing;
pub use loss::{LATE_RULE, LIMIT_RULE};
use plan::Input;
pub(crate) use plan::{CorrelationPlan, Planned, plan};
pub use state::CorrelatorState;
use state::RuleState;

/// Follows all correlations of a rule set.
#[derive(Debug, Default)]
pub struct Correlator {
    /// One per plan, in the same order.
    states: Vec<RuleState>,
    /// By number of rule (correlations after the rules): the plans and inputs it feeds.
    feeds: BTreeMap<usize, Vec<(usize, usize)>>,
    clock: ArrivalClock,
}

/// Goes forward with the newest collection.
#[derive(Debug, Default)]
struct ArrivalClock {
    now: Option<Micros>,
    /// Events in a row that were collected long before, and the newest of them.
    behind: (u32, Micros),
    /// What happened is all at hand: time does not pass.
    stands_still: bool,
}

/// Events in a row after which our own clock must have been set back. Fewer can be what was kept
/// aside and is played again.
const SET_BACK_AFTER: u32 = 10_000;

impl ArrivalClock {
    /// Takes in when an event was collected; returns the time, and whether it was set back.
    fn tick(&mut self, collected: Micros) -> (Micros, bool) {
        if self.stands_still {
            return (0, false);
        }
        let ahead = CLOCK_AHEAD_MAX.num_microseconds().unwrap_or_default();
        let before = self.now.unwrap_or(collected);
        if before.saturating_sub(collected) <= ahead {
            self.behind = (0, Micros::MIN);
        } else {
            let (count, newest) = self.behind;
            self.behind = (count.saturating_add(1), newest.max(collected));
            if count >= SET_BACK_AFTER {
                let now = self.behind.1;
                *self = Self { now: Some(now), behind: (0, Micros::MIN), stands_still: false };
                return (now, true);
            }
        }
        let now = before.max(collected);
        self.now = Some(now);
        (now, false)
    }
}

/// What was remembered of a correlation and is of no more use, for it has changed or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The correlation's id.
    pub rule: String,
    /// Groups that had something remembered.
    pub groups: usize,
}

impl Correlator {
    /// Returns a correlator that has seen nothing yet.
    pub fn new(rules: &RuleSet) -> Self {
        let mut feeds: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, plan) in rules.correlations.iter().enumerate() {
            for (input_number, input) in plan.inputs.iter().enumerate() {
                feeds.entry(input.source).or_default().push((number, input_number));
            }
        }
        let states = rules.correlations.iter().map(|_| RuleState::default()).collect();
        Self { states, feeds, clock: ArrivalClock::default() }
    }

    /// Returns a correlator for a past that is all at hand: nothing is forgotten for its age, in
    /// whatever order it is read.
    pub fn over_past(rules: &RuleSet) -> Self {
        let clock = ArrivalClock { stands_still: true, ..ArrivalClock::default() };
        Self { clock, ..Self::new(rules) }
    }

    /// Takes in one event and the numbers of the rules that fired on it; adds the findings of the
    /// correlations that this completes.
    pub(crate) fn observe(
        &mut self,
        rules: &RuleSet,
        event: &Event,
        fired: &[usize],
        findings: &mut Vec<Finding>,
    ) {
        let mut waiting: BTreeSet<(usize, usize)> = BTreeSet::new();
        for number in fired {
            waiting.extend(self.feeds.get(number).into_iter().flatten());
        }
        if waiting.is_empty() {
            return;
        }
        let (now, was_set_back) = self.clock.tick(event.collected_at.timestamp_micros());
        if was_set_back {
            self.states.iter_mut().for_each(|state| state.set_back(now));
        }
        let mut has_told = false;
        // Plans stand in the order of their chains, so a firing only ever feeds a later one.
        let mut lower: BTreeMap<usize, Lower> = BTreeMap::new();
        while let Some((number, input)) = waiting.pop_first() {
            let Some(plan) = rules.correlations.get(number) else { continue };
            let Some(state) = self.states.get_mut(number) else { continue };
            let Some(source) = plan.inputs.get(input) else { continue };
            let below = source.source.checked_sub(rules.rules.len());
            let below = below.and_then(|below| lower.get(&below));
            let seen = Seen { event, now, below };
            let Some(sighting) = sighting(plan, input, &seen) else { continue };
            let shown = sighting.shown.clone();
            let firing = state.take(plan, sighting);
            // Findings of one rule on one event are one finding: the next one waits for its turn.
            if !has_told {
                let told = findings.len();
                findings.extend(state.losses.tell(plan, event, now));
                has_told = findings.len() > told;
            }
            let Some(firing) = firing else { continue };
            if plan.info.is_audible {
                findings.push(finding(plan, event, &firing, &shown));
            }
            let own = rules.rules.len().saturating_add(number);
            waiting.extend(self.feeds.get(&own).into_iter().flatten());
            lower.insert(number, Lower { shown, at: firing.at });
        }
        self.keep_limits();
    }

    /// Adds the findings of what could not be judged and was not told yet; `event` is the last of a past.
    pub(crate) fn tell_losses(
        &mut self,
        rules: &RuleSet,
        event: &Event,
        findings: &mut Vec<Finding>,
    ) {
        for (plan, state) in rules.correlations.iter().zip(&mut self.states) {
            findings.extend(state.losses.tell_rest(plan, event));
        }
    }

    /// Lets the rule that holds the most give some up, while all together hold too much.
    fn keep_limits(&mut self) {
        let groups: usize = self.states.iter().map(RuleState::groups).sum();
        let entries: usize = self.states.iter().map(RuleState::entries).sum();
        if groups > GROUPS_MAX {
            self.states.iter_mut().max_by_key(|state| state.groups()).map(RuleState::give_up);
        } else if entries > ENTRIES_MAX {
            self.states.iter_mut().max_by_key(|state| state.entries()).map(RuleState::give_up);
        }
    }

    /// Returns all that is remembered, to be stored.
    pub(crate) fn state(&self, rules: &RuleSet) -> CorrelatorState {
        let pairs = rules.correlations.iter().zip(&self.states);
        CorrelatorState {
            now: self.clock.now,
            rules: pairs.map(|(plan, state)| state.snapshot(plan)).collect(),
        }
    }

    /// Takes up what was stored, for the rules that are still the same (the correlation itself and
    /// every rule it counts). What belongs to a changed rule is dropped, for its counts would be
    /// wrong, and returned.
    pub(crate) fn restore(&mut self, rules: &RuleSet, stored: CorrelatorState) -> Vec<Dropped> {
        self.clock.now = stored.now;
        let mut dropped = Vec::new();
        for snapshot in stored.rules {
            let place = rules.correlations.iter().position(|plan| {
                plan.info.id == snapshot.rule && plan.fingerprint == snapshot.fingerprint
            });
            match place.and_then(|place| self.states.get_mut(place)) {
                Some(state) => *state = RuleState::restored(snapshot),
                None if snapshot.groups.is_empty() => {}
                None => {
                    dropped.push(Dropped { rule: snapshot.rule, groups: snapshot.groups.len() });
                }
            }
        }
        dropped
    }

    /// Goes over to other rules, with what is remembered of those that stay the same. Returns what
    /// was dropped.
    pub(crate) fn swap(&mut self, old: &RuleSet, new: &RuleSet) -> Vec<Dropped> {
        let mut next = Self { clock: std::mem::take(&mut self.clock), ..Self::new(new) };
        let mut dropped = Vec::new();
        for (plan, state) in old.correlations.iter().zip(std::mem::take(&mut self.states)) {
            let place = new
                .correlations
                .iter()
                .position(|own| own.info.id == plan.info.id && own.fingerprint == plan.fingerprint);
            match place.and_then(|place| next.states.get_mut(place)) {
                Some(own) => *own = state,
                None if state.groups() == 0 => {}
                None => {
                    dropped.push(Dropped { rule: plan.info.id.clone(), groups: state.groups() });
                }
            }
        }
        *self = next;
        dropped
    }
}

/// A correlation that has just fired, for those that count it.
#[derive(Debug)]
struct Lower {
    shown: Vec<(String, String)>,
    at: Micros,
}

/// What is looked at.
#[derive(Debug)]
struct Seen<'a> {
    event: &'a Event,
    now: Micros,
    /// The correlation whose firing is counted, if it is one.
    below: Option<&'a Lower>,
}

impl<'a> Seen<'a> {
    /// Returns what the correlation below shows under a name.
    fn shown(&self, name: &str) -> Option<&'a str> {
        let mut shown = self.below?.shown.iter();
        shown.find_map(|(field, value)| (field == name).then_some(value.as_str()))
    }

    /// Returns the texts under a name, empty ones apart.
    fn texts(&self, name: &str) -> Vec<Cow<'a, str>> {
        if let Some(value) = self.shown(name) {
            return vec![Cow::Borrowed(value)];
        }
        let value = taxonomy::field(self.event, name);
        let texts = value.into_iter().flat_map(Value::members).map(Value::text);
        texts.filter(|text| !text.is_empty()).collect()
    }
}

/// One event as one correlation sees it.
#[derive(Debug)]
struct Sighting {
    key: u128,
    /// Group-by names with the values as the event wrote them.
    shown: Vec<(String, String)>,
    /// One, or one for each value that is counted.
    entries: Vec<Entry>,
}

/// Returns how a correlation sees an event; `None` if the event lacks what it groups by or counts.
fn sighting(plan: &CorrelationPlan, input_number: usize, seen: &Seen<'_>) -> Option<Sighting> {
    let input = plan.inputs.get(input_number)?;
    let Seen { event, now, below } = *seen;
    let value_of = |name: &str| {
        if let Some(value) = seen.shown(name) {
            return Some(value.to_owned());
        }
        let text = taxonomy::field(event, name)?.text();
        (!text.is_empty()).then(|| text.into_owned())
    };
    let mut key = Digest::default();
    key.bytes(event.origin.agency.uuid().as_bytes());
    let mut shown = Vec::with_capacity(plan.group_by.len());
    for (name, field) in plan.group_by.iter().zip(&input.group_fields) {
        let value = value_of(field)?;
        key.text(&value);
        shown.push((name.clone(), cut(value)));
    }
    let at = below.map_or_else(|| time_of(event).timestamp_micros(), |below| below.at);
    let entry = |(place, measure)| {
        let input = if plan.tells_rules_apart() { input_number } else { place };
        let input = u16::try_from(input).ok()?;
        Some(Entry { at, arrived: now, id: event.id, input, measure })
    };
    let entries: Vec<Entry> =
        measures(plan, input, seen).into_iter().enumerate().filter_map(entry).collect();
    (!entries.is_empty()).then(|| Sighting { key: key.done(), shown, entries })
}

/// Returns what is counted of an event; nothing if it lacks what the correlation counts.
fn measures(plan: &CorrelationPlan, input: &Input, seen: &Seen<'_>) -> Vec<Measure> {
    if plan.counts_distinct() {
        return values(input, seen);
    }
    if !plan.sums() {
        return vec![Measure::Nothing];
    }
    let value = input.counted_fields.first().and_then(|name| taxonomy::field(seen.event, name));
    let numbers = value.into_iter().flat_map(Value::members).filter_map(as_number);
    let numbers = numbers.filter(|number| number.is_finite()).map(Measure::Number);
    let numbers: Vec<Measure> = numbers.take(VALUES_PER_EVENT_MAX).collect();
    if numbers.is_empty() && plan.ranks() { values(input, seen) } else { numbers }
}

/// Returns the values of the counted fields: each member of a list is one, with several fields each
/// combination of theirs.
fn values(input: &Input, seen: &Seen<'_>) -> Vec<Measure> {
    let mut rows: Vec<Vec<Cow<'_, str>>> = vec![Vec::new()];
    for field in &input.counted_fields {
        let texts = seen.texts(field);
        let mut longer = Vec::new();
        for row in &rows {
            let left = VALUES_PER_EVENT_MAX.saturating_sub(longer.len());
            for text in texts.iter().take(left) {
                longer.push([row.as_slice(), std::slice::from_ref(text)].concat());
            }
        }
        rows = longer;
    }
    let digest = |row: Vec<Cow<'_, str>>| {
        let mut digest = Digest::default();
        for text in &row {
            digest.text(text);
        }
        Measure::Value(digest.done())
    };
    rows.into_iter().map(digest).collect()
}

/// Returns when the event counts as having happened. A sender that dates an event into the future
/// must not make a group forget everything else: such an event counts when it was collected.
pub(crate) fn time_of(event: &Event) -> DateTime<Utc> {
    let latest = event.collected_at.checked_add_signed(CLOCK_AHEAD_MAX);
    if latest.is_some_and(|latest| event.occurred_at > latest) {
        event.collected_at
    } else {
        event.occurred_at
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(Match::VALUE_CHARS_MAX));
    text
}

fn finding(
    plan: &CorrelationPlan,
    event: &Event,
    firing: &Firing,
    shown: &[(String, String)],
) -> Finding {
    let mut matched: Vec<Match> = shown
        .iter()
        .map(|(field, value)| Match {
            selection: "group-by".to_owned(),
            field: field.clone(),
            value: value.clone(),
            pattern: String::new(),
            ..Match::default()
        })
        .collect();
    matched.push(Match {
        selection: plan.kind_word().to_owned(),
        field: plan.threshold.fields.join(", "),
        value: firing.count.to_string(),
        pattern: plan.written(),
        ..Match::default()
    });
    Finding {
        rule: plan.info.id.clone(),
        title: plan.info.title.clone(),
        title_vi: plan.info.title_vi.clone(),
        severity: plan.info.level,
        tags: plan.info.tags.clone(),
        event: event.id,
        events: firing.events.clone(),
        origin: event.origin,
        occurred_at: event.occurred_at,
        entity: entity::of_group(&plan.entity_fields(shown), event),
        matched,
        count: firing.count,
    }
}
