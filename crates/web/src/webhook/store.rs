//! The tables `webhook` and `webhook_delivery`.

use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::model::Hook;
use super::rows::{delivery, webhook};
use crate::paging::Page;

/// Returns all hooks, by name.
pub(super) async fn all(conn: &impl ConnectionTrait) -> Result<Vec<Hook>, DbError> {
    let rows = webhook::Entity::find().order_by_asc(webhook::Column::Name).all(conn).await?;
    Ok(rows.into_iter().map(Hook::from).collect())
}

/// Returns a hook.
pub(super) async fn get(conn: &impl ConnectionTrait, id: Uuid) -> Result<Option<Hook>, DbError> {
    Ok(webhook::Entity::find_by_id(id).one(conn).await?.map(Hook::from))
}

/// Keeps a new hook.
pub(super) async fn insert(conn: &impl ConnectionTrait, hook: &Hook) -> Result<(), DbError> {
    let row = webhook::Model::from(hook).into_active_model();
    webhook::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Keeps what people changed of a hook; how far it is stays as it is.
pub(super) async fn change(conn: &impl ConnectionTrait, hook: &Hook) -> Result<(), DbError> {
    webhook::Entity::update_many()
        .col_expr(webhook::Column::Name, Expr::value(hook.name.as_str()))
        .col_expr(webhook::Column::Url, Expr::value(hook.url.as_str()))
        .col_expr(webhook::Column::Secret, Expr::value(hook.secret.as_str()))
        .col_expr(webhook::Column::Actions, Expr::value(serde_json::json!(hook.actions)))
        .col_expr(webhook::Column::AccountId, Expr::value(hook.account.uuid()))
        .col_expr(webhook::Column::PausedAt, Expr::value(hook.paused_at))
        .col_expr(webhook::Column::PausedWhy, Expr::value(hook.paused_why.as_str()))
        .col_expr(webhook::Column::Failures, Expr::value(hook.failures))
        .col_expr(webhook::Column::FailingSince, Expr::value(hook.failing_since))
        .col_expr(webhook::Column::NextAt, Expr::value(hook.next_at))
        .filter(webhook::Column::Id.eq(hook.id))
        .exec(conn)
        .await?;
    Ok(())
}

/// Removes a hook with what is known of its messages.
pub(super) async fn delete(conn: &impl ConnectionTrait, id: Uuid) -> Result<(), DbError> {
    webhook::Entity::delete_by_id(id).exec(conn).await?;
    Ok(())
}

/// Returns the hooks that nobody has in hand and whose wait is over.
pub(super) async fn due(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<Hook>, DbError> {
    let past =
        |column: webhook::Column| Condition::any().add(column.is_null()).add(column.lte(now));
    let rows = webhook::Entity::find()
        .filter(webhook::Column::PausedAt.is_null())
        .filter(past(webhook::Column::NextAt))
        .filter(past(webhook::Column::HeldUntil))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Hook::from).collect())
}

/// Takes a hook in hand until a moment; says whether nobody else had it.
pub(super) async fn hold(
    conn: &impl ConnectionTrait,
    id: Uuid,
    (now, lease): (DateTime<Utc>, TimeDelta),
) -> Result<bool, DbError> {
    let free = Condition::any()
        .add(webhook::Column::HeldUntil.is_null())
        .add(webhook::Column::HeldUntil.lte(now));
    let done = webhook::Entity::update_many()
        .col_expr(webhook::Column::HeldUntil, Expr::value(Some(now + lease)))
        .filter(webhook::Column::Id.eq(id))
        .filter(free)
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes how far a hook is and how it does; `lease` keeps it in hand, `None` lets it go. A hook that was
/// paused meanwhile stays so.
pub(super) async fn note(
    conn: &impl ConnectionTrait,
    hook: &Hook,
    held_until: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    webhook::Entity::update_many()
        .col_expr(webhook::Column::Seq, Expr::value(hook.seq))
        .col_expr(webhook::Column::Failures, Expr::value(hook.failures))
        .col_expr(webhook::Column::FailingSince, Expr::value(hook.failing_since))
        .col_expr(webhook::Column::NextAt, Expr::value(hook.next_at))
        .col_expr(webhook::Column::LastOkAt, Expr::value(hook.last_ok_at))
        .col_expr(webhook::Column::LastError, Expr::value(hook.last_error.as_str()))
        .col_expr(webhook::Column::HeldUntil, Expr::value(held_until))
        .filter(webhook::Column::Id.eq(hook.id))
        .exec(conn)
        .await?;
    Ok(())
}

/// Makes a hook deal with an entry no more: it is passed over.
pub(super) async fn pass(
    conn: &impl ConnectionTrait,
    id: Uuid,
    (from, to): (i64, i64),
) -> Result<bool, DbError> {
    let done = webhook::Entity::update_many()
        .col_expr(webhook::Column::Seq, Expr::value(to))
        .col_expr(webhook::Column::NextAt, Expr::value(None::<DateTime<Utc>>))
        .filter(webhook::Column::Id.eq(id))
        .filter(webhook::Column::Seq.eq(from))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes an attempt.
pub(super) async fn tried(
    conn: &impl ConnectionTrait,
    row: delivery::Model,
) -> Result<(), DbError> {
    let conflict = OnConflict::columns([delivery::Column::WebhookId, delivery::Column::Seq])
        .update_columns([
            delivery::Column::Attempts,
            delivery::Column::Status,
            delivery::Column::Error,
            delivery::Column::TriedAt,
            delivery::Column::TakenAt,
        ])
        .to_owned();
    delivery::Entity::insert(row.into_active_model())
        .on_conflict(conflict)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Returns the messages of a hook, the newest first, and how many there are.
pub(super) async fn deliveries(
    conn: &impl ConnectionTrait,
    id: Uuid,
    page: Page,
) -> Result<(Vec<delivery::Model>, u64), DbError> {
    let query = delivery::Entity::find().filter(delivery::Column::WebhookId.eq(id));
    let total = query.clone().count(conn).await?;
    let rows = query
        .order_by_desc(delivery::Column::Seq)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    Ok((rows, total))
}

/// Forgets attempts made before a moment; returns how many.
pub(super) async fn forget(
    conn: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<u64, DbError> {
    let old = delivery::Column::TriedAt.lt(before);
    Ok(delivery::Entity::delete_many().filter(old).exec(conn).await?.rows_affected)
}
