//! Setting and lifting holds.

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject};
use event::IncidentId;
use serde_json::json;

use super::{Hold, store};
use crate::actor::Handler;
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;

/// An intrusion is seen long after it began: without another moment, logs are held from so long
/// before the incident's first sign.
const BEFORE: TimeDelta = TimeDelta::days(90);

/// Holds the logs of an incident's systems.
pub(crate) async fn set(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    from: Option<DateTime<Utc>>,
    reason: &str,
) -> Result<Hold, RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let first_sign = incident.occurred_at.unwrap_or(incident.detected_at);
    let hold = Hold {
        id: tx.new_uuid(),
        incident: id,
        number: incident.number.clone(),
        agency: incident.agency,
        heirs: Vec::new(),
        systems: incident.systems.clone(),
        from: from.unwrap_or(first_sign - BEFORE),
        reason: reason.as_str().to_owned(),
        set_by: who.name.clone(),
        set_at: tx.now(),
        lifted: None,
    };
    store::add(&tx, &hold).await?;
    let detail = json!({
        "number": hold.number,
        "systems": hold.systems,
        "from": hold.from,
        "reason": hold.reason,
    });
    let entry = AuditEntry::new(who.actor(), "incident.hold", Subject::new("incident", id), detail);
    tx.commit(entry.of_agency(incident.agency)).await?;
    desk.hub.incidents_changed(incident.agency);
    Ok(hold)
}

/// Lifts what is held for an incident; logs whose time is over go after [`super::LIFT_DELAY`].
pub(crate) async fn lift(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let lifted = store::lift(&tx, id, &who.name, tx.now(), reason.as_str()).await?;
    if lifted == 0 {
        return Err(RespondError::Field { field: "reason", key: "incident-error-no-hold" });
    }
    let detail = json!({ "number": incident.number, "reason": reason.as_str() });
    let subject = Subject::new("incident", id);
    let entry = AuditEntry::new(who.actor(), "incident.hold-lifted", subject, detail);
    tx.commit(entry.of_agency(incident.agency)).await?;
    desk.hub.incidents_changed(incident.agency);
    Ok(())
}

fn reason_of(text: &str) -> Result<Reason, RespondError> {
    Reason::new(text).ok_or(RespondError::Field { field: "reason", key: "incident-error-hold" })
}
