//! Adding, changing and closing agencies.

use chrono::{DateTime, Utc};
use db::{AuditEntry, DbError, Subject, Tx};
use event::{AgencyId, Scope};
use serde_json::json;
use web::{AppError, Phrase, Who};

use super::model::{Agency, AgencyDraft, AgencyKind};
use super::store;
use crate::{Registry, actor, failed, stale};

/// Adds an agency.
pub(crate) async fn create(
    registry: &Registry,
    who: &Who,
    draft: AgencyDraft,
) -> Result<AgencyId, AppError> {
    let draft = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    check_parent(&tx, &who.scope, None, draft.parent).await?;
    let agency = agency_of(AgencyId::from_uuid(tx.new_uuid()), tx.now(), &draft);
    store::insert(tx.conn(), &agency).await.map_err(taken)?;
    let detail = json!({ "new": AgencyDraft::from(&agency) });
    tx.commit(entry(who, "agency.create", agency.id, detail)).await.map_err(failed)?;
    registry.changed().await?;
    Ok(agency.id)
}

/// Changes an agency.
pub(crate) async fn update(
    registry: &Registry,
    who: &Who,
    id: AgencyId,
    draft: AgencyDraft,
) -> Result<(), AppError> {
    let draft = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let old = found(&tx, &who.scope, id).await?;
    check_parent(&tx, &who.scope, Some(id), draft.parent).await?;
    let mut new = old.clone();
    fill(&mut new, &draft);
    new.version = draft.version.unwrap_or(old.version);
    if !store::update(tx.conn(), &new).await.map_err(taken)? {
        return Err(stale());
    }
    let detail = json!({ "old": AgencyDraft::from(&old), "new": AgencyDraft::from(&new) });
    tx.commit(entry(who, "agency.update", id, detail)).await.map_err(failed)?;
    registry.changed().await
}

/// Closes an agency (merged, dissolved) or opens it again.
pub(crate) async fn set_closed(
    registry: &Registry,
    who: &Who,
    id: AgencyId,
    state: Existence,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut agency = found(&tx, &who.scope, id).await?;
    let (valid_to, action) = match state {
        Existence::Closed => (Some(tx.now()), "agency.close"),
        Existence::Open => (None, "agency.reopen"),
    };
    agency.valid_to = valid_to;
    if state == Existence::Open {
        agency.successor = None;
    }
    if !store::update(tx.conn(), &agency).await.map_err(failed)? {
        return Err(stale());
    }
    tx.commit(entry(who, action, id, json!({ "name": agency.name }))).await.map_err(failed)?;
    registry.changed().await
}

/// Whether an agency exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    /// It does.
    Open,
    /// It did.
    Closed,
}

/// Returns a new agency as a draft describes it.
pub(crate) fn agency_of(id: AgencyId, now: DateTime<Utc>, draft: &AgencyDraft) -> Agency {
    let mut agency = Agency::named(id, draft.code.clone(), draft.name.clone(), now);
    fill(&mut agency, draft);
    agency
}

/// Writes what a draft says into an agency.
pub(crate) fn fill(agency: &mut Agency, draft: &AgencyDraft) {
    agency.code.clone_from(&draft.code);
    agency.name.clone_from(&draft.name);
    agency.kind = AgencyKind::from_word(&draft.kind);
    agency.parent = draft.parent;
    agency.phone.clone_from(&draft.phone);
    agency.email.clone_from(&draft.email);
    agency.address.clone_from(&draft.address);
    agency.identifier.clone_from(&draft.identifier);
    agency.sector.clone_from(&draft.sector);
    agency.unit.clone_from(&draft.unit);
}

async fn found(tx: &Tx, scope: &Scope, id: AgencyId) -> Result<Agency, AppError> {
    store::by_id(tx.conn(), scope, id).await.map_err(failed)?.ok_or(AppError::NotFound)
}

/// Checks that the agency above exists and is not below this one.
pub(super) async fn check_parent(
    tx: &Tx,
    scope: &Scope,
    own: Option<AgencyId>,
    parent: Option<AgencyId>,
) -> Result<(), AppError> {
    let mut above = parent;
    for _ in 0..crate::limits::TREE_DEPTH_MAX {
        let Some(id) = above else { return Ok(()) };
        if own == Some(id) {
            break;
        }
        let agency = store::by_id(tx.conn(), scope, id).await.map_err(failed)?;
        let Some(agency) = agency else {
            return Err(AppError::invalid("parent", Phrase::key("registry-field-choose")));
        };
        above = agency.parent;
    }
    Err(AppError::invalid("parent", Phrase::key("registry-agency-parent-circle")))
}

fn entry(who: &Who, action: &str, id: AgencyId, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("agency", id), detail).of_agency(id)
}

fn taken(error: DbError) -> AppError {
    match error.constraint() {
        Some(name) if name.contains("code") => {
            AppError::invalid("code", Phrase::key("registry-field-taken"))
        }
        Some(name) if name.contains("identifier") => {
            AppError::invalid("identifier", Phrase::key("registry-field-taken"))
        }
        _ => failed(error),
    }
}
