//! Gathering the moments of incidents and the ends of their clocks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event::{IncidentId, Scope};
use sea_orm::ConnectionTrait;

use super::measure::{Clocks, Course};
use crate::error::RespondError;
use crate::{incident, obligation};

/// Returns the course of every incident in sight that was detected within a time.
pub(super) async fn courses(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    period: (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Vec<Course>, RespondError> {
    let incidents = incident::detected_between(conn, scope, period).await?;
    let ids: Vec<IncidentId> = incidents.iter().map(|one| one.id).collect();
    let mut clocks: BTreeMap<IncidentId, Clocks> = BTreeMap::new();
    for deadline in obligation::of_incidents(conn, &ids).await? {
        let told_at = deadline.fulfilled.map(|done| done.at);
        clocks.entry(deadline.incident).or_default().add(deadline.due_at, told_at, now);
    }
    let course = |one: incident::Incident| Course {
        agency: one.agency,
        severity: one.severity,
        occurred_at: one.occurred_at,
        detected_at: one.detected_at,
        opened_at: one.opened_at,
        contained_at: one.contained_at,
        closed_at: one.closed_at,
        clocks: clocks.get(&one.id).copied().unwrap_or_default(),
    };
    Ok(incidents.into_iter().map(course).collect())
}
