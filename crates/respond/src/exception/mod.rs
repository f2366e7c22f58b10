//! Exceptions: known and harmless cases of a rule, hidden for a time, counted all the while.

mod actions;
mod model;
mod routes;
mod store;
mod views;

#[cfg(test)]
pub(crate) use actions::{end, make, preview};
pub(crate) use model::Filter;
pub use model::{Draft, Exception, ExceptionError};
pub(crate) use routes::routes;
#[cfg(test)]
pub(crate) use store::get;
pub(crate) use store::{count_hidden, filters};
pub use views::{ExceptionForm, ExceptionList, ExceptionRow};
