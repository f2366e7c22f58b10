//! Bringing playbooks in and taking them away; saying what kind of incident one is.

use db::{AuditEntry, Subject};
use event::IncidentId;
use serde_json::json;
use uuid::Uuid;
use web::Phrase;

use super::category::is_category;
use super::shelf::{self, Held};
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;
use crate::limits::PLAYBOOKS_MAX;

/// Faults that are told at once.
const FAULTS_TOLD: usize = 5;

/// Returns the sentence of a fault.
fn told(fault: &cacao::Fault) -> Phrase {
    let key = match fault.problem.word() {
        "too-large" => "playbook-fault-too-large",
        "json" => "playbook-fault-json",
        "missing" => "playbook-fault-missing",
        "not" => "playbook-fault-not",
        "version" => "playbook-fault-version",
        "unknown" => "playbook-fault-unknown",
        "too-long" => "playbook-fault-too-long",
        "too-many-steps" => "playbook-fault-too-many-steps",
        "no-step" => "playbook-fault-no-step",
        "type" => "playbook-fault-type",
        "two-ways" => "playbook-fault-two-ways",
        "after-end" => "playbook-fault-after-end",
        "no-next" => "playbook-fault-no-next",
        "one-branch" => "playbook-fault-one-branch",
        "joined" => "playbook-fault-joined",
        _ => "playbook-fault-loop",
    };
    let detail: String = fault.problem.detail().chars().take(100).collect();
    let place: String = fault.place.chars().take(200).collect();
    let place = if place.is_empty() { "/".to_owned() } else { place };
    Phrase::key(key).arg("place", place).arg("detail", detail)
}

/// Brings a playbook in; an older one with its id makes room for a newer.
pub(super) async fn bring(desk: &Desk, who: &Handler, bytes: &[u8]) -> Result<Uuid, web::AppError> {
    let playbook = cacao::read(bytes).map_err(|faults| {
        let mut errors = web::FieldErrors::default();
        for fault in faults.iter().take(FAULTS_TOLD) {
            errors.add("file", told(fault));
        }
        web::AppError::Invalid(errors)
    })?;
    Ok(keep(desk, who, playbook, bytes).await?)
}

async fn keep(
    desk: &Desk,
    who: &Handler,
    playbook: cacao::Playbook,
    bytes: &[u8],
) -> Result<Uuid, RespondError> {
    // What is no UTF-8 was no JSON.
    let document = String::from_utf8_lossy(bytes).into_owned();
    if web::carries_secret_mark(&document) {
        return Err(RespondError::Field { field: "file", key: "profile-refused-stamp" });
    }
    let standing = match shelf::get(desk.db.conn(), playbook.id).await {
        Ok(held) => Some(held),
        Err(RespondError::NotFound) => None,
        Err(error) => return Err(error),
    };
    if standing.as_ref().is_some_and(|held| held.playbook.modified >= playbook.modified) {
        return Err(RespondError::Field { field: "file", key: "playbook-error-older" });
    }
    let is_new = standing.is_none_or(|held| held.brought.is_none());
    if is_new && store::playbook_count(desk.db.conn()).await? >= PLAYBOOKS_MAX {
        return Err(RespondError::Field { field: "file", key: "playbook-error-many" });
    }
    let held = Held { playbook, document, brought: None };
    let tx = desk.db.begin().await?;
    store::save_playbook(&tx, &held, &who.name).await?;
    let id = held.playbook.id;
    let detail = json!({
        "name": held.playbook.name.en, "modified": held.playbook.modified,
        "sha256": crate::file::sha256(&held.document),
    });
    let subject = Subject::new("playbook", id);
    tx.commit(AuditEntry::new(who.actor(), "playbook.import", subject, detail)).await?;
    Ok(id)
}

/// Takes a playbook away that someone brought in. Runs of it go on: they keep it as it was.
pub(super) async fn remove(desk: &Desk, who: &Handler, id: Uuid) -> Result<(), RespondError> {
    let held = shelf::get(desk.db.conn(), id).await?;
    let tx = desk.db.begin().await?;
    if !store::remove_playbook(&tx, id).await? {
        return Err(RespondError::Conflict("playbook-error-shipped"));
    }
    let detail = json!({
        "name": held.playbook.name.en, "sha256": crate::file::sha256(&held.document),
    });
    let subject = Subject::new("playbook", id);
    tx.commit(AuditEntry::new(who.actor(), "playbook.remove", subject, detail)).await?;
    Ok(())
}

/// Says what kind of incident one is.
pub(super) async fn categorise(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    category: &str,
) -> Result<(), RespondError> {
    if !is_category(category) {
        return Err(RespondError::Field { field: "category", key: "playbook-error-category" });
    }
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let before = store::category(tx.conn(), id).await?;
    store::set_category(&tx, id, (category, &who.name)).await?;
    let detail = json!({ "number": incident.number, "from": before, "to": category });
    incident::commit(desk, tx, who, "incident.category", &incident, detail).await
}
