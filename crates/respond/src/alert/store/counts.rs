//! How many alerts there are: by severity, address, system, rule and quarter of an hour.

use chrono::{DateTime, Utc};
use event::{Scope, Severity, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::{Order, QueryOrder as _, QuerySelect as _};

use super::row::alert;
use super::{is_awake, row, within};
use crate::error::RespondError;
use crate::limits::OPEN_COUNTED_MAX;

/// Returns how many open alerts there are of each severity, each counted up to [`OPEN_COUNTED_MAX`]: every page
/// shows them. Those put aside until later are left out.
pub(crate) async fn open_counts(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<Vec<(Severity, u64)>, RespondError> {
    let mut counts = Vec::new();
    for severity in Severity::WORST_FIRST {
        let open = alert::Entity::find()
            .filter(within(scope, alert::Column::AgencyId))
            .filter(alert::Column::IsOpen.eq(true))
            .filter(alert::Column::Severity.eq(i16::from(severity.number())))
            .filter(is_awake(now));
        let key = alert::Column::Id;
        let count = db::counted(conn, open, key, OPEN_COUNTED_MAX).await?;
        counts.push((severity, count));
    }
    Ok(counts)
}

/// What the duty page's "top" lists count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopBy {
    /// Addresses that alerts are about.
    Sources,
    /// Systems that alerts hit.
    Targets,
}

/// Returns the most frequent addresses or systems of alerts since a moment, with how many.
pub(crate) async fn top(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    by: TopBy,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<(TopKey, u64)>, RespondError> {
    use alert::Column;
    let found = alert::Entity::find()
        .select_only()
        .filter(within(scope, Column::AgencyId))
        .filter(Column::LastAt.gte(since));
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let ordered = |found: Select<alert::Entity>| {
        found
            .column_as(Column::Id.count(), "alerts")
            .order_by(Expr::col("alerts"), Order::Desc)
            .limit(limit)
    };
    match by {
        TopBy::Sources => {
            let found = found
                .column(Column::EntityValue)
                .filter(Column::EntityKind.eq("src_ip"))
                .group_by(Column::EntityValue);
            let rows: Vec<(String, i64)> = ordered(found).into_tuple().all(conn).await?;
            Ok(rows.into_iter().map(|(value, n)| (TopKey::Address(value), count(n))).collect())
        }
        TopBy::Targets => {
            let found = found
                .column(Column::SystemId)
                .filter(Column::SystemId.is_not_null())
                .group_by(Column::SystemId);
            let rows: Vec<(Uuid, i64)> = ordered(found).into_tuple().all(conn).await?;
            let key = |id| TopKey::System(SystemId::from_uuid(id));
            Ok(rows.into_iter().map(|(id, n)| (key(id), count(n))).collect())
        }
    }
}

/// What a line of a "top" list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TopKey {
    /// A remote address.
    Address(String),
    /// A system.
    System(SystemId),
}

/// Returns how many alerts of each severity were made in each quarter of an hour since a moment,
/// as (quarters since the one of that moment, severity, count).
pub(crate) async fn detections(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    since: DateTime<Utc>,
) -> Result<Vec<(usize, Severity, u64)>, RespondError> {
    let first = row::quarter(since);
    let rows: Vec<(i32, i16, i64)> = alert::Entity::find()
        .select_only()
        .column(alert::Column::DetectedQuarter)
        .column(alert::Column::Severity)
        .column_as(alert::Column::Id.count(), "alerts")
        .filter(within(scope, alert::Column::AgencyId))
        .filter(alert::Column::DetectedQuarter.gte(first))
        .group_by(alert::Column::DetectedQuarter)
        .group_by(alert::Column::Severity)
        .into_tuple()
        .all(conn)
        .await?;
    let counted = |(quarter, severity, count): (i32, i16, i64)| {
        let place = usize::try_from(quarter - first).ok()?;
        Some((place, row::severity(severity)?, u64::try_from(count).ok()?))
    };
    Ok(rows.into_iter().filter_map(counted).collect())
}

/// Returns how many alerts since a moment each rule has, the most first.
pub(crate) async fn per_rule(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    since: DateTime<Utc>,
) -> Result<Vec<(String, u64)>, RespondError> {
    let rows: Vec<(String, i64)> = alert::Entity::find()
        .select_only()
        .column(alert::Column::Rule)
        .column_as(alert::Column::Id.count(), "alerts")
        .filter(within(scope, alert::Column::AgencyId))
        .filter(alert::Column::LastAt.gte(since))
        .group_by(alert::Column::Rule)
        .into_tuple()
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|(rule, n)| (rule, u64::try_from(n).unwrap_or(0))).collect())
}
