//! The table `passkey`. Every function takes the account or the credential whose rows they are.

use chrono::{DateTime, Utc};
use db::DbError;
use event::AccountId;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::super::rows::passkey;

/// Most passkeys of an account: a phone, two keys and some computers.
pub(super) const PER_ACCOUNT_MAX: u64 = 20;

pub(super) async fn of(
    conn: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Vec<passkey::Model>, DbError> {
    let own = passkey::Entity::find()
        .filter(passkey::Column::AccountId.eq(account.uuid()))
        .order_by_asc(passkey::Column::CreatedAt)
        .limit(PER_ACCOUNT_MAX);
    Ok(own.all(conn).await?)
}

pub(super) async fn count(conn: &impl ConnectionTrait, account: Uuid) -> Result<u64, DbError> {
    let own = passkey::Entity::find().filter(passkey::Column::AccountId.eq(account));
    Ok(own.count(conn).await?)
}

pub(super) async fn by_credential(
    conn: &impl ConnectionTrait,
    account: Uuid,
    credential_id: &str,
) -> Result<Option<passkey::Model>, DbError> {
    let found = passkey::Entity::find()
        .filter(passkey::Column::AccountId.eq(account))
        .filter(passkey::Column::CredentialId.eq(credential_id));
    Ok(found.one(conn).await?)
}

pub(super) async fn insert(
    conn: &impl ConnectionTrait,
    row: passkey::Model,
) -> Result<(), DbError> {
    passkey::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Notes that a passkey was used, with its new counter.
pub(super) async fn used(
    conn: &impl ConnectionTrait,
    row: passkey::Model,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let changed = passkey::Model { last_used_at: Some(now), ..row }.into_active_model().reset_all();
    passkey::Entity::update(changed).exec(conn).await?;
    Ok(())
}

/// Removes one; returns whether the account had it.
pub(super) async fn remove(
    conn: &impl ConnectionTrait,
    account: AccountId,
    id: Uuid,
) -> Result<bool, DbError> {
    let removed = passkey::Entity::delete_many()
        .filter(passkey::Column::AccountId.eq(account.uuid()))
        .filter(passkey::Column::Id.eq(id))
        .exec(conn)
        .await?;
    Ok(removed.rows_affected == 1)
}

pub(super) async fn remove_all(conn: &impl ConnectionTrait, account: Uuid) -> Result<(), DbError> {
    passkey::Entity::delete_many()
        .filter(passkey::Column::AccountId.eq(account))
        .exec(conn)
        .await?;
    Ok(())
}
