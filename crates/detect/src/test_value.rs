//! Whether one value of an event is what a rule wants, for everything but text: networks, numbers,
//! times, other fields. Text is the fast matcher's business (and, plainly, the reference's).

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use event::{Event, Value};

use crate::ast::{Matcher, RefPlace, TimePart};
use crate::letter_case::fold;
use crate::number::Number;
use crate::taxonomy;

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
            time(member).is_some_and(|time| comparison.holds(part_of(time, *part), *wanted))
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

/// Seconds up to the year 5138; larger numbers are milliseconds, then microseconds, then nanoseconds, each
/// up to a thousand times as much.
const SECONDS_MAX: i64 = 100_000_000_000;

/// A text of a smaller number is no time since 1970 but a year, a compact date, a port.
const WRITTEN_SECONDS_MIN: i64 = 100_000_000;

fn time(value: &Value) -> Option<DateTime<Utc>> {
    if let Value::Text(text) = value
        && let Some(time) = written_time(text.trim())
    {
        return Some(time);
    }
    let whole = match Number::of(value)? {
        Number::Whole(number) => i64::try_from(number).ok()?,
        Number::Part(number) => floor(number),
    };
    let is_small = matches!(value, Value::Text(_)) && whole < WRITTEN_SECONDS_MIN;
    if is_small { None } else { since_1970(whole) }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "what is past all times saturates, and is no time either"
)]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}

fn since_1970(number: i64) -> Option<DateTime<Utc>> {
    let milliseconds_max = SECONDS_MAX.saturating_mul(1_000);
    match number.saturating_abs() {
        own if own < SECONDS_MAX => DateTime::from_timestamp(number, 0),
        own if own < milliseconds_max => DateTime::from_timestamp_millis(number),
        own if own < milliseconds_max.saturating_mul(1_000) => {
            DateTime::from_timestamp_micros(number)
        }
        _ => Some(DateTime::from_timestamp_nanos(number)),
    }
}

fn written_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z", "%d/%b/%Y:%H:%M:%S %z"];
    let mut zoned = zoned.into_iter();
    if let Some(time) = zoned.find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return Some(time.to_utc());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f"];
    formats
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0))
        .map(|time| time.and_utc())
}

fn part_of(time: DateTime<Utc>, part: TimePart) -> i64 {
    match part {
        TimePart::Minute => i64::from(time.minute()),
        TimePart::Hour => i64::from(time.hour()),
        TimePart::Day => i64::from(time.day()),
        TimePart::Week => i64::from(time.iso_week().week()),
        TimePart::Month => i64::from(time.month()),
        TimePart::Year => i64::from(time.year()),
    }
}
