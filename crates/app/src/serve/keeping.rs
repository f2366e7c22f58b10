//! Keeping: deletes, in the background, logs that were kept as long as law and settings want, except
//! those that an incident holds; and answers what the page of keeping asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use db::{Db, DbError};
use event::Scope;
use lake::Lake;
use lake::keep::{OwnerRows, Pruned, Verdict};
use registry::keeping::{Archive, Chain, Hold, Plan, Record};
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalogue::chain;
use crate::config::Config;
use crate::pipeline::Pipeline;

/// When the first round begins after a start, and how often one follows.
const FIRST_AFTER: Duration = Duration::from_mins(10);
/// See [`FIRST_AFTER`].
const EVERY: Duration = Duration::from_hours(6);

/// A clock that is off by more than this is not trusted with deletions.
const CLOCK_OFF_MAX: TimeDelta = TimeDelta::days(1);

/// A lake whose newest event is older than this, or a clock that is that far ahead: nothing is deleted.
const SILENT_MAX: TimeDelta = TimeDelta::days(45);

/// Starts to delete what was kept long enough.
pub(crate) fn start(
    config: &Config,
    way: &Pipeline,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let keeper = Keeper {
        db: way.db.clone(),
        registry: Arc::clone(&way.registry),
        lake: Arc::clone(&way.lake),
        months: config.keeping.months,
    };
    tasks.spawn(keeper.run(stop.clone()));
}

/// What deletes.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    pub(crate) db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) lake: Arc<Lake>,
    /// Months that logs are kept where nobody set longer.
    pub(crate) months: u32,
}

impl Keeper {
    /// Deletes what is over, again and again until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut steady, mut clock) = (Instant::now(), self.db.now());
        let mut pause = FIRST_AFTER;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = EVERY;
            let now = self.db.now();
            let passed = TimeDelta::from_std(steady.elapsed()).unwrap_or(TimeDelta::MAX);
            let is_off = (now - clock - passed).abs() > CLOCK_OFF_MAX;
            (steady, clock) = (Instant::now(), now);
            if is_off {
                tracing::error!("the clock jumped: nothing is deleted this time");
                continue;
            }
            match self.round(now).await {
                Ok(done) if done.is_empty() => {}
                Ok(done) => {
                    let events: u64 = done.iter().map(|one| one.events).sum();
                    tracing::info!(
                        files = done.len(),
                        events,
                        "logs whose time is over are deleted"
                    );
                }
                Err(error) => tracing::error!("what is over cannot be deleted: {error:#}"),
            }
        }
    }

    /// Deletes what is over at this moment; returns what went.
    ///
    /// # Errors
    ///
    /// When database or lake do not answer.
    pub(crate) async fn round(&self, now: DateTime<Utc>) -> Result<Vec<Pruned>> {
        let newest = self.lake.files().iter().map(|file| file.max_collected_at).max();
        if newest.is_none_or(|newest| now - newest > SILENT_MAX) {
            // Nothing came for weeks, or the clock runs ahead: both want a person first.
            return Ok(Vec::new());
        }
        let today = now.date_naive();
        let plan = registry::keeping::plan(&self.db, &self.registry, self.months, today).await?;
        let holds = respond::hold::active(self.db.conn(), &Scope::platform()).await?;
        let newest_over = plan.newest_over();
        let rule = move |rows: &OwnerRows, collected| verdict(&plan, &holds, rows, collected);
        Ok(self.lake.prune(newest_over, &rule).await?)
    }
}

fn verdict(
    plan: &Plan,
    holds: &[respond::hold::Hold],
    rows: &OwnerRows,
    collected: DateTime<Utc>,
) -> Verdict {
    let day = rows.to.date_naive();
    let owner = rows.owner;
    let is_held = holds.iter().any(|hold| hold.covers(owner.agency, owner.system, day));
    if is_held || !plan.is_over(owner.system, day, collected) {
        return Verdict::Keep;
    }
    let term = plan.term(owner.system);
    let basis = format!(
        "kept {} months; the law wants {} at least ({})",
        term.months, term.legal_months, term.base
    );
    Verdict::Delete { basis }
}

/// Answers what the page of keeping asks.
#[derive(Debug)]
pub(crate) struct Archivist {
    pub(crate) db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) lake: Arc<Lake>,
}

#[async_trait]
impl Archive for Archivist {
    async fn records(&self, before: Option<i64>, limit: u64) -> Result<Vec<Record>, DbError> {
        let notes = chain::notes(&self.db, before, limit).await?;
        let record = |note: chain::Kept| Record {
            seq: note.seq,
            at: note.at,
            kind: note.kind,
            detail: note.detail,
            hash: note.hash,
        };
        Ok(notes.into_iter().map(record).collect())
    }

    async fn chain(&self) -> Result<Chain, DbError> {
        let verdict = chain::verify(&self.db).await?;
        let holds = verdict.holds();
        Ok(Chain { entries: verdict.entries, holds, head: verdict.head })
    }

