//! What a playbook says, as far as people and a run of it need it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::extension::{Act, Deadline};

/// Words in English, and in Vietnamese where the playbook has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// As the specification has them.
    pub en: String,
    /// By our extension.
    pub vi: Option<String>,
}

impl Words {
    /// Returns whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.en.is_empty() && self.vi.is_none()
    }

    /// Returns the Vietnamese words, or what there is.
    pub fn vietnamese(&self) -> &str {
        self.vi.as_deref().unwrap_or(&self.en)
    }
}

/// A playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    /// The id behind `playbook--`.
    pub id: Uuid,
    /// What it is called.
    pub name: Words,
    /// What it is for.
    pub description: Words,
    /// What it does: `mitigation`, `notification`…
    pub types: Vec<String>,
    /// Kinds of incidents that it is for, by our extension.
    pub categories: Vec<String>,
    /// When it was first made.
    pub created: DateTime<Utc>,
    /// Which version it is.
    pub modified: DateTime<Utc>,
    /// Whether its maker takes it back.
    pub revoked: bool,
    /// The id of the step that a run begins with.
    pub start: String,
    /// The steps by their ids.
    pub steps: BTreeMap<String, Step>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What kind of step.
    pub kind: StepKind,
    /// What it is called.
    pub name: Words,
    /// What to do, or to judge.
    pub description: Words,
    /// Who does it, by post or role.
    pub agent: Words,
    /// The commands, as written.
    pub commands: Vec<String>,
    /// Under which law, by our extension.
    pub legal_basis: String,
    /// By when, by our extension.
    pub deadline: Option<Deadline>,
    /// What the platform does by itself, by our extension.
    pub act: Option<Act>,
    /// The step that follows.
    pub next: Option<String>,
    /// The step that follows when it fails.
    pub on_failure: Option<String>,
}

/// What kind of step it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// The first.
    Start,
    /// The last of the playbook or of a branch.
    End,
    /// Something to do.
    Action,
    /// Another playbook to run: its id.
    Playbook(String),
    /// Branches at the same time: their first steps.
    Parallel(Vec<String>),
    /// A question with yes and no.
    If {
        /// The condition as written.
        condition: String,
        /// First step of the branch for yes.
        yes: String,
        /// First step of the branch for no.
        no: Option<String>,
    },
    /// A branch that is run as long as the answer is yes.
    While {
        /// The condition as written.
        condition: String,
        /// First step of the branch.
        yes: String,
    },
    /// A question with several answers.
    Switch {
        /// What is asked, as written.
        switch: String,
        /// The answers, each with the first step of its branch.
        cases: BTreeMap<String, String>,
    },
}

impl StepKind {
    /// Returns the type's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Action => "action",
            Self::Playbook(_) => "playbook-action",
            Self::Parallel(_) => "parallel",
            Self::If { .. } => "if-condition",
            Self::While { .. } => "while-condition",
            Self::Switch { .. } => "switch-condition",
        }
    }

    /// Returns the first steps of its branches.
    pub fn branches(&self) -> Vec<&str> {
        match self {
            Self::Start | Self::End | Self::Action | Self::Playbook(_) => Vec::new(),
            Self::Parallel(all) => all.iter().map(String::as_str).collect(),
            Self::If { yes, no, .. } => {
                [Some(yes), no.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::While { yes, .. } => vec![yes],
            Self::Switch { cases, .. } => cases.values().map(String::as_str).collect(),
        }
    }

    /// Returns the answers that a person may give; nothing where none is asked for.
    pub fn answers(&self) -> Vec<&str> {
        match self {
            Self::If { .. } | Self::While { .. } => vec!["yes", "no"],
            Self::Switch { cases, .. } => cases.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl Playbook {
    /// Returns the steps that can be reached from one, with itself.
    pub fn reachable<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(id) = waiting.pop() {
            let Some(step) = self.steps.get(id) else { continue };
            if seen.insert(id) {
                waiting.extend(step.next.as_deref());
                waiting.extend(step.on_failure.as_deref());
                waiting.extend(step.kind.branches());
            }
        }
        seen
    }

    /// Returns the steps in the order in which people read them: each branch behind the step that it hangs
    /// on, deeper; with how deep, and the answer or number of the branch that begins there.
    pub fn outline(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut seen = BTreeSet::new();
        self.outline_from(&self.start, 0, None, &mut seen, &mut lines);
        lines
    }

    fn outline_from<'a>(
        &'a self,
        from: &'a str,
        depth: usize,
        mut branch: Option<String>,
        seen: &mut BTreeSet<&'a str>,
        lines: &mut Vec<Line<'a>>,
    ) {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(step) = self.steps.get(id) else { return };
            if !seen.insert(id) {
                return;
            }
            lines.push(Line { id, step, depth, branch: branch.take() });
            let names: Vec<String> = match &step.kind {
                StepKind::Parallel(all) => (1..=all.len()).map(|n| n.to_string()).collect(),
                kind => kind.answers().into_iter().map(ToOwned::to_owned).collect(),
            };
            for (name, first) in names.into_iter().zip(step.kind.branches()) {
                let deeper = depth.saturating_add(1);
                self.outline_from(first, deeper, Some(name), seen, lines);
            }
            at = step.next.as_deref();
        }
    }
}

/// A step where people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its id.
    pub id: &'a str,
    /// The step.
    pub step: &'a Step,
    /// Within how many branches it stands.
    pub depth: usize,
    /// The answer, or the number of the branch, that it begins.
    pub branch: Option<String>,
}
