//! What the whole site shares: settings, clock, who answers "who is this", navigation counts.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event::{Clock, IdSource};
use http::HeaderMap;

use crate::{AppError, Lang, Who};

/// Settings of the site; made by `app` from its configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The province's name, shown in the top bar.
    pub province: String,
    /// Whether browsers reach us by TLS (directly or through a proxy): `__Host-` cookies and HSTS.
    pub tls: bool,
}

/// Someone at the door: who they are and the token their forms carry.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// Who it is; `None` if not signed in.
    pub who: Option<Arc<Who>>,
    /// The token bound to the session; empty without one.
    pub csrf: String,
}

/// Knows visitors by their cookie or token.
#[async_trait]
pub trait Visitors: Send + Sync + Debug {
    /// Returns who a page request comes from, by session cookie only.
    async fn by_session(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError>;

    /// Returns who an API request comes from, by bearer token only.
    async fn by_token(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError>;
}

/// How loud a count in the navigation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A plain number.
    Quiet,
    /// Something waits.
    Warn,
    /// Something burns.
    Bad,
}

/// A number beside a place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NavCount {
    /// The place's address (`/alerts`).
    pub place: &'static str,
    /// How many; 0 is not shown.
    pub number: u64,
    /// How loud.
    pub tone: Tone,
}

/// The live numbers of the frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NavNumbers {
    /// Numbers beside places.
    pub places: Vec<NavCount>,
    /// Open deadlines of the reader and the nearest of them; shown with the clock in the top bar.
    pub deadlines: Option<(u64, DateTime<Utc>)>,
    /// Unread notices of the reader: the bell.
    pub unread: u64,
}

/// Counts what waits for a reader; wired by `app` to the slices.
#[async_trait]
pub trait NavCounts: Send + Sync + Debug {
    /// Returns the numbers for this reader, within their scope. Called once per full page: must be
    /// quick, and may be a little old.
    async fn numbers(&self, who: &Who) -> NavNumbers;
}

/// Counts nothing: before the slices are wired, and in tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCounts;

#[async_trait]
impl NavCounts for NoCounts {
    async fn numbers(&self, _: &Who) -> NavNumbers {
        NavNumbers::default()
    }
}

/// The site: cheap to clone.
#[derive(Debug, Clone)]
pub struct Site {
    /// Settings.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of requests.
    pub ids: Arc<IdSource>,
    /// Who knows visitors: [`crate::identity`].
    pub visitors: Arc<dyn Visitors>,
    /// Who counts what waits.
    pub counts: Arc<dyn NavCounts>,
    /// Announcements to open pages.
    pub live: crate::Live,
}
