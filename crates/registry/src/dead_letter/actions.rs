//! Filing dead letters as they come, reading them again, throwing them away.

use db::{AuditEntry, Db, DbError, Subject};
use event::{DeadLetter, DeadReason, EventId, Frame, SourceId};
use serde_json::json;
use web::{AppError, Phrase, Who};

use super::model::{DeadLetterFilter, DeadLetterState, StoredLetter};
use super::store;
use crate::{Directory, Registry, actor, failed, limits};

/// Files letters. The pipeline calls it before it forgets their frames; filing one twice keeps one.
/// The health book is told by the caller, who knows which of them are new.
pub async fn file(db: &Db, directory: &Directory, letters: Vec<DeadLetter>) -> Result<(), DbError> {
    if letters.is_empty() {
        return Ok(());
    }
    let snapshot = directory.snapshot();
    let rows: Vec<StoredLetter> = letters
        .into_iter()
        .map(|DeadLetter { frame, reason }| {
            let binding = snapshot.binding(frame.source);
            StoredLetter {
                id: frame.id,
                source: Some(frame.source),
                agency: binding.map(|binding| binding.origin.agency),
                collected_at: frame.collected_at,
                peer: frame.peer,
                reason,
                bytes: frame.bytes,
                state: DeadLetterState::New,
                closed_at: None,
            }
        })
        .collect();
    let note = db.begin_bookkeeping().await?;
    store::insert(note.conn(), &rows).await?;
    note.commit().await
}

/// How a replay went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Letters that are events now.
    pub(crate) read: usize,
    /// Letters that still cannot be read.
    pub(crate) dead: usize,
}

/// Returns how many letters of each known source are kept and were not replayed.
///
/// # Errors
/// When the database does not answer.
pub async fn per_source(db: &Db) -> Result<Vec<(SourceId, u64)>, DbError> {
    store::per_source(db.conn()).await
}

/// Reads the new letters that fit once more, at most [`limits::REPLAY_MAX`] of them.
pub(crate) async fn replay(
    registry: &Registry,
    who: &Who,
    filter: &DeadLetterFilter,
) -> Result<Replayed, AppError> {
    let db = &registry.db;
    let letters = store::waiting(db.conn(), &who.scope, filter, limits::REPLAY_MAX).await;
    replay_these(registry, who, letters.map_err(failed)?).await
}

/// Reads one letter once more.
pub(crate) async fn replay_one(
    registry: &Registry,
    who: &Who,
    id: EventId,
) -> Result<Replayed, AppError> {
    let letter = open_letter(registry, who, id).await?;
    replay_these(registry, who, vec![letter]).await
}

async fn replay_these(
    registry: &Registry,
    who: &Who,
    letters: Vec<StoredLetter>,
) -> Result<Replayed, AppError> {
    let frames: Vec<Frame> = letters.iter().filter_map(StoredLetter::frame).collect();
    if frames.is_empty() {
        return Ok(Replayed::default());
    }
    let ids: Vec<EventId> = frames.iter().map(|frame| frame.id).collect();
    let results = registry.replay.replay(frames).await.map_err(AppError::unavailable)?;
    let mut read = Vec::new();
    let mut still_dead: Vec<(EventId, DeadReason)> = Vec::new();
    for (id, result) in ids.into_iter().zip(results) {
        match result {
            Ok(()) => read.push(id),
            Err(reason) => still_dead.push((id, reason)),
        }
    }
    let tx = registry.db.begin().await.map_err(failed)?;
    store::close(tx.conn(), &read, DeadLetterState::Replayed, tx.now()).await.map_err(failed)?;
    for (id, reason) in &still_dead {
        store::set_reason(tx.conn(), *id, reason).await.map_err(failed)?;
    }
    let detail = json!({ "read": read.len(), "dead": still_dead.len() });
    let subject = match (read.as_slice(), still_dead.as_slice()) {
        ([one], []) | ([], [(one, _)]) => Subject::new("dead_letter", one),
        _ => Subject::all("dead_letter"),
    };
    let entry = AuditEntry::new(actor(who), "dead-letter.replay", subject, detail);
    tx.commit(entry).await.map_err(failed)?;
    Ok(Replayed { read: read.len(), dead: still_dead.len() })
}

/// Says that a letter is not worth reading. Its bytes stay until the retention ends.
pub(crate) async fn discard(registry: &Registry, who: &Who, id: EventId) -> Result<(), AppError> {
    let letter = open_letter(registry, who, id).await?;
    let tx = registry.db.begin().await.map_err(failed)?;
    store::close(tx.conn(), &[id], DeadLetterState::Discarded, tx.now()).await.map_err(failed)?;
    let detail = json!({ "code": letter.reason.code, "size": letter.bytes.len() });
    let mut entry =
        AuditEntry::new(actor(who), "dead-letter.discard", Subject::new("dead_letter", id), detail);
    if let Some(agency) = letter.agency {
        entry = entry.of_agency(agency);
    }
    tx.commit(entry).await.map_err(failed)
}

async fn open_letter(
    registry: &Registry,
    who: &Who,
    id: EventId,
) -> Result<StoredLetter, AppError> {
    let letter = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    let letter = letter.ok_or(AppError::NotFound)?;
    if letter.state == DeadLetterState::New {
        Ok(letter)
    } else {
        Err(AppError::Conflict(Phrase::key("registry-dead-closed")))
    }
}
