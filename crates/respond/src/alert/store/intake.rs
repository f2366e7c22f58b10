//! What [`crate::alert::receive`] loads before it folds findings, and writes after.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::Bookkeeping;
use event::{AlertId, EventId, Finding, FindingKey, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, Order, QueryOrder as _, QuerySelect as _};

use super::row::{alert, finding, insertable};
use super::{growth, within};
use crate::alert::grouping::group_key;
use crate::alert::intake::{Fate, Place, Standing, Taken};
use crate::alert::model::Alert;
use crate::error::RespondError;
use crate::limits::{FINDING_KEYS_PER_ALERT, WINDOW_QUIET};

/// Ids per `IN (…)`: well under what either database takes in one statement.
const IDS_PER_QUERY: usize = 500;

/// Rows per `INSERT`: 30 columns each stay under SQLite's 32766 and PostgreSQL's 65535 values.
const ROWS_PER_INSERT: usize = 500;

mod number {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "respond_number")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        pub last: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Takes `count` numbers of a kind and year; returns the first of them.
pub(crate) async fn next_numbers(
    conn: &impl ConnectionTrait,
    kind: &str,
    year: i32,
    count: i64,
) -> Result<i64, RespondError> {
    use number::{ActiveModel, Column, Entity};
    let first = ActiveModel { kind: Set(kind.to_owned()), year: Set(year), last: Set(count) };
    let add = Expr::col((Entity, Column::Last)).add(count);
    Entity::insert(first)
        .on_conflict(
            OnConflict::columns([Column::Kind, Column::Year]).value(Column::Last, add).to_owned(),
        )
        .exec_without_returning(conn)
        .await?;
    let row = Entity::find_by_id((kind.to_owned(), year)).one(conn).await?;
    let last = row.ok_or(RespondError::BadRow { table: "respond_number", column: "last" })?.last;
    Ok(last - count + 1)
}

/// Returns which of these findings have been taken in before.
pub(crate) async fn known(
    conn: &impl ConnectionTrait,
    findings: &[Finding],
) -> Result<BTreeSet<FindingKey>, RespondError> {
    let events: BTreeSet<Uuid> = findings.iter().map(|finding| finding.event.uuid()).collect();
    let events: Vec<Uuid> = events.into_iter().collect();
    let mut known = BTreeSet::new();
    for part in events.chunks(IDS_PER_QUERY) {
        let rows: Vec<(String, Uuid)> = finding::Entity::find()
            .select_only()
            .columns([finding::Column::Rule, finding::Column::EventId])
            .filter(finding::Column::EventId.is_in(part.iter().copied()))
            .into_tuple()
            .all(conn)
            .await?;
        let key = |(rule, event)| FindingKey { rule, event: EventId::from_uuid(event) };
        known.extend(rows.into_iter().map(key));
    }
    Ok(known)
}

/// Returns the alerts that could take these findings: open ones of the same groups, near in time;
/// and closed ones with so many findings that only they can tell a repeat.
pub(crate) async fn at_hand(
    conn: &impl ConnectionTrait,
    findings: &[Finding],
) -> Result<Vec<Standing>, RespondError> {
    use alert::Column;
    let Some(earliest) = findings.iter().map(|finding| finding.occurred_at).min() else {
        return Ok(Vec::new());
    };
    let groups: BTreeSet<String> = findings.iter().map(group_key).collect();
    let groups: Vec<String> = groups.into_iter().collect();
    let many = i64::try_from(FINDING_KEYS_PER_ALERT).unwrap_or(i64::MAX);
    let mut standing = Vec::new();
    for part in groups.chunks(IDS_PER_QUERY) {
        let rows = alert::Entity::find()
            .filter(Column::GroupKey.is_in(part.iter().map(String::as_str)))
            .filter(Column::LastAt.gte(earliest - WINDOW_QUIET))
            .filter(Column::IsOpen.eq(true).or(Column::Findings.gte(many)))
            .order_by(Column::LastAt, Order::Desc)
            .lock_exclusive()
            .all(conn)
            .await?;
        for row in rows {
            let group_key = row.group_key.clone();
            let alert = Alert::try_from(row)?;
            standing.push(Standing { alert, group_key, fate: Fate::Unchanged });
        }
    }
    Ok(standing)
}

/// Writes new alerts and what has grown.
pub(crate) async fn write(
    conn: &impl ConnectionTrait,
    standing: &[Standing],
) -> Result<(), RespondError> {
    let fresh: Vec<_> = standing
        .iter()
        .filter(|standing| standing.fate == Fate::Fresh)
        .map(|standing| insertable(&standing.alert, &standing.group_key))
        .collect::<Result<_, _>>()?;
    for part in fresh.chunks(ROWS_PER_INSERT) {
        alert::Entity::insert_many(part.iter().cloned()).exec_without_returning(conn).await?;
    }
    for grown in standing.iter().filter(|standing| standing.fate == Fate::Grown) {
        alert::Entity::update(growth(&grown.alert)?).exec(conn).await?;
    }
    Ok(())
}

/// Remembers findings, so that they are known when they come again.
pub(crate) async fn remember(
    conn: &impl ConnectionTrait,
    taken: &[Taken],
    now: DateTime<Utc>,
) -> Result<(), RespondError> {
    let row = |taken: &Taken| {
        let finding = &taken.finding;
        let (alert, exception) = match taken.place {
            Place::Alert(id) => (Some(id.uuid()), None),
            Place::Hidden(id) => (None, Some(id)),
        };
        finding::ActiveModel {
            rule: Set(finding.rule.clone()),
            event_id: Set(finding.event.uuid()),
            alert_id: Set(alert),
            exception_id: Set(exception),
            agency_id: Set(finding.origin.agency.uuid()),
            system_id: Set(finding.origin.system.map(event::SystemId::uuid)),
            occurred_at: Set(finding.occurred_at),
            received_at: Set(now),
        }
    };
    for part in taken.chunks(ROWS_PER_INSERT) {
        finding::Entity::insert_many(part.iter().map(row)).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// A remembered finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FindingRow {
    pub(crate) event: EventId,
    pub(crate) alert: Option<AlertId>,
    pub(crate) agency: event::AgencyId,
    pub(crate) system: Option<event::SystemId>,
}

/// Returns the findings of a rule since a moment, the newest first.
pub(crate) async fn findings_of_rule(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    rule: &str,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<FindingRow>, RespondError> {
    let rows = finding::Entity::find()
        .filter(within(scope, finding::Column::AgencyId))
        .filter(finding::Column::Rule.eq(rule))
        .filter(finding::Column::ReceivedAt.gte(since))
        .order_by_desc(finding::Column::ReceivedAt)
        .limit(limit)
        .all(conn)
        .await?;
    let found = |row: finding::Model| FindingRow {
        event: EventId::from_uuid(row.event_id),
        alert: row.alert_id.map(AlertId::from_uuid),
        agency: event::AgencyId::from_uuid(row.agency_id),
        system: row.system_id.map(event::SystemId::from_uuid),
    };
    Ok(rows.into_iter().map(found).collect())
}

/// Forgets findings received before a moment: no spool replays from so far back.
pub(crate) async fn prune_findings(
    books: &Bookkeeping,
    before: DateTime<Utc>,
) -> Result<u64, RespondError> {
    let gone = finding::Entity::delete_many()
        .filter(finding::Column::ReceivedAt.lt(before))
        .exec(books.conn())
        .await?;
    Ok(gone.rows_affected)
}
