//! Reading single properties, with the place of whatever is wrong.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::extension;
use crate::limits::{FAULTS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX};
use crate::playbook::Words;
use crate::read::{Fault, Problem};

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) faults: Vec<Fault>,
}

/// Escapes a key for a place. Source: RFC 6901.
pub(crate) fn under(place: &str, key: &str) -> String {
    format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Reader {
    /// Notes a fault.
    pub(crate) fn fault(&mut self, place: &str, problem: Problem) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { place: place.to_owned(), problem });
        }
    }

    /// Returns a text, if there is one.
    pub(crate) fn text(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
        chars_max: usize,
    ) -> Option<String> {
        match object.get(key)? {
            Value::String(text) if text.chars().nth(chars_max).is_none() => Some(text.clone()),
            Value::String(_) => {
                self.fault(&under(place, key), Problem::TooLong);
                None
            }
            _ => {
                self.fault(&under(place, key), Problem::Not("string"));
                None
            }
        }
    }

    /// Returns a text that must be there.
    pub(crate) fn wanted(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
    ) -> Option<String> {
        if !object.contains_key(key) {
            self.fault(place, Problem::Missing(key.to_owned()));
            return None;
        }
        self.text(object, place, key, TEXT_CHARS_MAX)
    }

    /// Returns the id of a step or a playbook that a property names.
    pub(crate) fn id(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
    ) -> Option<String> {
        let id = self.text(object, place, key, NAME_CHARS_MAX)?;
        if uuid_of(&id).is_none() {
            self.fault(&under(place, key), Problem::Not("identifier"));
            return None;
        }
        Some(id)
    }

    /// Returns a moment that must be there.
    pub(crate) fn moment(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
    ) -> Option<DateTime<Utc>> {
        let text = self.wanted(object, place, key)?;
        let read = DateTime::parse_from_rfc3339(&text).ok().filter(|_| text.ends_with('Z'));
        if read.is_none() {
            self.fault(&under(place, key), Problem::Not("timestamp"));
        }
        read.map(|at| at.to_utc())
    }

    /// Returns a list of texts.
    pub(crate) fn texts(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
    ) -> Vec<String> {
        let Some(value) = object.get(key) else { return Vec::new() };
        let read = value.as_array().and_then(|all| {
            all.iter().map(|one| one.as_str().map(ToOwned::to_owned)).collect::<Option<Vec<_>>>()
        });
        if read.is_none() {
            self.fault(&under(place, key), Problem::Not("list"));
        }
        read.unwrap_or_default()
    }

    /// Returns words in both languages: the specification's property, and ours for Vietnamese.
    pub(crate) fn words(
        &mut self,
        object: &Map<String, Value>,
        place: &str,
        (key, extensions, chars_max): (&str, &str, usize),
    ) -> Words {
        let en = self.text(object, place, key, chars_max).unwrap_or_default();
        let own = extension::of(object, extensions);
        let place = under(&under(place, extensions), extension::EXTENSION);
        let vi = own.and_then(|own| self.text(own, &place, &format!("{key}_vi"), chars_max));
        Words { en, vi }
    }
}

/// Returns the id behind the type of an identifier.
pub(crate) fn uuid_of(id: &str) -> Option<Uuid> {
    let (kind, uuid) = id.split_once("--")?;
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphened = uuid.len() == 36;
    (!kind.is_empty() && kind.chars().all(named) && hyphened).then(|| uuid.parse().ok()).flatten()
}
