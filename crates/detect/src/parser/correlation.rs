//! Correlation documents.

use std::collections::BTreeMap;

use chrono::Duration;

use super::{Context, condition, meta, rule_names};
use crate::ast::{Comparison, Correlation, CorrelationKind, Threshold};
use crate::error::{Fault, Place, did_you_mean};
use crate::limits::{CORRELATION_RULES_MAX, ENTRIES_PER_GROUP_MAX};
use crate::number::Number;
use crate::yaml::{Node, Scalar};

const KINDS: [(&str, CorrelationKind); 8] = [
    ("event_count", CorrelationKind::EventCount),
    ("value_count", CorrelationKind::ValueCount),
    ("value_sum", CorrelationKind::ValueSum),
    ("value_avg", CorrelationKind::ValueAverage),
    ("value_percentile", CorrelationKind::ValuePercentile(None)),
    ("value_median", CorrelationKind::ValueMedian),
    ("temporal", CorrelationKind::Temporal),
    ("temporal_ordered", CorrelationKind::TemporalOrdered),
];

const COMPARISONS: [(&str, Comparison); 6] = [
    ("gt", Comparison::Greater),
    ("gte", Comparison::GreaterOrEqual),
    ("lt", Comparison::Less),
    ("lte", Comparison::LessOrEqual),
    ("eq", Comparison::Equal),
    ("neq", Comparison::NotEqual),
];

const KEYS: [&str; 7] =
    ["type", "rules", "group-by", "aliases", "timespan", "condition", "generate"];

/// Reads a correlation document.
pub(super) fn read(node: &Node, number: usize, context: Context<'_>) -> Result<Correlation, Fault> {
    let mut info = meta::read(node, number, context)?;
    info.is_correlation = true;
    let Some(own) = node.get("correlation") else {
        return Err(Fault::rule(node.at, "no `correlation`"));
    };
    for (key, _) in own.as_map().unwrap_or_default() {
        if !KEYS.contains(&key.name.as_str()) {
            return Err(Fault::rule(key.at, format!("unknown attribute `{}`", key.name))
                .maybe_hint(did_you_mean(&key.name, KEYS.into_iter())));
        }
    }
    let kind = percentile(own, kind(own)?)?;
    let rules = rules(own, kind)?;
    if rules.len() > CORRELATION_RULES_MAX {
        return Err(Fault::unsupported(own.at, format!("over {CORRELATION_RULES_MAX} rules")));
    }
    let names: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    let threshold = threshold(own, kind, &names)?;
    let (aliases, aliased_rules) = aliases(own)?;
    Ok(Correlation {
        info,
        at: node.at,
        kind,
        rules,
        group_by: group_by(own)?,
        aliases,
        aliased_rules,
        timespan: timespan(own)?,
        threshold,
        generate: generate(node, own)?,
    })
}

fn kind(own: &Node) -> Result<CorrelationKind, Fault> {
    let Some(node) = own.get("type") else { return Err(Fault::rule(own.at, "no `type`")) };
    let word = node.as_text().unwrap_or_default();
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == word) {
        return Ok(*kind);
    }
    Err(Fault::rule(node.at, format!("unknown correlation type `{word}`"))
        .maybe_hint(did_you_mean(word, KINDS.iter().map(|(name, _)| *name))))
}

/// Reads the rules it counts; a condition over rules may stand for the list.
fn rules(own: &Node, kind: CorrelationKind) -> Result<Vec<(String, Place)>, Fault> {
    if let Some(list) = own.get("rules") {
        return rule_names(list);
    }
    let condition = own.get("condition").filter(|_| is_temporal(kind));
    let names = condition.and_then(|node| Some(condition::names(node.as_text()?, node.at)));
    let mut rules: Vec<(String, Place)> = Vec::new();
    for (name, at) in names.unwrap_or_default() {
        if !rules.iter().any(|(own, _)| own == name) {
            rules.push((name.to_owned(), at));
        }
    }
    if rules.is_empty() { Err(Fault::rule(own.at, "no `rules`")) } else { Ok(rules) }
}

