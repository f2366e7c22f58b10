//! Addresses of holds: two presses on an incident's page.

use axum::extract::State;
use event::IncidentId;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, Who, done};

use super::actions;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::incident::moment;

/// Returns the routes of holds.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::IncidentHandle;
    Routes::new()
        .post("/incidents/{id}/hold", IncidentHandle, set)
        .doc("Holds the logs of the incident's systems: nothing of them is deleted")
        .takes::<HoldForm>()
        .post("/incidents/{id}/hold/lift", IncidentHandle, lift)
        .doc("Lifts the hold")
        .takes::<LiftForm>()
}

/// A hold to be set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldForm {
    /// Why.
    #[serde(default)]
    reason: String,
    /// From which moment on (Vietnam's clock, `2026-11-22T14:05`); empty is 90 days before the
    /// incident's first sign.
    #[serde(default)]
    from: String,
}

/// A hold to be lifted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LiftForm {
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn set(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<HoldForm>,
) -> Result<Done, AppError> {
    let from = moment(&form.from)?;
    actions::set(&desk, &Handler::from(&who), id, from, &form.reason).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-hold")))
}

async fn lift(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<LiftForm>,
) -> Result<Done, AppError> {
    actions::lift(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-hold-lifted")))
}
