//! The work that is under way, as people see it: how far it is, what came of it, stop and once more.
//! The queue itself is `db::job`; the application runs the workers.

mod routes;
#[cfg(test)]
mod tests;
mod views;

use std::collections::BTreeMap;

use db::{Db, job};

use crate::{NavCount, Routes, Tone, Who};

pub use views::{JobList, JobPage, JobRow};

/// What the pages of jobs stand on.
#[derive(Debug, Clone)]
pub struct Jobs {
    db: Db,
    /// The kinds with the text keys of their names.
    titles: BTreeMap<&'static str, &'static str>,
}

impl Jobs {
    /// Returns the pages over this queue, for these kinds of work.
    pub fn new(db: Db, handlers: &job::Handlers) -> Self {
        Self { db, titles: handlers.titles() }
    }

    /// Returns the routes.
    pub fn routes(self) -> Routes {
        routes::routes().with_state(self)
    }
}

/// Returns the number beside the place in the navigation: what is under way. One that cannot be read
/// is left out.
pub async fn nav_count(db: &Db, who: &Who) -> Option<NavCount> {
    let number = job::running_count(db.conn(), &who.scope).await.ok()?;
    Some(NavCount { place: "/jobs", number, tone: Tone::Quiet })
}
