//! Information systems: what is protected. Each belongs to one agency and has a legal level 1 to 5.

mod actions;
mod model;
mod routes;
mod standing;
mod store;
mod views;

pub(crate) use actions::of_draft;
#[cfg(test)]
pub(crate) use actions::{create, update as change};
pub use model::{System, SystemDraft, SystemFilter, SystemState};
pub(crate) use model::{check_nets, net_text};
pub(crate) use routes::{found, levels, routes, rows_of_agency};
pub(crate) use store::{all, by_id, delete, insert, move_all, update};
pub(crate) use views::SystemRow;

#[cfg(test)]
mod tests;
