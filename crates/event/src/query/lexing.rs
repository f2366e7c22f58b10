//! A query's text, read character by character, with columns for the errors.

use std::borrow::Cow;

use super::ParseError;

/// Characters that a `\` takes the meaning of; before any other the `\` stands for itself, so that
/// `C:\Windows` needs no doubling.
const ESCAPABLE: &[char] = &['\\', '*', '?', '"', '(', ')', ':', '[', ']', '/', '-', '!', ' '];

/// Characters of a field's name beside letters and digits.
const NAME_MARKS: &str = "_.-@$%/#";

/// Returns whether a name can be typed as it is; another one stands in quotes.
fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '@'));
    starts && chars.all(|c| c.is_alphanumeric() || NAME_MARKS.contains(c))
}

/// Returns a field's name as a query line has it: `user`, `"Account Name"`.
pub fn typed_name(name: &str) -> Cow<'_, str> {
    if is_plain_name(name) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\"")))
}

/// Where the reader stands.
#[derive(Debug)]
pub(super) struct Cursor {
    chars: Vec<char>,
    at: usize,
}

/// A run of characters without white space, quotes or parentheses.
#[derive(Debug)]
pub(super) struct Word {
    /// As typed.
    pub(super) typed: String,
    /// As a pattern: escapes undone, `*`, `?` and `\` escaped where they mean themselves.
    pub(super) pattern: String,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    /// Returns the column of the next character, from 1.
    pub(super) fn column(&self) -> usize {
        self.at + 1
    }

    /// Returns how many characters there are.
    pub(super) fn length(&self) -> usize {
        self.chars.len()
    }

    /// Returns whether there is nothing left.
    pub(super) fn at_end(&self) -> bool {
        self.at >= self.chars.len()
    }

    /// Returns the next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Returns the error for this place.
    pub(super) fn error(&self, code: &'static str, message: &str) -> ParseError {
        error_at(self.column(), code, message)
    }

