//! What people do with a piece that is sealed: remark on it, hold it, let it go, destroy it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::model::{Hold, Item, State};
use super::receive::{commit, forget, subject};
use super::store::{self, Remark};
use crate::actor::Handler;
use crate::alert::Reason;
use crate::custody::{self, Act, Kind};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::TEXT_CHARS_MAX;
use crate::{hold, incident};

/// Looking at a page again within this time is the same look.
const SAME_LOOK: TimeDelta = TimeDelta::minutes(15);

fn reason_of(text: &str) -> Result<Reason, RespondError> {
    Reason::new(text).ok_or(RespondError::Field { field: "reason", key: "room-error-reason" })
}

/// Writes a remark about a piece.
pub(super) async fn remark(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    text: &str,
) -> Result<(), RespondError> {
    let text = text.trim();
    if text.is_empty() || text.chars().nth(TEXT_CHARS_MAX).is_some() {
        return Err(RespondError::Field { field: "text", key: "room-error-text" });
    }
    if web::carries_secret_mark(text) {
        return Err(RespondError::Field { field: "text", key: "profile-refused-stamp" });
    }
    let tx = desk.db.begin().await?;
    let item = store::get_for_change(&tx, &who.scope, id).await?;
    let remark = Remark { author: who.name.clone(), made_at: tx.now(), text: text.to_owned() };
    store::add_note(&tx, id, &remark).await?;
    commit(desk, tx, who, "evidence.note", &item, json!({ "number": item.number })).await
}

/// Forbids the disposal of a piece, whatever its time.
pub(super) async fn hold(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let mut item = store::get_for_change(&tx, &who.scope, id).await?;
    if !item.is_sealed() || item.hold.is_some() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    let reason = reason.as_str().to_owned();
    item.hold = Some(Hold { reason: reason.clone(), by: who.name.clone(), at: tx.now() });
    store::save(tx.conn(), &item, false).await?;
    custody::record(&tx, who, subject(&item), Act::Held, &reason).await?;
    let detail = json!({ "number": item.number, "reason": reason });
    commit(desk, tx, who, "evidence.hold", &item, detail).await
}

/// Lifts the hold on a piece.
pub(super) async fn release(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let mut item = store::get_for_change(&tx, &who.scope, id).await?;
    if item.hold.take().is_none() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    store::save(tx.conn(), &item, false).await?;
    custody::record(&tx, who, subject(&item), Act::Released, reason.as_str()).await?;
    let detail = json!({ "number": item.number, "reason": reason.as_str() });
    commit(desk, tx, who, "evidence.release", &item, detail).await
}

/// Changes until when a piece is kept.
pub(super) async fn keep_until(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    (until, reason): (DateTime<Utc>, &str),
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let mut item = store::get_for_change(&tx, &who.scope, id).await?;
    if !item.is_sealed() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    let before = std::mem::replace(&mut item.keep_until, until);
    store::save(tx.conn(), &item, false).await?;
    let told = format!("{} → {}: {}", before.date_naive(), until.date_naive(), reason.as_str());
    custody::record(&tx, who, subject(&item), Act::Kept, &told).await?;
    let detail = json!({
        "number": item.number, "from": before, "to": until, "reason": reason.as_str(),
    });
    commit(desk, tx, who, "evidence.keep", &item, detail).await
}

/// Returns whether the logs of a piece's incident are held: its evidence is then held as well.
pub(super) async fn is_incident_held(
    desk: &Desk,
    who: &Handler,
    item: &Item,
) -> Result<bool, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, item.incident).await?;
    let holds = hold::of_incident(conn, &incident).await?;
    Ok(holds.iter().any(|hold| hold.lifted.is_none()))
}

/// Destroys the bytes of a piece whose time is over and that nobody holds. What is known of it stays.
pub(super) async fn dispose(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let standing = store::get(desk.db.conn(), &who.scope, id).await?;
    let incident_held = is_incident_held(desk, who, &standing).await?;
    let tx = desk.db.begin().await?;
    let mut item = store::get_for_change(&tx, &who.scope, id).await?;
    if !item.may_go(tx.now(), incident_held) {
        return Err(RespondError::Conflict("evidence-error-kept"));
    }
    item.state = State::Disposed;
    store::save(tx.conn(), &item, false).await?;
    custody::record(&tx, who, subject(&item), Act::Disposed, reason.as_str()).await?;
    let sha256 = item.sha256.clone().unwrap_or_default();
    let shared = custody::is_needed(tx.conn(), &sha256, id).await?;
    let detail = json!({
        "number": item.number, "sha256": sha256, "reason": reason.as_str(),
    });
    commit(desk, tx, who, "evidence.dispose", &item, detail).await?;
    // After the commit: bytes that the database still names must never lack.
    forget(custody::Gathered::of(&desk.files, id)).await?;
    if !shared {
        custody::discard(&desk.files, &sha256).await?;
    }
    Ok(())
}

/// Notes that someone looked at a piece, once a quarter of an hour.
pub(super) async fn seen(desk: &Desk, who: &Handler, item: &Item) -> Result<(), RespondError> {
    if !item.is_sealed() {
        return Ok(());
    }
    let of = (Kind::Evidence, item.id);
    let last = custody::last_by(desk.db.conn(), of, who.account, Act::Seen).await?;
    if last.is_some_and(|at| at + SAME_LOOK > desk.db.now()) {
        return Ok(());
    }
    custody::note(desk, who, subject(item), Act::Seen).await
}
