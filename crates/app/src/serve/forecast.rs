//! The forecast of the platform's disk: how fast the lake grows, what leaves the disk again because it goes to
//! a store or its time is over, and in how many days there is no room.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use lake::{Segment, Where};

/// How far back the files are counted that tell how fast the lake grows: a week has all its days.
const GROWTH_OVER: TimeDelta = TimeDelta::days(7);

/// Less than this is no rate.
const GROWTH_OVER_MIN: TimeDelta = TimeDelta::hours(1);

/// How files leave the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Leaving {
    /// Days after which they go to a store; nothing where they stay.
    pub(super) after_days: Option<u32>,
    /// When they are deleted; nothing while that is not known.
    pub(super) kept: Option<Kept>,
}

/// How long logs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Days by the longest term that any system has: what is older is surely deleted.
    pub(super) days: u64,
    /// The first day of which an incident holds anything: from there on nothing is counted on to go.
    pub(super) held_from: Option<NaiveDate>,
}

impl Kept {
    /// Returns the first day from today on which a file of this age is gone.
    fn over_in(self, day: NaiveDate, age: u64) -> Option<u64> {
        let is_held = self.held_from.is_some_and(|from| day >= from);
        (!is_held).then(|| (self.days + 1).saturating_sub(age))
    }
}

/// Returns what the events of one day take, by the files of the last week; nothing while they tell of
/// less than an hour. Of a file that holds older events as well (late ones were merged with it) that part
/// counts which came since, as if they had come evenly.
pub(super) fn daily_bytes(files: &[Segment], now: DateTime<Utc>) -> Option<u64> {
    let since = now - GROWTH_OVER;
    let recent = || files.iter().filter(move |file| file.max_collected_at > since);
    let first = recent().map(|file| file.min_collected_at.max(since)).min()?;
    let passed = now - first;
    if passed < GROWTH_OVER_MIN {
        return None;
    }
    let millis = |span: TimeDelta| u128::try_from(span.num_milliseconds()).unwrap_or(0);
    let part = |file: &Segment| {
        let whole = millis(file.max_collected_at - file.min_collected_at);
        let own = millis(file.max_collected_at - file.min_collected_at.max(since));
        let size = u128::from(file.size_bytes);
        size.saturating_mul(own).checked_div(whole).unwrap_or(size)
    };
    let bytes: u128 = recent().map(part).sum();
    let seconds = u128::try_from(passed.num_seconds()).ok()?;
    u64::try_from(bytes.saturating_mul(86_400) / seconds).ok().filter(|daily| *daily > 0)
}

impl Leaving {
    /// Returns in how many days the room is used up, by what comes each day less what leaves; nothing if
    /// that is never.
    pub(super) fn days_left(
        self,
        files: &[Segment],
        room: u64,
        daily: u64,
        today: NaiveDate,
    ) -> Option<u64> {
        let leaving = self.by_day(files, today);
        let to_store = self.after_days.map(u64::from);
        let deleted = self.kept.map(|kept| kept.days + 1);
        let is_held = self.kept.is_some_and(|kept| kept.held_from.is_some());
        // From that day on as much goes as comes.
        let even = [to_store, deleted.filter(|_| !is_held)].into_iter().flatten().min();
        let horizon = even.or(deleted).unwrap_or(0);
        let mut room = room;
        for day in 0..horizon {
            room = room.saturating_add(leaving.get(&day).copied().unwrap_or(0));
            let Some(left) = room.checked_sub(daily) else { return Some(day) };
            room = left;
        }
        match even {
            Some(_) => None,
            None => Some(horizon + room.checked_div(daily)?),
        }
    }

    /// Returns what leaves the disk, by the days from today on which it does.
    fn by_day(self, files: &[Segment], today: NaiveDate) -> BTreeMap<u64, u64> {
        let mut leaving = BTreeMap::new();
        for file in files.iter().filter(|file| file.lies_in == Where::Folder) {
            let last = file.day.max(file.max_collected_at.date_naive());
            let age = u64::try_from((today - last).num_days()).unwrap_or(0);
            let to_store = self.after_days.map(|days| u64::from(days).saturating_sub(age));
            let deleted = self.kept.and_then(|kept| kept.over_in(file.day, age));
            if let Some(day) = [to_store, deleted].into_iter().flatten().min() {
                *leaving.entry(day).or_default() += file.size_bytes;
            }
        }
        leaving
    }
}

