//! The table `delegation`. Every function takes the account whose rows they are.

use chrono::{DateTime, Utc};
use db::DbError;
use event::AccountId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::super::rows::{delegation, session};

/// Most delegations listed: more than anyone gives and takes in a year.
const LISTED_MAX: u64 = 100;

pub(super) async fn insert(
    conn: &impl ConnectionTrait,
    row: delegation::Model,
) -> Result<(), DbError> {
    delegation::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns those an account gave or got, the newest first.
pub(super) async fn of(
    conn: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Vec<delegation::Model>, DbError> {
    let own = Condition::any()
        .add(delegation::Column::FromAccount.eq(account.uuid()))
        .add(delegation::Column::ToAccount.eq(account.uuid()));
    let found = delegation::Entity::find()
        .filter(own)
        .order_by_desc(delegation::Column::CreatedAt)
        .limit(LISTED_MAX);
    Ok(found.all(conn).await?)
}

/// Returns one that an account may act on now.
pub(super) async fn in_force(
    conn: &impl ConnectionTrait,
    to: AccountId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<delegation::Model>, DbError> {
    let found = delegation::Entity::find_by_id(id)
        .filter(delegation::Column::ToAccount.eq(to.uuid()))
        .filter(delegation::Column::RevokedAt.is_null())
        .filter(delegation::Column::StartsAt.lte(now))
        .filter(delegation::Column::EndsAt.gt(now));
    Ok(found.one(conn).await?)
}

/// Takes one back; returns whether the account had given it and it was still to end.
pub(super) async fn revoke(
    conn: &impl ConnectionTrait,
    from: AccountId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let revoked = delegation::Entity::update_many()
        .col_expr(delegation::Column::RevokedAt, Expr::value(Some(now)))
        .filter(delegation::Column::Id.eq(id))
        .filter(delegation::Column::FromAccount.eq(from.uuid()))
        .filter(delegation::Column::RevokedAt.is_null())
        .filter(delegation::Column::EndsAt.gt(now))
        .exec(conn)
        .await?;
    Ok(revoked.rows_affected == 1)
}

/// Lets a session act on a delegation, or on its own again.
pub(super) async fn act(
    conn: &impl ConnectionTrait,
    session_hash: &str,
    on: Option<Uuid>,
) -> Result<(), DbError> {
    session::Entity::update_many()
        .col_expr(session::Column::ActingOn, Expr::value(on))
        .filter(session::Column::IdHash.eq(session_hash))
        .exec(conn)
        .await?;
    Ok(())
}
