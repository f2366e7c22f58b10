//! Who is who: accounts, sessions, second factor, one-time links, API tokens.
//!
//! `app` makes one [`Identity`], gives it to the site as [`crate::Visitors`] and merges its routes.
//! Sessions open pages only; API tokens open `/api/v1` only.

mod admin;
mod browser;
pub mod console;
mod delegation;
mod door;
mod form;
mod grave;
mod invite;
mod oidc;
mod own;
pub(crate) mod passkey;
mod people;
mod rows;
mod scopes;
mod secrets;
mod session;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_rights;
mod throttle;
mod tokens;
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

pub use door::{Door, DoorError};
pub use invite::first_run_link;
pub use oidc::{OidcError, OidcSettings};
pub use people::{Person, people, scope_now};
pub(crate) use views::OncePage;

use crate::approval::{Approvals, Grave};
use crate::{AppError, Reach, Routes, Settings, Who};

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
    pub(crate) door: Arc<Door>,
    pub(crate) waiting: Arc<sign_in::Waiting>,
    pub(crate) ceremonies: Arc<passkey::Ceremonies>,
    pub(crate) underway: Arc<oidc::Underway>,
    pub(crate) approvals: Approvals,
}

impl Identity {
    /// Returns identity over this database.
    pub fn new(db: Db, tree: Arc<dyn AgencyTree>, settings: Arc<Settings>) -> Self {
        let approvals = Approvals::new(db.clone(), grave::acts());
        Self {
            db,
            tree,
            settings,
            door: Arc::default(),
            waiting: Arc::default(),
            ceremonies: Arc::default(),
            underway: Arc::default(),
            approvals,
        }
    }

    /// Says what the door asks for and which other ways in there are.
    #[must_use]
    pub fn with_door(mut self, door: Door) -> Self {
        self.door = Arc::new(door);
        self
    }

    /// Returns the routes of signing in and out, of one's own account, and of accounts.
    pub fn routes(&self) -> Routes {
        sign_in::routes(Routes::new())
            .merge(invite::routes(Routes::new()))
            .merge(own::routes(Routes::new()))
            .merge(admin::routes(Routes::new()))
            .merge(tokens::routes(Routes::new()))
            .merge(delegation::routes(Routes::new()))
            .merge(passkey::routes(Routes::new()))
            .merge(oidc::routes(Routes::new()))
            .with_state(self.clone())
            .merge(crate::approval::routes(self.approvals.clone()))
    }

    /// Returns the acts that take two people, for whoever asks for one.
    pub fn approvals(&self) -> Approvals {
        self.approvals.clone()
    }

    /// Says which acts take two people, besides those of identity itself.
    #[must_use]
    pub fn with_grave_acts(mut self, acts: Vec<Arc<dyn Grave>>) -> Self {
        let all = grave::acts().into_iter().chain(acts).collect();
        self.approvals = Approvals::new(self.db.clone(), all);
        self
    }

    /// Returns what someone of this role and agency may see.
    fn scope(&self, account: AccountId, role: crate::Role, agency: Option<AgencyId>) -> Scope {
        scope_in(self.tree.as_ref(), account, role, agency)
    }

    fn now(&self) -> DateTime<Utc> {
        self.db.now()
    }
}

/// Returns what someone of this role and agency may see.
pub(crate) fn scope_in(
    tree: &dyn AgencyTree,
    account: AccountId,
    role: crate::Role,
    agency: Option<AgencyId>,
) -> Scope {
    match (role.reach(), agency) {
        (Reach::Province, _) | (Reach::Either, None) => Scope::province(account),
        (Reach::Subtree | Reach::Either, Some(agency)) => {
            Scope::agencies(account, tree.subtree(agency))
        }
        (Reach::Subtree, None) => Scope::agencies(account, BTreeSet::new()),
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

impl Address {
    /// Returns what the server knows: the address behind a trusted proxy, else the peer's.
    pub(crate) fn of(known: &http::Extensions) -> Self {
        let behind = known.get::<crate::proxy::ClientAddress>().map(|address| address.0);
        let peer = known.get::<ConnectInfo<std::net::SocketAddr>>();
        Self(behind.or_else(|| peer.map(|ConnectInfo(peer)| peer.ip().to_canonical())))
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Who {
    /// Returns the one who acts, for the audit entry of a change.
    pub fn actor(&self, address: Address) -> Actor {
        Actor::Account { id: self.account, name: self.name.clone(), address: address.0 }
    }
}
