//! Making incidents of alerts and bringing them to their end.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Bookkeeping, Db, Subject, Tx};
use event::{AccountId, AgencyId, AlertId, IncidentId, Severity, SystemId};
use serde_json::json;
use web::notify::{self, Kind, Notice};

use super::model::{Entry, EntryKind, Incident, IncidentStatus, IncidentStep};
use super::store::{self, Novelty};
use crate::actor::Handler;
use crate::alert::{self, Alert, Reason, Status, Step};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{BULK_MAX, TITLE_CHARS_MAX};
use crate::obligation;
use crate::room::{self, NewTask};

/// The kind of number that incidents carry: *sự cố*.
const INCIDENT_NUMBERS: &str = "SC";

/// A note may be dated ahead by so much: clocks differ a little.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// Makes an incident of alerts, in one press: title, severity, systems, owner and timeline come from
/// them. All of them must be of one agency and in no incident yet.
pub(crate) async fn open(
    desk: &Desk,
    who: &Handler,
    ids: &[AlertId],
    title: Option<&str>,
) -> Result<Incident, RespondError> {
    let ids: BTreeSet<AlertId> = ids.iter().copied().collect();
    let ids: Vec<AlertId> = ids.into_iter().collect();
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(RespondError::Field { field: "alerts", key: "incident-error-alerts" });
    }
    let tx = desk.db.begin().await?;
    let alerts = alert::get_for_change(&tx, &who.scope, &ids).await?;
    let worst = fit(&alerts, ids.len(), None)?;
    let title = match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => title.chars().take(TITLE_CHARS_MAX).collect(),
        None => worst.title_in(true).to_owned(),
    };
    let now = tx.now();
    let incident = Incident {
        id: IncidentId::from_uuid(tx.new_uuid()),
        number: number(&tx).await?,
        title,
        severity: worst.severity,
        status: IncidentStatus::Open,
        agency: worst.agency,
        systems: systems(&alerts, &[]),
        assignee: Some(who.account),
        occurred_at: alerts.iter().map(|alert| alert.first_at).min(),
        detected_at: alerts.iter().map(|alert| alert.detected_at).min().unwrap_or(now),
        reported_at: None,
        opened_at: now,
        contained_at: None,
        closed_at: None,
        merged_into: None,
    };
    store::save(&tx, &incident, Novelty::New).await?;
    take_alerts(&tx, who, &incident, &alerts).await?;
    add_step(&tx, who, &incident, now, "opened").await?;
    obligation::presume(desk, &tx, &incident).await?;
    let told = told(desk, &incident, Kind::IncidentOpened, "").not_to(who.account);
    notify::raise(tx.conn(), &desk.db, &[told]).await?;
    let detail = json!({
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "alerts": numbers(&alerts),
    });
    commit(desk, tx, who, "incident.open", &incident, detail).await?;
    Ok(incident)
}

/// Returns the next number of incidents of this year.
pub(crate) async fn number(tx: &Tx) -> Result<String, RespondError> {
    let year = alert::vietnam_year(tx.now());
    let number = alert::next_numbers(tx.conn(), INCIDENT_NUMBERS, year, 1).await?;
    Ok(format!("{INCIDENT_NUMBERS}-{year}-{number:04}"))
}

/// An incident as someone reports it, without any alert.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    pub(crate) id: IncidentId,
    pub(crate) agency: AgencyId,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) systems: Vec<SystemId>,
    pub(crate) occurred: Option<DateTime<Utc>>,
    pub(crate) detected: DateTime<Utc>,
}

/// Opens an incident that a person reports; the caller commits. Nobody leads it yet.
pub(crate) async fn open_reported(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    new: Reported,
) -> Result<Incident, RespondError> {
    let now = tx.now();
    let incident = Incident {
        id: new.id,
        number: number(tx).await?,
        title: new.title,
        severity: new.severity,
        status: IncidentStatus::Open,
        agency: new.agency,
        systems: new.systems,
        assignee: None,
        occurred_at: new.occurred,
        detected_at: new.detected,
        reported_at: None,
        opened_at: now,
        contained_at: None,
        closed_at: None,
        merged_into: None,
    };
    store::save(tx, &incident, Novelty::New).await?;
    add_step(tx, who, &incident, now, "opened").await?;
    obligation::presume(desk, tx, &incident).await?;
    let told = told(desk, &incident, Kind::IncidentOpened, "").not_to(who.account);
    notify::raise(tx.conn(), &desk.db, &[told]).await?;
    Ok(incident)
}

