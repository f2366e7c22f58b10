//! Keeping: deletes, in the background, logs that were kept as long as law and settings want, except
//! those that an incident holds; and answers what the page of keeping asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use db::{Db, DbError};
use event::SystemId;
use lake::Lake;
use lake::keep::{OwnerRows, Pruned, Verdict};
use registry::keeping::{Archive, Chain, Hold, Longer, Plan, Record};
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::imported::Imported;
use super::seen_time::SeenTime;
use super::shortened::Shortened;
use crate::catalogue::{chain, held};
use crate::config::Config;
use crate::pipeline::Pipeline;

/// When the first round begins after a start, and how often one follows.
const FIRST_AFTER: Duration = Duration::from_mins(10);
/// See [`FIRST_AFTER`].
const EVERY: Duration = Duration::from_hours(6);

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
        let mut seen = None;
        let mut steady = Instant::now();
        let mut pause = match self.look(&mut seen, None).await {
            Ok(look) => look.seen.rest(look.now).to_std().unwrap_or_default().max(FIRST_AFTER),
            Err(error) => {
                tracing::error!("how the clock went cannot be noted: {error:#}");
                FIRST_AFTER
            }
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = EVERY;
            let passed = TimeDelta::from_std(steady.elapsed()).unwrap_or(TimeDelta::MAX);
            let (now, seen) = match self.look(&mut seen, Some(passed)).await {
                Ok(Look { jumped: false, now, seen }) => (now, seen),
                Ok(_) => {
                    steady = Instant::now();
                    tracing::error!("the clock jumped: nothing is deleted this time");
                    continue;
                }
                Err(error) => {
                    tracing::error!(
                        "how the clock went cannot be noted, nothing is deleted: {error:#}"
                    );
                    continue;
                }
            };
            steady = Instant::now();
            match self.round(now, &seen).await {
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

    /// Looks at the clock, and remembers how it went; `passed` is what a steady clock says since the last look that
    /// was remembered.
    async fn look(&self, seen: &mut Option<SeenTime>, passed: Option<TimeDelta>) -> Result<Look> {
        let now = self.db.now();
        let (mut next, passed) = match seen {
            Some(seen) => (seen.clone(), passed),
            None => (SeenTime::load(&self.db).await?, None),
        };
        let jumped = next.look(now, passed).is_some();
        next.save(&self.db).await?;
        *seen = Some(next.clone());
        Ok(Look { jumped, now, seen: next })
    }

    /// Deletes what is over at this moment; returns what went.
    ///
    /// # Errors
    ///
    /// When database or lake do not answer.
    pub(crate) async fn round(&self, now: DateTime<Utc>, seen: &SeenTime) -> Result<Vec<Pruned>> {
        let newest = self.lake.files().iter().map(|file| file.max_collected_at).max();
        if newest.is_none_or(|newest| now - newest > SILENT_MAX) {
            // Nothing came for weeks, or the clock runs ahead: both want a person first.
            return Ok(Vec::new());
        }
        let meddled = held::meddled(&self.db).await?;
        if !meddled.is_empty() {
            let incidents = Vec::from_iter(meddled).join(", ");
            tracing::error!(
                incidents,
                "holds are not what the audit trail tells: nothing is deleted"
            );
            return Ok(Vec::new());
        }
        // An import wants the platform ended: none begins meanwhile.
        let imports = Imported::lately(&self.db, now).await?;
        let mut gone = Vec::new();
        loop {
            // Files go one by one, by the terms and holds of the moment. What is held between this look and the
            // deletion stays as well: the catalogue asks once more when it commits.
            let plan = registry::keeping::plan(&self.db, &self.registry, self.months, now).await;
            let mut plan = plan?;
            Shortened::apply(&self.db, &mut plan, now).await?;
            let holds = held::effective(self.db.conn(), now).await?;
            let rule = |rows: &OwnerRows, collected| {
                if imports.iter().any(|import| import.covers(rows)) {
                    return Verdict::Keep;
                }
                verdict(&plan, &holds, rows, (collected, seen.unseen_since(collected)))
            };
            let one = self.lake.prune(plan.newest_over(), 1, &rule).await?;
            if one.is_empty() {
                return Ok(gone);
            }
            gone.extend(one);
        }
    }
}

/// What a look at the clock showed.
struct Look {
    jumped: bool,
    now: DateTime<Utc>,
    seen: SeenTime,
}

/// What is to become of these rows: collected at this moment, since which so much of the clock's time was not seen
/// to pass.
fn verdict(
    plan: &Plan,
    holds: &[respond::hold::Hold],
    rows: &OwnerRows,
    (collected, unseen): (DateTime<Utc>, TimeDelta),
) -> Verdict {
    let day = rows.to.date_naive();
    let later = |moment: DateTime<Utc>| {
        moment.checked_add_signed(unseen).unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    let owner = rows.owner;
    let is_held = holds.iter().any(|hold| hold.covers(owner.agency, owner.system, day));
    let is_over = plan.is_over(owner.system, later(rows.to), later(collected));
    if is_held || !is_over {
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
        let holds = held::effective(self.db.conn(), self.db.now()).await?;
        let snapshot = self.registry.snapshot();
        let names: BTreeMap<_, _> =
            snapshot.systems().map(|system| (system.id, system.name.clone())).collect();
        let shown = |hold: respond::hold::Hold| Hold {
            until: hold.until(),
            incident: hold.incident.to_string(),
            number: hold.number,
            systems: hold.systems.iter().filter_map(|id| names.get(id).cloned()).collect(),
            from: hold.from,
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: hold.set_at,
        };
        Ok(holds.into_iter().map(shown).collect())
    }

    async fn shortened(&self, plan: &Plan) -> Result<BTreeMap<SystemId, Longer>, DbError> {
        let known = Shortened::load(self.db.conn()).await;
        let mut known = known.map_err(|error| DbErr::Custom(format!("{error:#}")))?;
        known.look(plan, self.db.now());
        Ok(known.longer().filter_map(|(system, longer)| Some((system?, longer))).collect())
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
    use db::{Actor, AuditEntry, Subject};
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
        let older = old - TimeDelta::days(3);
        let brought = older - TimeDelta::days(20);
        let events = Vec::from([brought, older, old, now].map(|at| event(&ids, origin, at)));
        lake.append(events, SpoolPosition(1)).await.unwrap();
        lake.flush().await.unwrap();
        let keeper = Keeper { db: test.db.clone(), registry, lake: Arc::clone(&lake), months: 12 };
        let seen = SeenTime::default();
        // Far ahead of all events: the clock is not believed.
        let ahead = now + TimeDelta::days(900);
        assert_eq!(keeper.round(ahead, &seen).await.unwrap(), []);
        // The clock was set two years ahead, and events came since: their time is not believed either.
        let mut jumped = SeenTime::default();
        jumped.look(old, None);
        jumped.look(now, Some(TimeDelta::days(1)));
        assert_eq!(keeper.round(now, &jumped).await.unwrap(), []);
        // An export of the oldest day was just brought in.
        let span = [brought - TimeDelta::hours(1), brought + TimeDelta::hours(1)];
        let detail = serde_json::json!({ "from": span[0], "to": span[1], "systems": null });
        let subject = Subject::all("lake_file");
        let entry = AuditEntry::new(Actor::CommandLine, "lake.import", subject, detail);
        test.db.begin().await.unwrap().commit(entry).await.unwrap();
        let gone = keeper.round(now, &seen).await.unwrap();
        assert_eq!(gone.len(), 2);
        assert_eq!((gone[0].events, lake.files().len()), (1, 2));
        assert!(lake.files().iter().any(|file| file.day == brought.date_naive()));
        assert!(gone[0].deleted[0].basis.contains("14423"), "{:?}", gone[0].deleted[0].basis);
        assert_eq!(catalogue.notes().len(), 2);
        assert_eq!(keeper.round(now, &seen).await.unwrap(), []);
        // The same rows, held.
        let plan = registry::keeping::plan(&test.db, &keeper.registry, 12, now).await;
        let plan = plan.unwrap();
        let rows = OwnerRows { owner: Owner { agency, system: id }, events: 1, from: old, to: old };
        let hold = respond::hold::Hold {
            id: Uuid::nil(),
            incident: IncidentId::from_uuid(Uuid::nil()),
            number: "SC-2026-0001".to_owned(),
            agency,
            heirs: Vec::new(),
            systems: id.into_iter().collect(),
            from: old,
            reason: "điều tra".to_owned(),
            set_by: "a".to_owned(),
            set_at: now,
            lifted: None,
        };
        assert_eq!(
            verdict(&plan, std::slice::from_ref(&hold), &rows, (old, TimeDelta::zero())),
            Verdict::Keep
        );
        let later = respond::hold::Hold { from: old + TimeDelta::days(2), ..hold };
        let verdict = verdict(&plan, std::slice::from_ref(&later), &rows, (old, TimeDelta::zero()));
        assert!(matches!(verdict, Verdict::Delete { .. }));
    }
}
