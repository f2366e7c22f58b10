//! Four eyes: an act too grave for one person is asked for by one and carried out when another approves.
//!
//! A slice says what such an act is ([`Grave`]) and asks ([`Approvals::ask`]); this slice keeps the
//! request, shows it to those who may decide, and carries it out in the transaction of the approval. Where
//! nobody else could approve, [`Approvals::is_needed`] says so: a province with one administrator must not
//! lock itself out, and the audit entry tells it.

mod actions;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use db::{Db, Tx};
use event::AgencyId;
use serde_json::Value;

pub use model::{Ask, Request, State};
pub(crate) use routes::routes;

use crate::{AppError, Permission};

/// An act that takes two people.
#[async_trait]
pub trait Grave: Send + Sync + Debug {
    /// Returns the act's stable word, `slice.verb`: the audit entry of the approval bears it.
    fn action(&self) -> &'static str;

    /// Returns the language key of what it does.
    fn key(&self) -> &'static str;

    /// Returns who may ask for it, and who may approve what another asked for.
    fn permission(&self) -> Permission;

    /// Carries it out, in the transaction of the approval. Checks again what was checked when it was
    /// asked for: time has passed.
    ///
    /// # Errors
    /// When it can no longer be done; nothing is then changed, and the request still waits.
    async fn carry_out(&self, tx: &Tx, payload: &Value) -> Result<(), AppError>;
}

/// The acts that take two people, and the requests for them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Approvals {
    db: Db,
    acts: Arc<[Arc<dyn Grave>]>,
}

impl Approvals {
    /// Returns the approvals of these acts.
    pub fn new(db: Db, acts: Vec<Arc<dyn Grave>>) -> Self {
        Self { db, acts: acts.into() }
    }

    fn act(&self, action: &str) -> Option<&Arc<dyn Grave>> {
        self.acts.iter().find(|act| act.action() == action)
    }
}

/// Returns whether a reader whose part of the tree this is may know of a request.
fn is_seen(scope: &event::Scope, agency: Option<AgencyId>) -> bool {
    match agency {
        Some(agency) => scope.sees(agency),
        None => scope.visible().is_none(),
    }
}
