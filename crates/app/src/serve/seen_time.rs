//! How much time the platform has really seen pass. What is deleted after months must not go because a clock was
//! set: whatever the clock skipped, while the platform ran or while it did not, counts as not passed for all that
//! was collected before.

use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use serde::{Deserialize, Serialize};

use crate::cluster::{CentreState, load_state, save_state};

/// A clock that is off by more than this since the last look was set.
const OFF_MAX: TimeDelta = TimeDelta::hours(1);

/// A jump happened at some moment since the look before it.
const BETWEEN_LOOKS: TimeDelta = TimeDelta::hours(7);

/// How long the platform may have stood still, as far as it believes its clock about that: a longer standstill cannot
/// be told from a clock that was set meanwhile.
const STANDSTILL_BELIEVED: TimeDelta = TimeDelta::days(7);

/// A standstill that is longer may be that of a backup which was brought back. What was held since is not held in
/// it, and someone must have the time to hold it again.
const STANDSTILL: TimeDelta = TimeDelta::days(1);

/// How long nothing is deleted then.
const REST: TimeDelta = TimeDelta::days(1);

/// The most jumps that are remembered.
const JUMPS_MAX: usize = 1000;

/// Under which name it is kept beside what the other central duties remember.
const NAME: &str = "keeping";

/// A stretch that the clock skipped, or went back by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jump {
    /// What the clock should have shown.
    from: DateTime<Utc>,
    /// What it showed.
    to: DateTime<Utc>,
}

/// When the clock was last looked at, and how it jumped so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenTime {
    at: Option<DateTime<Utc>>,
    /// When the platform last came back from a standstill.
    #[serde(default)]
    back_at: Option<DateTime<Utc>>,
    jumps: Vec<Jump>,
}

impl SeenTime {
    /// Takes in what the clock shows; `passed` is what a steady clock says has passed since the last look, nothing
    /// after a start. Returns the jump, if it was one.
    pub(crate) fn look(&mut self, now: DateTime<Utc>, passed: Option<TimeDelta>) -> Option<Jump> {
        let before = self.at.replace(now)?;
        if passed.is_none() && now - before > STANDSTILL {
            self.back_at = Some(now);
        }
        // By a clock that was set right meanwhile it would lie ahead.
        self.back_at = self.back_at.map(|back_at| back_at.min(now));
        let passed =
            passed.unwrap_or_else(|| (now - before).clamp(TimeDelta::zero(), STANDSTILL_BELIEVED));
        let from = before.checked_add_signed(passed)?;
        let jump = Jump { from, to: now };
        if (jump.to - jump.from).abs() <= OFF_MAX {
            return None;
        }
        if self.jumps.len() >= JUMPS_MAX {
            self.jumps.remove(0);
        }
        self.jumps.push(jump);
        Some(jump)
    }

    /// Returns how long nothing is to be deleted yet, because the platform came back from a standstill.
    pub(crate) fn rest(&self, now: DateTime<Utc>) -> TimeDelta {
        let left = self.back_at.map_or(TimeDelta::zero(), |back_at| later(back_at, REST) - now);
        left.clamp(TimeDelta::zero(), REST)
    }

    /// Returns how much of the time since this moment nobody has seen pass. A clock that was set back showed the
    /// same moment more than once: then it is the most of what may be.
    pub(crate) fn unseen_since(&self, moment: DateTime<Utc>) -> TimeDelta {
        let mut unseen = None;
        let mut sum = TimeDelta::zero();
        for after in (0..=self.jumps.len()).rev() {
            // Was it this moment between the jump `after - 1` and the jump `after`? If so, the clock skipped what
            // that one and all later ones did; one that was set back undoes a jump before it.
            let next = self.jumps.get(after);
            sum = next.map_or(sum, |jump| sum.checked_add(&(jump.to - jump.from)).unwrap_or(sum));
            let before = after.checked_sub(1).and_then(|before| self.jumps.get(before));
            let is_after = before.is_none_or(|jump| later(jump.to, -BETWEEN_LOOKS) <= moment);
            let is_before = next.is_none_or(|jump| moment <= later(jump.from, OFF_MAX));
            if is_after && is_before {
                unseen = unseen.max(Some(sum));
            }
        }
        unseen.unwrap_or_default().max(TimeDelta::zero())
    }

    /// Returns what was remembered.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or with something else.
    pub(crate) async fn load(db: &Db) -> anyhow::Result<Self> {
        let Some(state) = load_state(db.conn(), NAME).await? else { return Ok(Self::default()) };
        Ok(serde_json::from_slice(&state.packed)?)
    }

    /// Remembers it.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub(crate) async fn save(&self, db: &Db) -> anyhow::Result<()> {
        let state = CentreState { change: 0, packed: serde_json::to_vec(self)? };
        let books = db.begin_bookkeeping().await?;
        save_state(books.conn(), NAME, state, books.now()).await?;
        Ok(books.commit().await?)
    }
}

