//! Running the platform: opens everything in order, wires the crates together, and closes it in the
//! reverse order so that nothing accepted is lost.

mod centre;
mod deadlines;
mod direct;
mod evidence;
mod folder_watch;
mod forecast;
mod fresh;
mod gap;
mod imported;
mod indicator_book;
mod intake;
mod jobs;
mod keeping;
mod losses;
mod member;
mod names;
mod news;
mod notifying;
mod pages;
mod past_bench;
#[cfg(feature = "distributed")]
pub(crate) mod query_nodes;
mod recount;
mod register_tables;
mod replay;
mod rule_book;
mod scheduled;
mod seen_time;
mod shortened;
mod silence;
mod site;
mod storage;
mod watches;

#[cfg(test)]
mod authorisation;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use collect::{Counters, Intake, Recovered, Spool, SpoolReader};
use db::Db;
use detect::EngineState;
use event::{Clock, IdSource, SpoolPosition, SystemClock};
use lake::{Catalogue as _, Lake};
use registry::HealthBook;
use respond::Hub;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use centre::NODE_RULE;
pub use gap::GAP_RULE;
pub(crate) use imported::IMPORT_ACTION;
pub use indicator_book::IndicatorBook;
pub use losses::LOSS_RULE;
pub use member::serve_as_member;
pub(crate) use recount::recount;
pub use rule_book::RuleBook;
pub(crate) use rule_book::with_switched;
pub use silence::SILENCE_RULE;
pub use storage::STORAGE_RULE;

use crate::catalogue::DbCatalogue;
use crate::catalogue::keyring::{self, First};
use crate::cluster;
use crate::config::Config;
use crate::engine_state::StateFile;
use crate::pipeline::Pipeline;
use gap::Gap;
use names::Names;
use recount::CleanMark;
use scheduled::Arrived;

/// The platform, running.
#[derive(Debug)]
pub struct Platform {
    /// State.
    pub db: Db,
    /// Agencies, systems, sources.
    pub registry: Arc<registry::Directory>,
    /// How each source does.
    pub health: Arc<HealthBook>,
    /// Events.
    pub lake: Arc<Lake>,
    /// Records on their way.
    pub spool: Spool,
    /// The rules in force.
    pub rules: Arc<RuleBook>,
    /// The indicators in force.
    pub indicators: Arc<IndicatorBook>,
    /// What the collectors counted.
    pub counters: Arc<Counters>,
    /// Where log senders reach us.
    pub intake: Arc<registry::source::Intake>,
    /// Where the pages are.
    pub pages: SocketAddr,
    /// What answers there, without a socket.
    pub site: axum::Router,
    /// Every route in it.
    pub routes: Vec<web::RouteInfo>,
    /// The one-time link of the first administrator, if there is no account yet.
    pub first_run_link: Option<String>,
    /// What the spool held when it was opened.
    pub recovered: Recovered,
    clean: CleanMark,
    judged: watch::Receiver<SpoolPosition>,
    stages: Stages,
}

/// What runs, in the order in which it must end.
#[derive(Debug, Default)]
struct Stages {
    /// Listeners and pages.
    doors: Stage,
    /// The pipeline: ends by itself when the spool is closed and empty.
    way: Stage,
    /// What looks after the rest.
    watches: Stage,
}

/// Tasks that are stopped together.
#[derive(Debug, Clone, Default)]
struct Stage {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Stage {
    async fn end(&self, patience: Duration, what: &str) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("{what} did not end in time");
        }
    }
}

/// How long listeners and pages may take to finish what they have begun.
const DOORS_PATIENCE: Duration = Duration::from_secs(10);

/// How long the pipeline may work off what is spooled; the rest is played again at the next start.
const WAY_PATIENCE: Duration = Duration::from_secs(15);

/// Name of the database while a backup is being made or brought back.
pub(crate) const DATABASE_UNFINISHED: &str = "unfinished.db";

/// Opens the database.
///
/// # Errors
///
/// When the data folder or the database cannot be used.
pub async fn open_db(config: &Config) -> Result<Db> {
    open_db_as(config, &config.database()).await
}

