//! A JSON record as it stands: its values are found, not read. What a value says is made of it only where
//! somebody asks.
//!
//! Stricter than the decoder: what is not plainly JSON here (broken escapes, halves of surrogate pairs,
//! control characters inside a text) is left to it.

use event::{JsonMarks, begins};
use memchr::memchr;

/// Numbers with fewer digits are within `i64`.
const I64_DIGITS: usize = 19;

/// A record on its way from left to right.
#[derive(Debug)]
pub(super) struct Cursor<'r> {
    record: &'r str,
    marks: &'r JsonMarks,
    at: usize,
}

/// Where a value stands in its record: a text without its quotes, an array with its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
    pub(super) kind: Kind,
    is_escaped: bool,
}

/// What a value is, as far as all records of a shape have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Within `i64`.
    Int,
    Float,
    Bool(bool),
    Null,
    /// Empty, one member, or more; of texts and whole numbers only.
    Array(Members),
    Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    None,
    One,
    More,
}

/// A text or a number as its record spells it.
#[derive(Debug, Clone, Copy)]
pub(in crate::matching) struct Raw<'r> {
    pub(in crate::matching) written: &'r str,
    /// A text with backslashes.
    pub(in crate::matching) is_escaped: bool,
    pub(super) is_text: bool,
}

impl<'r> Cursor<'r> {
    /// Returns a cursor at a place of a record, whose marks are known.
    pub(super) const fn new(record: &'r str, marks: &'r JsonMarks, at: usize) -> Self {
        Self { record, marks, at }
    }

