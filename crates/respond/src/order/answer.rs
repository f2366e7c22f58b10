//! What an agency does with an order: open it, acknowledge it, prove what was done, say that it is done.

use std::path::{Path, PathBuf};

use event::AgencyId;
use serde_json::json;
use uuid::Uuid;
use web::Upload;

use super::actions::{begun, commit, keep, note, reason_of};
use super::model::{Proof, State};
use super::story;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
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
    let proof = Proof {
        id: tx.new_uuid(),
        order: id,
        agency,
        name,
        size_bytes: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
        sha256: file::sha256(&file.bytes),
        added_by: who.name.clone(),
        added_at: tx.now(),
    };
    let path = path(&desk.files, proof.id);
    let bytes = file.bytes;
    let written = tokio::task::spawn_blocking(move || write(&path, &bytes)).await;
    let failed = |error: std::io::Error| RespondError::File(Box::new(error));
    written.map_err(|error| RespondError::File(Box::new(error)))?.map_err(failed)?;
    story::add_proof(&tx, &proof).await?;
    note(&tx, &order, Some(agency), (who, "proof", &proof.name)).await?;
    let detail = json!({ "file": proof.name, "sha256": proof.sha256 });
    commit(desk, tx, who, "order.prove", (&order, Some(agency)), detail).await
}

/// Returns where the bytes of a proof lie.
fn path(files: &Path, id: Uuid) -> PathBuf {
    files.join("orders").join(id.to_string())
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Returns a proof in sight with its bytes, whole: they are held against their digest.
pub(super) async fn take(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
    proof: Uuid,
) -> Result<(Proof, Vec<u8>), RespondError> {
    let proofs = story::proofs(desk.db.conn(), &who.scope, id).await?;
    let wanted = |one: &Proof| one.id == proof && one.agency == agency;
    let proof = proofs.into_iter().find(wanted).ok_or(RespondError::NotFound)?;
    let path = path(&desk.files, proof.id);
    let failed = |error: std::io::Error| RespondError::File(Box::new(error));
    let bytes = tokio::fs::read(path).await.map_err(failed)?;
    if file::sha256(&bytes) != proof.sha256 {
        return Err(failed(std::io::Error::other("the proof is not the file that was sent")));
    }
    Ok((proof, bytes))
}