/// Opens the database as the settings say.
pub(crate) async fn open_db_as(config: &Config, settings: &db::DbSettings) -> Result<Db> {
    let folder = &config.site.data_folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("making the data folder {}", folder.display()))?;
    if config.database.url.is_empty() && folder.join(DATABASE_UNFINISHED).try_exists()? {
        bail!(
            "`luytre restore` into {} was interrupted: empty the folder and restore again",
            folder.display()
        );
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Db::open(settings, clock, Arc::new(IdSource::from_os())).await.with_context(|| opening(config))
}

/// Says where the database is, and whether there is room for it: SQLite calls a full disk an I/O error, and has no
/// words for one that takes no writes.
fn opening(config: &Config) -> String {
    /// Less is no room: SQLite wants some pages and an index of its log beside the database.
    const ROOM_MIN: u64 = 1 << 20;
    if !config.database.url.is_empty() {
        return "opening the database".to_owned();
    }
    let folder = &config.site.data_folder;
    match collect::disk_room(folder) {
        Ok(room) if room.free_bytes < ROOM_MIN => format!(
            "opening the database in {}: its disk is full, {} bytes are left",
            folder.display(),
            room.free_bytes
        ),
        Ok(room) if room.is_read_only => {
            format!("opening the database in {}: its disk is read-only", folder.display())
        }
        _ => format!("opening the database in {}", folder.display()),
    }
}

/// Opens the database to serve from it; not on a disk that takes no writes. Whether it opens there hangs on what the
/// last end left beside it, so what fails first would be told otherwise, and each time something else.
async fn open_db_to_serve(config: &Config) -> Result<Db> {
    let folder = &config.site.data_folder;
    // A folder that is not there yet is made, or its making says why not.
    if collect::disk_room(folder).is_ok_and(|room| room.is_read_only) {
        bail!("nothing can be written to {}: its disk is read-only", folder.display());
    }
    open_db(config).await
}

/// Opens the lake over an open database.
///
/// # Errors
///
/// When the folder cannot be used or a file of the catalogue is missing.
pub async fn open_lake(config: &Config, db: &Db) -> Result<Arc<Lake>> {
    let catalogue = Arc::new(DbCatalogue::new(db.clone(), config.lake.has_store()));
    catalogue.begin_chain().await.context("beginning the chain over the lake's files")?;
    catalogue.begin_places(&config.lake_folder()).await.context("finding the lake's files")?;
    let settings = keyring::settings(config, db, First::Make).await?;
    Lake::open(settings, catalogue, Arc::new(SystemClock)).await.context("opening the lake")
}

/// Serves until the process is asked to end (Ctrl-C, SIGTERM).
///
/// # Errors
///
/// When something cannot be opened; what runs is closed first.
pub async fn serve(config: Config) -> Result<()> {
    let platform = Platform::start(config).await?;
    platform.greet();
    asked_to_end().await?;
    tracing::info!("ending");
    platform.stop().await;
    Ok(())
}

pub(crate) async fn asked_to_end() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => Ok(ended?),
        _ = terminate.recv() => Ok(()),
    }
}

/// Loads the rules, and which baselines are on.
async fn load_rules(config: &Config, db: &Db) -> Result<RuleBook> {
    let rules = RuleBook::load(&config.rules)?.with_baselines(config.baseline_settings());
    respond::rule::RuleCatalogue::switch(&rules, &respond::rule::switched(db).await?);
    Ok(rules)
}

