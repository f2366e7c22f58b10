//! The profile of an information system: everything that the level dossier and form 08 ask for beyond
//! its head (`system`). The level is proposed from it; a change that could alter the level flags it.
//!
//! Decisions and documents are papers (`gate`); the dossier's workflow lives elsewhere and reads both.

mod actions;
mod model;
mod routes;
mod store;
mod views;

pub use model::{Profile, SystemProfile};
pub use store::of;

pub(crate) use actions::insert_first;
#[cfg(test)]
pub(crate) use actions::update;
pub(crate) use routes::routes;
pub(crate) use store::{of_all, write};
pub(crate) use views::{iso, proposal_of};

#[cfg(test)]
mod tests;
