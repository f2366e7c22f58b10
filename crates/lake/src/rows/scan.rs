//! Cuts one flat JSON object into its members without copying them.

use std::borrow::Cow;
use std::ops::Range;

use event::{JsonMarks, begins};

/// Objects and lists within each other in one value.
const DEPTH_MAX: usize = 32;

/// Where something stands in a line of less than 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    fn range(self) -> Range<usize> {
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        at(self.start)..at(self.end)
    }

    pub(super) fn of(self, line: &str) -> &str {
        line.get(self.range()).unwrap_or_default()
    }
}

/// A member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A text that is written as it is; without its quotes.
    Plain(Span),
    /// A text with escapes; with its quotes.
    Escaped(Span),
    /// A number as it is written.
    Number(Span),
    Bool(bool),
    Null,
    /// A list or an object.
    Nested(Span),
}

impl Token {
    /// Returns the value as text.
    pub(super) fn text(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Plain(span) | Self::Number(span) | Self::Nested(span) => {
                Cow::Borrowed(span.of(line))
            }
            Self::Escaped(span) => unescaped(span.of(line)),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Null => Cow::Borrowed(""),
        }
    }

    /// Returns the value as it stands in JSON.
    pub(super) fn json(self, line: &str) -> Cow<'_, str> {
        let valid = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        match self {
            Self::Plain(span) => {
                let text = span.of(line);
                if has_controls(text) {
                    return Cow::Owned(quoted(text));
                }
                let Range { start, end } = span.range();
                let with_quotes = line.get(start.saturating_sub(1)..end + 1);
                Cow::Borrowed(with_quotes.unwrap_or("\"\""))
            }
            Self::Number(span) | Self::Escaped(span) | Self::Nested(span) => {
                let text = span.of(line);
                if valid(text) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
            }
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Null => Cow::Borrowed("null"),
        }
    }
}

/// Returns whether a text has control characters. Looks at all of it: many bytes at once are faster than one
/// after the other until the first.
fn has_controls(text: &str) -> bool {
    text.bytes().min().is_some_and(|least| least < b' ')
}

/// Returns a text without its quotes and escapes; as it is written where those are not valid.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    if let Some(text) = with_usual_escapes(quoted) {
        return Cow::Owned(text);
    }
    match serde_json::from_str::<String>(quoted) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(quoted),
    }
}

/// Returns a text without its quotes and escapes, if all of those are of two characters.
fn with_usual_escapes(quoted: &str) -> Option<String> {
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if has_controls(rest) {
        return None;
    }
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at)?);
        text.push(match rest.as_bytes().get(at + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        });
        rest = rest.get(at + 2..)?;
    }
    text.push_str(rest);
    Some(text)
}

/// The rest of a line that is one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    text: &'a str,
    marks: &'a JsonMarks,
    at: usize,
}

impl<'a> Line<'a> {
    /// Steps into the object of a line whose marks were read.
    pub(super) fn open(line: &'a str, marks: &'a JsonMarks) -> Option<Self> {
        line.starts_with('{').then(|| Self { text: line, marks, at: 1 }.past_blanks())
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn past(self, bytes: usize) -> Self {
        Self { at: self.at + bytes, ..self }
    }

    fn past_blanks(self) -> Self {
        let blanks = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.past(blanks)
    }

    /// Returns whether the object ends here.
    pub(super) fn is_closed(&self) -> bool {
        self.rest().first() == Some(&b'}')
    }

    /// Returns whether the object ends here and nothing follows it.
    pub(super) fn is_ended(&self) -> bool {
        self.is_closed() && self.rest().len() == 1
    }

    /// Steps over a name with its quotes and colon, if it is this one.
    pub(super) fn past_name(self, quoted: &str) -> Option<Self> {
        begins(self.rest(), quoted.as_bytes()).then(|| self.past(quoted.len()).past_blanks())
    }

    /// Reads a name and steps over its colon.
    pub(super) fn name(self) -> Option<(Self, String)> {
        let (after, token) = self.string()?;
        let after = after.past_blanks();
        (after.rest().first() == Some(&b':'))
            .then(|| (after.past(1).past_blanks(), token.text(self.text).into_owned()))
    }

    /// Reads a value and steps to the next name or the object's end.
    pub(super) fn value(self) -> Option<(Self, Token)> {
        let (after, token) = match self.rest().first()? {
            b'"' => self.string()?,
            b'{' | b'[' => self.nested()?,
            b't' => self.word("true", Token::Bool(true))?,
            b'f' => self.word("false", Token::Bool(false))?,
            b'n' => self.word("null", Token::Null)?,
            b'-' | b'0'..=b'9' => {
                let of_number =
                    |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let after = self.past(self.rest().iter().take_while(of_number).count());
                (after, Token::Number(Span::new(self.at, after.at)?))
            }
            _ => return None,
        };
        let after = after.past_blanks();
        match after.rest().first()? {
            b',' => {
                let next = after.past(1).past_blanks();
                (!next.is_closed()).then_some((next, token))
            }
            b'}' => Some((after, token)),
            _ => None,
        }
    }

    fn word(self, word: &str, token: Token) -> Option<(Self, Token)> {
        self.rest().starts_with(word.as_bytes()).then(|| (self.past(word.len()), token))
    }

    fn string(self) -> Option<(Self, Token)> {
        if self.rest().first() != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let (end, is_escaped) = self.marks.text_end(start)?;
        let after = Self { at: end + 1, ..self };
        let token = if is_escaped {
            Token::Escaped(Span::new(self.at, after.at)?)
        } else {
            Token::Plain(Span::new(start, end)?)
        };
        Some((after, token))
    }

    fn nested(self) -> Option<(Self, Token)> {
        let (mut after, mut depth) = (self, 0_usize);
        loop {
            match after.rest().first()? {
                b'{' | b'[' => {
                    depth += 1;
                    if depth > DEPTH_MAX {
                        return None;
                    }
                    after = after.past(1);
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    after = after.past(1);
                    if depth == 0 {
                        break;
                    }
                }
                b'"' => after = after.string()?.0,
                _ => after = after.past(1),
            }
        }
        Some((after, Token::Nested(Span::new(self.at, after.at)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_a_json_parser_reads_them() {
        for quoted in [
            r#""""#,
            r#""C:\\Windows\\System32\\cmd.exe""#,
            r#""a\tb\nc\rd\be\ff\/g\"h\\""#,
            r#""\\\\server\\đường\\tệp""#,
            r#""\u0111 \ud83d\ude00 \\u0111""#,
        ] {
            assert_eq!(unescaped(quoted), serde_json::from_str::<String>(quoted).unwrap());
        }
        for broken in [r#""\x""#, "\"a\tb\\n\"", r#""\ud83d""#] {
            assert_eq!(unescaped(broken), broken);
        }
    }
}
