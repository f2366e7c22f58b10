//! Terms that were made shorter: by a press, by a lower level of the system, by the configuration or the law's data,
//! or because the system left the register. What the longer term kept stays for some weeks more, so that a mistake is
//! seen and taken back before anything is deleted by it.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use event::SystemId;
use registry::keeping::{Longer, Plan};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use crate::cluster::{CentreState, load_state, save_state};

/// How long logs still go by the longer term: whoever made it shorter by mistake, or was made to, has a month.
const GRACE: TimeDelta = TimeDelta::days(30);

/// Under which name it is kept beside what the other central duties remember.
const NAME: &str = "keeping-terms";

/// The terms by which the last round went, and which of them were longer before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shortened {
    terms: Vec<Known>,
}

/// What is known of a system's term, or of that for logs of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    system: Option<SystemId>,
    months: u32,
    longer: Option<Before>,
}

/// The term before it was made shorter, and when that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    months: u32,
    at: DateTime<Utc>,
}

impl Known {
    /// Returns what is known once this is the term.
    fn then(self, months: u32, now: DateTime<Utc>) -> Self {
        let still = self.longer.filter(|longer| now - longer.at < GRACE);
        let before = still.map_or(self.months, |longer| longer.months.max(self.months));
        let longer = if months < self.months {
            Some(Before { months: before, at: now })
        } else {
            still.filter(|longer| months < longer.months)
        };
        Self { months, longer, ..self }
    }
}

impl Shortened {
    /// Takes in the terms of this moment.
    pub(crate) fn look(&mut self, plan: &Plan, now: DateTime<Utc>) {
        let known: BTreeMap<_, _> = self.terms.iter().map(|known| (known.system, *known)).collect();
        let months = plan.months();
        let first = |(system, months): (&Option<SystemId>, &u32)| Known {
            system: *system,
            months: *months,
            longer: None,
        };
        let new = months.iter().filter(|(system, _)| !known.contains_key(*system)).map(first);
        let old = known.values().filter_map(|known| {
            let then = known.then(plan.term(known.system).months, now);
            // One that left the register is forgotten once its logs go by the term of all such.
            (months.contains_key(&known.system) || then.longer.is_some()).then_some(then)
        });
        self.terms = old.chain(new).collect();
    }

    /// Returns the longer terms that still hold.
    pub(crate) fn longer(&self) -> impl Iterator<Item = (Option<SystemId>, Longer)> + '_ {
        self.terms.iter().filter_map(|known| {
            let Before { months, at } = known.longer?;
            let until = at.checked_add_signed(GRACE).unwrap_or(at);
            Some((known.system, Longer { months, until }))
        })
    }

    /// Returns what was remembered.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or with something else.
    pub(crate) async fn load(conn: &impl ConnectionTrait) -> Result<Self> {
        let Some(state) = load_state(conn, NAME).await? else { return Ok(Self::default()) };
        Ok(serde_json::from_slice(&state.packed)?)
    }

    /// Takes in the terms of this moment, remembers them, and makes the plan as long as they still are.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or with something else.
    pub(crate) async fn apply(db: &Db, plan: &mut Plan, now: DateTime<Utc>) -> Result<()> {
        let books = db.begin_bookkeeping().await?;
        let before = Self::load(books.conn()).await?;
        let mut then = before.clone();
        then.look(plan, now);
        for (system, longer) in then.longer() {
            plan.lengthen(system, longer.months);
        }
        if then != before {
            let state = CentreState { change: 0, packed: serde_json::to_vec(&then)? };
            save_state(books.conn(), NAME, state, books.now()).await?;
        }
        Ok(books.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::days(number)
    }

    /// Returns the longer months after each of these terms of one system, on its day.
    fn check(terms: &[(i64, u32)]) -> Vec<Option<u32>> {
        let mut known = Known { system: None, months: terms[0].1, longer: None };
        let mut longer = Vec::new();
        for (number, months) in terms {
            known = known.then(*months, day(*number));
            longer.push(known.longer.map(|longer| longer.months));
        }
        longer
    }

    #[test]
    fn a_shorter_term_holds_after_a_month_only() {
        assert_eq!(check(&[(0, 12), (1, 3), (30, 3), (31, 3)]), [None, Some(12), Some(12), None]);
        assert_eq!(check(&[(0, 3), (1, 12)]), [None, None], "a longer one at once");
        // Shorter again within the month: the longest of them, a month from then.
        let steps = [(0, 24), (1, 12), (20, 6), (49, 6), (50, 6)];
        assert_eq!(check(&steps), [None, Some(24), Some(24), Some(24), None]);
        // Taken back, in part and as a whole.
        assert_eq!(check(&[(0, 24), (1, 6), (2, 12)]), [None, Some(24), Some(24)]);
        assert_eq!(check(&[(0, 24), (1, 6), (2, 24), (3, 24)]), [None, Some(24), None, None]);
        // A clock that was set back ends nothing early.
        assert_eq!(check(&[(0, 24), (10, 6), (-400, 6)]), [None, Some(24), Some(24)]);
    }

    #[tokio::test]
    async fn logs_go_by_a_shorter_term_a_month_after_it_was_seen() {
        for test in db::testing::databases().await {
            let province = registry::demo::Province::builtin().unwrap();
            registry::demo::seed(&test.db, &province).await.unwrap();
            let directory = registry::Directory::load(&test.db).await.unwrap();
            let plan = async |months, now| {
                registry::keeping::plan(&test.db, &directory, months, now).await.unwrap()
            };
            let now = test.db.now();
            let mut first = plan(36, now).await;
            let before = first.clone();
            Shortened::apply(&test.db, &mut first, now).await.unwrap();
            assert_eq!(first, before, "nothing was longer before");
            // All terms at once, as by the configuration: they go the same way.
            for (days, is_longer) in [(1, true), (30, true), (31, false), (60, false)] {
                let at = now + TimeDelta::days(days);
                let nominal = plan(12, at).await;
                let mut lengthened = nominal.clone();
                Shortened::apply(&test.db, &mut lengthened, at).await.unwrap();
                assert_eq!(lengthened != nominal, is_longer, "{} {days}", test.name);
                let longest = lengthened.months().into_values().max();
                assert_eq!(longest, Some(if is_longer { 36 } else { 12 }), "{} {days}", test.name);
                assert_eq!(lengthened.newest_over() < nominal.newest_over(), is_longer);
            }
        }
    }

    #[test]
    fn a_system_that_left_the_register_is_forgotten_in_the_end() {
        // No system at all is in this plan.
        let gone = Some(SystemId::from_uuid(uuid::Uuid::from_u128(7)));
        let known = Known { system: gone, months: 60, longer: None };
        let plan = Plan::of_none(12, day(0).date_naive());
        let mut shortened = Shortened { terms: vec![known] };
        shortened.look(&plan, day(0));
        let longer = Longer { months: 60, until: day(30) };
        assert_eq!(shortened.longer().collect::<Vec<_>>(), [(gone, longer)]);
        shortened.look(&plan, day(30));
        assert_eq!(shortened.longer().count(), 0);
        assert_eq!(shortened.terms.len(), 1, "logs of no system");
    }
}
