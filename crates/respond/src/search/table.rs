//! The rows of a summary as a table, a picture and a file.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use event::query::summary::{Cell, Summarised, Summary};
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::{Chart, Kind, Point, Series};
use web::figures::vietnam;
use web::{Lang, Phrase};

use super::ask::Ask;
use crate::event_line::{cut, term};
use crate::file::Sheet;

/// Rows shown on the page; a file holds them all.
const ROWS_SHOWN: usize = 500;

/// Groups of a time chart with a colour of their own.
const SERIES_MAX: usize = 7;

/// Bars of the largest rows.
const BARS: usize = 12;

/// Characters of a value on an axis.
const LABEL_CHARS: usize = 60;

/// The answer to a question with stages.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SummaryTable {
    /// The columns.
    pub columns: Vec<ColumnHead>,
    /// The rows, cut to what a page shows.
    pub rows: Vec<Vec<CellView>>,
    /// How many rows there are.
    pub total: usize,
    /// How many events were added up.
    pub events: u64,
    /// Whether groups or different values were too many to hold.
    pub cut: bool,
    /// The picture of the first figure, where there is one to draw.
    pub chart: Option<Chart>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl SummaryTable {
    /// Returns whether the page shows fewer rows than there are.
    pub fn is_cut(&self) -> bool {
        self.rows.len() < self.total
    }
}

/// A column's head.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ColumnHead {
    /// Its name.
    pub name: String,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// One cell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CellView {
    /// Its text; a time as RFC 3339.
    pub text: String,
    /// Its number.
    pub number: Option<f64>,
    /// When a bar of time begins.
    pub at: Option<DateTime<Utc>>,
    /// The events behind it.
    pub href: Option<String>,
}

/// Returns the table of an answer.
pub(super) fn table(
    ask: &Ask,
    filter: &str,
    summary: &Summary,
    answer: &Summarised,
    lang: Lang,
) -> SummaryTable {
    let links = Links { ask, filter, summary, bar: answer.bar };
    let keys = summary.keys();
    let names = summary.columns();
    let column = |(place, name): (usize, &&str)| ColumnHead {
        name: match summary.time {
            Some(_) if place == 0 => Phrase::key("search-time").text(lang),
            _ => (*name).to_owned(),
        },
        is_number: place >= keys,
    };
    let row = |row: &Vec<Cell>| {
        let href = links.of_row(row);
        let cell = |(place, cell): (usize, &Cell)| CellView {
            text: cell.text(),
            number: cell.number(),
            at: match cell {
                Cell::Time(at) => Some(*at),
                _ => None,
            },
            href: if place < keys { links.of_cell(place, cell) } else { Some(href.clone()) },
        };
        row.iter().enumerate().map(cell).collect()
    };
    SummaryTable {
        columns: names.iter().enumerate().map(column).collect(),
        rows: answer.rows.iter().take(ROWS_SHOWN).map(row).collect(),
        total: answer.rows.len(),
        events: answer.events,
        cut: answer.cut,
        chart: chart(&links, answer, lang),
        took_ms: answer.took_ms,
    }
}

/// Returns the rows for a file: numbers and times as other programs read them.
pub(crate) fn sheet(summary: &Summary, answer: &Summarised) -> Sheet {
    Sheet {
        head: summary.columns().into_iter().map(ToOwned::to_owned).collect(),
        rows: answer.rows.iter().map(|row| row.iter().map(Cell::text).collect()).collect(),
    }
}

/// Leads from figures to their events.
struct Links<'a> {
    ask: &'a Ask,
    filter: &'a str,
    summary: &'a Summary,
    bar: Option<TimeDelta>,
}

impl Links<'_> {
    fn narrowed(&self, terms: &[String], at: Option<DateTime<Utc>>) -> String {
        let bare =
            Ask { q: Some(self.filter.to_owned()), field: String::new(), ..self.ask.clone() };
        let bare = match (at, self.bar) {
            (Some(at), Some(bar)) => Ask {
                range: String::new(),
                from: at.to_rfc3339_opts(SecondsFormat::Secs, true),
                to: (at + bar).to_rfc3339_opts(SecondsFormat::Secs, true),
                ..bare
            },
            _ => bare,
        };
        if terms.is_empty() {
            return bare.address("/search").to_string();
        }
        bare.narrowed(&terms.join(" ")).to_string()
    }

    fn of_cell(&self, place: usize, cell: &Cell) -> Option<String> {
        match cell {
            Cell::Time(at) => Some(self.narrowed(&[], Some(*at))),
            Cell::Text(value) => {
                let field = place - usize::from(self.summary.time.is_some());
                let name = self.summary.by.get(field)?;
                Some(self.narrowed(&[term(name, value)], None))
            }
            _ => None,
        }
    }

    fn of_row(&self, row: &[Cell]) -> String {
        let times = usize::from(self.summary.time.is_some());
        let at = match row.first() {
            Some(Cell::Time(at)) => Some(*at),
            _ => None,
        };
        let values = row.iter().skip(times).zip(&self.summary.by);
        let terms: Vec<String> = values.map(|(cell, name)| term(name, &cell.text())).collect();
        self.narrowed(&terms, at)
    }
}