/// Adds alerts to an incident that is open.
pub(crate) async fn add_alerts(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    ids: &[AlertId],
) -> Result<Incident, RespondError> {
    let ids: BTreeSet<AlertId> = ids.iter().copied().collect();
    let ids: Vec<AlertId> = ids.into_iter().collect();
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(RespondError::Field { field: "alerts", key: "incident-error-alerts" });
    }
    let tx = desk.db.begin().await?;
    let mut incident = store::get_for_change(&tx, &who.scope, id).await?;
    if !incident.status.is_open() {
        return Err(super::model::IncidentStateError { state: "closed", step: "extended" }.into());
    }
    let alerts = alert::get_for_change(&tx, &who.scope, &ids).await?;
    let worst = fit(&alerts, ids.len(), Some(&incident))?;
    incident.severity = incident.severity.max(worst.severity);
    incident.systems = systems(&alerts, &incident.systems);
    // A moment that a person has set stays; the alerts' own only fill in what nobody has judged.
    if !obligation::is_occurrence_set(&tx, id).await? {
        let firsts = alerts.iter().map(|alert| alert.first_at);
        incident.occurred_at = firsts.chain(incident.occurred_at).min();
    }
    store::save(&tx, &incident, Novelty::Stands).await?;
    take_alerts(&tx, who, &incident, &alerts).await?;
    obligation::recompute(desk, &tx, &incident).await?;
    let detail = json!({ "number": incident.number, "alerts": numbers(&alerts) });
    commit(desk, tx, who, "incident.add-alerts", &incident, detail).await?;
    Ok(incident)
}

/// Takes a step with an incident.
pub(crate) async fn step(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    step: IncidentStep,
) -> Result<Incident, RespondError> {
    step_with(desk, who, id, step, &[]).await
}

/// Takes a step with an incident, and gives tasks that follow from it.
pub(crate) async fn step_with(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    step: IncidentStep,
    tasks: &[NewTask],
) -> Result<Incident, RespondError> {
    let tx = desk.db.begin().await?;
    let mut incident = store::get_for_change(&tx, &who.scope, id).await?;
    let word = step.word();
    let detail = json!({
        "number": incident.number,
        "from": incident.status.word(),
        "findings": match &step { IncidentStep::Close(findings) => Some(findings), _ => None },
        "tasks": tasks.iter().map(|task| task.title.as_str()).collect::<Vec<_>>(),
    });
    incident.status = incident.status.after(step)?;
    let now = tx.now();
    match incident.status {
        IncidentStatus::Open => {
            incident.contained_at = None;
            incident.closed_at = None;
        }
        IncidentStatus::Contained => incident.contained_at = Some(now),
        IncidentStatus::Closed(_) => incident.closed_at = Some(now),
    }
    store::save(&tx, &incident, Novelty::Stands).await?;
    add_step(&tx, who, &incident, now, word).await?;
    for task in tasks {
        room::give(desk, &tx, who, &incident, task).await?;
    }
    commit(desk, tx, who, &format!("incident.{word}"), &incident, detail).await?;
    Ok(incident)
}

/// Gives the lead to someone, or to nobody.
pub(crate) async fn assign(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    to: Option<AccountId>,
) -> Result<Incident, RespondError> {
    let tx = desk.db.begin().await?;
    let mut incident = store::get_for_change(&tx, &who.scope, id).await?;
    let known = |person: AccountId| {
        let people = desk.directory.people(incident.agency);
        person == who.account || people.iter().any(|one| one.id == person.to_string())
    };
    if to.is_some_and(|person| !known(person)) {
        return Err(RespondError::Field { field: "assignee", key: "incident-error-assignee" });
    }
    let before = incident.assignee;
    incident.assignee = to;
    store::save(&tx, &incident, Novelty::Stands).await?;
    // The same person may be given it twice: each time is told.
    let about = tx.now().to_rfc3339();
    let told = told(desk, &incident, Kind::IncidentAssigned, &about).not_to(who.account);
    notify::raise(tx.conn(), &desk.db, &[told]).await?;
    let detail = json!({ "number": incident.number, "from": before, "to": to });
    commit(desk, tx, who, "incident.assign", &incident, detail).await?;
    Ok(incident)
}

/// Writes a line into the timeline.
pub(crate) async fn note(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    at: Option<DateTime<Utc>>,
    text: &str,
) -> Result<Incident, RespondError> {
    let text = Reason::new(text)
        .ok_or(RespondError::Field { field: "text", key: "incident-error-note" })?;
    let tx = desk.db.begin().await?;
    let incident = store::get_for_change(&tx, &who.scope, id).await?;
    let now = tx.now();
    let at = at.unwrap_or(now);
    if at > now + AHEAD_MAX {
        return Err(RespondError::Field { field: "at", key: "incident-error-time" });
    }
    let line = Entry {
        at,
        made_at: now,
        kind: EntryKind::Note,
        author: who.name.clone(),
        text: text.as_str().to_owned(),
    };
    store::add_entries(&tx, id, Some(who.account), &[line]).await?;
    let detail = json!({ "number": incident.number, "at": at });
    commit(desk, tx, who, "incident.note", &incident, detail).await?;
    Ok(incident)
}

/// Returns what there is to tell of an incident, to whoever leads it and to those whom rules name.
pub(crate) fn told(desk: &Desk, incident: &Incident, kind: Kind, about: &str) -> Notice {
    let level = |id: &SystemId| desk.directory.system(*id).and_then(|card| card.level);
    let highest = incident.systems.iter().filter_map(level).max();
    let link = format!("/incidents/{}", incident.id);
    Notice::new(kind, &format!("{}/{about}", incident.id), &link)
        .number(&incident.number)
        .weighed(incident.severity, highest)
        .of_agency(incident.agency)
        .to(incident.assignee)
}

