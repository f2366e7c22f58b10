//! Running the platform on several machines: one of them, in its role. State and catalogue are in PostgreSQL, files in
//! the store; nothing that was acknowledged is on this machine only.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use collect::{Counters, Durable, Intake, Spool};
use db::Db;
use event::{IdSource, SystemClock};
use lake::{Catalogue as _, Lake, LakeSettings};
use registry::{HealthBook, source};
use respond::Hub;
use tokio::sync::watch;

use super::centre::Centre;
use super::direct::Direct;
use super::names::Names;
use super::scheduled::AllArrived;
use super::watches::People;
use super::{
    DOORS_PATIENCE, IndicatorBook, Stage, WAY_PATIENCE, asked_to_end, fresh, intake, load_rules,
    news, notifying, open_db, pages, site, watches,
};
use crate::catalogue::DbCatalogue;
use crate::catalogue::keyring::{self, First};
use crate::cli::role::Role;
use crate::cluster::{CENTRE, Card, CentreState, Node, begin_state};
use crate::config::Config;
use crate::engine_state::{self, StateError, StateFile};
use crate::pipeline::Pipeline;

/// Serves as one of several machines until the process is asked to end (Ctrl-C, SIGTERM).
///
/// # Errors
///
/// When something cannot be opened; what runs is closed first.
pub async fn serve_as_member(config: Config, role: Role) -> Result<()> {
    let member = Member::start(config, role).await?;
    asked_to_end().await?;
    tracing::info!("ending");
    member.stop().await;
    Ok(())
}

/// One machine of several, running.
#[derive(Debug)]
struct Member {
    node: Node,
    lake: Arc<Lake>,
    stages: Stages,
}

/// What runs, in the order in which it must end.
#[derive(Debug, Default)]
struct Stages {
    /// Listeners and pages.
    doors: Stage,
    /// The central duties, if they are this node's.
    centre: Stage,
    /// What stores records.
    way: Stage,
    /// What keeps up with the other nodes.
    watches: Stage,
    /// What says that this node is alive.
    life: Stage,
}

impl Member {
    async fn start(config: Config, role: Role) -> Result<Self> {
        let db = open_db(&config).await?;
        refuse_spooled(&config, &db).await?;
        let card = Card {
            name: config.cluster.name(),
            role: role.word(),
            address: config.intake_address(),
        };
        begin_files(&config, &db).await?;
        begin_detection(&config, &db).await?;
        let node = Node::join(&db, card).await.context("joining the other machines")?;
        let started = Self::start_joined(&config, role, &db, node.clone()).await;
        if started.is_err()
            && let Err(error) = node.leave().await
        {
            tracing::warn!(error = web::chain(&error), "the others will miss this machine");
        }
        started
    }

    async fn start_joined(config: &Config, role: Role, db: &Db, node: Node) -> Result<Self> {
        let lake = open_shared_lake(config, db, &node).await?;
        let stages = Stages::default();
        let (way, names, live) = way(config, db, &lake).await?;
        let taken = role.takes_logs().then(|| node.clone());
        let (direct, requests) = Direct::new(way.clone(), taken);
        let Stage { tasks, stop } = &stages.way;
        tasks.spawn(Arc::clone(&direct).run(requests, config.cluster.batch(), stop.clone()));
        start_watches(config, role, (&way, &names, &live), (&node, &direct), &stages);
        let shown = if role.takes_logs() {
            open_doors(config, &stages.doors, &way, &direct).await?
        } else {
            elsewhere(config)
        };
        if role.has_pages() {
            open_pages(config, (&way, &names, live), &node, Arc::new(shown), &stages).await?;
        }
        tracing::info!(node = node.name(), role = role.word(), "this machine is one of several");
        Ok(Self { node, lake, stages })
    }

    /// Ends everything, doors first; then others may take over at once.
    async fn stop(self) {
        self.stages.doors.end(DOORS_PATIENCE, "listeners and pages").await;
        self.stages.centre.end(DOORS_PATIENCE, "the central duties").await;
        self.stages.way.end(WAY_PATIENCE, "storing").await;
        self.stages.watches.end(DOORS_PATIENCE, "the watches").await;
        self.lake.close().await;
        self.stages.life.end(DOORS_PATIENCE, "saying that this machine is alive").await;
        if let Err(error) = self.node.leave().await {
            tracing::warn!(error = web::chain(&error), "the machine could not leave in order");
        }
        tracing::info!("ended");
    }
}

