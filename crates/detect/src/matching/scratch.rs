//! What matching one event needs beside the rules; kept between events so that nothing is allocated
//! while nothing matches.

use std::fmt::Write as _;
use std::sync::Arc;

use ahash::AHashMap;
use event::Value;

use super::latest::{Latest, Place};
use super::memo::{Key, Memo};
use super::program::Program;
use super::screen::Raw;

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
    pub(super) folded: String,
    found: Vec<usize>,
    latest: Latest,
    /// Slots that one value goes to, by their program.
    groups: AHashMap<(usize, Box<[usize]>), Key>,
}

/// The slots of a program that one value of a record goes to.
#[derive(Debug)]
pub(super) struct Group {
    key: Key,
    /// Where the values stand.
    place: Place,
    slots: Box<[usize]>,
    /// Up to so many bytes, a scan is faster than a look-up.
    scan_bytes: usize,
    /// Nothing is found in a shorter ASCII value.
    bytes_min: usize,
}

/// Set in the key of a group; not in that of a single slot.
const GROUP: Key = 1 << 63;
/// Set in the key of a value as its record spells it, where that is not the value itself.
const ESCAPED: Key = 1 << 62;

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
        let key = single_key(program.number, slot);
        let scan = |out: &mut Vec<usize>| program.scan(slot, text, folded, out);
        for leaf in memo.leaves_of(key, text.as_bytes(), scan) {
            program.see(leaf, marks);
        }
    }

    /// Returns a group of slots of a program, for the values of one place.
    pub(super) fn group(&mut self, program: &Program, slots: &[usize]) -> Group {
        let next = Key::try_from(self.groups.len()).unwrap_or(0);
        let key = *self.groups.entry((program.number, slots.into())).or_insert(next | GROUP);
        let scan_bytes = slots.iter().map(|slot| program.scan_bytes(*slot)).min();
        let bytes_min = slots.iter().map(|slot| program.bytes_min(*slot)).min();
        Group {
            key,
            place: self.latest.new_place(),
            slots: slots.into(),
            scan_bytes: scan_bytes.unwrap_or_default(),
            bytes_min: bytes_min.unwrap_or_default(),
        }
    }

    /// Looks for the texts of a group in a value as its record spells it.
    pub(super) fn feed_raw(&mut self, program: &Program, group: &Group, raw: Raw<'_>) {
        // Escapes only make a text longer.
        if raw.written.len() < group.bytes_min && raw.written.is_ascii() {
            return;
        }
        let Self { marks, memo, folded, found, text: room, latest, .. } = self;
        let value = raw.written.as_bytes();
        let last = latest.entry(group.place);
        if let Some(leaves) = last.leaves(value) {
            for leaf in leaves {
                program.see(leaf, marks);
            }
            return;
        }
        found.clear();
        let mut scan = |out: &mut Vec<usize>| {
            if let Some(text) = raw.text(room) {
                for slot in &group.slots {
                    program.scan(*slot, text, folded, out);
                }
            }
        };
        if value.len() <= group.scan_bytes || last.expects_new() {
            scan(found);
        } else {
            let key = if raw.is_escaped { group.key | ESCAPED } else { group.key };
            let mut is_new = false;
            let look = |out: &mut Vec<usize>| {
                is_new = true;
                scan(out);
            };
            found.extend(memo.leaves_of(key, value, look));
            last.note(is_new);
        }
        for leaf in &*found {
            program.see(*leaf, marks);
        }
        last.keep(value, found);
    }
}

/// The key of one slot of a program.
fn single_key(program: usize, slot: usize) -> Key {
    /// More slots than fields of all rules.
    const SLOT_BITS: u32 = 24;
    let number = |number: usize| Key::try_from(number).unwrap_or(0);
    (number(program) << SLOT_BITS | number(slot)) & !(GROUP | ESCAPED)
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
