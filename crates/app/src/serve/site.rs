//! What the pages and the job queue stand on: the same on one machine and on each of several that has pages.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use collect::Durable;
use respond::export::{MakeExport, SweepExports};
use respond::look_back::LookBack;
use respond::saved::{Arrivals, ScheduledSearch};
use respond::{Desk, Files};
use web::approval::Approvals;

use super::past_bench::PastBench;
use super::scheduled::Accounts;
use super::{evidence, keeping, pages, replay};
use crate::config::Config;
use crate::pipeline::Pipeline;

/// Returns the desk of the duty room, with the files of older versions brought into its store.
pub(super) async fn desk(
    config: &Config,
    way: &Pipeline,
    obligations: Arc<respond::obligation::Obligations>,
) -> Result<Desk> {
    let desk = Desk {
        db: way.db.clone(),
        lake: way.lake.clone(),
        directory: way.names.clone(),
        rules: way.rules.clone(),
        bench: Arc::new(PastBench { rules: way.rules.clone(), indicators: way.indicators.clone() }),
        lookout: way.indicators.clone(),
        approvals: Approvals::new(way.db.clone(), Vec::new()),
        obligations,
        files: Files::new(config.exports_folder(), way.state.vault().clone()),
        time_stamps: evidence::time_stamps(config)?,
        hub: way.hub.clone(),
        days: respond::duty::Days::default(),
    };
    let desk =
        Desk { approvals: Approvals::new(way.db.clone(), respond::grave_acts(&desk)), ..desk };
    respond::custody::adopt_old(&desk).await.context("bringing files into the store")?;
    Ok(desk)
}

/// Returns what the pages stand on.
pub(super) fn site(
    way: &Pipeline,
    durable: Arc<dyn Durable>,
    intake: &Arc<registry::source::Intake>,
    desk: Desk,
    (live, handlers): (web::Live, &db::job::Handlers),
    (postman, webhooks): (web::notify::Postman, web::webhook::Webhooks),
) -> pages::Site {
    let replay = Arc::new(replay::Replayer {
        db: way.db.clone(),
        durable,
        decoder: way.decoder.clone(),
        registry: way.registry.clone(),
    });
    let registry = registry::Registry {
        db: way.db.clone(),
        directory: way.registry.clone(),
        health: way.health.clone(),
        replay,
        quality: Arc::default(),
        parsers: pages::parsers(&way.decoder),
        intake: intake.clone(),
    };
    let archive = Arc::new(keeping::Archivist {
        db: way.db.clone(),
        registry: way.registry.clone(),
        lake: way.lake.clone(),
    });
    let jobs = web::jobs::Jobs::new(way.db.clone(), handlers);
    pages::Site { desk, registry, jobs, archive, live, postman, webhooks }
}

/// Returns what the job queue can do: one line for each kind of work.
pub(super) fn handlers(
    config: &Config,
    way: &Pipeline,
    desk: &Desk,
    arrivals: Arc<dyn Arrivals>,
) -> db::job::Handlers {
    let owners = Arc::new(Accounts { db: way.db.clone(), registry: way.registry.clone() });
    let scheduled = ScheduledSearch { desk: desk.clone(), arrivals, owners };
    let hunter = Arc::new(evidence::Hunter {
        rules: way.rules.clone(),
        indicators: way.indicators.clone(),
        sources: config.sources.folders.clone(),
    });
    let (owners, arrivals) = (scheduled.owners.clone(), scheduled.arrivals.clone());
    let export =
        MakeExport { desk: desk.clone(), owners: owners.clone(), arrivals: arrivals.clone() };
    let look_back = LookBack { desk: desk.clone(), owners, arrivals };
    let keeper = registry::quality::Keeper {
        db: way.db.clone(),
        directory: way.registry.clone(),
        health: way.health.clone(),
    };
    let importer =
        registry::import::Importer { db: way.db.clone(), directory: way.registry.clone() };
    db::job::Handlers::default()
        .with(Arc::new(importer))
        .with(Arc::new(scheduled))
        .with(Arc::new(export))
        .with(Arc::new(SweepExports { desk: desk.clone() }))
        .with(Arc::new(look_back))
        .with(Arc::new(respond::evidence::Examine { desk: desk.clone(), examiner: hunter }))
        .with(Arc::new(respond::evidence::ScanEvidence {
            desk: desk.clone(),
            scanner: evidence::scanner(&config.evidence),
        }))
        .with(Arc::new(respond::evidence::StampEvidence { desk: desk.clone() }))
        .with(Arc::new(respond::evidence::ExportEvidence { desk: desk.clone() }))
        .with(Arc::new(keeper))
}
