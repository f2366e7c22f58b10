//! The matching events as a file, up to a limit that is told in it.

use axum::response::Response;
use event::Event;
use event::lake::{LakeError, Search};
use event::query::Question;
use serde_json::json;
use web::figures::vietnam;
use web::{Lang, Phrase, Who};

use super::ask::Ask;
use super::reading::Reading;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::EventLine;
use crate::file::{Format, Sheet, answer, table};
use crate::limits::{EVENT_EXPORT_ROWS, EVENTS_PER_EXPORT_PAGE};

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
        let answer = desk.lake.summarise(&who.scope, &search, summary).await?;
        if let Some(limit_ms) = answer.stopped_ms {
            return Err(LakeError::Timeout { limit_ms }.into());
        }
        let sheet = super::table::sheet(summary, &answer);
        reading.end(json!({ "rows": sheet.rows.len() })).await?;
        return table("figures", &sheet, format);
    }
    let (events, cut) = all(desk, who, search).await?;
    reading.end(json!({ "rows": events.len(), "cut": cut })).await?;
    if format == Format::Ndjson {
        let mut bytes = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut bytes, event).map_err(RespondError::Json)?;
            bytes.push(b'\n');
        }
        return answer("events", "ndjson", "application/x-ndjson", bytes);
    }
    let mut sheet = Sheet {
        head: columns(who.lang),
        rows: events.iter().map(|event| cells(desk, event)).collect(),
    };
    if cut {
        let told = Phrase::key("search-export-cut").arg("rows", EVENT_EXPORT_ROWS).text(who.lang);
        sheet.rows.push(vec![told]);
        let width = sheet.head.len();
        sheet.rows.iter_mut().for_each(|row| row.resize(width, String::new()));
    }
    table("events", &sheet, format)
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

/// Returns all matching events up to the limits, and whether there were more.
async fn all(desk: &Desk, who: &Who, search: Search) -> Result<(Vec<Event>, bool), RespondError> {
    let mut events: Vec<Event> = Vec::new();
    let mut size = 0;
    let mut after = None;
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
            let cut = after.is_some() || events.len() > EVENT_EXPORT_ROWS;
            events.truncate(EVENT_EXPORT_ROWS);
            return Ok((events, cut));
        }
    }
}
