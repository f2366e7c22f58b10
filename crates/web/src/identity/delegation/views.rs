//! The page of delegations.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::views::{Choice, Wrong};
use crate::filters;

/// Whom one stands in for, and who stands in for oneself.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "identity/delegation/list.html")]
pub(super) struct DelegationsPage {
    /// Whether this session acts for another now.
    pub(super) acting: bool,
    #[serde(skip)]
    pub(super) may_give: bool,
    pub(super) given: Vec<DelegationRow>,
    pub(super) got: Vec<DelegationRow>,
    #[serde(skip)]
    pub(super) people: Vec<Choice>,
    #[serde(skip)]
    pub(super) reason: String,
    #[serde(skip)]
    pub(super) until: String,
    #[serde(skip)]
    pub(super) wrong: Wrong,
}

/// One delegation, seen from the reader's side.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DelegationRow {
    pub(super) id: String,
    /// The other one.
    pub(super) name: String,
    /// The role that is lent, on those one got.
    pub(super) role: String,
    pub(super) reason: String,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) in_force: bool,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

impl DelegationRow {
    /// Returns the last day it holds: it ends with that day, at the midnight after it.
    pub(super) fn last_day(&self) -> DateTime<Utc> {
        self.ends_at - TimeDelta::seconds(1)
    }
}
