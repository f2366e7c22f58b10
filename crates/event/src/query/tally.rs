//! Adds events up to a [`Summary`]'s rows: one accumulator for the lake's columns, for its twin in
//! memory and for scheduled searches, so that there is one meaning.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use ahash::AHashMap;
use chrono::{DateTime, TimeDelta, Utc};

use super::resolve;
use super::summary::{BARS_MAX, Cell, FigureKind, Summarised, Summary, bar_start, finish};
use crate::fold::composed;
use crate::{Event, Value};

/// Rows that one question holds: about 30 MiB.
pub const GROUPS_MAX: usize = 100_000;

/// Different values that `distinct` holds over all rows of one question: about 60 MiB.
pub const DISTINCT_MAX: usize = 1_000_000;

/// Rows that one event with lists in several fields counts in.
const ROWS_PER_EVENT_MAX: usize = 64;

/// What an event gives for one field.
#[derive(Debug, Clone)]
pub enum Given<'a> {
    /// The event lacks it.
    Nothing,
    /// A text, where it stands.
    Text(&'a str),
    /// A value, where it stands.
    Value(&'a Value),
    /// A value that was read out.
    Own(Value),
}

impl Given<'_> {
    fn is_there(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(_) => true,
            Self::Value(value) => is_there(value),
            Self::Own(value) => is_there(value),
        }
    }

    fn each(&self, mut take: impl FnMut(&str)) {
        match self {
            Self::Nothing => {}
            Self::Text(text) => take(text),
            Self::Value(value) => each_text(value, take),
            Self::Own(value) => each_text(value, take),
        }
    }

    fn each_number(&self, mut take: impl FnMut(f64)) {
        match self {
            Self::Nothing => {}
            Self::Text(text) => numbers(text, &mut take),
            Self::Value(value) => each_number(value, &mut take),
            Self::Own(value) => each_number(value, &mut take),
        }
    }
}

fn is_there(value: &Value) -> bool {
    value.members().iter().any(|member| *member != Value::Null)
}

fn each_text(value: &Value, mut take: impl FnMut(&str)) {
    for member in value.members() {
        if *member != Value::Null {
            take(&member.text());
        }
    }
}

fn numbers(text: &str, take: &mut impl FnMut(f64)) {
    if let Ok(number) = text.trim().parse::<f64>()
        && number.is_finite()
    {
        take(number);
    }
}

fn each_number(value: &Value, take: &mut impl FnMut(f64)) {
    for member in value.members() {
        match member {
            #[expect(clippy::cast_precision_loss, reason = "sums of logs need no 16 digits")]
            Value::Int(number) => take(*number as f64),
            Value::Float(number) if number.is_finite() => take(*number),
            Value::Text(text) => numbers(text, take),
            _ => {}
        }
    }
}

/// A summary being added up.
#[derive(Debug, Clone)]
pub struct Tally {
    plan: Arc<Plan>,
    groups: AHashMap<Box<[u8]>, Group>,
    events: u64,
    distinct_left: usize,
    cut: bool,
}

#[derive(Debug)]
struct Plan {
    summary: Summary,
    /// Where each figure's field stands among [`Summary::fields`].
    figures: Vec<(FigureKind, Option<usize>)>,
    wide_us: Option<i64>,
    span: (DateTime<Utc>, DateTime<Utc>),
}

#[derive(Debug, Clone)]
struct Group {
    bar_us: i64,
    values: Box<[Box<str>]>,
    figures: Vec<State>,
}

#[derive(Debug, Clone)]
enum State {
    Count(u64),
    Sum(Option<f64>),
    Min(Option<f64>),
    Max(Option<f64>),
    Avg(f64, u64),
    Distinct(BTreeSet<Box<str>>),
}

