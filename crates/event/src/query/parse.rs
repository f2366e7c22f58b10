//! Text → [`Query`], with errors that point at the column.

use std::net::IpAddr;

use ipnet::IpNet;

use super::lexing::{Cursor, error_at};
use super::matching::regex;
use super::moment::period;
use super::question::Mention;
use super::{Comparison, Moment, Query, Test, escape};
use crate::{Attr, AttrType};

/// How long a query may be, in characters: more than anyone types, little enough to read at once.
pub const LENGTH_MAX: usize = 4096;

/// How many terms a query may have: each one is asked of every event.
pub const TERMS_MAX: usize = 256;

/// How deep parentheses and denials may nest: the reader and the matcher recurse.
const DEPTH_MAX: usize = 32;

/// Why a query could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ParseError {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What was expected there; a stable English phrase that screens translate by `code`.
    pub message: String,
    /// Stable word for translation, of the filter: `too-long`, `too-many-terms`, `too-deep`,
    /// `unexpected-close`, `close-missing`, `term-missing`, `value-missing`, `quote-open`,
    /// `number-expected`, `range-open`, `range-shape`, `range-order`, `bad-network`, `bad-regex`,
    /// `time-expected`, `pipe-here`; of the stages: see `question.rs`.
    pub code: &'static str,
}

/// Reads a filter. The empty text asks for every event.
///
/// # Errors
/// Where the text is wrong; also where it goes on with `|`, which only [`super::parse_question`] reads.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let cursor = Cursor::new(text);
    if cursor.length() > LENGTH_MAX {
        return Err(error_at(LENGTH_MAX + 1, "too-long", "the query is too long"));
    }
    let mut parser = Parser::new(cursor);
    let query = parser.filter()?;
    match parser.cursor.peek() {
        None => Ok(query),
        Some('|') => Err(parser.cursor.error("pipe-here", "only a filter can stand here")),
        Some(_) => {
            Err(parser.cursor.error("unexpected-close", "this parenthesis was never opened"))
        }
    }
}

/// Reads a line from left to right and notes what names and words were typed.
pub(super) struct Parser {
    pub(super) cursor: Cursor,
    pub(super) fields: Vec<Mention>,
    pub(super) words: Vec<Mention>,
    terms: usize,
}

impl Parser {
    pub(super) const fn new(cursor: Cursor) -> Self {
        Self { cursor, fields: Vec::new(), words: Vec::new(), terms: 0 }
    }

    /// Everything before the first `|`.
    pub(super) fn filter(&mut self) -> Result<Query, ParseError> {
        self.cursor.skip_space();
        if self.cursor.at_end() || self.cursor.at_pipe() {
            return Ok(Query::All);
        }
        self.any_of(0)
    }

    /// `a b OR c`: groups joined by `OR`.
    fn any_of(&mut self, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.eat_or() {
            parts.push(self.all_of(depth)?);
        }
        Ok(joined(parts, Query::Or))
    }