    /// Steps over white space.
    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Steps over a text if it stands here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let stands = text.chars().enumerate().all(|(n, c)| self.peek_at(n) == Some(c));
        if stands {
            self.at += text.chars().count();
        }
        stands
    }

    /// Returns whether a keyword in capitals stands here as a word of its own.
    pub(super) fn is_at_keyword(&self, keyword: &str) -> bool {
        let stands = keyword.chars().enumerate().all(|(n, c)| self.peek_at(n) == Some(c));
        let after = self.peek_at(keyword.chars().count());
        stands && after.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
    }

    /// Steps over a keyword, if one stands here.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.is_at_keyword(keyword) && self.eat(keyword)
    }

    /// Steps over a sign of denial, if one stands here before something to deny.
    pub(super) fn eat_sign(&mut self, sign: char) -> bool {
        let denies = self.peek() == Some(sign)
            && self.peek_at(1).is_some_and(|c| !c.is_whitespace() && c != sign && c != ')');
        if denies {
            self.at += 1;
        }
        denies
    }

    /// Steps over a field's name and its colon, if one stands here.
    pub(super) fn eat_field_name(&mut self) -> Option<String> {
        let first = self.peek()?;
        if !(first.is_alphabetic() || matches!(first, '_' | '@')) {
            return None;
        }
        let is_name = |c: &char| c.is_alphanumeric() || NAME_MARKS.contains(*c);
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| is_name(c)).collect();
        let length = name.chars().count();
        if rest.get(length) != Some(&':') {
            return None;
        }
        let value = rest.get(length + 1..).unwrap_or_default();
        let starts_with =
            |text: &str| text.chars().enumerate().all(|(n, c)| value.get(n) == Some(&c));
        let is_drive = length == 1 && starts_with("\\");
        // `src_ip:::1` asks a field, `std::string` does not.
        let is_path = starts_with(":") && !is_network(value);
        if starts_with("//") || is_path || is_drive || is_address(rest) {
            return None;
        }
        self.at += length + 1;
        Some(name)
    }

    /// Steps over the colon that makes a field's name of a quoted text, if one stands here: only of what
    /// cannot be typed without quotes, so that a piece of JSON stays a text.
    pub(super) fn eat_colon_after(&mut self, quoted: &str) -> bool {
        let is_name = !quoted.is_empty() && !is_plain_name(quoted);
        let has_value = self.peek_at(1).is_some_and(|c| !c.is_whitespace() && c != ')');
        is_name && has_value && self.eat(":")
    }

    /// Reads a quoted text as it is meant; the cursor stands on the opening quote.
    pub(super) fn quoted_text(&mut self) -> Result<String, ParseError> {
        let opened = self.column();
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(error_at(opened, "quote-open", "this quote is never closed"));
            };
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c if c.is_whitespace() => text.push(' '),
                c => text.push(c),
            }
        }
    }

    /// Reads a bare word, as far as white space, a quote or a parenthesis.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word { typed: String::new(), pattern: String::new() };
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, '"' | '(' | ')') {
                break;
            }
            self.at += 1;
            word.typed.push(c);
            match self.peek() {
                Some(next) if c == '\\' && ESCAPABLE.contains(&next) => {
                    self.at += 1;
                    word.typed.push(next);
                    word.pattern.push_str(&super::escape(next.encode_utf8(&mut [0; 4])));
                }
                _ if c == '\\' => word.pattern.push_str("\\\\"),
                _ => word.pattern.push(c),
            }
        }
        word
    }

    /// Returns whether a `|` stands here that begins a stage (and is no `||`).
    pub(super) fn at_pipe(&self) -> bool {
        self.peek() == Some('|') && self.peek_at(1) != Some('|')
    }

    /// Reads a name or a number of a stage, as far as its characters go; it may be empty.
    pub(super) fn name(&mut self) -> String {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let is_name = |c: &&char| c.is_alphanumeric() || NAME_MARKS.contains(**c);
        let name: String = rest.iter().take_while(is_name).collect();
        self.at += name.chars().count();
        name
    }

    /// Steps over a whole name, in capitals or not, if it stands here.
    pub(super) fn eat_name(&mut self, name: &str) -> bool {
        let start = self.at;
        let stands = self.name().eq_ignore_ascii_case(name);
        if !stands {
            self.at = start;
        }
        stands
    }

    /// Reads `/regex/` if one stands here and is closed before white space or `)`.
    pub(super) fn regex(&mut self) -> Option<String> {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        if rest.first() != Some(&'/') {
            return None;
        }
        let mut pattern = String::new();
        let mut place = 1;
        loop {
            match (rest.get(place)?, rest.get(place + 1)) {
                ('\\', Some('/')) => {
                    pattern.push('/');
                    place += 2;
                }
                ('\\', Some(next)) => {
                    pattern.extend(['\\', *next]);
                    place += 2;
                }
                ('/', after) if after.is_none_or(|c| c.is_whitespace() || *c == ')') => {
                    self.at += place + 1;
                    return (!pattern.is_empty()).then_some(pattern);
                }
                (c, _) => {
                    pattern.push(*c);
                    place += 1;
                }
            }
        }
    }

    /// Returns whether a range stands here in the braces of another language: `{1 TO 10}`.
    pub(super) fn is_at_braced_range(&self) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let inside: String = rest.iter().take_while(|c| !matches!(c, '}' | ']' | '"')).collect();
        inside.starts_with('{') && inside.contains(" TO ")
    }

    /// Reads as far as a character, which is stepped over; `None` if it does not come.
    pub(super) fn until(&mut self, end: char) -> Option<String> {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| *c == end)?;
        let text = rest.iter().take(length).collect();
        self.at += length + 1;
        Some(text)
    }
}

/// Returns the characters of a word, as text.
fn word_of(rest: &[char]) -> String {
    rest.iter().take_while(|c| !(c.is_whitespace() || matches!(c, '"' | '(' | ')'))).collect()
}

/// Returns whether an IPv6 address or network stands here.
fn is_network(rest: &[char]) -> bool {
    let word = word_of(rest);
    word.parse::<std::net::Ipv6Addr>().is_ok() || word.parse::<ipnet::Ipv6Net>().is_ok()
}

/// Returns whether a word with colons is a hardware or IPv6 address and no field.
fn is_address(rest: &[char]) -> bool {
    let word = word_of(rest);
    let hardware = word.split(':').count() == 6
        && word.split(':').all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok());
    hardware || word.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Returns the error for a column.
pub(super) fn error_at(column: usize, code: &'static str, message: &str) -> ParseError {
    ParseError { column, message: message.to_owned(), code }
}
