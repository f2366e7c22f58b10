//! Reads and binds accounts by the provider's subject.

use db::DbError;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, sea_query::Expr,
};
use uuid::Uuid;

use super::super::rows::account;

/// Returns the account that is bound to a subject.
pub(super) async fn by_subject(
    conn: &impl ConnectionTrait,
    subject: &str,
) -> Result<Option<account::Model>, DbError> {
    let bound = account::Entity::find().filter(account::Column::OidcSubject.eq(subject));
    Ok(bound.one(conn).await?)
}

/// Binds an account that is not bound yet; returns whether it was free.
pub(super) async fn bind(
    conn: &impl ConnectionTrait,
    account: Uuid,
    subject: &str,
) -> Result<bool, DbError> {
    let bound = account::Entity::update_many()
        .col_expr(account::Column::OidcSubject, Expr::value(Some(subject)))
        .filter(account::Column::Id.eq(account))
        .filter(account::Column::OidcSubject.is_null())
        .exec(conn)
        .await?;
    Ok(bound.rows_affected == 1)
}
