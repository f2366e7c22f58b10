//! What a saved view is: types and checks, no IO.

use chrono::{DateTime, Utc};
use event::AccountId;
use uuid::Uuid;
use web::{Permission, Who};

use crate::error::RespondError;

/// Characters of a view's name: a tab, not a sentence.
pub(super) const NAME_CHARS_MAX: usize = 40;
/// Characters of a filter.
pub(super) const QUERY_CHARS_MAX: usize = 2_000;
/// Views that one person has of one queue, and views shared of one queue: what fits above a list.
pub(super) const VIEWS_MAX: usize = 12;

/// A list that has views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Alerts.
    Alerts,
    /// Incidents.
    Incidents,
}

impl Queue {
    const ALL: [Self; 2] = [Self::Alerts, Self::Incidents];

    /// Returns the word in the column.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Incidents => "incidents",
        }
    }

    /// Returns the queue that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.word() == word)
    }

    /// Returns the path of the list.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Alerts => "/alerts",
            Self::Incidents => "/incidents",
        }
    }

    /// Returns what a reader of the list needs.
    pub(super) const fn needs(self) -> Permission {
        match self {
            Self::Alerts => Permission::AlertRead,
            Self::Incidents => Permission::IncidentRead,
        }
    }

    /// Returns the filter in its one form; nothing when it is none of this list.
    pub(super) fn normal(self, query: &str) -> Option<String> {
        let short = query.chars().count() <= QUERY_CHARS_MAX;
        let query = short.then_some(query)?;
        match self {
            Self::Alerts => crate::alert::normal_query(query),
            Self::Incidents => crate::incident::normal_query(query),
        }
    }
}

/// A named filter of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueView {
    pub(crate) id: Uuid,
    pub(crate) queue: Queue,
    pub(crate) name: String,
    /// The filter and the order, as the query of an address.
    pub(crate) query: String,
    pub(crate) owner: AccountId,
    /// Whether all who see the province have it.
    pub(crate) shared: bool,
    /// Whether the reader's list opens with it.
    pub(crate) is_default: bool,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) changed_at: DateTime<Utc>,
}

impl QueueView {
    /// Returns whether someone may change or delete it: its owner; a shared one whoever shares.
    pub(super) fn may_change(&self, who: &Who) -> bool {
        if self.shared { who.may(Permission::ViewShare) } else { self.owner == who.account }
    }
}

/// What someone fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) shared: bool,
}

impl Draft {
    /// Returns the draft with its name and filter in their one form.
    ///
    /// # Errors
    /// When the name is missing or too long, or the filter is none of this list.
    pub(super) fn checked(self, queue: Queue) -> Result<Self, RespondError> {
        let wrong = |field, key| RespondError::Field { field, key };
        let name = self.name.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
            return Err(wrong("name", "queue-view-error-name"));
        }
        let query = queue.normal(&self.query);
        let query = query.ok_or_else(|| wrong("query", "queue-view-error-query"))?;
        Ok(Self { name, query, shared: self.shared })
    }
}
