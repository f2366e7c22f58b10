//! First-seen and rare values: what an entity has had before, and who else has it.

use serde::{Deserialize, Serialize};

use super::book::{Book, Facts, Record};
use super::spec::{Kind, Spec};
use super::statistics::float;
use super::unusual::{Unusual, Usual};

/// How often a value was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Habit {
    newest_s: i64,
    count: u64,
    /// When it was last called unusual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_s: Option<i64>,
}

impl Record for Habit {
    fn newest_s(&self) -> i64 {
        self.newest_s
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

impl Habit {
    /// Counts one more.
    pub(super) fn take(&mut self, at_s: i64, is_told: bool) {
        self.newest_s = self.newest_s.max(at_s);
        self.count = self.count.saturating_add(1);
        if is_told {
            self.told_s = Some(at_s);
        }
    }
}

/// A rare value is told again only after so long.
const QUIET_S: i64 = 7 * 86_400;

/// Most usual values named beside an unusual one.
const USUAL_NAMED: usize = 3;

/// Judges a value of a known entity before it is counted.
pub(super) fn judge(
    spec: &Spec,
    facts: Facts,
    book: &Book<Habit>,
    (entity, value): (&str, &str),
    at_s: i64,
) -> Option<Unusual> {
    let habit = book.record(entity, value);
    let seen = habit.map_or(0, |habit| habit.count);
    let is_unusual = match spec.kind {
        Kind::FirstSeen => seen == 0,
        Kind::RareValue { share_max, others_max } => {
            let told = habit.and_then(|habit| habit.told_s);
            facts.others_with <= others_max
                && float(seen) <= share_max * float(facts.events)
                && told.is_none_or(|told_s| at_s.saturating_sub(told_s) >= QUIET_S)
        }
        Kind::Volume { .. } | Kind::Beacon { .. } => false,
    };
    let Facts { since_s, events, others_with, others } = facts;
    is_unusual.then(|| Unusual {
        measured: None,
        usual: Usual::Values { seen, events, others_with, others, named: usual(book, entity) },
        since_s,
    })
}

/// Returns the values that the entity has most often.
fn usual(book: &Book<Habit>, entity: &str) -> Vec<String> {
    let mut most: Vec<(u64, &str)> = Vec::with_capacity(USUAL_NAMED.saturating_add(1));
    for (value, habit) in book.values(entity) {
        let place = most.partition_point(|(count, _)| *count >= habit.count);
        if place < USUAL_NAMED {
            most.insert(place, (habit.count, value));
            most.truncate(USUAL_NAMED);
        }
    }
    most.into_iter().map(|(_, value)| super::value::shown(value)).collect()
}
