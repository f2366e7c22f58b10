//! Where an event holds what a query looks for: screens mark it.

use super::{Query, Target, TextPattern, ValueTest};
use crate::fold::Traced;
use crate::value::JOINT;
use crate::{Attr, Event, Value};

/// Stretches marked for one word or test in one text: past it nobody looks from mark to mark.
const STRETCHES_MAX: usize = 200;

/// A stretch of a text in characters: its first, and one past its last.
pub type Stretch = (usize, usize);

/// A query made ready to point at what it looks for in the events that it found.
///
/// What it denies is not pointed at, nor what every event has (its class, its source, its time).
#[derive(Debug, Clone, Default)]
pub struct Highlighter {
    words: Vec<TextPattern>,
    fields: Vec<FieldTest>,
}

#[derive(Debug, Clone)]
struct FieldTest {
    /// The attribute that the name means first.
    attr: Option<Attr>,
    name: String,
    test: ValueTest,
}

impl Highlighter {
    /// Makes a query ready.
    pub fn new(query: &Query) -> Self {
        let mut own = Self::default();
        own.take_in(query);
        own
    }

    fn take_in(&mut self, query: &Query) {
        match query {
            Query::All | Query::Not(_) | Query::Time { .. } => {}
            Query::And(parts) | Query::Or(parts) => {
                for part in parts {
                    self.take_in(part);
                }
            }
            Query::Text(pattern) => self.words.push(TextPattern::new(pattern)),
            Query::Field { name, test } => {
                let attr = match Target::of(name) {
                    Target::Builtin(_) => return,
                    Target::Attr(attr, _) => Some(attr),
                    Target::Own(_) => None,
                };
                let test = ValueTest::new(name, test);
                self.fields.push(FieldTest { attr, name: name.clone(), test });
            }
        }
    }

    /// Returns where a text holds words that the query looks for anywhere, in order and apart.
    pub fn in_text(&self, text: &str) -> Vec<Stretch> {
        apart(self.words_in(text))
    }

    /// Returns where an attribute's text holds what the query looks for, in order and apart.
    pub fn in_attr(&self, attr: Attr, value: &Value) -> Vec<Stretch> {
        self.in_value(value, |asked| asked.attr == Some(attr))
    }

    /// Returns where the text of an event's own field holds what the query looks for, in order and
    /// apart. Where the event has an attribute of that name, the query means the attribute.
    pub fn in_field(&self, event: &Event, name: &str, value: &Value) -> Vec<Stretch> {
        self.in_value(value, |asked| {
            asked.name == name && asked.attr.is_none_or(|attr| event.attrs.get(attr).is_none())
        })
    }

    fn in_value(&self, value: &Value, is_asked: impl Fn(&FieldTest) -> bool) -> Vec<Stretch> {
        let asked: Vec<&FieldTest> = self.fields.iter().filter(|field| is_asked(field)).collect();
        if asked.is_empty() && self.words.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut begin = 0;
        for member in value.members() {
            let text = member.text();
            let mut inside = self.words_in(&text);
            for field in asked.iter().filter(|field| field.test.passes(member)) {
                inside.extend(field.test.stretches(&text, STRETCHES_MAX));
            }
            found.extend(inside.into_iter().map(|(start, end)| (begin + start, begin + end)));
            begin += text.chars().count() + JOINT.len();
        }
        apart(found)
    }

    fn words_in(&self, text: &str) -> Vec<Stretch> {
        if self.words.is_empty() {
            return Vec::new();
        }
        let traced = Traced::new(text);
        let places = self.words.iter().flat_map(|word| word.places(traced.folded(), STRETCHES_MAX));
        places.map(|place| traced.source(place)).collect()
    }
}

/// Returns stretches in order; those that touch or overlap become one.
fn apart(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.retain(|(start, end)| start < end);
    stretches.sort_unstable();
    let mut apart: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for (start, end) in stretches {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}
