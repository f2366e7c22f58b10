//! An agency through time: renamed, merged into another. What was printed then is printed so again.

use chrono::{DateTime, NaiveDate, Utc};
use db::{AuditEntry, Subject, Tx};
use event::AgencyId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use web::{AppError, FieldErrors, Phrase, Who};

use super::model::Agency;
use super::{actions, store};
use crate::text::{check_length, check_name, clean, moment};
use crate::{Registry, actor, asset, dossier, failed, limits, post, source, stale, system};

/// A name that an agency had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerName {
    /// The agency.
    pub agency: AgencyId,
    /// The name.
    pub name: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// The decision that ended it.
    pub decision: String,
}

/// A new name, and from when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renaming {
    /// The new name.
    #[serde(default)]
    pub(crate) new_name: String,
    /// Its first day; today unless given.
    pub(crate) since: Option<NaiveDate>,
    /// The decision.
    #[serde(default)]
    pub(crate) decision: String,
}

/// Which agency takes over, and from when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merger {
    /// Id of the agency that takes over.
    #[schema(value_type = Option<String>)]
    pub(crate) into: Option<AgencyId>,
    /// The first day without this agency; today unless given.
    pub(crate) merged_on: Option<NaiveDate>,
    /// The decision.
    #[serde(default)]
    pub(crate) merged_by: String,
}

/// Gives an agency a new name from a day on; the old one stays what it was called before.
pub(super) async fn rename(
    registry: &Registry,
    who: &Who,
    id: AgencyId,
    given: Renaming,
) -> Result<(), AppError> {
    let (name, decision) = (clean(&given.new_name), clean(&given.decision));
    let mut errors = FieldErrors::default();
    check_name(&mut errors, "new_name", &name);
    check_length(&mut errors, "decision", &decision, limits::NAME_CHARS_MAX);
    errors.check()?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut agency = found(&tx, who, id).await?;
    let to = moment("since", given.since, tx.now())?;
    let former = store::former_names(tx.conn(), Some(&agency)).await.map_err(failed)?;
    let from = former.iter().map(|known| known.to).max().unwrap_or(agency.valid_from);
    if to < from {
        // Its beginning here was only the day it was entered: an earlier name was its name before.
        if !former.is_empty() {
            return Err(AppError::invalid("since", Phrase::key("agency-rename-before-last")));
        }
        agency.valid_from = to;
    }
    let old =
        FormerName { agency: id, name: agency.name.clone(), from: from.min(to), to, decision };
    store::insert_former_name(tx.conn(), tx.new_uuid(), &old).await.map_err(failed)?;
    agency.name.clone_from(&name);
    if !store::update(tx.conn(), &agency).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "old": old.name, "new": name, "since": to, "decision": old.decision });
    tx.commit(entry(who, "agency.rename", id, detail)).await.map_err(failed)?;
    registry.changed().await
}

/// Closes an agency and gives what it had to another: systems, log sources, posts, people and the
/// agencies below it. Itself it comes to stand below that other one, so that whoever sees the
/// successor sees what happened under the old name.
pub(super) async fn merge(
    registry: &Registry,
    who: &Who,
    id: AgencyId,
    given: Merger,
) -> Result<(), AppError> {
    let decision = clean(&given.merged_by);
    let mut errors = FieldErrors::default();
    check_length(&mut errors, "merged_by", &decision, limits::NAME_CHARS_MAX);
    errors.check()?;
    let choose = || AppError::invalid("into", Phrase::key("registry-field-choose"));
    let tx = registry.db.begin().await.map_err(failed)?;
    let mut old = found(&tx, who, id).await?;
    if old.valid_to.is_some() {
        return Err(AppError::Conflict(Phrase::key("agency-merge-closed")));
    }
    let into = given.into.filter(|into| *into != id).ok_or_else(choose)?;
    let heir = store::by_id(tx.conn(), &who.scope, into).await.map_err(failed)?;
    let heir = heir.filter(|heir| heir.valid_to.is_none()).ok_or_else(choose)?;
    actions::check_parent(&tx, &who.scope, Some(id), Some(into)).await.map_err(|_| choose())?;
    let at = moment("merged_on", given.merged_on, tx.now())?;
    let (conn, from_to) = (tx.conn(), (id, into));
    let moved = json!({
        "systems": system::move_all(conn, from_to).await.map_err(failed)?,
        "dossiers": dossier::move_all(conn, from_to).await.map_err(failed)?,
        "assets": asset::move_all(conn, from_to).await.map_err(failed)?,
        "sources": source::move_all(conn, from_to).await.map_err(failed)?,
        "posts": post::move_posts(conn, from_to).await.map_err(failed)?,
        "people": post::move_people(conn, from_to).await.map_err(failed)?,
        "agencies": store::move_below(conn, from_to).await.map_err(failed)?,
    });
    old.valid_to = Some(at);
    old.successor = Some(into);
    old.parent = Some(into);
    if !store::update(conn, &old).await.map_err(failed)? {
        return Err(stale());
    }
    let detail = json!({ "name": old.name, "into": heir.id, "into_name": heir.name, "on": at,
        "decision": decision, "moved": moved });
    tx.commit(entry(who, "agency.merge", id, detail)).await.map_err(failed)?;
    registry.changed().await
}

async fn found(tx: &Tx, who: &Who, id: AgencyId) -> Result<Agency, AppError> {
    let agency = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    agency.ok_or(AppError::NotFound)
}

fn entry(who: &Who, action: &str, id: AgencyId, detail: Value) -> AuditEntry {
    AuditEntry::new(actor(who), action, Subject::new("agency", id), detail).of_agency(id)
}