fn later(moment: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    moment.checked_add_signed(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::days(number)
    }

    /// Looks once a day, for as long as the clock goes as it should.
    fn runs(seen: &mut SeenTime, from: i64, days: i64) {
        for number in 1..=days {
            assert_eq!(seen.look(day(from + number), Some(TimeDelta::days(1))), None);
        }
    }

    #[test]
    fn what_the_clock_skipped_has_not_passed_for_what_was_there_before() {
        let mut seen = SeenTime::default();
        assert_eq!(seen.look(day(0), None), None);
        runs(&mut seen, 0, 30);
        // A year ahead, while it runs: however long it stays so.
        assert!(seen.look(day(431), Some(TimeDelta::days(1))).is_some());
        runs(&mut seen, 431, 60);
        assert_eq!(seen.unseen_since(day(10)), TimeDelta::days(400));
        assert_eq!(seen.unseen_since(day(440)), TimeDelta::zero());
        // Set right again: as if nothing had been.
        assert!(seen.look(day(92), Some(TimeDelta::days(1))).is_some());
        assert_eq!(seen.unseen_since(day(10)), TimeDelta::zero());
        assert_eq!(seen.unseen_since(day(440)), TimeDelta::zero());
    }

    #[test]
    fn a_clock_set_ahead_and_back_and_ahead_again_deletes_nothing() {
        let mut seen = SeenTime::default();
        seen.look(day(0), None);
        runs(&mut seen, 0, 10);
        // A year ahead, and after a day right again.
        assert!(seen.look(day(376), Some(TimeDelta::days(1))).is_some());
        assert!(seen.look(day(12), Some(TimeDelta::days(1))).is_some());
        runs(&mut seen, 12, 30);
        // Another year ahead: what came since the clock was right, and what came before, is a month old at most.
        assert!(seen.look(day(408), Some(TimeDelta::days(1))).is_some());
        for since in [1, 9, 13, 20, 41] {
            assert_eq!(seen.unseen_since(day(since)), TimeDelta::days(365), "{since}");
        }
        // What came while the clock showed the year ahead bears a time that is about now.
        assert_eq!(seen.unseen_since(day(410)), TimeDelta::zero());
        // Set right again.
        assert!(seen.look(day(44), Some(TimeDelta::days(1))).is_some());
        for since in [1, 13, 41, 44] {
            assert_eq!(seen.unseen_since(day(since)), TimeDelta::zero(), "{since}");
        }
    }

    #[test]
    fn a_standstill_is_believed_for_a_week() {
        let mut seen = SeenTime::default();
        assert_eq!(seen.look(day(0), None), None);
        assert_eq!(seen.look(day(6), None), None);
        assert!(seen.look(day(100), None).is_some());
        assert_eq!(seen.unseen_since(day(1)), TimeDelta::days(87));
        // A machine that starts in the past and is set right after a moment.
        let mut seen = SeenTime::default();
        seen.look(day(1000), None);
        seen.look(day(0), None);
        seen.look(day(1000), Some(TimeDelta::zero()));
        assert_eq!(seen.unseen_since(day(-10)), TimeDelta::zero());
        // One that always was in the past owes nothing to what is collected after it was set right.
        let mut seen = SeenTime::default();
        seen.look(day(0), None);
        seen.look(day(1000), Some(TimeDelta::zero()));
        assert_eq!(seen.unseen_since(day(1001)), TimeDelta::zero());
    }

    #[test]
    fn after_a_standstill_nothing_is_deleted_for_a_day() {
        let hour = |number| day(0) + TimeDelta::hours(number);
        let mut seen = SeenTime::default();
        seen.look(hour(0), None);
        assert_eq!(seen.rest(hour(0)), TimeDelta::zero(), "a new installation");
        seen.look(hour(20), None);
        assert_eq!(seen.rest(hour(20)), TimeDelta::zero(), "a night");
        seen.look(hour(50), None);
        assert_eq!(seen.rest(hour(50)), TimeDelta::days(1));
        // Restarted once more meanwhile.
        seen.look(hour(60), None);
        assert_eq!(seen.rest(hour(60)), TimeDelta::hours(14));
        assert_eq!(seen.rest(hour(74)), TimeDelta::zero());
        assert_eq!(seen.rest(hour(-1000)), TimeDelta::days(1), "a clock that was set back");
        seen.look(hour(90), Some(TimeDelta::hours(30)));
        assert_eq!(seen.rest(hour(90)), TimeDelta::zero(), "it was there all the time");
        seen.look(hour(9000), None);
        seen.look(hour(100), Some(TimeDelta::hours(1)));
        assert_eq!(seen.rest(hour(100)), TimeDelta::days(1));
        assert_eq!(seen.rest(hour(124)), TimeDelta::zero(), "not until the clock is there again");
    }

    #[tokio::test]
    async fn it_is_remembered() {
        for test in db::testing::databases().await {
            assert_eq!(SeenTime::load(&test.db).await.unwrap(), SeenTime::default());
            let mut seen = SeenTime::default();
            seen.look(day(0), None);
            seen.look(day(400), Some(TimeDelta::days(1)));
            seen.save(&test.db).await.unwrap();
            seen.save(&test.db).await.unwrap();
            assert_eq!(SeenTime::load(&test.db).await.unwrap(), seen);
        }
    }
}
