//! Judges JSON records as they come, without making events of them: most records fire no rule, and
//! for those nothing else needs to be known.
//!
//! The screen learns from the decoder how records of a shape are read ([`layout`]), once, and then
//! takes the values where they stand. It never says that nothing fires unless that is certain: what
//! it does not know for sure, it leaves to the decoder.

mod layout;
mod looks;
mod plan;
mod record;
mod shape;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use event::{Attr, Deciding, Event, LogSource, Value};

use super::expression::Answer;
use super::leaf::{KEYWORDS, Leaves};
use super::program::Facts;
use super::scratch::Scratch;
use crate::ast::Matcher as Wanted;
use crate::indicator::{IndicatorSet, IndicatorWatch};
use crate::rule_set::RuleSet;
use crate::test_value;
use layout::Origin;
use looks::Looks;
use plan::Plan;
pub(super) use record::Raw;
use shape::{Learnt, Shapes, Walk};

/// The one control character that JSON allows inside a text; the decoder refuses what consists of them mostly.
const DEL: u8 = 0x7f;

/// A text of so many letters and digits is a value to every decoder.
const LETTERS_OF_NO_BLANK: usize = 8;

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

    /// Returns whether a text counts as no value: some short word may, none of [`LETTERS_OF_NO_BLANK`] letters.
    fn is_blank(&self, text: &str) -> bool;
}

/// What of a text decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'t> {
    /// All of it: whatever decides alike is this very text.
    Whole(&'t str),
    /// A line of it, or nothing: the rest may be anything.
    Line(&'t str),
}

/// Returns the part of a text that decides.
fn part_of<'t>(decides: Deciding, text: &'t str, decoding: &dyn Decoding) -> Part<'t> {
    match decides {
        Deciding::Value => Part::Whole(text),
        Deciding::Presence | Deciding::Text { .. } if decoding.is_blank(text) => Part::Whole(text),
        Deciding::Nothing | Deciding::Presence => Part::Line(""),
        Deciding::Text { starts, .. } if begins(text.trim_start(), starts) => Part::Whole(text),
        Deciding::Text { line, .. } => {
            let line = text.lines().find(|own| own.trim_start().starts_with(line));
            Part::Line(line.unwrap_or_default())
        }
    }
}

fn begins(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

/// What the screen says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No rule fires on it.
    Silent,
    /// A rule may fire: decode it and ask the engine.
    Open,
}

/// A rule over single events that may fire on a screened record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its number in the set.
    pub(crate) rule: usize,
    /// Whether it fires, whatever the decoder makes of what the screen left open.
    pub(crate) is_sure: bool,
}

/// Judges records for one thread.
pub struct Screen<'d> {
    rules: Arc<RuleSet>,
    decoding: Box<dyn Decoding + 'd>,
    shapes: Shapes,
    scratch: Scratch,
    walk: Walk,
    logsource: Option<Arc<LogSource>>,
    indicators: IndicatorWatch,
    /// The rules that may fire on the last record.
    candidates: Vec<Candidate>,
    /// Whether no other rule can.
    knows_candidates: bool,
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
            walk: Walk::default(),
            logsource: None,
            indicators: IndicatorWatch::default(),
            candidates: Vec::new(),
            knows_candidates: false,
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
        self.candidates.clear();
        self.knows_candidates = false;
        if record.first() != Some(&b'{') || record.len() > RECORD_BYTES_MAX {
            return Verdict::Open;
        }
        let mut walk = std::mem::take(&mut self.walk);
        let verdict = self.judge_walked(record, &mut walk).unwrap_or(Verdict::Open);
        self.walk = walk;
        verdict
    }

    /// Returns the log source of the record that was last called silent.
    pub fn logsource(&self) -> Option<&LogSource> {
        self.logsource.as_deref()
    }

    /// Returns the rules over single events that may fire on the record that was last left open; nothing where
    /// only the decoder can tell. Where it was left open for an indicator, no rule may.
    pub fn candidates(&self) -> Option<&[Candidate]> {
        self.knows_candidates.then_some(self.candidates.as_slice())
    }

    fn judge_walked(&mut self, record: &[u8], walk: &mut Walk) -> Option<Verdict> {
        // First, for this works while the memory brings the record; the check only waits for it.
        walk.marks.read(record);
        if walk.marks.has_broken() || memchr::memchr(DEL, record).is_some() {
            return None;
        }
        let record = std::str::from_utf8(record).ok()?;
        let end = self.shapes.walk(record, &*self.decoding, walk)?;
        if matches!(self.shapes.plan(end, &walk.deciding), Learnt::Nothing) {
            self.learn(end, walk, record);
        }
        let Learnt::Plan(plan) = self.shapes.plan(end, &walk.deciding) else { return None };
        self.logsource = Some(Arc::clone(&plan.logsource));
        let Self { rules, scratch, candidates, .. } = self;
        judge(plan, walk, record, &rules.matcher().leaves, scratch, candidates);
        self.knows_candidates = true;
        let is_open =
            !self.candidates.is_empty() || may_hold(plan, walk, record, &mut self.indicators);
        Some(if is_open { Verdict::Open } else { Verdict::Silent })
    }

    #[cold]
    fn learn(&mut self, end: usize, walk: &Walk, record: &str) {
        if !self.shapes.has_room_at(end) {
            return;
        }
        let places = self.shapes.places(end);
        let layout = layout::learn(&places, &walk.values, record, &*self.decoding);
        let matcher = self.rules.matcher();
        let plan = layout.map(|layout| {
            let looks = Looks::new(&layout, &*self.decoding, &self.indicators);
            Plan::new(&layout, looks, matcher, &mut self.scratch)
        });
        self.shapes.learn(end, &walk.deciding, plan);
    }
}

