//! Who must be told of an incident, by when, and under which law: the clocks that run on it.
//!
//! Obligations are data with validity dates ([`Obligations`], `content/obligations.toml`). What an
//! incident owes follows from its two moments and its circumstances; it is stored as deadlines, so
//! that "what is due in the province" is one indexed read, and computed anew by every change.

mod actions;
mod book;
mod model;
mod reminder;
mod routes;
mod store;
mod views;

#[cfg(test)]
mod tests;

pub use book::{Obligations, ObligationsError};
pub use reminder::remind;
pub use views::{DeadlineList, DeadlineRow};

pub(crate) use actions::{
    MovedBy, add_circumstances, answer, is_occurrence_set, note_moves, presume, recompute,
    set_circumstances,
};
#[cfg(test)]
pub(crate) use actions::{fulfil, open_reports};
pub(crate) use model::Circumstance;
pub(crate) use routes::routes;
pub(crate) use store::{
    circumstances, give_back, nearest, of_incident, of_incidents, open, rest, take_over, wake,
};
pub(crate) use views::ClockPanel;
