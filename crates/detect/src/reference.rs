//! The plain evaluator: walks a rule as it is written, one event at a time, with nothing made fast.
//!
//! It defines what is right. The compiled matcher is held to it by property tests, and a finding's
//! explanation is read off it, so that both always speak of the same thing.

use event::{Attr, Event, Value};

use crate::ast::{Condition, Detection, Item, Matcher, Rule, Search, Wanted};
pub(crate) use crate::taxonomy::covers;
use crate::{taxonomy, test_value};

/// Returns whether a rule fires on an event.
pub(crate) fn fires(rule: &Rule, event: &Event) -> bool {
    covers(&rule.info.logsource, &event.logsource)
        && search(&rule.search, event)
        && rule.filters.iter().all(|filter| search(filter, event))
}

fn search(search: &Search, event: &Event) -> bool {
    condition(&search.condition, search, event)
}

/// Returns whether a condition holds.
pub(crate) fn condition(condition_of: &Condition, search: &Search, event: &Event) -> bool {
    condition_of
        .holds(&|index| search.selections.get(index).is_some_and(|(_, own)| detection(own, event)))
}

/// Returns whether a selection holds.
pub(crate) fn detection(own: &Detection, event: &Event) -> bool {
    match own {
        Detection::All(parts) => parts.iter().all(|part| detection(part, event)),
        Detection::Any(parts) => parts.iter().any(|part| detection(part, event)),
        Detection::Item(own) => item(own, event),
    }
}

fn item(item: &Item, event: &Event) -> bool {
    let is = |wanted: &Wanted| {
        wanted.variants.iter().any(|matcher| found(item.field.as_deref(), matcher, event).is_some())
    };
    let met = if item.all { item.values.iter().all(is) } else { item.values.iter().any(is) };
    met != item.negated
}

/// What met a wish: a value of the event, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'e> {
    Value(&'e Value),
    Absence,
}

/// Returns what in the event meets a matcher, if anything does.
pub(crate) fn found<'e>(
    field: Option<&str>,
    matcher: &Matcher,
    event: &'e Event,
) -> Option<Found<'e>> {
    let Some(field) = field else {
        return all_values(event).find(|value| one(matcher, value, event)).map(Found::Value);
    };
    let value = taxonomy::field(event, field);
    match matcher {
        Matcher::Null => test_value::is_null(value).then_some(Found::Absence),
        Matcher::Exists(wanted) => {
            (value.is_some() == *wanted).then_some(value.map_or(Found::Absence, Found::Value))
        }
        _ => value?.members().iter().find(|member| one(matcher, member, event)).map(Found::Value),
    }
}

/// Returns every single value that keywords search: the fields' (not their names), and the message
/// part where the decoder found one.
pub(crate) fn all_values(event: &Event) -> impl Iterator<Item = &Value> {
    let message = event.attrs.get(Attr::Message);
    event.fields.iter().map(|(_, value)| value).chain(message).flat_map(Value::members)
}

fn one(matcher: &Matcher, member: &Value, event: &Event) -> bool {
    match matcher {
        Matcher::Text(pattern) => {
            test_value::text(member).is_some_and(|text| pattern.matches_plainly(&text))
        }
        other => test_value::holds(other, member, event),
    }
}
