//! Incidents that were found to be one: who points to whom. Nothing is moved by a merge, so that it can be
//! undone; whoever reads the survivor reads the whole family.

use event::{IncidentId, Scope};
use sea_orm::QuerySelect as _;
use sea_orm::entity::prelude::*;

use super::store::row::{Column, Entity};
use crate::error::RespondError;

/// Incidents of one family that are read at once.
const FAMILY_MAX: u64 = 200;

/// Returns an incident, and those merged into it, however deep.
pub(crate) async fn family(
    conn: &impl ConnectionTrait,
    id: IncidentId,
) -> Result<Vec<IncidentId>, RespondError> {
    let mut all = vec![id];
    let mut last = vec![id.uuid()];
    while !last.is_empty() {
        let rows: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::MergedInto.is_in(last))
            .limit(FAMILY_MAX)
            .into_tuple()
            .all(conn)
            .await?;
        last = rows.into_iter().filter(|id| !all.contains(&IncidentId::from_uuid(*id))).collect();
        all.extend(last.iter().copied().map(IncidentId::from_uuid));
    }
    Ok(all)
}

/// Returns where work on an incident goes on: itself, or what it was merged into at last.
pub(crate) async fn survivor(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: IncidentId,
) -> Result<IncidentId, RespondError> {
    let mut now = super::store::get(conn, scope, id).await?;
    let mut seen = vec![now.id];
    while let Some(into) = now.merged_into.filter(|into| !seen.contains(into)) {
        seen.push(into);
        now = super::store::get(conn, scope, into).await?;
    }
    Ok(now.id)
}
