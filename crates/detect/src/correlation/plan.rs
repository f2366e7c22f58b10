//! Correlations with their references resolved, in the order of their chains.

use std::collections::BTreeMap;

use chrono::Duration;

use crate::ast::{Comparison, Correlation, CorrelationKind, Rule, Threshold};
use crate::error::{Fault, RuleError};
use crate::fingerprint::Fingerprint;
use crate::info::RuleInfo;
use crate::limits::{
    CORRELATION_CHAIN_MAX, ENTRIES_PER_GROUP_MAX, LATENESS, ORDERED_ENTRIES_PER_GROUP_MAX,
};
use crate::names::Names;

use super::entry::Micros;
use super::judge::float;

/// A correlation ready to run.
#[derive(Debug)]
pub(crate) struct CorrelationPlan {
    pub(crate) info: RuleInfo,
    pub(super) kind: CorrelationKind,
    pub(super) inputs: Vec<Input>,
    pub(super) group_by: Vec<String>,
    pub(super) timespan: Duration,
    pub(super) threshold: Threshold,
    /// Changes when the correlation or any rule it counts changes.
    pub(super) fingerprint: u64,
}

/// One rule that a correlation counts.
#[derive(Debug)]
pub(super) struct Input {
    /// The rule's number; correlations are numbered after the rules, in the order of the plans.
    pub(super) source: usize,
    /// The field for each `group-by` name.
    pub(super) group_fields: Vec<String>,
    pub(super) counted_fields: Vec<String>,
}

/// What planning came to.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) plans: Vec<CorrelationPlan>,
    /// Rules that only feed correlations: their own findings are not wanted.
    pub(crate) silent_rules: Vec<usize>,
    pub(crate) faults: Vec<RuleError>,
}

/// Resolves all correlations. `names` numbers correlations (in the order given) after the rules.
pub(crate) fn plan(correlations: &[Correlation], rules: &[Rule], names: &Names) -> Planned {
    let mut planned = Planned::default();
    // By number as `names` has it: the number as the plans have it.
    let mut numbers: BTreeMap<usize, usize> = (0..rules.len()).map(|own| (own, own)).collect();
    let mut open: Vec<usize> = (0..correlations.len()).collect();
    // Each round takes the correlations whose rules are all planned: one link of the chains.
    for _ in 0..CORRELATION_CHAIN_MAX {
        let mut later = Vec::new();
        for index in std::mem::take(&mut open) {
            let Some(correlation) = correlations.get(index) else { continue };
            match sources(correlation, names, &numbers) {
                Ok(Some(sources)) => {
                    let number = rules.len().saturating_add(planned.plans.len());
                    numbers.insert(rules.len().saturating_add(index), number);
                    let plan = one(correlation, &sources, rules, &planned.plans, names);
                    planned.plans.push(plan);
                }
                Ok(None) => later.push(index),
                Err(fault) => planned.faults.push(reported(correlation, fault)),
            }
        }
        open = later;
    }
    for correlation in open.into_iter().filter_map(|index| correlations.get(index)) {
        let fault =
            Fault::rule(correlation.at, "a rule it counts was refused, or counts it in turn")
                .hint("mend that rule first; a chain may be 8 correlations long");
        planned.faults.push(reported(correlation, fault));
    }
    silence(correlations, rules.len(), names, &numbers, &mut planned);
    planned
}

fn reported(correlation: &Correlation, fault: Fault) -> RuleError {
    fault.in_file(&correlation.info.path, Some(&correlation.info.title))
}

/// Returns the numbers of the rules it counts; `None` if one of them is not planned yet.
fn sources(
    correlation: &Correlation,
    names: &Names,
    numbers: &BTreeMap<usize, usize>,
) -> Result<Option<Vec<usize>>, Fault> {
    let mut sources = Vec::new();
    let mut counted = Vec::new();
    let mut all_known = true;
    for (name, at) in &correlation.rules {
        let number = names.find(name, *at)?;
        counted.push(number);
        match numbers.get(&number) {
            Some(number) => sources.push(*number),
            None => all_known = false,
        }
    }
    for (name, at) in &correlation.aliased_rules {
        if !counted.contains(&names.find(name, *at)?) {
            let message = format!("the alias is for `{name}`, which is none of `rules`");
            return Err(Fault::rule(*at, message));
        }
    }
    Ok(all_known.then_some(sources))
}

