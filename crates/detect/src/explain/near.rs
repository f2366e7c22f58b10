//! The nearest miss of an item that does not hold: what would have met it but for letter case, a
//! blank, the place in the value, or the field's name; of a time, what was read of it. A hint for people; no verdict rests on it.

use event::{Event, Value};
use serde::Serialize;

use super::part;
use crate::ast::{Item, Matcher, Wanted};
use crate::letter_case::fold;
use crate::pattern::{Pattern, Token};
use crate::{taxonomy, test_value, time_part};

/// Variants looked at: enough for any rule that a person writes by hand.
const VARIANTS_LOOKED_AT: usize = 100;

/// Letters that a pattern must have before the same value in another field means something.
const TELLING_CHARS: usize = 3;

/// What would have met a wish but for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "near", rename_all = "snake_case")]
pub enum Near {
    /// The event has the field under another spelling, which Sigma tells apart.
    FieldName {
        /// As the event writes it.
        field: String,
    },
    /// Only letter case differs, and the rule asks for it (`cased`, `re` without `i`).
    Case {
        /// What was wanted.
        pattern: String,
    },
    /// Only blanks at the ends of the value differ.
    Blanks {
        /// What was wanted.
        pattern: String,
    },
    /// The value holds the text, but at another place than the rule asks for.
    Place {
        /// What was wanted.
        pattern: String,
    },
    /// The value is a time, of which another number was read; or none can be read of it.
    TimePart {
        /// What was asked for: `hour`, `week` …
        part: &'static str,
        /// What the value has there by its own clock; `None` for what is no such time.
        number: Option<i64>,
    },
    /// Another field holds a value that would do.
    OtherField {
        /// That field.
        field: String,
        /// Its value.
        value: String,
    },
}

/// Returns what nearly met an item.
pub(super) fn miss(item: &Item, event: &Event) -> Option<Near> {
    let field = item.field.as_deref()?;
    let variants = || {
        let each = |wanted| variants_of(wanted);
        item.values.iter().flat_map(each).take(VARIANTS_LOOKED_AT)
    };
    let Some(value) = taxonomy::field(event, field) else {
        return other_spelling(field, event)
            .or_else(|| variants().find_map(|(_, matcher)| other_field(field, matcher, event)));
    };
    let texts: Vec<_> = value.members().iter().filter_map(test_value::text).collect();
    let same_value = variants().find_map(|(written, matcher)| {
        texts.iter().find_map(|text| loosely(written, matcher, text))
    });
    let same_value =
        same_value.or_else(|| variants().find_map(|(_, own)| other_number(own, value)));
    same_value.or_else(|| variants().find_map(|(_, matcher)| other_field(field, matcher, event)))
}

fn variants_of(wanted: &Wanted) -> impl Iterator<Item = (&str, &Matcher)> {
    wanted.variants.iter().map(|matcher| (wanted.written.as_str(), matcher))
}

/// Returns the field that differs from this one in case, blanks or separators only.
fn other_spelling(field: &str, event: &Event) -> Option<Near> {
    let plain = |name: &str| -> String {
        fold(name).chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).collect()
    };
    let wanted = plain(field);
    let (name, _) = event.fields.iter().find(|(name, _)| plain(name) == wanted)?;
    Some(Near::FieldName { field: name.to_owned() })
}

/// Returns what one loosening would let this value through.
fn loosely(written: &str, matcher: &Matcher, text: &str) -> Option<Near> {
    let pattern = written.to_owned();
    match matcher {
        Matcher::Text(own) => {
            let uncased = Pattern::new(own.tokens().to_vec(), false);
            if own.cased() && uncased.matches_plainly(text) {
                return Some(Near::Case { pattern });
            }
            if own.matches_plainly(text.trim()) {
                return Some(Near::Blanks { pattern });
            }
            let middle = own.tokens().iter().filter(|token| **token != Token::Any).count() > 0;
            let anywhere = [Token::Any].into_iter().chain(own.tokens().iter().cloned());
            let anywhere = Pattern::new(anywhere.chain([Token::Any]).collect(), own.cased());
            (middle && letters(own) >= TELLING_CHARS && anywhere.matches_plainly(text))
                .then_some(Near::Place { pattern })
        }
        Matcher::Regex(own) => {
            let uncased = regex::RegexBuilder::new(own.as_str()).case_insensitive(true).build();
            uncased.is_ok_and(|regex| regex.is_match(text)).then_some(Near::Case { pattern })
        }
        _ => None,
    }
}

/// Returns what a value has in the place of the part that is asked for.
fn other_number(matcher: &Matcher, value: &Value) -> Option<Near> {
    let Matcher::TimePart(part, ..) = matcher else { return None };
    let number = value.members().iter().find_map(|member| time_part::of(member, *part));
    Some(Near::TimePart { part: part.word(), number })
}

fn letters(pattern: &Pattern) -> usize {
    let letters = |token: &Token| match token {
        Token::Text(text) => text.chars().filter(|c| c.is_alphabetic()).count(),
        Token::Any | Token::One | Token::Dash => 0,
    };
    pattern.tokens().iter().map(letters).fold(0, usize::saturating_add)
}

/// Returns another field with a value that would do.
fn other_field(field: &str, matcher: &Matcher, event: &Event) -> Option<Near> {
    let Matcher::Text(pattern) = matcher else { return None };
    if letters(pattern) < TELLING_CHARS {
        return None;
    }
    let fits =
        |value: &Value| test_value::text(value).is_some_and(|text| pattern.matches_plainly(&text));
    let mut others = event.fields.iter().filter(|(name, _)| *name != field);
    others.find_map(|(name, value)| {
        let member = value.members().iter().find(|member| fits(member))?;
        let (value, _) = part::cut(&member.text(), None);
        Some(Near::OtherField { field: name.to_owned(), value })
    })
}