#[cfg(test)]
mod tests {
    use event::EventId;
    use lake::SegmentId;
    use uuid::Uuid;

    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + hours * 3600, 0).unwrap()
    }

    fn file(from: i64, to: i64, size_bytes: u64) -> Segment {
        let event = EventId::from_uuid(Uuid::nil());
        Segment {
            id: SegmentId::from_uuid(Uuid::nil()),
            path: String::new(),
            day: at(from).date_naive(),
            rows: 1,
            size_bytes,
            min_occurred_at: at(from),
            max_occurred_at: at(to),
            min_collected_at: at(from),
            max_collected_at: at(to),
            min_id: event,
            max_id: event,
            sha256: String::new(),
            schema_version: 1,
            key: None,
            lies_in: Where::Folder,
        }
    }

    #[test]
    fn growth_is_what_a_day_takes() {
        assert_eq!(daily_bytes(&[], at(0)), None);
        // Too little is known.
        assert_eq!(daily_bytes(&[file(0, 0, 100)], at(0)), None);
        assert_eq!(daily_bytes(&[file(0, 1, 100)], at(2)), Some(1200));
        assert_eq!(daily_bytes(&[file(0, 0, 100)], at(2)), Some(1200));
        // A week of a gigabyte each day; what is older does not count.
        let days: Vec<Segment> =
            (0..10).map(|day| file(day * 24, day * 24 + 24, 1 << 30)).collect();
        assert_eq!(daily_bytes(&days, at(240)), Some(1 << 30));
        // A file of 28 days, with which a late event was merged just now, did not come this week.
        assert_eq!(daily_bytes(&[file(-28 * 24, 0, 28 * 50)], at(0)), Some(50));
    }

    #[test]
    fn what_goes_to_a_store_leaves_room() {
        let today = at(0).date_naive();
        let left = |room, after_days, files: &[Segment]| {
            let leaving = Leaving { after_days, kept: None };
            leaving.days_left(files, room, 10, today)
        };
        assert_eq!(left(100, None, &[]), Some(10));
        assert_eq!(left(0, None, &[]), Some(0));
        // Five days fit, and then as much goes as comes.
        assert_eq!(left(50, Some(5), &[]), None);
        assert_eq!(left(49, Some(5), &[]), Some(4));
        assert_eq!(left(0, Some(0), &[]), None, "all goes at once");
        // What lies here goes as well: today's file in five days, that of three days ago in two.
        let files = [file(0, 1, 20), file(-72, -71, 30), file(-24 * 30, -24 * 30, 7)];
        let stored = Segment { lies_in: Where::Store, ..file(0, 1, 1000) };
        let files: Vec<Segment> = files.into_iter().chain([stored]).collect();
        let by_day = Leaving { after_days: Some(5), kept: None }.by_day(&files, today);
        assert_eq!(by_day, BTreeMap::from([(0, 7), (2, 30), (5, 20)]));
        assert_eq!(left(13, Some(5), &files), None);
        assert_eq!(left(12, Some(5), &files), Some(1), "before the large one goes");
        assert_eq!(Leaving::default().by_day(&files, today), BTreeMap::new());
    }

    #[test]
    fn what_is_deleted_leaves_room() {
        let today = at(0).date_naive();
        // Ten bytes a day, kept for nine days and today: the disk holds a hundred and grows no more.
        let files: Vec<Segment> = (0..10).map(|day| file(-24 * day, -24 * day, 10)).collect();
        let left =
            |room, kept| Leaving { after_days: None, kept }.days_left(&files, room, 10, today);
        let kept = |held_from| Some(Kept { days: 9, held_from });
        assert_eq!(left(30, None), Some(3), "nothing is known of deletions");
        assert_eq!(left(10, kept(None)), None);
        assert_eq!(left(9, kept(None)), Some(0), "too little for one day");
        // An incident holds all: ten days are looked at, then it goes on as before.
        assert_eq!(left(30, kept(Some(at(-24 * 99).date_naive()))), Some(3));
        assert_eq!(left(130, kept(Some(at(-24 * 99).date_naive()))), Some(13));
        // It holds what is younger than five days: what is older still goes.
        assert_eq!(left(30, kept(Some(at(-24 * 4).date_naive()))), Some(8));
        // A store takes them earlier than they are deleted.
        let both = Leaving { after_days: Some(2), kept: kept(None) };
        assert_eq!(both.days_left(&files, 0, 10, today), None);
    }
}
