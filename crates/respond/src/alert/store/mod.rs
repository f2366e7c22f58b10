//! Reading and writing alerts. Reads take a [`Scope`]; what it does not cover is not found.

mod changes;
mod counts;
mod intake;
mod list;
#[cfg(test)]
mod plans;
mod row;
#[cfg(test)]
mod words;

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AlertId, EntityKind, IncidentId, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Condition, QueryOrder as _, QuerySelect as _};

pub(crate) use changes::{changes_since, open_count};
pub(crate) use counts::{TopBy, TopKey, detections, open_counts, per_rule, top};
pub(crate) use intake::{
    at_hand, findings_of_rule, known, next_numbers, prune_findings, remember, write,
};
pub(crate) use list::{AlertFilter, AlertOrder, Slice, StateFilter, count_up_to, list, slice};
use row::{StatusColumns, alert, comment};

use super::model::{Alert, Closure, Status, priority};
use crate::error::RespondError;
use crate::limits::TIMELINE_LINES;

/// Returns the condition that keeps a read within its scope.
pub(crate) fn within<C: ColumnTrait>(scope: &Scope, agency: C) -> Condition {
    match scope.visible() {
        None => Condition::all(),
        Some(agencies) => Condition::all().add(agency.is_in(agencies.iter().map(|id| id.uuid()))),
    }
}

/// Returns the condition of what is not put aside until after this moment.
fn is_awake(now: DateTime<Utc>) -> Condition {
    use alert::Column;
    Condition::any().add(Column::SnoozedUntil.is_null()).add(Column::SnoozedUntil.lte(now))
}

/// Returns one alert.
pub(crate) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: AlertId,
) -> Result<Alert, RespondError> {
    let row = alert::Entity::find_by_id(id.uuid())
        .filter(within(scope, alert::Column::AgencyId))
        .one(conn)
        .await?;
    row.ok_or(RespondError::NotFound)?.try_into()
}

/// Returns the alerts with these ids that the scope covers, and holds them for the change under way.
pub(crate) async fn get_for_change(
    tx: &Tx,
    scope: &Scope,
    ids: &[AlertId],
) -> Result<Vec<Alert>, RespondError> {
    let rows = alert::Entity::find()
        .filter(within(scope, alert::Column::AgencyId))
        .filter(alert::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(alert::Column::Id)
        .lock_exclusive()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(Alert::try_from).collect()
}

/// Returns the alert that people call by this number.
pub(crate) async fn by_number(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    number: &str,
) -> Result<Alert, RespondError> {
    let row = alert::Entity::find()
        .filter(within(scope, alert::Column::AgencyId))
        .filter(alert::Column::Number.eq(number))
        .one(conn)
        .await?;
    row.ok_or(RespondError::NotFound)?.try_into()
}

/// Returns how many alerts these incidents have.
pub(crate) async fn count_of_incidents(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    of: &[IncidentId],
) -> Result<u64, RespondError> {
    let all =
        AlertFilter { state: StateFilter::All, incidents: of.to_vec(), ..AlertFilter::default() };
    Ok(alert::Entity::find().filter(list::condition(scope, &all)).count(conn).await?)
}

/// Returns the alerts of these incidents, the earliest first; bounded like a bulk action.
pub(crate) async fn of_incident(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    of: &[IncidentId],
) -> Result<Vec<Alert>, RespondError> {
    let rows = alert::Entity::find()
        .filter(within(scope, alert::Column::AgencyId))
        .filter(alert::Column::IncidentId.is_in(of.iter().map(|id| id.uuid())))
        .order_by_asc(alert::Column::FirstAt)
        .limit(crate::limits::BULK_MAX as u64)
        .all(conn)
        .await?;
    rows.into_iter().map(Alert::try_from).collect()
}

/// Returns other alerts about the same thing, the newest first.
pub(crate) async fn related(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    of: &Alert,
    limit: u64,
) -> Result<Vec<Alert>, RespondError> {
    use alert::Column;
    if of.entity.kind == EntityKind::Source {
        return Ok(Vec::new());
    }
    let rows = alert::Entity::find()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::EntityKind.eq(super::grouping::kind_word(of.entity.kind)))
        .filter(Column::EntityValue.eq(of.entity.value.as_str()))
        .filter(Column::Id.ne(of.id.uuid()))
        .order_by_desc(Column::LastAt)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(Alert::try_from).collect()
}

