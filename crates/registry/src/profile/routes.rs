//! Addresses of profiles.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::SystemId;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, View, Who, done};

use super::actions::{self, CriticalMark, Reviewed};
use super::model::Profile;
use super::store;
use super::views::ProfilePage;
use crate::{Registry, agency_choices, failed, forms, system, today};

/// Returns the routes of profiles.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{SystemChange, SystemDecide, SystemRead};
    Routes::new()
        .get("/systems/{id}/profile", SystemRead, page)
        .doc("Shows the profile of a system and the level that the law gives to it")
        .gives::<ProfilePage>()
        .post("/systems/{id}/profile", SystemChange, update)
        .doc("Changes the profile of a system")
        .takes::<Profile>()
        .post("/systems/{id}/propose", SystemChange, propose)
        .doc("Proposes the level for facts without keeping them")
        .takes::<Profile>()
        .gives::<ProfilePage>()
        .post("/systems/{id}/level-review", SystemChange, review)
        .doc("Says that a level in doubt stays as it is, and why")
        .takes::<Reviewed>()
        .post("/systems/{id}/critical", SystemDecide, critical)
        .doc("Puts a system on the list of critical ones, or takes it off")
        .takes::<CriticalMark>()
}

async fn page(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
) -> Result<View<ProfilePage>, AppError> {
    Ok(View::new(shown(&registry, &who, id, None).await?))
}

async fn shown(
    registry: &Registry,
    who: &Who,
    id: SystemId,
    typed: Option<Profile>,
) -> Result<ProfilePage, AppError> {
    let system = system::found(registry, who, id).await?;
    let profile = store::of(registry.db.conn(), &system).await.map_err(failed)?;
    let unsaved = typed.is_some();
    let facts = typed.unwrap_or_else(|| profile.facts.clone());
    let operator = facts.operator_agency;
    let day = today(registry);
    let mut page = ProfilePage::new(&system, profile, facts, (day, who.lang));
    page.lists.operators = agency_choices(&registry.directory.snapshot(), who, operator);
    page.unsaved = unsaved;
    Ok(page)
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(facts): Body<Profile>,
) -> Result<Response, AppError> {
    match actions::update(&registry, &who, id, facts.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let mut page = shown(&registry, &who, id, Some(facts)).await?;
            forms::again(&who, error, |errors| {
                page.errors = errors;
                page
            })
        }
        Err(error) => Err(error),
    }
}

async fn propose(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(facts): Body<Profile>,
) -> Result<View<ProfilePage>, AppError> {
    Ok(View::new(shown(&registry, &who, id, Some(facts)).await?))
}

async fn review(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(given): Body<Reviewed>,
) -> Result<Done, AppError> {
    actions::review(&registry, &who, id, given).await?;
    Ok(saved(id))
}

async fn critical(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(mark): Body<CriticalMark>,
) -> Result<Done, AppError> {
    actions::mark_critical(&registry, &who, id, mark).await?;
    Ok(saved(id))
}

fn saved(id: SystemId) -> Done {
    done(format!("/systems/{id}")).notice(Phrase::key("registry-saved"))
}
