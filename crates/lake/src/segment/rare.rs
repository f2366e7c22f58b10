//! Events that few rows of a file are, kept as they were read with its footer: files never change, and who looks for a
//! rare word asks again and again.

use std::collections::VecDeque;
use std::sync::Arc;

use event::Event;
use parking_lot::Mutex;

use super::Condition;
use super::granules::Granule;
use crate::limits::{RARE_EVENTS_KEPT, RARE_RECORD_BYTES_MAX};

/// Events of one file that were found before.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    condition: Arc<Condition>,
    row: usize,
    event: Arc<Event>,
}

impl Rare {
    /// Returns the events of a granule that meet a condition, where all of them are kept: `count` says how many
    /// there are.
    pub(crate) fn all_of(
        &self,
        condition: &Condition,
        granule: &Granule,
        count: u32,
    ) -> Option<Vec<Arc<Event>>> {
        if count > RARE_EVENTS_KEPT {
            return None;
        }
        let kept = self.kept.lock();
        let own = |kept: &&Kept| granule.rows.contains(&kept.row) && *kept.condition == *condition;
        let events: Vec<_> = kept.iter().filter(own).map(|own| Arc::clone(&own.event)).collect();
        (u32::try_from(events.len()) == Ok(count)).then_some(events)
    }

    /// Keeps an event that meets a condition; the oldest make room. One with a long record is not kept.
    pub(crate) fn keep(&self, condition: &Arc<Condition>, row: usize, event: &Event) {
        if event.raw.len() > RARE_RECORD_BYTES_MAX {
            return;
        }
        let mut kept = self.kept.lock();
        if kept.iter().any(|own| own.row == row && own.condition == *condition) {
            return;
        }
        if u32::try_from(kept.len()).is_ok_and(|count| count >= RARE_EVENTS_KEPT) {
            kept.pop_front();
        }
        let (condition, event) = (Arc::clone(condition), Arc::new(event.clone()));
        kept.push_back(Kept { condition, row, event });
    }
}

#[cfg(test)]
mod tests {
    use event::EventId;
    use event::query::Query;

    use super::*;
    use crate::testing::event;

    fn condition(word: &str) -> Arc<Condition> {
        Arc::new(Condition { query: Query::Text(word.to_owned()), agencies: None })
    }

    fn granule(rows: std::ops::Range<usize>) -> Granule {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        Granule { number: 0, rows, min_us: 0, max_us: 9, min_id: id, max_id: id }
    }

    #[test]
    fn events_are_known_where_all_of_them_are_kept() {
        let (rare, asked) = (Rare::default(), condition("needle"));
        assert_eq!(rare.all_of(&asked, &granule(0..9), 1), None);
        for row in [3, 7, 7, 12] {
            rare.keep(&asked, row, &event(u32::try_from(row).unwrap()));
        }
        let first = rare.all_of(&asked, &granule(0..9), 2).unwrap();
        assert_eq!(
            first.iter().map(|event| (**event).clone()).collect::<Vec<_>>(),
            [event(3), event(7)]
        );
        assert!(rare.all_of(&asked, &granule(9..20), 1).is_some());
        assert_eq!(rare.all_of(&asked, &granule(0..9), 3), None, "one is not kept");
        assert_eq!(rare.all_of(&condition("other"), &granule(0..9), 2), None);
        let narrower =
            Condition { query: asked.query.clone(), agencies: Some(["a".to_owned()].into()) };
        assert_eq!(rare.all_of(&narrower, &granule(0..9), 2), None, "the same for fewer agencies");
    }

    #[test]
    fn the_oldest_make_room_and_long_records_are_not_kept() {
        let (rare, asked) = (Rare::default(), condition("needle"));
        let most = usize::try_from(RARE_EVENTS_KEPT).unwrap();
        for row in 0..=most {
            rare.keep(&asked, row, &event(0));
        }
        assert_eq!(rare.all_of(&asked, &granule(0..1), 1), None);
        assert!(rare.all_of(&asked, &granule(1..most + 1), RARE_EVENTS_KEPT).is_some());
        let mut long = event(0);
        long.raw = "x".repeat(RARE_RECORD_BYTES_MAX + 1);
        rare.keep(&asked, 1000, &long);
        assert_eq!(rare.all_of(&asked, &granule(1000..1001), 1), None);
        assert_eq!(rare.kept.lock().len(), most);
    }
}
