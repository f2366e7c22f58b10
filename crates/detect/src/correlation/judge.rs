//! Whether a window has come true.
//!
//! A window ends with an event and holds what happened up to one time span before it, both ends
//! included. An event that comes in order completes one window: its own. A late one stands in the
//! windows of all events up to one time span after it, and each of them is judged again.

use std::collections::HashMap;
use std::ops::Range;

use super::entry::{Entry, Measure, Micros};
use super::plan::CorrelationPlan;
use super::sums::Sums;
use super::timeline::Timeline;
use crate::ast::CorrelationKind;

/// A window that has come true.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    /// When the last event of the window happened.
    pub(super) at: Micros,
    /// What was counted.
    pub(super) measured: f64,
    /// The entries of the window.
    pub(super) window: Range<usize>,
}

/// Judges the windows that hold the newcomer, which is one of the entries, but those whose end is in a quiet time:
/// `loud_from` returns a moment itself, or the first after it that is in none.
pub(super) fn judge(
    plan: &CorrelationPlan,
    entries: &Timeline,
    sums: &mut Sums,
    newcomer: &Entry,
    loud_from: impl Fn(Micros) -> Micros,
) -> Option<Verdict> {
    let at = newcomer.at;
    if loud_from(at) > at.saturating_add(plan.span()) {
        return None;
    }
    if plan.kind == CorrelationKind::TemporalOrdered && plan.grows() && !plan.picks_rules() {
        return chain(plan, entries, newcomer, loud_from);
    }
    let reach = Reach::of(plan, entries, at);
    let is_newest = reach.own_end == reach.last_end;
    let is_hopeless = float(reach.last_end.saturating_sub(reach.start)) < plan.fewest();
    if is_hopeless || (is_newest && loud_from(at) != at) {
        return None;
    }
    if plan.kind == CorrelationKind::EventCount && plan.grows() {
        return count(plan, entries, &reach, loud_from);
    }
    if plan.counts_different() && plan.grows() && entries.has_twins_around(newcomer, plan.span()) {
        return None;
    }
    let is_long = reach.last_end.saturating_sub(reach.start) > EACH_WINDOW_MAX;
    let is_dear = plan.orders_numbers() || (!plan.grows() && is_long);
    let mut tally = Tally::of(plan);
    if is_long && tally.wants == Wants::Sum {
        tally.wants = Wants::LongSum;
    }
    let mut slide = Slide { tally, window: reach.start..reach.start };
    slide.grow(entries, reach.own_end);
    let mut end_at = at;
    loop {
        if loud_from(end_at) == end_at {
            if slide.tally.wants == Wants::LongSum {
                slide.tally.sum = sums.over(entries, slide.window.clone(), plan.span());
            }
            let measured = slide.measure(plan, entries);
            if slide.is_met(plan, entries, measured) {
                return Some(Verdict { at: end_at, measured, window: slide.window });
            }
        }
        if slide.window.end == reach.last_end {
            return None;
        }
        let next = if is_dear { reach.last_end.checked_sub(1)? } else { slide.window.end };
        end_at = entries.get(next)?.at;
        slide.grow(entries, entries.partition_point(|entry| entry.at <= end_at));
        slide.shrink(entries, end_at.saturating_sub(plan.span()));
    }
}

/// Looks for a window with enough events. One entry more is one event more at most, so the ends
/// before as many as are wanting are passed over.
fn count(
    plan: &CorrelationPlan,
    entries: &Timeline,
    reach: &Reach,
    loud_from: impl Fn(Micros) -> Micros,
) -> Option<Verdict> {
    let mut end_at = reach.at;
    loop {
        let loud = loud_from(end_at);
        let end = if loud == end_at {
            let end = entries.partition_point(|entry| entry.at <= end_at);
            let earliest = end_at.saturating_sub(plan.span());
            let start = entries.partition_point(|entry| entry.at < earliest);
            let measured = float(end.saturating_sub(start));
            if plan.is_met_by(measured) {
                return Some(Verdict { at: end_at, measured, window: start..end });
            }
            end.saturating_add(wanting(plan.fewest() - measured))
        } else {
            entries.partition_point(|entry| entry.at < loud).saturating_add(1)
        };
        if end > reach.last_end {
            return None;
        }
        end_at = entries.get(end.checked_sub(1)?)?.at;
    }
}

/// Returns how many events are wanting at least, one or more.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and what is past all entries ends the search"
)]
fn wanting(count: f64) -> usize {
    count.ceil().max(1.0) as usize
}

