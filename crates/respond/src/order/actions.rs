//! What the centre does with an order: issue it, remind, judge what was done, close it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject, Tx};
use event::{AgencyId, IncidentId, Scope, Severity};
use serde_json::{Value, json};
use uuid::Uuid;
use web::carries_secret_mark;
use web::notify::{self, Notice};

use super::model::{Closing, Concern, Kind, Line, Order, Part, State};
use super::{concern, store, story, template};
use crate::actor::Handler;
use crate::alert::{self, Reason};
use crate::desk::Desk;
use crate::directory::{AffectedError, AffectedSystem, Concerned};
use crate::error::RespondError;
use crate::incident;
use crate::limits::{ORDER_AGENCIES_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX};

/// No order waits longer for its end than this without someone writing it anew.
const DAYS_MAX: i64 = 366;

/// The head of an agency is told at the latest after so many days of delay.
const HEAD_DAYS_MAX: i32 = 30;

/// Characters of a signer's name and title.
const SIGNER_CHARS_MAX: usize = 200;

/// An order as someone writes it.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) signer: String,
    pub(super) agencies: BTreeSet<AgencyId>,
    pub(super) incident: Option<IncidentId>,
    pub(super) acknowledge_by: DateTime<Utc>,
    pub(super) done_by: DateTime<Utc>,
    pub(super) needs_proof: bool,
    pub(super) head_after_days: i32,
    /// Whose systems a warning is about.
    pub(super) concerned: Concerned,
}

impl Draft {
    fn check(&self, who: &Handler, now: DateTime<Utc>) -> Result<(), RespondError> {
        let wrong = |field, key| Err(RespondError::Field { field, key });
        let long = |text: &str, most| text.trim().is_empty() || text.chars().count() > most;
        if long(&self.title, TITLE_CHARS_MAX) {
            return wrong("title", "order-error-title");
        }
        if long(&self.body, TEXT_CHARS_MAX) {
            return wrong("body", "order-error-body");
        }
        if self.signer.chars().count() > SIGNER_CHARS_MAX {
            return wrong("signer", "order-error-signer");
        }
        if self.agencies.is_empty() || self.agencies.len() > ORDER_AGENCIES_MAX {
            return wrong("agency", "order-error-agencies");
        }
        if self.agencies.iter().any(|agency| !who.scope.sees(*agency)) {
            return wrong("agency", "order-error-agencies");
        }
        if template::has_blank(&self.title) || template::has_blank(&self.body) {
            return wrong("body", "order-error-blank");
        }
        if self.acknowledge_by <= now {
            return wrong("acknowledge_by", "order-error-past");
        }
        if self.done_by < self.acknowledge_by {
            return wrong("done_by", "order-error-sequence");
        }
        if self.done_by > now + TimeDelta::days(DAYS_MAX) {
            return wrong("done_by", "order-error-far");
        }
        if !(0..=HEAD_DAYS_MAX).contains(&self.head_after_days) {
            return wrong("head_after_days", "order-error-head");
        }
        if [&self.title, &self.body].into_iter().any(|text| carries_secret_mark(text)) {
            return wrong("body", "order-error-secret");
        }
        Ok(())
    }
}

