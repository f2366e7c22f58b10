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
use super::{Stage, deadlines, keeping, notifying, pages, storage};
use crate::config::Config;
use crate::pipeline::Pipeline;

/// Starts them all.
pub(super) fn start(
    config: &Config,
    Stage { tasks, stop }: &Stage,
    way: &Pipeline,
    names: &Arc<Names>,
    spool: &Spool,
    gaps: Vec<Gap>,
) {
    let (db, hub) = (&way.db, &way.hub);
    tasks.spawn(Arc::clone(names).watch(db.clone(), stop.clone()));
    tasks.spawn(Arc::clone(&way.rules).watch(stop.clone()));
    tasks.spawn(Arc::clone(&way.indicators).watch(db.clone(), stop.clone()));
    tasks.spawn(forget(db.clone(), stop.clone()));
    tasks.spawn(rate(Arc::clone(&names.health), Arc::clone(names), hub.clone(), stop.clone()));
    let watch = SilenceWatch {
        db: db.clone(),
        registry: Arc::clone(&names.registry),
        health: Arc::clone(&names.health),
        names: names.clone(),
        hub: hub.clone(),
    };
    tasks.spawn(watch.run(stop.clone()));
    let watch = GapWatch {
        db: db.clone(),
        registry: Arc::clone(&names.registry),
        names: names.clone(),
        hub: hub.clone(),
        state: way.state.clone(),
    };
    tasks.spawn(watch.run(gaps, stop.clone()));
    tasks.spawn(storage_watch(config, way, spool).run(stop.clone()));
    keeping::start(config, way, tasks, stop);
}

/// Starts those that look after people: reminders of legal deadlines, and the postman.
pub(super) fn start_over_people(Stage { tasks, stop }: &Stage, site: &pages::Site) {
    tasks.spawn(deadlines::watch(site.desk.clone(), site.registry.clone(), stop.clone()));
    let db = site.desk.db.clone();
    tasks.spawn(notifying::rounds(site.postman.clone(), db, stop.clone()));
    tasks.spawn(notifying::deliveries(site.webhooks.clone(), stop.clone()));
}

/// Returns the watch over the platform's own disk.
fn storage_watch(config: &Config, way: &Pipeline, spool: &Spool) -> storage::StorageWatch {
    storage::StorageWatch {
        folder: config.site.data_folder.clone(),
        free_bytes_min: config.spool.free_bytes_min,
        spool: spool.clone(),
        lake: Arc::clone(&way.lake),
        after_days: config.lake.has_store().then_some(config.lake.tier.after_days),
        teller: storage::Teller {
            db: way.db.clone(),
            registry: Arc::clone(&way.registry),
            names: Arc::clone(&way.names),
            hub: way.hub.clone(),
        },
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