fn one(
    correlation: &Correlation,
    sources: &[usize],
    rules: &[Rule],
    plans: &[CorrelationPlan],
    names: &Names,
) -> CorrelationPlan {
    let mut fingerprint = Fingerprint::default();
    let Correlation { kind, group_by, aliases, timespan, threshold, .. } = correlation;
    fingerprint.take(&format!("{kind:?} {group_by:?} {aliases:?} {timespan:?} {threshold:?}"));
    let mut inputs = Vec::with_capacity(sources.len());
    for (source, (written, _)) in sources.iter().zip(&correlation.rules) {
        if let Some(rule) = rules.get(*source) {
            let Rule { info, search, filters, .. } = rule;
            fingerprint.take(&format!("{:?} {search:?} {filters:?}", info.logsource));
        }
        let lower = source.checked_sub(rules.len()).and_then(|lower| plans.get(lower));
        if let Some(lower) = lower {
            fingerprint.take(&lower.fingerprint.to_string());
        }
        let number = names.number(written);
        let field = |name: &String| {
            let mut by_rule = aliases.get(name).into_iter().flatten();
            let alias = by_rule.find(|(rule, _)| names.number(rule) == number);
            alias.map_or(name, |(_, field)| field).clone()
        };
        inputs.push(Input {
            source: *source,
            group_fields: group_by.iter().map(field).collect(),
            counted_fields: threshold.fields.iter().map(field).collect(),
        });
    }
    CorrelationPlan {
        info: correlation.info.clone(),
        kind: *kind,
        inputs,
        group_by: group_by.clone(),
        timespan: *timespan,
        threshold: threshold.clone(),
        fingerprint: fingerprint.value(),
    }
}

/// Silences the rules that only feed correlations: those that no correlation keeps audible.
fn silence(
    correlations: &[Correlation],
    rules: usize,
    names: &Names,
    numbers: &BTreeMap<usize, usize>,
    planned: &mut Planned,
) {
    let mut audible: BTreeMap<usize, bool> = BTreeMap::new();
    for (index, correlation) in correlations.iter().enumerate() {
        let refused = !numbers.contains_key(&rules.saturating_add(index));
        for (name, _) in &correlation.rules {
            let number = names.number(name).and_then(|number| numbers.get(&number));
            if let Some(number) = number {
                // A refused correlation silences nothing.
                *audible.entry(*number).or_default() |= correlation.generate || refused;
            }
        }
    }
    for (number, _) in audible.into_iter().filter(|(_, audible)| !audible) {
        match number.checked_sub(rules) {
            None => planned.silent_rules.push(number),
            Some(lower) => {
                if let Some(plan) = planned.plans.get_mut(lower) {
                    plan.info.is_audible = false;
                }
            }
        }
    }
}

impl CorrelationPlan {
    /// Returns the rules it counts by their numbers, each with the fields that make the group or are
    /// counted.
    pub(crate) fn counted(&self) -> impl Iterator<Item = (usize, impl Iterator<Item = &str>)> {
        self.inputs.iter().map(|input| {
            let fields = input.group_fields.iter().chain(&input.counted_fields);
            (input.source, fields.map(String::as_str))
        })
    }

    /// Returns whether it wants all of its rules together, not just any of them.
    pub(crate) fn needs_all(&self) -> bool {
        let together = [CorrelationKind::Temporal, CorrelationKind::TemporalOrdered];
        together.contains(&self.kind) && self.threshold.rules.is_none()
    }

    /// Returns the time span, in microseconds.
    pub(super) fn span(&self) -> Micros {
        self.timespan.num_microseconds().unwrap_or(Micros::MAX)
    }

    /// Returns how long after its arrival an event is remembered, in microseconds.
    pub(super) fn kept(&self) -> Micros {
        self.span().saturating_add(LATENESS.num_microseconds().unwrap_or_default())
    }

    /// Returns how many events a group of it may remember.
    pub(super) fn entries_max(&self) -> usize {
        let is_ordered = self.kind == CorrelationKind::TemporalOrdered;
        if is_ordered && (self.picks_rules() || !self.grows()) {
            ORDERED_ENTRIES_PER_GROUP_MAX
        } else {
            ENTRIES_PER_GROUP_MAX
        }
    }

