//! What people do with alerts: take, assign, comment, close, open again; one or many at a time.

use chrono::TimeDelta;
use db::{AuditEntry, Subject};
use event::{AccountId, AlertId};
use serde_json::json;

use super::model::{Alert, Closure, Reason, Status, Step};
use super::store;
use super::telling;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{BULK_MAX, SNOOZE_DAYS_MAX};

/// Takes a step with one alert. Whoever starts work on an alert nobody has, has it.
pub(crate) async fn step(
    desk: &Desk,
    who: &Handler,
    id: AlertId,
    step: Step,
) -> Result<Alert, RespondError> {
    check_duplicate(desk, who, id, &step).await?;
    let tx = desk.db.begin().await?;
    let mut alert = one(store::get_for_change(&tx, &who.scope, &[id]).await?)?;
    let from = alert.status.word();
    let action = format!("alert.{}", step.word());
    alert.status = alert.status.after(step)?;
    alert.assignee = taker(&alert, who.account);
    store::set_status(&tx, id, &alert.status, alert.assignee).await?;
    telling::taken_up(tx.conn(), &[id], tx.now()).await?;
    let detail = json!({
        "number": alert.number,
        "from": from,
        "to": alert.status.word(),
        "why": why(&alert.status),
        "assignee": alert.assignee,
    });
    tx.commit(entry(who, &action, &alert, detail)).await?;
    tell(desk, &alert);
    Ok(alert)
}

/// What a bulk action came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Bulk {
    /// Alerts changed.
    pub(crate) done: u64,
    /// Alerts whose state did not allow it, or that were not found.
    pub(crate) skipped: u64,
}

/// Takes the same step with many alerts, in one transaction; those that do not allow it stay.
pub(crate) async fn step_many(
    desk: &Desk,
    who: &Handler,
    ids: &[AlertId],
    step: &Step,
) -> Result<Bulk, RespondError> {
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(RespondError::Field { field: "alerts", key: "alert-error-selection" });
    }
    let tx = desk.db.begin().await?;
    let mut changed: Vec<Alert> = Vec::new();
    for mut alert in store::get_for_change(&tx, &who.scope, ids).await? {
        let itself = matches!(step, Step::Close(Closure::Duplicate(of)) if *of == alert.id);
        let Ok(status) = alert.status.after(step.clone()) else { continue };
        if itself {
            continue;
        }
        alert.status = status;
        alert.assignee = taker(&alert, who.account);
        store::set_status(&tx, alert.id, &alert.status, alert.assignee).await?;
        changed.push(alert);
    }
    let done = changed.len() as u64;
    let bulk = Bulk { done, skipped: (ids.len() as u64).saturating_sub(done) };
    if changed.is_empty() {
        tx.rollback().await?;
        return Ok(bulk);
    }
    let ids: Vec<AlertId> = changed.iter().map(|alert| alert.id).collect();
    telling::taken_up(tx.conn(), &ids, tx.now()).await?;
    let detail = json!({
        "alerts": changed.iter().map(|alert| alert.number.as_str()).collect::<Vec<_>>(),
        "why": changed.first().map(|alert| why(&alert.status)),
    });
    let action = format!("alert.{}", step.word());
    tx.commit(AuditEntry::new(who.actor(), &action, Subject::all("alert"), detail)).await?;
    for alert in &changed {
        tell(desk, alert);
    }
    Ok(bulk)
}

/// Puts open alerts aside for so many hours: they leave the list and the counts, and come back by
/// themselves. Those that are closed stay as they are.
pub(crate) async fn snooze(
    desk: &Desk,
    who: &Handler,
    ids: &[AlertId],
    hours: i64,
) -> Result<Bulk, RespondError> {
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(RespondError::Field { field: "alerts", key: "alert-error-selection" });
    }
    if !(1..=SNOOZE_DAYS_MAX * 24).contains(&hours) {
        return Err(RespondError::Field { field: "hours", key: "alert-error-snooze" });
    }
    let tx = desk.db.begin().await?;
    let mut open = store::get_for_change(&tx, &who.scope, ids).await?;
    open.retain(|alert| alert.status.is_open());
    let done = open.len() as u64;
    let bulk = Bulk { done, skipped: (ids.len() as u64).saturating_sub(done) };
    if open.is_empty() {
        tx.rollback().await?;
        return Ok(bulk);
    }
    let until = tx.now() + TimeDelta::hours(hours);
    let ids: Vec<AlertId> = open.iter().map(|alert| alert.id).collect();
    store::snooze(&tx, &ids, until).await?;
    telling::taken_up(tx.conn(), &ids, tx.now()).await?;
    let numbers: Vec<&str> = open.iter().map(|alert| alert.number.as_str()).collect();
    let detail = json!({ "alerts": numbers, "until": until });
    let entry = match open.as_slice() {
        [alert] => entry(who, "alert.snooze", alert, detail),
        _ => AuditEntry::new(who.actor(), "alert.snooze", Subject::all("alert"), detail),
    };
    tx.commit(entry).await?;
    for alert in &open {
        tell(desk, alert);
    }
    Ok(bulk)
}

