//! The incident's room: tasks, observables, comments with mentions, linked searches; merging and splitting.
//!
//! A merge moves nothing: the merged incident points to the survivor, whose pages read the whole family
//! ([`crate::incident::family`]). Only moments, systems, severity, circumstances and clocks are joined, and
//! what they were before stands in `incident_link`, so that a merge can be undone.

mod actions;
mod kin;
mod mention;
mod model;
mod pages;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;
mod watch;
mod work;

pub(crate) use actions::{give, keep_search};
#[cfg(test)]
pub(crate) use actions::{observe, set_task};
pub(crate) use model::{NewTask, task_lines};
pub(crate) use pages::{alerts_href, head, of_incident, shown_observables};
pub(crate) use routes::routes;
pub(crate) use store::set_due;
pub use views::{
    ClosingPage, CommentRow, IncidentAlertsPage, ObservableRow, ObservablesPage, SearchRow, TaskRow,
};
pub use work::RoomWork;
