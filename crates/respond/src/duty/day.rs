//! The day in numbers, kept for a while when it is a day of many alerts: the duty page is open on many screens
//! at once, and to count a flood again for each of them would hold up everyone who works on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use db::Db;
use event::{AgencyId, Scope, Severity};
use parking_lot::Mutex;

use super::pages::{BAR, DAY};
use crate::alert::{self, TopBy, TopKey};
use crate::error::RespondError;
use crate::limits::{DAY_ALERTS_RECOUNTED, DUTY_TOP};

/// How long the numbers of a day of many alerts are shown before they are counted anew.
const KEPT: TimeDelta = TimeDelta::seconds(15);
/// How old they may be while they are being counted anew: whoever comes later waits.
const SHOWN_MEANWHILE: TimeDelta = TimeDelta::minutes(2);

/// The alerts of the last day, as one scope sees them.
#[derive(Debug)]
pub(super) struct Day {
    /// When the first bar begins.
    pub(super) since: DateTime<Utc>,
    /// How many of each severity were made in each bar.
    pub(super) detections: Vec<(usize, Severity, u64)>,
    /// The addresses that most are about.
    pub(super) sources: Vec<(TopKey, u64)>,
    /// The systems that most are about.
    pub(super) targets: Vec<(TopKey, u64)>,
    /// When they were counted.
    at: DateTime<Utc>,
}

/// The days as they were last counted, by what may be seen.
#[derive(Debug, Clone)]
pub struct Days {
    known: Arc<Mutex<BTreeMap<Seen, Kept>>>,
    /// Alerts from which a day's numbers are kept.
    from: u64,
}

/// What may be seen: these agencies, or all.
type Seen = Option<BTreeSet<AgencyId>>;

#[derive(Debug, Default)]
struct Kept {
    day: Option<Arc<Day>>,
    /// Held by whoever counts.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Days {
    fn default() -> Self {
        Self::kept_from(DAY_ALERTS_RECOUNTED)
    }
}

impl Days {
    /// Returns nothing counted yet; numbers are kept from this many alerts.
    pub(super) fn kept_from(from: u64) -> Self {
        Self { known: Arc::default(), from }
    }

    /// Returns the day until now: counted now, or a little earlier when it has many alerts.
    pub(super) async fn day(&self, db: &Db, scope: &Scope) -> Result<Arc<Day>, RespondError> {
        let seen: Seen = scope.visible().cloned();
        let (known, turn) = self.known(&seen);
        let known = known.filter(|day| day.alerts() >= self.from);
        let age = known.as_ref().map(|day| db.now() - day.at);
        match (known, age) {
            (Some(day), Some(age)) if age < KEPT => return Ok(day),
            (Some(day), Some(age)) if age < SHOWN_MEANWHILE => {
                if let Ok(turn) = turn.try_lock_owned() {
                    let (days, db, scope) = (self.clone(), db.clone(), scope.clone());
                    tokio::spawn(async move {
                        let counted = days.count(&db, &scope, seen).await;
                        if let Err(error) = counted {
                            let error = web::chain(&error);
                            tracing::warn!(error, "the day's alerts could not be counted");
                        }
                        drop(turn);
                    });
                }
                return Ok(day);
            }
            _ => {}
        }
        let _turn = turn.lock_owned().await;
        // Whoever waited is told what the one before counted.
        let (known, _) = self.known(&seen);
        if let Some(day) = known.filter(|day| day.alerts() >= self.from && db.now() - day.at < KEPT)
        {
            return Ok(day);
        }
        self.count(db, scope, seen).await
    }

    fn known(&self, seen: &Seen) -> (Option<Arc<Day>>, Arc<tokio::sync::Mutex<()>>) {
        let mut days = self.known.lock();
        let kept = days.entry(seen.clone()).or_default();
        (kept.day.clone(), Arc::clone(&kept.turn))
    }

    async fn count(&self, db: &Db, scope: &Scope, seen: Seen) -> Result<Arc<Day>, RespondError> {
        let day = Arc::new(Day::count(db, scope).await?);
        let mut days = self.known.lock();
        // What nobody asked for again, nor waits for, is forgotten.
        days.retain(|_, kept| {
            let is_young = kept.day.as_ref().is_some_and(|kept| day.at - kept.at < SHOWN_MEANWHILE);
            is_young || Arc::strong_count(&kept.turn) > 1
        });
        days.entry(seen).or_default().day = Some(Arc::clone(&day));
        Ok(day)
    }
}

impl Day {
    async fn count(db: &Db, scope: &Scope) -> Result<Self, RespondError> {
        let (conn, at) = (db.conn(), db.now());
        let since = (at - DAY).duration_trunc(BAR).unwrap_or(at - DAY);
        let (detections, sources, targets) = tokio::join!(
            alert::detections(conn, scope, since),
            alert::top(conn, scope, TopBy::Sources, since, DUTY_TOP),
            alert::top(conn, scope, TopBy::Targets, since, DUTY_TOP),
        );
        Ok(Self { since, detections: detections?, sources: sources?, targets: targets?, at })
    }

    /// Returns how many alerts it has. The numbers of few are counted in no time: they are always of now.
    fn alerts(&self) -> u64 {
        self.detections.iter().map(|(_, _, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use db::testing::databases;
    use event::Scope;

    use super::Days;
    use crate::alert;
    use crate::testing::{Maker, agency, desk, officer};

    #[tokio::test]
    async fn a_flood_is_counted_once_for_all_who_look_and_anew_after_a_while() {
        for test in databases().await {
            let (desk, maker) = (desk(&test, Vec::new()), Maker::new());
            let raise = async |minute| {
                let mut finding = maker.finding(minute);
                finding.entity.value = format!("10.0.0.{}", -minute);
                let findings = vec![finding];
                let names = desk.directory.as_ref();
                alert::receive(&desk.db, names, &desk.hub, findings, &[]).await.unwrap();
            };
            let province = Scope::platform();
            let seen = async |days: &Days, scope: &Scope| {
                days.day(&desk.db, scope).await.unwrap().alerts()
            };
            let (days, few) = (Days::kept_from(1), Days::default());
            raise(-300).await;
            assert_eq!((seen(&days, &province).await, seen(&few, &province).await), (1, 1));
            raise(-100).await;
            assert_eq!((seen(&days, &province).await, seen(&few, &province).await), (1, 2));
            assert_eq!(seen(&days, &officer(agency(2)).scope).await, 0, "a scope of its own");
            test.clock.advance(TimeDelta::seconds(20));
            assert_eq!(seen(&days, &province).await, 1, "shown while it is counted anew");
            let (_, turn) = days.known(&None);
            drop(turn.lock().await);
            assert_eq!(seen(&days, &province).await, 2, "{}", test.name);
            raise(-50).await;
            test.clock.advance(TimeDelta::minutes(3));
            assert_eq!(seen(&days, &province).await, 3, "too old to be shown");
        }
    }
}
