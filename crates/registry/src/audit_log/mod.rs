//! The page of the audit log.

mod routes;
mod views;
mod words;

pub(crate) use routes::routes;
pub(crate) use words::action as action_key;
