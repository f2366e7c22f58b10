//! Judging circumstances, moving moments, and saying that someone was told.

use chrono::{DateTime, TimeDelta, Utc};
use db::Tx;
use event::{IncidentId, SystemId};
use serde_json::json;

use super::model::{Circumstance, Fulfilment, Moments, Moved, Precision, Which};
use super::store;
use crate::actor::Handler;
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Incident};
use crate::playbook;

/// Clocks differ a little: so far ahead may a typed moment lie.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// Characters of a reference (number of a document, name of who took the call).
const REFERENCE_CHARS_MAX: usize = 200;

/// Sets what a new incident is presumed to be, until a person judges it.
pub(crate) async fn presume(desk: &Desk, tx: &Tx, incident: &Incident) -> Result<(), RespondError> {
    let level = |id: &SystemId| desk.directory.system(*id).and_then(|card| card.level);
    let highest = incident.systems.iter().filter_map(level).max();
    if desk.obligations.presumes_serious(incident.severity, highest) {
        store::set_circumstances(tx, incident.id, &[Circumstance::Serious]).await?;
    }
    recompute(desk, tx, incident).await
}

/// Returns whether a person has set when the incident happened.
pub(crate) async fn is_occurrence_set(tx: &Tx, id: IncidentId) -> Result<bool, RespondError> {
    Ok(store::moves(tx.conn(), id).await?.iter().any(|moved| moved.which == Which::Occurred))
}

/// Brings the stored deadlines to what the incident owes now. What was fulfilled stays as it was.
pub(crate) async fn recompute(
    desk: &Desk,
    tx: &Tx,
    incident: &Incident,
) -> Result<(), RespondError> {
    let circumstances = store::circumstances(tx.conn(), incident.id).await?;
    let moments = Moments { occurred: incident.occurred_at, detected: incident.detected_at };
    let owed = desk.obligations.owed(moments, &circumstances);
    let standing = store::of_incident(tx.conn(), incident.id).await?;
    for (obligation, due_at) in &owed {
        let same = |deadline: &&super::model::Deadline| deadline.obligation == obligation.id;
        let stands = standing.iter().find(same);
        if stands.is_none_or(|one| one.due_at != *due_at && one.fulfilled.is_none()) {
            store::owe(tx, incident.id, incident.agency, &obligation.id, *due_at).await?;
        }
    }
    for deadline in standing {
        if !owed.iter().any(|(obligation, _)| obligation.id == deadline.obligation) {
            store::forgive(tx, incident.id, &deadline.obligation).await?;
        }
    }
    playbook::retime(tx, incident).await
}

/// Judges the circumstances of an incident; its deadlines follow.
pub(super) async fn judge(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    circumstances: &[Circumstance],
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let before = store::circumstances(tx.conn(), id).await?;
    store::set_circumstances(&tx, id, circumstances).await?;
    recompute(desk, &tx, &incident).await?;
    let words = |all: &[Circumstance]| all.iter().map(|one| one.word()).collect::<Vec<_>>();
    let detail = json!({
        "number": incident.number,
        "from": words(&before),
        "to": words(circumstances),
    });
    incident::commit(desk, tx, who, "incident.judge", &incident, detail).await
}

/// A moment as someone types it.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    pub(super) which: Which,
    pub(super) at: DateTime<Utc>,
    pub(super) precision: Precision,
    pub(super) source: String,
    pub(super) reason: Reason,
}

/// Moves a moment of an incident; the old value stays, with who and why. Deadlines follow.
pub(super) async fn move_moment(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    correction: Correction,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let mut incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let Correction { which, at, precision, source, reason } = correction;
    if at > tx.now() + AHEAD_MAX {
        return Err(RespondError::Field { field: "at", key: "incident-error-time" });
    }
    let detected = if which == Which::Detected { at } else { incident.detected_at };
    let occurred = if which == Which::Occurred { Some(at) } else { incident.occurred_at };
    if occurred.is_some_and(|occurred| occurred > detected) {
        return Err(RespondError::Field { field: "at", key: "obligation-error-order" });
    }
    let before = match which {
        Which::Occurred => incident.occurred_at.replace(at),
        Which::Detected => Some(std::mem::replace(&mut incident.detected_at, at)),
    };
    let moved = Moved {
        which,
        before,
        after: at,
        precision,
        source: source.trim().chars().take(REFERENCE_CHARS_MAX).collect(),
        reason: reason.as_str().to_owned(),
        by: who.name.clone(),
        made_at: tx.now(),
    };
    store::add_move(&tx, id, who.account, &moved).await?;
    incident::save_moments(&tx, &incident).await?;
    recompute(desk, &tx, &incident).await?;
    let detail = json!({
        "number": incident.number,
        "which": which.word(),
        "from": before,
        "to": at,
        "reason": moved.reason,
    });
    incident::commit(desk, tx, who, "incident.move-moment", &incident, detail).await
}

