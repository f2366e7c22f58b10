//! The query language that people type: `src_ip:10.1.2.3 AND "failed password" NOT user:backup`.
//!
//! [`parse`] turns text into a [`Query`]; [`Matcher`] asks one event (live tail, alert exceptions,
//! the in-memory lake); the lake turns the same tree into a plan over its files. One tree, one
//! meaning: a differential test in `lake` holds the two together.
//!
//! # What the words mean
//!
//! * A bare word or a `"quoted phrase"` is looked for in the raw record and in every value that was
//!   read from it. Both sides are folded ([`crate::fold::fold`]: case, diacritics, NFC/NFD), and the
//!   find must stand between word borders: `10.1.2.3` does not find `110.1.2.30`, `that bai` finds
//!   `Thất bại`. In a bare word `*` stands for any run of characters that are no white space and `?`
//!   for one; a `*` at an end also lifts the border there (`*error`, `fail*`, `*needle*`).
//! * `name:value` asks one field. A built-in name ([`Builtin`]) or an attribute's alias or OCSF path
//!   comes first; an event that has no such attribute is asked for its own field of that name; any
//!   other name is the source's own field. The value must be equal once folded; `*` and `?` are
//!   wildcards over anything. A list passes if any member does. A number is equal however it is
//!   written (`9.0`, `9`). A name with blanks stands in quotes: `"Account Name":an`.
//! * `occurred_at:` and `collected_at:` take a time, `>=` a time, or `[a TO b]`.
//! * `AND` binds tighter than `OR`; two terms side by side mean `AND`; `NOT`, `-` and `!` deny.

mod highlight;
#[cfg(test)]
mod highlight_tests;
mod hints;
mod lexing;
mod matching;
mod moment;
mod parse;
mod pattern;
#[cfg(test)]
mod pattern_tests;
mod question;
#[cfg(test)]
mod question_tests;
pub mod summary;
mod tally;
mod target;
#[cfg(test)]
mod tests;

pub use highlight::{Highlighter, Stretch};
pub use hints::{Hint, hints, known_names, mended, near_field, nearest};
pub use lexing::typed_name;
pub use matching::{Matcher, ValueTest, matches};
pub use moment::{CLOCK_AHEAD, Moment, Period};
pub use parse::{LENGTH_MAX, ParseError, TERMS_MAX, parse};
pub use pattern::{TextPattern, WholePattern, escape};
pub use question::{Mention, Question, STAGES, parse_question};
pub use tally::{DISTINCT_MAX, GROUPS_MAX, Given, Tally};
pub use target::{Builtin, Target, codes_of, resolve};

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
    /// `*` and `?` are wildcards, `\\` before one of the three takes its meaning away.
    Text(String),
    /// `field:test`.
    Field {
        /// The name as typed: alias, OCSF path or the source's own.
        name: String,
        /// What its value must be like.
        test: Test,
    },
    /// `occurred_at:…` or `collected_at:…`.
    Time {
        /// Which of the event's times.
        moment: Moment,
        /// When it must lie.
        period: Period,
    },
}

impl Query {
    /// Returns the field names that the query asks for, in its order, each once.
    pub fn field_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_names(&mut names);
        names
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All | Self::Text(_) | Self::Time { .. } => {}
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.collect_names(names);
                }
            }
            Self::Not(inner) => inner.collect_names(names),
            Self::Field { name, .. } => {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
    }
}

/// What a field's value must be like. A list-valued field passes if any member does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `field:*`: it is there.
    Exists,
    /// `field:value`: equal, ignoring case and diacritics; `*` and `?` are wildcards, `\\` before
    /// one of the three takes its meaning away.
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

impl Comparison {
    /// Returns whether a number compares so with a bound.
    pub fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
        }
    }
}
