//! The page of six questions, and what comes back.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::filters;

use crate::alert::Choice;

/// The six questions.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "notice/form.html")]
pub struct NoticeForm {
    /// The key under which the notice is sent, unless the browser keeps a draft with its own.
    pub key: String,
    /// Agencies that the officer reports for.
    pub agencies: Vec<Choice>,
    /// Their systems.
    pub systems: Vec<Choice>,
}

/// What comes back: the number, and who has it.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "notice/receipt.html")]
pub struct NoticeReceipt {
    /// The incident's id.
    pub incident: String,
    /// Its number.
    pub number: String,
    /// What happened, in a line.
    pub title: String,
    /// When it came in.
    pub opened_at: DateTime<Utc>,
    /// Who on duty has taken it; nothing while nobody has.
    pub officer: Option<String>,
    /// Who is on duty now, and at which telephone; nothing where the roster has a hole.
    pub on_duty: Option<OnDuty>,
}

/// Whom to ring now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnDuty {
    /// Their name.
    pub name: String,
    /// The telephone of the shift; may be empty.
    pub phone: String,
}
