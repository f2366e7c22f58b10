//! Saved views of a queue: filter and order of the list of alerts or incidents under a name, as tabs
//! above the list. One's own, and those that whoever coordinates shares with the centre.
//!
//! A view holds no rows and no right: it is an address. Each reader sees through it what their own scope
//! shows, and its number counts that.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

use web::{By, Who};

pub(crate) use model::Queue;
pub(crate) use routes::routes;
pub use views::{ViewTab, ViewTabs};

use crate::desk::Desk;
use crate::error::RespondError;
use model::QueueView;

/// Rows that a tab counts at most; more are shown as "more than that". A tab must not cost a walk through
/// a million alerts.
pub(crate) const COUNTED_MAX: u64 = 999;

/// What a list is opened with: the filter that holds, and the view it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The filter as the query of an address.
    pub(crate) query: String,
    /// The view's id.
    pub(crate) view: String,
}

/// Returns what a person's default view opens a list with, when they ask for nothing particular. Programs
/// get the whole list: what a person likes must not change what a program reads.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn default_of(
    desk: &Desk,
    who: &Who,
    queue: Queue,
) -> Result<Option<Opened>, RespondError> {
    if who.by == By::Token {
        return Ok(None);
    }
    let found = store::default_of(desk.db.conn(), who, queue).await?;
    Ok(found.map(|view| Opened { query: view.query, view: view.id.to_string() }))
}

/// Returns the views of a queue that a reader has, their own first.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn of(
    desk: &Desk,
    who: &Who,
    queue: Queue,
) -> Result<Vec<QueueView>, RespondError> {
    store::list(desk.db.conn(), who, queue).await
}
