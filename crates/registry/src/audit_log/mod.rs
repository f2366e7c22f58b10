//! The page of the audit log.

mod routes;
mod views;
mod words;

pub(crate) use routes::routes;
pub use words::action as action_key;
