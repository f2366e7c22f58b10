//! Which rules can fire at all with the logs that arrive, and what keeps the others from it.
//!
//! A rule can fire if some kind of event that was seen could meet its condition: each field that it
//! must find something in was there, and what is the same in all events of the kind (event number,
//! channel, provider) fits. What values other fields may hold is never guessed at.

mod seen;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ahash::AHashMap;
use event::{Event, LogSource};
use serde::Serialize;

use crate::ast::{Condition, Detection, Item, Rule, Search};
use crate::rule_set::RuleSet;
use crate::{reference, taxonomy};

pub use seen::{Seen, SeenKind};

/// Values shown of what an event number should have been.
const WANTED_SHOWN: usize = 12;

/// Whether a rule can fire with the logs that were seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Readiness {
    /// It can.
    CanFire {
        /// The kinds of events that can make it fire, by their places in [`Seen::kinds`].
        kinds: Vec<usize>,
    },
    /// No event of its log source was seen.
    LogNeverSeen,
    /// Events of its log source were seen, but not the one it is about.
    EventNeverSeen {
        /// What tells the event, as the rule names it (`EventID`).
        field: String,
        /// What the rule wants there.
        wanted: Vec<String>,
    },
    /// The event was seen, but never with these fields.
    FieldNeverSeen {
        /// As the rule names them.
        fields: Vec<String>,
    },
}

impl Readiness {
    /// Returns the status as one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::CanFire { .. } => "can_fire",
            Self::LogNeverSeen => "log_never_seen",
            Self::EventNeverSeen { .. } => "event_never_seen",
            Self::FieldNeverSeen { .. } => "field_never_seen",
        }
    }

    /// Returns how far from firing the rule is: the lower, the nearer.
    fn distance(&self) -> usize {
        match self {
            Self::CanFire { .. } => 0,
            Self::FieldNeverSeen { fields } => fields.len(),
            Self::EventNeverSeen { .. } => usize::MAX.saturating_sub(1),
            Self::LogNeverSeen => usize::MAX,
        }
    }
}

/// What a rule needs before it can fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Events of this log source.
    pub logsource: LogSource,
    /// With these fields, as the rule names them; of alternatives, the one with the fewest.
    pub fields: Vec<String>,
}

/// A rule with whether it can fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCoverage {
    /// The rule's id.
    pub rule: String,
    /// The log source that it needs; for a correlation, that of the first rule that keeps it silent.
    pub logsource: LogSource,
    /// Whether it can fire, and what keeps it from it.
    #[serde(flatten)]
    pub readiness: Readiness,
}

impl RuleSet {
    /// Returns what a rule (by id) needs; `None` for a correlation and for an unknown rule.
    pub fn needs(&self, rule: &str) -> Option<Needs> {
        let rule = self.rules.iter().find(|own| own.info.id == rule)?;
        let nothing = crate::testing::EventMaker::new().event(
            LogSource::default(),
            event::Fields::new(),
            chrono::Duration::zero(),
        );
        let mut fields = Vec::new();
        for lack in lacks_of(rule, &nothing) {
            let (Lack::Field(name) | Lack::Value(name, _)) = lack;
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
        Some(Needs { logsource: rule.info.logsource.clone(), fields })
    }

    /// Returns for each rule, in the order of [`RuleSet::rules`], whether it can fire.
    pub fn coverage(&self, seen: &Seen) -> Vec<RuleCoverage> {
        let mut covered: AHashMap<&LogSource, Vec<usize>> = AHashMap::new();
        let mut coverage: Vec<RuleCoverage> = Vec::with_capacity(self.rules().len());
        for rule in &self.rules {
            let logsource = &rule.info.logsource;
            let kinds = covered.entry(logsource).or_insert_with(|| kinds_of(logsource, seen));
            coverage.push(RuleCoverage {
                rule: rule.info.id.clone(),
                logsource: logsource.clone(),
                readiness: readiness(rule, kinds, seen),
            });
        }
        for plan in &self.correlations {
            let parts = plan.counted().filter_map(|(source, _)| coverage.get(source));
            let own = counting(plan.needs_all(), &parts.collect::<Vec<_>>());
            coverage.push(RuleCoverage { rule: plan.info.id.clone(), ..own });
        }
        coverage
    }
}

fn kinds_of(logsource: &LogSource, seen: &Seen) -> Vec<usize> {
    let fits = |(number, kind): (usize, &SeenKind)| {
        reference::covers(logsource, &kind.logsource).then_some(number)
    };
    seen.kinds().iter().enumerate().filter_map(fits).collect()
}

fn readiness(rule: &Rule, kinds: &[usize], seen: &Seen) -> Readiness {
    let mut able = Vec::new();
    let mut nearest = Readiness::LogNeverSeen;
    for number in kinds {
        let Some(kind) = seen.kinds().get(*number) else { continue };
        let own = of_lacks(lacks_of(rule, &kind.specimen));
        if let Readiness::CanFire { .. } = own {
            able.push(*number);
        } else if own.distance() < nearest.distance() {
            nearest = own;
        }
    }
    if able.is_empty() { nearest } else { Readiness::CanFire { kinds: able } }
}

fn of_lacks(lacks: Vec<Lack>) -> Readiness {
    let mut fields = Vec::new();
    for lack in lacks {
        match lack {
            Lack::Value(field, wanted) => return Readiness::EventNeverSeen { field, wanted },
            Lack::Field(name) if !fields.contains(&name) => fields.push(name),
            Lack::Field(_) => {}
        }
    }
    if fields.is_empty() {
        Readiness::CanFire { kinds: Vec::new() }
    } else {
        Readiness::FieldNeverSeen { fields }
    }
}

/// Returns what a correlation comes to: it needs all of the rules it counts, or any of them.
fn counting(needs_all: bool, parts: &[&RuleCoverage]) -> RuleCoverage {
    let parts = parts.iter().copied();
    let distance = |part: &&RuleCoverage| part.readiness.distance();
    let decisive = if needs_all { parts.max_by_key(distance) } else { parts.min_by_key(distance) };
    decisive.cloned().unwrap_or_else(|| RuleCoverage {
        rule: String::new(),
        logsource: LogSource::default(),
        readiness: Readiness::LogNeverSeen,
    })
}

/// What keeps a kind of event from meeting a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lack {
    /// It never had this field.
    Field(String),
    /// This field tells the kind, and says something else than what is wanted.
    Value(String, Vec<String>),
}