/// Returns whether a record may hold an indicator.
fn may_hold(plan: &Plan, walk: &Walk, record: &str, watch: &mut IndicatorWatch) -> bool {
    if plan.looks.is_open {
        return true;
    }
    let mut room = String::new();
    plan.looks.places.iter().any(|(place, holds)| {
        some_value(walk, *place, record, |raw| {
            raw.is_text && raw.text(&mut room).is_some_and(|text| watch.may_hold(*holds, text))
        })
    })
}

/// Adds the rules that may fire.
fn judge(
    plan: &Plan,
    walk: &Walk,
    record: &str,
    leaves: &Leaves,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) {
    let program = &plan.program;
    if program.is_empty() {
        return;
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
    for (place, group) in &plan.feeds {
        some_value(walk, *place, record, |raw| {
            scratch.feed_raw(program, group, raw);
            false
        });
    }
    let facts = Plain { plan, walk, record };
    program.judge(leaves, &facts, &mut scratch.marks, |rule, fires| {
        candidates.push(Candidate { rule, is_sure: fires() });
    });
}

/// Returns whether one of the values at a place is what is asked for: a text or whole number, or such
/// members of an array.
fn some_value<'r>(
    walk: &'r Walk,
    place: usize,
    record: &'r str,
    is: impl FnMut(Raw<'r>) -> bool,
) -> bool {
    walk.values.get(place).is_some_and(|span| span.any(record, &walk.marks, is))
}

/// What is known of a record without decoding it.
struct Plain<'p> {
    plan: &'p Plan,
    walk: &'p Walk,
    record: &'p str,
}

impl Facts for Plain<'_> {
    fn late(&self, field: usize, wanted: &Wanted) -> Answer {
        if field == KEYWORDS {
            return Answer::Open;
        }
        // Null is a kind of its own, never a plain value.
        match (self.plan.origin(field), wanted) {
            (Some(Origin::Open), _) | (Some(_), Wanted::Field { .. }) => Answer::Open,
            (None, Wanted::Exists(_) | Wanted::Null) if self.plan.is_object(field) => Answer::Open,
            (origin, Wanted::Exists(wanted)) => (origin.is_some() == *wanted).into(),
            (None, Wanted::Null) => Answer::Yes,
            (None, _) | (Some(Origin::Value(_)), Wanted::Null) => Answer::No,
            (Some(Origin::Constant(value)), Wanted::Null) => test_value::is_null(value).into(),
            (Some(Origin::Constant(value)), _) => {
                value.members().iter().any(|one| test_value::holds_alone(wanted, one)).into()
            }
            (Some(Origin::Value(place)), _) => some_value(self.walk, *place, self.record, |raw| {
                if let Some(number) = raw.int() {
                    return test_value::holds_alone(wanted, &Value::Int(number));
                }
                raw.text(&mut String::new())
                    .is_some_and(|text| test_value::text_holds(wanted, text))
            })
            .into(),
        }
    }

    fn is_fed(&self, field: usize) -> bool {
        self.plan.origin(field) != Some(&Origin::Open)
    }
}
