//! Does one event answer a query?

use std::borrow::Cow;
use std::net::IpAddr;

use regex::{Regex, RegexBuilder};

use super::{Comparison, Moment, Period, Query, Target, Test, TextPattern, WholePattern, resolve};
use crate::fold::{Traced, fold, fold_onto};
use crate::value::JOINT;
use crate::{Attr, AttrType, Event, Value};

/// How large a compiled regex may grow: enough for any readable one, too small to hurt.
const REGEX_SIZE_MAX: usize = 1 << 20;

/// Returns whether the event matches. To ask many events, make one [`Matcher`].
pub fn matches(query: &Query, event: &Event) -> bool {
    Matcher::new(query).matches(event)
}

/// A query made ready to ask many events.
#[derive(Debug, Clone)]
pub struct Matcher(Node);

#[derive(Debug, Clone)]
enum Node {
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Box<TextPattern>),
    Field { name: String, test: ValueTest },
    Time { moment: Moment, period: Period },
}

impl Matcher {
    /// Makes a query ready.
    pub fn new(query: &Query) -> Self {
        Self(Node::new(query))
    }

    /// Returns whether the event matches.
    pub fn matches(&self, event: &Event) -> bool {
        let mut texts = FoldedTexts { event, folded: String::new(), ends: Vec::new() };
        self.0.matches(event, &mut texts)
    }
}

impl Node {
    fn new(query: &Query) -> Self {
        match query {
            Query::All => Self::All,
            Query::And(parts) => Self::And(Self::cheapest_first(parts)),
            Query::Or(parts) => Self::Or(Self::cheapest_first(parts)),
            Query::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Query::Text(pattern) => Self::Text(Box::new(TextPattern::new(pattern))),
            Query::Field { name, test } => {
                Self::Field { name: name.clone(), test: ValueTest::new(name, test) }
            }
            Query::Time { moment, period } => Self::Time { moment: *moment, period: *period },
        }
    }

    /// Makes parts ready in the order in which they are asked: what folds no text goes first.
    fn cheapest_first(parts: &[Query]) -> Vec<Self> {
        let mut nodes: Vec<Self> = parts.iter().map(Self::new).collect();
        nodes.sort_by_key(Self::reads_texts);
        nodes
    }

    fn reads_texts(&self) -> bool {
        match self {
            Self::All | Self::Field { .. } | Self::Time { .. } => false,
            Self::Text(_) => true,
            Self::Not(inner) => inner.reads_texts(),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::reads_texts),
        }
    }

    fn matches(&self, event: &Event, texts: &mut FoldedTexts<'_>) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.matches(event, texts)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(event, texts)),
            Self::Not(inner) => !inner.matches(event, texts),
            Self::Text(pattern) => texts.hold(pattern),
            Self::Field { name, test } => {
                resolve(event, name).is_some_and(|value| test.passes(&value))
            }
            Self::Time { moment, period } => period.holds(match moment {
                Moment::Occurred => event.occurred_at,
                Moment::Collected => event.collected_at,
            }),
        }
    }
}

/// The event's texts, folded once however many words are asked.
struct FoldedTexts<'a> {
    event: &'a Event,
    /// One behind the other.
    folded: String,
    /// Where each ends; empty until they are asked for.
    ends: Vec<usize>,
}

impl FoldedTexts<'_> {
    /// Returns whether a pattern stands in one of the texts.
    fn hold(&mut self, pattern: &TextPattern) -> bool {
        if self.ends.is_empty() {
            self.fold();
        }
        // Most events have not even a part of it, in all their texts together.
        if !pattern.may_stand_in_folded(&self.folded) {
            return false;
        }
        let mut start = 0;
        self.ends.iter().any(|end| {
            let text = self.folded.get(start..*end).unwrap_or_default();
            start = *end;
            pattern.found_in_folded(text)
        })
    }

    fn fold(&mut self) {
        let event = self.event;
        self.folded.reserve(2 * event.raw.len());
        fold_onto(&event.raw, &mut self.folded);
        self.ends.push(self.folded.len());
        let values = event.attrs.iter().map(|(_, value)| value);
        let values = values.chain(event.fields.iter().map(|(_, value)| value));
        for member in values.flat_map(Value::members) {
            fold_onto(&member.text(), &mut self.folded);
            self.ends.push(self.folded.len());
        }
    }
}

/// A [`Test`] made ready for many values. The lake asks its columns through the same tests.
#[derive(Debug, Clone)]
pub struct ValueTest(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Exists,
    /// With the number that it spells, where that may be spelt in other ways too: `9.0`, `1e3`.
    Like(WholePattern, Option<f64>),
    Regex(Regex),
    Cidr(ipnet::IpNet),
    Compare(Comparison, f64),
    Range(f64, f64),
    /// A regex that cannot be compiled matches nothing; [`super::parse`] never lets one through.
    Never,
}

impl ValueTest {
    /// Makes a test of the field with this name ready.
    pub fn new(name: &str, test: &Test) -> Self {
        Self(match test {
            Test::Exists => Kind::Exists,
            Test::Like(pattern) => {
                let pattern = WholePattern::new(&shortest_ip(name, pattern));
                let number = pattern.literal().and_then(odd_number);
                Kind::Like(pattern, number)
            }
            Test::Regex(pattern) => regex(pattern).map_or(Kind::Never, Kind::Regex),
            Test::Cidr(net) => Kind::Cidr(*net),
            Test::Compare(comparison, number) => Kind::Compare(*comparison, *number),
            Test::Range(low, high) => Kind::Range(*low, *high),
        })
    }

