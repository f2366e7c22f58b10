//! Cuts JSON bytes into tokens: strings, numbers, literals, and the extent of nested values.
//!
//! Never recursive, never backtracks: each byte is looked at a fixed number of times, so a depth
//! bomb costs no stack and no more time than its length.

use event::Value;
use memchr::memchr2;

/// Where and why the bytes stop being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// Offset in the record.
    pub(super) at: usize,
    /// What stood or should have stood there.
    pub(super) what: &'static str,
}

/// A cursor over the record.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    invalid_utf8: bool,
    unknown_escape: bool,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, invalid_utf8: false, unknown_escape: false }
    }

    pub(super) const fn met_invalid_utf8(&self) -> bool {
        self.invalid_utf8
    }

    pub(super) const fn met_unknown_escape(&self) -> bool {
        self.unknown_escape
    }

    /// Returns a fault at the cursor.
    pub(super) const fn fault(&self, what: &'static str) -> Fault {
        Fault { at: self.at, what }
    }

    /// Returns line and column (in bytes), both from 1, of an offset.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let before = self.bytes.get(..at).unwrap_or(self.bytes);
        let line_start =
            memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1));
        let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
        (line, before.len().saturating_sub(line_start).saturating_add(1))
    }

    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.rest().starts_with(b"\xEF\xBB\xBF") {
            self.skip(3);
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.skip(1);
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.fault(match byte {
            b':' => "expected ':' after the name",
            b',' => "expected ',' or the end of the object or array",
            b'"' => "expected a name in quotes",
            b'{' => "expected '{'",
            _ => "expected '['",
        }))
    }

    /// Reads anything but an object or array.
    pub(super) fn scalar(&mut self) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b't') => self.literal(b"true", Value::Bool(true)),
            Some(b'f') => self.literal(b"false", Value::Bool(false)),
            Some(b'n') => self.literal(b"null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.fault("expected a value")),
            None => Err(self.fault("the record ends too early")),
        }
    }

    fn literal(&mut self, word: &[u8], value: Value) -> Result<Value, Fault> {
        if !self.rest().starts_with(word) {
            return Err(self.fault("expected a value"));
        }
        self.skip(word.len());
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole_digits = self.digits()?;
        if leading_zero && whole_digits > 1 {
            return Err(Fault { at: start, what: "a number starts with a needless zero" });
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.skip(1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.skip(1);
            }
            self.digits()?;
        }
        let text = self.bytes.get(start..self.at).and_then(|digits| str::from_utf8(digits).ok());
        let text = text.unwrap_or_default();
        let number = if whole { text.parse().ok().map(Value::Int) } else { float(text) };
        Ok(number.unwrap_or_else(|| Value::Text(text.to_owned())))
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.fault("expected a digit"));
        }
        self.skip(count);
        Ok(count)
    }

    /// Reads a string. Lone surrogates become U+FFFD, bytes that are no UTF-8 `\xNN`; control
    /// characters, which JSON wants escaped, are taken as they stand, and so is a backslash that
    /// escapes nothing (`C:\Windows` by senders that build their JSON by hand).
    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let opened_at = self.at;
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = memchr2(b'"', b'\\', rest) else {
                return Err(Fault { at: opened_at, what: "a text without closing quote" });
            };
            self.append(rest.get(..end).unwrap_or_default(), &mut text);
            self.skip(end);
            if self.take(b'"') {
                return Ok(text);
            }
            self.skip(1);
            text.push(self.escape().unwrap_or('\\'));
        }
    }

    fn append(&mut self, bytes: &[u8], text: &mut String) {
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                self.invalid_utf8 = true;
                let [high, low] = [byte >> 4, byte & 0xF].map(|half| {
                    char::from_digit(u32::from(half), 16).unwrap_or(char::REPLACEMENT_CHARACTER)
                });
                text.extend(['\\', 'x', high, low]);
            }
        }
    }

    /// Reads what stands after a backslash; nothing, if that is no escape.
    fn escape(&mut self) -> Option<char> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.unknown_escape = true;
                return None;
            }
        };
        self.skip(1);
        Some(c)
    }

    /// Reads `u` with its four hex digits, and the second half of a surrogate pair if it follows.
    fn unicode(&mut self) -> Option<char> {
        let Some(high) = self.hex4_at(self.at.saturating_add(1)) else {
            self.unknown_escape = true;
            return None;
        };
        self.skip(5);
        if !(0xD800..0xDC00).contains(&high) || !self.rest().starts_with(b"\\u") {
            return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let low = self.hex4_at(self.at.saturating_add(2));
        let Some(low) = low.filter(|low| (0xDC00..0xE000).contains(low)) else {
            // Not its other half: something of its own, to be read next.
            return Some(char::REPLACEMENT_CHARACTER);
        };
        self.skip(6);
        let code = 0x1_0000_u32.saturating_add((high & 0x3FF) << 10).saturating_add(low & 0x3FF);
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4_at(&self, start: usize) -> Option<u32> {
        let digits = self.bytes.get(start..start.saturating_add(4))?;
        digits.iter().try_fold(0_u32, |code, byte| {
            char::from(*byte).to_digit(16).map(|digit| (code << 4) | digit)
        })
    }

    /// Steps over an object or array and returns its text, only its brackets and quotes checked.
    pub(super) fn nested_text(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    open = open.saturating_add(1);
                    self.skip(1);
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    self.skip(1);
                }
                _ => self.skip(1),
            }
            if open == 0 {
                let mut text = String::new();
                self.append(self.bytes.get(start..self.at).unwrap_or_default(), &mut text);
                return Ok(text);
            }
        }
        Err(self.fault("the record ends too early"))
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        let opened_at = self.at;
        self.skip(1);
        while let Some(end) = memchr2(b'"', b'\\', self.rest()) {
            self.skip(end);
            if self.take(b'"') {
                return Ok(());
            }
            self.skip(2);
        }
        Err(Fault { at: opened_at, what: "a text without closing quote" })
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

fn float(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
}