impl Platform {
    /// Opens and starts everything; returns when listeners and pages answer.
    ///
    /// # Errors
    ///
    /// Says what cannot be opened, and why.
    pub async fn start(config: Config) -> Result<Self> {
        let db = open_db_to_serve(&config).await?;
        let clock = Arc::clone(db.clock());
        let decoder = Arc::new(crate::sources::decoder(&config.sources.folders)?);
        let rules = Arc::new(load_rules(&config, &db).await?);
        let indicators = IndicatorBook::load(config.indicators.places(), &db).await?;
        let obligations = Arc::new(config.incidents.load_obligations()?);
        let registry = Arc::new(registry::Directory::load(&db).await?);
        let health = Arc::new(HealthBook::load(&db).await?);
        let (clean, was_clean) = CleanMark::take(&config)?;
        let lake = open_lake(&config, &db).await?;
        let vault = keyring::vault(&config, &db, First::Make).await?;
        let state = StateFile::in_folder(&config.site.data_folder, vault);
        let (spool, reader, recovered, begin) = open_spool(&config, &db, &state).await?;
        let names = Arc::new(Names::load(&db, clock, registry.clone(), health.clone()).await?);
        let (live, stages) = (web::Live::default(), Stages::default());
        let pipeline = Pipeline {
            db: db.clone(),
            registry: Arc::clone(&registry),
            names: names.clone(),
            decoder,
            rules: Arc::clone(&rules),
            indicators: Arc::clone(&indicators),
            lake: Arc::clone(&lake),
            hub: Hub::new(live.clone()),
            health: Arc::clone(&health),
            counters: Arc::default(),
            recount_at: (!was_clean && recovered.batches > 0).then_some(recovered.last),
            stored: begin.stored,
            state,
            judged: watch::Sender::new(begin.judged),
            kept: watch::Sender::new(begin.stored.unwrap_or_default()),
        };
        if !was_clean && recovered.batches == 0 {
            recount(&db, lake.as_ref(), &health).await;
        }
        let found = (begin.gaps, storage::records_lost(&recovered, db.now()));
        watches::start(&config, &stages.watches, &pipeline, &names, &spool, found);
        start_way(&stages, pipeline.clone(), begin.engine, reader, &spool);
        let desk = site::desk(&config, &pipeline, obligations).await?;
        let arrivals = Arrived::new(spool.clone(), pipeline.kept.subscribe(), &recovered);
        let handlers = site::handlers(&config, &pipeline, &desk, Arc::new(arrivals));
        let Stage { tasks, stop } = &stages.doors;
        jobs::start(&db, &handlers, tasks, stop).await.context("starting the job queue")?;
        let intake = open_doors(&config, &stages.doors, &pipeline, &spool, &recovered).await?;
        let told = notifying::told(&config, &db, &registry).await?;
        let durable = Arc::new(spool.clone());
        let site = site::site(&pipeline, durable, &intake, desk, (live, &handlers), told);
        watches::start_over_people(&stages.watches, &watches::People::of(&site));
        let pages = pages::start(&config, site, &stages.doors.tasks, &stages.doors.stop).await?;
        Ok(Self {
            db,
            registry,
            health,
            lake,
            spool,
            rules,
            indicators,
            counters: pipeline.counters,
            intake,
            pages: pages.address,
            first_run_link: pages.first_run_link,
            site: pages.router,
            routes: pages.routes,
            recovered,
            clean,
            judged: pipeline.judged.subscribe(),
            stages,
        })
    }

    /// Ends everything, doors first. What was accepted is in the lake's files or in the spool.
    pub async fn stop(self) {
        self.stages.doors.end(DOORS_PATIENCE, "listeners and pages").await;
        self.spool.close().await;
        // The way ends by itself once the spool is empty; told to stop only when it takes too long.
        self.stages.way.tasks.close();
        if tokio::time::timeout(WAY_PATIENCE, self.stages.way.tasks.wait()).await.is_err() {
            self.stages.way.end(WAY_PATIENCE, "the pipeline").await;
        }
        self.lake.close().await;
        self.stages.watches.end(DOORS_PATIENCE, "the watches").await;
        if let Some(position) = *self.lake.flushed_position().borrow() {
            self.spool.forget(position.min(*self.judged.borrow())).await;
        }
        self.clean.set();
        close(&self.db).await;
        tracing::info!("ended");
    }

    fn greet(&self) {
        if self.recovered.batches > 0 {
            tracing::info!(
                batches = self.recovered.batches,
                frames = self.recovered.frames,
                truncated_bytes = self.recovered.truncated_bytes,
                "the last run left records in the spool; they are read now"
            );
        }
        if self.recovered.lost_batches > 0 {
            tracing::error!(
                lost_batches = self.recovered.lost_batches,
                damaged_bytes = self.recovered.damaged_bytes,
                "the spool is damaged: records that were accepted are lost"
            );
        }
        tracing::info!("pages: http://{}", self.pages);
        if let Some(link) = &self.first_run_link {
            tracing::info!("no account yet: make the first administrator with {link}");
        }
    }
}

