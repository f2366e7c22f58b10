//! Sums of numbers by stretches of time, so that a long window is not added up anew for each event of a
//! flood: whole stretches are known, only the two at its ends are added entry by entry.
//!
//! A stretch is always added in the order of its entries: the same entries have the same sum, whatever
//! their way here, over a restart too.

use std::collections::BTreeMap;
use std::ops::Range;

use super::entry::{Entry, Micros};
use super::timeline::Timeline;

/// Stretches in a window.
const STRETCHES: Micros = 64;

/// What is known of a group's stretches; what is not is added up when it is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    by_stretch: BTreeMap<Micros, f64>,
}

/// Only what could be added up at any time: no two groups differ by it.
impl PartialEq for Sums {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Sums {
    /// Notes that an entry of this time came or went.
    pub(super) fn changed(&mut self, at: Micros, span: Micros) {
        self.by_stretch.remove(&stretch(at, span));
    }

    /// Returns the sum over a window of the entries.
    pub(super) fn over(&mut self, entries: &Timeline, window: Range<usize>, span: Micros) -> f64 {
        let mut sum = 0.0;
        let mut from = window.start;
        while from < window.end {
            let Some(first) = entries.get(from) else { break };
            let number = stretch(first.at, span);
            let end = entries.partition_point(|entry| stretch(entry.at, span) <= number);
            let begins = from.checked_sub(1).and_then(|before| entries.get(before));
            let is_whole =
                end <= window.end && begins.is_none_or(|own| stretch(own.at, span) < number);
            let part = from..end.min(window.end);
            from = part.end;
            sum += if is_whole {
                *self.by_stretch.entry(number).or_insert_with(|| added(entries, part))
            } else {
                added(entries, part)
            };
        }
        sum
    }
}

fn stretch(at: Micros, span: Micros) -> Micros {
    at.div_euclid((span / STRETCHES).max(1))
}

fn added(entries: &Timeline, part: Range<usize>) -> f64 {
    entries.range(part).filter_map(Entry::number).sum()
}

#[cfg(test)]
mod tests {
    use event::EventId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::entry::Measure;
    use super::*;

    proptest! {
        #[test]
        fn a_window_has_the_sum_of_its_entries(
            steps in prop::collection::vec((0_i64..5_000, -100_i32..100, any::<bool>()), 1..200),
            cut in (0_usize..200, 0_usize..200),
        ) {
            let span = 1_000;
            let (mut sums, mut entries) = (Sums::default(), Timeline::default());
            for (at, number, goes) in steps {
                if goes && let Some(gone) = entries.pop_front_if(|_| true) {
                    sums.changed(gone.at, span);
                }
                let measure = Measure::Number(f64::from(number));
                let id = EventId::from_uuid(Uuid::from_u128(entries.len().try_into().unwrap()));
                entries.insert(Entry { at, arrived: at, id, input: 0, measure });
                sums.changed(at, span);
                let (one, other) = (cut.0.min(entries.len()), cut.1.min(entries.len()));
                let window = one.min(other)..one.max(other);
                let want: f64 = entries.range(window.clone()).filter_map(Entry::number).sum();
                prop_assert_eq!(sums.over(&entries, window, span).to_bits(), (want + 0.0).to_bits());
            }
        }
    }
}
