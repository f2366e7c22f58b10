//! The page of one's own work.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::filters;

/// What waits for the reader.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "todo/list.html")]
pub(super) struct MyWork {
    /// The most urgent, at most five.
    pub(super) top: Vec<TodoCard>,
    /// The others, by name.
    pub(super) rest: Vec<TodoLine>,
    /// Whether something could not be found out now.
    pub(super) incomplete: bool,
}

/// One thing to do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TodoCard {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) how: Vec<String>,
    pub(super) helper: Option<String>,
    pub(super) link: String,
    /// `now`, `today`, `soon` or `sometime`.
    pub(super) urgency: &'static str,
    #[serde(skip)]
    pub(super) urgency_key: &'static str,
    pub(super) due: Option<DateTime<Utc>>,
}

/// One more thing, named only.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TodoLine {
    pub(super) what: String,
    pub(super) link: String,
    pub(super) due: Option<DateTime<Utc>>,
}
