//! Whether a window has come true.
//!
//! A window ends with an event and holds what happened up to one time span before it, both ends
//! included. An event that comes in order completes one window: its own. A late one stands in the
//! windows of all events up to one time span after it, and each of them is judged again.

use std::collections::{HashMap, VecDeque, vec_deque};
use std::ops::Range;

use super::entry::{Entry, Measure, Micros};
use super::plan::CorrelationPlan;
use super::sums::Sums;
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

/// Judges the windows that hold an event of this time, but those whose end is in a quiet time.
pub(super) fn judge(
    plan: &CorrelationPlan,
    entries: &VecDeque<Entry>,
    sums: &mut Sums,
    at: Micros,
    is_quiet: impl Fn(Micros) -> bool,
) -> Option<Verdict> {
    let reach = Reach::of(plan, entries, at);
    let is_newest = reach.own_end == reach.last_end;
    let is_hopeless = float(reach.last_end.saturating_sub(reach.start)) < plan.fewest();
    if is_hopeless || (is_newest && is_quiet(at)) {
        return None;
    }
    if plan.kind == CorrelationKind::TemporalOrdered && plan.grows() && !plan.picks_rules() {
        return chain(plan, entries, &reach, is_quiet);
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
        if !is_quiet(end_at) {
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
        let same = entries.range(next..).take_while(|entry| entry.at == end_at).count();
        slide.grow(entries, next.saturating_add(same));
        slide.shrink(entries, end_at.saturating_sub(plan.span()));
    }
}

/// With more events around a late one than this, where more is not simply better, its own window and
/// the newest one that holds it stand for those between.
const EACH_WINDOW_MAX: usize = 1_024;

/// The entries that share a window with an event.
#[derive(Debug)]
struct Reach {
    at: Micros,
    /// The first entry of the event's own window.
    start: usize,
    /// Past the last entry of the event's own window.
    own_end: usize,
    /// Past the last entry whose window holds the event.
    last_end: usize,
}

impl Reach {
    fn of(plan: &CorrelationPlan, entries: &VecDeque<Entry>, at: Micros) -> Self {
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
    fn grow(&mut self, entries: &VecDeque<Entry>, end: usize) {
        if self.tally.wants.each() {
            entries.range(self.window.end..end).for_each(|entry| self.tally.add(entry));
        }
        self.window.end = end;
    }

    fn shrink(&mut self, entries: &VecDeque<Entry>, from: Micros) {
        let start = entries.partition_point(|entry| entry.at < from).max(self.window.start);
        if self.tally.wants.each() {
            entries.range(self.window.start..start).for_each(|entry| self.tally.remove(entry));
        }
        self.window.start = start;
    }

    fn measure(&self, plan: &CorrelationPlan, entries: &VecDeque<Entry>) -> f64 {
        let window = || entries.range(self.window.clone());
        match plan.kind {
            CorrelationKind::EventCount => float(self.window.len()),
            CorrelationKind::ValueCount => float(self.tally.values.len()),
            CorrelationKind::ValueSum => self.tally.sum,
            CorrelationKind::ValueAverage => self.tally.sum / float(self.window.len().max(1)),
            CorrelationKind::ValueMedian => percentile(window(), 50),
            CorrelationKind::ValuePercentile(Some(percent)) => percentile(window(), percent),
            CorrelationKind::ValuePercentile(None) => self.rank(entries),
            CorrelationKind::Temporal => float(self.tally.seen().count()),
            CorrelationKind::TemporalOrdered => {
                let wanted: Vec<usize> = (0..plan.inputs.len()).collect();
                float(in_order(window(), &wanted))
            }
        }
    }

    fn is_met(&self, plan: &CorrelationPlan, entries: &VecDeque<Entry>, measured: f64) -> bool {
        let Some(condition) = &plan.threshold.rules else { return plan.is_met_by(measured) };
        if !condition.holds(&|rule| self.tally.seen().any(|seen| seen == rule)) {
            return false;
        }
        // In order are the rules that were seen, whichever the condition let be absent.
        plan.kind != CorrelationKind::TemporalOrdered || {
            let seen: Vec<usize> = self.tally.seen().collect();
            in_order(entries.range(self.window.clone()), &seen) == seen.len()
        }
    }

    /// Returns how many percent of the values are no greater (text: no more frequent) than the last.
    fn rank(&self, entries: &VecDeque<Entry>) -> f64 {
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

/// Looks for all rules in their order within one time span, in one pass: for each rule, the latest
/// moment at which a chain that has come so far can have begun.
fn chain(
    plan: &CorrelationPlan,
    entries: &VecDeque<Entry>,
    reach: &Reach,
    is_quiet: impl Fn(Micros) -> bool,
) -> Option<Verdict> {
    let links = plan.links();
    // What comes in order completes a chain only with its last link: any other was seen before.
    let is_last = |entry: &Entry| usize::from(entry.input).saturating_add(1) == links;
    let mut now = entries.range(..reach.last_end).rev().take_while(|entry| entry.at == reach.at);
    if reach.own_end == reach.last_end && !now.any(is_last) {
        return None;
    }
    let mut begun: Vec<Option<Micros>> = vec![None; links];
    let mut place = reach.start;
    while place < reach.last_end {
        let now = entries.get(place)?.at;
        let end = entries.partition_point(|entry| entry.at <= now).min(reach.last_end);
        // Many logs tell only the second: what has the same time is in any order one likes.
        let mut together: Vec<usize> =
            entries.range(place..end).map(|entry| usize::from(entry.input)).collect();
        together.sort_unstable();
        for input in together {
            let before = match input.checked_sub(1) {
                None => Some(now),
                Some(before) => begun.get(before).copied().flatten(),
            };
            if let Some(slot) = begun.get_mut(input) {
                *slot = (*slot).max(before);
            }
        }
        let first = links.checked_sub(1).and_then(|last| begun.get(last).copied().flatten());
        if let Some(first) = first
            && now.saturating_sub(first) <= plan.span()
            && first <= reach.at
            && reach.at <= now
            && !is_quiet(now)
        {
            let start = entries.partition_point(|entry| entry.at < first);
            return Some(Verdict { at: now, measured: float(links), window: start..end });
        }
        place = end;
    }
    None
}

/// Returns how many of these rules, taken in their order, were seen one after the other. Equal times
/// count as being in order.
fn in_order(window: vec_deque::Iter<'_, Entry>, wanted: &[usize]) -> usize {
    let mut next = 0;
    let mut same_time: Vec<usize> = Vec::new();
    let mut time: Option<Micros> = None;
    for entry in window {
        if time != Some(entry.at) {
            same_time.clear();
            time = Some(entry.at);
        }
        same_time.push(usize::from(entry.input));
        while wanted.get(next).is_some_and(|input| same_time.contains(input)) {
            next = next.saturating_add(1);
        }
    }
    next
}

/// Returns the number below which this many percent of the numbers lie, between two neighbours in
/// proportion.
fn percentile(window: vec_deque::Iter<'_, Entry>, percent: u8) -> f64 {
    let mut numbers: Vec<f64> = window.filter_map(Entry::number).collect();
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
