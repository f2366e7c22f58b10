//! The level that the law gives to what a system is and does. Several criteria hold: the highest wins.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use event::Level;

use super::{Criterion, Law};

/// What is known of a system, in the words that criteria use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    words: BTreeSet<String>,
    counts: BTreeMap<String, i64>,
}

impl Facts {
    /// Adds a fact that is so (`admin_procedures`), or a choice (`type:ha_tang`).
    pub fn say(&mut self, word: impl Into<String>) {
        self.words.insert(word.into());
    }

    /// Adds a count.
    pub fn count(&mut self, name: &str, number: i64) {
        self.counts.insert(name.to_owned(), number);
    }

    fn meet(&self, criterion: &Criterion) -> bool {
        criterion.needs.iter().all(|need| self.words.contains(need))
            && criterion
                .at_least
                .iter()
                .all(|(name, least)| self.counts.get(name).is_some_and(|number| number >= least))
    }
}

/// What the law proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The level; `None` when no criterion holds, so that the risk framework decides.
    pub level: Option<Level>,
    /// All criteria that hold, the highest level first.
    pub reasons: Vec<&'a Criterion>,
}

/// Returns the level that the law in force on a day gives to these facts.
pub fn propose<'a>(law: &'a Law, facts: &Facts, day: NaiveDate) -> Proposal<'a> {
    let regime = law.regime_on(day).map(|regime| regime.id.as_str());
    let mut reasons: Vec<&Criterion> = law
        .criterion
        .iter()
        .filter(|criterion| Some(criterion.regime.as_str()) == regime && facts.meet(criterion))
        .collect();
    reasons.sort_by_key(|criterion| std::cmp::Reverse(criterion.level));
    Proposal { level: reasons.first().map(|criterion| criterion.level), reasons }
}
