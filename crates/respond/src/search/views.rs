//! What the search shows.

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use event::lake::Table;
use event::query::{ParseError, mended};
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::Chart;
use web::{Lang, Permission, Phrase, filters};

use super::ask::Ask;
use super::table::SummaryTable;
use crate::alert::Choice;
use crate::event_line::EventLine;

/// The search: the question, and its answer once asked.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "search/page.html")]
pub struct SearchPage {
    /// The query line as typed.
    pub line: String,
    /// The spans.
    pub spans: Vec<Choice>,
    /// Not before, by Vietnam's clock.
    pub from: String,
    /// Before, by Vietnam's clock.
    pub to: String,
    /// What is wrong with the query line.
    pub error: Option<LineError>,
    /// What may have been meant, where the line reads but asks for what nothing has.
    pub hints: Vec<HintView>,
    /// The answer.
    pub results: Option<Results>,
}

/// Where and why the query line is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineError {
    /// The column, from 1.
    pub column: usize,
    /// What stands before it.
    pub before: String,
    /// What stands there and after.
    pub rest: String,
    /// Why, in the reader's language.
    pub why: String,
    /// A line near to it that can be read.
    pub better: Option<LineLink>,
}

/// A query line to try instead.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineLink {
    /// The line.
    pub line: String,
    /// Where it is asked.
    pub href: String,
}

/// What may have been meant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HintView {
    /// What was written.
    pub written: String,
    /// What may have been meant.
    pub better: String,
    /// The search with it.
    pub href: String,
}

impl LineError {
    /// Returns the error with the line split at its column.
    pub(super) fn of(ask: &Ask, error: &ParseError, lang: Lang) -> Self {
        let line = ask.line();
        let link = |line: String| LineLink {
            href: Ask { q: Some(line.clone()), ..ask.clone() }.address("/search").to_string(),
            line,
        };
        let at = error.column.saturating_sub(1);
        Self {
            column: error.column,
            before: line.chars().take(at).collect(),
            rest: line.chars().skip(at).collect(),
            why: why(error, lang),
            better: mended(line, error).map(link),
        }
    }

    /// Returns an error of what stands after the filter.
    pub(super) fn of_stages(ask: &Ask, key: &'static str, lang: Lang) -> Self {
        let (before, rest) = ask.parts();
        let column = before.chars().count() + 1;
        Self { column, before, rest, why: Phrase::key(key).text(lang), better: None }
    }
}

/// Returns why a line is wrong, in the reader's words.
pub(crate) fn why(error: &ParseError, lang: Lang) -> String {
    Phrase::key(error_key(error.code)).text(lang)
}

/// Returns the key of the sentence for a mistake.
pub(super) fn error_key(code: &str) -> &'static str {
    match code {
        "too-long" => "search-parse-too-long",
        "too-many-terms" => "search-parse-too-many-terms",
        "too-deep" => "search-parse-too-deep",
        "unexpected-close" => "search-parse-unexpected-close",
        "close-missing" | "figure-shape" => "search-parse-close-missing",
        "term-missing" => "search-parse-term-missing",
        "value-missing" => "search-parse-value-missing",
        "quote-open" => "search-parse-quote-open",
        "number-expected" => "search-parse-number-expected",
        "range-open" | "range-shape" => "search-parse-range",
        "range-order" => "search-parse-range-order",
        "bad-network" => "search-parse-network",
        "bad-regex" => "search-parse-bad-regex",
        "time-expected" => "search-parse-time",
        "stage-unknown" => "search-parse-stage",
        "stage-first" => "search-parse-stage-first",
        "stage-again" => "search-parse-stage-again",
        "stage-end" => "search-parse-stage-end",
        "figure-unknown" => "search-parse-figure",
        "figure-field" => "search-parse-figure-field",
        "field-missing" => "search-parse-field-missing",
        "column-unknown" => "search-parse-column",
        "comparison-missing" => "search-parse-comparison",
        "rows-expected" => "search-parse-rows",
        "span-shape" => "search-parse-span",
        "name-twice" => "search-parse-name-twice",
        "too-many-stages" | "too-many-figures" | "too-many-by" => "search-parse-too-many",
        _ => "search-parse-other",
    }
}

/// The answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Results {
    /// From when.
    pub from: DateTime<Utc>,
    /// To when.
    pub to: DateTime<Utc>,
    /// How many events match in all (from the histogram), unless counting took too long.
    pub total: Option<u64>,
    /// After how many seconds the search was stopped, if it was: what is shown is not all.
    pub stopped_s: Option<u64>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Events over time.
    pub histogram: Option<Chart>,
    /// What the question computes, instead of the events.
    pub summary: Option<SummaryTable>,
    /// The most frequent values of the field asked for, over all matching events.
    pub top: Option<Chart>,
    /// The fields of the events on this page.
    pub fields: Vec<FieldFacts>,
    /// The events, newest first.
    pub events: Vec<EventLine>,
    /// The next page.
    pub next: Option<String>,
    /// The first page, on a later one.
    pub first: Option<String>,
    /// The query of this question.
    pub query: String,
    /// The same over the time that was looked at: a file holds what was counted.
    pub export: String,
    /// The stream of new events that match.
    pub live: String,
}

impl Results {
    /// Returns the earliest time as addresses and forms take it.
    fn since_text(&self) -> String {
        self.from.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// Returns the latest time in the same way.
    fn until_text(&self) -> String {
        self.to.to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

/// A field of the events on this page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldFacts {
    /// Its name.
    pub name: String,
    /// How many of the events on this page have it.
    pub events: u64,
    /// Its most frequent values on this page.
    pub values: Vec<ValueFacts>,
    /// Its most frequent values over all matching events.
    pub all: String,
}

/// A value of a field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValueFacts {
    /// The value.
    pub value: String,
    /// How many of the events on this page have it.
    pub count: u64,
    /// The question narrowed to it.
    pub with: String,
    /// The question without it.
    pub without: String,
}

/// SQL over the events.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "search/sql.html")]
pub struct SqlPage {
    /// The question as typed.
    pub sql: String,
    /// Why it was not answered.
    pub error: Option<String>,
    /// The answer.
    #[schema(value_type = Option<Object>)]
    pub table: Option<Table>,
}
