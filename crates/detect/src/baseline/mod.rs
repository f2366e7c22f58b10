//! Baselines: what is usual for each system, and what stands out from it.
//!
//! A baseline is a document like a rule: its `logsource` and `detection` choose the events, by the
//! same parser and matcher as every rule's, and its `baseline` says what is learned of them:
//!
//! ```yaml
//! baseline:
//!   type: first_seen            # or rare_value, volume, beacon
//!   entity: [TargetUserName]    # whose habit; without it, the system's
//!   value: [IpAddress|net/24]   # what is remembered
//!   learn: { time: 7d, events: 200, known: 20 }
//!   forget: 90d
//! ```
//!
//! * Time is the events' own. A log source must have brought events in seven parts of the learning
//!   time, and enough of them, before anything is said of it; so must each entity ([`Learning`]).
//! * What is unusual is judged before the event is counted, and counted then: next time it is known.
//! * A finding says which value, how rare, since when, and what is usual (`unusual`).
//! * Memory is bounded (see `limits.rs`); when a limit cuts something off, a finding of the rule
//!   [`BASELINE_LIMIT_RULE`] says so, once a day for each system.
//! * Who is watched while the learning time runs is taken for usual, an intruder as well.

mod book;
mod finding;
mod habit;
mod learning;
mod memory;
mod read;
mod rhythm;
mod spec;
mod state;
mod statistics;
mod switch;
mod unusual;
mod value;
mod volume;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use event::{Event, Finding};
use uuid::Uuid;

pub use learning::Learning;
pub(crate) use read::read;
pub(crate) use spec::Spec;
pub use state::BaselineState;
pub use switch::{BaselineSettings, BaselineSwitch};

use crate::ast::Rule;
use crate::correlation::time_of;
use crate::info::RuleInfo;
use crate::rule_set::RuleSet;
use crate::taxonomy;
use crate::test_value::as_number;
use book::{Book, Facts, Limit};
use habit::Habit;
use memory::{Books, Memory};
use rhythm::{Rhythm, Tempo};
use spec::Kind;
use unusual::Unusual;
use volume::{Amount, Threshold};

/// The rule id of the finding that says that a baseline reached a limit.
pub const BASELINE_LIMIT_RULE: &str = "luytre-baseline-limit";

/// Learns all baselines of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Learner {
    /// One per baseline of the set, in the same order.
    memories: Vec<Memory>,
    settings: BaselineSettings,
}

/// One event as one baseline sees it.
struct Sighting<'e> {
    event: &'e Event,
    at_s: i64,
    scope: Uuid,
    entity: String,
    value: String,
    /// The source is learned.
    is_learned: bool,
    /// And the baseline is switched on for it: what is unusual is told.
    is_judged: bool,
}

/// What an event came to.
type Outcome = (Option<Unusual>, Option<Limit>);

impl Learner {
    /// Returns a learner that has seen nothing yet.
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let memories = rules.baselines.iter().map(|spec| Memory::new(&spec.kind)).collect();
        Self { memories, ..Self::default() }
    }

    /// Takes in one event and the numbers of the rules that fired on it, ascending; adds the findings
    /// of the baselines among them.
    pub(crate) fn observe(
        &mut self,
        rules: &RuleSet,
        event: &Event,
        fired: &[usize],
        findings: &mut Vec<Finding>,
    ) {
        let first = rules.first_baseline();
        let own = fired.iter().skip(fired.partition_point(|number| *number < first));
        for number in own {
            let place = number.saturating_sub(first);
            let (Some(rule), Some(spec)) = (rules.rules.get(*number), rules.baselines.get(place))
            else {
                continue;
            };
            let Some(memory) = self.memories.get_mut(place) else { continue };
            observe_one(&self.settings, (rule, spec), memory, event, findings);
        }
    }

    /// Changes what the operator set.
    pub(crate) const fn settings(&self) -> &BaselineSettings {
        &self.settings
    }

    pub(crate) fn set(&mut self, settings: BaselineSettings) {
        self.settings = settings;
    }

    /// Goes over to another rule set; what it learns alike is kept.
    pub(crate) fn swap(&mut self, old: &RuleSet, new: &RuleSet) {
        let mut known: BTreeMap<(String, u64), Memory> = BTreeMap::new();
        for ((info, spec), memory) in baselines(old).zip(std::mem::take(&mut self.memories)) {
            known.insert((info.id.clone(), spec.fingerprint), memory);
        }
        let take = |(info, spec): (&RuleInfo, &Spec)| {
            let memory = known.remove(&(info.id.clone(), spec.fingerprint));
            memory.unwrap_or_else(|| Memory::new(&spec.kind))
        };
        self.memories = baselines(new).map(take).collect();
    }

    /// Returns how far each baseline has learned each source it has seen.
    pub(crate) fn learning(&self, rules: &RuleSet) -> Vec<Learning> {
        let mut all = Vec::new();
        for ((info, spec), memory) in baselines(rules).zip(&self.memories) {
            for (source, progress) in &memory.sources {
                let mut learning = progress.seen(&info.id, *source, spec.learn);
                learning.is_on = self.settings.is_on(info, *source);
                all.push(learning);
            }
        }
        all
    }
}

