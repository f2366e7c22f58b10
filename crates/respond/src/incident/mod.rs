//! Incidents: made of alerts by one press, worked on, closed with cause, impact and lessons.

mod actions;
mod model;
mod store;

pub use model::{Findings, Incident, IncidentStateError, IncidentStatus};