fn chart(links: &Links<'_>, answer: &Summarised, lang: Lang) -> Option<Chart> {
    let summary = links.summary;
    let title = summary.figures.first()?.name.clone();
    if answer.rows.len() < 2 {
        return None;
    }
    match answer.bar {
        Some(bar) => Some(timeline(links, answer, bar, lang, title)),
        None if summary.by.is_empty() => None,
        None => Some(bars(links, answer, title)),
    }
}

fn group_name(row: &[Cell], from: usize, keys: usize) -> String {
    let values = row.iter().skip(from).take(keys - from).map(Cell::text);
    cut(&values.collect::<Vec<_>>().join(" · "), LABEL_CHARS)
}

fn bars(links: &Links<'_>, answer: &Summarised, title: String) -> Chart {
    let keys = links.summary.keys();
    let rows = || answer.rows.iter().take(BARS);
    let point =
        |row: &Vec<Cell>| Point { label: group_name(row, 0, keys), href: Some(links.of_row(row)) };
    let figure = |row: &Vec<Cell>| row.get(keys).and_then(Cell::number).unwrap_or_default();
    Chart {
        label: links.summary.by.join(" · "),
        kind: Kind::Bars,
        points: rows().map(point).collect(),
        series: vec![Series {
            name: title.clone(),
            tone: "accent".to_owned(),
            values: rows().map(figure).collect(),
        }],
        title,
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    }
}

/// One colour for each of the largest groups, one for all others.
fn timeline(
    links: &Links<'_>,
    answer: &Summarised,
    bar: TimeDelta,
    lang: Lang,
    title: String,
) -> Chart {
    let keys = links.summary.keys();
    let mut times: Vec<DateTime<Utc>> = Vec::new();
    let mut groups: BTreeMap<String, (f64, BTreeMap<DateTime<Utc>, f64>)> = BTreeMap::new();
    for row in &answer.rows {
        let Some(Cell::Time(at)) = row.first() else { continue };
        let value = row.get(keys).and_then(Cell::number).unwrap_or_default();
        let (sum, values) = groups.entry(group_name(row, 1, keys)).or_default();
        *sum += value;
        values.insert(*at, value);
        times.push(*at);
    }
    times.sort_unstable();
    times.dedup();
    let mut ordered: Vec<_> = groups.into_iter().collect();
    ordered.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    let rest = ordered.split_off(SERIES_MAX.min(ordered.len()));
    let one = |values: &BTreeMap<DateTime<Utc>, f64>| -> Vec<f64> {
        times.iter().map(|at| values.get(at).copied().unwrap_or_default()).collect()
    };
    let single = ordered.len() == 1;
    let mut series: Vec<Series> = (1_usize..)
        .zip(&ordered)
        .map(|(number, (name, (_, values)))| Series {
            name: if name.is_empty() { title.clone() } else { name.clone() },
            tone: if single { "accent".to_owned() } else { format!("series-{number}") },
            values: one(values),
        })
        .collect();
    if !rest.is_empty() {
        let mut sums: BTreeMap<DateTime<Utc>, f64> = BTreeMap::new();
        for (at, value) in rest.iter().flat_map(|(_, (_, values))| values) {
            *sums.entry(*at).or_default() += value;
        }
        let name = Phrase::key("search-others").arg("count", rest.len()).text(lang);
        series.push(Series { name, tone: "quiet".to_owned(), values: one(&sums) });
    }
    let format = if bar >= TimeDelta::days(1) { "%d/%m" } else { "%d/%m %H:%M" };
    let point = |at: &DateTime<Utc>| Point {
        label: vietnam(*at).format(format).to_string(),
        href: Some(links.narrowed(&[], Some(*at))),
    };
    Chart {
        title,
        label: Phrase::key("search-time").text(lang),
        kind: Kind::Timeline,
        points: times.iter().map(point).collect(),
        series,
        marks: Vec::new(),
        brush: None,
        times: times.iter().map(DateTime::to_rfc3339).collect(),
    }
}
