//! The run of a playbook in an incident: types and states, no IO.

use std::collections::BTreeMap;

use cacao::flow::Progress;
use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId, IncidentId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::RespondError;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    /// Steps are open.
    Running,
    /// It is at its end.
    Done,
    /// Someone gave it up, with the reason.
    Abandoned,
}

impl RunState {
    /// Returns the word of columns and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }

    /// Returns the state that a word names.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Abandoned].into_iter().find(|one| one.word() == word)
    }
}

/// What there is to tell of a step that a run has reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    pub(super) opened_at: Option<DateTime<Utc>>,
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) done_at: Option<DateTime<Utc>>,
    /// Who did it; empty is the platform.
    pub(super) by: String,
    /// The room's task that it is.
    pub(super) task: Option<Uuid>,
    /// What came of it: a number of events or of indicators, or why it was left out.
    pub(super) count: Option<u64>,
    pub(super) reason: Option<String>,
    /// Where what came of it is seen.
    pub(super) href: Option<String>,
    /// When a second person was asked.
    pub(super) asked_at: Option<DateTime<Utc>>,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    pub(super) marks: Progress,
    pub(super) notes: BTreeMap<String, Note>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) at: DateTime<Utc>,
    pub(super) by: String,
    /// Why it was given up.
    pub(super) reason: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: Uuid,
    pub(super) incident: IncidentId,
    pub(super) agency: AgencyId,
    pub(super) playbook_id: Uuid,
    /// The playbook as it was when the run began.
    pub(super) document: String,
    pub(super) state: RunState,
    pub(super) way: Way,
    pub(super) version: i32,
    pub(super) account: AccountId,
    pub(super) author: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended: Option<Ended>,
}

impl Run {
    /// Returns the playbook that it follows.
    pub(super) fn playbook(&self) -> Result<cacao::Playbook, RespondError> {
        let bad = RespondError::BadRow { table: "playbook_run", column: "document" };
        cacao::read(self.document.as_bytes()).map_err(|_| bad)
    }

    /// Returns the note of a step that is open, if it is.
    pub(super) fn open(&self, step: &str) -> Option<&Note> {
        let is_open = self.state == RunState::Running
            && self.way.marks.get(step).is_some_and(|mark| !mark.done);
        is_open.then(|| self.way.notes.get(step)).flatten()
    }

    /// Marks a step as done by someone.
    pub(super) fn finish(&mut self, step: &str, by: &str, now: DateTime<Utc>) {
        cacao::flow::set_done(&mut self.way.marks, step, true);
        let note = self.way.notes.entry(step.to_owned()).or_default();
        note.done_at = Some(now);
        by.clone_into(&mut note.by);
    }
}
