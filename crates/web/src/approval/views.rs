//! The page of requests that wait for a second person.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::filters;

/// Requests within the reader's sight.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "approval/list.html")]
pub(super) struct ApprovalsPage {
    /// Those the reader can do something about.
    pub(super) waiting: Vec<ApprovalRow>,
    /// The others.
    pub(super) settled: Vec<ApprovalRow>,
}

/// One request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApprovalRow {
    pub(super) id: String,
    /// The act's word.
    pub(super) action: String,
    #[serde(skip)]
    pub(super) act_key: &'static str,
    pub(super) summary: String,
    pub(super) reason: String,
    pub(super) requested_name: String,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    /// `waiting`, `approved`, `rejected`, `withdrawn` or `expired`.
    pub(super) state: &'static str,
    #[serde(skip)]
    pub(super) state_key: &'static str,
    pub(super) decided_name: Option<String>,
    pub(super) decided_at: Option<DateTime<Utc>>,
    pub(super) note: String,
    pub(super) may_decide: bool,
    pub(super) may_withdraw: bool,
}
