//! Judges JSON records as they come, without making events of them: most records fire no rule, and
//! for those nothing else needs to be known.
//!
//! The screen learns from the decoder how records of a shape are read ([`layout`]), once, and then
//! takes the values where they stand. It never says that nothing fires unless that is certain: what
//! it does not know for sure, it leaves to the decoder.

mod layout;
mod looks;
mod plan;
mod shape;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use event::{Attr, Deciding, Event, LogSource, Value};
use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};

use super::expression::Answer;
use super::leaf::KEYWORDS;
use super::program::Facts;
use super::scratch::Scratch;
use crate::ast::Matcher as Wanted;
use crate::indicator::{IndicatorSet, IndicatorWatch};
use crate::rule_set::RuleSet;
use crate::test_value;
use layout::Origin;
use looks::Looks;
use plan::Plan;
use shape::{Shapes, Walk};

/// Longer records are left to the decoder.
const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// The decoder, as the screen asks it.
pub trait Decoding: Send {
    /// Reads a record; `None` if it cannot, or if records of this kind are not read value by value.
    fn read(&self, record: &[u8]) -> Option<Event>;

    /// Returns what of the value at a path (keys joined by dots) may decide how its record is read.
    fn decides(&self, path: &str) -> Deciding;

    /// Returns which field of an event of this kind may become which attribute; the empty name stands for
    /// a fixed value. Every attribute but `message` comes from one of them.
    fn feeds(&self, event: &Event) -> Vec<(String, Attr)>;

    /// Returns whether a text counts as no value.
    fn is_blank(&self, text: &str) -> bool;
}

/// Returns the part of a text that decides.
fn part_of<'t>(decides: Deciding, text: &'t str, decoding: &dyn Decoding) -> &'t str {
    match decides {
        Deciding::Value => text,
        Deciding::Presence if decoding.is_blank(text) => text,
        Deciding::Nothing | Deciding::Presence => "",
        Deciding::Text { start, .. } if text.trim_start().starts_with(start) => text,
        Deciding::Text { line, .. } => {
            let line = text.lines().find(|own| own.trim_start().starts_with(line));
            line.unwrap_or_default()
        }
    }
}

/// What the screen says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No rule fires on it.
    Silent,
    /// A rule may fire: decode it and ask the engine.
    Open,
}

/// Judges records for one thread.
pub struct Screen<'d> {
    rules: Arc<RuleSet>,
    decoding: Box<dyn Decoding + 'd>,
    shapes: Shapes,
    scratch: Scratch,
    record: Vec<u8>,
    buffers: Buffers,
    /// Empty between records; kept for its room.
    tape: Tape<'static>,
    walk: Walk,
    logsource: Option<Arc<LogSource>>,
    indicators: IndicatorWatch,
}

impl std::fmt::Debug for Screen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("shapes", &self.shapes).finish_non_exhaustive()
    }
}

impl<'d> Screen<'d> {
    /// Returns a screen that has seen nothing yet.
    pub fn new(rules: Arc<RuleSet>, decoding: impl Decoding + 'd) -> Self {
        Self {
            rules,
            decoding: Box::new(decoding),
            shapes: Shapes::default(),
            scratch: Scratch::default(),
            record: Vec::new(),
            buffers: Buffers::new(4_096),
            tape: Tape(Vec::new()),
            walk: Walk::default(),
            logsource: None,
            indicators: IndicatorWatch::default(),
        }
    }

    /// Returns the screen, looking for these indicators too: what may hold one is left open. To be called
    /// before it has seen anything.
    #[must_use]
    pub fn with_indicators(self, indicators: Arc<IndicatorSet>) -> Self {
        Self { indicators: IndicatorWatch::new(indicators), ..self }
    }

    /// Returns whether a record may make a rule fire or hold an indicator. Anything but a flat or nested JSON object of
    /// plain values is left open.
    pub fn judge(&mut self, record: &[u8]) -> Verdict {
        if record.first() != Some(&b'{') || record.len() > RECORD_BYTES_MAX {
            return Verdict::Open;
        }
        // The parser unescapes in place; the caller's bytes stay as they are.
        let mut bytes = std::mem::take(&mut self.record);
        bytes.clear();
        bytes.extend_from_slice(record);
        bytes.resize(record.len().saturating_add(INPUT_PADDING), b' ');
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed =
            simd_json::fill_tape_padded(&mut bytes, record.len(), &mut self.buffers, &mut tape);
        let verdict =
            if parsed.is_ok() { self.judge_tape(&tape.0) } else { None }.unwrap_or(Verdict::Open);
        self.tape = tape.reset();
        self.record = bytes;
        verdict
    }

    /// Returns the log source of the record that was last called silent.
    pub fn logsource(&self) -> Option<&LogSource> {
        self.logsource.as_deref()
    }

