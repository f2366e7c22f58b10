//! The values that are offered for a field while someone types: the names of the register, or what the
//! reader's events of the past hour hold most often.

use std::time::Duration;

use chrono::TimeDelta;
use event::lake::{LakeError, Search, TopValue};
use event::query::{Builtin, Query};
use event::{Attr, SourceId};
use serde_json::json;
use web::{Phrase, Who};

use super::fields::{Offer, VALUES_OFFERED};
use super::reading::Reading;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::directory::Named;
use crate::error::RespondError;
use crate::event_line::typed_value;

/// How far back values are counted: what is typed is mostly about now, and an hour costs little.
const PAST: TimeDelta = TimeDelta::hours(1);

/// How long someone who types waits for values; without them the line is typed as it is.
const WAIT: Duration = Duration::from_millis(1500);

/// Characters of a value that is offered: a longer one is found by a part of it.
const VALUE_CHARS_MAX: usize = 120;

/// Returns the values that a field has most often, as far as the reader sees them; none where counting
/// would read whole records.
pub(super) async fn frequent(
    desk: &Desk,
    who: &Who,
    field: &str,
) -> Result<Vec<Offer>, RespondError> {
    match Builtin::from_name(field) {
        Some(Builtin::SystemId) => return Ok(named(desk.directory.systems(&who.scope))),
        Some(Builtin::AgencyId) => return Ok(named(desk.directory.agencies(&who.scope))),
        Some(Builtin::EventId) => return Ok(Vec::new()),
        // A source's own field has no column.
        None if Attr::from_name(field).is_none() => return Ok(Vec::new()),
        _ => {}
    }
    let to = desk.db.now() + TimeDelta::seconds(1);
    let search = Search { query: Query::All, from: to - PAST, to, limit: 1, after: None };
    let asked = super::asked(&format!("{field}:*"), &search);
    let reading = Reading::begin(desk, &Handler::from(who), "search.values", asked);
    let limit = u32::try_from(VALUES_OFFERED).unwrap_or(u32::MAX);
    let counted = desk.lake.top(&who.scope, &search, field, limit);
    let top = match tokio::time::timeout(WAIT, counted).await {
        Err(_) | Ok(Err(LakeError::Timeout { .. })) => Vec::new(),
        Ok(top) => top?,
    };
    reading.end(json!({ "rows": top.len() })).await?;
    let is_short =
        |one: &TopValue| !one.value.is_empty() && one.value.chars().count() <= VALUE_CHARS_MAX;
    let offer = |one: TopValue| Offer {
        text: typed_value(&one.value).into_owned(),
        kind: "value",
        path: None,
        about: source_name(desk, field, &one.value).unwrap_or_else(|| {
            Phrase::key("search-value-events").arg("count", one.count).text(who.lang)
        }),
    };
    Ok(top.into_iter().filter(is_short).map(offer).collect())
}

/// Returns what a log source is called, where the field holds its id.
fn source_name(desk: &Desk, field: &str, value: &str) -> Option<String> {
    let id: SourceId = value.parse().ok()?;
    desk.directory.source_name(id).filter(|_| Builtin::from_name(field) == Some(Builtin::SourceId))
}

fn named(all: Vec<Named>) -> Vec<Offer> {
    let offer = |one: Named| Offer { text: one.id, kind: "value", path: None, about: one.name };
    all.into_iter().map(offer).collect()
}