/// Refuses to start over records that only this machine's spool has: from the time when it was the only one.
async fn refuse_spooled(config: &Config, db: &Db) -> Result<()> {
    let folder = config.spool_folder();
    if !folder.try_exists()? {
        return Ok(());
    }
    let stored = DbCatalogue::new(db.clone(), true).position().await?;
    let settings = keyring::spool_settings(config, db, First::Leave).await?;
    let opened =
        tokio::task::spawn_blocking(move || Spool::open(&folder, settings, stored)).await?;
    let (spool, _reader, recovered) = opened.context("looking into the spool")?;
    spool.close().await;
    if recovered.batches > 0 {
        bail!(
            "the spool in {} holds {} records that are not in the lake yet: start `luytre serve` once with \
             `cluster.on = false`, end it in order, and start again",
            config.spool_folder().display(),
            recovered.frames
        );
    }
    Ok(())
}

/// Writes down from where detection begins, before anything is stored that it must judge: from what a single machine
/// remembered, if it was this one.
async fn begin_detection(config: &Config, db: &Db) -> Result<()> {
    let change = crate::catalogue::last_change(db).await?;
    let vault = keyring::vault(config, db, First::Leave).await?;
    let stored = match StateFile::in_folder(&config.site.data_folder, vault).load() {
        Ok(stored) => stored,
        Err(error @ StateError::Locked(_)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(error = web::chain(&error), "what detection remembered is lost");
            None
        }
    };
    let packed = match stored {
        Some(stored) => engine_state::pack(&stored.engine, stored.judged, stored.saved_at)?,
        None => Vec::new(),
    };
    let books = db.begin_bookkeeping().await?;
    begin_state(books.conn(), CENTRE, CentreState { change, packed }, books.now()).await?;
    Ok(books.commit().await?)
}

/// Begins the chain over files of an older installation, and refuses those that lie in a folder, where other machines
/// do not find them.
async fn begin_files(config: &Config, db: &Db) -> Result<()> {
    let before = DbCatalogue::new(db.clone(), true);
    before.begin_chain().await.context("beginning the chain over the lake's files")?;
    before.begin_places(&config.lake_folder()).await.context("finding the lake's files")?;
    let files = before.segments().await?;
    let here = files.iter().filter(|file| file.lies_in == lake::Where::Folder).count();
    if here > 0 {
        bail!(
            "{here} files of the lake lie in a folder, where other machines do not find them: bring them to the store \
             with `luytre lake move --to store` first"
        );
    }
    Ok(())
}

async fn open_shared_lake(config: &Config, db: &Db, node: &Node) -> Result<Arc<Lake>> {
    let settings = keyring::settings(config, db, First::Make).await?;
    let settings = LakeSettings { is_shared: true, ..settings };
    let catalogue = Arc::new(DbCatalogue::shared(db.clone(), node.fence()));
    Lake::open(settings, catalogue, Arc::new(SystemClock)).await.context("opening the lake")
}

/// Returns all that the way leads through.
async fn way(
    config: &Config,
    db: &Db,
    lake: &Arc<Lake>,
) -> Result<(Pipeline, Arc<Names>, web::Live)> {
    let registry = Arc::new(registry::Directory::load(db).await?);
    let health = Arc::new(HealthBook::load(db).await?);
    let clock = Arc::clone(db.clock());
    let names = Arc::new(Names::load(db, clock, registry.clone(), health.clone()).await?);
    let live = web::Live::default();
    let vault = keyring::vault(config, db, First::Leave).await?;
    let way = Pipeline {
        db: db.clone(),
        registry,
        names: names.clone(),
        decoder: Arc::new(crate::sources::decoder(&config.sources.folders)?),
        rules: Arc::new(load_rules(config, db).await?),
        indicators: IndicatorBook::load(config.indicators.places(), db).await?,
        lake: Arc::clone(lake),
        hub: Hub::new(live.clone()),
        health,
        counters: Arc::new(Counters::default()),
        recount_at: None,
        stored: None,
        state: StateFile::in_folder(&config.site.data_folder, vault),
        judged: watch::Sender::default(),
        kept: watch::Sender::default(),
    };
    Ok((way, names, live))
}

