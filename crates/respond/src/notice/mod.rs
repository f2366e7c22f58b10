//! What an agency's officer reports by six questions on a phone: it opens an incident of the
//! officer's own agency, gives its number back, and fills the first formal report.

mod actions;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

use serde::{Deserialize, Serialize};

pub(crate) use routes::routes;
pub(crate) use store::{Sent, of_incident, of_incidents};
pub use views::NoticeCard;
pub use views::{NoticeForm, NoticeReceipt, OnDuty};

/// The answers to the six questions, as they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// What happened.
    pub(crate) what: String,
    /// Which system, in the officer's words.
    pub(crate) place: String,
    /// What is affected.
    pub(crate) affected: String,
    /// What was done.
    pub(crate) done: String,
    /// Who to call.
    pub(crate) contact: String,
}
