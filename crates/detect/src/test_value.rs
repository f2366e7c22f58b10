//! Whether one value of an event is what a rule wants, for everything but text: networks, numbers,
//! times, other fields. Text is the fast matcher's business (and, plainly, the reference's).

use std::borrow::Cow;
use std::net::IpAddr;

use event::{Event, Value};

use crate::ast::{Matcher, RefPlace};
use crate::letter_case::fold;
use crate::number::Number;
use crate::{taxonomy, time_part};

/// Returns the text of a single value; `None` for null and for lists.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null | Value::List(_) => None,
        other => Some(other.text()),
    }
}

/// Returns whether a value counts as empty: null, or a list of nothing else.
pub(crate) fn is_null(value: &Value) -> bool {
    value.members().iter().all(|member| *member == Value::Null)
}

/// Returns whether a field is empty in an event: absent, or as [`is_null`] says. An object with anything in it is
/// not.
pub(crate) fn is_empty(event: &Event, name: &str) -> bool {
    match taxonomy::field(event, name) {
        Some(value) => is_null(value),
        None => taxonomy::inside(event, name).is_none(),
    }
}

/// Returns what stands for a field being there: its value, or one inside it if it is an object.
pub(crate) fn presence<'e>(event: &'e Event, name: &str) -> Option<&'e Value> {
    taxonomy::field(event, name).or_else(|| taxonomy::inside(event, name))
}

/// Returns whether one member of a field is what the matcher wants. `Null` and `Exists` are about the
/// whole field and never hold here.
pub(crate) fn holds(matcher: &Matcher, member: &Value, event: &Event) -> bool {
    let Matcher::Field { name, place, cased } = matcher else {
        return holds_alone(matcher, member);
    };
    let (Some(own), Some(other)) = (text(member), taxonomy::field(event, name)) else {
        return false;
    };
    other.members().iter().filter_map(text).any(|other| {
        if *cased {
            stands(&own, &other, *place)
        } else {
            stands(&fold(&own), &fold(&other), *place)
        }
    })
}

/// Returns the same for matchers that need nothing but the value; never for those that compare with
/// another field.
pub(crate) fn holds_alone(matcher: &Matcher, member: &Value) -> bool {
    match matcher {
        Matcher::Null | Matcher::Exists(_) | Matcher::Field { .. } => false,
        Matcher::Text(_) | Matcher::Regex(_) => {
            text(member).is_some_and(|text| text_holds(matcher, &text))
        }
        Matcher::Cidr(network) => address(member).is_some_and(|address| {
            network.contains(&address.to_canonical()) || network.contains(&address)
        }),
        Matcher::Compare(comparison, wanted) => {
            Number::of(member).is_some_and(|own| comparison.holds(own, *wanted))
        }
        Matcher::TimePart(part, comparison, wanted) => {
            time_part::of(member, *part).is_some_and(|own| comparison.holds(own, *wanted))
        }
    }
}

/// Returns the same for a text.
pub(crate) fn text_holds(matcher: &Matcher, text: &str) -> bool {
    match matcher {
        Matcher::Text(pattern) if pattern.cased() => pattern.matches_folded(text),
        Matcher::Text(pattern) => pattern.matches_folded(&fold(text)),
        Matcher::Regex(regex) => regex.is_match(text),
        other => holds_alone(other, &Value::from(text)),
    }
}

fn stands(own: &str, other: &str, place: RefPlace) -> bool {
    match place {
        RefPlace::Whole => own == other,
        RefPlace::Start => own.starts_with(other),
        RefPlace::End => own.ends_with(other),
        RefPlace::Anywhere => own.contains(other),
    }
}

fn address(value: &Value) -> Option<IpAddr> {
    match value {
        Value::Text(text) => {
            // What follows `%` names a network card of the machine that wrote the log.
            let address = text.trim().split('%').next()?;
            address.parse().ok()
        }
        _ => None,
    }
}

/// Returns the number a value is or spells, as near as floating point comes.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    Number::of(value).map(Number::nearest)
}
