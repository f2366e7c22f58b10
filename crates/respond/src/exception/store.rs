//! Reading and writing exceptions.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AgencyId, Finding, Scope, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ActiveValue::Set, Condition, QueryOrder as _, QuerySelect as _};

use super::model::{Exception, Filter};
use crate::alert::Reason;
use crate::error::RespondError;
use web::paging::Page;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert_exception")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub rule: String,
        pub agency_id: Option<Uuid>,
        pub system_id: Option<Uuid>,
        pub condition: String,
        pub reason: String,
        pub made_by: Uuid,
        pub made_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub ended_at: Option<DateTimeUtc>,
        pub hidden: i64,
        pub last_hidden_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

impl TryFrom<row::Model> for Exception {
    type Error = RespondError;

    fn try_from(row: row::Model) -> Result<Self, RespondError> {
        let bad = RespondError::BadRow { table: "alert_exception", column: "reason" };
        Ok(Self {
            id: row.id,
            rule: row.rule,
            agency: row.agency_id.map(AgencyId::from_uuid),
            system: row.system_id.map(SystemId::from_uuid),
            condition: row.condition,
            reason: Reason::new(&row.reason).ok_or(bad)?,
            made_by: AccountId::from_uuid(row.made_by),
            made_at: row.made_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
            hidden: u64::try_from(row.hidden).unwrap_or(0),
            last_hidden_at: row.last_hidden_at,
        })
    }
}

/// Returns the condition of scope: those of visible agencies, and those that cover every agency.
fn within(scope: &Scope) -> Condition {
    match scope.visible() {
        None => Condition::all(),
        Some(agencies) => Condition::any()
            .add(Column::AgencyId.is_null())
            .add(Column::AgencyId.is_in(agencies.iter().map(|id| id.uuid()))),
    }
}

/// Returns the exceptions in force that could hide one of these findings.
pub(crate) async fn filters(
    conn: &impl ConnectionTrait,
    findings: &[Finding],
    now: DateTime<Utc>,
) -> Result<Vec<Filter>, RespondError> {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    let rows = row::Entity::find()
        .filter(Column::Rule.is_in(rules))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .order_by_asc(Column::MadeAt)
        .limit(FILTERS_MAX)
        .all(conn)
        .await?;
    let mut filters = Vec::with_capacity(rows.len());
    for row in rows {
        filters.extend(Filter::of(&Exception::try_from(row)?, now));
    }
    Ok(filters)
}

/// Exceptions asked per batch: each is asked of each finding, so a runaway list must not stop the way.
const FILTERS_MAX: u64 = 2_000;

/// Adds to the count of what an exception has hidden.
pub(crate) async fn count_hidden(
    conn: &impl ConnectionTrait,
    id: Uuid,
    count: u64,
    now: DateTime<Utc>,
) -> Result<(), RespondError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    row::Entity::update_many()
        .col_expr(Column::Hidden, Expr::col(Column::Hidden).add(count))
        .col_expr(Column::LastHiddenAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns a page of exceptions, the newest first, and how many there are.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    rule: Option<&str>,
    page: Page,
) -> Result<(Vec<Exception>, u64), RespondError> {
    let mut found = row::Entity::find().filter(within(scope));
    if let Some(rule) = rule {
        found = found.filter(Column::Rule.eq(rule));
    }
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_desc(Column::MadeAt)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    let exceptions = rows.into_iter().map(Exception::try_from).collect::<Result<_, _>>()?;
    Ok((exceptions, total))
}

/// Returns one exception.
pub(crate) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Exception, RespondError> {
    let row = row::Entity::find_by_id(id).filter(within(scope)).one(conn).await?;
    row.ok_or(RespondError::NotFound)?.try_into()
}

/// Writes a new exception.
pub(crate) async fn insert(tx: &Tx, exception: &Exception) -> Result<(), RespondError> {
    let row = row::ActiveModel {
        id: Set(exception.id),
        rule: Set(exception.rule.clone()),
        agency_id: Set(exception.agency.map(AgencyId::uuid)),
        system_id: Set(exception.system.map(SystemId::uuid)),
        condition: Set(exception.condition.clone()),
        reason: Set(exception.reason.as_str().to_owned()),
        made_by: Set(exception.made_by.uuid()),
        made_at: Set(exception.made_at),
        expires_at: Set(exception.expires_at),
        ended_at: Set(None),
        hidden: Set(0),
        last_hidden_at: Set(None),
    };
    row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Ends an exception; returns whether it was still in force.
pub(crate) async fn end(tx: &Tx, id: Uuid) -> Result<bool, RespondError> {
    let changed = row::Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::EndedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected > 0)
}
