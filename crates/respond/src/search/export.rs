//! The matching events as a file, up to a limit that is told in it.

use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use event::Event;
use event::lake::{Cursor, LakeError, Search};
use event::query::Question;
use event::query::summary::Summary;
use http::HeaderValue;
use serde_json::json;
use web::figures::vietnam;
use web::{Lang, Phrase, Who};

use super::ask::{Ask, cursor_text};
use super::reading::Reading;
use crate::actor::Handler;
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::EventLine;
use crate::file::{FiguresFrom, Format, PARQUET, Sheet, answer, figure_columns, figures, table};
use crate::limits::{EVENT_EXPORT_ROWS, EVENTS_PER_EXPORT_PAGE};

/// Where an answer names the address of what did not go into it.
const NEXT: &str = "luytre-next";

/// Bytes that one file holds in memory while it is made.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Returns the events that match, newest first.
pub(super) async fn events(
    desk: &Desk,
    who: &Who,
    ask: &Ask,
    (search, question): (Search, Question),
    format: Format,
) -> Result<Response, RespondError> {
    let asked = super::asked(ask.line(), &search);
    let reading = Reading::begin(desk, &Handler::from(who), "search.export", asked);
    if let Some(summary) = &question.summary {
        let sheet = whole_figures(desk, who, &search, summary).await?;
        reading.end(json!({ "rows": sheet.rows.len() })).await?;
        return figures("figures", &sheet, FiguresFrom(summary.keys()), format);
    }
    let whole = search.clone();
    let (events, rest) = all(desk, who, search).await?;
    reading.end(json!({ "rows": events.len(), "cut": rest.is_some() })).await?;
    if format == Format::Ndjson {
        let mut bytes = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut bytes, event).map_err(RespondError::Json)?;
            bytes.push(b'\n');
        }
        let mut response = answer("events", "ndjson", "application/x-ndjson", bytes)?;
        if let Some(rest) = rest {
            name_rest(&mut response, &address_of_rest(ask, &whole, rest, "ndjson"))?;
        }
        return Ok(response);
    }
    let mut sheet = Sheet {
        head: columns(who.lang),
        rows: events.iter().map(|event| cells(desk, event)).collect(),
    };
    if rest.is_some() {
        let told = Phrase::key("search-export-cut").arg("rows", events.len()).text(who.lang);
        sheet.rows.push(vec![told]);
        let width = sheet.head.len();
        sheet.rows.iter_mut().for_each(|row| row.resize(width, String::new()));
    }
    table("events", &sheet, format)
}

/// Returns the matching events, or figures, as a file of columns.
pub(super) async fn parquet(
    desk: &Desk,
    who: &Who,
    ask: &Ask,
    (search, question): (Search, Question),
) -> Result<Response, RespondError> {
    let asked = super::asked(ask.line(), &search);
    let reading = Reading::begin(desk, &Handler::from(who), "search.export", asked);
    if let Some(summary) = &question.summary {
        let sheet = whole_figures(desk, who, &search, summary).await?;
        reading.end(json!({ "rows": sheet.rows.len() })).await?;
        let from = FiguresFrom(summary.keys());
        let bytes = figure_columns(desk.lake.as_ref(), &sheet, from)?;
        return answer("figures", "parquet", PARQUET, bytes);
    }
    let whole = search.clone();
    let (events, rest) = all(desk, who, search).await?;
    let rows = events.len();
    let mut file = desk.lake.event_file()?;
    let written = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, LakeError> {
        let mut bytes = Vec::new();
        for page in events.chunks(EVENTS_PER_EXPORT_PAGE as usize) {
            bytes.extend(file.add(page)?);
        }
        bytes.extend(file.finish()?);
        Ok(bytes)
    });
    let bytes = written.await.map_err(|error| RespondError::File(Box::new(error)))??;
    reading.end(json!({ "rows": rows, "cut": rest.is_some() })).await?;
    let mut response = answer("events", "parquet", PARQUET, bytes)?;
    if let Some(rest) = rest {
        name_rest(&mut response, &address_of_rest(ask, &whole, rest, "parquet"))?;
    }
    Ok(response)
}

/// Returns all rows of a summary: a file that silently lacks some would be taken for all of them.
async fn whole_figures(
    desk: &Desk,
    who: &Who,
    search: &Search,
    summary: &Summary,
) -> Result<Sheet, RespondError> {
    let answer = desk.lake.summarise(&who.scope, search, summary).await?;
    if let Some(limit_ms) = answer.stopped_ms {
        return Err(LakeError::Timeout { limit_ms }.into());
    }
    if answer.cut {
        return Err(RespondError::Field { field: "q", key: "search-error-groups" });
    }
    Ok(super::table::sheet(summary, &answer))
}

/// Names in an answer the address of what did not go into it.
fn name_rest(response: &mut Response, address: &Address) -> Result<(), RespondError> {
    let value = HeaderValue::try_from(address.to_string())
        .map_err(|error| RespondError::File(Box::new(error)))?;
    response.headers_mut().insert(NEXT, value);
    Ok(())
}

/// Returns the heads of the columns.
pub(crate) fn columns(lang: Lang) -> Vec<String> {
    let keys = [
        "search-time",
        "search-source",
        "alert-system",
        "search-class",
        "search-summary",
        "search-original",
    ];
    keys.map(|key| Phrase::key(key).text(lang)).to_vec()
}

/// Returns an event as a row.
pub(crate) fn cells(desk: &Desk, event: &Event) -> Vec<String> {
    let line = EventLine::of(event, &[], desk.directory.as_ref());
    vec![
        vietnam(line.at).format("%d/%m/%Y %H:%M:%S%.3f").to_string(),
        line.source,
        line.system.unwrap_or_default(),
        line.class,
        line.summary,
        line.raw,
    ]
}

/// Returns where a program asks for the events that did not go into a file of this ending: over the same
/// time, however late it asks.
fn address_of_rest(ask: &Ask, search: &Search, rest: Cursor, ending: &str) -> Address {
    let at = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Micros, true);
    let own = Ask { from: at(search.from), to: at(search.to), ..ask.clone() };
    own.address(&format!("/search/export.{ending}")).with("after", cursor_text(rest))
}

/// Returns all matching events up to the limits, and where they end if there are more.
async fn all(
    desk: &Desk,
    who: &Who,
    search: Search,
) -> Result<(Vec<Event>, Option<Cursor>), RespondError> {
    let mut events: Vec<Event> = Vec::new();
    let mut size = 0;
    let mut after = search.after;
    loop {
        let page = Search { limit: EVENTS_PER_EXPORT_PAGE, after, ..search.clone() };
        let found = desk.lake.search(&who.scope, &page).await?;
        if let Some(limit_ms) = found.stopped_ms {
            // A file that silently lacks events would be taken for all of them.
            return Err(LakeError::Timeout { limit_ms }.into());
        }
        size += found.events.iter().map(|event| event.raw.len() * 4).sum::<usize>();
        events.extend(found.events);
        after = found.next;
        let full = events.len() >= EVENT_EXPORT_ROWS || size >= FILE_BYTES_MAX;
        if after.is_none() || full {
            let has_more = after.is_some() || events.len() > EVENT_EXPORT_ROWS;
            events.truncate(EVENT_EXPORT_ROWS);
            let rest = events.last().filter(|_| has_more);
            let rest = rest.map(|last| Cursor { occurred_at: last.occurred_at, id: last.id });
            return Ok((events, rest));
        }
    }
}
