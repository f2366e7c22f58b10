//! The variants of a source, with an index: a Windows event has more than a hundred to choose from,
//! and nearly all of them ask for one `EventID`.

use std::borrow::Cow;
use std::collections::HashMap;

use event::{Fields, Value};

use super::{Aliases, Conditions, Meaning};

/// A condition on the fields, with what it means.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) when: Conditions,
    /// Other names for fields of such records.
    pub(crate) aliases: Aliases,
    pub(crate) meaning: Meaning,
}

/// The variants of a source, in the file's order.
#[derive(Debug, Clone)]
pub(crate) struct Variants {
    all: Vec<Variant>,
    index: Option<Index>,
}

/// Which variants can hold for a value of the field that most of them ask for.
#[derive(Debug, Clone)]
struct Index {
    field: String,
    /// Positions by lower-case value, rising.
    by_value: HashMap<String, Vec<usize>>,
    /// Positions of variants that do not ask for exact values of the field, rising.
    others: Vec<usize>,
}

impl Variants {
    /// Returns the variants with their index.
    pub(crate) fn new(all: Vec<Variant>) -> Self {
        let index = Index::of(&all);
        Self { all, index }
    }

    /// Returns what each variant means, in the file's order.
    pub(crate) fn meanings(&self) -> impl Iterator<Item = &Meaning> {
        self.all.iter().map(|variant| &variant.meaning)
    }

    /// Returns the conditions of all variants.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Conditions> {
        self.all.iter().map(|variant| &variant.when)
    }

    /// Returns the first variant that holds.
    pub(crate) fn first(&self, fields: &Fields) -> Option<&Variant> {
        let Some(index) = &self.index else { return self.first_by_walk(fields) };
        let value = match fields.get(&index.field) {
            Some(Value::Text(text)) => lower(text),
            Some(Value::Int(number)) => Cow::Owned(number.to_string()),
            _ => return self.first_by_walk(fields),
        };
        let exact = index.by_value.get(value.as_ref()).map_or(&[][..], Vec::as_slice);
        merged(exact, &index.others)
            .filter_map(|position| self.all.get(position))
            .find(|variant| variant.when.hold(fields))
    }

    fn first_by_walk(&self, fields: &Fields) -> Option<&Variant> {
        self.all.iter().find(|variant| variant.when.hold(fields))
    }
}

impl Index {
    /// Fewer variants are walked faster than looked up.
    const WORTHWHILE_FROM: usize = 8;

    fn of(all: &[Variant]) -> Option<Self> {
        if all.len() < Self::WORTHWHILE_FROM {
            return None;
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for field in all.iter().flat_map(|variant| variant.when.exact_fields()) {
            match counts.iter_mut().find(|(name, _)| *name == field) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((field, 1)),
            }
        }
        let field = counts.into_iter().max_by_key(|(_, count)| *count)?.0.to_owned();
        let mut by_value: HashMap<String, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (position, variant) in all.iter().enumerate() {
            match variant.when.exact_values(&field) {
                Some(values) => {
                    for value in values {
                        by_value.entry(value.to_owned()).or_default().push(position);
                    }
                }
                None => others.push(position),
            }
        }
        Some(Self { field, by_value, others })
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Walks two rising lists as one.
fn merged<'l>(first: &'l [usize], second: &'l [usize]) -> impl Iterator<Item = usize> + 'l {
    let mut first = first.iter().copied().peekable();
    let mut second = second.iter().copied().peekable();
    std::iter::from_fn(move || match (first.peek(), second.peek()) {
        (Some(a), Some(b)) if a <= b => first.next(),
        (Some(_), None) => first.next(),
        _ => second.next(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Decoder, folders};

    /// The index must never choose another variant than the walk would.
    #[test]
    fn the_index_finds_what_the_walk_finds() {
        let decoder = Decoder::builtin().unwrap();
        let mut indexed_count = 0;
        for files in folders() {
            let source = decoder.source(files.folder).unwrap();
            for event in crate::decode_sample(&decoder, files.folder, files.sample) {
                let Some(fields) = event.get("fields") else { continue };
                let fields = serde_json::from_value(fields.clone()).unwrap();
                let fast = source.variants.first(&fields);
                let walked = source.variants.first_by_walk(&fields);
                assert_eq!(fast.map(std::ptr::from_ref), walked.map(std::ptr::from_ref));
                indexed_count += usize::from(source.variants.index.is_some());
            }
        }
        assert!(indexed_count > 20, "only {indexed_count} events went through an index");
    }
}
