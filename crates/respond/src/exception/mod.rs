//! Exceptions: known and harmless cases of a rule, hidden for a time, counted all the while. The centre
//! makes them; an agency's officer proposes one for their own systems, and the centre approves it.

mod actions;
mod model;
mod routes;
mod store;
mod views;

pub(crate) use actions::MakeProposed;
#[cfg(test)]
pub(crate) use actions::{end, make, preview};
pub(crate) use model::Filter;
pub use model::{Draft, Exception, ExceptionError};
pub(crate) use routes::routes;
#[cfg(test)]
pub(crate) use store::get;
pub(crate) use store::{count_hidden, filters};
pub use views::{ExceptionForm, ExceptionList, ExceptionRow};
