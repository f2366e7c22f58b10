//! Agencies: departments, communes, hospitals, schools, state firms; a tree under the province.
//!
//! An agency is never removed: it is closed (`valid_to`), because alerts, systems and reports of its
//! time still name it.

mod actions;
mod model;
mod routes;
mod store;
mod views;

pub use model::{Agency, AgencyDraft, AgencyFilter, AgencyKind};
pub(crate) use routes::routes;
pub(crate) use store::{all, by_id, insert};

#[cfg(test)]
mod tests;