/// Checks that the alerts can be one incident; returns the worst of them.
fn fit<'a>(
    alerts: &'a [Alert],
    asked: usize,
    incident: Option<&Incident>,
) -> Result<&'a Alert, RespondError> {
    let worst = alerts
        .iter()
        .max_by_key(|alert| (alert.severity, std::cmp::Reverse(alert.first_at)))
        .ok_or(RespondError::NotFound)?;
    if alerts.len() < asked {
        return Err(RespondError::NotFound);
    }
    let agency = incident.map_or(worst.agency, |incident| incident.agency);
    if alerts.iter().any(|alert| alert.agency != agency) {
        return Err(RespondError::Field { field: "alerts", key: "incident-error-agencies" });
    }
    if alerts.iter().any(|alert| alert.incident.is_some()) {
        return Err(RespondError::Field { field: "alerts", key: "incident-error-taken" });
    }
    Ok(worst)
}

/// Makes alerts part of the incident: they are being worked on now, and tell their part of the story.
pub(crate) async fn take_alerts(
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    alerts: &[Alert],
) -> Result<(), RespondError> {
    let ids: Vec<AlertId> = alerts.iter().map(|alert| alert.id).collect();
    alert::set_incident(tx, &ids, incident.id).await?;
    alert::taken_up(tx.conn(), &ids, tx.now()).await?;
    let mut lines = Vec::with_capacity(2 * alerts.len());
    for alert in alerts {
        if let Ok(status) = alert.status.after(Step::Start) {
            let assignee = alert.assignee.or(Some(who.account));
            alert::set_status(tx, alert.id, &status, assignee).await?;
        } else {
            debug_assert!(matches!(alert.status, Status::InProgress | Status::Closed(_)));
        }
        let text = format!("{} {}", alert.number, alert.title_in(true));
        let line = |at, kind| Entry {
            at,
            made_at: tx.now(),
            kind,
            author: String::new(),
            text: text.clone(),
        };
        lines.push(line(alert.first_at, EntryKind::Occurred));
        lines.push(line(alert.detected_at, EntryKind::Detected));
    }
    store::add_entries(tx, incident.id, None, &lines).await
}

fn systems(alerts: &[Alert], standing: &[SystemId]) -> Vec<SystemId> {
    let all: BTreeSet<_> =
        alerts.iter().filter_map(|alert| alert.system).chain(standing.iter().copied()).collect();
    all.into_iter().collect()
}

fn numbers(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.number.as_str()).collect()
}

/// Writes into the timeline that someone took a step, at the moment it was taken.
pub(crate) async fn add_step(
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    at: DateTime<Utc>,
    word: &str,
) -> Result<(), RespondError> {
    let line = Entry {
        at,
        made_at: tx.now(),
        kind: EntryKind::Step,
        author: who.name.clone(),
        text: word.to_owned(),
    };
    store::add_entries(tx, incident.id, Some(who.account), &[line]).await
}

/// Writes a line of a kind into the timeline, at this moment.
pub(crate) async fn add_line(
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    kind: EntryKind,
    text: &str,
) -> Result<(), RespondError> {
    let (at, author) = (tx.now(), who.name.clone());
    let line = Entry { at, made_at: at, kind, author, text: text.to_owned() };
    store::add_entries(tx, incident.id, Some(who.account), &[line]).await
}

/// Writes into the timeline that a deadline came near or passed.
pub(crate) async fn add_reminder(
    tx: &Bookkeeping,
    ids: &Db,
    incident: IncidentId,
    text: &str,
) -> Result<(), RespondError> {
    let line = Entry {
        at: tx.now(),
        made_at: tx.now(),
        kind: EntryKind::Reminder,
        author: String::new(),
        text: text.to_owned(),
    };
    store::add_entry(tx.conn(), ids.new_uuid(), incident, &line).await
}

/// Commits a change of an incident with its audit entry, and tells those who look at it or at its alerts.
pub(crate) async fn commit(
    desk: &Desk,
    tx: Tx,
    who: &Handler,
    action: &str,
    incident: &Incident,
    detail: serde_json::Value,
) -> Result<(), RespondError> {
    let subject = Subject::new("incident", incident.id);
    let entry = AuditEntry::new(who.actor(), action, subject, detail).of_agency(incident.agency);
    tx.commit(entry).await?;
    desk.hub.incidents_changed(incident.agency);
    desk.hub.alerts_changed(incident.agency);
    Ok(())
}

/// Closes an incident for a test, with tasks that follow.
#[cfg(test)]
pub(crate) async fn close_with(desk: &Desk, who: &Handler, id: IncidentId, tasks: &[NewTask]) {
    let step = IncidentStep::Close(super::tests::findings());
    step_with(desk, who, id, step, tasks).await.unwrap();
}
