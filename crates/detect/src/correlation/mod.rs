//! Rules over several events: counting, order and togetherness in time.
//!
//! * Time is the events' own ([`event::Event::occurred_at`]), windows slide and include both ends: two
//!   events exactly one `timespan` apart are in one window.
//! * An event dated more than an hour after its collection counts as of its collection.
//! * Events may come late and in any order. A late event opens every window it belongs to, as long as
//!   its fellows are remembered: two time spans back from the newest event of the group.
//! * A group is one combination of the `group-by` values *of one agency*: the same account name or
//!   internal address at two agencies is two different things. Values compare without regard to case.
//!   An event that lacks one of the fields belongs to no group.
//! * After firing, a group is quiet for one time span: it fires at most once per time span.
//! * `gt`/`gte` look at every window around the event. `lt`, `lte`, `eq`, `neq`, sums and averages are
//!   judged on the window that ends with the event, each time one comes.
//! * `temporal_ordered` takes equal times as being in order: many logs tell only the second.
//! * Memory is bounded (see `limits.rs`); when a limit cuts something off that could have mattered, a
//!   finding of the rule [`LIMIT_RULE`] says so, once per rule.

mod group;
mod plan;
mod state;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use event::{Event, Finding, Match, Severity};

use crate::entity;
use crate::letter_case::fold;
use crate::limits::GROUP_VALUE_BYTES_MAX;
use crate::rule_set::RuleSet;
use crate::taxonomy;
use crate::test_value::as_number;

use group::{Entry, Firing};
pub(crate) use plan::{CorrelationPlan, Planned, plan};
use state::RuleState;
pub use state::{CorrelatorState, GroupSnapshot, RuleSnapshot};

/// The rule id of the finding that says that a correlation reached a memory limit.
pub const LIMIT_RULE: &str = "luytre-correlation-limit";

/// How far a sender's clock may run ahead of ours before its word on the time is not taken.
const AHEAD_MAX: Duration = Duration::hours(1);

/// Follows all correlations of a rule set.
#[derive(Debug, Default)]
pub struct Correlator {
    /// One per plan, in the same order.
    states: Vec<RuleState>,
    /// By number of rule (correlations after the rules): the plans and inputs it feeds.
    feeds: BTreeMap<usize, Vec<(usize, usize)>>,
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
        Self { states, feeds }
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
        if self.states.is_empty() || fired.is_empty() {
            return;
        }
        let mut waiting: BTreeSet<(usize, usize)> = BTreeSet::new();
        for number in fired {
            waiting.extend(self.feeds.get(number).into_iter().flatten());
        }
        // Plans stand in the order of their chains, so a firing only ever feeds a later one.
        let mut groups: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
        while let Some((number, input)) = waiting.pop_first() {
            let Some(plan) = rules.correlations.get(number) else { continue };
            let Some(state) = self.states.get_mut(number) else { continue };
            let Some(source) = plan.inputs.get(input) else { continue };
            let lower = source.source.checked_sub(rules.rules.len());
            let inherited = lower.and_then(|lower| groups.get(&lower));
            let Some(sighting) = sighting(plan, input, event, inherited) else { continue };
            let shown = sighting.shown.clone();
            let firing = state.take(plan, sighting);
            if state.report_limit() {
                findings.push(limit_finding(plan, event));
            }
            let Some(firing) = firing else { continue };
            if plan.info.is_audible {
                findings.push(finding(plan, event, &firing, &shown));
            }
            let own = rules.rules.len().saturating_add(number);
            waiting.extend(self.feeds.get(&own).into_iter().flatten());
            groups.insert(number, shown);
        }
    }

    /// Returns all that is remembered, to be stored.
    pub fn state(&self, rules: &RuleSet) -> CorrelatorState {
        let pairs = rules.correlations.iter().zip(&self.states);
        CorrelatorState { rules: pairs.map(|(plan, state)| state.snapshot(plan)).collect() }
    }

    /// Takes up what was stored, for the rules that are still the same (the correlation itself and
    /// every rule it counts). What belongs to a changed rule is dropped: its counts would be wrong.
    pub fn restore(&mut self, rules: &RuleSet, stored: CorrelatorState) {
        for snapshot in stored.rules {
            let place = rules.correlations.iter().position(|plan| {
                plan.info.id == snapshot.rule && plan.fingerprint == snapshot.fingerprint
            });
            if let Some(state) = place.and_then(|place| self.states.get_mut(place)) {
                *state = RuleState::restored(snapshot);
            }
        }
    }
}

/// One event as one correlation sees it.
#[derive(Debug)]
struct Sighting {
    key: Vec<String>,
    /// Group-by names with the values as the event wrote them.
    shown: Vec<(String, String)>,
    entry: Entry,
}

/// Returns how a correlation sees an event; `None` if the event lacks what it groups by or counts.
fn sighting(
    plan: &CorrelationPlan,
    input_number: usize,
    event: &Event,
    inherited: Option<&Vec<(String, String)>>,
) -> Option<Sighting> {
    let input = plan.inputs.get(input_number)?;
    let value_of = |name: &str| {
        let own = inherited.and_then(|group| group.iter().find(|(field, _)| field == name));
        if let Some((_, value)) = own {
            return Some(value.clone());
        }
        let text = taxonomy::field(event, name)?.text();
        (!text.is_empty()).then(|| cut(&text))
    };
    let mut key = vec![event.origin.agency.to_string()];
    let mut shown = Vec::with_capacity(plan.group_by.len());
    for (name, field) in plan.group_by.iter().zip(&input.group_fields) {
        let value = value_of(field)?;
        key.push(fold(&value));
        shown.push((name.clone(), value));
    }
    let (mut value, mut number) = (None, None);
    if plan.counts_distinct() {
        let values: Option<Vec<String>> =
            input.counted_fields.iter().map(|field| value_of(field)).collect();
        value = Some(values?.join("\u{1f}"));
    } else if plan.sums() {
        let field = input.counted_fields.first()?;
        number = Some(taxonomy::field(event, field).and_then(as_number)?);
    }
    let entry = Entry { at: time_of(event), id: event.id, input: input_number, value, number };
    Some(Sighting { key, shown, entry })
}

/// Returns when the event counts as having happened. A sender that dates an event into the future
/// must not make a group forget everything else: such an event counts when it was collected.
fn time_of(event: &Event) -> DateTime<Utc> {
    let latest = event.collected_at.checked_add_signed(AHEAD_MAX).unwrap_or(event.collected_at);
    if event.occurred_at > latest { event.collected_at } else { event.occurred_at }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(GROUP_VALUE_BYTES_MAX);
    text.get(..end).unwrap_or(text).to_owned()
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

fn limit_finding(plan: &CorrelationPlan, event: &Event) -> Finding {
    Finding {
        rule: LIMIT_RULE.to_owned(),
        title: "A correlation rule reached its memory limit and forgot its oldest groups"
            .to_owned(),
        title_vi: Some(
            "Một quy tắc tương quan đã chạm giới hạn bộ nhớ và quên các nhóm cũ nhất".to_owned(),
        ),
        severity: Severity::Medium,
        tags: Vec::new(),
        event: event.id,
        events: vec![event.id],
        origin: event.origin,
        occurred_at: event.occurred_at,
        entity: entity::source(event),
        matched: vec![Match {
            selection: plan.info.id.clone(),
            field: plan.group_by.join(", "),
            value: plan.info.title.clone(),
            pattern: format!("at most {} groups", crate::limits::GROUPS_PER_RULE_MAX),
            ..Match::default()
        }],
        count: 1,
    }
}
