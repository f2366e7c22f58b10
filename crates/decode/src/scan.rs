//! A cursor over text for the hand-written scanners: it only ever moves forward, never indexes and
//! never panics.

/// What is left of a text being read from left to right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    /// The text not read yet.
    pub(crate) rest: &'a str,
}

impl<'a> Scan<'a> {
    /// Returns a cursor at the start of the text.
    pub(crate) fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    /// Steps over `word`, if it stands here.
    pub(crate) fn eat(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the longest run of characters that hold.
    pub(crate) fn take_while(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !holds(c)).unwrap_or(self.rest.len());
        self.take_bytes(end)
    }

    /// Takes the next run without white space, and steps over the spaces behind it.
    pub(crate) fn word(&mut self) -> &'a str {
        let word = self.take_while(|c| !c.is_ascii_whitespace());
        self.spaces();
        word
    }

    /// Steps over spaces and tabs.
    pub(crate) fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Takes a number of `min` to `max` digits.
    pub(crate) fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let end = self.rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if end < min {
            return None;
        }
        let (digits, rest) = self.rest.split_at_checked(end)?;
        let number = digits.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    /// Takes the next `end` bytes, or nothing if that is no character border.
    pub(crate) fn take_bytes(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }
}