fn start_watches(
    config: &Config,
    role: Role,
    (way, names, live): (&Pipeline, &Arc<Names>, &web::Live),
    (node, direct): (&Node, &Arc<Direct>),
    stages: &Stages,
) {
    let Stage { tasks, stop } = &stages.watches;
    let own = news::Process(way.db.new_uuid());
    tasks.spawn(news::tell(way.db.clone(), live.own(), own, stop.clone()));
    tasks.spawn(fresh::register(way.clone(), stop.clone()));
    tasks.spawn(fresh::counts(way.clone(), node.clone(), role.has_pages(), stop.clone()));
    tasks.spawn(watches::storage_watch(config, way, None).run(stop.clone()));
    tasks.spawn(watches::loss_watch(way).run(stop.clone()));
    tasks.spawn(Arc::clone(direct).release_idle(stop.clone()));
    if role.has_pages() {
        tasks.spawn(fresh::files(way.clone(), stop.clone()));
        tasks.spawn(fresh::tails(way.clone(), stop.clone()));
        tasks.spawn(news::hear(way.db.clone(), live.clone(), own, stop.clone()));
        watches::start_beside_pages(&stages.watches, way, names);
    }
    let direct = Arc::clone(direct);
    let Stage { tasks, stop } = &stages.life;
    tasks.spawn(node.clone().stay(move || direct.settled_at(), stop.clone()));
}

/// Opens the listeners, and follows the files whose sources are this node's.
async fn open_doors(
    config: &Config,
    doors: &Stage,
    way: &Pipeline,
    direct: &Arc<Direct>,
) -> Result<source::Intake> {
    let collect = Arc::new(Intake {
        durable: Arc::clone(direct) as Arc<dyn Durable>,
        directory: Arc::new(intake::Senders(Arc::clone(&way.registry))),
        counters: Arc::clone(&way.counters),
        clock: Arc::clone(way.db.clock()),
        ids: Arc::new(IdSource::from_os()),
    });
    let shown = intake::start(config, &collect, &doors.tasks, &doors.stop).await?;
    doors.tasks.spawn(intake::follow_files(
        config.clone(),
        Arc::clone(&way.registry),
        collect,
        intake::Turns::Shared(Arc::clone(direct)),
        doors.stop.clone(),
    ));
    Ok(shown)
}

/// Returns where senders reach the other nodes, as far as this one's configuration tells.
fn elsewhere(config: &Config) -> source::Intake {
    let scheme = if config.intake.http.certificate.is_some() { "https" } else { "http" };
    let listener = |own: &crate::config::SyslogConfig| source::IntakeListener {
        name: own.name.clone(),
        transport: own.transport.word().to_owned(),
        port: own.listen.port(),
    };
    source::Intake {
        host: config.site.host.clone(),
        http_url: format!("{scheme}://{}", config.intake_address()),
        syslog: config.intake.syslog.iter().map(listener).collect(),
    }
}

/// Opens the pages, and stands ready for the central duties.
async fn open_pages(
    config: &Config,
    (way, names, live): (&Pipeline, &Arc<Names>, web::Live),
    node: &Node,
    shown: Arc<source::Intake>,
    stages: &Stages,
) -> Result<()> {
    let obligations = Arc::new(config.incidents.load_obligations()?);
    let desk = site::desk(config, way, obligations).await?;
    let arrivals = Arc::new(AllArrived { db: way.db.clone(), lake: Arc::clone(&way.lake) });
    let handlers = site::handlers(config, way, &desk, arrivals);
    // What is read again was taken before, whoever takes its source's records now.
    let (again, requests) = Direct::new(way.clone(), None);
    let Stage { tasks, stop } = &stages.way;
    tasks.spawn(Arc::clone(&again).run(requests, config.cluster.batch(), stop.clone()));
    let told = notifying::told(config, &way.db, &way.registry).await?;
    let site = site::site(way, again, &shown, desk, (live, &handlers), told);
    let people = People::of(&site);
    let pages = pages::start(config, site, &stages.doors.tasks, &stages.doors.stop).await?;
    let centre = Centre {
        config: config.clone(),
        way: way.clone(),
        names: Arc::clone(names),
        node: node.clone(),
        people,
        handlers,
    };
    stages.centre.tasks.spawn(centre.run(stages.centre.stop.clone()));
    tracing::info!("pages: http://{}", pages.address);
    if let Some(link) = &pages.first_run_link {
        tracing::info!("no account yet: make the first administrator with {link}");
    }
    Ok(())
}
