//! The tokens of one granule: of the words of its texts and of the values of its fields.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::bloom::{hash_words, start_hash, value_hash};

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

    /// Returns all of them, and is empty then.
    pub(super) fn take(&mut self) -> Vec<u64> {
        forget(&mut self.recent);
        self.set.drain().collect()
    }
}
