//! Agencies: departments, communes, hospitals, schools, state firms; a tree under the province.
//!
//! An agency is never removed: it is closed (`valid_to`), because alerts, systems and reports of its
//! time still name it. A new name leaves the old one with its days, so that what is printed of that
//! time carries the name of that time.

mod actions;
mod contact;
mod history;
mod model;
mod routes;
mod store;
mod tree;
mod views;

pub(crate) use actions::{agency_of, fill};
pub use contact::{Contact, ContactState};
pub use history::FormerName;
pub use model::{Agency, AgencyDraft, AgencyFilter, AgencyKind, is_identifier};
pub(crate) use routes::routes;
pub use store::successors;
pub(crate) use store::{all, by_id, delete, former_names, insert, update};

#[cfg(test)]
mod tests;