    /// `a AND b c`: terms joined by `AND` or by standing side by side.
    fn all_of(&mut self, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.term(depth)?];
        loop {
            self.cursor.skip_space();
            let joined_by_word = self.eat_and();
            self.cursor.skip_space();
            let ends = matches!(self.cursor.peek(), None | Some(')'))
                || self.cursor.at_pipe()
                || self.at_or();
            if ends && !joined_by_word {
                return Ok(joined(parts, Query::And));
            }
            parts.push(self.term(depth)?);
        }
    }

    fn eat_and(&mut self) -> bool {
        self.cursor.eat_keyword("AND") || self.cursor.eat_keyword("&&")
    }

    fn eat_or(&mut self) -> bool {
        self.cursor.skip_space();
        self.cursor.eat_keyword("OR") || self.cursor.eat_keyword("||")
    }

    fn at_or(&self) -> bool {
        self.cursor.is_at_keyword("OR") || self.cursor.is_at_keyword("||")
    }

    /// One term, denied or not.
    fn term(&mut self, depth: usize) -> Result<Query, ParseError> {
        self.cursor.skip_space();
        if depth > DEPTH_MAX {
            return Err(self.cursor.error("too-deep", "the query nests too deep"));
        }
        if self.eat_not() {
            return Ok(Query::Not(Box::new(self.term(depth + 1)?)));
        }
        let missing = matches!(self.cursor.peek(), None | Some(')')) || self.cursor.at_pipe();
        if missing || self.at_or() || self.cursor.is_at_keyword("AND") {
            return Err(self.cursor.error("term-missing", "a search term is missing here"));
        }
        if self.cursor.peek() == Some('(') {
            return self.group(|parser| parser.any_of(depth + 1));
        }
        self.count_term()?;
        if self.cursor.peek() == Some('"') {
            let text = self.cursor.quoted_text()?;
            if self.cursor.eat_colon_after(&text) {
                return self.field(&text, depth);
            }
            return Ok(Query::Text(escape(&text)));
        }
        let column = self.cursor.column();
        if let Some(name) = self.cursor.eat_field_name() {
            self.fields.push(Mention { text: name.clone(), column });
            self.field(&name, depth)
        } else {
            let word = self.cursor.word();
            self.words.push(Mention { text: word.typed, column });
            Ok(text(&word.pattern))
        }
    }

    fn eat_not(&mut self) -> bool {
        self.cursor.eat_keyword("NOT") || self.cursor.eat_sign('-') || self.cursor.eat_sign('!')
    }

    fn count_term(&mut self) -> Result<(), ParseError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(self.cursor.error("too-many-terms", "the query has too many terms"));
        }
        Ok(())
    }

    /// What stands in parentheses; the cursor stands on the opening one.
    fn group(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Query, ParseError>,
    ) -> Result<Query, ParseError> {
        let opened = self.cursor.column();
        self.cursor.eat("(");
        let query = inner(self)?;
        self.cursor.skip_space();
        if self.cursor.eat(")") {
            Ok(query)
        } else {
            Err(error_at(opened, "close-missing", "this parenthesis is never closed"))
        }
    }

    /// What stands after `name:`.
    fn field(&mut self, name: &str, depth: usize) -> Result<Query, ParseError> {
        if self.cursor.peek() == Some('(') {
            return self.group(|parser| parser.any_value(name, depth + 1));
        }
        if let Some(moment) = Moment::from_name(name) {
            return self.time(moment);
        }
        let test = self.value(name)?;
        Ok(Query::Field { name: name.to_owned(), test })
    }

    /// `occurred_at:[2026-11-22 TO *]`.
    fn time(&mut self, moment: Moment) -> Result<Query, ParseError> {
        let column = self.cursor.column();
        let written = match self.cursor.peek() {
            None => return Err(self.value_missing()),
            Some(c) if c.is_whitespace() || c == ')' => return Err(self.value_missing()),
            Some('"') => self.cursor.quoted_text()?,
            Some('[') => match self.cursor.until(']') {
                Some(inside) => inside,
                None => {
                    return Err(error_at(
                        column,
                        "range-open",
                        "this range is never closed with `]`",
                    ));
                }
            },
            Some(_) => {
                let word = self.cursor.word().typed;
                // `collected_at:>="2026-11-22T14:05"`
                let is_sign = [">=", "<=", ">", "<"].contains(&word.as_str());
                match self.cursor.peek() {
                    Some('"') if is_sign => word + &self.cursor.quoted_text()?,
                    _ => word,
                }
            }
        };
        match period(&written) {
            Some(period) if period.is_empty() => Err(upside_down(column)),
            Some(period) => Ok(Query::Time { moment, period }),
            None => Err(error_at(column, "time-expected", "a time is written 2026-11-22T14:05")),
        }
    }

    /// `name:(a OR b)`.
    fn any_value(&mut self, name: &str, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.all_values(name, depth)?];
        while self.eat_or() {
            parts.push(self.all_values(name, depth)?);
        }
        Ok(joined(parts, Query::Or))
    }

    /// `name:(a AND NOT b)`.
    fn all_values(&mut self, name: &str, depth: usize) -> Result<Query, ParseError> {
        let mut parts = vec![self.value_term(name, depth)?];
        loop {
            self.cursor.skip_space();
            let joined_by_word = self.eat_and();
            self.cursor.skip_space();
            let ends = matches!(self.cursor.peek(), None | Some(')'))
                || self.cursor.at_pipe()
                || self.at_or();
            if ends && !joined_by_word {
                return Ok(joined(parts, Query::And));
            }
            parts.push(self.value_term(name, depth)?);
        }
    }

    fn value_term(&mut self, name: &str, depth: usize) -> Result<Query, ParseError> {
        self.cursor.skip_space();
        if depth > DEPTH_MAX {
            return Err(self.cursor.error("too-deep", "the query nests too deep"));
        }
        if self.eat_not() {
            return Ok(Query::Not(Box::new(self.value_term(name, depth + 1)?)));
        }
        self.count_term()?;
        self.field(name, depth)
    }

    /// One value and how it is compared.
    fn value(&mut self, name: &str) -> Result<Test, ParseError> {
        let column = self.cursor.column();
        match self.cursor.peek() {
            None => return Err(self.value_missing()),
            Some(c) if c.is_whitespace() || c == ')' => return Err(self.value_missing()),
            Some('"') => {
                let text = self.cursor.quoted_text()?;
                // No address is written so: a network is meant, though it stands in quotes.
                let net = if is_address(name) { network(column, &text)? } else { None };
                return Ok(net.map_or_else(|| Test::Like(escape(&text)), Test::Cidr));
            }
            Some('[') => return self.range(),
            Some('{') if self.cursor.is_at_braced_range() => {
                return Err(self.cursor.error("range-shape", "a range is written `[1 TO 10]`"));
            }
            Some('/') => {
                if let Some(pattern) = self.cursor.regex() {
                    return regex_test(column, pattern);
                }
            }
            Some(_) => {}
        }
        for (sign, comparison) in [
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ] {
            if self.cursor.eat(sign) {
                let bound = self.cursor.column();
                return Ok(Test::Compare(comparison, number(bound, &self.cursor.word().typed)?));
            }
        }
        let word = self.cursor.word();
        if word.pattern == "*" {
            return Ok(Test::Exists);
        }
        let is_own_path = name.contains("url") || name.contains("path");
        // `2001\:db8\:\:/32`
        let typed = word.typed.replace(r"\:", ":");
        if is_address(name) {
            let net = network(column, &typed)?;
            return Ok(net.map_or(Test::Like(word.pattern), Test::Cidr));
        }
        match typed.parse() {
            Ok(net) if typed.contains('/') && !is_own_path => Ok(Test::Cidr(net)),
            _ => Ok(Test::Like(word.pattern)),
        }
    }

    fn value_missing(&self) -> ParseError {
        self.cursor.error("value-missing", "a value is missing after the colon")
    }

    /// `[1 TO 10]`; `*` leaves an end open.
    fn range(&mut self) -> Result<Test, ParseError> {
        let opened = self.cursor.column();
        self.cursor.eat("[");
        let Some(inside) = self.cursor.until(']') else {
            return Err(error_at(opened, "range-open", "this range is never closed with `]`"));
        };
        let Some((low, high)) = inside.split_once(" TO ") else {
            return Err(error_at(opened, "range-shape", "a range is written `[1 TO 10]`"));
        };
        let end = |text: &str, open: f64| match text.trim() {
            "*" => Ok(open),
            text => number(opened, text),
        };
        let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
        if low > high { Err(upside_down(opened)) } else { Ok(Test::Range(low, high)) }
    }
}

