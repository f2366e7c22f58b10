//! What hangs on an incident: types, no IO.

use chrono::{DateTime, Utc};
use event::observable::Observable;
use event::{AccountId, AgencyId, AlertId, IncidentId, Severity, SystemId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::obligation::Circumstance;

/// Something that someone shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: Uuid,
    pub(crate) incident: IncidentId,
    pub(crate) agency: AgencyId,
    pub(crate) title: String,
    pub(crate) assignee: Option<AccountId>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    /// Who did it, and when; nothing while it is open.
    pub(crate) done: Option<(String, DateTime<Utc>)>,
}

/// A task on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewTask {
    /// What is to be done.
    pub(crate) title: String,
    /// By whom.
    pub(crate) assignee: Option<AccountId>,
    /// Until when.
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// Most tasks that closing an incident opens at once.
const TASKS_AT_ONCE: usize = 20;

/// Returns the tasks that a text names, one a line, all for the same person and day.
pub(crate) fn task_lines(
    text: &str,
    assignee: Option<AccountId>,
    due_at: Option<DateTime<Utc>>,
) -> Vec<NewTask> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches(['-', '•', '*']).trim());
    let task = |title: &str| NewTask { title: title.to_owned(), assignee, due_at };
    lines.filter(|line| !line.is_empty()).take(TASKS_AT_ONCE).map(task).collect()
}

/// An observable as it hangs on an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) id: Uuid,
    pub(super) incident: IncidentId,
    pub(super) observable: Observable,
    pub(super) note: String,
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
}

/// What someone said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) text: String,
}

/// A search that belongs to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkedSearch {
    pub(super) id: Uuid,
    pub(super) incident: IncidentId,
    pub(super) name: String,
    pub(super) line: String,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) author: String,
}

/// How two incidents came to hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkKind {
    /// `from` was found to be part of `into`.
    Merge,
    /// `into` was made of alerts of `from`.
    Split,
}

impl LinkKind {
    /// Returns the word used in columns.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Split => "split",
        }
    }
}

/// A merge or split as it was done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    pub(super) id: Uuid,
    pub(super) kind: LinkKind,
    pub(super) from: IncidentId,
    pub(super) into: IncidentId,
    pub(super) reason: String,
    pub(super) detail: LinkDetail,
}

/// What a merge changed of the survivor, or which alerts a split took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LinkDetail {
    /// The survivor before.
    pub(super) before: Option<Joined>,
    /// And after.
    pub(super) after: Option<Joined>,
    /// Obligations of the survivor that the other had fulfilled.
    pub(super) fulfilled: Vec<String>,
    /// The alerts that a split took.
    pub(super) alerts: Vec<AlertId>,
}

/// What of an incident is joined by a merge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Joined {
    pub(super) severity: u8,
    pub(super) systems: Vec<SystemId>,
    pub(super) occurred_at: Option<DateTime<Utc>>,
    pub(super) detected_at: DateTime<Utc>,
    pub(super) reported_at: Option<DateTime<Utc>>,
    pub(super) circumstances: Vec<String>,
}

impl Joined {
    /// Returns how the two are together: the worst, the earliest, all of both.
    pub(super) fn with(&self, other: &Self) -> Self {
        let all = |own: &[SystemId], more: &[SystemId]| {
            let mut all: Vec<SystemId> = own.iter().chain(more).copied().collect();
            all.sort();
            all.dedup();
            all
        };
        let mut circumstances: Vec<String> =
            self.circumstances.iter().chain(&other.circumstances).cloned().collect();
        circumstances.sort();
        circumstances.dedup();
        Self {
            severity: self.severity.max(other.severity),
            systems: all(&self.systems, &other.systems),
            occurred_at: self.occurred_at.into_iter().chain(other.occurred_at).min(),
            detected_at: self.detected_at.min(other.detected_at),
            reported_at: self.reported_at.into_iter().chain(other.reported_at).min(),
            circumstances,
        }
    }

    /// Returns how the survivor is once what came by the merge is taken away from `now`: what someone has
    /// changed since stays as they made it.
    pub(super) fn undone(now: &Self, before: &Self, after: &Self, needed: &[SystemId]) -> Self {
        fn back<T: PartialEq + Clone>(now: &T, before: &T, after: &T) -> T {
            if now == after { before.clone() } else { now.clone() }
        }
        let stays = |id: &&SystemId| {
            before.systems.contains(id) || needed.contains(id) || !after.systems.contains(id)
        };
        let holds = |word: &&String| {
            before.circumstances.contains(word) || !after.circumstances.contains(word)
        };
        Self {
            severity: back(&now.severity, &before.severity, &after.severity),
            systems: now.systems.iter().filter(stays).copied().collect(),
            occurred_at: back(&now.occurred_at, &before.occurred_at, &after.occurred_at),
            detected_at: back(&now.detected_at, &before.detected_at, &after.detected_at),
            reported_at: back(&now.reported_at, &before.reported_at, &after.reported_at),
            circumstances: now.circumstances.iter().filter(holds).cloned().collect(),
        }
    }

    /// Returns the severity; the worst for a number that is none.
    pub(super) fn severity(&self) -> Severity {
        Severity::from_number(self.severity).unwrap_or(Severity::Critical)
    }

    /// Returns the circumstances that are known.
    pub(super) fn circumstances(&self) -> Vec<Circumstance> {
        self.circumstances.iter().filter_map(|word| Circumstance::from_word(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined() -> impl Strategy<Value = Joined> {
        let systems = prop::collection::btree_set(0_u128..6, 0..4);
        let words = prop::collection::btree_set("[abc]", 0..3);
        (
            1_u8..6,
            systems,
            prop::option::of(0_i64..99),
            100_i64..199,
            prop::option::of(200_i64..299),
            words,
        )
            .prop_map(|(severity, systems, occurred, detected, reported, words)| {
                let at = |s| DateTime::from_timestamp(s, 0).unwrap();
                let id = |n| SystemId::from_uuid(Uuid::from_u128(n));
                Joined {
                    severity,
                    systems: systems.into_iter().map(id).collect(),
                    occurred_at: occurred.map(at),
                    detected_at: at(detected),
                    reported_at: reported.map(at),
                    circumstances: words.into_iter().collect(),
                }
            })
    }

    proptest! {
        #[test]
        fn a_merge_that_is_undone_leaves_no_trace(one in joined(), other in joined()) {
            let after = one.with(&other);
            prop_assert!(after.severity >= other.severity && after.detected_at <= other.detected_at);
            prop_assert_eq!(Joined::undone(&after, &one, &after, &[]), one);
        }

        #[test]
        fn what_people_changed_since_stays(one in joined(), other in joined(), since in joined()) {
            let after = one.with(&other);
            let back = Joined::undone(&since, &one, &after, &since.systems);
            prop_assert_eq!(&back.systems, &since.systems);
            if since.detected_at != after.detected_at {
                prop_assert_eq!(back.detected_at, since.detected_at);
            }
        }
    }

    #[test]
    fn lines_become_tasks() {
        let tasks = task_lines("- vá máy chủ\n\n• đổi mật khẩu\n  ", None, None);
        let titles: Vec<&str> = tasks.iter().map(|task| task.title.as_str()).collect();
        assert_eq!(titles, ["vá máy chủ", "đổi mật khẩu"]);
    }
}