    /// Returns whether the value passes; a list passes if any member does.
    pub fn passes(&self, value: &Value) -> bool {
        value.members().iter().any(|member| match (&self.0, member) {
            (Kind::Exists, member) => *member != Value::Null,
            (_, Value::Text(text)) => self.passes_text(text),
            (_, Value::Int(number)) => self.passes_int(*number),
            (Kind::Compare(..) | Kind::Range(..), Value::Float(number)) => {
                self.passes_number(*number)
            }
            (Kind::Like(_, Some(typed)), Value::Float(number))
                if typed.total_cmp(number).is_eq() =>
            {
                true
            }
            (_, member) => self.passes_text(&member.text()),
        })
    }

    /// Returns whether a text passes.
    pub fn passes_text(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Exists => true,
            Kind::Like(pattern, _) => pattern.fits(text),
            Kind::Regex(regex) => regex.is_match(text),
            Kind::Cidr(net) => text.parse::<IpAddr>().is_ok_and(|address| net.contains(&address)),
            Kind::Compare(..) | Kind::Range(..) => match text.trim().parse::<f64>() {
                Ok(number) => number.is_finite() && self.passes_number(number),
                Err(_) => false,
            },
            Kind::Never => false,
        }
    }

    /// Returns whether a whole number passes.
    pub fn passes_int(&self, number: i64) -> bool {
        match &self.0 {
            Kind::Exists => true,
            Kind::Compare(..) | Kind::Range(..) => {
                #[expect(clippy::cast_precision_loss, reason = "comparing with a typed number")]
                let number = number as f64;
                self.passes_number(number)
            }
            Kind::Like(_, Some(typed)) => whole(*typed) == Some(number),
            _ => self.passes_text(&number.to_string()),
        }
    }

    fn passes_number(&self, number: f64) -> bool {
        match &self.0 {
            Kind::Compare(comparison, bound) => comparison.holds(number, *bound),
            Kind::Range(low, high) => number >= *low && number <= *high,
            _ => false,
        }
    }

    /// Returns what of a text that passes is asked for, in characters and at most so many stretches.
    pub(super) fn stretches(&self, text: &str, stretches_max: usize) -> Vec<(usize, usize)> {
        match &self.0 {
            // That a value is there says nothing of what it is.
            Kind::Exists | Kind::Never => Vec::new(),
            Kind::Regex(regex) => {
                let chars = |end: usize| text.get(..end).unwrap_or_default().chars().count();
                let finds = regex.find_iter(text).take(stretches_max);
                finds.map(|find| (chars(find.start()), chars(find.end()))).collect()
            }
            Kind::Like(pattern, _) if pattern.literal().is_none() => {
                let traced = Traced::new(text);
                let places = pattern.places(traced.folded(), stretches_max);
                places.into_iter().map(|place| traced.source(place)).collect()
            }
            _ => vec![(0, text.chars().count())],
        }
    }

    /// Returns the pattern that a value must fit to pass, if the test is one of a pattern.
    pub fn pattern(&self) -> Option<&WholePattern> {
        match &self.0 {
            Kind::Like(pattern, _) => Some(pattern),
            _ => None,
        }
    }

    /// Returns whether [`Self::may_pass_joined`] tells anything.
    pub fn tells_joined(&self) -> bool {
        match &self.0 {
            Kind::Like(pattern, _) => pattern.literal().is_none(),
            Kind::Cidr(_) => true,
            Kind::Exists | Kind::Regex(_) | Kind::Compare(..) | Kind::Range(..) | Kind::Never => {
                false
            }
        }
    }

    /// Returns whether a value may pass of which this is the text: where it is a list, its members joined. Never
    /// false where the value passes.
    pub fn may_pass_joined(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Like(pattern, _) if pattern.literal().is_none() => {
                pattern.fits_part_of(&fold(text))
            }
            Kind::Cidr(_) => text.split(JOINT).any(|part| self.passes_text(part)),
            _ => true,
        }
    }

    /// Returns the folded texts of which a value must be one to pass, if the test is an equality: `9.0`
    /// is met by the text, and by the number, which reads as `9`.
    pub fn equal_to(&self) -> Option<Vec<Cow<'_, str>>> {
        let Kind::Like(pattern, number) = &self.0 else { return None };
        let mut texts = vec![Cow::Borrowed(pattern.literal()?)];
        if let Some(number) = number {
            let own = [Some(Value::Float(*number)), whole(*number).map(Value::Int)];
            for text in own.iter().flatten().map(Value::text) {
                if !texts.contains(&text) {
                    texts.push(Cow::Owned(text.into_owned()));
                }
            }
        }
        Some(texts)
    }
}

/// Returns the number that a text spells other than by its digits alone.
fn odd_number(text: &str) -> Option<f64> {
    let is_odd = text.contains(['.', 'e']);
    text.parse().ok().filter(|number: &f64| is_odd && number.is_finite())
}

/// Returns a number without a fraction as a whole one.
fn whole(number: f64) -> Option<i64> {
    // Past 2^63 it is none of those that an event holds as whole.
    let fits = number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the type")]
    let whole = number as i64;
    fits.then_some(whole)
}

/// Compiles a regex of the query language.
pub(super) fn regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(REGEX_SIZE_MAX).dfa_size_limit(REGEX_SIZE_MAX).build()
}

/// Returns an address in the form the decoder stores (its shortest), anything else as it is.
fn shortest_ip(name: &str, pattern: &str) -> String {
    let is_ip =
        matches!(Target::of(name), Target::Attr(attr, _) if Attr::kind(attr) == AttrType::Ip);
    match pattern.parse::<IpAddr>() {
        Ok(address) if is_ip => address.to_string(),
        _ => pattern.to_owned(),
    }
}
