//! Counting up to a limit: a number that stands on every page must not cost a walk through a million rows.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Func, Query};
use sea_orm::{QuerySelect as _, QueryTrait as _};

/// Returns how many rows a question has, counted by their key up to a limit.
///
/// # Errors
///
/// When the database does not answer.
pub async fn counted<E: EntityTrait>(
    conn: &impl ConnectionTrait,
    question: Select<E>,
    key: E::Column,
    limit: u64,
) -> Result<u64, DbErr> {
    let ids = question.select_only().column_as(key, "id").limit(limit).into_query();
    let count = Query::select()
        .expr_as(Func::count(Expr::col("id")), "rows")
        .from_subquery(ids, "some")
        .to_owned();
    let row = conn.query_one(&count).await?;
    let rows: i64 = row.map_or(Ok(0), |row| row.try_get("", "rows"))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}