/// Notes that whom an obligation names was told.
pub(crate) async fn fulfil(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    obligation: &str,
    at: Option<DateTime<Utc>>,
    reference: &str,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let mut incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let at = at.unwrap_or(tx.now());
    if at > tx.now() + AHEAD_MAX {
        return Err(RespondError::Field { field: "at", key: "incident-error-time" });
    }
    let reference: String = reference.trim().chars().take(REFERENCE_CHARS_MAX).collect();
    if reference.is_empty() {
        return Err(RespondError::Field { field: "reference", key: "obligation-error-reference" });
    }
    let done = Fulfilment { at, reference, by: who.name.clone() };
    if !store::fulfil(&tx, id, obligation, who.account, &done).await? {
        return Err(RespondError::Field { field: "obligation", key: "obligation-error-standing" });
    }
    incident.reported_at = incident.reported_at.into_iter().chain([at]).min();
    incident::save_moments(&tx, &incident).await?;
    incident::add_step(&tx, who, &incident, at, "reported").await?;
    let detail = json!({
        "number": incident.number,
        "obligation": obligation,
        "at": at,
        "reference": done.reference,
    });
    incident::commit(desk, tx, who, "incident.fulfil", &incident, detail).await
}

/// Answers the open obligations whose report is of this kind; the caller commits. Returns their ids.
pub(crate) async fn answer(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    id: IncidentId,
    report: &str,
    (at, reference): (DateTime<Utc>, &str),
) -> Result<Vec<String>, RespondError> {
    let mut incident = incident::get_for_change(tx, &who.scope, id).await?;
    let done = Fulfilment { at, reference: reference.to_owned(), by: who.name.clone() };
    let mut answered = Vec::new();
    for deadline in store::of_incident(tx.conn(), id).await? {
        let obligation = desk.obligations.get(&deadline.obligation);
        let is_of = obligation.is_some_and(|one| one.report == report);
        if is_of && store::fulfil(tx, id, &deadline.obligation, who.account, &done).await? {
            answered.push(deadline.obligation);
        }
    }
    incident.reported_at = incident.reported_at.into_iter().chain([at]).min();
    incident::save_moments(tx, &incident).await?;
    incident::add_step(tx, who, &incident, at, "reported").await?;
    Ok(answered)
}

/// Returns which reports the open obligations of an incident ask for.
#[cfg(test)]
pub(crate) async fn open_reports(desk: &Desk, id: IncidentId) -> Result<Vec<String>, RespondError> {
    let all = store::of_incident(desk.db.conn(), id).await?;
    let open = all.iter().filter(|one| one.fulfilled.is_none());
    let report = |one: &super::model::Deadline| {
        desk.obligations.get(&one.obligation).map(|obligation| obligation.report.clone())
    };
    Ok(open.filter_map(report).collect())
}

/// Adds circumstances that whoever reports an incident says hold; the caller commits.
pub(crate) async fn add_circumstances(
    desk: &Desk,
    tx: &Tx,
    incident: &Incident,
    more: &[Circumstance],
) -> Result<(), RespondError> {
    let mut all = store::circumstances(tx.conn(), incident.id).await?;
    all.extend(more.iter().copied());
    all.sort();
    all.dedup();
    store::set_circumstances(tx, incident.id, &all).await?;
    recompute(desk, tx, incident).await
}

/// Replaces the circumstances of an incident; the caller commits.
pub(crate) async fn set_circumstances(
    desk: &Desk,
    tx: &Tx,
    incident: &Incident,
    all: &[Circumstance],
) -> Result<(), RespondError> {
    store::set_circumstances(tx, incident.id, all).await?;
    recompute(desk, tx, incident).await
}

/// By which other incident moments moved, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MovedBy<'a> {
    pub(crate) source: &'a str,
    pub(crate) reason: &'a str,
}

/// Writes down which moments of an incident are no longer what they were; the caller commits.
pub(crate) async fn note_moves(
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    (occurred, detected): (Option<DateTime<Utc>>, DateTime<Utc>),
    by: MovedBy<'_>,
) -> Result<(), RespondError> {
    let moved = |which, before, after| Moved {
        which,
        before,
        after,
        precision: Precision::Minute,
        source: by.source.to_owned(),
        reason: by.reason.to_owned(),
        by: who.name.clone(),
        made_at: tx.now(),
    };
    if let Some(now) = incident.occurred_at.filter(|now| Some(*now) != occurred) {
        let one = moved(Which::Occurred, occurred, now);
        store::add_move(tx, incident.id, who.account, &one).await?;
    }
    if incident.detected_at != detected {
        let one = moved(Which::Detected, Some(detected), incident.detected_at);
        store::add_move(tx, incident.id, who.account, &one).await?;
    }
    Ok(())
}