    fn judge_tape(&mut self, tape: &[Node<'_>]) -> Option<Verdict> {
        let mut walk = std::mem::take(&mut self.walk);
        let end = self.shapes.walk(tape, &*self.decoding, &mut walk);
        let verdict = end.and_then(|end| {
            if !self.shapes.knows(end, &walk.deciding) {
                self.learn(end, &walk, tape);
            }
            let plan = self.shapes.plan(end, &walk.deciding)?;
            self.logsource = Some(Arc::clone(&plan.logsource));
            let verdict = judge(plan, &walk.values, tape, &mut self.scratch);
            let is_open =
                verdict == Verdict::Silent && may_hold(plan, &walk, tape, &mut self.indicators);
            Some(if is_open { Verdict::Open } else { verdict })
        });
        self.walk = walk;
        verdict
    }

    fn learn(&mut self, end: usize, walk: &Walk, tape: &[Node<'_>]) {
        if !self.shapes.has_room_at(end) {
            return;
        }
        let places = self.shapes.places(end);
        let layout = layout::learn(&places, &walk.values, tape, &*self.decoding);
        let matcher = self.rules.matcher();
        let plan = layout.map(|layout| {
            let looks = Looks::new(&layout, &*self.decoding, &self.indicators);
            Plan::new(&layout, looks, matcher, &mut self.scratch)
        });
        self.shapes.learn(end, &walk.deciding, plan);
    }
}

/// Returns whether a record may hold an indicator.
fn may_hold(plan: &Plan, walk: &Walk, tape: &[Node<'_>], watch: &mut IndicatorWatch) -> bool {
    plan.looks.is_open
        || plan.looks.places.iter().any(|(place, holds)| {
            nodes(&walk.values, *place, tape).iter().any(|node| match node {
                Node::String(text) => watch.may_hold(*holds, text),
                _ => false,
            })
        })
}

fn judge(plan: &Plan, values: &[usize], tape: &[Node<'_>], scratch: &mut Scratch) -> Verdict {
    let program = &plan.program;
    if program.is_empty() {
        return Verdict::Silent;
    }
    program.begin(&mut scratch.marks);
    for slot in &plan.present {
        program.present(*slot, &mut scratch.marks);
    }
    for slot in &plan.open {
        program.open(*slot, &mut scratch.marks);
    }
    for leaf in &plan.seen {
        program.see(*leaf, &mut scratch.marks);
    }
    for (place, slot) in &plan.feeds {
        for node in nodes(values, *place, tape) {
            match node {
                Node::String(text) => scratch.feed_text(program, *slot, text),
                Node::Static(StaticNode::I64(number)) => {
                    scratch.feed_number(program, *slot, number);
                }
                Node::Static(StaticNode::U64(number)) => {
                    scratch.feed_number(program, *slot, number);
                }
                _ => {}
            }
        }
    }
    let mut verdict = Verdict::Silent;
    let facts = Plain { plan, values, tape };
    program.judge(&facts, &mut scratch.marks, |_| verdict = Verdict::Open);
    verdict
}

/// Returns the single values at a place: one, or the members of an array.
fn nodes<'t, 'i>(values: &[usize], place: usize, tape: &'t [Node<'i>]) -> &'t [Node<'i>] {
    let Some(at) = values.get(place).copied() else { return &[] };
    let (from, count) = match tape.get(at) {
        Some(Node::Array { count, .. }) => (at.saturating_add(1), *count),
        _ => (at, 1),
    };
    tape.get(from..from.saturating_add(count)).unwrap_or_default()
}

/// What is known of a record without decoding it.
struct Plain<'p> {
    plan: &'p Plan,
    values: &'p [usize],
    tape: &'p [Node<'p>],
}

impl Facts for Plain<'_> {
    fn late(&self, field: usize, wanted: &Wanted) -> Answer {
        if field == KEYWORDS {
            return Answer::Open;
        }
        // Null is a kind of its own, never a plain value.
        match (self.plan.origin(field), wanted) {
            (Some(Origin::Open), _) | (Some(_), Wanted::Field { .. }) => Answer::Open,
            (origin, Wanted::Exists(wanted)) => (origin.is_some() == *wanted).into(),
            (None, Wanted::Null) => Answer::Yes,
            (None, _) | (Some(Origin::Value(_)), Wanted::Null) => Answer::No,
            (Some(Origin::Constant(value)), Wanted::Null) => {
                test_value::is_null(Some(value)).into()
            }
            (Some(Origin::Constant(value)), _) => {
                value.members().iter().any(|one| test_value::holds_alone(wanted, one)).into()
            }
            (Some(Origin::Value(place)), _) => nodes(self.values, *place, self.tape)
                .iter()
                .any(|node| match node {
                    Node::String(text) => test_value::text_holds(wanted, text),
                    Node::Static(StaticNode::I64(number)) => {
                        test_value::holds_alone(wanted, &Value::Int(*number))
                    }
                    // Larger numbers have no shape.
                    Node::Static(StaticNode::U64(number)) => i64::try_from(*number)
                        .is_ok_and(|number| test_value::holds_alone(wanted, &Value::Int(number))),
                    _ => false,
                })
                .into(),
        }
    }

    fn is_fed(&self, field: usize) -> bool {
        self.plan.origin(field) != Some(&Origin::Open)
    }
}
