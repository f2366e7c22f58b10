//! What a decoder makes of a shape, learnt by asking it: a record of that shape, with a marker in the
//! place of every value that decides nothing, shows by where the markers come out which field holds
//! which value. Whatever does not come out as it went in is left open.
//!
//! Several markers are tried, since an address, a number and a name may be read in different ways.

use std::collections::HashMap;

use event::{Deciding, Event, Value};

use super::record::{Kind, Members, Span};
use super::shape::Place;
use super::{Decoding, Part};
use crate::matching::kind;
use crate::taxonomy;

/// Where a field's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    /// The value at this place of the record, as it stands.
    Value(usize),
    /// The same in every record of the shape with these deciding values.
    Constant(Value),
    /// The decoder makes it of something: nobody knows without it.
    Open,
}

/// What the decoder makes of a shape.
#[derive(Debug)]
pub(super) struct Layout {
    /// An event of the shape, to tell its kind by.
    pub(super) event: Event,
    pub(super) fields: Vec<(String, Origin)>,
}

/// How markers look, each read differently by some decoder.
#[derive(Debug, Clone, Copy)]
enum Marker {
    /// Has what readers change: case, doubled backslashes, blanks at the end.
    Text,
    Number,
    Address,
    HostName,
}

const MARKERS: [Marker; 4] = [Marker::Text, Marker::Number, Marker::Address, Marker::HostName];

/// More values than this need no layout: their markers would no longer be ports or addresses.
const VALUES_MAX: usize = 1_000;

impl Marker {
    fn of(self, number: usize) -> String {
        match self {
            Self::Text => format!(r"Mk\\{number}\Đ \ "),
            Self::Number => (40_000_usize.saturating_add(number)).to_string(),
            Self::Address => format!("10.251.{}.{}", number / 250, number % 250),
            Self::HostName => format!("mk-{number}.example"),
        }
    }
}

/// Learns the layout of a shape from one record of it; `None` if the decoder does not read it plainly.
pub(super) fn learn(
    places: &[Place],
    values: &[Span],
    record: &str,
    decoding: &dyn Decoding,
) -> Option<Layout> {
    if values.len() > VALUES_MAX {
        return None;
    }
    let mut learnt: Option<Layout> = None;
    for marker in MARKERS {
        let (marked_as, marked) = marked_record(places, values, record, marker, decoding)?;
        let event = decoding.read(marked_as.as_bytes())?;
        let fields: Vec<(String, Origin)> = event
            .fields
            .iter()
            .map(|(name, value)| (name.to_owned(), origin(value, &marked)))
            .collect();
        learnt = Some(match learnt {
            None => Layout { event, fields },
            Some(before) => before.agreeing(&event, fields)?,
        });
    }
    learnt
}

impl Layout {
    /// Returns an event to tell the kind of all records of the shape by: what is not the same in all of them
    /// decides nothing.
    pub(super) fn undecided(&self) -> Event {
        let mut event = self.event.clone();
        for name in kind::DECIDING {
            let origin = self.fields.iter().find(|(own, _)| own == name).map(|(_, origin)| origin);
            let is_known = match origin {
                Some(origin) => matches!(origin, Origin::Constant(_)),
                // An attribute stands in for the field, made of whatever the record has.
                None => taxonomy::field(&event, name).is_none(),
            };
            if !is_known {
                event.fields.set(name, Value::List(Vec::new()));
            }
        }
        event
    }

    /// Keeps what two markers have in common; `None` if they make two kinds of events.
    fn agreeing(mut self, event: &Event, fields: Vec<(String, Origin)>) -> Option<Self> {
        if event.logsource != self.event.logsource || event.parser != self.event.parser {
            return None;
        }
        for (name, origin) in fields {
            match self.fields.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) if *own == origin => {}
                Some((_, own)) => *own = Origin::Open,
                None => self.fields.push((name, Origin::Open)),
            }
        }
        for (name, own) in &mut self.fields {
            if event.fields.get(name).is_none() {
                *own = Origin::Open;
            }
        }
        for (attr, value) in event.attrs.iter() {
            if self.event.attrs.get(attr).is_none() {
                self.event.attrs.set(attr, value.clone());
            }
        }
        Some(self)
    }
}

/// What was put into a marked record: a value as the decoder should give it back, and its place; none
/// for a number with a fraction, which may be written in more than one way.
type Marked = HashMap<String, Option<usize>>;

