//! Incidents: made of alerts by one press, worked on, closed with cause, impact and lessons.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use actions::{add_reminder, add_step, open, told};
pub use model::{Findings, Incident, IncidentStateError, IncidentStatus};
pub(crate) use routes::{moment, routes};
pub(crate) use store::{
    IncidentFilter, changes_since, detected_between, get, get_for_change, list, number_of,
    open_count, save_moments,
};
pub use views::{IncidentList, IncidentPage, IncidentRow};