    #[inline]
    fn rest(&self) -> &'r [u8] {
        self.record.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.record.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Steps over the byte if it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.skip(usize::from(is_next));
        is_next
    }

    #[inline]
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.skip(1);
        }
    }

    /// Returns whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.record.len()
    }

    /// Returns whether these bytes come next.
    #[inline]
    pub(super) fn comes(&self, bytes: &[u8]) -> bool {
        begins(self.rest(), bytes)
    }

    /// Steps over a key, a text without escapes. Returns it in its quotes.
    pub(super) fn key(&mut self) -> Option<&'r str> {
        let start = self.at;
        if !self.take(b'"') || self.text()?.is_escaped {
            return None;
        }
        self.record.get(start..self.at)
    }

    /// Steps over what is known to come, a key of some bytes and what stands before its value, and over
    /// the value: a text behind its opening quote, or anything else. Returns the key in its quotes.
    #[inline]
    pub(super) fn known(
        &mut self,
        key_bytes: usize,
        bytes: usize,
        kind: Kind,
    ) -> Option<(&'r str, Span)> {
        let key = self.at..self.at.saturating_add(key_bytes);
        self.skip(bytes);
        let span = if kind == Kind::Text {
            self.text()?
        } else {
            self.blanks();
            self.value()?
        };
        Some((self.record.get(key)?, span))
    }

    /// Steps over the colon between a key and its value.
    #[inline]
    pub(super) fn colon(&mut self) -> Option<()> {
        if !self.take(b':') {
            self.blanks();
            self.take(b':').then_some(())?;
        }
        self.blanks();
        Some(())
    }

    /// Steps over a value; of an object over its opening bracket only.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Span> {
        let start = self.at;
        let kind = match self.peek()? {
            b'"' => {
                self.skip(1);
                return self.text();
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word(b"true", Kind::Bool(true))?,
            b'f' => self.word(b"false", Kind::Bool(false))?,
            b'n' => self.word(b"null", Kind::Null)?,
            b'[' => self.array()?,
            b'{' => {
                self.skip(1);
                Kind::Object
            }
            _ => return None,
        };
        Some(Span { start, end: self.at, kind, is_escaped: false })
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<Kind> {
        let comes = self.comes(word);
        self.skip(word.len());
        comes.then_some(kind)
    }

    /// Steps over a text whose opening quote was taken, and its closing one.
    #[inline]
    fn text(&mut self) -> Option<Span> {
        let start = self.at;
        let (end, is_escaped) = self.marks.text_end(start)?;
        self.at = end.saturating_add(1);
        if (self.marks.has_controls() || (is_escaped && self.marks.has_numbers()))
            && !is_plain(self.record.get(start..end)?)
        {
            return None;
        }
        Some(Span { start, end, kind: Kind::Text, is_escaped })
    }

    fn number(&mut self) -> Option<Kind> {
        let start = self.at;
        let is_negative = self.take(b'-');
        let has_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if has_zero && (digits > 1 || is_negative) {
            return None;
        }
        let is_whole = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        if is_whole {
            let text = self.record.get(start..self.at)?;
            let fits = digits < I64_DIGITS || text.parse::<i64>().is_ok();
            return fits.then_some(Kind::Int);
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _has_sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Some(Kind::Float)
    }

    fn digits(&mut self) -> Option<usize> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(count);
        (count > 0).then_some(count)
    }

    /// Steps over an array of texts and whole numbers.
    fn array(&mut self) -> Option<Kind> {
        let mut count = 0_usize;
        self.skip(1);
        self.blanks();
        if self.take(b']') {
            return Some(Kind::Array(Members::None));
        }
        loop {
            self.blanks();
            // Looked at first: an array within an array goes no deeper.
            let may_be_plain = matches!(self.peek()?, b'"' | b'-' | b'0'..=b'9');
            if !may_be_plain || !matches!(self.value()?.kind, Kind::Text | Kind::Int) {
                return None;
            }
            count = count.saturating_add(1);
            self.blanks();
            if self.take(b']') {
                let members = if count == 1 { Members::One } else { Members::More };
                return Some(Kind::Array(members));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }
}

impl Span {
    /// Calls `each` with the value, or with each member of an array, until it breaks off by `true`;
    /// returns whether it did. What is neither text nor whole number is passed over.
    pub(super) fn any<'r>(
        self,
        record: &'r str,
        marks: &'r JsonMarks,
        mut each: impl FnMut(Raw<'r>) -> bool,
    ) -> bool {
        if let Some(raw) = self.raw(record) {
            return each(raw);
        }
        if !matches!(self.kind, Kind::Array(Members::One | Members::More)) {
            return false;
        }
        let mut cursor = Cursor::new(record, marks, self.start);
        while cursor.at < self.end && (cursor.take(b'[') || cursor.take(b',')) {
            cursor.blanks();
            let Some(raw) = cursor.value().and_then(|member| member.raw(record)) else {
                return false;
            };
            if each(raw) {
                return true;
            }
            cursor.blanks();
        }
        false
    }

    /// Returns a text or a whole number.
    #[inline]
    pub(super) fn raw(self, record: &str) -> Option<Raw<'_>> {
        let is_text = match self.kind {
            Kind::Text => true,
            Kind::Int => false,
            _ => return None,
        };
        let written = record.get(self.start..self.end)?;
        Some(Raw { written, is_escaped: self.is_escaped, is_text })
    }
}

impl<'r> Raw<'r> {
    /// Returns what it says; `room` is only room to write in.
    pub(in crate::matching) fn text<'t>(self, room: &'t mut String) -> Option<&'t str>
    where
        'r: 't,
    {
        let mut rest = self.written;
        if !self.is_escaped {
            return Some(rest);
        }
        room.clear();
        while let Some(at) = memchr(b'\\', rest.as_bytes()) {
            room.push_str(rest.get(..at)?);
            let escape = rest.get(at..)?;
            let bytes = escape_bytes(escape.as_bytes())?;
            match *escape.as_bytes().get(1)? {
                b'b' => room.push('\u{8}'),
                b'f' => room.push('\u{c}'),
                b'n' => room.push('\n'),
                b'r' => room.push('\r'),
                b't' => room.push('\t'),
                b'u' => {
                    let number = u32::from_str_radix(escape.get(2..6)?, 16).ok()?;
                    room.push(char::from_u32(number)?);
                }
                itself => room.push(char::from(itself)),
            }
            rest = escape.get(bytes..)?;
        }
        room.push_str(rest);
        Some(room)
    }

    /// Returns the whole number, if it is one.
    pub(super) fn int(self) -> Option<i64> {
        (!self.is_text).then_some(self.written)?.parse().ok()
    }
}