fn origin(value: &Value, marked: &Marked) -> Origin {
    let place_of = |value: &Value| marked.get(&key_of(value)).copied();
    if let Some(place) = place_of(value) {
        return place.map_or(Origin::Open, Origin::Value);
    }
    // A text that has a marker somewhere inside was made of it.
    let text = value.text();
    let touched = marked.keys().any(|key| {
        let own = key.trim_matches(['"', '[', ']']);
        own.split("\",\"").any(|part| text.contains(part) || text.contains(part.trim()))
    });
    if touched { Origin::Open } else { Origin::Constant(value.clone()) }
}

/// One text for equal values, whatever they are.
fn key_of(value: &Value) -> String {
    match value {
        Value::List(members) => {
            let members: Vec<String> = members.iter().map(|one| one.text().into_owned()).collect();
            format!("[\"{}\"]", members.join("\",\""))
        }
        Value::Text(text) => format!("\"{text}\""),
        other => other.text().into_owned(),
    }
}

/// Writes the record of a shape with markers for values.
fn marked_record(
    places: &[Place],
    values: &[Span],
    record: &str,
    marker: Marker,
    decoding: &dyn Decoding,
) -> Option<(String, Marked)> {
    let mut out = String::from("{");
    let mut marked = Marked::new();
    // The values that stand as they are.
    let mut kept: Vec<String> = Vec::new();
    let mut number = 0_usize;
    let mut open = 0_usize;
    for place in places {
        while open > place.depth {
            open = open.saturating_sub(1);
            out.push('}');
        }
        if !out.ends_with('{') {
            out.push(',');
        }
        out.push_str(&place.key);
        out.push(':');
        if place.kind == Kind::Object {
            out.push('{');
            open = open.saturating_add(1);
            continue;
        }
        let span = *values.get(number)?;
        let value = if place.decides == Deciding::Nothing {
            marker_value(place.kind, marker, number, &mut marked)
        } else {
            let (raw_of, before) = ((span, record), marked.len());
            let own = marker.of(number);
            let value = deciding_value(place, raw_of, &own, decoding, &mut marked, number)?;
            if marked.len() == before {
                kept.push(value.trim_matches('"').to_owned());
            }
            value
        };
        out.push_str(&value);
        number = number.checked_add(1)?;
    }
    out.extend(std::iter::repeat_n('}', open.saturating_add(1)));
    // A value that is some other's marker would pass for it.
    let is_marker =
        |own: &String| marked.contains_key(own) || marked.contains_key(&format!("\"{own}\""));
    (!kept.iter().any(is_marker)).then_some((out, marked))
}

/// A value that decides stands as it is; of a longer text its deciding part, behind a marker.
fn deciding_value(
    place: &Place,
    (span, record): (Span, &str),
    marker: &str,
    decoding: &dyn Decoding,
    marked: &mut Marked,
    number: usize,
) -> Option<String> {
    Some(match span.kind {
        Kind::Text => {
            let mut room = String::new();
            let text = span.raw(record)?.text(&mut room)?;
            let text = match super::part_of(place.decides, text, decoding) {
                Part::Whole(text) => return serde_json::to_string(text).ok(),
                Part::Line("") => marker.to_owned(),
                Part::Line(line) => format!("{marker}\n{line}"),
            };
            marked.insert(key_of(&Value::from(text.as_str())), Some(number));
            serde_json::to_string(&text).ok()?
        }
        Kind::Int => span.raw(record)?.written.to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Null => "null".to_owned(),
        Kind::Float | Kind::Array(_) | Kind::Object => return None,
    })
}

fn marker_value(kind: Kind, marker: Marker, number: usize, marked: &mut Marked) -> String {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let mut mark = |value: &Value| marked.insert(key_of(value), Some(number));
    match kind {
        Kind::Text => {
            let text = marker.of(number);
            mark(&Value::from(text.as_str()));
            json(&text)
        }
        Kind::Int => {
            let text = Marker::Number.of(number);
            mark(&Value::Int(text.parse().unwrap_or_default()));
            text
        }
        Kind::Float => {
            let text = format!("{}.25", Marker::Number.of(number));
            marked.insert(text.clone(), None);
            text
        }
        Kind::Bool(value) => value.to_string(),
        Kind::Null | Kind::Object => "null".to_owned(),
        Kind::Array(Members::None) => "[]".to_owned(),
        Kind::Array(Members::One) => {
            let text = marker.of(number);
            mark(&Value::from(text.as_str()));
            mark(&Value::List(vec![text.as_str().into()]));
            format!("[{}]", json(&text))
        }
        Kind::Array(Members::More) => {
            let (first, second) = (marker.of(number), marker.of(number.saturating_add(500)));
            mark(&Value::List(vec![first.as_str().into(), second.as_str().into()]));
            format!("[{},{}]", json(&first), json(&second))
        }
    }
}
