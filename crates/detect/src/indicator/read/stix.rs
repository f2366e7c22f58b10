//! STIX 2.1 indicators whose pattern names values: one comparison, or several joined by `OR`.
//!
//! What else a pattern can say (`AND`, `FOLLOWEDBY`, `NOT`, `LIKE`, `MATCHES`, times) would match less or
//! more than a value does; such an indicator is reported as not usable, never guessed at.
//! Source: STIX 2.1, section 4.7 (indicator) and section 9 (patterning).

use std::collections::HashMap;

use serde_json::Value;

use super::{Intake, Place, brief};
use crate::indicator::kind::{IndicatorKind, Tlp};
use crate::indicator::set::Facts;
use crate::indicator::value::IndicatorValue;

/// Returns id and name of an identity.
pub(super) fn identity(object: &Value) -> Option<(String, String)> {
    let is_identity = text(object, "type") == "identity";
    let (id, name) = (text(object, "id"), text(object, "name"));
    (is_identity && !name.is_empty()).then(|| (id.to_owned(), name.to_owned()))
}

/// Reads the number-th object of a bundle; what is no indicator says nothing to us.
pub(super) fn read(
    object: &Value,
    number: usize,
    identities: &HashMap<String, String>,
    intake: &mut Intake<'_>,
) {
    if text(object, "type") != "indicator" {
        return;
    }
    let benign = |word: &Value| word.as_str() == Some("benign");
    let types = object.get("indicator_types").and_then(Value::as_array);
    let is_benign = types.is_some_and(|types| types.iter().any(benign));
    if object.get("revoked") == Some(&Value::Bool(true)) || is_benign {
        return intake.skip();
    }
    let place = || match text(object, "id") {
        "" => Place::Object(format!("{number} of `objects`")),
        id => Place::Object(brief(id)),
    };
    let language = text(object, "pattern_type");
    if !matches!(language, "stix" | "") {
        let message = format!("a pattern in `{}` is not usable as a list", brief(language));
        return intake.wrong(place(), message);
    }
    let pattern = text(object, "pattern");
    let named = match comparisons(pattern) {
        Ok(named) => named,
        Err(why) => {
            let message = format!("pattern `{}` is not usable: {why}", brief(pattern));
            return intake.wrong(place(), message);
        }
    };
    let valid_until = intake.until(place, text(object, "valid_until"));
    let marks = object.get("object_marking_refs").and_then(Value::as_array);
    let facts = Facts {
        source: identities.get(text(object, "created_by_ref")).map_or(intake.stem, String::as_str),
        label: text(object, "name"),
        confidence: object
            .get("confidence")
            .and_then(Value::as_u64)
            .and_then(|n| u8::try_from(n).ok().filter(|number| *number <= 100)),
        tlp: marks.and_then(|marks| {
            marks.iter().find_map(|mark| Tlp::from_marking(mark.as_str().unwrap_or_default()))
        }),
        valid_until,
    };
    for (kind, value) in named {
        intake.take(place(), &value, IndicatorValue::of_kind(kind, &value), &facts);
    }
}

/// Most comparisons taken from one pattern.
const COMPARISONS_MAX: usize = 10_000;

type Named = Vec<(IndicatorKind, String)>;

/// Returns the values that a pattern names.
fn comparisons(pattern: &str) -> Result<Named, String> {
    let mut words = Words(pattern);
    let mut found = Vec::new();
    loop {
        words.expect(&Word::Sign('['))?;
        loop {
            comparison(&mut words, &mut found)?;
            if found.len() > COMPARISONS_MAX {
                return Err(format!("it has more than {COMPARISONS_MAX} comparisons"));
            }
            match words.next()? {
                Some(Word::Sign(']')) => break,
                Some(Word::Name(or)) if or == "OR" => {}
                other => return Err(not_usable(other.as_ref())),
            }
        }
        match words.next()? {
            None => return Ok(found),
            Some(Word::Name(or)) if or == "OR" => {}
            other => return Err(not_usable(other.as_ref())),
        }
    }
}