/// With more events around a late one than this, where more is not simply better, its own window and
/// the newest one that holds it stand for those between.
const EACH_WINDOW_MAX: usize = 1_024;

/// The entries that share a window with an event.
#[derive(Debug)]
struct Reach {
    /// When it happened.
    at: Micros,
    /// The first entry of the event's own window.
    start: usize,
    /// Past the last entry of the event's own window.
    own_end: usize,
    /// Past the last entry whose window holds the event.
    last_end: usize,
}

impl Reach {
    fn of(plan: &CorrelationPlan, entries: &Timeline, at: Micros) -> Self {
        let earliest = at.saturating_sub(plan.span());
        let latest = at.saturating_add(plan.span());
        Self {
            at,
            start: entries.partition_point(|entry| entry.at < earliest),
            own_end: entries.partition_point(|entry| entry.at <= at),
            last_end: entries.partition_point(|entry| entry.at <= latest),
        }
    }
}

/// A window that moves through the entries.
#[derive(Debug)]
struct Slide {
    tally: Tally,
    window: Range<usize>,
}

/// What a window holds, as far as its rule asks for it.
#[derive(Debug, Default)]
struct Tally {
    wants: Wants,
    values: HashMap<u128, u32, ahash::RandomState>,
    inputs: Vec<u32>,
    sum: f64,
}

/// What a rule asks for of a window, beside its length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wants {
    #[default]
    Nothing,
    Values,
    Sum,
    /// The sum of a long window: see [`Sums`].
    LongSum,
    Inputs,
}

impl Wants {
    /// Returns whether each entry that comes into a window or leaves it must be looked at.
    const fn each(self) -> bool {
        !matches!(self, Self::Nothing | Self::LongSum)
    }
}

impl Slide {
    fn grow(&mut self, entries: &Timeline, end: usize) {
        if self.tally.wants.each() {
            entries.range(self.window.end..end).for_each(|entry| self.tally.add(entry));
        }
        self.window.end = end;
    }

    fn shrink(&mut self, entries: &Timeline, from: Micros) {
        let start = entries.partition_point(|entry| entry.at < from).max(self.window.start);
        if self.tally.wants.each() {
            entries.range(self.window.start..start).for_each(|entry| self.tally.remove(entry));
        }
        self.window.start = start;
    }

    fn measure(&self, plan: &CorrelationPlan, entries: &Timeline) -> f64 {
        let window = || entries.range(self.window.clone());
        match plan.kind {
            CorrelationKind::EventCount => float(self.window.len()),
            CorrelationKind::ValueCount => float(self.tally.values.len()),
            CorrelationKind::ValueSum => self.tally.sum,
            CorrelationKind::ValueAverage => self.tally.sum / float(self.window.len().max(1)),
            CorrelationKind::ValueMedian => percentile(window().filter_map(Entry::number), 50),
            CorrelationKind::ValuePercentile(Some(percent)) => {
                percentile(window().filter_map(Entry::number), percent)
            }
            CorrelationKind::ValuePercentile(None) => self.rank(entries),
            CorrelationKind::Temporal => float(self.tally.seen().count()),
            CorrelationKind::TemporalOrdered => {
                let wanted: Vec<usize> = (0..plan.inputs.len()).collect();
                float(in_order(window().map(Entry::step), &wanted))
            }
        }
    }

    fn is_met(&self, plan: &CorrelationPlan, entries: &Timeline, measured: f64) -> bool {
        let Some(condition) = &plan.threshold.rules else { return plan.is_met_by(measured) };
        if !condition.holds(&|rule| self.tally.seen().any(|seen| seen == rule)) {
            return false;
        }
        // In order are the rules that were seen, whichever the condition let be absent.
        plan.kind != CorrelationKind::TemporalOrdered || {
            let seen: Vec<usize> = self.tally.seen().collect();
            in_order(entries.range(self.window.clone()).map(Entry::step), &seen) == seen.len()
        }
    }

    /// Returns how many percent of the values are no greater (text: no more frequent) than the last.
    fn rank(&self, entries: &Timeline) -> f64 {
        let window = || entries.range(self.window.clone());
        let Some(last) = window().next_back() else { return 0.0 };
        let frequency = |value: u128| self.tally.values.get(&value).copied().unwrap_or_default();
        let no_greater = window().filter(|entry| match (entry.measure, last.measure) {
            (Measure::Number(own), Measure::Number(wanted)) => own <= wanted,
            (Measure::Value(own), Measure::Value(wanted)) => frequency(own) <= frequency(wanted),
            _ => false,
        });
        float(no_greater.count()) * 100.0 / float(self.window.len().max(1))
    }
}