fn group_by(own: &Node) -> Result<Vec<String>, Fault> {
    let members = own.get("group-by").map(Node::members).unwrap_or_default();
    let name = |node: &Node| match node.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Fault::rule(node.at, "expected a field name")),
    };
    members.iter().map(name).collect()
}

/// By alias, the field for each rule.
type Aliases = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the aliases, and the rules that they name with their places.
fn aliases(own: &Node) -> Result<(Aliases, Vec<(String, Place)>), Fault> {
    let (mut aliases, mut rules) = (Aliases::new(), Vec::new());
    let Some(node) = own.get("aliases") else { return Ok((aliases, rules)) };
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, "`aliases` must be a map"));
    };
    for (alias, by_rule) in entries {
        let mut fields = BTreeMap::new();
        for (rule, field) in by_rule.as_map().unwrap_or_default() {
            let Some(field) = field.as_text() else {
                return Err(Fault::rule(field.at, "expected a field name"));
            };
            fields.insert(rule.name.clone(), field.to_owned());
            rules.push((rule.name.clone(), rule.at));
        }
        if fields.is_empty() {
            return Err(Fault::rule(by_rule.at, "an alias must name a field for each rule"));
        }
        aliases.insert(alias.name.clone(), fields);
    }
    Ok((aliases, rules))
}

fn timespan(own: &Node) -> Result<Duration, Fault> {
    let Some(node) = own.get("timespan") else { return Err(Fault::rule(own.at, "no `timespan`")) };
    let text = node.as_text().unwrap_or_default();
    read_duration(text).filter(|span| *span > Duration::zero()).ok_or_else(|| {
        Fault::rule(node.at, format!("`{text}` is no time span"))
            .hint("a number and s, m (minutes), h, d, w, M (months) or y")
    })
}

/// The seconds of a year by the Gregorian calendar, in the mean of 400 years; a month is a twelfth of it, as
/// pySigma has them.
const YEAR_S: i64 = 31_556_952;

/// Reads `30s`, `5m`, `1h`, `7d`, `2w`, `1M` (a month) and `1y` (a year).
pub(crate) fn read_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    match unit {
        's' => Duration::try_seconds(number),
        'm' => Duration::try_minutes(number),
        'h' => Duration::try_hours(number),
        'd' => Duration::try_days(number),
        'w' => Duration::try_weeks(number),
        'M' => Duration::try_seconds(number.checked_mul(YEAR_S / 12)?),
        'y' => Duration::try_seconds(number.checked_mul(YEAR_S)?),
        _ => None,
    }
}

/// Reads what the count must be, or which rules must be seen together.
fn threshold(own: &Node, kind: CorrelationKind, rules: &[&str]) -> Result<Threshold, Fault> {
    let Some(node) = own.get("condition") else {
        if is_temporal(kind) {
            return Ok(Threshold::default());
        }
        return Err(Fault::rule(own.at, "no `condition`"));
    };
    let Some(entries) = node.as_map() else {
        return rules_together(node, kind, rules);
    };
    let mut threshold = Threshold::default();
    for (key, value) in entries {
        if key.name == "percentile" {
            continue;
        }
        if key.name == "field" {
            let members = value.members().iter().filter_map(Node::as_text);
            threshold.fields = members.map(ToOwned::to_owned).collect();
            continue;
        }
        let Some((_, comparison)) = COMPARISONS.iter().find(|(name, _)| *name == key.name) else {
            let known = COMPARISONS.iter().map(|(name, _)| *name).chain(["field", "percentile"]);
            return Err(Fault::rule(key.at, format!("unknown comparison `{}`", key.name))
                .maybe_hint(did_you_mean(&key.name, known)));
        };
        let number = value.as_text().and_then(Number::read).map(Number::nearest);
        let Some(number) = number else {
            return Err(Fault::rule(value.at, "expected a number"));
        };
        threshold.tests.push((*comparison, number));
    }
    check_threshold(&threshold, kind, rules.len(), node.at)?;
    Ok(threshold)
}

