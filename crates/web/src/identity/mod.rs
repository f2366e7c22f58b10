//! Who is who: accounts, sessions, second factor, one-time links, API tokens.
//!
//! `app` makes one [`Identity`], gives it to the site as [`crate::Visitors`] and merges its routes.
//! Sessions open pages only; API tokens open `/api/v1` only.

mod admin;
mod browser;
pub mod console;
mod form;
mod invite;
mod own;
mod people;
mod rows;
mod secrets;
mod session;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;
mod throttle;
mod totp;
mod views;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, Db, DbError};
use event::{AccountId, AgencyId, Scope};
use http::request::Parts;

pub use invite::first_run_link;
pub use people::{Person, people};

use crate::{AppError, Routes, Settings, Who};

/// How long a link of the first run works: an installer's day.
pub const FIRST_RUN_LINK: TimeDelta = TimeDelta::hours(24);
/// How long an invitation works: someone may be on leave.
pub const INVITATION: TimeDelta = TimeDelta::days(7);
/// A session unused this long ends: a shift with its breaks.
pub const SESSION_IDLE: TimeDelta = TimeDelta::hours(8);
/// A session ends this long after sign-in whatever happens.
pub const SESSION_WHOLE: TimeDelta = TimeDelta::days(7);
/// Shortest password.
///
/// Source: NIST SP 800-63B-4 §3.1.1.2 (15 without a second factor, 8 with one); 12 is our middle.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password read: argon2 takes any, but nobody types more.
pub const PASSWORD_CHARS_MAX: usize = 200;

/// The tree of agencies, as far as identity must know it; wired by `app` to the registry.
pub trait AgencyTree: Send + Sync + Debug {
    /// Returns the agency and all below it; empty if there is no such agency.
    fn subtree(&self, agency: AgencyId) -> BTreeSet<AgencyId>;

    /// Returns the agencies an account may be put into, with their names, in the order of the tree.
    fn choices(&self) -> Vec<(AgencyId, String)>;
}

/// Identity: cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) db: Db,
    pub(crate) tree: Arc<dyn AgencyTree>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) throttle: Arc<throttle::Throttle>,
    pub(crate) waiting: Arc<sign_in::Waiting>,
}

impl Identity {
    /// Returns identity over this database.
    pub fn new(db: Db, tree: Arc<dyn AgencyTree>, settings: Arc<Settings>) -> Self {
        Self { db, tree, settings, throttle: Arc::default(), waiting: Arc::default() }
    }

    /// Returns the routes of signing in and out, of one's own account, and of accounts.
    pub fn routes(&self) -> Routes {
        sign_in::routes(Routes::new())
            .merge(invite::routes(Routes::new()))
            .merge(own::routes(Routes::new()))
            .merge(admin::routes(Routes::new()))
            .with_state(self.clone())
    }

    /// Returns what someone of this role and agency may see.
    fn scope(&self, account: AccountId, role: crate::Role, agency: Option<AgencyId>) -> Scope {
        if role.sees_province() {
            Scope::province(account)
        } else {
            let agencies = agency.map(|agency| self.tree.subtree(agency)).unwrap_or_default();
            Scope::agencies(account, agencies)
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.db.now()
    }
}

impl From<DbError> for AppError {
    /// A database that does not answer is ours to mend; the reader keeps what they sent.
    fn from(error: DbError) -> Self {
        Self::unavailable(error)
    }
}

/// The address a request came from, if the server told it.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(peer)| peer.ip().to_canonical())))
    }
}

impl Who {
    /// Returns the one who acts, for the audit entry of a change.
    pub fn actor(&self, address: Address) -> Actor {
        Actor::Account { id: self.account, name: self.name.clone(), address: address.0 }
    }
}
