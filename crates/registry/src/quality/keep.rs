//! Measuring every hour and keeping one figure a day: a trend that nobody has to remember to note.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Days, TimeDelta, Utc};
use db::job::{Ended, Handler, JobError, Missed, Running, Schedule};
use db::{Db, DbError};
use event::{AgencyId, Scope};
use serde_json::json;

use super::check::Tally;
use super::ground::Ground;
use super::store;
use crate::health::HealthBook;
use crate::{Directory, Registry, Snapshot, limits, vietnam_day};

/// The kind of the job that measures.
pub const KIND: &str = "quality.measure";

/// Measures the data of the whole province.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// The database.
    pub db: Db,
    /// The register in memory.
    pub directory: Arc<Directory>,
    /// What came from each source.
    pub health: Arc<HealthBook>,
}

/// Returns when it measures: every hour, hours that were missed at once.
pub fn schedule(now: DateTime<Utc>) -> Schedule {
    Schedule {
        name: KIND.to_owned(),
        kind: KIND.to_owned(),
        payload: json!({}),
        scope: Scope::platform(),
        agency: None,
        label: String::new(),
        every: TimeDelta::hours(1),
        delay: TimeDelta::zero(),
        missed: Missed::Merged,
        from: now - TimeDelta::hours(1),
    }
}

/// How old what is known of health and of the day may be.
const AGE_MAX: TimeDelta = TimeDelta::minutes(1);

/// The register as it was last checked: people look at its quality more often than it changes.
#[derive(Debug, Default)]
pub struct Book(tokio::sync::Mutex<Option<Page>>);

#[derive(Debug)]
struct Page {
    snapshot: Arc<Snapshot>,
    at: DateTime<Utc>,
    checked: Arc<Tallies>,
}

/// What the records of each agency come to.
pub(super) type Tallies = BTreeMap<AgencyId, Tally>;

impl Book {
    /// Returns what every record of the province comes to: anew when the register changed or a minute is over.
    pub(super) async fn checked(&self, registry: &Registry) -> Result<Arc<Tallies>, DbError> {
        let (snapshot, now) = (registry.directory.snapshot(), registry.db.now());
        // Whoever comes meanwhile waits for the same answer instead of reckoning it beside.
        let mut page = self.0.lock().await;
        if let Some(known) = page.as_ref()
            && Arc::ptr_eq(&known.snapshot, &snapshot)
            && (now - known.at).abs() < AGE_MAX
        {
            return Ok(Arc::clone(&known.checked));
        }
        let ground = Ground::new(&snapshot, &registry.health, now);
        let checked = ground.check_all(registry.db.conn(), &Scope::platform()).await?;
        let checked = Arc::new(checked);
        *page = Some(Page { snapshot, at: now, checked: Arc::clone(&checked) });
        Ok(checked)
    }
}

impl Keeper {
    /// Measures now and keeps it as today's figure; returns how many records were checked.
    pub(super) async fn measure(&self) -> Result<usize, DbError> {
        let (snapshot, now) = (self.directory.snapshot(), self.db.now());
        let ground = Ground::new(&snapshot, &self.health, now);
        let checked = ground.check_all(self.db.conn(), &Scope::platform()).await?;
        let day = vietnam_day(now);
        let books = self.db.begin_bookkeeping().await?;
        let counts =
            checked.iter().map(|(agency, tally)| (*agency, tally.counts.clone())).collect();
        store::put(books.conn(), day, &counts).await?;
        if let Some(before) = day.checked_sub_days(Days::new(limits::QUALITY_DAYS)) {
            store::forget_before(books.conn(), before).await?;
        }
        books.commit().await?;
        Ok(checked.values().map(|tally| tally.records).sum())
    }
}

#[async_trait]
impl Handler for Keeper {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "quality-job"
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        job.check()?;
        let records = self.measure().await?;
        Ok(Ended::with(json!({ "records": records }), "/quality"))
    }
}