impl State {
    const fn new(kind: FigureKind) -> Self {
        match kind {
            FigureKind::Count => Self::Count(0),
            FigureKind::Sum => Self::Sum(None),
            FigureKind::Min => Self::Min(None),
            FigureKind::Max => Self::Max(None),
            FigureKind::Avg => Self::Avg(0.0, 0),
            FigureKind::Distinct => Self::Distinct(BTreeSet::new()),
        }
    }

    /// Adds events that are alike; returns whether a different value did not fit.
    fn add(&mut self, given: Option<&Given<'_>>, times: u64, left: &mut usize) -> bool {
        let mut cut = false;
        match (self, given) {
            (Self::Count(count), None) => *count += times,
            (Self::Count(count), Some(given)) => *count += times * u64::from(given.is_there()),
            (Self::Distinct(seen), Some(given)) => given.each(|text| {
                if seen.contains(text) {
                    return;
                }
                // Met for the first time, or spelt otherwise.
                let text = composed(text);
                if matches!(&text, Cow::Owned(text) if seen.contains(text.as_str())) {
                    return;
                }
                cut |= *left == 0;
                if *left > 0 {
                    *left -= 1;
                    seen.insert(text.into());
                }
            }),
            (state, Some(given)) => given.each_number(|number| state.add_number(number, times)),
            (_, None) => {}
        }
        cut
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn add_number(&mut self, number: f64, times: u64) {
        match self {
            Self::Sum(sum) => *sum = Some(sum.unwrap_or(0.0) + number * times as f64),
            Self::Min(least) => *least = Some(least.map_or(number, |least| least.min(number))),
            Self::Max(most) => *most = Some(most.map_or(number, |most| most.max(number))),
            Self::Avg(sum, count) => {
                *sum += number * times as f64;
                *count += times;
            }
            Self::Count(_) | Self::Distinct(_) => {}
        }
    }

    fn merge(&mut self, other: Self, left: &mut usize) -> bool {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Avg(sum, count), Self::Avg(more, times)) => {
                *sum += more;
                *count += times;
            }
            (Self::Distinct(seen), Self::Distinct(more)) => {
                for text in more {
                    if !seen.contains(&text) {
                        if *left == 0 {
                            return true;
                        }
                        *left -= 1;
                        seen.insert(text);
                    }
                }
            }
            (state, Self::Sum(Some(n)) | Self::Min(Some(n)) | Self::Max(Some(n))) => {
                state.add_number(n, 1);
            }
            _ => {}
        }
        false
    }

    fn cell(&self) -> Cell {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let whole = |count: u64| Cell::Number(count as f64);
        match self {
            Self::Count(count) => whole(*count),
            Self::Distinct(seen) => whole(u64::try_from(seen.len()).unwrap_or(u64::MAX)),
            Self::Sum(number) | Self::Min(number) | Self::Max(number) => {
                number.map_or(Cell::Empty, Cell::Number)
            }
            Self::Avg(_, 0) => Cell::Empty,
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            Self::Avg(sum, count) => Cell::Number(sum / *count as f64),
        }
    }
}

