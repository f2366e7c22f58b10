//! What the search shows.

use askama::Template;
use chrono::{DateTime, Utc};
use event::lake::Table;
use event::query::ParseError;
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::Chart;
use web::{Lang, Permission, Phrase, filters};

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
}

impl LineError {
    /// Returns the error with the line split at its column.
    pub(super) fn of(line: &str, error: &ParseError, lang: Lang) -> Self {
        let at = error.column.saturating_sub(1);
        Self {
            column: error.column,
            before: line.chars().take(at).collect(),
            rest: line.chars().skip(at).collect(),
            why: Phrase::key(error_key(error.code)).text(lang),
        }
    }
}

/// Returns the key of the sentence for a mistake.
fn error_key(code: &str) -> &'static str {
    match code {
        "too-long" => "search-parse-too-long",
        "too-many-terms" => "search-parse-too-many-terms",
        "too-deep" => "search-parse-too-deep",
        "unexpected-close" => "search-parse-unexpected-close",
        "close-missing" => "search-parse-close-missing",
        "term-missing" => "search-parse-term-missing",
        "value-missing" => "search-parse-value-missing",
        "quote-open" => "search-parse-quote-open",
        "number-expected" => "search-parse-number-expected",
        "range-open" | "range-shape" => "search-parse-range",
        "bad-regex" => "search-parse-bad-regex",
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
    /// How many events match in all (from the histogram).
    pub total: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Events over time.
    pub histogram: Chart,
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
    /// The query of this question, for exports.
    pub query: String,
    /// The stream of new events that match.
    pub live: String,
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
