//! What was found unusual, in numbers and in words.
//!
//! The words stand in a finding's last [`event::Match`], as short statements joined by `; ` that each
//! begin with their name: `seen 0 of 1204 events; by 0 of 14 others; since 2026-01-05; usual a, b`.
//! Screens take them apart to say the same in the reader's language.

use std::fmt;

use super::learning::time;

/// One unusual thing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unusual {
    /// What was measured, for kinds that measure: it stands where a value stands.
    pub(super) measured: Option<f64>,
    pub(super) usual: Usual,
    /// Since when the entity is known.
    pub(super) since_s: i64,
}

/// What would have been usual.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Usual {
    Values {
        seen: u64,
        events: u64,
        others_with: u64,
        others: u64,
        named: Vec<String>,
    },
    Volume {
        median: f64,
        deviation: f64,
        largest: f64,
        hours: usize,
    },
    Rhythm {
        interval_s: f64,
        jitter: f64,
        contacts: u64,
        span_s: i64,
        others_with: u64,
        others: u64,
    },
}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.usual {
            Usual::Values { seen, events, others_with, others, .. } => {
                write!(f, "seen {seen} of {events} events; by {others_with} of {others} others")?;
            }
            Usual::Volume { median, deviation, largest, hours } => {
                write!(f, "usual {} ± {} an hour", tenths(*median), tenths(*deviation))?;
                write!(f, "; largest {} of {hours} such hours", tenths(*largest))?;
            }
            Usual::Rhythm { interval_s, jitter, contacts, span_s, others_with, others } => {
                write!(f, "every {} s ± {} %", tenths(*interval_s), tenths(jitter * 100.0))?;
                write!(f, "; contacts {contacts} in {span_s} s")?;
                write!(f, "; by {others_with} of {others} others")?;
            }
        }
        write!(f, "; since {}", time(self.since_s).format("%Y-%m-%d"))?;
        if let Usual::Values { named, .. } = &self.usual
            && !named.is_empty()
        {
            write!(f, "; usual {}", named.join(", "))?;
        }
        Ok(())
    }
}

/// Returns a number with one decimal, and without one where it is whole.
pub(super) fn tenths(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), ToOwned::to_owned)
}
