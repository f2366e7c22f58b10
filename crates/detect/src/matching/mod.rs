//! Rules made fast. A rule becomes an expression over numbered questions when it is loaded
//! ([`leaf`]); the first event of a kind makes the [`Program`] of that kind, in which everything is
//! already decided that the kind decides ([`kind`]); each value of an event is then looked up or
//! scanned once for all rules ([`memo`], [`text_program`]), and only rules that this set off are judged.

mod edges;
mod expression;
mod grams;
mod kind;
mod latest;
mod leaf;
mod literal;
mod memo;
mod program;
mod scratch;
mod screen;
mod text_program;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ahash::{AHashMap, RandomState};
use event::{Attr, Event, LogSource, Value};
use parking_lot::RwLock;

use crate::ast::{self, Rule};
use crate::letter_case::fold_into;
use crate::{reference, taxonomy, test_value};

use expression::{Answer, Expression};
use kind::Decider;
use leaf::{KEYWORDS, Leaf, Leaves, Test};
pub(crate) use literal::needed as texts_needed;
use program::{Facts, Program, Residue};
pub use scratch::Scratch;
pub use screen::{Candidate, Decoding, Screen, Verdict};

/// Kinds of events that one thread remembers the program of.
const KINDS_MAX: usize = 4_096;

/// Never the same for two rule sets of a process.
static NEXT_RULE_SET: AtomicU64 = AtomicU64::new(1);

/// Never the same for two programs of a process, so that what a [`memo`] holds is never another's.
static NEXT_PROGRAM: AtomicUsize = AtomicUsize::new(1);

/// All single-event rules, compiled.
#[derive(Debug)]
pub(crate) struct Matcher {
    number: u64,
    leaves: Leaves,
    rules: Vec<(LogSource, Expression)>,
    deciders: Vec<Decider>,
    /// By attribute: the fields that it stands in for.
    aliases: AHashMap<Attr, Vec<usize>>,
    programs: RwLock<Programs>,
}

/// The programs made so far. Their number is bounded by what the rules ask, not by what events hold.
#[derive(Debug, Default)]
struct Programs {
    by_kind: AHashMap<Kind, Arc<Program>>,
    /// By the hash of what is left of the rules: kinds that leave the same share a program.
    by_residue: AHashMap<u64, Vec<Arc<Program>>>,
}

/// The text of a log source, and the answers of the deciding fields.
type Kind = (Box<[u8]>, Vec<usize>);

impl Default for Matcher {
    fn default() -> Self {
        Self::build(&[])
    }
}

impl Matcher {
    /// Compiles rules.
    pub(crate) fn build(rules: &[Rule]) -> Self {
        let mut leaves = Leaves::default();
        let rules: Vec<(LogSource, Expression)> =
            rules.iter().map(|rule| (rule.info.logsource.clone(), leaves.rule(rule))).collect();
        let mut aliases: AHashMap<Attr, Vec<usize>> = AHashMap::new();
        for (number, name) in leaves.fields().iter().enumerate().skip(1) {
            if let Some(attr) = taxonomy::attr_of(name) {
                aliases.entry(attr).or_default().push(number);
            }
        }
        Self {
            number: NEXT_RULE_SET.fetch_add(1, Ordering::Relaxed),
            deciders: Decider::of(&leaves),
            leaves,
            rules,
            aliases,
            programs: RwLock::default(),
        }
    }

