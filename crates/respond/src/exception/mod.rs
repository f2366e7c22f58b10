//! Exceptions: known and harmless cases of a rule, hidden for a time, counted all the while.

mod actions;
mod model;
mod store;

pub use model::{Draft, Exception, ExceptionError};
pub(crate) use model::Filter;
pub(crate) use store::{count_hidden, filters};
#[cfg(test)]
pub(crate) use actions::{end, make, preview};
#[cfg(test)]
pub(crate) use store::get;
