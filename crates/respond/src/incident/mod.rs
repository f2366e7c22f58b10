//! Incidents: made of alerts by one press, worked on, closed with cause, impact and lessons.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

#[cfg(test)]
pub(crate) use actions::note;
pub(crate) use actions::{Reported, add_reminder, add_step, open, open_reported, told};
pub(crate) use model::EntryKind;
pub use model::{Findings, Incident, IncidentStateError, IncidentStatus};
pub(crate) use routes::{moment, routes};
pub(crate) use store::{
    IncidentFilter, changes_since, counts, detected_between, get, get_for_change, list, number_of,
    open_count, save_moments, timeline,
};
pub use views::{IncidentList, IncidentPage, IncidentRow};
