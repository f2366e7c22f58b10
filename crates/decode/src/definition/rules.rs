//! Which field is which attribute, which attributes are fixed, and what their values are called.

use event::{Attr, Attrs, Fields, Name, Note, Value};

use crate::attribute::{is_blank, set_if_free};

/// The rules of a definition, a variant or a pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// In the file's order: the first field that has a value wins its attribute.
    pub(super) map: Vec<(Name, Vec<Attr>)>,
    /// Attributes with a fixed value.
    pub(super) set: Vec<(Attr, Value)>,
    /// What an attribute's values are called in our words.
    pub(super) values: Vec<(Attr, Words)>,
}

/// A source's words (lower case) and ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub(super) pairs: Vec<(String, String)>,
    /// For any other word.
    pub(super) other: Option<String>,
}

impl Words {
    fn ours(&self, value: &Value) -> Option<Value> {
        let text = value.text();
        let found = self.pairs.iter().find(|(own, _)| own.eq_ignore_ascii_case(&text));
        let word = found.map(|(_, word)| word).or(self.other.as_ref())?;
        Some(Value::Text(word.clone()))
    }
}

impl Rules {
    /// Sets the attributes that are still free. `general` are the definition's own rules, whose
    /// words also hold for a variant's fields.
    pub(crate) fn apply(
        &self,
        fields: &Fields,
        attrs: &mut Attrs,
        notes: &mut Vec<Note>,
        general: &Rules,
    ) {
        for (field, targets) in &self.map {
            let Some(value) = fields.get(field).filter(|value| !is_blank(value)) else { continue };
            for attr in targets {
                let words = self.words(*attr).or_else(|| general.words(*attr));
                match words.and_then(|words| words.ours(value)) {
                    Some(word) => set_if_free(attrs, *attr, &word, notes),
                    None => set_if_free(attrs, *attr, value, notes),
                }
            }
        }
        for (attr, value) in &self.set {
            set_if_free(attrs, *attr, value, notes);
        }
    }

    /// Returns the first field that is mapped to the attribute and has a value.
    pub(crate) fn field_of<'f>(&self, attr: Attr, fields: &'f Fields) -> Option<&'f Value> {
        self.map
            .iter()
            .filter(|(_, targets)| targets.contains(&attr))
            .find_map(|(field, _)| fields.get(field).filter(|value| !is_blank(value)))
    }

    /// Returns which field may become which attribute; the empty name stands for a fixed value.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = (&str, Attr)> {
        let mapped = self.map.iter();
        let mapped =
            mapped.flat_map(|(field, attrs)| attrs.iter().map(|attr| (field.as_ref(), *attr)));
        mapped.chain(self.set.iter().map(|(attr, _)| ("", *attr)))
    }

    fn words(&self, attr: Attr) -> Option<&Words> {
        self.values.iter().find_map(|(own, words)| (*own == attr).then_some(words))
    }
}