/// Gives an alert to someone, or to nobody.
pub(crate) async fn assign(
    desk: &Desk,
    who: &Handler,
    id: AlertId,
    to: Option<AccountId>,
) -> Result<Alert, RespondError> {
    let tx = desk.db.begin().await?;
    let mut alert = one(store::get_for_change(&tx, &who.scope, &[id]).await?)?;
    let known = |person: AccountId| {
        person == who.account
            || desk.directory.people(alert.agency).iter().any(|one| one.id == person.to_string())
    };
    if to.is_some_and(|person| !known(person)) {
        return Err(RespondError::Field { field: "assignee", key: "alert-error-assignee" });
    }
    if alert.assignee == to {
        tx.rollback().await?;
        return Ok(alert);
    }
    let before = alert.assignee;
    alert.assignee = to;
    store::set_status(&tx, id, &alert.status, to).await?;
    telling::taken_up(tx.conn(), &[id], tx.now()).await?;
    let detail = json!({ "number": alert.number, "from": before, "to": to });
    tx.commit(entry(who, "alert.assign", &alert, detail)).await?;
    tell(desk, &alert);
    Ok(alert)
}

/// Writes a comment under an alert.
pub(crate) async fn comment(
    desk: &Desk,
    who: &Handler,
    id: AlertId,
    text: &str,
) -> Result<Alert, RespondError> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 || chars > crate::limits::TEXT_CHARS_MAX {
        return Err(RespondError::Field { field: "text", key: "alert-error-comment" });
    }
    let tx = desk.db.begin().await?;
    let alert = one(store::get_for_change(&tx, &who.scope, &[id]).await?)?;
    store::add_comment(&tx, id, Some(who.account), &who.name, text).await?;
    let detail = json!({ "number": alert.number });
    tx.commit(entry(who, "alert.comment", &alert, detail)).await?;
    Ok(alert)
}

/// Returns the way of closing that a form asks for.
///
/// # Errors
/// The field that is wrong.
pub(crate) async fn closure(
    desk: &Desk,
    who: &Handler,
    outcome: &str,
    text: &str,
) -> Result<Closure, RespondError> {
    let reason = || {
        Reason::new(text).ok_or(RespondError::Field { field: "reason", key: "alert-error-reason" })
    };
    match outcome {
        "resolved" => Ok(Closure::Resolved(reason()?)),
        "false" => Ok(Closure::False(reason()?)),
        "duplicate" => {
            let number = text.trim().to_uppercase();
            let other = store::by_number(desk.db.conn(), &who.scope, &number).await;
            match other {
                Ok(other) => Ok(Closure::Duplicate(other.id)),
                Err(RespondError::NotFound) => {
                    Err(RespondError::Field { field: "reason", key: "alert-error-duplicate" })
                }
                Err(error) => Err(error),
            }
        }
        _ => Err(RespondError::Field { field: "outcome", key: "alert-error-outcome" }),
    }
}

/// Refuses to call an alert its own duplicate, or one of an alert that is itself a duplicate.
async fn check_duplicate(
    desk: &Desk,
    who: &Handler,
    id: AlertId,
    step: &Step,
) -> Result<(), RespondError> {
    let Step::Close(Closure::Duplicate(of)) = step else { return Ok(()) };
    let other = store::get(desk.db.conn(), &who.scope, *of).await?;
    if *of == id || matches!(other.status, Status::Closed(Closure::Duplicate(_))) {
        return Err(RespondError::Field { field: "reason", key: "alert-error-duplicate" });
    }
    Ok(())
}

/// Returns who has the alert after a step by this account.
fn taker(alert: &Alert, account: AccountId) -> Option<AccountId> {
    match alert.status {
        Status::InProgress | Status::Acknowledged => alert.assignee.or(Some(account)),
        _ => alert.assignee,
    }
}

fn why(status: &Status) -> Option<String> {
    match status {
        Status::Closed(Closure::Resolved(reason) | Closure::False(reason)) => {
            Some(reason.as_str().to_owned())
        }
        Status::Closed(Closure::Duplicate(of)) => Some(of.to_string()),
        _ => None,
    }
}

fn one(found: Vec<Alert>) -> Result<Alert, RespondError> {
    found.into_iter().next().ok_or(RespondError::NotFound)
}

fn entry(who: &Handler, action: &str, alert: &Alert, detail: serde_json::Value) -> AuditEntry {
    let subject = Subject::new("alert", alert.id);
    AuditEntry::new(who.actor(), action, subject, detail).of_agency(alert.agency)
}

fn tell(desk: &Desk, alert: &Alert) {
    desk.hub.alerts_changed(alert.agency);
}
