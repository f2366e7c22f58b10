//! What the pages of playbooks show.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::model::RunState;
use crate::alert::Choice;
use crate::incident::Head;

/// One playbook in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlaybookRow {
    /// Its id.
    pub id: String,
    /// What it is called, English.
    pub name: String,
    /// The same, Vietnamese.
    pub name_vi: Option<String>,
    /// What it is for, English.
    pub description: String,
    /// The same, Vietnamese.
    pub description_vi: Option<String>,
    /// Kinds of incidents that it is for.
    pub categories: Vec<String>,
    /// How many things are to do or to judge.
    pub steps: u64,
    /// Which version it is.
    pub modified: DateTime<Utc>,
    /// Who brought it in; nothing for a shipped one.
    pub brought_by: Option<String>,
    /// Whether its maker has taken it back.
    pub revoked: bool,
}

impl PlaybookRow {
    /// Returns the keys of the kinds' names.
    pub fn category_keys(&self) -> Vec<&'static str> {
        let key = |(word, key): &(&str, &'static str)| {
            self.categories.iter().any(|own| own == word).then_some(*key)
        };
        super::category::CATEGORIES.iter().filter_map(key).collect()
    }
}

/// The list of playbooks.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "playbook/list.html")]
pub struct PlaybookList {
    /// The playbooks: the shipped ones first.
    pub playbooks: Vec<PlaybookRow>,
}

/// A step in a playbook or a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FlowLine {
    /// Its id.
    pub id: String,
    /// Within how many branches it stands; at most 4 are shown.
    pub depth: usize,
    /// `start`, `end`, `action`, `playbook-action`, `parallel`, `if-condition`, `while-condition`,
    /// `switch-condition`.
    pub kind: String,
    /// The answer that leads here, or the number of the branch.
    pub branch: Option<String>,
    /// What it is called, English.
    pub name: String,
    /// The same, Vietnamese.
    pub name_vi: Option<String>,
    /// What to do or to judge, English.
    pub description: String,
    /// The same, Vietnamese.
    pub description_vi: Option<String>,
    /// Which post does it, English.
    pub agent: String,
    /// The same, Vietnamese.
    pub agent_vi: Option<String>,
    /// Under which law.
    pub legal_basis: String,
    /// Within how many hours.
    pub hours: Option<u64>,
    /// From when on: `occurred`, `detected`, `reported`, `opened`, `started`.
    pub from: Option<String>,
    /// What the platform does by itself: `search`, `block`, `notify`, `collect`.
    pub act: Option<String>,
    /// The line of a search.
    pub query: Option<String>,
    /// Answers to give.
    pub answers: Vec<String>,
    /// In a run: `waiting`, `open` or `done`.
    pub state: String,
    /// In a run: by when.
    pub due_at: Option<DateTime<Utc>>,
    /// In a run: when it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// In a run: by whom; empty is the platform.
    pub done_by: String,
    /// In a run: what was answered.
    pub answer: Option<String>,
    /// In a run: how many events or indicators came of it.
    pub count: Option<u64>,
    /// In a run: why it was left out.
    pub reason: Option<String>,
    /// In a run: where what came of it is seen.
    pub href: Option<String>,
    /// In a run: when a second person was asked.
    pub asked_at: Option<DateTime<Utc>>,
    /// In a run: whether a task of the room is waiting for it.
    pub is_task: bool,
}

impl FlowLine {
    /// Returns whether it is shown: starts and ends say nothing.
    pub fn is_shown(&self) -> bool {
        !matches!(self.kind.as_str(), "start" | "end")
    }

    /// Returns the class of its depth.
    pub fn depth_class(&self) -> &'static str {
        match self.depth {
            0 => "flow-0",
            1 => "flow-1",
            2 => "flow-2",
            3 => "flow-3",
            _ => "flow-4",
        }
    }

    /// Returns the key of what kind of step it is; nothing for a plain one.
    pub fn kind_key(&self) -> Option<&'static str> {
        match (self.kind.as_str(), self.act.as_deref()) {
            ("parallel", _) => Some("playbook-kind-parallel"),
            ("if-condition", _) => Some("playbook-kind-if"),
            ("while-condition", _) => Some("playbook-kind-while"),
            ("switch-condition", _) => Some("playbook-kind-switch"),
            ("playbook-action", _) => Some("playbook-kind-playbook"),
            (_, Some("search")) => Some("playbook-act-search"),
            (_, Some("block")) => Some("playbook-act-block"),
            (_, Some("notify")) => Some("playbook-act-notify"),
            (_, Some("collect")) => Some("playbook-act-collect"),
            _ => None,
        }
    }

    /// Returns the key of the moment that its time runs from.
    pub fn from_key(&self) -> &'static str {
        match self.from.as_deref() {
            Some("occurred") => "playbook-from-occurred",
            Some("detected") => "playbook-from-detected",
            Some("reported") => "playbook-from-reported",
            Some("opened") => "playbook-from-opened",
            _ => "playbook-from-started",
        }
    }

    /// Returns the key of a yes or a no; nothing for another answer.
    pub fn word_key(&self, word: &str) -> Option<&'static str> {
        match word {
            "yes" => Some("playbook-yes"),
            "no" => Some("playbook-no"),
            _ => None,
        }
    }

    /// Returns whether a question waits for its answer.
    pub fn asks(&self) -> bool {
        self.state == "open" && !self.answers.is_empty() && self.answer.is_none()
    }

    /// Returns whether the platform waits for a press.
    pub fn waits(&self) -> bool {
        self.state == "open" && matches!(self.act.as_deref(), Some("search" | "block"))
    }
}

/// One playbook with its steps.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "playbook/detail.html")]
pub struct PlaybookPage {
    /// The playbook.
    pub playbook: PlaybookRow,
    /// What it does: `mitigation`, `notification`…
    pub types: Vec<String>,
    /// The steps in the order in which people read them.
    pub lines: Vec<FlowLine>,
}

/// The run of a playbook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// The playbook's name, English.
    pub name: String,
    /// The same, Vietnamese.
    pub name_vi: Option<String>,
    /// `running`, `done` or `abandoned`.
    pub state: String,
    /// Who began it.
    pub author: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// Why it was given up.
    pub reason: Option<String>,
    /// Steps that are done.
    pub done: u64,
    /// Steps that were reached.
    pub reached: u64,
    /// Steps that there are.
    pub all: u64,
    /// The steps.
    pub lines: Vec<FlowLine>,
}

impl RunView {
    /// Returns whether steps are open.
    pub fn is_running(&self) -> bool {
        self.state == RunState::Running.word()
    }

    /// Returns the key of its state.
    pub fn state_key(&self) -> &'static str {
        match self.state.as_str() {
            "running" => "playbook-run-running",
            "done" => "playbook-run-done",
            _ => "playbook-run-abandoned",
        }
    }
}

/// The tab of playbooks of an incident.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "playbook/room.html")]
pub struct RoomPlaybooksPage {
    /// Head and tabs.
    #[serde(flatten)]
    pub head: Head,
    /// What kind of incident it is, or looks like.
    pub category: Option<String>,
    /// Whether a person said so.
    pub is_said: bool,
    /// Kinds to choose from.
    pub categories: Vec<Choice>,
    /// The runs, the newest first.
    pub runs: Vec<RunView>,
    /// Playbooks for this kind of incident.
    pub proposed: Vec<PlaybookRow>,
    /// The others.
    pub others: Vec<PlaybookRow>,
}
