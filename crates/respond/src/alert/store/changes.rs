//! What became of alerts since a moment, in numbers: what one shift tells the next.

use chrono::{DateTime, Utc};
use event::Scope;
use sea_orm::entity::prelude::*;

use super::row::alert::{Column, Entity};
use super::within;
use crate::error::RespondError;

/// Returns how many alerts are open.
pub(crate) async fn open_count(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<u64, RespondError> {
    let open = within(scope, Column::AgencyId).add(Column::IsOpen.eq(true));
    Ok(Entity::find().filter(open).count(conn).await?)
}

/// Returns how many alerts were made since a moment, and how many have been closed since and still are.
pub(crate) async fn changes_since(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    since: DateTime<Utc>,
) -> Result<(u64, u64), RespondError> {
    let made = within(scope, Column::AgencyId).add(Column::DetectedAt.gte(since));
    let closed = within(scope, Column::AgencyId)
        .add(Column::IsOpen.eq(false))
        .add(Column::ChangedAt.gte(since));
    let made = Entity::find().filter(made).count(conn).await?;
    Ok((made, Entity::find().filter(closed).count(conn).await?))
}
