//! What matching one event needs beside the rules; kept between events so that nothing is allocated
//! while nothing matches.

use std::fmt::Write as _;
use std::sync::Arc;

use ahash::AHashMap;
use event::Value;

use super::memo::Memo;
use super::program::Program;

/// Reusable working memory of one matching thread.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) marks: Marks,
    pub(super) memo: Memo,
    /// The programs this thread has met, by what decides them. Emptied when full.
    pub(super) programs: AHashMap<Box<[u8]>, Arc<Program>>,
    /// Whose programs these are: the rule set's number.
    pub(super) rule_set: u64,
    pub(super) kind: Vec<u8>,
    pub(super) fired: Vec<usize>,
    /// By field: the number of the last event that had it.
    fields: Vec<u64>,
    event: u64,
    text: String,
    folded: String,
    found: Vec<usize>,
}

impl Scratch {
    /// Starts on an event, for rules that ask about so many fields.
    pub(super) fn begin_event(&mut self, fields: usize) {
        if self.fields.len() < fields {
            self.fields.resize(fields, 0);
        }
        self.event = self.event.saturating_add(1);
    }

    /// Notes that the event itself has a field.
    pub(super) fn note_field(&mut self, field: usize) {
        if let Some(event) = self.fields.get_mut(field) {
            *event = self.event;
        }
    }

    /// Returns whether the event itself has a field.
    pub(super) fn has_field(&self, field: usize) -> bool {
        self.fields.get(field) == Some(&self.event)
    }

    /// Looks for a program's texts in one value: each member of a list; not in null.
    pub(super) fn feed(&mut self, program: &Program, slot: usize, value: &Value) {
        match value {
            Value::Null => {}
            Value::List(members) => {
                for member in members {
                    self.feed(program, slot, member);
                }
            }
            Value::Text(text) => self.feed_text(program, slot, text),
            Value::Bool(true) => self.feed_text(program, slot, "true"),
            Value::Bool(false) => self.feed_text(program, slot, "false"),
            Value::Int(number) => self.feed_number(program, slot, number),
            Value::Float(number) => self.feed_number(program, slot, number),
        }
    }

    /// Looks for a program's texts in a number, by its decimal text.
    pub(super) fn feed_number(
        &mut self,
        program: &Program,
        slot: usize,
        number: &dyn std::fmt::Display,
    ) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if write!(text, "{number}").is_ok() {
            self.feed_text(program, slot, &text);
        }
        self.text = text;
    }

    /// Looks for a program's texts in a text.
    pub(super) fn feed_text(&mut self, program: &Program, slot: usize, text: &str) {
        let Self { marks, memo, folded, found, .. } = self;
        if text.len() <= program.scan_bytes(slot) {
            found.clear();
            program.scan(slot, text, folded, found);
            for leaf in found {
                program.see(*leaf, marks);
            }
            return;
        }
        let leaves = memo
            .leaves_of((program.number, slot), text, |out| program.scan(slot, text, folded, out));
        for leaf in leaves {
            program.see(*leaf, marks);
        }
    }
}

/// What is known of the present event: leaves that were answered with yes, rules to be judged.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By leaf: the number of the last run that saw it.
    leaves: Vec<u64>,
    /// By rule of the program: the number of the last run that had it as a candidate.
    candidates: Vec<u64>,
    run: u64,
    waiting: Vec<usize>,
}

impl Marks {
    /// Starts on an event with a program of so many leaves and rules.
    pub(super) fn begin(&mut self, (leaves, rules): (usize, usize)) {
        fn grow(numbers: &mut Vec<u64>, to: usize) {
            if numbers.len() < to {
                numbers.resize(to, 0);
            }
        }
        grow(&mut self.leaves, leaves);
        grow(&mut self.candidates, rules);
        self.run = self.run.saturating_add(1);
        self.waiting.clear();
    }

    /// Notes that a leaf was seen; returns whether that is news.
    pub(super) fn see(&mut self, leaf: usize) -> bool {
        match self.leaves.get_mut(leaf) {
            Some(run) if *run != self.run => {
                *run = self.run;
                true
            }
            _ => false,
        }
    }

    /// Returns whether a leaf was seen.
    pub(super) fn has(&self, leaf: usize) -> bool {
        self.leaves.get(leaf) == Some(&self.run)
    }

    /// Notes that a rule must be judged.
    pub(super) fn candidate(&mut self, rule: usize) {
        if let Some(run) = self.candidates.get_mut(rule)
            && *run != self.run
        {
            *run = self.run;
            self.waiting.push(rule);
        }
    }

    /// Returns a rule that must be judged, until there is none left.
    pub(super) fn next_candidate(&mut self) -> Option<usize> {
        self.waiting.pop()
    }
}