/// Issues an order: one row, one number, a part for each agency, in one transaction.
pub(super) async fn issue(desk: &Desk, who: &Handler, draft: Draft) -> Result<Order, RespondError> {
    let concerns = concerns(desk, who, &draft).await?;
    let tx = desk.db.begin().await?;
    let now = tx.now();
    draft.check(who, now)?;
    if let Some(id) = draft.incident {
        incident::get(tx.conn(), &who.scope, id).await?;
    }
    let year = alert::vietnam_year(now);
    let numbers = draft.kind.numbers();
    let number = alert::next_numbers(tx.conn(), numbers, year, 1).await?;
    let order = Order {
        id: tx.new_uuid(),
        number: format!("{numbers}-{year}-{number:04}"),
        kind: draft.kind,
        title: draft.title.trim().to_owned(),
        body: draft.body.trim().to_owned(),
        signer: draft.signer.trim().to_owned(),
        incident: draft.incident,
        issued_by: who.account,
        issuer: who.name.clone(),
        issued_at: now,
        acknowledge_by: draft.acknowledge_by,
        done_by: draft.done_by,
        needs_proof: draft.needs_proof,
        head_after_days: draft.head_after_days,
        closed: None,
    };
    let parts: Vec<Part> =
        draft.agencies.iter().map(|agency| Part::new(order.id, *agency)).collect();
    store::issue(&tx, &order, &parts).await?;
    concern::add(&tx, order.id, &concerns).await?;
    let notices: Vec<Notice> = parts
        .iter()
        .map(|part| told(&order, part, notify::Kind::OrderIssued, "issued").not_to(who.account))
        .collect();
    notify::raise(tx.conn(), &desk.db, &notices).await?;
    let agencies = i64::try_from(parts.len()).unwrap_or(i64::MAX);
    note(&tx, &order, None, (who, "issued", "")).await?;
    let detail = json!({
        "title": order.title, "agencies": agencies,
        "acknowledge_by": order.acknowledge_by, "done_by": order.done_by,
        "systems": concerns.len(),
    });
    commit(desk, tx, who, "order.issue", (&order, None), detail).await?;
    Ok(order)
}

/// Returns the systems of the agencies that get a warning which it concerns.
async fn concerns(desk: &Desk, who: &Handler, draft: &Draft) -> Result<Vec<Concern>, RespondError> {
    if draft.kind != Kind::Warning || draft.concerned.is_empty() {
        return Ok(Vec::new());
    }
    let found = affected(desk, &who.scope, &draft.concerned).await?;
    let concern = |one: AffectedSystem| {
        let agency = one.agency_id.parse().ok().filter(|own| draft.agencies.contains(own))?;
        Some(Concern { agency, system: one.id.parse().ok()?, name: one.name, why: one.why })
    };
    Ok(found.into_iter().filter_map(concern).collect())
}

/// Returns the systems in the scope that a warning concerns.
pub(super) async fn affected(
    desk: &Desk,
    scope: &Scope,
    concerned: &Concerned,
) -> Result<Vec<AffectedSystem>, RespondError> {
    desk.directory.affected(scope, concerned).await.map_err(|error| match error {
        AffectedError::Field(field) => RespondError::Field { field, key: "order-error-concerned" },
        AffectedError::Db(error) => RespondError::Db(error),
    })
}

/// Returns what there is to tell an agency of an order; the same `about` is told once.
pub(super) fn told(order: &Order, part: &Part, kind: notify::Kind, about: &str) -> Notice {
    let about = format!("{}/{}/{about}", order.id, part.agency);
    Notice::new(kind, &about, &format!("/orders/{}", order.id))
        .number(&order.number)
        .weighed(Severity::High, None)
        .of_agency(part.agency)
        .to(Some(order.issued_by))
}

/// Writes a line of what happened.
pub(super) async fn note(
    tx: &Tx,
    order: &Order,
    agency: Option<AgencyId>,
    (who, kind, text): (&Handler, &str, &str),
) -> Result<(), RespondError> {
    let line = Line {
        agency,
        at: tx.now(),
        kind: kind.to_owned(),
        author: who.name.clone(),
        text: text.to_owned(),
    };
    story::add_line(tx.conn(), tx.new_uuid(), order.id, &line).await
}

/// Commits a press with its audit entry, and tells open pages.
pub(super) async fn commit(
    desk: &Desk,
    tx: Tx,
    who: &Handler,
    action: &str,
    (order, agency): (&Order, Option<AgencyId>),
    mut detail: Value,
) -> Result<(), RespondError> {
    if let Value::Object(map) = &mut detail {
        map.insert("number".to_owned(), json!(order.number));
    }
    let entry = AuditEntry::new(who.actor(), action, Subject::new("order", order.id), detail);
    let entry = match agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    };
    tx.commit(entry).await?;
    desk.hub.orders_changed(agency);
    Ok(())
}

/// Returns an order that is open.
pub(super) async fn open_order(tx: &Tx, who: &Handler, id: Uuid) -> Result<Order, RespondError> {
    let order = store::get(tx.conn(), &who.scope, id).await?;
    if order.closed.is_some() {
        return Err(RespondError::Conflict("order-error-closed"));
    }
    Ok(order)
}

