//! What matching one event needs beside the rules; kept between events so that nothing is allocated
//! while nothing matches.

use std::fmt::Write as _;

use ahash::AHashMap;
use event::{Attr, Event, Value};

use crate::letter_case::fold_into;

/// Reusable working memory of one matching thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The fields of the present event that some rule asks for: their ids, in the event's order.
    fields: Vec<Option<usize>>,
    /// The attributes that stand in for fields the event does not have itself.
    attrs: Vec<(Attr, usize)>,
    /// By field id: the number of the last event that had it.
    seen: Vec<u64>,
    event_number: u64,
    /// By atom: the number of the last program run that saw it.
    atoms: Vec<u64>,
    /// By rule of the program: the number of the last run that had it as a candidate.
    candidates: Vec<u64>,
    run_number: u64,
    waiting: Vec<usize>,
    fired: Vec<usize>,
    text: String,
    folded: String,
}

impl Scratch {
    /// Makes room for a rule set with so many fields, atoms and rules in its largest program.
    pub(super) fn fit(&mut self, fields: usize, atoms: usize, rules: usize) {
        fn grow(numbers: &mut Vec<u64>, to: usize) {
            if numbers.len() < to {
                numbers.resize(to, 0);
            }
        }
        grow(&mut self.seen, fields);
        grow(&mut self.atoms, atoms);
        grow(&mut self.candidates, rules);
    }

    /// Starts on an event: finds which of its fields and attributes the rules ask for.
    pub(super) fn begin_event(
        &mut self,
        event: &Event,
        fields: &AHashMap<Box<str>, usize>,
        aliases: &AHashMap<Attr, Vec<usize>>,
    ) {
        self.event_number = self.event_number.saturating_add(1);
        self.fired.clear();
        self.fields.clear();
        self.attrs.clear();
        for (name, _) in event.fields.iter() {
            let id = fields.get(name).copied();
            if let Some(seen) = id.and_then(|id| self.seen.get_mut(id)) {
                *seen = self.event_number;
            }
            self.fields.push(id);
        }
        for (attr, _) in event.attrs.iter() {
            for id in aliases.get(&attr).into_iter().flatten() {
                if self.seen.get(*id) != Some(&self.event_number) {
                    self.attrs.push((attr, *id));
                }
            }
        }
    }

    /// Calls `with` for every field of the event that the program has something for.
    pub(super) fn each_field<P>(
        &mut self,
        event: &Event,
        programs: &AHashMap<usize, P>,
        mut with: impl FnMut(&P, &Value, &mut Self),
    ) {
        let fields = std::mem::take(&mut self.fields);
        for ((_, value), id) in event.fields.iter().zip(&fields) {
            if let Some(program) = id.and_then(|id| programs.get(&id)) {
                with(program, value, self);
            }
        }
        self.fields = fields;
        let attrs = std::mem::take(&mut self.attrs);
        for (attr, id) in &attrs {
            if let Some(program) = programs.get(id)
                && let Some(value) = event.attrs.get(*attr)
            {
                with(program, value, self);
            }
        }
        self.attrs = attrs;
    }

    /// Calls `with` with the text of a single value as it is and folded; not for null and lists.
    pub(super) fn with_text(&mut self, value: &Value, with: impl FnOnce(&str, &str, &mut Self)) {
        let mut own = std::mem::take(&mut self.text);
        let mut folded = std::mem::take(&mut self.folded);
        own.clear();
        let text: Option<&str> = match value {
            Value::Null | Value::List(_) => None,
            Value::Text(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            // Writing into a `String` cannot fail.
            Value::Int(number) => write!(own, "{number}").ok().map(|()| own.as_str()),
            Value::Float(number) => write!(own, "{number}").ok().map(|()| own.as_str()),
        };
        if let Some(text) = text {
            fold_into(text, &mut folded);
            with(text, &folded, self);
        }
        self.text = own;
        self.folded = folded;
    }

    /// Starts on a program: no atom seen, no candidate.
    pub(super) fn begin_program(&mut self) {
        self.run_number = self.run_number.saturating_add(1);
        self.waiting.clear();
    }

    /// Notes that an atom was seen; returns whether that is news.
    pub(super) fn set(&mut self, atom: usize) -> bool {
        match self.atoms.get_mut(atom) {
            Some(run) if *run != self.run_number => {
                *run = self.run_number;
                true
            }
            _ => false,
        }
    }

    /// Returns whether an atom was seen.
    pub(super) fn has(&self, atom: usize) -> bool {
        self.atoms.get(atom) == Some(&self.run_number)
    }

    /// Notes that a rule must be judged.
    pub(super) fn candidate(&mut self, slot: usize) {
        if let Some(run) = self.candidates.get_mut(slot)
            && *run != self.run_number
        {
            *run = self.run_number;
            self.waiting.push(slot);
        }
    }

    /// Returns a rule that must be judged, until there is none left.
    pub(super) fn next_candidate(&mut self) -> Option<usize> {
        self.waiting.pop()
    }

    /// Notes that a rule fires.
    pub(super) fn fired(&mut self, number: usize) {
        self.fired.push(number);
    }

    /// Returns the rules that fire on the event, in the order of the rule set.
    pub(super) fn take_fired(&mut self) -> &[usize] {
        self.fired.sort_unstable();
        &self.fired
    }
}
