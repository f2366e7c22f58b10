//! Addresses of dead letters.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::{EventId, SourceId};
use serde::Deserialize;
use utoipa::ToSchema;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Replayed};
use super::model::{DeadLetterFilter, DeadLetterState, StoredLetter};
use super::store;
use super::views::{LetterDetail, LetterList, LetterRow, ReasonCount};
use crate::export::{Export, Sheet};
use crate::forms::choices;
use crate::{Registry, failed, limits, text};

/// Returns the routes of dead letters.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{DeadLetterChange, DeadLetterRead};
    Routes::new()
        .get("/dead-letters", DeadLetterRead, list)
        .doc("Lists records that could not be read")
        .gives::<LetterList>()
        .get("/dead-letters/export", DeadLetterRead, export)
        .doc("Gives the list as a file")
        .post("/dead-letters/replay", DeadLetterChange, replay)
        .doc("Reads the waiting records that fit once more")
        .takes::<Which>()
        .get("/dead-letters/{id}", DeadLetterRead, detail)
        .doc("Shows a record as text and as bytes")
        .gives::<LetterDetail>()
        .get("/dead-letters/{id}/bytes", DeadLetterRead, bytes)
        .doc("Gives the record's bytes")
        .post("/dead-letters/{id}/replay", DeadLetterChange, replay_one)
        .doc("Reads a record once more")
        .post("/dead-letters/{id}/discard", DeadLetterChange, discard)
        .doc("Says that a record is not worth reading")
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<DeadLetterFilter>,
    Query(page): Query<Page>,
) -> Result<View<LetterList>, AppError> {
    let part = (page.offset(), page.limit());
    let conn = registry.db.conn();
    let (letters, total) = store::list(conn, &who.scope, &filter, part).await.map_err(failed)?;
    let reasons = store::reasons(conn, &who.scope).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let source = filter.source.map(|id| id.to_string());
    let query = text::query(&[
        ("state", filter.state.clone()),
        ("source", source.clone()),
        ("code", filter.code.clone()),
    ]);
    let mut states: Vec<(String, String)> = DeadLetterState::ALL
        .map(|state| (state.word().to_owned(), Phrase::key(state.key()).text(who.lang)))
        .to_vec();
    states.push(("all".to_owned(), Phrase::key("registry-any").text(who.lang)));
    let codes = reasons.iter().map(|(code, _)| (code.clone(), code.clone()));
    Ok(View::new(LetterList {
        rows: letters.iter().map(|letter| LetterRow::new(letter, &snapshot)).collect(),
        states: choices(states, filter.state.as_deref()),
        codes: choices(codes, filter.code.as_deref()),
        reasons: reasons.into_iter().map(|(code, count)| ReasonCount { code, count }).collect(),
        pager: page.pager("/dead-letters", &query, total),
        source,
        code: filter.code,
        query,
    }))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<DeadLetterFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let part = (0, limits::EXPORT_ROWS_MAX);
    let (letters, _) =
        store::list(registry.db.conn(), &who.scope, &filter, part).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let header = [
        "registry-dead-at",
        "registry-source",
        "registry-agency",
        "registry-dead-code",
        "registry-dead-detail",
        "registry-size",
        "registry-dead-state",
        "registry-dead-preview",
    ];
    let mut sheet = Sheet::new("ban-ghi-khong-doc-duoc", who.lang, &header);
    for letter in &letters {
        let row = LetterRow::new(letter, &snapshot);
        sheet.row(vec![
            row.collected_at.to_rfc3339(),
            row.source_name.unwrap_or_default(),
            row.agency_name.unwrap_or_default(),
            row.code,
            row.detail,
            row.size.to_string(),
            Phrase::key(row.state_key).text(who.lang),
            row.preview,
        ]);
    }
    sheet.answer(export)
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<EventId>,
) -> Result<View<LetterDetail>, AppError> {
    let letter = found(&registry, &who, id).await?;
    Ok(View::new(LetterDetail::new(&letter, &registry.directory.snapshot())))
}

async fn bytes(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<EventId>,
) -> Result<Response, AppError> {
    let letter = found(&registry, &who, id).await?;
    let headers = [
        ("content-type", "application/octet-stream".to_owned()),
        ("content-disposition", format!("attachment; filename=\"{id}.bin\"")),
    ];
    Ok((headers, letter.bytes).into_response())
}

/// Which of the waiting records to read once more; nothing given means all.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Which {
    /// Only of this source.
    #[schema(value_type = Option<String>)]
    source: Option<SourceId>,
    /// Only for this reason.
    code: Option<String>,
}

async fn replay(
    State(registry): State<Registry>,
    who: Who,
    Body(which): Body<Which>,
) -> Result<Done, AppError> {
    let filter = DeadLetterFilter { state: None, source: which.source, code: which.code };
    let replayed = actions::replay(&registry, &who, &filter).await?;
    Ok(done("/dead-letters").notice(told(replayed)))
}

async fn replay_one(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<EventId>,
) -> Result<Done, AppError> {
    let replayed = actions::replay_one(&registry, &who, id).await?;
    Ok(done(format!("/dead-letters/{id}")).notice(told(replayed)))
}

async fn discard(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<EventId>,
) -> Result<Done, AppError> {
    actions::discard(&registry, &who, id).await?;
    Ok(done("/dead-letters").notice(Phrase::key("registry-dead-discarded")))
}

fn told(replayed: Replayed) -> Phrase {
    Phrase::key("registry-dead-replayed").arg("read", replayed.read).arg("dead", replayed.dead)
}

async fn found(registry: &Registry, who: &Who, id: EventId) -> Result<StoredLetter, AppError> {
    let letter = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    letter.ok_or(AppError::NotFound)
}