/// Begins a press on what an agency in sight makes of an open order.
pub(super) async fn begun(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
) -> Result<(Tx, Order, Part), RespondError> {
    let tx = desk.db.begin().await?;
    let order = open_order(&tx, who, id).await?;
    let parts = store::parts(tx.conn(), &who.scope, id).await?;
    let part = parts.into_iter().find(|part| part.agency == agency);
    Ok((tx, order, part.ok_or(RespondError::NotFound)?))
}

/// Says that what an agency did is enough.
pub(super) async fn accept(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
) -> Result<(), RespondError> {
    let (tx, order, mut part) = begun(desk, who, (id, agency)).await?;
    let was = part.state;
    if was != State::Done {
        return Err(RespondError::Conflict("order-error-state"));
    }
    part.state = State::Accepted;
    part.accepted_at = Some(tx.now());
    keep(&tx, &part, &order, was).await?;
    note(&tx, &order, Some(agency), (who, "accepted", "")).await?;
    commit(desk, tx, who, "order.accept", (&order, Some(agency)), json!({})).await
}

/// Gives back what an agency did: it is not enough, and why.
pub(super) async fn give_back(
    desk: &Desk,
    who: &Handler,
    (id, agency): (Uuid, AgencyId),
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of("reason", reason)?;
    let (tx, order, mut part) = begun(desk, who, (id, agency)).await?;
    let was = part.state;
    if !matches!(was, State::Done | State::Accepted) {
        return Err(RespondError::Conflict("order-error-state"));
    }
    part.state = State::Acknowledged;
    // What was given back was not done: its time runs on.
    (part.done_at, part.done_by, part.accepted_at) = (None, None, None);
    part.returned = part.returned.saturating_add(1);
    keep(&tx, &part, &order, was).await?;
    note(&tx, &order, Some(agency), (who, "returned", reason.as_str())).await?;
    let detail = json!({ "reason": reason.as_str() });
    commit(desk, tx, who, "order.return", (&order, Some(agency)), detail).await
}

/// Writes a part, unless someone else was quicker.
pub(super) async fn keep(
    tx: &Tx,
    part: &Part,
    order: &Order,
    was: State,
) -> Result<(), RespondError> {
    if store::save_part(tx.conn(), part, order, was).await? {
        Ok(())
    } else {
        Err(RespondError::Conflict("order-error-state"))
    }
}

/// Reminds every agency that is not done; returns how many were.
pub(super) async fn remind_all(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
) -> Result<usize, RespondError> {
    let tx = desk.db.begin().await?;
    let order = open_order(&tx, who, id).await?;
    let parts = store::parts(tx.conn(), &who.scope, id).await?;
    let late: Vec<&Part> = parts.iter().filter(|part| part.state < State::Done).collect();
    if late.is_empty() {
        return Err(RespondError::Conflict("order-error-none-late"));
    }
    let about = tx.now().to_rfc3339();
    let mut notices = Vec::new();
    for part in &late {
        note(&tx, &order, Some(part.agency), (who, "reminded", "")).await?;
        notices.push(told(&order, part, notify::Kind::OrderDue, &about).not_to(who.account));
    }
    notify::raise(tx.conn(), &desk.db, &notices).await?;
    let detail = json!({ "agencies": late.len() });
    commit(desk, tx, who, "order.remind", (&order, None), detail).await?;
    Ok(late.len())
}

/// Closes an order with a summary.
pub(super) async fn close(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    summary: &str,
) -> Result<(), RespondError> {
    let summary = reason_of("summary", summary)?;
    let tx = desk.db.begin().await?;
    let mut order = open_order(&tx, who, id).await?;
    let text = summary.as_str().to_owned();
    order.closed = Some(Closing { at: tx.now(), by: who.name.clone(), summary: text });
    if !store::close(&tx, &order).await? {
        return Err(RespondError::Conflict("order-error-closed"));
    }
    note(&tx, &order, None, (who, "closed", summary.as_str())).await?;
    let detail = json!({ "summary": summary.as_str() });
    commit(desk, tx, who, "order.close", (&order, None), detail).await
}

/// Returns a text that says something.
pub(super) fn reason_of(field: &'static str, text: &str) -> Result<Reason, RespondError> {
    Reason::new(text).ok_or(RespondError::Field { field, key: "order-error-reason" })
}
