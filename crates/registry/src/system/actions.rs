//! Adding and changing information systems.

use chrono::{DateTime, Utc};
use db::{AuditEntry, DbError, Subject, Tx};
use event::{AgencyId, Scope, SystemId};
use serde_json::json;
use web::{AppError, Phrase, Who};

use super::model::{Checked, System, SystemDraft, SystemState};
use super::store;
use crate::{Registry, actor, agency, asset, dossier, failed, gate, profile, stale, vietnam_day};

/// Adds a system.
pub(crate) async fn create(
    registry: &Registry,
    who: &Who,
    draft: SystemDraft,
) -> Result<SystemId, AppError> {
    let checked = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    check_agency(&tx, &who.scope, &checked, None).await?;
    let in_use_since = checked.draft.in_use_since;
    let system = system_of(SystemId::from_uuid(tx.new_uuid()), tx.now(), checked);
    store::insert(tx.conn(), &system).await.map_err(taken)?;
    profile::insert_first(&tx, system.id, in_use_since).await?;
    // What already ran when it was registered is listed as running without; what is new waits.
    let ran_before = in_use_since.is_some_and(|day| day < vietnam_day(tx.now()));
    if system.state == SystemState::Running && !ran_before {
        gate::check_running(&tx, &system).await?;
    }
    let detail = json!({ "new": SystemDraft::from(&system) });
    tx.commit(entry(who, "system.create", &system, detail)).await.map_err(failed)?;
    registry.changed().await?;
    Ok(system.id)
}

/// Changes a system.
pub(crate) async fn update(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    draft: SystemDraft,
) -> Result<(), AppError> {
    let checked = draft.checked()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let old = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    let old = old.ok_or(AppError::NotFound)?;
    check_agency(&tx, &who.scope, &checked, Some(old.agency)).await?;
    let version = checked.draft.version.unwrap_or(old.version);
    let mut new = system_of(id, tx.now(), checked);
    new.created_at = old.created_at;
    new.version = version;
    if !store::update(tx.conn(), &new).await.map_err(taken)? {
        return Err(stale());
    }
    if new.state == SystemState::Running && old.state != SystemState::Running {
        gate::check_running(&tx, &new).await?;
    }
    if new.agency != old.agency {
        dossier::follow(tx.conn(), id, new.agency).await.map_err(failed)?;
        asset::follow(tx.conn(), id, new.agency).await.map_err(failed)?;
    }
    let detail = json!({ "old": SystemDraft::from(&old), "new": SystemDraft::from(&new) });
    tx.commit(entry(who, "system.update", &new, detail)).await.map_err(failed)?;
    registry.changed().await
}

/// Returns a system as a draft describes it.
pub(crate) fn of_draft(
    id: SystemId,
    now: DateTime<Utc>,
    draft: SystemDraft,
) -> Result<System, AppError> {
    Ok(system_of(id, now, draft.checked()?))
}

fn system_of(id: SystemId, now: DateTime<Utc>, checked: Checked) -> System {
    let Checked { draft, agency, level, domains, ip_ranges } = checked;
    System {
        id,
        agency,
        code: draft.code,
        name: draft.name,
        level,
        state: SystemState::from_word(&draft.state),
        operator: draft.operator,
        owner_contact: draft.owner_contact,
        duty_phone: draft.duty_phone,
        description: draft.description,
        domains,
        ip_ranges,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Checks that the owning agency exists within what the asker sees: nobody moves a system away, nor to
/// an agency that is no more.
async fn check_agency(
    tx: &Tx,
    scope: &Scope,
    checked: &Checked,
    present: Option<AgencyId>,
) -> Result<(), AppError> {
    let owner = agency::by_id(tx.conn(), scope, checked.agency).await.map_err(failed)?;
    match owner {
        Some(owner) if owner.valid_to.is_none() || present == Some(owner.id) => Ok(()),
        _ => Err(AppError::invalid("agency", Phrase::key("registry-field-choose"))),
    }
}

fn entry(who: &Who, action: &str, system: &System, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("system", system.id), detail)
        .of_agency(system.agency)
}

fn taken(error: DbError) -> AppError {
    match error.constraint() {
        Some(name) if name.contains("code") => {
            AppError::invalid("code", Phrase::key("registry-field-taken"))
        }
        _ => failed(error),
    }
}
