//! What an agency does with an order: open it, acknowledge it, prove what was done, say that it is done.

use event::AgencyId;
use serde_json::json;
use uuid::Uuid;
use web::Upload;

use super::actions::{begun, commit, keep, note, reason_of};
use super::model::{Proof, State};
use super::story;
use crate::actor::Handler;
use crate::custody;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::ORDER_PROOFS_MAX;

/// Says that the agency has the order.
pub(super) async fn acknowledge(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
) -> Result<(), RespondError> {
    let (tx, order, mut part) = begun(desk, who, (id, agency)).await?;
    let was = part.state;
    if was != State::Sent {
        return Err(RespondError::Conflict("order-error-state"));
    }
    let now = tx.now();
    part.state = State::Acknowledged;
    part.opened_at.get_or_insert(now);
    part.acknowledged_at = Some(now);
    part.acknowledged_by = Some(who.name.clone());
    keep(&tx, &part, &order, was).await?;
    note(&tx, &order, Some(agency), (who, "acknowledged", "")).await?;
    commit(desk, tx, who, "order.acknowledge", (&order, Some(agency)), json!({})).await
}

/// Says that it is done, and what was done.
pub(super) async fn done(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
    result: &str,
) -> Result<(), RespondError> {
    let result = reason_of("result", result)?;
    let (tx, order, mut part) = begun(desk, who, (id, agency)).await?;
    let was = part.state;
    if !matches!(was, State::Sent | State::Acknowledged) {
        return Err(RespondError::Conflict("order-error-state"));
    }
    if order.needs_proof {
        let proofs = story::proofs(tx.conn(), &who.scope, id).await?;
        if !proofs.iter().any(|proof| proof.agency == agency) {
            return Err(RespondError::Field { field: "file", key: "order-error-proof" });
        }
    }
    let now = tx.now();
    part.state = State::Done;
    // Who does it at once has thereby acknowledged it.
    part.opened_at.get_or_insert(now);
    part.acknowledged_at.get_or_insert(now);
    part.acknowledged_by.get_or_insert_with(|| who.name.clone());
    part.done_at = Some(now);
    part.done_by = Some(who.name.clone());
    part.result = Some(result.as_str().to_owned());
    keep(&tx, &part, &order, was).await?;
    note(&tx, &order, Some(agency), (who, "done", result.as_str())).await?;
    let detail = json!({ "result": result.as_str() });
    commit(desk, tx, who, "order.done", (&order, Some(agency)), detail).await
}

/// Adds a file that proves what was done. It is on the disk before the database knows of it.
pub(super) async fn prove(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
    file: Upload,
) -> Result<(), RespondError> {
    let (tx, order, part) = begun(desk, who, (id, agency)).await?;
    if part.state == State::Accepted {
        return Err(RespondError::Conflict("order-error-state"));
    }
    let proofs = story::proofs(tx.conn(), &who.scope, id).await?;
    if proofs.iter().filter(|proof| proof.agency == agency).count() >= ORDER_PROOFS_MAX {
        return Err(RespondError::Field { field: "file", key: "order-error-proofs" });
    }
    let name = if file.name.trim().is_empty() { "minh-chung".to_owned() } else { file.name };
    if web::carries_secret_mark(&name) {
        return Err(RespondError::Field { field: "file", key: "order-error-secret" });
    }
    let stored = custody::keep_bytes(&desk.files, tx.new_uuid(), file.bytes).await?;
    let proof = Proof {
        id: tx.new_uuid(),
        order: id,
        agency,
        name,
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        sha256: stored.sha256.clone(),
        added_by: who.name.clone(),
        added_at: tx.now(),
    };
    custody::receive(&tx, who, subject(&proof), (&stored, &order.number)).await?;
    story::add_proof(&tx, &proof).await?;
    note(&tx, &order, Some(agency), (who, "proof", &proof.name)).await?;
    let detail = json!({ "file": proof.name, "sha256": proof.sha256 });
    commit(desk, tx, who, "order.prove", (&order, Some(agency)), detail).await
}

/// Returns a proof as the chain of custody names it.
fn subject(proof: &Proof) -> custody::Subject<'_> {
    custody::Subject {
        kind: custody::Kind::OrderProof,
        id: proof.id,
        agency: proof.agency,
        sha256: &proof.sha256,
    }
}

/// Returns a proof in sight with its bytes, whole: they are held against their digest, and the chain of
/// custody tells who took them.
pub(super) async fn take(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
    proof: Uuid,
) -> Result<(Proof, Vec<u8>), RespondError> {
    let proofs = story::proofs(desk.db.conn(), &who.scope, id).await?;
    let wanted = |one: &Proof| one.id == proof && one.agency == agency;
    let proof = proofs.into_iter().find(wanted).ok_or(RespondError::NotFound)?;
    let bytes = custody::read(&desk.files, &proof.sha256).await?;
    custody::take_out(desk, who, subject(&proof)).await?;
    Ok((proof, bytes))
}
