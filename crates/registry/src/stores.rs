//! What the stores of all slices do alike: reading within a scope, a part of a list, writing over the
//! version that a change was made from.

use db::DbError;
use event::{AgencyId, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{IntoActiveModel, QuerySelect as _};

/// Begins a read: what lies outside the scope does not exist. The column says whose a row is.
pub(crate) fn within<E: EntityTrait>(scope: &Scope, agency: E::Column) -> Select<E> {
    match seen(scope, agency) {
        None => E::find(),
        Some(own) => E::find().filter(own),
    }
}

/// Returns the condition of what lies inside the scope; nothing for the whole province.
pub(crate) fn seen(scope: &Scope, agency: impl ColumnTrait) -> Option<Expr> {
    scope.visible().map(|visible| agency.is_in(visible.iter().map(|agency| agency.uuid())))
}

/// Returns a part of an ordered list, and how long the whole list is.
pub(crate) async fn part<E, T>(
    conn: &impl ConnectionTrait,
    query: Select<E>,
    (offset, limit): (u64, u64),
) -> Result<(Vec<T>, u64), DbError>
where
    E: EntityTrait,
    E::Model: Send + Sync,
    T: From<E::Model>,
{
    let total = query.clone().count(conn).await?;
    let rows = query.offset(offset).limit(limit).all(conn).await?;
    Ok((rows.into_iter().map(T::from).collect(), total))
}

/// Adds a row.
pub(crate) async fn insert<M, E>(conn: &impl ConnectionTrait, row: M) -> Result<(), DbError>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel> + ModelTrait<Entity = E>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let row = row.into_active_model().reset_all();
    E::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Writes a row over its former version; says whether that version still stood.
pub(crate) async fn overwrite<M, E>(
    conn: &impl ConnectionTrait,
    row: M,
    (id, version): (E::Column, E::Column),
) -> Result<bool, DbError>
where
    E: EntityTrait<Model = M>,
    M: IntoActiveModel<E::ActiveModel> + ModelTrait<Entity = E>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let (of, was) = (row.get(id), row.get(version));
    let Value::Int(Some(number)) = was else { return Ok(false) };
    let mut row = row.into_active_model().reset_all();
    row.try_set(version, (number + 1).into())?;
    let done =
        E::update_many().set(row).filter(id.eq(of)).filter(version.eq(number)).exec(conn).await?;
    Ok(done.rows_affected == 1)
}

/// Gives every row of an agency to another; returns how many. A form made before that is refused, if
/// rows count their changes.
pub(crate) async fn move_all<E: EntityTrait>(
    conn: &impl ConnectionTrait,
    (agency, version): (E::Column, Option<E::Column>),
    (from, to): (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let mut moved =
        E::update_many().col_expr(agency, Expr::value(to.uuid())).filter(agency.eq(from.uuid()));
    if let Some(version) = version {
        moved = moved.col_expr(version, Expr::col(version).add(1));
    }
    Ok(moved.exec(conn).await?.rows_affected)
}
