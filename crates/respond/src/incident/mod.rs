//! Incidents: made of alerts by one press, worked on, closed with cause, impact and lessons.

mod actions;
mod family;
mod list;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;
mod work;

pub(crate) use actions::{
    Reported, add_line, add_reminder, add_step, commit, number, open, open_reported, take_alerts,
    told,
};
#[cfg(test)]
pub(crate) use actions::{assign, close_with, note};
pub(crate) use family::{family, survivor};
pub(crate) use list::{IncidentFilter, list, open_count};
pub(crate) use model::EntryKind;
pub use model::{Findings, Incident, IncidentStateError, IncidentStatus};
pub(crate) use routes::normal_query;
#[cfg(test)]
pub(crate) use routes::page;
pub(crate) use routes::{moment, routes};
pub(crate) use store::{
    Novelty, by_number, changes_since, counts, detected_between, get, get_for_change, get_to_link,
    number_of, save, save_moments, timeline,
};
pub use views::{FindingsView, Head, IncidentList, IncidentPage, IncidentRow, Kin};
pub use work::IncidentWork;
