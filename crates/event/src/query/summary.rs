//! What stands after the filter: `… | stats count() by src_ip | sort -count | limit 20`.
//!
//! # What the words mean
//!
//! * `stats` makes one row for each combination of the values of the `by` fields. An event that lacks
//!   one of them is in no row; a list counts once for each of its different members. Without `by`
//!   there is one row over everything.
//! * `count()` counts events, `count(f)` those that have the field. `sum`, `avg`, `min` and `max` take
//!   what can be read as a number, each member of a list; without any the cell is empty.
//!   `distinct(f)` counts different texts.
//! * `timechart` is `stats` by time first. Bars begin at whole spans by Vietnam's clock (a day begins
//!   at midnight there); without `span` the narrowest of a fixed list that makes at most
//!   [`BARS_WISHED`] bars is taken. Without `by`, bars without events are there too.
//! * `top n f` and `rare n f` are `stats count() by f` sorted, and cut.
//! * `where`, `sort` and `limit` work on the rows, in the order written. Unsorted rows come by time,
//!   then by the first figure (largest first), then by the values of the fields.

use chrono::{DateTime, TimeDelta, Utc};

use super::Comparison;
use super::moment::CLOCK_AHEAD;

/// Figures one summary may have.
pub const FIGURES_MAX: usize = 8;
/// Fields one summary may be grouped by.
pub const BY_MAX: usize = 4;
/// Stages after the first.
pub const STEPS_MAX: usize = 8;
/// Bars that a time chart without `span` has at most.
pub const BARS_WISHED: i64 = 120;
/// Bars that a time chart may have: past it the span is too narrow for the time asked.
pub const BARS_MAX: i64 = 3_000;
/// Rows that `top` and `rare` give when no number is written.
pub const TOP_ROWS: u32 = 20;

/// Spans that a time chart chooses from, in seconds.
const SPANS_S: [i64; 13] =
    [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400];

/// What is asked of the matching events instead of the events themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The figures, in the order written; at least one.
    pub figures: Vec<Figure>,
    /// The fields whose values make the rows.
    pub by: Vec<String>,
    /// Whether the rows are also parted by time.
    pub time: Option<TimeSpan>,
    /// What is done with the rows, in order.
    pub steps: Vec<RowStep>,
}

/// How wide a bar of a time chart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeSpan {
    /// As wide as makes a readable chart.
    Auto,
    /// This many seconds.
    Seconds(i64),
}

/// One figure and the name of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What is computed.
    pub kind: FigureKind,
    /// Of which field; `None` only for `count()`.
    pub field: Option<String>,
    /// The column's name: after `as`, or made of the function and the field.
    pub name: String,
}

/// What a figure computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureKind {
    /// How many events.
    Count,
    /// The sum of numbers.
    Sum,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The mean of numbers.
    Avg,
    /// How many different values.
    Distinct,
}

impl FigureKind {
    /// All functions, with the word for each.
    pub const ALL: [(&'static str, Self); 6] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("min", Self::Min),
        ("max", Self::Max),
        ("avg", Self::Avg),
        ("distinct", Self::Distinct),
    ];

    /// Returns the word that people type.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("count", |(word, _)| word)
    }
}

/// What is done with the rows. A column is told by its place: time first, then fields, then figures.
#[derive(Debug, Clone, PartialEq)]
pub enum RowStep {
    /// Keeps the rows whose column compares so; an empty cell does not.
    Where(usize, Comparison, f64),
    /// Sorts by columns; `true` is from the largest down. Empty cells come last.
    Sort(Vec<(usize, bool)>),
    /// Keeps the first rows.
    Limit(u32),
}

impl Summary {
    /// Returns the names of the columns: time, fields, figures.
    pub fn columns(&self) -> Vec<&str> {
        let time = self.time.map(|_| "time");
        let by = self.by.iter().map(String::as_str);
        time.into_iter().chain(by).chain(self.figures.iter().map(|one| one.name.as_str())).collect()
    }

    /// Returns the columns before the first figure.
    pub fn keys(&self) -> usize {
        usize::from(self.time.is_some()) + self.by.len()
    }

    /// Returns the fields that are read of each event, each once: those of `by` first, in order.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = Vec::new();
        let figures = self.figures.iter().filter_map(|figure| figure.field.as_deref());
        for name in self.by.iter().map(String::as_str).chain(figures) {
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
        fields
    }

