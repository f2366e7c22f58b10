//! How much time the platform has really seen pass. What is deleted after months must not go because a clock was
//! set: whatever the clock skipped, while the platform ran or while it did not, counts as not passed for all that
//! was collected before.

use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use serde::{Deserialize, Serialize};

use crate::cluster::{CentreState, load_state, save_state};

/// A clock that is off by more than this since the last look was set.
const OFF_MAX: TimeDelta = TimeDelta::hours(1);

/// How long the platform may have stood still, as far as it believes its clock about that: a longer standstill cannot
/// be told from a clock that was set meanwhile.
const STANDSTILL_BELIEVED: TimeDelta = TimeDelta::days(7);

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
    jumps: Vec<Jump>,
}

impl SeenTime {
    /// Takes in what the clock shows; `passed` is what a steady clock says has passed since the last look, nothing
    /// after a start. Returns the jump, if it was one.
    pub(crate) fn look(&mut self, now: DateTime<Utc>, passed: Option<TimeDelta>) -> Option<Jump> {
        let before = self.at.replace(now)?;
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

    /// Returns how much of the time since this moment nobody has seen pass.
    pub(crate) fn unseen_since(&self, moment: DateTime<Utc>) -> TimeDelta {
        // A clock that is set back undoes the jump before it.
        let skipped =
            |jump: &Jump| if jump.from >= moment { jump.to - jump.from } else { TimeDelta::zero() };
        let sum =
            self.jumps.iter().map(skipped).fold(TimeDelta::zero(), |sum, one| {
                sum.checked_add(&one).unwrap_or(TimeDelta::MAX)
            });
        sum.max(TimeDelta::zero())
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