impl Tally {
    fn of(plan: &CorrelationPlan) -> Self {
        let wants = match plan.kind {
            CorrelationKind::ValueCount | CorrelationKind::ValuePercentile(None) => Wants::Values,
            CorrelationKind::ValueSum | CorrelationKind::ValueAverage => Wants::Sum,
            CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => Wants::Inputs,
            _ => Wants::Nothing,
        };
        Self { wants, ..Self::default() }
    }

    fn add(&mut self, entry: &Entry) {
        match self.wants {
            Wants::Nothing | Wants::LongSum => {}
            Wants::Sum => self.sum += entry.number().unwrap_or_default(),
            Wants::Values => {
                if let Measure::Value(value) = entry.measure {
                    let count = self.values.entry(value).or_default();
                    *count = count.saturating_add(1);
                }
            }
            Wants::Inputs => {
                let input = usize::from(entry.input);
                if self.inputs.len() <= input {
                    self.inputs.resize(input.saturating_add(1), 0);
                }
                if let Some(count) = self.inputs.get_mut(input) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    fn remove(&mut self, entry: &Entry) {
        match self.wants {
            Wants::Nothing | Wants::LongSum => {}
            Wants::Sum => self.sum -= entry.number().unwrap_or_default(),
            Wants::Values => {
                if let Measure::Value(value) = entry.measure
                    && let Some(count) = self.values.get_mut(&value)
                {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        self.values.remove(&value);
                    }
                }
            }
            Wants::Inputs => {
                if let Some(count) = self.inputs.get_mut(usize::from(entry.input)) {
                    *count = count.saturating_sub(1);
                }
            }
        }
    }

    /// Returns the rules that were seen.
    fn seen(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().enumerate().filter(|(_, count)| **count > 0).map(|(input, _)| input)
    }
}

/// Looks for the rules in their order within one time span, for a chain that the newcomer is a link of:
/// back from it, each link as late as it can be; on from it, each as early as it can be. A chain
/// without it was judged when its own last link came.
///
/// Many logs tell only the second: what has the same time is in any order one likes.
fn chain(
    plan: &CorrelationPlan,
    entries: &Timeline,
    newcomer: &Entry,
    loud_from: impl Fn(Micros) -> Micros,
) -> Option<Verdict> {
    let (at, input) = newcomer.step();
    let links = plan.links();
    let last = u16::try_from(links.checked_sub(1)?).ok()?;
    if input > last {
        return None;
    }
    let first = (0..input).rev().try_fold(at, |at, link| entries.last_up_to(link, at))?;
    let end =
        (input.saturating_add(1)..=last).try_fold(at, |at, link| entries.first_from(link, at));
    let end = loud_end(entries, last, end?, loud_from)?;
    (end.saturating_sub(first) <= plan.span()).then(|| {
        let start = entries.partition_point(|entry| entry.at < first);
        let window = start..entries.partition_point(|entry| entry.at <= end);
        Verdict { at: end, measured: float(links), window }
    })
}

/// Returns the first moment from this one on, in no quiet time, at which the last link was seen.
fn loud_end(
    entries: &Timeline,
    last: u16,
    from: Micros,
    loud_from: impl Fn(Micros) -> Micros,
) -> Option<Micros> {
    let mut end = from;
    loop {
        let loud = loud_from(end);
        if loud == end {
            return Some(end);
        }
        end = entries.first_from(last, loud)?;
    }
}

/// Returns how many of these rules, taken in their order, were seen one after the other. Equal times
/// count as being in order.
fn in_order(window: impl Iterator<Item = (Micros, u16)>, wanted: &[usize]) -> usize {
    let mut next = 0;
    let mut same_time: Vec<usize> = Vec::new();
    let mut time: Option<Micros> = None;
    for (at, input) in window {
        if time != Some(at) {
            same_time.clear();
            time = Some(at);
        }
        same_time.push(usize::from(input));
        while wanted.get(next).is_some_and(|input| same_time.contains(input)) {
            next = next.saturating_add(1);
        }
    }
    next
}

/// Returns the number below which this many percent of the numbers lie, between two neighbours in
/// proportion.
fn percentile(numbers: impl Iterator<Item = f64>, percent: u8) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    let steps = numbers.len().saturating_sub(1).saturating_mul(usize::from(percent));
    let (place, part) = (steps / 100, float(steps % 100) / 100.0);
    if place >= numbers.len() {
        return 0.0;
    }
    let (_, below, above) = numbers.select_nth_unstable_by(place, f64::total_cmp);
    let below = *below;
    let above = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    below + (above - below) * part
}

pub(super) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