/// Returns the baselines of a set with what screens show of each.
fn baselines(rules: &RuleSet) -> impl Iterator<Item = (&RuleInfo, &Spec)> {
    let first = rules.first_baseline();
    rules.rules.iter().skip(first).map(|rule| &rule.info).zip(&rules.baselines)
}

fn observe_one(
    settings: &BaselineSettings,
    (rule, spec): (&Rule, &Spec),
    memory: &mut Memory,
    event: &Event,
    findings: &mut Vec<Finding>,
) {
    let Some(entity) = value::key(&spec.entity, event) else { return };
    let Some(value) = value::key(&spec.value, event) else { return };
    let source = event.origin.source;
    let at_s = time_of(event).timestamp();
    let is_learned = memory.sources.entry(source).or_default().take(at_s, spec.learn);
    let is_judged = is_learned && settings.is_on(&rule.info, source);
    let scope = spec.scope(event);
    let sighting = Sighting { event, at_s, scope, entity, value, is_learned, is_judged };
    let (unusual, limit) = judge_and_count(settings, spec, &mut memory.books, &sighting);
    if let Some(unusual) = unusual {
        findings.push(finding::of(rule, spec, event, &unusual));
    }
    let is_reported = limit.is_some_and(|limit| match &mut memory.books {
        Books::Habits(shelf) => shelf.reports(scope, limit, at_s),
        Books::Hours(shelf, _) => shelf.reports(scope, limit, at_s),
        Books::Rhythms(shelf) => shelf.reports(scope, limit, at_s),
    });
    if let Some(limit) = limit.filter(|_| is_reported) {
        findings.push(finding::of_limit(rule, event, limit));
    }
}

/// Judges a sighting by what is known, then counts it.
fn judge_and_count(
    settings: &BaselineSettings,
    spec: &Spec,
    books: &mut Books,
    sighting: &Sighting<'_>,
) -> Outcome {
    let Sighting { event, at_s, scope, .. } = *sighting;
    let forget_s = spec.forget_s;
    match (books, &spec.kind) {
        (Books::Habits(shelf), _) => {
            shelf.with(scope, forget_s, |book| habit_of(spec, book, sighting))
        }
        (Books::Hours(shelf, live), Kind::Volume { sum, least, times }) => {
            let number = match sum {
                None => 1.0,
                Some(field) => taxonomy::field(event, field).and_then(as_number).unwrap_or(0.0),
            };
            let offset_s = settings.utc_offset_s();
            let amount = Amount { at_s, number, offset_s };
            let live = live.entry(scope).or_default();
            live.take(at_s);
            shelf.with(scope, forget_s, |book| {
                let known = may_tell(book, sighting).then(|| known(spec, book, sighting)).flatten();
                let threshold = known.map(|facts| Threshold {
                    least: *least,
                    times: *times,
                    since_s: facts.since_s,
                });
                told(book, sighting, |hours| hours.take(amount, live, threshold))
            })
        }
        (
            Books::Rhythms(shelf),
            Kind::Beacon { contacts, jitter_max, interval_s, others_max, size },
        ) => {
            let (contacts, jitter_max) = (*contacts, *jitter_max);
            let (interval_s, others_max) = (*interval_s, *others_max);
            let tempo = Tempo { contacts, jitter_max, interval_s, others_max };
            let size = size.as_ref().and_then(|field| taxonomy::field(event, field));
            let contact = (time_of(event).timestamp_millis(), size.and_then(as_number));
            shelf.with(scope, forget_s, |book| {
                let known = sighting.is_learned.then(|| known(spec, book, sighting)).flatten();
                let may_tell = may_tell(book, sighting);
                told(book, sighting, |rhythm: &mut Rhythm| {
                    rhythm.take(contact, tempo, known, may_tell)
                })
            })
        }
        _ => (None, None),
    }
}

fn habit_of(spec: &Spec, book: &mut Book<Habit>, sighting: &Sighting<'_>) -> Outcome {
    let Sighting { at_s, entity, value, .. } = sighting;
    let known = may_tell(book, sighting).then(|| known(spec, book, sighting)).flatten();
    let unusual = known.and_then(|facts| habit::judge(spec, facts, book, (entity, value), *at_s));
    let is_told = unusual.is_some();
    told(book, sighting, |habit| {
        habit.take(*at_s, is_told);
        unusual
    })
}

/// Returns whether something unusual would be told: the source is learned, the hour's findings are
/// not used up.
fn may_tell<R: book::Record>(book: &Book<R>, sighting: &Sighting<'_>) -> bool {
    sighting.is_judged && book.may_tell(sighting.at_s)
}

/// Returns what is known of an entity, if that is enough to judge it.
fn known<R: book::Record>(spec: &Spec, book: &Book<R>, sighting: &Sighting<'_>) -> Option<Facts> {
    let facts = book.facts(&sighting.entity, &sighting.value)?;
    facts.is_known(spec.learn, sighting.at_s).then_some(facts)
}

/// Counts a sighting by a change of its record; counts what it tells against the hour's findings.
fn told<R: book::Record>(
    book: &mut Book<R>,
    sighting: &Sighting<'_>,
    change: impl FnOnce(&mut R) -> Option<Unusual>,
) -> Outcome {
    let Sighting { at_s, entity, value, .. } = sighting;
    let (unusual, limit) = book.take((entity, value), *at_s, change);
    let used_up = unusual.as_ref().and_then(|_| book.tell(*at_s));
    (unusual, limit.or(used_up))
}
