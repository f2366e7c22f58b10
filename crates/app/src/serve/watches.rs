//! What runs beside the way of the logs: rules and names are kept up to date, silence, gaps and the
//! disk are watched, old things are forgotten.

use std::sync::Arc;
use std::time::Duration;

use collect::Spool;
use db::Db;
use registry::HealthBook;
use respond::Hub;
use tokio_util::sync::CancellationToken;

use super::gap::{Gap, GapWatch};
use super::names::Names;
use super::silence::SilenceWatch;
use super::{Stage, deadlines, keeping, losses, notifying, pages, storage};
use crate::catalogue::witness;
use crate::config::Config;
use crate::pipeline::Pipeline;

/// Starts them all.
pub(super) fn start(
    config: &Config,
    stage: &Stage,
    way: &Pipeline,
    names: &Arc<Names>,
    spool: &Spool,
    (gaps, found): (Vec<Gap>, Option<storage::Notice>),
) {
    let Stage { tasks, stop } = stage;
    start_beside_pages(stage, way, names);
    start_central(config, stage, way, names);
    let watch = GapWatch {
        db: way.db.clone(),
        registry: Arc::clone(&names.registry),
        names: names.clone(),
        hub: way.hub.clone(),
        state: way.state.clone(),
    };
    tasks.spawn(watch.run(gaps, stop.clone()));
    let watch = storage_watch(config, way, Some(spool.clone()));
    let found = found.into_iter().collect();
    tasks.spawn(storage::StorageWatch { found, ..watch }.run(stop.clone()));
    tasks.spawn(loss_watch(way).run(stop.clone()));
}

/// Starts what keeps up to date what pages and rules are made of: on every node that has them.
pub(super) fn start_beside_pages(
    Stage { tasks, stop }: &Stage,
    way: &Pipeline,
    names: &Arc<Names>,
) {
    tasks.spawn(Arc::clone(names).watch(way.db.clone(), stop.clone()));
    tasks.spawn(Arc::clone(&way.rules).watch(stop.clone()));
    tasks.spawn(Arc::clone(&way.indicators).watch(way.db.clone(), stop.clone()));
    let (health, hub) = (Arc::clone(&names.health), way.hub.clone());
    tasks.spawn(rate(health, Arc::clone(names), hub, stop.clone()));
}

/// Starts what only one node of several may do.
pub(super) fn start_central(
    config: &Config,
    Stage { tasks, stop }: &Stage,
    way: &Pipeline,
    names: &Arc<Names>,
) {
    tasks.spawn(forget(way.db.clone(), stop.clone()));
    tasks.spawn(witness_chain(way.db.clone(), stop.clone()));
    let watch = SilenceWatch {
        db: way.db.clone(),
        registry: Arc::clone(&names.registry),
        health: Arc::clone(&names.health),
        names: names.clone(),
        hub: way.hub.clone(),
    };
    tasks.spawn(watch.run(stop.clone()));
    keeping::start(config, way, tasks, stop);
}

/// Starts those that look after people: reminders of legal deadlines, and the postman.
pub(super) fn start_over_people(Stage { tasks, stop }: &Stage, people: &People) {
    tasks.spawn(deadlines::watch(people.desk.clone(), people.registry.clone(), stop.clone()));
    let db = people.desk.db.clone();
    tasks.spawn(notifying::rounds(people.postman.clone(), db, stop.clone()));
    tasks.spawn(notifying::deliveries(people.webhooks.clone(), stop.clone()));
}

/// What looking after people takes.
#[derive(Debug, Clone)]
pub(super) struct People {
    desk: respond::Desk,
    registry: registry::Registry,
    postman: web::notify::Postman,
    webhooks: web::webhook::Webhooks,
}

impl People {
    /// Returns what of the pages looks after people.
    pub(super) fn of(site: &pages::Site) -> Self {
        Self {
            desk: site.desk.clone(),
            registry: site.registry.clone(),
            postman: site.postman.clone(),
            webhooks: site.webhooks.clone(),
        }
    }
}

/// Returns the watch over the platform's own disk.
pub(super) fn storage_watch(
    config: &Config,
    way: &Pipeline,
    spool: Option<Spool>,
) -> storage::StorageWatch {
    storage::StorageWatch {
        folder: config.site.data_folder.clone(),
        free_bytes_min: config.spool.free_bytes_min,
        spool,
        lake: Arc::clone(&way.lake),
        after_days: config.lake.has_store().then_some(config.lake.tier.after_days),
        found: Vec::new(),
        months: config.keeping.months,
        teller: teller(way),
    }
}

/// Returns the watch over what is lost before it can be read.
pub(super) fn loss_watch(way: &Pipeline) -> losses::LossWatch {
    losses::LossWatch { counters: Arc::clone(&way.counters), teller: teller(way) }
}

fn teller(way: &Pipeline) -> storage::Teller {
    storage::Teller {
        db: way.db.clone(),
        registry: Arc::clone(&way.registry),
        names: Arc::clone(&way.names),
        hub: way.hub.clone(),
    }
}

/// Forgets the identities of old findings once a day: a replay reaches back minutes, not weeks.
async fn forget(db: Db, stop: CancellationToken) {
    const EVERY: Duration = Duration::from_hours(24);
    loop {
        if let Err(error) = respond::alert::forget_old_findings(&db).await {
            tracing::warn!(error = web::chain(&error), "old findings cannot be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Has the audit trail tell how far the chain over the lake's files goes.
async fn witness_chain(db: Db, stop: CancellationToken) {
    /// A start that fails again and again writes nothing.
    const FIRST_AFTER: Duration = Duration::from_mins(1);
    /// What may be cut off unseen, against lines in the trail.
    const EVERY: Duration = Duration::from_hours(1);
    let mut pause = FIRST_AFTER;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = EVERY;
        if let Err(error) = witness::write(&db).await {
            tracing::warn!(
                error = web::chain(&error),
                "the chain over the lake's files cannot be written into the audit trail"
            );
        }
    }
}

/// Tells the duty page how many events come in each second.
async fn rate(health: Arc<HealthBook>, names: Arc<Names>, hub: Hub, stop: CancellationToken) {
    /// Long enough to be calm, short enough to be now.
    const EVERY: Duration = Duration::from_secs(5);
    let decoded = || -> u64 {
        let snapshot = names.registry.snapshot();
        let now = names.clock.now();
        snapshot.bindings().map(|binding| health.of(binding.origin.source, now).decoded).sum()
    };
    let mut before = decoded();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        let now = decoded();
        let events = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        hub.set_rate(f64::from(events) / EVERY.as_secs_f64());
        before = now;
    }
}
