//! The page of the audit log.

mod routes;
mod views;

pub(crate) use routes::routes;
