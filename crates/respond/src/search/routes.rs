//! The search's routes.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::lake::LakeError;
use http::{StatusCode, Uri};
use serde::Deserialize;
use web::{AppError, Lang, Permission, Phrase, Query, Routes, View, Who};

use super::ask::Ask;
use super::fields::{self, FieldsPage, Place};
use super::reading::Reading;
use super::views::{LineError, SearchPage, SqlPage};
use super::{export, pages, sql_fault, tail, values};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::{RespondError, unsupported};
use crate::file::Format;

/// Returns the routes of the search.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{EventExport, EventSearch};
    Routes::new()
        .get("/search", EventSearch, search)
        .doc("Searches events; without `q` shows the empty form")
        .gives::<SearchPage>()
        .get("/search/fields", EventSearch, names)
        .doc("Lists the names a query line knows; with `q` and `at` what may stand at that character")
        .gives::<FieldsPage>()
        .get("/search/live", EventSearch, live)
        .doc("Streams new events that match, as server-sent events")
        .get("/search/export.csv", EventExport, csv)
        .doc("Returns the matching events as CSV")
        .get("/search/export.xlsx", EventExport, xlsx)
        .doc("Returns the matching events as a spreadsheet")
        .get("/search/export.ndjson", EventExport, ndjson)
        .doc("Returns the matching events whole, one JSON object per line")
        .get("/search/export.parquet", EventExport, parquet)
        .doc("Returns the matching events whole, as Parquet with the columns of the lake's files")
        .get("/search/sql", EventExport, sql)
        .doc("Answers one read-only SQL question over `events`, `agencies`, `systems` and `sources`")
        .gives::<SqlPage>()
}

async fn search(
    State(desk): State<Desk>,
    who: Who,
    uri: Uri,
    Query(mut ask): Query<Ask>,
) -> Result<View<SearchPage>, AppError> {
    // `?q=` is a question too: empty fields do not reach `Ask`, but an empty line asks for all.
    if uri.query().is_some_and(|query| !query.is_empty()) {
        ask.q.get_or_insert_default();
    }
    ask.check_times()?;
    let page = pages::search(&desk, &who, &ask).await?;
    let status =
        if page.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(View::new(page).status(status))
}

async fn live(
    State(desk): State<Desk>,
    who: Who,
    Query(ask): Query<Ask>,
) -> Result<Response, AppError> {
    let query = ask.search(desk.db.now()).map_err(|error| wrong(&ask, &error, who.lang))?.0.query;
    super::note_read(&desk, &Handler::from(&who), "search.live", ask.line()).await?;
    match tail::stream(&desk, who.scope, &query) {
        Some(stream) => Ok(stream.into_response()),
        None => Err(AppError::TooMany { retry_after_s: 60 }),
    }
}

/// Returns what a wrong line is answered with.
pub(crate) fn wrong(ask: &Ask, error: &event::query::ParseError, lang: Lang) -> AppError {
    let told = LineError::of(ask, error, lang);
    let phrase = match told.better {
        None => Phrase::key("search-error-at"),
        Some(better) => Phrase::key("search-error-better").arg("better", better.line),
    };
    AppError::invalid("q", phrase.arg("column", error.column).arg("why", told.why))
}

/// What is being typed, and where the cursor stands, in characters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Typing {
    q: String,
    at: Option<usize>,
}

async fn names(
    State(desk): State<Desk>,
    who: Who,
    Query(typing): Query<Typing>,
) -> Result<View<FieldsPage>, AppError> {
    let is_short = typing.q.chars().count() <= crate::limits::QUERY_CHARS_MAX;
    let Some(at) = typing.at.filter(|_| is_short) else {
        return Ok(View::new(fields::all(who.lang)));
    };
    let place = Place::of(&typing.q, at);
    let known = match place.open_field() {
        Some(field) => values::frequent(&desk, &who, field).await?,
        None => Vec::new(),
    };
    Ok(View::new(place.page(known, who.lang)))
}

async fn csv(state: State<Desk>, who: Who, ask: Query<Ask>) -> Result<Response, AppError> {
    exported(state, who, ask, Format::Csv).await
}

async fn xlsx(state: State<Desk>, who: Who, ask: Query<Ask>) -> Result<Response, AppError> {
    exported(state, who, ask, Format::Xlsx).await
}

async fn ndjson(state: State<Desk>, who: Who, ask: Query<Ask>) -> Result<Response, AppError> {
    exported(state, who, ask, Format::Ndjson).await
}

async fn parquet(
    State(desk): State<Desk>,
    who: Who,
    Query(ask): Query<Ask>,
) -> Result<Response, AppError> {
    ask.check_times()?;
    let search = ask.search(desk.db.now()).map_err(|error| wrong(&ask, &error, who.lang))?;
    Ok(export::parquet(&desk, &who, &ask, search).await?)
}

async fn exported(
    State(desk): State<Desk>,
    who: Who,
    Query(ask): Query<Ask>,
    format: Format,
) -> Result<Response, AppError> {
    ask.check_times()?;
    let search = ask.search(desk.db.now()).map_err(|error| wrong(&ask, &error, who.lang))?;
    Ok(export::events(&desk, &who, &ask, search, format).await?)
}

/// A SQL question.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct SqlQuery {
    sql: String,
}

async fn sql(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<SqlQuery>,
) -> Result<View<SqlPage>, AppError> {
    if query.sql.trim().is_empty() {
        return Ok(View::new(SqlPage { sql: query.sql, error: None, table: None }));
    }
    let asked = serde_json::json!({ "question": query.sql });
    let reading = Reading::begin(&desk, &Handler::from(&who), "search.sql", asked);
    let beside = desk.directory.register(&who.scope);
    let answer = desk.lake.sql_beside(&who.scope, &query.sql, beside).await;
    let rows = answer.as_ref().map_or(0, |table| table.rows.len());
    reading.end(serde_json::json!({ "rows": rows, "failed": answer.is_err() })).await?;
    match answer {
        Ok(table) => Ok(View::new(SqlPage { sql: query.sql, error: None, table: Some(table) })),
        Err(LakeError::Question(detail)) => {
            Ok(not_answered(query.sql, sql_fault::in_words_of_engine(&detail, who.lang)))
        }
        Err(LakeError::Sql(fault)) => {
            Ok(not_answered(query.sql, sql_fault::told(&fault, who.lang)))
        }
        Err(LakeError::Unsupported(words)) => {
            Ok(not_answered(query.sql, unsupported(words).text(who.lang)))
        }
        Err(LakeError::Timeout { limit_ms }) => {
            // Whoever wrote a long question keeps it.
            let told = Phrase::key("search-error-timeout").arg("seconds", limit_ms / 1000);
            let page = SqlPage { sql: query.sql, error: Some(told.text(who.lang)), table: None };
            Ok(View::new(page).status(StatusCode::CONFLICT))
        }
        Err(error) => Err(RespondError::Lake(error).into()),
    }
}

/// Shows a SQL question again, with what is wrong with it.
fn not_answered(sql: String, error: String) -> View<SqlPage> {
    let page = SqlPage { sql, error: Some(error), table: None };
    View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY)
}
