//! The tables `push_device` and `push_key`: browsers that people subscribed, and the key that they did it
//! with.

use chrono::{DateTime, Utc};
use db::DbError;
use event::AccountId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

pub(in super::super) use super::super::rows::device::Model as Device;
use super::super::rows::device::{Column, Entity};
use super::super::rows::push_key;

/// The name of the one key.
const VAPID: &str = "vapid";

/// Returns the secret half of the key; nothing before it is made.
pub(in super::super) async fn key(conn: &impl ConnectionTrait) -> Result<Option<Vec<u8>>, DbError> {
    Ok(push_key::Entity::find_by_id(VAPID).one(conn).await?.map(|row| row.secret))
}

/// Keeps the key, unless there is one.
pub(in super::super) async fn keep_key(
    conn: &impl ConnectionTrait,
    secret: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = push_key::Model { name: VAPID.to_owned(), secret, made_at: now };
    push_key::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(push_key::Column::Name).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Keeps a browser's subscription. One subscription is one person's: who subscribes last has it.
pub(in super::super) async fn put(
    conn: &impl ConnectionTrait,
    device: Device,
) -> Result<(), DbError> {
    Entity::delete_many().filter(Column::Endpoint.eq(&device.endpoint)).exec(conn).await?;
    Entity::insert(device.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns someone's browsers, the first subscribed first.
pub(in super::super) async fn of(
    conn: &impl ConnectionTrait,
    account: Uuid,
) -> Result<Vec<Device>, DbError> {
    let found = Entity::find()
        .filter(Column::AccountId.eq(account))
        .order_by_asc(Column::MadeAt)
        .order_by_asc(Column::Id);
    Ok(found.all(conn).await?)
}

/// Returns who has a browser at all.
pub(in super::super) async fn owners(conn: &impl ConnectionTrait) -> Result<Vec<Uuid>, DbError> {
    let found = Entity::find().select_only().column(Column::AccountId).distinct();
    Ok(found.into_tuple().all(conn).await?)
}

/// Returns how many browsers someone has.
pub(in super::super) async fn count(
    conn: &impl ConnectionTrait,
    account: AccountId,
) -> Result<u64, DbError> {
    Ok(Entity::find().filter(Column::AccountId.eq(account.uuid())).count(conn).await?)
}

/// Notes that a browser's service took a message over.
pub(in super::super) async fn taken(
    conn: &impl ConnectionTrait,
    device: Uuid,
    message: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::LastMessage, Expr::value(Some(message)))
        .col_expr(Column::LastAt, Expr::value(Some(now)))
        .filter(Column::Id.eq(device))
        .exec(conn)
        .await?;
    Ok(())
}

/// Forgets a browser.
pub(in super::super) async fn remove(
    conn: &impl ConnectionTrait,
    device: Uuid,
) -> Result<(), DbError> {
    Entity::delete_by_id(device).exec(conn).await?;
    Ok(())
}

/// Forgets one of someone's own browsers; returns its name, if it was theirs.
pub(in super::super) async fn remove_own(
    conn: &impl ConnectionTrait,
    account: AccountId,
    device: Uuid,
) -> Result<Option<String>, DbError> {
    let own = Entity::find_by_id(device).filter(Column::AccountId.eq(account.uuid()));
    let Some(found) = own.one(conn).await? else { return Ok(None) };
    remove(conn, device).await?;
    Ok(Some(found.name))
}