    async fn holds(&self) -> Result<Vec<Hold>, DbError> {
        let holds = respond::hold::active(self.db.conn(), &Scope::platform()).await;
        let failed = |error| DbError::from(DbErr::Custom(web::chain(&error)));
        let snapshot = self.registry.snapshot();
        let names: BTreeMap<_, _> =
            snapshot.systems().map(|system| (system.id, system.name.clone())).collect();
        let shown = |hold: respond::hold::Hold| Hold {
            incident: hold.incident.to_string(),
            number: hold.number,
            systems: hold.systems.iter().filter_map(|id| names.get(id).cloned()).collect(),
            from: hold.from,
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: hold.set_at,
        };
        Ok(holds.map_err(failed)?.into_iter().map(shown).collect())
    }

    fn extent(&self) -> (Option<NaiveDate>, u64) {
        let files = self.lake.files();
        let oldest = files.iter().map(|file| file.day).min();
        (oldest, files.iter().map(|file| file.size_bytes).sum())
    }
}

#[cfg(test)]
mod tests {
    use chrono::Months;
    use event::{
        Attrs, Class, Event, Fields, IdSource, IncidentId, LogSource, Origin, SourceId,
        SpoolPosition, SystemClock, TimeQuality,
    };
    use lake::keep::Owner;
    use lake::{LakeSettings, MemoryCatalogue};
    use uuid::Uuid;

    use super::*;

    fn event(ids: &IdSource, origin: Origin, at: DateTime<Utc>) -> Event {
        Event {
            id: ids.event(at),
            origin,
            occurred_at: at,
            time_quality: TimeQuality::Stated,
            collected_at: at,
            class: Class::Authentication,
            logsource: LogSource::default(),
            parser: "linux_sshd".into(),
            attrs: Attrs::default(),
            fields: Fields::default(),
            notes: Vec::new(),
            raw: "Failed password".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_is_over_goes_and_what_an_incident_holds_stays() {
        let test = db::testing::sqlite().await;
        let province = registry::demo::Province::builtin().unwrap();
        registry::demo::seed(&test.db, &province).await.unwrap();
        let registry = Arc::new(registry::Directory::load(&test.db).await.unwrap());
        let snapshot = registry.snapshot();
        let system = snapshot.systems().next().unwrap();
        let (agency, id) = (system.agency, Some(system.id));
        let source = SourceId::from_uuid(Uuid::from_u128(5));
        let origin = Origin { agency, system: id, source };
        let folder = tempfile::tempdir().unwrap();
        let settings = LakeSettings { compact_interval: None, ..LakeSettings::at(folder.path()) };
        let catalogue = Arc::new(MemoryCatalogue::default());
        let lake = Lake::open(settings, Arc::clone(&catalogue) as _, Arc::new(SystemClock)).await;
        let lake = lake.unwrap();
        let ids = IdSource::seeded(1);
        let now = test.db.now();
        let old = now.checked_sub_months(Months::new(14)).unwrap();
        let events = vec![event(&ids, origin, old), event(&ids, origin, now)];
        lake.append(events, SpoolPosition(1)).await.unwrap();
        lake.flush().await.unwrap();
        let keeper = Keeper { db: test.db.clone(), registry, lake: Arc::clone(&lake), months: 12 };
        // Far ahead of all events: the clock is not believed.
        let ahead = now + TimeDelta::days(900);
        assert_eq!(keeper.round(ahead).await.unwrap(), []);
        let gone = keeper.round(now).await.unwrap();
        assert_eq!(gone.len(), 1);
        assert_eq!((gone[0].events, lake.files().len()), (1, 1));
        assert!(gone[0].deleted[0].basis.contains("14423"), "{:?}", gone[0].deleted[0].basis);
        assert_eq!(catalogue.notes().len(), 1);
        assert_eq!(keeper.round(now).await.unwrap(), []);
        // The same rows, held.
        let plan = registry::keeping::plan(&test.db, &keeper.registry, 12, now.date_naive()).await;
        let plan = plan.unwrap();
        let rows = OwnerRows { owner: Owner { agency, system: id }, events: 1, from: old, to: old };
        let hold = respond::hold::Hold {
            id: Uuid::nil(),
            incident: IncidentId::from_uuid(Uuid::nil()),
            number: "SC-2026-0001".to_owned(),
            agency,
            systems: id.into_iter().collect(),
            from: old,
            reason: "điều tra".to_owned(),
            set_by: "a".to_owned(),
            set_at: now,
            lifted: None,
        };
        assert_eq!(verdict(&plan, std::slice::from_ref(&hold), &rows, old), Verdict::Keep);
        let later = respond::hold::Hold { from: old + TimeDelta::days(2), ..hold };
        let verdict = verdict(&plan, std::slice::from_ref(&later), &rows, old);
        assert!(matches!(verdict, Verdict::Delete { .. }));
    }
}