/// Reads a condition over rules: `recon_a and (recon_b or not recon_c)`.
fn rules_together(node: &Node, kind: CorrelationKind, rules: &[&str]) -> Result<Threshold, Fault> {
    if !is_temporal(kind) {
        return Err(Fault::rule(node.at, "only `temporal` kinds take a condition over rules")
            .hint("a map with gt, gte, lt, lte, eq or neq"));
    }
    let Some(text) = node.as_text() else {
        let found = node.describe();
        return Err(Fault::rule(node.at, format!("expected a condition, found {found}")));
    };
    let condition = condition::parse(text, node.at, condition::Names { names: rules, of: "rule" })?;
    let used = condition::names(text, node.at);
    if let Some(unused) = rules.iter().find(|rule| !used.iter().any(|(name, _)| name == *rule)) {
        return Err(Fault::rule(
            node.at,
            format!("the condition does not say what `{unused}` is for"),
        )
        .hint("name every one of `rules` in the condition, or take it out"));
    }
    Ok(Threshold { rules: Some(condition), ..Threshold::default() })
}

/// Reads the percentile that the number of a `value_percentile` is for; without one, the event's own
/// rank is compared.
fn percentile(own: &Node, kind: CorrelationKind) -> Result<CorrelationKind, Fault> {
    let Some((key, node)) = own.get("condition").and_then(|node| node.entry("percentile")) else {
        return Ok(kind);
    };
    if kind != CorrelationKind::ValuePercentile(None) {
        return Err(Fault::rule(
            key.at,
            "`percentile` goes with the type `value_percentile` alone",
        ));
    }
    match node.scalar() {
        Some(Scalar::Int(number @ 0..=100)) => {
            Ok(CorrelationKind::ValuePercentile(u8::try_from(number).ok()))
        }
        _ => Err(Fault::rule(node.at, "a percentile is a whole number from 0 to 100")),
    }
}

const fn is_temporal(kind: CorrelationKind) -> bool {
    matches!(kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
}

fn check_threshold(
    threshold: &Threshold,
    kind: CorrelationKind,
    rules: usize,
    at: Place,
) -> Result<(), Fault> {
    use CorrelationKind::{EventCount, ValueCount};
    let temporal = is_temporal(kind);
    if threshold.tests.is_empty() && !temporal {
        return Err(Fault::rule(at, "the condition compares with nothing"));
    }
    let counts_values = !temporal && kind != EventCount;
    if counts_values && threshold.fields.is_empty() {
        return Err(Fault::rule(at, "no `field` whose values are counted"));
    }
    let most = threshold.tests.iter().map(|(_, number)| *number).fold(0.0, f64::max);
    let counted = matches!(kind, EventCount | ValueCount);
    let limit = u32::try_from(ENTRIES_PER_GROUP_MAX).map_or(f64::INFINITY, f64::from);
    if counted && most >= limit {
        return Err(Fault::unsupported(at, format!("counts above {ENTRIES_PER_GROUP_MAX}")));
    }
    let rules = u32::try_from(rules).map_or(f64::INFINITY, f64::from);
    if temporal && most > rules {
        return Err(Fault::rule(at, "more different rules than `rules` names"));
    }
    Ok(())
}

/// Reads `generate`, which stands inside `correlation` or beside it, depending on the writer.
fn generate(node: &Node, own: &Node) -> Result<bool, Fault> {
    let Some(node) = own.get("generate").or_else(|| node.get("generate")) else {
        return Ok(false);
    };
    match node.scalar() {
        Some(Scalar::Bool(generate)) => Ok(generate),
        _ => Err(Fault::rule(node.at, "`generate` takes true or false")),
    }
}