/// `type:path = 'value'`, `type:path IN ('a', 'b')`, `ipv4-addr:value ISSUBSET 'network'`.
fn comparison(words: &mut Words<'_>, found: &mut Named) -> Result<(), String> {
    let path = match words.next()? {
        Some(Word::Name(path)) => path,
        other => return Err(not_usable(other.as_ref())),
    };
    let kind = kind_of(&path).ok_or_else(|| format!("`{}` is not looked for", brief(&path)))?;
    match words.next()? {
        Some(Word::Sign('=')) => found.push((kind, words.value()?)),
        Some(Word::Name(word)) if word == "ISSUBSET" && kind == IndicatorKind::Ip => {
            found.push((kind, words.value()?));
        }
        Some(Word::Name(word)) if word == "IN" => {
            words.expect(&Word::Sign('('))?;
            loop {
                found.push((kind, words.value()?));
                match words.next()? {
                    Some(Word::Sign(',')) => {}
                    Some(Word::Sign(')')) => break,
                    other => return Err(not_usable(other.as_ref())),
                }
            }
        }
        other => return Err(not_usable(other.as_ref())),
    }
    Ok(())
}

fn not_usable(word: Option<&Word>) -> String {
    match word {
        None => "it ends too soon".to_owned(),
        Some(Word::Sign(sign)) => format!("`{sign}` is not understood here"),
        Some(Word::Text(_)) => "a value stands where a name belongs".to_owned(),
        Some(Word::Name(name)) => format!("`{}` is more than a list of values", brief(name)),
    }
}

/// Returns the kind of value that an object path names.
fn kind_of(path: &str) -> Option<IndicatorKind> {
    let (object, property) = path.split_once(':')?;
    Some(match (object, property) {
        ("ipv4-addr" | "ipv6-addr", "value")
        | ("network-traffic", "dst_ref.value" | "src_ref.value") => IndicatorKind::Ip,
        ("domain-name", "value") => IndicatorKind::Domain,
        ("url", "value") => IndicatorKind::Url,
        ("email-addr", "value") | ("email-message", "from_ref.value" | "sender_ref.value") => {
            IndicatorKind::Email
        }
        ("file" | "artifact", property) => {
            let name = property.strip_prefix("hashes.")?;
            let name = name.trim_matches(['\'', '"']).replace('-', "");
            let is_known =
                ["MD5", "SHA1", "SHA256"].iter().any(|own| name.eq_ignore_ascii_case(own));
            return is_known.then_some(IndicatorKind::Hash);
        }
        _ => return None,
    })
}

/// A word of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// An object path or a keyword.
    Name(String),
    /// A text value.
    Text(String),
    /// Anything of one character.
    Sign(char),
}

/// The rest of a pattern.
struct Words<'p>(&'p str);

impl Words<'_> {
    fn next(&mut self) -> Result<Option<Word>, String> {
        self.0 = self.0.trim_start();
        let Some(first) = self.0.chars().next() else { return Ok(None) };
        if first == '\'' {
            return self.text().map(|text| Some(Word::Text(text)));
        }
        let length = self.name_length();
        if length > 0 {
            let (name, rest) = self.0.split_at_checked(length).unwrap_or((self.0, ""));
            self.0 = rest;
            return Ok(Some(Word::Name(name.to_owned())));
        }
        self.0 = self.0.strip_prefix(first).unwrap_or_default();
        Ok(Some(Word::Sign(first)))
    }

    /// Returns how long the name at the start is; a quoted step (`hashes.'SHA-256'`) belongs to it.
    fn name_length(&self) -> usize {
        let mut quote = None;
        let mut before = ' ';
        for (at, c) in self.0.char_indices() {
            let goes_on = match quote {
                Some(open) => {
                    if c == open {
                        quote = None;
                    }
                    true
                }
                None if (c == '\'' || c == '"') && before == '.' => {
                    quote = Some(c);
                    true
                }
                None => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'),
            };
            if !goes_on {
                return at;
            }
            before = c;
        }
        self.0.len()
    }

    /// Reads a quoted value; `\'` and `\\` stand for themselves.
    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.0.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.0 = self.0.get(at.saturating_add(1)..).unwrap_or_default();
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                other => text.push(other),
            }
        }
        Err("a value is not closed".to_owned())
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next()? {
            Some(Word::Text(text)) => Ok(text),
            other => Err(not_usable(other.as_ref())),
        }
    }

    fn expect(&mut self, wanted: &Word) -> Result<(), String> {
        let word = self.next()?;
        if word.as_ref() == Some(wanted) { Ok(()) } else { Err(not_usable(word.as_ref())) }
    }
}

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
