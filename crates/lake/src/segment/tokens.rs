//! The tokens of rows: of the words of their texts and of the values of their fields.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use event::{Attr, Value};

use super::bloom::{field_start, hash_words, start_hash, value_hash};
use crate::error::{BadRows, StoreError};
use crate::rows::{Columns, TextColumn, exact_attrs, text_at};
use crate::schema::{self, INDEXED};

/// [`field_start`] of each attribute whose values are indexed, in the order of [`Attr::ALL`].
pub(crate) static ATTR_STARTS: LazyLock<Vec<Option<u64>>> = LazyLock::new(|| {
    let start = |attr: &Attr| INDEXED.contains(attr).then(|| field_start(attr.alias()));
    Attr::ALL.iter().map(start).collect()
});

/// Passes a token on as its own hash: it is one.
#[derive(Debug, Default)]
pub(super) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, token: u64) {
        self.0 = token;
    }
}

type TokenSet = HashSet<u64, BuildHasherDefault<TokenHasher>>;

/// Tokens seen a moment ago, by their last bits: most come again at once.
const RECENT_TOKENS: usize = 1 << 13;

/// The different tokens of a granule.
#[derive(Debug)]
pub(crate) struct Tokens {
    set: TokenSet,
    recent: Vec<u64>,
}

impl Default for Tokens {
    fn default() -> Self {
        let mut recent = vec![0; RECENT_TOKENS];
        forget(&mut recent);
        Self { set: TokenSet::default(), recent }
    }
}

/// Leaves no token in a memory: at each place one that belongs to another place.
fn forget(recent: &mut [u64]) {
    recent.fill(0);
    if let Some(first) = recent.first_mut() {
        *first = 1;
    }
}

impl Tokens {
    /// Takes in one token; returns whether it is a new one.
    fn add(&mut self, token: u64) -> bool {
        let place = usize::try_from(token).unwrap_or(0) & (RECENT_TOKENS - 1);
        match self.recent.get_mut(place) {
            Some(recent) if *recent != token => {
                *recent = token;
                self.set.insert(token)
            }
            _ => false,
        }
    }

    /// Takes in a word by its token, and its start with it.
    pub(crate) fn add_word(&mut self, token: u64, word: &[u8]) {
        if self.add(token)
            && let Some(start) = start_hash(word)
        {
            self.add(start);
        }
    }

    /// Takes in the words of a text as it came.
    pub(crate) fn add_words(&mut self, text: &str) {
        if text.is_ascii() {
            hash_words(text, |token, word| self.add_word(token, word));
        } else {
            hash_words(&event::fold::fold(text), |token, word| self.add_word(token, word));
        }
    }

    /// Takes in a field's value as it came; `start` is [`super::field_start`] of the field.
    pub(crate) fn add_value(&mut self, start: u64, value: &str) {
        if value.is_ascii() {
            self.add(value_hash(start, value));
        } else {
            self.add(value_hash(start, &event::fold::fold(value)));
        }
    }

    /// Takes in each value of a field that may have several.
    pub(crate) fn add_members(&mut self, start: u64, value: &Value) {
        value.members().iter().for_each(|member| self.add_value(start, &member.text()));
    }

    /// Returns all of them, and is empty then.
    pub(super) fn take(&mut self) -> Vec<u64> {
        forget(&mut self.recent);
        self.set.drain().collect()
    }
}

/// The columns whose words and values are indexed.
pub(crate) struct RowTokens<'a> {
    texts: [Option<TextColumn<'a>>; 2],
    values: Vec<(u64, TextColumn<'a>)>,
    exact: Option<TextColumn<'a>>,
}

impl<'a> RowTokens<'a> {
    /// Returns those columns.
    pub(crate) fn of(columns: &Columns<'a>) -> Self {
        let origins = [schema::AGENCY_ID, schema::SYSTEM_ID, schema::SOURCE_ID];
        let names = origins.into_iter().chain(INDEXED.iter().map(|attr| attr.alias()));
        let values = names.filter_map(|name| {
            let column = columns.text(name)?;
            (!column.is_empty()).then_some((field_start(name), column))
        });
        let used = |name| columns.text(name).filter(|column| !column.is_empty());
        Self {
            texts: [used(schema::RAW), used(schema::EXTRA_TEXT)],
            values: values.collect(),
            exact: used(schema::ATTRS_EXACT),
        }
    }

    /// Takes in the tokens of a row.
    ///
    /// # Errors
    ///
    /// When `attrs_exact` cannot be read.
    pub(crate) fn add(&self, row: usize, tokens: &mut Tokens) -> Result<(), StoreError> {
        for text in self.texts.iter().filter_map(|column| text_at(*column, row)) {
            tokens.add_words(text);
        }
        for (start, column) in &self.values {
            if let Some(value) = column.at(row) {
                tokens.add_value(*start, value);
            }
        }
        if let Some(exact) = text_at(self.exact, row) {
            add_exact(exact, tokens)?;
        }
        Ok(())
    }
}

/// Takes in the values of `attrs_exact`.
pub(crate) fn add_exact(exact: &str, tokens: &mut Tokens) -> Result<(), BadRows> {
    for (name, value) in exact_attrs(exact)? {
        tokens.add_members(field_start(&name), &value);
    }
    Ok(())
}
