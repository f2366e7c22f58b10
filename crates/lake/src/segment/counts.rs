//! What was counted of a file before, kept with its footer: files never change, and pages ask for the same
//! again and again.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ahash::AHashMap;
use event::query::Query;
use parking_lot::Mutex;

use super::Granule;
use crate::limits::{CONDITIONS_KEPT, COUNTED_BYTES_KEPT, COUNTED_VALUES_KEPT};

/// What rows must be like to be counted, apart from their time.
#[derive(Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) query: Query,
    /// The agencies whose rows may be seen; all of them if nothing.
    pub(crate) agencies: Option<BTreeSet<String>>,
}

/// How often each value stands somewhere.
pub(crate) type ValueCounts = AHashMap<String, u64>;

/// Values in rising order, and how often each stands somewhere: in little room, for they are kept.
#[derive(Debug)]
pub(crate) struct KeptCounts {
    /// The values, one behind the other.
    text: Box<str>,
    /// Where each of them ends, and how often it stands there.
    ends: Box<[(u32, u64)]>,
}

impl KeptCounts {
    /// Returns the counts to be kept; nothing where the values are too long together.
    fn of(counts: &ValueCounts) -> Option<Self> {
        let mut sorted: Vec<(&String, u64)> =
            counts.iter().map(|(value, count)| (value, *count)).collect();
        sorted.sort_unstable();
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(sorted.len()));
        for (value, count) in sorted {
            text.push_str(value);
            ends.push((u32::try_from(text.len()).ok()?, count));
        }
        let bytes = text.len();
        (bytes <= COUNTED_BYTES_KEPT).then(|| Self { text: text.into(), ends: ends.into() })
    }

    /// Returns each value with its count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut start = 0;
        self.ends.iter().filter_map(move |(end, count)| {
            let end = usize::try_from(*end).ok()?;
            let value = self.text.get(std::mem::replace(&mut start, end)..end)?;
            Some((value, *count))
        })
    }

    fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Counts of one file.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    values: Mutex<Vec<FieldCounts>>,
    rows: Mutex<VecDeque<RowCounts>>,
}

/// How often each value of a field stands in the rows of a file that meet a condition.
#[derive(Debug)]
struct FieldCounts {
    condition: Arc<Condition>,
    field: String,
    counts: Arc<KeptCounts>,
}

/// How many rows of each granule meet a condition, where they were counted.
#[derive(Debug)]
struct RowCounts {
    condition: Arc<Condition>,
    by_granule: Vec<Option<u32>>,
}

impl Counts {
    /// Returns how often each value of a field stands in the rows that meet a condition, in the order of the
    /// values, if that was kept.
    pub(crate) fn values_of(&self, condition: &Condition, field: &str) -> Option<Arc<KeptCounts>> {
        let kept = self.values.lock();
        let own = kept.iter().find(|own| own.field == field && *own.condition == *condition)?;
        Some(Arc::clone(&own.counts))
    }

    /// Keeps how often each value of a field stands there, if there is room for so many values; the oldest
    /// make room.
    pub(crate) fn keep_values(
        &self,
        condition: &Arc<Condition>,
        field: &str,
        counts: &ValueCounts,
    ) {
        if counts.len() > COUNTED_VALUES_KEPT {
            return;
        }
        let mut kept = self.values.lock();
        kept.retain(|own| own.field != field || own.condition != *condition);
        let mut values: usize = kept.iter().map(|own| own.counts.len()).sum();
        while !kept.is_empty()
            && (values + counts.len() > COUNTED_VALUES_KEPT || kept.len() >= CONDITIONS_KEPT)
        {
            values -= kept.remove(0).counts.len();
        }
        let Some(counts) = KeptCounts::of(counts) else { return };
        let (condition, field) = (Arc::clone(condition), field.to_owned());
        kept.push(FieldCounts { condition, field, counts: Arc::new(counts) });
    }

