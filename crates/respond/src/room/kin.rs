//! Merging incidents that are one, taking them apart again, and splitting one that is two.

use db::Tx;
use event::{AlertId, IncidentId, SystemId};
use serde_json::json;
use web::notify::{self, Kind};

use super::model::{Joined, Link, LinkDetail, LinkKind};
use super::store;
use crate::actor::Handler;
use crate::alert::{self, Alert, Reason};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Incident, IncidentStatus, Novelty};
use crate::limits::{BULK_MAX, TITLE_CHARS_MAX};
use crate::obligation;

const fn wrong(field: &'static str, key: &'static str) -> RespondError {
    RespondError::Field { field, key }
}

fn reason_of(text: &str) -> Result<Reason, RespondError> {
    Reason::new(text).ok_or(wrong("reason", "room-error-reason"))
}

/// Holds two incidents for a change, always in the same order, so that two presses never wait for each
/// other for ever.
async fn both(
    tx: &Tx,
    who: &Handler,
    one: IncidentId,
    other: IncidentId,
) -> Result<(Incident, Incident), RespondError> {
    if one.uuid() < other.uuid() {
        let first = incident::get_to_link(tx, &who.scope, one).await?;
        let second = incident::get_to_link(tx, &who.scope, other).await?;
        return Ok((first, second));
    }
    let second = incident::get_to_link(tx, &who.scope, other).await?;
    let first = incident::get_to_link(tx, &who.scope, one).await?;
    Ok((first, second))
}

async fn joined(tx: &Tx, of: &Incident) -> Result<Joined, RespondError> {
    let circumstances = obligation::circumstances(tx.conn(), of.id).await?;
    Ok(Joined {
        severity: of.severity.number(),
        systems: of.systems.clone(),
        occurred_at: of.occurred_at,
        detected_at: of.detected_at,
        reported_at: of.reported_at,
        circumstances: circumstances.iter().map(|one| one.word().to_owned()).collect(),
    })
}

/// Brings an incident to what was reckoned; moved moments keep their old values, deadlines follow.
async fn settle(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    incident: &mut Incident,
    to: &Joined,
    (source, reason): (&str, &str),
) -> Result<(), RespondError> {
    let before = (incident.occurred_at, incident.detected_at);
    incident.severity = to.severity();
    incident.systems.clone_from(&to.systems);
    incident.occurred_at = to.occurred_at;
    incident.detected_at = to.detected_at;
    incident.reported_at = to.reported_at;
    incident::save(tx, incident, Novelty::Stands).await?;
    let why = obligation::MovedBy { source, reason };
    obligation::note_moves(tx, who, incident, before, why).await?;
    obligation::set_circumstances(desk, tx, incident, &to.circumstances()).await
}

/// Merges an incident into another of the same agency. Its alerts, notes, tasks and evidence stay where
/// they are and are read from the survivor; its clocks rest, and run on there from the earlier moments.
pub(super) async fn merge(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    number: &str,
    reason: &str,
) -> Result<IncidentId, RespondError> {
    let reason = reason_of(reason)?;
    let found = incident::by_number(desk.db.conn(), &who.scope, number).await;
    let into = match found {
        Ok(into) => into.id,
        Err(RespondError::NotFound) => return Err(wrong("into", "room-error-number")),
        Err(error) => return Err(error),
    };
    if into == id {
        return Err(wrong("into", "room-error-same"));
    }
    let tx = desk.db.begin().await?;
    let (mut merged, mut survivor) = both(&tx, who, id, into).await?;
    if merged.merged_into.is_some() || survivor.merged_into.is_some() {
        return Err(RespondError::Conflict("room-error-merged"));
    }
    if merged.agency != survivor.agency {
        return Err(wrong("into", "room-error-agency"));
    }
    if !survivor.status.is_open() {
        return Err(wrong("into", "room-error-closed"));
    }
    let before = joined(&tx, &survivor).await?;
    let after = before.with(&joined(&tx, &merged).await?);
    merged.merged_into = Some(into);
    incident::save(&tx, &merged, Novelty::Stands).await?;
    obligation::rest(&tx, id).await?;
    let told = (merged.number.as_str(), reason.as_str());
    settle(desk, &tx, who, &mut survivor, &after, told).await?;
    let fulfilled = obligation::take_over(&tx, id, into).await?;
    let link = Link {
        id: tx.new_uuid(),
        kind: LinkKind::Merge,
        from: id,
        into,
        reason: reason.as_str().to_owned(),
        detail: LinkDetail {
            before: Some(before),
            after: Some(after),
            fulfilled,
            alerts: Vec::new(),
        },
    };
    store::add_link(&tx, who, &link).await?;
    let now = tx.now();
    let step = format!("merged-in {}", merged.number);
    incident::add_step(&tx, who, &survivor, now, &step).await?;
    let step = format!("merged-into {}", survivor.number);
    incident::add_step(&tx, who, &merged, now, &step).await?;
    let detail = json!({
        "number": merged.number, "into": survivor.number, "reason": reason.as_str(),
        "joined": link.detail,
    });
    incident::commit(desk, tx, who, "incident.merge", &merged, detail).await?;
    Ok(into)
}

