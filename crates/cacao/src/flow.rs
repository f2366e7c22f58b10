//! How far a run of a playbook has come: which steps are open once others are done or answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::ROUNDS_MAX;
use crate::playbook::{Playbook, Step, StepKind};

/// How far one step is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// Whether it is done; of a step with branches, whether these are.
    pub done: bool,
    /// What a person answered.
    pub answer: Option<String>,
    /// How often the branch of a loop was run.
    pub rounds: u32,
}

/// The steps that a run has reached.
pub type Progress = BTreeMap<String, Mark>;

/// What an advance has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Steps that are open now and were not: something to do or to answer.
    pub opened: Vec<String>,
    /// Whether the run is at its end.
    pub finished: bool,
}

/// Opens what can be opened; what is done by itself (the start, ends, branches that are through) is marked.
pub fn advance(playbook: &Playbook, progress: &mut Progress) -> Advance {
    let mut walk = Walk { playbook, progress, opened: Vec::new() };
    let finished = walk.chain(&playbook.start);
    Advance { opened: walk.opened, finished }
}

/// Marks a step as done, or as open again; returns whether it had been reached.
pub fn set_done(progress: &mut Progress, id: &str, done: bool) -> bool {
    match progress.get_mut(id) {
        Some(mark) => {
            mark.done = done;
            true
        }
        None => false,
    }
}

/// Answers an open question; returns whether it was asked and the answer is one of its answers.
pub fn answer(playbook: &Playbook, progress: &mut Progress, id: &str, word: &str) -> bool {
    let fits = playbook.steps.get(id).is_some_and(|step| step.kind.answers().contains(&word));
    match progress.get_mut(id) {
        Some(mark) if fits && mark.answer.is_none() && !mark.done => {
            mark.answer = Some(word.to_owned());
            true
        }
        _ => false,
    }
}

struct Walk<'a> {
    playbook: &'a Playbook,
    progress: &'a mut Progress,
    opened: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Goes along a chain of steps as far as it is done; returns whether it is through.
    fn chain(&mut self, from: &'a str) -> bool {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(step) = self.playbook.steps.get(id) else { return true };
            if !self.is_through(id, step) {
                return false;
            }
            at = step.next.as_deref();
        }
        true
    }

    /// Opens a step that was not reached before; returns whether it is done with all its branches.
    fn is_through(&mut self, id: &str, step: &'a Step) -> bool {
        let by_itself =
            matches!(step.kind, StepKind::Start | StepKind::End | StepKind::Parallel(_));
        if !self.progress.contains_key(id) {
            self.progress.insert(id.to_owned(), Mark::default());
            if !by_itself {
                self.opened.push(id.to_owned());
            }
        }
        let mark = self.progress.get(id).cloned().unwrap_or_default();
        let through = match &step.kind {
            StepKind::Action | StepKind::Playbook(_) => return mark.done,
            StepKind::Start | StepKind::End => true,
            StepKind::Parallel(all) => {
                // Each branch goes on by itself, whatever the others do.
                let open = all.iter().filter(|first| !self.chain(first)).count();
                open == 0
            }
            StepKind::If { yes, no, .. } => match mark.answer.as_deref() {
                None => false,
                Some("yes") => self.chain(yes),
                Some(_) => no.as_deref().is_none_or(|no| self.chain(no)),
            },
            StepKind::Switch { cases, .. } => match mark.answer {
                None => false,
                Some(word) => cases.get(&word).is_none_or(|first| self.chain(first)),
            },
            StepKind::While { yes, .. } => {
                if mark.answer.as_deref() == Some("yes") && self.chain(yes) {
                    self.again(id, yes);
                }
                mark.answer.is_some_and(|word| word != "yes")
            }
        };
        if through && let Some(mark) = self.progress.get_mut(id) {
            mark.done = true;
        }
        through
    }

    /// Asks the question of a loop once more, with its branch as if it had never been run.
    fn again(&mut self, id: &str, first: &'a str) {
        for step in self.playbook.reachable(first) {
            self.progress.remove(step);
        }
        let Some(mark) = self.progress.get_mut(id) else { return };
        mark.rounds = mark.rounds.saturating_add(1);
        mark.answer = (mark.rounds >= ROUNDS_MAX).then(|| "no".to_owned());
        self.opened.push(id.to_owned());
    }
}