fn lacks_of(rule: &Rule, specimen: &Event) -> Vec<Lack> {
    let searches = std::iter::once(&rule.search).chain(&rule.filters);
    searches.flat_map(|search| lacks(&search.condition, true, search, specimen)).collect()
}

/// Returns what keeps a condition from being as wanted; nothing if it can be.
fn lacks(own: &Condition, want: bool, search: &Search, specimen: &Event) -> Vec<Lack> {
    let each = |parts: &[Condition]| -> Vec<Vec<Lack>> {
        parts.iter().map(|part| lacks(part, want, search, specimen)).collect()
    };
    match own {
        Condition::All(parts) => together(each(parts), want),
        Condition::Any(parts) => together(each(parts), !want),
        Condition::Not(inside) => lacks(inside, !want, search, specimen),
        Condition::Selection(index) => match search.selections.get(*index) {
            None => Vec::new(),
            Some((_, own)) => detection_lacks(own, want, specimen),
        },
    }
}

fn detection_lacks(own: &Detection, want: bool, specimen: &Event) -> Vec<Lack> {
    let each = |parts: &[Detection]| -> Vec<Vec<Lack>> {
        parts.iter().map(|part| detection_lacks(part, want, specimen)).collect()
    };
    match own {
        Detection::All(parts) => together(each(parts), want),
        Detection::Any(parts) => together(each(parts), !want),
        Detection::Item(item) => item_lack(item, want, specimen).into_iter().collect(),
    }
}

/// Joins the lacks of parts that must all be as wanted; of alternatives, returns the nearest.
fn together(parts: Vec<Vec<Lack>>, all: bool) -> Vec<Lack> {
    if all {
        return parts.into_iter().flatten().collect();
    }
    let far = |lacks: &Vec<Lack>| {
        let of_another_kind = lacks.iter().any(|lack| matches!(lack, Lack::Value(..)));
        (of_another_kind, lacks.len())
    };
    let nearest = parts.iter().map(far).min();
    let Some(nearest) = nearest.filter(|(_, count)| *count > 0) else { return Vec::new() };
    // Alternatives that lack only other event numbers are wanted together: any of the numbers would do.
    let mut chosen: Vec<Lack> = Vec::new();
    let mut numbers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for lacks in parts.into_iter().filter(|lacks| far(lacks) == nearest) {
        match lacks.as_slice() {
            [Lack::Value(field, wanted)] => {
                numbers.entry(field.clone()).or_default().extend(wanted.iter().cloned());
            }
            _ if chosen.is_empty() => chosen = lacks,
            _ => {}
        }
    }
    match numbers.pop_first() {
        Some((field, mut wanted)) if chosen.is_empty() => {
            wanted.truncate(WANTED_SHOWN);
            vec![Lack::Value(field, wanted)]
        }
        _ => chosen,
    }
}

/// Returns what keeps an item from being as wanted.
fn item_lack(item: &Item, want: bool, specimen: &Event) -> Option<Lack> {
    let name = item.field.as_deref()?;
    let is_telling = taxonomy::attr_of(name).is_some_and(|attr| seen::TELLING.contains(&attr));
    let is_there = taxonomy::field(specimen, name).is_some();
    if is_there && !is_telling {
        return None;
    }
    if reference::detection(&Detection::Item(item.clone()), &reference::Plain(specimen)) == want {
        return None;
    }
    if !is_there {
        return Some(Lack::Field(name.to_owned()));
    }
    let wanted = item.values.iter().take(WANTED_SHOWN).map(|one| one.written.clone()).collect();
    Some(Lack::Value(name.to_owned(), wanted))
}
