//! The plain evaluator: walks a rule as it is written, one event at a time, with nothing made fast.
//!
//! It defines what is right. The compiled matcher is held to it by property tests, and a finding's
//! explanation is read off it, so that both always speak of the same thing.

use event::{Attr, Event, Value};

use crate::ast::{Condition, Detection, Item, Matcher, Rule, Search, Wanted};
use crate::pattern::Pattern;
pub(crate) use crate::taxonomy::covers;
use crate::{taxonomy, test_value};

/// An event, and how its texts are held against patterns: character by character ([`Plain`]), or, to the
/// same end, by what an explanation has folded already.
pub(crate) trait Sight {
    /// Returns the event.
    fn event(&self) -> &Event;

    /// Returns whether a single value meets a pattern.
    fn meets(&self, pattern: &Pattern, value: &Value) -> bool;
}

/// An event seen plainly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'e>(pub(crate) &'e Event);

impl Sight for Plain<'_> {
    fn event(&self) -> &Event {
        self.0
    }

    fn meets(&self, pattern: &Pattern, value: &Value) -> bool {
        test_value::text(value).is_some_and(|text| pattern.matches_plainly(&text))
    }
}

/// Returns whether a rule fires on an event.
pub(crate) fn fires(rule: &Rule, event: &Event) -> bool {
    let sight = Plain(event);
    covers(&rule.info.logsource, &event.logsource)
        && search(&rule.search, &sight)
        && rule.filters.iter().all(|filter| search(filter, &sight))
}

fn search(search: &Search, sight: &impl Sight) -> bool {
    condition(&search.condition, search, sight)
}

/// Returns whether a condition holds.
pub(crate) fn condition(condition_of: &Condition, search: &Search, sight: &impl Sight) -> bool {
    condition_of
        .holds(&|index| search.selections.get(index).is_some_and(|(_, own)| detection(own, sight)))
}

/// Returns whether a selection holds.
pub(crate) fn detection(own: &Detection, sight: &impl Sight) -> bool {
    match own {
        Detection::All(parts) => parts.iter().all(|part| detection(part, sight)),
        Detection::Any(parts) => parts.iter().any(|part| detection(part, sight)),
        Detection::Item(own) => item(own, sight),
    }
}

fn item(item: &Item, sight: &impl Sight) -> bool {
    let is = |wanted: &Wanted| {
        wanted.variants.iter().any(|matcher| found(item.field.as_deref(), matcher, sight).is_some())
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
    sight: &'e impl Sight,
) -> Option<Found<'e>> {
    let event = sight.event();
    let Some(field) = field else {
        return all_values(event).find(|value| one(matcher, value, sight)).map(Found::Value);
    };
    match matcher {
        Matcher::Null => test_value::is_empty(event, field).then_some(Found::Absence),
        Matcher::Exists(wanted) => {
            let value = test_value::presence(event, field);
            (value.is_some() == *wanted).then_some(value.map_or(Found::Absence, Found::Value))
        }
        _ => taxonomy::field(event, field)?
            .members()
            .iter()
            .find(|member| one(matcher, member, sight))
            .map(Found::Value),
    }
}

/// Returns every single value that keywords search: the fields' (not their names), and the message
/// part where the decoder found one.
pub(crate) fn all_values(event: &Event) -> impl Iterator<Item = &Value> {
    let message = event.attrs.get(Attr::Message);
    event.fields.iter().map(|(_, value)| value).chain(message).flat_map(Value::members)
}

fn one(matcher: &Matcher, member: &Value, sight: &impl Sight) -> bool {
    match matcher {
        Matcher::Text(pattern) => sight.meets(pattern, member),
        other => test_value::holds(other, member, sight.event()),
    }
}