/// Closes the database, so that SQLite's log goes into its file: an orderly end leaves the file alone.
async fn close(db: &Db) {
    match tokio::time::timeout(DOORS_PATIENCE, db.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the database could not be closed in order"),
        Err(_) => tracing::warn!("the database was still in use and is left with its log"),
    }
}

/// From where on the way begins.
#[derive(Debug)]
struct Begin {
    /// What the lake holds.
    stored: Option<SpoolPosition>,
    /// What the engine has judged.
    judged: SpoolPosition,
    /// What the engine remembers.
    engine: EngineState,
    /// What it cannot have seen.
    gaps: Vec<Gap>,
}

async fn open_spool(
    config: &Config,
    db: &Db,
    state: &StateFile,
) -> Result<(Spool, SpoolReader, Recovered, Begin)> {
    cluster::refuse_beside_others(db).await?;
    let stored = DbCatalogue::new(db.clone(), config.lake.has_store())
        .position()
        .await
        .context("reading the position")?;
    let settings = keyring::spool_settings(config, db, First::Make).await?;
    let (folder, file) = (config.spool_folder(), state.clone());
    let now = db.now();
    let opened = tokio::task::spawn_blocking(move || {
        let alive_at = file.touched_at();
        let (known, mut gaps) = gap::load(&file)?;
        let judged = known.as_ref().map(|known| known.judged);
        let (spool, reader, recovered) =
            Spool::open_for(&folder, settings, stored, judged).context("opening the spool")?;
        gaps.extend(gap::find(known.as_ref(), stored, recovered.first, (alive_at, now)));
        let known = known.unwrap_or_default();
        // A state that knows more than spool and lake were ever given belongs to others.
        let judged = known.judged.min(recovered.last);
        let begin = Begin { stored, judged, engine: known.engine, gaps };
        Ok::<_, anyhow::Error>((spool, reader, recovered, begin))
    });
    opened.await?
}

/// Opens the listeners, and follows the files.
async fn open_doors(
    config: &Config,
    doors: &Stage,
    way: &Pipeline,
    spool: &Spool,
    recovered: &Recovered,
) -> Result<Arc<registry::source::Intake>> {
    let collect = Arc::new(Intake {
        durable: Arc::new(spool.clone()),
        directory: Arc::new(intake::Senders(Arc::clone(&way.registry))),
        counters: Arc::clone(&way.counters),
        clock: Arc::clone(way.db.clock()),
        ids: Arc::new(IdSource::from_os()),
    });
    let intake = intake::start(config, &collect, &doors.tasks, &doors.stop).await?;
    doors.tasks.spawn(intake::follow_files(
        config.clone(),
        Arc::clone(&way.registry),
        collect,
        intake::Turns::Alone(recovered.marks.clone()),
        doors.stop.clone(),
    ));
    Ok(Arc::new(intake))
}

/// Starts the pipeline, and lets the spool forget what the lake has in files and the stored state of
/// the engine knows.
fn start_way(
    stages: &Stages,
    pipeline: Pipeline,
    remembered: EngineState,
    reader: SpoolReader,
    spool: &Spool,
) {
    let mut flushed = pipeline.lake.flushed_position();
    let mut judged = pipeline.judged.subscribe();
    let (spool, stop) = (spool.clone(), stages.watches.stop.clone());
    stages.watches.tasks.spawn(async move {
        loop {
            tokio::select! {
                changed = flushed.changed() => if changed.is_err() { return },
                changed = judged.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
            let position = *flushed.borrow_and_update();
            if let Some(position) = position {
                let judged = *judged.borrow_and_update();
                spool.forget(position.min(judged)).await;
            }
        }
    });
    stages.way.tasks.spawn(pipeline.run(remembered, reader, stages.way.stop.clone()));
}
