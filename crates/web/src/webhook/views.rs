//! The pages of hooks.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::actions::HookDraft;
use super::model::Hook;
use super::rows::delivery;
use crate::paging::Pager;
use crate::{Permission, filters};

/// What is wrong with a form's fields, in the reader's language.
type Wrong = BTreeMap<String, String>;

/// A hook in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct HookRow {
    pub(super) id: String,
    pub(super) name: String,
    /// The address without what may be a key: scheme and host.
    pub(super) host: String,
    pub(super) asks: Vec<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) paused_at: Option<DateTime<Utc>>,
    /// Why it pauses: a language key; empty when somebody wanted it.
    pub(super) paused_why: String,
    pub(super) failing_since: Option<DateTime<Utc>>,
    /// Attempts in a row that failed.
    pub(super) failures: i32,
    pub(super) next_at: Option<DateTime<Utc>>,
    pub(super) last_ok_at: Option<DateTime<Utc>>,
    pub(super) last_error: String,
    /// Entries of the audit log after the last that is dealt with.
    pub(super) behind: i64,
}

impl HookRow {
    /// Returns the row of a hook; `last` is the last entry of the audit log.
    pub(super) fn of(hook: &Hook, last: i64) -> Self {
        let uri = http::Uri::try_from(&hook.url).ok();
        let host = uri.and_then(|uri| uri.authority().map(ToString::to_string));
        Self {
            id: hook.id.to_string(),
            name: hook.name.clone(),
            host: host.unwrap_or_default(),
            asks: hook.actions.clone(),
            created_at: hook.created_at,
            paused_at: hook.paused_at,
            paused_why: hook.paused_why.clone(),
            failing_since: hook.failing_since,
            failures: hook.failures,
            next_at: hook.next_at,
            last_ok_at: hook.last_ok_at,
            last_error: hook.last_error.clone(),
            behind: last.saturating_sub(hook.seq),
        }
    }

    /// Returns the language key of how it does, and its tone.
    pub(super) const fn state(&self) -> (&'static str, &'static str) {
        if self.paused_at.is_some() {
            ("webhook-state-paused", "warn")
        } else if self.failing_since.is_some() {
            ("webhook-state-failing", "bad")
        } else {
            ("webhook-state-works", "ok")
        }
    }
}

/// All hooks.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "webhook/list.html")]
pub(super) struct HookList {
    pub(super) hooks: Vec<HookRow>,
    #[serde(skip)]
    pub(super) draft: HookDraft,
    #[serde(skip)]
    pub(super) wrong: Wrong,
}

impl HookList {
    pub(super) fn new(hooks: Vec<HookRow>, draft: HookDraft) -> Self {
        Self { hooks, draft, wrong: Wrong::new() }
    }
}

/// A message and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct MessageRow {
    /// The entry it tells of.
    pub(super) seq: i64,
    pub(super) action: String,
    /// What the action is called.
    pub(super) title: String,
    pub(super) attempts: i32,
    /// What the program answered; 0: nothing.
    pub(super) status: i16,
    pub(super) error: String,
    pub(super) tried_at: DateTime<Utc>,
    pub(super) taken_at: Option<DateTime<Utc>>,
}

impl MessageRow {
    /// Returns the row of a message; `name` names its action.
    pub(super) fn of(row: delivery::Model, name: impl Fn(&str) -> String) -> Self {
        Self {
            seq: row.seq,
            title: name(&row.action),
            action: row.action,
            attempts: row.attempts,
            status: row.status,
            error: row.error,
            tried_at: row.tried_at,
            taken_at: row.taken_at,
        }
    }
}

/// One hook.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "webhook/detail.html")]
pub(super) struct HookPage {
    pub(super) row: HookRow,
    /// The whole address, for whoever may change it.
    #[serde(skip)]
    pub(super) url: String,
    #[serde(skip)]
    pub(super) actions: String,
    /// In whose name it sees.
    pub(super) owner: String,
    /// The newest first.
    pub(super) messages: Vec<MessageRow>,
    pub(super) pager: Pager,
    #[serde(skip)]
    pub(super) wrong: Wrong,
}
