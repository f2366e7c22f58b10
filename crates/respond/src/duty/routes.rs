//! The duty page's route.

use axum::extract::State;
use web::{AppError, Permission, Routes, View, Who};

use super::pages;
use super::views::DutyPage;
use crate::desk::Desk;

/// Returns the routes of the duty page.
pub(crate) fn routes() -> Routes<Desk> {
    Routes::new()
        .get("/duty", Permission::DutyRead, duty)
        .doc("Shows what burns, what is silent and what waits for the reader")
        .gives::<DutyPage>()
}

async fn duty(State(desk): State<Desk>, who: Who) -> Result<View<DutyPage>, AppError> {
    Ok(View::new(pages::duty(&desk, &who).await?))
}
