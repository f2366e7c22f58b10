//! Telling other programs of changes: each entry of the audit log that a hook asks for goes to its address
//! as a signed HTTP request, in order, again and again until it is taken.
//!
//! The audit log is the outbox: every change commits its entry with it, so no change is missed, not over a
//! crash either; the number of the entry names the message, so that a receiver knows one that comes twice.
//! What is sent says which thing changed, never what stands in it: whoever may read it asks the API.
//! Signed as Standard Webhooks 1.0 has it (`webhook-id`, `webhook-timestamp`, `webhook-signature`).

mod actions;
mod courier;
mod model;
mod routes;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod views;

use std::sync::Arc;

use db::Db;

use crate::identity::AgencyTree;
use crate::outbound::Outbound;
use crate::{Lang, Routes};

/// Hooks, and who serves them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    db: Db,
    tree: Arc<dyn AgencyTree>,
    outbound: Outbound,
    /// Names an action for people.
    action_key: fn(&str) -> Option<&'static str>,
}

impl Webhooks {
    /// Returns the hooks of this database, reached by this way out; `action_key` gives the language key of
    /// an action's name.
    pub fn new(
        db: Db,
        tree: Arc<dyn AgencyTree>,
        outbound: Outbound,
        action_key: fn(&str) -> Option<&'static str>,
    ) -> Self {
        Self { db, tree, outbound, action_key }
    }

    /// Returns the routes.
    pub fn routes(self) -> Routes {
        routes::routes().with_state(self)
    }

    fn action_name(&self, action: &str, lang: Lang) -> String {
        (self.action_key)(action)
            .map_or_else(|| action.to_owned(), |key| crate::i18n::text(lang, key))
    }
}
