//! Looking back: a rule, some indicators, or all rules in force, over the lake's past. It runs as a job
//! with its progress and cost in sight; what it found is a list that can become alerts.
//!
//! Nothing alerts by itself: a new rule over thirty days may find a thousand old things, and a person
//! decides which of them are work.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;
mod work;

use std::fmt::Debug;

use event::query::Query;
use event::{Event, Finding};

use crate::rule::BadRule;

pub use model::Wanted;
pub(crate) use routes::routes;
pub use views::{LookBackList, LookBackPage, LookBackRow};
pub use work::LookBack;

/// The kind of its jobs.
pub(crate) const KIND: &str = "look-back";

/// What can be looked for in the past. This crate does not know `detect`; the application answers.
pub trait Bench: Send + Sync + Debug {
    /// Returns a judge for what is wanted, with what it is called. The work is done on the calling
    /// thread: callers give it a blocking one.
    ///
    /// # Errors
    /// Why the text holds no rule or no indicator.
    fn judge(&self, wanted: &Wanted) -> Result<(String, Box<dyn Judge>), Vec<BadRule>>;
}

/// Judges events of the past, in whatever order they come; it remembers what correlations count.
pub trait Judge: Send + Debug {
    /// Returns what an event must be like to be worth judging: the lake's index rules out the rest.
    fn needs(&self) -> Query {
        Query::All
    }

    /// Returns what these events complete.
    fn judge(&mut self, events: &[Event]) -> Vec<Finding>;
}