/// Undoes a merge: the incident stands on its own again with its own clocks, and what the survivor got from
/// it goes, unless someone has changed that since.
pub(super) async fn undo_merge(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let asked = incident::get(desk.db.conn(), &who.scope, id).await?;
    let into = asked.merged_into.ok_or(RespondError::Conflict("room-error-not-merged"))?;
    let tx = desk.db.begin().await?;
    let (mut merged, mut survivor) = both(&tx, who, id, into).await?;
    let link = store::merge_of(tx.conn(), id).await?;
    let Some(link) = link.filter(|link| merged.merged_into == Some(into) && link.into == into)
    else {
        return Err(RespondError::Conflict("room-error-not-merged"));
    };
    if survivor.merged_into.is_some() {
        return Err(RespondError::Conflict("room-error-merged"));
    }
    merged.merged_into = None;
    incident::save(&tx, &merged, Novelty::Stands).await?;
    obligation::wake(&tx, id).await?;
    if let (Some(before), Some(after)) = (&link.detail.before, &link.detail.after) {
        let own = alert::of_incident(tx.conn(), &who.scope, &[into]).await?;
        let needed: Vec<SystemId> = own.iter().filter_map(|alert| alert.system).collect();
        let now = joined(&tx, &survivor).await?;
        let back = Joined::undone(&now, before, after, &needed);
        obligation::give_back(&tx, id, into, &link.detail.fulfilled).await?;
        let told = (merged.number.as_str(), reason.as_str());
        settle(desk, &tx, who, &mut survivor, &back, told).await?;
    }
    obligation::recompute(desk, &tx, &merged).await?;
    let now = tx.now();
    store::undo_link(&tx, link.id, (&who.name, now, reason.as_str())).await?;
    let step = format!("merged-out {}", merged.number);
    incident::add_step(&tx, who, &survivor, now, &step).await?;
    let step = format!("merged-out {}", survivor.number);
    incident::add_step(&tx, who, &merged, now, &step).await?;
    let detail = json!({
        "number": merged.number, "into": survivor.number, "reason": reason.as_str(),
    });
    incident::commit(desk, tx, who, "incident.merge-undone", &merged, detail).await
}

/// Splits alerts off into an incident of their own, with its own clocks. The clocks of the first stay: a
/// legal deadline never gets later by a split. Putting it back is a merge.
pub(super) async fn split(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    chosen: &[AlertId],
    (title, reason): (&str, &str),
) -> Result<Incident, RespondError> {
    let reason = reason_of(reason)?;
    if chosen.is_empty() || chosen.len() > BULK_MAX {
        return Err(wrong("alert", "incident-error-alerts"));
    }
    let tx = desk.db.begin().await?;
    let standing = incident::get_for_change(&tx, &who.scope, id).await?;
    if !standing.status.is_open() {
        return Err(RespondError::Conflict("room-error-closed"));
    }
    let family = incident::family(tx.conn(), id).await?;
    let all = alert::get_for_change(&tx, &who.scope, chosen).await?;
    let own = |one: &Alert| one.incident.is_some_and(|of| family.contains(&of));
    if all.len() < chosen.len() || !all.iter().all(own) {
        return Err(wrong("alert", "room-error-alert"));
    }
    let total = alert::count_of_incidents(tx.conn(), &who.scope, &family).await?;
    if total <= all.len() as u64 {
        return Err(wrong("alert", "room-error-all"));
    }
    let new = part(&tx, &standing, &all, title).await?;
    incident::save(&tx, &new, Novelty::New).await?;
    incident::take_alerts(&tx, who, &new, &all).await?;
    let now = tx.now();
    incident::add_step(&tx, who, &new, now, &format!("split-from {}", standing.number)).await?;
    incident::add_step(&tx, who, &standing, now, &format!("split-off {}", new.number)).await?;
    obligation::presume(desk, &tx, &new).await?;
    let link = Link {
        id: tx.new_uuid(),
        kind: LinkKind::Split,
        from: id,
        into: new.id,
        reason: reason.as_str().to_owned(),
        detail: LinkDetail { alerts: chosen.to_vec(), ..LinkDetail::default() },
    };
    store::add_link(&tx, who, &link).await?;
    let told = incident::told(desk, &new, Kind::IncidentOpened, "").not_to(who.account);
    notify::raise(tx.conn(), &desk.db, &[told]).await?;
    let numbers: Vec<&str> = all.iter().map(|one| one.number.as_str()).collect();
    let detail = json!({
        "number": standing.number, "new": new.number, "alerts": numbers,
        "reason": reason.as_str(),
    });
    incident::commit(desk, tx, who, "incident.split", &standing, detail).await?;
    desk.hub.alerts_changed(new.agency);
    Ok(new)
}

/// Returns the incident that these alerts of another make.
async fn part(
    tx: &Tx,
    of: &Incident,
    alerts: &[Alert],
    title: &str,
) -> Result<Incident, RespondError> {
    let worst = alerts.iter().max_by_key(|one| one.severity).ok_or(RespondError::NotFound)?;
    let title = title.trim();
    let title = if title.is_empty() { worst.title_in(true) } else { title };
    let mut systems: Vec<SystemId> = alerts.iter().filter_map(|one| one.system).collect();
    systems.sort();
    systems.dedup();
    Ok(Incident {
        id: IncidentId::from_uuid(tx.new_uuid()),
        number: incident::number(tx).await?,
        title: title.chars().take(TITLE_CHARS_MAX).collect(),
        severity: worst.severity,
        status: IncidentStatus::Open,
        agency: of.agency,
        systems,
        assignee: of.assignee,
        occurred_at: alerts.iter().map(|one| one.first_at).min(),
        detected_at: alerts.iter().map(|one| one.detected_at).min().unwrap_or(of.detected_at),
        reported_at: None,
        opened_at: tx.now(),
        contained_at: None,
        closed_at: None,
        merged_into: None,
    })
}
