//! Incidents: made of alerts by one press, worked on, closed with cause, impact and lessons.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use actions::open;
pub use model::{Findings, Incident, IncidentStateError, IncidentStatus};
pub(crate) use routes::routes;
pub(crate) use store::{IncidentFilter, list, number_of, open_count};
pub use views::{IncidentList, IncidentPage, IncidentRow};