/// Returns the mistake of a range that holds nothing, whatever is there.
fn upside_down(column: usize) -> ParseError {
    error_at(column, "range-order", "the lower end of a range comes first")
}

/// Reads a network; what has no `/` behind an address is none. One that cannot be, as `10.0.0.0/40`,
/// would find nothing and not say why.
fn network(column: usize, text: &str) -> Result<Option<IpNet>, ParseError> {
    match text.split_once('/') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => match text.parse() {
            Ok(net) => Ok(Some(net)),
            Err(_) => Err(error_at(column, "bad-network", "a network is written 10.0.0.0/8")),
        },
        _ => Ok(None),
    }
}

/// Returns whether a field holds addresses and nothing else.
fn is_address(name: &str) -> bool {
    Attr::from_name(name).is_some_and(|attr| attr.kind() == AttrType::Ip)
}

/// Returns one part as it is, several as one.
fn joined(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

/// A bare word; nothing but stars is every event.
fn text(pattern: &str) -> Query {
    if !pattern.is_empty() && pattern.chars().all(|c| c == '*') {
        Query::All
    } else {
        Query::Text(pattern.to_owned())
    }
}

fn number(column: usize, text: &str) -> Result<f64, ParseError> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(error_at(column, "number-expected", "a number is expected here")),
    }
}

fn regex_test(column: usize, pattern: String) -> Result<Test, ParseError> {
    match regex(&pattern) {
        Ok(_) => Ok(Test::Regex(pattern)),
        Err(_) => Err(error_at(column, "bad-regex", "this regular expression cannot be read")),
    }
}

impl Query {
    /// Returns a query for a field that equals a text exactly (folded, no wildcards): what a click
    /// on a value adds to a search.
    pub fn equals(name: &str, text: &str) -> Self {
        Self::Field { name: name.to_owned(), test: Test::Like(escape(text)) }
    }
}
