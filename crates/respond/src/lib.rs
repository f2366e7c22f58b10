//! What people do with a finding: alerts, exceptions, incidents, the search, the rules as people see
//! them, and the duty page over all of it.
//!
//! Findings come in through [`alert::receive`]; everything else is pages. The crate knows neither
//! the lake nor the detection engine: it asks through [`event::LakeReader`] and
//! [`rule::RuleCatalogue`], and learns names and phones from a [`Directory`].

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

pub mod alert;
pub mod duty;
pub mod exception;
pub mod incident;
pub mod rule;
pub mod search;

mod actor;
mod address;
mod desk;
mod directory;
mod error;
mod event_line;
mod file;
mod limits;
mod live;
#[cfg(test)]
mod testing;

use web::Routes;

pub use actor::Handler;
pub use desk::Desk;
pub use directory::{
    AgencyCard, Coverage, Directory, MinuteCount, Named, SilentSource, SystemCard,
};
pub use error::RespondError;
pub use live::Hub;

/// Returns all routes of this crate.
pub fn routes(desk: Desk) -> Routes {
    duty::routes()
        .merge(alert::routes())
        .merge(incident::routes())
        .merge(search::routes())
        .merge(rule::routes())
        .merge(exception::routes())
        .with_state(desk)
}