/// Returns whether a text has no control characters, and only escapes that are some.
fn is_plain(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(escape) = memchr(b'\\', rest).and_then(|at| rest.get(at..)) {
        let Some(after) = escape_bytes(escape).and_then(|bytes| escape.get(bytes..)) else {
            return false;
        };
        rest = after;
    }
    text.bytes().all(|byte| byte >= b' ')
}

/// Returns the bytes of the escape that begins here; `None` if it is none, or half of a pair.
#[inline]
fn escape_bytes(escape: &[u8]) -> Option<usize> {
    match escape {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [_, b'u', digits @ ..] => {
            let digits = digits.first_chunk::<4>()?;
            let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
            let is_half =
                matches!(digits, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
            (is_hex && !is_half).then_some(6)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_told_apart_and_read() {
        for (json, want) in [
            (r#""a b""#, Some((Kind::Text, vec!["a b"]))),
            (
                r#""C:\\a\"\/\b\f\n\r\t\u0110""#,
                Some((Kind::Text, vec!["C:\\a\"/\u{8}\u{c}\n\r\tĐ"])),
            ),
            (r#""""#, Some((Kind::Text, vec![""]))),
            ("-17", Some((Kind::Int, vec!["-17"]))),
            ("9223372036854775807", Some((Kind::Int, vec!["9223372036854775807"]))),
            ("9223372036854775808", None),
            ("0", Some((Kind::Int, vec!["0"]))),
            ("-0", None),
            ("01", None),
            ("1.5e-7", Some((Kind::Float, vec![]))),
            ("1.", None),
            ("1e", None),
            ("true", Some((Kind::Bool(true), vec![]))),
            ("false", Some((Kind::Bool(false), vec![]))),
            ("null", Some((Kind::Null, vec![]))),
            ("nul", None),
            ("[]", Some((Kind::Array(Members::None), vec![]))),
            (r#"[ "a\\" ]"#, Some((Kind::Array(Members::One), vec!["a\\"]))),
            (r#"[1, "]," ,3]"#, Some((Kind::Array(Members::More), vec!["1", "],", "3"]))),
            ("[[]]", None),
            ("[1.5]", None),
            ("[1,]", None),
            (r#""\x""#, None),
            (r#""\ud800\udc00""#, None),
            (r#""\u12g4""#, None),
            ("\"a\tb\"", None),
            (r#""open"#, None),
        ] {
            let mut marks = JsonMarks::default();
            marks.read(json.as_bytes());
            let mut cursor = Cursor::new(json, &marks, 0);
            let span = cursor.value().filter(|_| cursor.is_at_end() && !marks.has_broken());
            let got = span.map(|span| {
                let mut texts = Vec::new();
                span.any(json, &marks, |raw| {
                    texts.push(raw.text(&mut String::new()).unwrap().to_owned());
                    false
                });
                (span.kind, texts)
            });
            let want =
                want.map(|(kind, texts)| (kind, texts.into_iter().map(str::to_owned).collect()));
            assert_eq!(got, want, "{json}");
        }
    }

    proptest! {
        #[test]
        fn texts_are_read_as_serde_reads_them(text in "[a-c\"\\\\/\n\t\u{1}Đ\u{1f600} ]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            let mut marks = JsonMarks::default();
            marks.read(json.as_bytes());
            let mut cursor = Cursor::new(&json, &marks, 0);
            let span = cursor.value().unwrap();
            prop_assert!(cursor.is_at_end());
            let mut room = String::new();
            prop_assert_eq!(span.raw(&json).unwrap().text(&mut room), Some(text.as_str()));
        }

        #[test]
        fn any_bytes_end_without_a_panic(bytes in "[\\[\\]{}\",:\\\\u0-9a-f.e -]{0,40}") {
            let mut marks = JsonMarks::default();
            marks.read(bytes.as_bytes());
            if marks.has_broken() {
                return Ok(());
            }
            let mut cursor = Cursor::new(&bytes, &marks, 0);
            if let Some(span) = cursor.value() {
                span.any(&bytes, &marks, |raw| raw.text(&mut String::new()).is_none());
                let is_json = serde_json::from_slice::<serde_json::Value>(bytes.as_bytes()).is_ok();
                let is_read = cursor.is_at_end() && span.kind != Kind::Object;
                prop_assert!(is_json || !is_read, "{}", bytes);
            }
        }
    }
}
