//! Asking for a look back, and making alerts of what it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use db::job::{self, NewJob};
use db::{AuditEntry, Subject};
use event::lake::IDS_MAX;
use event::{Event, EventId, Finding};
use serde_json::json;
use uuid::Uuid;

use super::model::{Look, Wanted};
use super::{KIND, store};
use crate::actor::Handler;
use crate::alert::{self, Received};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{LOOK_BACK_DAYS_MAX, LOOK_BACK_TEXT_CHARS_MAX};

/// Asks for a look back over the past `days`.
pub(super) async fn ask(
    desk: &Desk,
    who: &Handler,
    wanted: Wanted,
    days: i64,
) -> Result<Look, RespondError> {
    if !(1..=LOOK_BACK_DAYS_MAX).contains(&days) {
        return Err(RespondError::Field { field: "days", key: "look-back-error-days" });
    }
    let title = check(desk, &wanted).await?;
    let tx = desk.db.begin().await?;
    let id = tx.new_uuid();
    let now = tx.now();
    let new = NewJob::new(KIND, &who.scope, json!({ "look_back": id })).about(&title);
    let look = Look {
        id,
        job: job::enqueue(&tx, &new).await?.uuid(),
        account: who.account,
        title,
        wanted,
        from: now - TimeDelta::days(days),
        to: now,
        made_at: now,
        outcome: None,
    };
    store::insert(&tx, &look).await?;
    let detail = json!({ "what": look.wanted, "title": look.title, "days": days });
    let subject = Subject::new("look-back", id);
    tx.commit(AuditEntry::new(who.actor(), "look-back.ask", subject, detail)).await?;
    Ok(look)
}

/// Returns what it is called, once it can be looked for at all.
async fn check(desk: &Desk, wanted: &Wanted) -> Result<String, RespondError> {
    let field = match wanted {
        Wanted::All | Wanted::Feeds | Wanted::Rule(_) => "rule",
        Wanted::Text(_) => "text",
        Wanted::Indicators(_) => "indicators",
    };
    if let Wanted::Text(text) | Wanted::Indicators(text) = wanted
        && (text.trim().is_empty() || text.chars().count() > LOOK_BACK_TEXT_CHARS_MAX)
    {
        return Err(RespondError::Field { field, key: "look-back-error-text" });
    }
    let (bench, own) = (Arc::clone(&desk.bench), wanted.clone());
    let judge = tokio::task::spawn_blocking(move || bench.judge(&own).map(|(title, _)| title));
    let judged = judge.await.map_err(|error| RespondError::File(Box::new(error)))?;
    judged.map_err(|bad| match bad.into_iter().next() {
        Some(bad) => RespondError::Line {
            field,
            key: "look-back-error-line",
            line: bad.line,
            detail: bad.message,
        },
        None => RespondError::NotFound,
    })
}

/// Hands findings to the alerts: those with these numbers, or all. Exceptions hold for them as for any
/// other; what is an alert already stays one.
pub(super) async fn make_alerts(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    numbers: Option<&[i64]>,
) -> Result<Received, RespondError> {
    let look = store::get(desk.db.conn(), &who.scope, id).await?;
    let kept = store::untaken(desk.db.conn(), &who.scope, id, numbers).await?;
    if kept.is_empty() {
        return Err(RespondError::Field { field: "numbers", key: "look-back-error-none" });
    }
    let numbers: Vec<i64> = kept.iter().map(|one| one.number).collect();
    let findings: Vec<Finding> = kept.into_iter().map(|one| one.finding).collect();
    let events = events(desk, who, &findings).await?;
    let directory = desk.directory.as_ref();
    // The same finding taken in twice is one: should the note below fail, a second press does no harm.
    let received = alert::receive(&desk.db, directory, &desk.hub, findings, &events).await?;
    let tx = desk.db.begin().await?;
    store::take(&tx, id, &numbers, tx.now()).await?;
    let detail = json!({
        "title": look.title,
        "findings": numbers.len(),
        "alerts": received.fresh.len(),
        "hidden": received.hidden,
    });
    let subject = Subject::new("look-back", id);
    tx.commit(AuditEntry::new(who.actor(), "look-back.alerts", subject, detail)).await?;
    Ok(received)
}

/// Returns the events that complete these findings: exceptions ask them.
async fn events(
    desk: &Desk,
    who: &Handler,
    findings: &[Finding],
) -> Result<Vec<Event>, RespondError> {
    let ids: Vec<EventId> = findings.iter().map(|finding| finding.event).collect();
    let mut events: BTreeMap<EventId, Event> = BTreeMap::new();
    for part in ids.chunks(IDS_MAX) {
        let found = desk.lake.events(&who.scope, part).await?;
        events.extend(found.into_iter().map(|event| (event.id, event)));
    }
    Ok(events.into_values().collect())
}