    /// Returns how many rows of each granule, by its number, meet a condition, where that was kept.
    pub(crate) fn rows_of(&self, condition: &Condition) -> Vec<Option<u32>> {
        let kept = self.rows.lock();
        let own = kept.iter().find(|own| *own.condition == *condition);
        own.map(|own| own.by_granule.clone()).unwrap_or_default()
    }

    /// Keeps how many rows of granules meet a condition; the oldest condition makes room for a new one.
    pub(crate) fn keep_rows(&self, condition: &Arc<Condition>, counted: &[(&Granule, u32)]) {
        let mut kept = self.rows.lock();
        let known = kept.iter().position(|own| own.condition == *condition);
        let mut own = known.and_then(|place| kept.remove(place)).unwrap_or_else(|| RowCounts {
            condition: Arc::clone(condition),
            by_granule: Vec::new(),
        });
        for (granule, count) in counted {
            if own.by_granule.len() <= granule.number {
                own.by_granule.resize(granule.number + 1, None);
            }
            if let Some(place) = own.by_granule.get_mut(granule.number) {
                *place = Some(*count);
            }
        }
        if kept.len() >= CONDITIONS_KEPT {
            kept.pop_front();
        }
        kept.push_back(own);
    }
}

#[cfg(test)]
mod tests {
    use event::EventId;

    use super::*;

    fn condition(word: &str) -> Arc<Condition> {
        Arc::new(Condition { query: Query::Text(word.to_owned()), agencies: None })
    }

    fn granule(number: usize) -> Granule {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        Granule { number, rows: 0..9, min_us: 0, max_us: 9, min_id: id, max_id: id }
    }

    #[test]
    fn rows_are_known_where_they_were_counted() {
        let (counts, asked) = (Counts::default(), condition("sshd"));
        assert!(counts.rows_of(&asked).is_empty());
        counts.keep_rows(&asked, &[(&granule(2), 5)]);
        counts.keep_rows(&asked, &[(&granule(0), 0)]);
        assert_eq!(counts.rows_of(&condition("sshd")), [Some(0), None, Some(5)]);
        assert!(counts.rows_of(&condition("cron")).is_empty(), "another condition");
        let agencies = Some(BTreeSet::from(["a".to_owned()]));
        let narrower = Condition { query: Query::Text("sshd".to_owned()), agencies };
        assert!(counts.rows_of(&narrower).is_empty(), "the same for fewer agencies");
    }

    #[test]
    fn the_oldest_condition_makes_room() {
        let counts = Counts::default();
        for number in 0..=CONDITIONS_KEPT {
            counts.keep_rows(&condition(&number.to_string()), &[(&granule(0), 1)]);
        }
        assert!(counts.rows_of(&condition("0")).is_empty());
        assert_eq!(counts.rows_of(&condition("1")), [Some(1)]);
        assert_eq!(counts.rows.lock().len(), CONDITIONS_KEPT);
    }

    #[test]
    fn values_are_kept_for_their_field_and_condition_within_bounds() {
        let (counts, all) = (Counts::default(), condition("*"));
        let few = ValueCounts::from_iter([("b".to_owned(), 2), ("a".to_owned(), 1)]);
        counts.keep_values(&all, "user", &few);
        let kept = counts.values_of(&all, "user").unwrap();
        assert!(kept.iter().eq([("a", 1), ("b", 2)]));
        assert!(counts.values_of(&all, "host").is_none());
        assert!(counts.values_of(&condition("sshd"), "user").is_none());
        let too_many = (0..=COUNTED_VALUES_KEPT).map(|number| (number.to_string(), 1));
        counts.keep_values(&all, "host", &too_many.collect());
        assert!(counts.values_of(&all, "host").is_none());
        let full = (0..COUNTED_VALUES_KEPT).map(|number| (number.to_string(), 1));
        counts.keep_values(&all, "host", &full.collect());
        assert!(counts.values_of(&all, "host").is_some());
        assert!(counts.values_of(&all, "user").is_none(), "made room");
    }
}
