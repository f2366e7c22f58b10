//! A rule as read: what it says, before anything is made fast. The plain evaluator walks this.

use std::collections::BTreeMap;

use event::{LazyRegex, LogSource};
use ipnet::IpNet;

use crate::baseline::Spec;
use crate::error::Place;
use crate::info::RuleInfo;
use crate::number::Number;
use crate::pattern::Pattern;
use crate::yaml::Node;

/// Values for `%placeholder%`s, by name.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// One document of a rule file.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    Rule(Rule),
    Correlation(Correlation),
    Filter(Filter),
    /// Its rule chooses the events that are learned.
    Baseline(Rule, Spec),
}

/// A rule over single events.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    /// The log source as the rule states it, whatever pipelines made of it.
    pub(crate) stated: LogSource,
    pub(crate) search: Search,
    /// Filters that apply to it, each a condition that must hold as well.
    pub(crate) filters: Vec<Search>,
    /// What each of them is called, in the same order.
    pub(crate) filter_titles: Vec<String>,
}

/// Named selections and the condition over them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    pub(crate) selections: Vec<(String, Detection)>,
    pub(crate) condition: Condition,
}

/// A condition; selections stand by their place in [`Search::selections`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Selection(usize),
}

impl Condition {
    /// Returns whether the condition holds, told of each selection whether it does.
    pub(crate) fn holds(&self, selection: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(selection)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(selection)),
            Self::Not(inside) => !inside.holds(selection),
            Self::Selection(index) => selection(*index),
        }
    }

    /// Returns the condition with its selections renumbered, as if those without a new number had
    /// never been written; `None` if nothing is left of it.
    pub(crate) fn renumbered(&self, number: &impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let left =
            |parts: &[Self]| parts.iter().filter_map(|part| part.renumbered(number)).collect();
        match self {
            Self::All(parts) => joined(left(parts), Self::All),
            Self::Any(parts) => joined(left(parts), Self::Any),
            Self::Not(inside) => Some(Self::Not(Box::new(inside.renumbered(number)?))),
            Self::Selection(index) => number(*index).map(Self::Selection),
        }
    }
}

/// Joins parts of a condition or a selection; one alone needs no joining, and of none nothing comes.
pub(crate) fn joined<T>(mut parts: Vec<T>, with: impl Fn(Vec<T>) -> T) -> Option<T> {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => None,
        (only, true) => only,
        (last, false) => {
            parts.extend(last);
            Some(with(parts))
        }
    }
}

/// What a selection asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detection {
    /// A map: all of them.
    All(Vec<Detection>),
    /// A list: any of them.
    Any(Vec<Detection>),
    /// One field with its values, or keywords.
    Item(Item),
}

/// A field (or the whole event) and the values asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// `None`: keywords, looked for in every value.
    pub(crate) field: Option<String>,
    pub(crate) values: Vec<Wanted>,
    /// Every value must be found, not just one.
    pub(crate) all: bool,
    /// The outcome is turned round (`neq`).
    pub(crate) negated: bool,
}

/// One value as written, with the variants its modifiers made of it: any of them will do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// As shown to people: `*\cmd.exe`, `re: ^a`, `10.0.0.0/8`.
    pub(crate) written: String,
    pub(crate) variants: Vec<Matcher>,
}

