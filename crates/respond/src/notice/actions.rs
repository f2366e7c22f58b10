//! Taking a notice in: it opens an incident, once.

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject};
use event::{AgencyId, IncidentId, Severity, SystemId};
use serde_json::json;

use super::{Notice, store};
use crate::actor::Handler;
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Reported};
use crate::limits::TEXT_CHARS_MAX;
use crate::obligation::Circumstance;

/// Clocks differ a little: so far ahead may a phone's lie.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// Characters of the key that a browser gives a notice: a UUID has 36.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 8..=64;

/// Characters of the title that is made of the first answer.
const TITLE_CHARS: usize = 120;

/// A notice on its way in.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) key: String,
    pub(super) agency: AgencyId,
    pub(super) system: Option<SystemId>,
    pub(super) occurred: Option<DateTime<Utc>>,
    pub(super) detected: Option<DateTime<Utc>>,
    pub(super) circumstances: Vec<Circumstance>,
    pub(super) notice: Notice,
}

/// Takes a notice in. The same key of the same person answers with the same incident, however often
/// it is sent.
pub(super) async fn take(
    desk: &Desk,
    who: &Handler,
    incoming: Incoming,
) -> Result<IncidentId, RespondError> {
    let wrong = |field, key| RespondError::Field { field, key };
    if !KEY_CHARS.contains(&incoming.key.chars().count()) {
        return Err(wrong("key", "notice-error-key"));
    }
    if let Some(standing) = store::sent(desk.db.conn(), who.account, &incoming.key).await? {
        return Ok(standing);
    }
    check(desk, who, &incoming)?;
    let tx = desk.db.begin().await?;
    let now = tx.now();
    let detected = incoming.detected.unwrap_or(now);
    if detected > now + AHEAD_MAX {
        return Err(wrong("detected", "incident-error-time"));
    }
    if incoming.occurred.is_some_and(|occurred| occurred > detected) {
        return Err(wrong("occurred", "obligation-error-order"));
    }
    let id = IncidentId::from_uuid(tx.new_uuid());
    let own = (id, incoming.agency);
    if !store::add(&tx, who, &incoming.key, own, &incoming.notice).await? {
        drop(tx);
        let standing = store::sent(desk.db.conn(), who.account, &incoming.key).await?;
        return standing.ok_or(RespondError::NotFound);
    }
    let title = incoming.notice.what.lines().next().unwrap_or_default();
    let severe = !incoming.circumstances.is_empty();
    let reported = Reported {
        id,
        agency: incoming.agency,
        title: title.chars().take(TITLE_CHARS).collect(),
        severity: if severe { Severity::High } else { Severity::Medium },
        systems: incoming.system.into_iter().collect(),
        occurred: incoming.occurred,
        detected,
    };
    let opened = incident::open_reported(desk, &tx, who, reported).await?;
    crate::obligation::add_circumstances(desk, &tx, &opened, &incoming.circumstances).await?;
    let detail = json!({ "number": opened.number, "title": opened.title, "by": "six-questions" });
    let entry = AuditEntry::new(who.actor(), "incident.open", Subject::new("incident", id), detail);
    tx.commit(entry.of_agency(opened.agency)).await?;
    desk.hub.incidents_changed(opened.agency);
    Ok(id)
}

fn check(desk: &Desk, who: &Handler, incoming: &Incoming) -> Result<(), RespondError> {
    let wrong = |field, key| RespondError::Field { field, key };
    if !who.scope.sees(incoming.agency) || desk.directory.agency(incoming.agency).is_none() {
        return Err(wrong("agency", "report-error-agency"));
    }
    let own = |id: SystemId| {
        let agency = incoming.agency.to_string();
        desk.directory.system(id).is_some_and(|card| card.agency_id == agency)
    };
    if incoming.system.is_some_and(|id| !own(id)) {
        return Err(wrong("system", "notice-error-system"));
    }
    let notice = &incoming.notice;
    if Reason::new(&notice.what).is_none() {
        return Err(wrong("what", "notice-error-what"));
    }
    let fields = [
        ("what", &notice.what),
        ("place", &notice.place),
        ("affected", &notice.affected),
        ("done", &notice.done),
        ("contact", &notice.contact),
    ];
    for (field, text) in fields {
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(wrong(field, "report-error-long"));
        }
        if web::carries_secret_mark(text) {
            tracing::warn!(
                field.name = field,
                "a text with the stamp of a state secret was refused"
            );
            return Err(wrong(field, "profile-refused-stamp"));
        }
    }
    Ok(())
}