impl Tally {
    /// Begins a summary over a span of time; `None` when its bars would be too many.
    pub fn new(summary: &Summary, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Self> {
        let wide_us = match summary.time {
            None => None,
            Some(_) => Some(summary.bar_us(from, to)?),
        };
        let fields = summary.fields();
        let place = |name: &String| fields.iter().position(|own| own == name);
        let figures = summary
            .figures
            .iter()
            .map(|figure| (figure.kind, figure.field.as_ref().and_then(place)))
            .collect();
        let plan = Plan { figures, wide_us, span: (from, to), summary: summary.clone() };
        Some(Self {
            plan: Arc::new(plan),
            groups: AHashMap::new(),
            events: 0,
            distinct_left: DISTINCT_MAX,
            cut: false,
        })
    }

    /// Returns an empty one of the same kind.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            groups: AHashMap::new(),
            events: 0,
            distinct_left: DISTINCT_MAX,
            cut: false,
        }
    }

    /// Returns the summary.
    pub fn summary(&self) -> &Summary {
        &self.plan.summary
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) {
        let plan = Arc::clone(&self.plan);
        let values: Vec<_> =
            plan.summary.fields().iter().map(|name| resolve(event, name)).collect();
        let given: Vec<Given<'_>> = values
            .iter()
            .map(|value| value.as_deref().map_or(Given::Nothing, Given::Value))
            .collect();
        self.add(event.occurred_at.timestamp_micros(), &given);
    }

    /// Adds an event by its time and what it gives for each of [`Summary::fields`].
    pub fn add(&mut self, time_us: i64, given: &[Given<'_>]) {
        self.add_alike(time_us, given, 1);
    }

    /// Returns the bar that a moment lies in; events of one bar that give the same are alike.
    pub fn bar_of(&self, time_us: i64) -> i64 {
        self.plan.wide_us.map_or(0, |wide_us| bar_start(time_us, wide_us))
    }

    /// Adds events of one bar that all give the same.
    pub fn add_alike(&mut self, time_us: i64, given: &[Given<'_>], times: u64) {
        self.events += times;
        let plan = Arc::clone(&self.plan);
        let bar_us = self.bar_of(time_us);
        let mut key = bar_us.to_be_bytes().to_vec();
        let by = plan.summary.by.len();
        let lists = given.iter().take(by).any(|one| match one {
            Given::Nothing | Given::Text(_) => false,
            Given::Value(value) => matches!(value, Value::List(_)),
            Given::Own(value) => matches!(value, Value::List(_)),
        });
        if lists {
            for values in combinations(given.get(..by).unwrap_or_default()) {
                key.truncate(8);
                for value in &values {
                    push(&mut key, value);
                }
                self.add_to(&plan, &key, bar_us, (given, times));
            }
            return;
        }
        for one in given.iter().take(by) {
            let mut is_there = false;
            one.each(|text| {
                is_there = true;
                push(&mut key, text);
            });
            if !is_there {
                return;
            }
        }
        self.add_to(&plan, &key, bar_us, (given, times));
    }

    fn add_to(
        &mut self,
        plan: &Plan,
        key: &[u8],
        bar_us: i64,
        (given, times): (&[Given<'_>], u64),
    ) {
        let mut key = key;
        let respelt;
        if !self.groups.contains_key(key) {
            // Met for the first time, or spelt otherwise.
            respelt = composed_key(key);
            key = respelt.as_deref().unwrap_or(key);
            if !self.groups.contains_key(key) {
                if self.groups.len() >= GROUPS_MAX {
                    self.cut = true;
                    return;
                }
                let figures = plan.figures.iter().map(|(kind, _)| State::new(*kind)).collect();
                let group = Group { bar_us, values: parts(key), figures };
                self.groups.insert(key.into(), group);
            }
        }
        let Some(group) = self.groups.get_mut(key) else { return };
        for (state, (_, field)) in group.figures.iter_mut().zip(&plan.figures) {
            let given = field.and_then(|place| given.get(place));
            self.cut |= state.add(given, times, &mut self.distinct_left);
        }
    }

    /// Adds what another one of the same kind has added up.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.cut |= other.cut;
        let mut groups: Vec<(Box<[u8]>, Group)> = other.groups.into_iter().collect();
        groups.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (key, group) in groups {
            let full = self.groups.len() >= GROUPS_MAX;
            match self.groups.get_mut(&key) {
                Some(own) => {
                    for (state, more) in own.figures.iter_mut().zip(group.figures) {
                        self.cut |= state.merge(more, &mut self.distinct_left);
                    }
                }
                None if full => self.cut = true,
                None => {
                    let values = group.figures.iter().map(|state| match state {
                        State::Distinct(seen) => seen.len(),
                        _ => 0,
                    });
                    self.distinct_left = self.distinct_left.saturating_sub(values.sum());
                    self.groups.insert(key, group);
                }
            }
        }
    }

    /// Returns the rows.
    pub fn finish(self) -> Summarised {
        let plan = Arc::clone(&self.plan);
        let (events, cut) = (self.events, self.cut);
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        if let Some(wide_us) = plan.wide_us
            && plan.summary.by.is_empty()
        {
            fill(&mut groups, &plan, wide_us);
        }
        if plan.summary.keys() == 0 && groups.is_empty() {
            groups.push(plan.empty_group(0));
        }
        groups.sort_unstable_by(|a, b| (a.bar_us, &a.values).cmp(&(b.bar_us, &b.values)));
        let rows = groups.iter().map(|group| plan.row(group)).collect();
        Summarised {
            rows: finish(&plan.summary, rows),
            events,
            bar: plan.wide_us.map(TimeDelta::microseconds),
            cut,
            stopped_ms: None,
            took_ms: 0,
        }
    }
}

impl Plan {
    fn empty_group(&self, bar_us: i64) -> Group {
        let figures = self.figures.iter().map(|(kind, _)| State::new(*kind)).collect();
        Group { bar_us, values: Box::default(), figures }
    }

    fn row(&self, group: &Group) -> Vec<Cell> {
        let bar = DateTime::from_timestamp_micros(group.bar_us).map_or(Cell::Empty, Cell::Time);
        let time = self.wide_us.map(|_| bar);
        let values = group.values.iter().map(|value| Cell::Text(value.to_string()));
        time.into_iter().chain(values).chain(group.figures.iter().map(State::cell)).collect()
    }
}

/// Adds the bars without events.
fn fill(groups: &mut Vec<Group>, plan: &Plan, wide_us: i64) {
    let there: BTreeSet<i64> = groups.iter().map(|group| group.bar_us).collect();
    let (from, to) = plan.span;
    let mut bar_us = bar_start(from.timestamp_micros(), wide_us);
    let mut bars = 0;
    while bar_us < to.timestamp_micros() && bars <= BARS_MAX {
        if !there.contains(&bar_us) {
            groups.push(plan.empty_group(bar_us));
        }
        bar_us = bar_us.saturating_add(wide_us);
        bars += 1;
    }
}

/// Adds a part with its length before it, so that no value can look like two.
fn push(key: &mut Vec<u8>, part: &str) {
    key.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    key.extend(part.as_bytes());
}

/// Takes the parts out of a key again.
fn parts(key: &[u8]) -> Box<[Box<str>]> {
    let mut parts = Vec::new();
    let mut rest = key.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0);
        let part = after.get(..length).unwrap_or_default();
        parts.push(String::from_utf8_lossy(part).into());
        rest = after.get(length..).unwrap_or_default();
    }
    parts.into_boxed_slice()
}

/// Returns a key with its values in the composed spelling, if one of them has another.
fn composed_key(key: &[u8]) -> Option<Vec<u8>> {
    let (bar, values) = key.split_at_checked(8)?;
    if values.is_ascii() {
        return None;
    }
    let values = parts(key);
    let values: Vec<Cow<'_, str>> = values.iter().map(|value| composed(value)).collect();
    if values.iter().all(|value| matches!(value, Cow::Borrowed(_))) {
        return None;
    }
    let mut key = bar.to_vec();
    for value in &values {
        push(&mut key, value);
    }
    Some(key)
}

/// Returns every combination of the different members of the values.
fn combinations(given: &[Given<'_>]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = vec![Vec::new()];
    for one in given {
        let mut members = BTreeSet::new();
        one.each(|text| {
            members.insert(composed(text).into_owned());
        });
        let with = |row: &Vec<String>| {
            let row = row.clone();
            members
                .iter()
                .map(move |member| {
                    let mut longer = row.clone();
                    longer.push(member.clone());
                    longer
                })
                .collect::<Vec<_>>()
        };
        rows = rows.iter().flat_map(with).take(ROWS_PER_EVENT_MAX).collect();
    }
    rows
}