/// What one value must be.
#[derive(Debug, Clone)]
pub(crate) enum Matcher {
    /// Text with wildcards; also numbers and truths, which compare by their text.
    Text(Pattern),
    /// The field is absent, null, or a list of nothing else.
    Null,
    /// A regular expression finds something.
    Regex(LazyRegex),
    /// An address inside a network. IPv4-mapped IPv6 addresses count as IPv4.
    Cidr(IpNet),
    /// The field is there (even null or empty), or is not.
    Exists(bool),
    /// It compares so with another field of the same event.
    Field { name: String, place: RefPlace, cased: bool },
    /// It is a number that compares so.
    Compare(Comparison, Number),
    /// A part of the time it holds compares so with this number. Times without a zone count as UTC.
    TimePart(TimePart, Comparison, i64),
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Regex(a), Self::Regex(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Null, Self::Null) => true,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Exists(a), Self::Exists(b)) => a == b,
            (
                Self::Field { name, place, cased },
                Self::Field { name: other_name, place: other_place, cased: other_cased },
            ) => name == other_name && place == other_place && cased == other_cased,
            (Self::Compare(a, x), Self::Compare(b, y)) => a == b && x == y,
            (Self::TimePart(a, i, x), Self::TimePart(b, j, y)) => a == b && i == j && x == y,
            _ => false,
        }
    }
}

/// Where the other field's text must stand (`fieldref` with `contains` …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RefPlace {
    Whole,
    Start,
    End,
    Anywhere,
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    /// Returns the sign that people write for it.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
        }
    }

    /// Returns whether `left` compares so with `right`.
    pub(crate) fn holds<T: PartialOrd + Copy>(self, left: T, right: T) -> bool {
        let order = left.partial_cmp(&right);
        match self {
            Self::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
            Self::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
            Self::NotEqual => order.is_some_and(std::cmp::Ordering::is_ne),
        }
    }
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TimePart {
    Minute,
    Hour,
    Day,
    /// ISO 8601 week.
    Week,
    Month,
    Year,
}

impl TimePart {
    /// Returns the modifier that asks for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Returns what it may be. Source: specification 2.1, "Time Modifiers"; ISO 8601 has a 53rd week.
    pub(crate) const fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::Minute => 0..=59,
            Self::Hour => 0..=23,
            Self::Day => 1..=31,
            Self::Week => 1..=53,
            Self::Month => 1..=12,
            Self::Year => 0..=9999,
        }
    }
}

/// A rule over several events.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    pub(crate) info: RuleInfo,
    pub(crate) at: Place,
    pub(crate) kind: CorrelationKind,
    /// Ids or names of the rules it counts, as written, each with its place.
    pub(crate) rules: Vec<(String, Place)>,
    /// Group-by field names; an alias stands for a field per rule.
    pub(crate) group_by: Vec<String>,
    /// Alias → (rule as written → field).
    pub(crate) aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// The rules that the aliases name, as written, each with its place.
    pub(crate) aliased_rules: Vec<(String, Place)>,
    pub(crate) timespan: chrono::Duration,
    pub(crate) threshold: Threshold,
    /// The rules it counts make findings of their own as well.
    pub(crate) generate: bool,
}

/// What a correlation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CorrelationKind {
    EventCount,
    ValueCount,
    ValueSum,
    ValueAverage,
    /// The value below which this many percent of the values lie; without a number, how many percent
    /// of the values are no greater (for text: no more frequent) than that of the event.
    ValuePercentile(Option<u8>),
    ValueMedian,
    Temporal,
    TemporalOrdered,
}

/// What the count must be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Threshold {
    pub(crate) tests: Vec<(Comparison, f64)>,
    /// The counted fields, for kinds that count values; several count as one combined value.
    pub(crate) fields: Vec<String>,
    /// For temporal kinds, instead of `tests`: which rules must have been seen together and which
    /// must not. A selection is a rule, by its place in [`Correlation::rules`].
    pub(crate) rules: Option<Condition>,
}

/// An exception applied to other rules.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) at: Place,
    pub(crate) title: String,
    pub(crate) logsource: LogSource,
    /// Ids or names; `None`: every rule of the log source.
    pub(crate) rules: Option<Vec<(String, Place)>>,
    pub(crate) search: FilterSearch,
}

/// What a filter asks for.
#[derive(Debug, Clone)]
pub(crate) enum FilterSearch {
    /// The same of every rule.
    Same(Search),
    /// What pipelines make of it for each rule's log source; the document of the filter.
    Mapped(Node),
}
