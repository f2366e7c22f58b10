//! The gate before operation: papers that a system has, what the law wants of it before it may run, and
//! overrides of that by a named person until a day.
//!
//! A paper is a record of a document that lies in the document system: number, issuer, day. The
//! dossier's workflow files its decisions here.

mod actions;
mod check;
mod model;
mod routes;
mod store;
mod views;

pub use check::{Lack, lacks};
pub use model::{Override, Paper, PaperDraft};

pub(crate) use actions::{check_running, record};
pub(crate) use routes::routes;
pub(crate) use store::{overrides_of_all, papers, papers_of_all};
pub(crate) use views::LackRow;

#[cfg(test)]
mod tests;
