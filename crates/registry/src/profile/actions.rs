//! Changing a profile, the critical mark, and answering the question whether the level still fits.

use chrono::NaiveDate;
use db::{AuditEntry, Subject, Tx};
use event::SystemId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{AppError, Phrase, Who};

use super::model::{Profile, SystemProfile};
use super::store;
use crate::law::Law;
use crate::system::{self, System};
use crate::text::{check_length, clean};
use crate::{Registry, actor, failed, limits, stale};

/// Keeps what is known of a new system from its first form.
pub(crate) async fn insert_first(
    tx: &Tx,
    system: SystemId,
    in_use_since: Option<NaiveDate>,
) -> Result<(), AppError> {
    let mut profile = SystemProfile::empty(system);
    profile.facts.in_use_since = in_use_since;
    profile.updated_at = Some(tx.now());
    store::write(tx.conn(), &profile).await.map_err(failed)?;
    Ok(())
}

/// Changes the profile of a system; flags the level when the change could alter it.
pub(crate) async fn update(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    facts: Profile,
) -> Result<(), AppError> {
    let mut facts = facts.checked(Law::builtin())?;
    let given = facts.version.take();
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    if let Some(operator) = facts.operator_agency
        && registry.directory.snapshot().tree().get(operator).is_none()
    {
        return Err(AppError::invalid("operator_agency", Phrase::key("registry-field-choose")));
    }
    let old = store::of(tx.conn(), &system).await.map_err(failed)?;
    let mut new = old.clone();
    let altered = old.facts.altering(&facts);
    // A level that nobody has determined cannot be put in doubt; the first profile alters nothing.
    let first = old.facts.types.is_empty() && old.facts.info_classes.is_empty();
    if system.level.is_some() && !first && !altered.is_empty() {
        new.flagged_at = Some(tx.now());
        new.flag_reason.extend(altered);
        new.flag_reason.sort();
        new.flag_reason.dedup();
    }
    new.facts = facts;
    new.version = given.unwrap_or(old.version);
    new.updated_at = Some(tx.now());
    if !store::write(tx.conn(), &new).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "old": old.facts, "new": new.facts, "flagged": new.flag_reason });
    tx.commit(entry(who, "system.profile", &system, detail)).await.map_err(failed)
}

/// What someone says to a flagged level: it stays, and why.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reviewed {
    /// Why the level stays as it is.
    #[serde(default)]
    pub(crate) reason: String,
}

/// Takes the flag from a level that was looked at again and stays.
pub(crate) async fn review(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    given: Reviewed,
) -> Result<(), AppError> {
    let reason = needed("reason", &given.reason)?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    let mut profile = store::of(tx.conn(), &system).await.map_err(failed)?;
    let changed = std::mem::take(&mut profile.flag_reason);
    profile.flagged_at = None;
    profile.updated_at = Some(tx.now());
    if profile.version == 0 || !store::write(tx.conn(), &profile).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "changed": changed, "reason": reason });
    tx.commit(entry(who, "system.level-review", &system, detail)).await.map_err(failed)
}

/// What puts a system on the list of critical ones, or takes it off.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CriticalMark {
    /// Whether it is critical.
    #[serde(default)]
    pub(crate) critical: bool,
    /// The decision, or why not.
    #[serde(default)]
    pub(crate) note: String,
}

/// Puts a system on the list of systems critical to national security, or takes it off.
pub(crate) async fn mark_critical(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    mark: CriticalMark,
) -> Result<(), AppError> {
    let note = needed("note", &mark.note)?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let system = found(&tx, who, id).await?;
    let mut profile = store::of(tx.conn(), &system).await.map_err(failed)?;
    let old = profile.critical;
    profile.critical = mark.critical;
    profile.critical_note = note;
    profile.updated_at = Some(tx.now());
    if !store::write(tx.conn(), &profile).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "old": old, "new": profile.critical, "note": profile.critical_note });
    tx.commit(entry(who, "system.critical", &system, detail)).await.map_err(failed)
}

fn needed(field: &'static str, text: &str) -> Result<String, AppError> {
    let text = clean(text);
    let mut errors = web::FieldErrors::default();
    if text.is_empty() {
        errors.add(field, Phrase::key("registry-field-empty"));
    }
    check_length(&mut errors, field, &text, limits::TEXT_CHARS_MAX);
    errors.check()?;
    Ok(text)
}

async fn found(tx: &Tx, who: &Who, id: SystemId) -> Result<System, AppError> {
    let system = system::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    system.ok_or(AppError::NotFound)
}

fn entry(who: &Who, action: &str, system: &System, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("system", system.id), detail)
        .of_agency(system.agency)
}
