//! The answer key: what should have been seen, and whether it was.

use super::scenario::{Expectation, Scenario};

/// One alert as the judge needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The rule's `name`.
    pub rule: String,
    /// The code of the system it belongs to.
    pub system: String,
    /// Seconds after the drill's start when the alert was made; negative if it stood there before.
    pub after_s: i64,
}

/// One line of the answer sheet.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was expected.
    pub expected: Expectation,
    /// When it was seen, in seconds after the start; `None` if it was missed.
    pub seen_after_s: Option<i64>,
}

impl Answer {
    /// Returns whether it was seen in time.
    pub fn in_time(&self) -> bool {
        self.seen_after_s.is_some_and(|seen| seen <= i64::from(self.expected.by_s))
    }
}

/// Compares what was expected with what was seen. Alerts from before the start do not count.
pub fn judge(scenario: &Scenario, sightings: &[Sighting]) -> Vec<Answer> {
    let seen = |expected: &Expectation| {
        sightings
            .iter()
            .filter(|sighting| sighting.rule == expected.rule && sighting.system == expected.system)
            .map(|sighting| sighting.after_s)
            .filter(|after_s| *after_s >= 0)
            .min()
    };
    scenario
        .expectations
        .iter()
        .map(|expected| Answer { seen_after_s: seen(expected), expected: expected.clone() })
        .collect()
}
