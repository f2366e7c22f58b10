//! The query language that people type: `src_ip:10.1.2.3 AND "failed password" NOT user:backup`.
//!
//! [`parse`] turns text into a [`Query`]; [`matches`] asks one event (live tail, alert exceptions,
//! the in-memory lake); the lake turns the same tree into a plan over its files. One tree, one
//! meaning: a differential test in `lake` holds the two together.

mod matching;
mod parse;
#[cfg(test)]
mod tests;

pub use matching::matches;
pub use parse::{ParseError, parse};

/// A question to the lake.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Every event (the empty query, or `*`).
    All,
    /// Both.
    And(Vec<Query>),
    /// Either.
    Or(Vec<Query>),
    /// Not this one. An event that lacks the field does not have the value, so it is kept.
    Not(Box<Query>),
    /// A word or a "quoted phrase", anywhere in the record; compared folded (case, diacritics).
    Text(String),
    /// `field:test`.
    Field {
        /// The name as typed: alias, OCSF path or the source's own.
        name: String,
        /// What its value must be like.
        test: Test,
    },
}

/// What a field's value must be like. A list-valued field passes if any member does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `field:*`: it is there.
    Exists,
    /// `field:value`: equal, ignoring case and diacritics; `*` and `?` are wildcards.
    Like(String),
    /// `field:/regex/`: the regex finds something (no folding).
    Regex(String),
    /// `src_ip:10.0.0.0/8`.
    Cidr(ipnet::IpNet),
    /// `field:>5`, `>=`, `<`, `<=`: numbers.
    Compare(Comparison, f64),
    /// `field:[1 TO 10]`: numbers, both ends included.
    Range(f64, f64),
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}
