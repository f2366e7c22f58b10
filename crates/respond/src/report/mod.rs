//! Reports of incidents: drafted from the room, edited, approved by a second person, numbered and
//! frozen, printed as DOCX and PDF, sent, and filed back signed; sending one answers the obligations
//! whose report it is.

mod actions;
mod draft;
mod model;
mod print;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

pub use model::ReportError;
pub(crate) use routes::routes;
pub(crate) use store::{empty_row, next_in_rows};
pub use views::{ReportList, ReportPage, ReportRow};