    /// Returns how wide a bar is over this time, in microseconds; `None` when it would make more than
    /// [`BARS_MAX`] bars.
    pub fn bar_us(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<i64> {
        let length_s = (to - from).num_seconds().max(1);
        let wide_s = match self.time? {
            TimeSpan::Seconds(wide_s) => wide_s,
            TimeSpan::Auto => {
                let fits = |wide_s: &&i64| length_s / **wide_s <= BARS_WISHED;
                match SPANS_S.iter().find(fits) {
                    Some(wide_s) => *wide_s,
                    None => DAY_S * (length_s / (BARS_WISHED * DAY_S) + 1),
                }
            }
        };
        (length_s / wide_s.max(1) <= BARS_MAX).then_some(wide_s.max(1) * 1_000_000)
    }
}

const DAY_S: i64 = 86_400;

/// Returns where the bar begins that a moment lies in, in microseconds.
pub fn bar_start(time_us: i64, wide_us: i64) -> i64 {
    let ahead_us = CLOCK_AHEAD.num_microseconds().unwrap_or(0);
    let wide_us = wide_us.max(1);
    time_us.saturating_add(ahead_us).div_euclid(wide_us).saturating_mul(wide_us) - ahead_us
}

/// The answer to a summary.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summarised {
    /// The rows; each has a cell for each of [`Summary::columns`].
    pub rows: Vec<Vec<Cell>>,
    /// How many events were looked at: all that match.
    pub events: u64,
    /// How wide a bar of a time chart is.
    pub bar: Option<TimeDelta>,
    /// Whether there were more groups, or more different values, than can be held: rows may lack and
    /// `distinct` be too low.
    pub cut: bool,
    /// Whether it was stopped before all events were looked at, and after how long.
    pub stopped_ms: Option<u64>,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
}

/// One cell of a summary.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No number could be computed.
    Empty,
    /// A field's value.
    Text(String),
    /// A figure.
    Number(f64),
    /// Where a bar begins.
    Time(DateTime<Utc>),
}

impl Cell {
    /// Returns the figure, if it is one.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the cell as plain text: numbers with a point, times as RFC 3339.
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Time(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        }
    }
}

/// Does with the rows what the steps say.
pub(super) fn finish(summary: &Summary, mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    let keys = summary.keys();
    let time: Option<(usize, bool)> = summary.time.map(|_| (0, false));
    let usual: Vec<(usize, bool)> = time
        .into_iter()
        .chain([(keys, true)])
        .chain((usize::from(summary.time.is_some())..keys).map(|column| (column, false)))
        .collect();
    sort(&mut rows, &usual);
    for step in &summary.steps {
        match step {
            RowStep::Where(column, comparison, bound) => rows.retain(|row| {
                let number = row.get(*column).and_then(Cell::number);
                number.is_some_and(|number| comparison.holds(number, *bound))
            }),
            // A stable sort: rows that are equal here stay as they were.
            RowStep::Sort(by) => sort(&mut rows, by),
            RowStep::Limit(count) => rows.truncate(usize::try_from(*count).unwrap_or(usize::MAX)),
        }
    }
    rows
}

fn sort(rows: &mut [Vec<Cell>], by: &[(usize, bool)]) {
    rows.sort_by(|a, b| {
        by.iter()
            .map(|(column, down)| order(a.get(*column), b.get(*column), *down))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
}

fn order(a: Option<&Cell>, b: Option<&Cell>, down: bool) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    let up = match (a, b) {
        (Some(Cell::Number(a)), Some(Cell::Number(b))) => a.total_cmp(b),
        (Some(Cell::Time(a)), Some(Cell::Time(b))) => a.cmp(b),
        (Some(Cell::Text(a)), Some(Cell::Text(b))) => a.cmp(b),
        // Whatever the direction, what is empty comes last.
        (Some(Cell::Empty) | None, Some(Cell::Empty) | None) => return Ordering::Equal,
        (Some(Cell::Empty) | None, _) => return Ordering::Greater,
        (_, Some(Cell::Empty) | None) => return Ordering::Less,
        _ => Ordering::Equal,
    };
    if down { up.reverse() } else { up }
}
