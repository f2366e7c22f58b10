//! An exception: "this rule, on this system, under this condition, is known and harmless until …".
//!
//! It hides findings from the alert list as they arrive; each one it hides is counted and stays in
//! the store, so an exception that hides too much can be seen and undone.

use chrono::{DateTime, TimeDelta, Utc};
use event::query::{ParseError, Query, matches, parse};
use event::{AccountId, AgencyId, Event, Finding, SystemId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::alert::Reason;
use crate::limits::{EXCEPTION_DAYS_MAX, QUERY_CHARS_MAX};

/// A known and harmless case of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// Its id.
    pub id: Uuid,
    /// The rule.
    pub rule: String,
    /// Whose systems it covers; `None` is every agency's (only the provincial centre makes those).
    pub agency: Option<AgencyId>,
    /// The one system it covers; `None` is all of the agency's.
    pub system: Option<SystemId>,
    /// What the completing event must be like, as typed.
    pub condition: String,
    /// Why this is harmless.
    pub reason: Reason,
    /// Who said so.
    pub made_by: AccountId,
    /// When.
    pub made_at: DateTime<Utc>,
    /// From when on it hides nothing more.
    pub expires_at: DateTime<Utc>,
    /// When someone ended it early.
    pub ended_at: Option<DateTime<Utc>>,
    /// How many findings it has hidden.
    pub hidden: u64,
    /// When it last hid one.
    pub last_hidden_at: Option<DateTime<Utc>>,
}

/// Why an exception cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExceptionError {
    /// The condition does not parse.
    #[error("the condition is wrong at column {}", .0.column)]
    Condition(ParseError),
    /// The condition would hide every finding of the rule everywhere.
    #[error("an exception needs a system or a condition")]
    TooWide,
    /// The text is too long.
    #[error("the condition is longer than {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// It would be over already, or live too long.
    #[error("an exception ends within {EXCEPTION_DAYS_MAX} days from now")]
    Expiry,
}

/// What someone fills in to make an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The rule.
    pub rule: String,
    /// Whose systems.
    pub agency: Option<AgencyId>,
    /// The one system.
    pub system: Option<SystemId>,
    /// The condition as typed.
    pub condition: String,
    /// Why.
    pub reason: Reason,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Draft {
    /// Returns the condition as a query, once everything about the draft is sound.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, now: DateTime<Utc>) -> Result<Query, ExceptionError> {
        if self.condition.chars().count() > QUERY_CHARS_MAX {
            return Err(ExceptionError::TooLong);
        }
        let query = parse(&self.condition).map_err(ExceptionError::Condition)?;
        if query == Query::All && self.system.is_none() {
            return Err(ExceptionError::TooWide);
        }
        let latest = now + TimeDelta::days(EXCEPTION_DAYS_MAX);
        if self.expires_at <= now || self.expires_at > latest {
            return Err(ExceptionError::Expiry);
        }
        Ok(query)
    }
}

/// An exception in force, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) id: Uuid,
    rule: String,
    agency: Option<AgencyId>,
    system: Option<SystemId>,
    expires_at: DateTime<Utc>,
    query: Query,
}

impl Filter {
    /// Returns the exception ready to be asked, unless it is over or its condition does not parse
    /// (a later version may read conditions differently: then it hides nothing).
    pub(crate) fn of(exception: &Exception, now: DateTime<Utc>) -> Option<Self> {
        if exception.ended_at.is_some() || exception.expires_at <= now {
            return None;
        }
        Some(Self {
            id: exception.id,
            rule: exception.rule.clone(),
            agency: exception.agency,
            system: exception.system,
            expires_at: exception.expires_at,
            query: parse(&exception.condition).ok()?,
        })
    }

    /// Returns a filter that lasts, for a preview.
    pub(crate) fn preview(draft: &Draft, query: Query) -> Self {
        Self {
            id: Uuid::nil(),
            rule: draft.rule.clone(),
            agency: draft.agency,
            system: draft.system,
            expires_at: draft.expires_at,
            query,
        }
    }

    /// Returns whether this finding, completed by this event, is the known and harmless case. A
    /// finding whose event is not at hand is hidden only by an exception without condition.
    pub(crate) fn hides(
        &self,
        finding: &Finding,
        event: Option<&Event>,
        now: DateTime<Utc>,
    ) -> bool {
        finding.rule == self.rule
            && now < self.expires_at
            && self.agency.is_none_or(|agency| agency == finding.origin.agency)
            && self.system.is_none_or(|system| Some(system) == finding.origin.system)
            && self.asks(event)
    }

    /// Returns whether the event is like the condition says.
    pub(crate) fn asks(&self, event: Option<&Event>) -> bool {
        self.query == Query::All || event.is_some_and(|event| matches(&self.query, event))
    }
}