    /// Returns whether it follows which of its rules saw an event.
    pub(super) const fn tells_rules_apart(&self) -> bool {
        matches!(self.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
    }

    /// Returns whether a condition over its rules is asked for.
    pub(super) const fn picks_rules(&self) -> bool {
        self.threshold.rules.is_some()
    }

    /// Returns whether more can only help.
    pub(super) fn grows(&self) -> bool {
        let growing = |(comparison, _): &(Comparison, f64)| {
            matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
        };
        !self.sums() && !self.picks_rules() && self.threshold.tests.iter().all(growing)
    }

    /// Returns how many entries a window needs at least.
    pub(super) fn fewest(&self) -> f64 {
        if !self.grows() {
            return 0.0;
        }
        let tests = self.threshold.tests.iter();
        let least = if self.threshold.tests.is_empty() { float(self.inputs.len()) } else { 0.0 };
        tests.map(|(_, number)| *number).fold(least, f64::max)
    }

    /// Returns how many rules must have been seen in their order.
    pub(super) fn links(&self) -> usize {
        let all = self.inputs.len();
        (1..=all).find(|links| self.is_met_by(float(*links))).unwrap_or(all)
    }

    /// Returns whether this count is what the rule asks for.
    pub(super) fn is_met_by(&self, measured: f64) -> bool {
        let tests = &self.threshold.tests;
        if tests.is_empty() && self.tells_rules_apart() {
            return measured >= float(self.inputs.len());
        }
        tests.iter().all(|(comparison, number)| comparison.holds(measured, *number))
    }

    /// Returns whether the rule with this number is one of those it looks at.
    pub(crate) fn counts(&self, number: usize) -> bool {
        self.inputs.iter().any(|input| input.source == number)
    }

    /// Returns whether different values are counted.
    pub(super) fn counts_distinct(&self) -> bool {
        self.kind == CorrelationKind::ValueCount
    }

    /// Returns whether what a window holds more than once counts once.
    pub(super) const fn counts_different(&self) -> bool {
        matches!(self.kind, CorrelationKind::ValueCount | CorrelationKind::Temporal)
    }

    /// Returns whether numbers are added up.
    pub(super) fn sums(&self) -> bool {
        matches!(
            self.kind,
            CorrelationKind::ValueSum
                | CorrelationKind::ValueAverage
                | CorrelationKind::ValueMedian
                | CorrelationKind::ValuePercentile(_)
        )
    }

    /// Returns whether the numbers of a window must be put in order.
    pub(super) const fn orders_numbers(&self) -> bool {
        matches!(self.kind, CorrelationKind::ValuePercentile(_) | CorrelationKind::ValueMedian)
    }

    /// Returns whether the event's own rank among the others is what counts.
    pub(super) fn ranks(&self) -> bool {
        self.kind == CorrelationKind::ValuePercentile(None)
    }

    /// Returns the word the rule used.
    pub(super) const fn kind_word(&self) -> &'static str {
        match self.kind {
            CorrelationKind::EventCount => "event_count",
            CorrelationKind::ValueCount => "value_count",
            CorrelationKind::ValueSum => "value_sum",
            CorrelationKind::ValueAverage => "value_avg",
            CorrelationKind::ValuePercentile(_) => "value_percentile",
            CorrelationKind::ValueMedian => "value_median",
            CorrelationKind::Temporal => "temporal",
            CorrelationKind::TemporalOrdered => "temporal_ordered",
        }
    }

    /// Returns what must be reached, as people read it: `>= 5 in 600 s`.
    pub(super) fn written(&self) -> String {
        let tests = self.threshold.tests.iter();
        let mut parts: Vec<String> =
            tests.map(|(comparison, number)| format!("{} {number}", comparison.sign())).collect();
        if parts.is_empty() {
            parts.push(format!("all {}", self.inputs.len()));
        }
        format!("{} in {} s", parts.join(" and "), self.timespan.num_seconds())
    }

    /// Returns the group values under field names that tell what kind of thing they are: an alias is
    /// replaced by the field it stands for in the first rule.
    pub(super) fn entity_fields(&self, shown: &[(String, String)]) -> Vec<(String, String)> {
        let fields = self.inputs.first().map(|input| input.group_fields.as_slice());
        let fields = fields.unwrap_or_default();
        shown.iter().zip(fields).map(|((_, value), field)| (field.clone(), value.clone())).collect()
    }
}