/// Returns the alerts about an entity (kind and value) since a moment that were not closed as false,
/// the newest first.
pub(crate) async fn signals(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (kind, value): (&str, &str),
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Alert>, RespondError> {
    use alert::Column;
    let not_false =
        Condition::any().add(Column::Closure.is_null()).add(Column::Closure.ne(Closure::FALSE));
    let rows = alert::Entity::find()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::EntityKind.eq(kind))
        .filter(Column::EntityValue.eq(value))
        .filter(Column::LastAt.gte(since))
        .filter(not_false)
        .order_by_desc(Column::LastAt)
        .limit(limit)
        .all(conn)
        .await?;
    rows.into_iter().map(Alert::try_from).collect()
}

/// Writes where an alert stands and who works on it.
pub(crate) async fn set_status(
    tx: &Tx,
    id: AlertId,
    status: &Status,
    assignee: Option<AccountId>,
) -> Result<(), RespondError> {
    let columns = StatusColumns::from(status);
    let change = alert::ActiveModel {
        id: Set(id.uuid()),
        state: Set(columns.state),
        is_open: Set(columns.is_open),
        closure: Set(columns.closure),
        closure_reason: Set(columns.closure_reason),
        duplicate_of: Set(columns.duplicate_of),
        assignee_id: Set(assignee.map(AccountId::uuid)),
        // Whoever takes a step has it before their eyes again.
        snoozed_until: Set(None),
        changed_at: Set(tx.now()),
        ..Default::default()
    };
    alert::Entity::update(change).exec(tx.conn()).await?;
    Ok(())
}

/// Puts alerts aside until a moment.
pub(crate) async fn snooze(
    tx: &Tx,
    ids: &[AlertId],
    until: DateTime<Utc>,
) -> Result<(), RespondError> {
    alert::Entity::update_many()
        .set(alert::ActiveModel {
            snoozed_until: Set(Some(until)),
            changed_at: Set(tx.now()),
            ..Default::default()
        })
        .filter(alert::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Writes which incident alerts are part of.
pub(crate) async fn set_incident(
    tx: &Tx,
    ids: &[AlertId],
    incident: IncidentId,
) -> Result<(), RespondError> {
    alert::Entity::update_many()
        .set(alert::ActiveModel {
            incident_id: Set(Some(incident.uuid())),
            changed_at: Set(tx.now()),
            ..Default::default()
        })
        .filter(alert::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// What someone wrote under an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) text: String,
}

/// Writes a comment.
pub(crate) async fn add_comment(
    tx: &Tx,
    id: AlertId,
    account: Option<AccountId>,
    author: &str,
    text: &str,
) -> Result<(), RespondError> {
    let row = comment::ActiveModel {
        id: Set(tx.new_uuid()),
        alert_id: Set(id.uuid()),
        account_id: Set(account.map(AccountId::uuid)),
        author: Set(author.to_owned()),
        made_at: Set(tx.now()),
        text: Set(text.to_owned()),
    };
    comment::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns what was written under an alert that the caller has read, the oldest first.
pub(crate) async fn comments(
    conn: &impl ConnectionTrait,
    of: &Alert,
) -> Result<Vec<Comment>, RespondError> {
    let rows = comment::Entity::find()
        .filter(comment::Column::AlertId.eq(of.id.uuid()))
        .order_by_asc(comment::Column::MadeAt)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let comment =
        |row: comment::Model| Comment { author: row.author, made_at: row.made_at, text: row.text };
    Ok(rows.into_iter().map(comment).collect())
}

/// Returns the columns that change when an alert takes findings.
fn growth(alert: &Alert) -> Result<alert::ActiveModel, RespondError> {
    Ok(alert::ActiveModel {
        id: Set(alert.id.uuid()),
        severity: Set(i16::from(alert.severity.number())),
        priority: Set(priority(alert.severity, alert.level)),
        findings: Set(i64::try_from(alert.findings).unwrap_or(i64::MAX)),
        events: Set(row::json(&alert.events)?),
        first_at: Set(alert.first_at),
        last_at: Set(alert.last_at),
        changed_at: Set(alert.changed_at),
        ..Default::default()
    })
}