    /// Returns the numbers of the rules that fire on an event, in ascending order.
    pub(crate) fn run<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> &'s [usize] {
        scratch.fired.clear();
        let program = self.program_of(event, scratch);
        if program.is_empty() {
            return &scratch.fired;
        }
        program.begin(&mut scratch.marks);
        self.feed(&program, event, scratch);
        let Scratch { marks, fired, .. } = scratch;
        let facts = Whole { leaves: &self.leaves, event };
        program.judge(&self.leaves, &facts, marks, |rule, _| fired.push(rule));
        fired.sort_unstable();
        fired
    }

    /// Returns those of some rules that fire on an event, in ascending order: what [`Matcher::run`] returns of
    /// them, at the price of the questions that the screen left open.
    pub(crate) fn run_among<'s>(
        &self,
        event: &Event,
        among: &[Candidate],
        scratch: &'s mut Scratch,
    ) -> &'s [usize] {
        let Scratch { fired, folded, .. } = scratch;
        fired.clear();
        let whole = Whole { leaves: &self.leaves, event };
        let room = RefCell::new(std::mem::take(folded));
        for Candidate { rule, is_sure } in among {
            let Some((logsource, expression)) = self.rules.get(*rule) else { continue };
            let fires = *is_sure
                || (reference::covers(logsource, &event.logsource)
                    && expression.may_hold(&|leaf| whole.answer(leaf, &mut room.borrow_mut())));
            if fires {
                fired.push(*rule);
            }
        }
        *folded = room.into_inner();
        fired.sort_unstable();
        fired
    }

    /// Looks through the fields, the attributes that stand in for fields, and for keywords.
    fn feed(&self, program: &Program, event: &Event, scratch: &mut Scratch) {
        scratch.begin_event(self.leaves.fields().len());
        let keywords = program.slot(KEYWORDS);
        for (name, value) in event.fields.iter() {
            if let Some(field) = self.leaves.field(name) {
                scratch.note_field(field);
                feed_field(program, field, value, scratch);
            }
            if let Some(slot) = keywords {
                scratch.feed(program, slot, value);
            }
        }
        for (attr, value) in event.attrs.iter() {
            for field in self.aliases.get(&attr).into_iter().flatten() {
                if !scratch.has_field(*field) {
                    feed_field(program, *field, value, scratch);
                }
            }
        }
        if let Some(slot) = keywords
            && let Some(message) = event.attrs.get(Attr::Message)
        {
            scratch.feed(program, slot, message);
        }
    }

    /// Returns the program of an event's kind.
    fn program_of(&self, event: &Event, scratch: &mut Scratch) -> Arc<Program> {
        if scratch.rule_set != self.number || scratch.programs.len() > KINDS_MAX {
            scratch.rule_set = self.number;
            scratch.programs.clear();
        }
        let mut kind = std::mem::take(&mut scratch.kind);
        kind.clear();
        kind::write(&mut kind, &event.logsource);
        let logsource_bytes = kind.len();
        for decider in &self.deciders {
            decider.write(&mut kind, event);
        }
        let program = if let Some(program) = scratch.programs.get(kind.as_slice()) {
            Arc::clone(program)
        } else {
            let logsource = kind.get(..logsource_bytes).unwrap_or_default();
            let program = self.program_for(logsource, event);
            scratch.programs.insert(kind.as_slice().into(), Arc::clone(&program));
            program
        };
        scratch.kind = kind;
        program
    }

    /// Returns the program of an event's kind, made now if it is the first of its kind.
    fn program_for(&self, logsource: &[u8], event: &Event) -> Arc<Program> {
        let mut decided = Vec::new();
        let mut holding = Vec::new();
        for decider in &self.deciders {
            decider.decide(event, &mut decided, &mut holding);
        }
        holding.sort_unstable();
        // Which fields decide is part of the kind too: an `EventID` that is a list decides nothing.
        let mut answers = holding.clone();
        answers.push(usize::MAX);
        answers.extend(decided.iter().map(|decider: &&Decider| decider.field));
        let key = (Box::from(logsource), answers);
        if let Some(program) = self.programs.read().by_kind.get(&key) {
            return Arc::clone(program);
        }
        let is_decided = |id: usize| decided.iter().any(|decider| decider.decides(id));
        let residue = self.residue(&event.logsource, &|id| {
            is_decided(id).then(|| holding.binary_search(&id).is_ok())
        });
        let mut programs = self.programs.write();
        let program = programs.of_residue(&residue, &self.leaves);
        programs.by_kind.insert(key, Arc::clone(&program));
        program
    }

    /// Returns what is left of the rules for a log source once some leaves are answered.
    fn residue(&self, logsource: &LogSource, answer: &impl Fn(usize) -> Option<bool>) -> Residue {
        let covering =
            self.rules.iter().enumerate().filter(|(_, (own, _))| reference::covers(own, logsource));
        covering
            .map(|(number, (_, expression))| {
                let left = expression
                    .map(&mut |id| answer(id).map_or(Expression::Leaf(id), Expression::Known));
                (number, left)
            })
            .filter(|(_, left)| *left != Expression::Known(false))
            .collect()
    }
}

/// Looks for a program's texts in one field.
fn feed_field(program: &Program, field: usize, value: &Value, scratch: &mut Scratch) {
    if let Some(slot) = program.slot(field) {
        program.present(slot, &mut scratch.marks);
        if program.has_texts(slot) {
            scratch.feed(program, slot, value);
        }
    }
}

impl Programs {
    fn of_residue(&mut self, residue: &Residue, leaves: &Leaves) -> Arc<Program> {
        /// Only within one process and rule set; equality decides.
        static HASHER: std::sync::LazyLock<RandomState> =
            std::sync::LazyLock::new(RandomState::new);
        let known = self.by_residue.entry(HASHER.hash_one(residue)).or_default();
        if let Some(program) = known.iter().find(|program| program.is_of(residue)) {
            return Arc::clone(program);
        }
        let number = NEXT_PROGRAM.fetch_add(1, Ordering::Relaxed);
        let program = Arc::new(Program::build(number, residue, leaves));
        known.push(Arc::clone(&program));
        program
    }
}

/// An event of which everything is known.
struct Whole<'e> {
    leaves: &'e Leaves,
    event: &'e Event,
}

impl Whole<'_> {
    /// Returns whether a leaf holds; `room` is only room to fold in.
    fn answer(&self, leaf: usize, room: &mut String) -> Answer {
        let Some(Leaf { field, test, .. }) = self.leaves.get(leaf) else { return Answer::No };
        let (text, stand, cased) = match test {
            Test::Late(matcher) => return self.late(*field, matcher),
            Test::Text { text, stand, cased } => (text, *stand, *cased),
        };
        let mut is = |value: &Value| {
            test_value::text(value).is_some_and(|own| {
                if cased {
                    return stand.holds(text, &own);
                }
                fold_into(&own, room);
                stand.holds(text, room)
            })
        };
        if *field == KEYWORDS {
            return reference::all_values(self.event).any(is).into();
        }
        let value =
            self.leaves.fields().get(*field).and_then(|name| taxonomy::field(self.event, name));
        value.is_some_and(|value| value.members().iter().any(&mut is)).into()
    }
}

impl Facts for Whole<'_> {
    fn late(&self, field: usize, matcher: &ast::Matcher) -> Answer {
        if field == KEYWORDS {
            let mut values = reference::all_values(self.event);
            return values.any(|value| test_value::holds(matcher, value, self.event)).into();
        }
        let Some(name) = self.leaves.fields().get(field) else {
            return Answer::No;
        };
        let holds = match matcher {
            ast::Matcher::Null => test_value::is_empty(self.event, name),
            ast::Matcher::Exists(wanted) => {
                test_value::presence(self.event, name).is_some() == *wanted
            }
            matcher => taxonomy::field(self.event, name).is_some_and(|value| {
                value.members().iter().any(|one| test_value::holds(matcher, one, self.event))
            }),
        };
        holds.into()
    }

    fn is_fed(&self, _field: usize) -> bool {
        true
    }
}
