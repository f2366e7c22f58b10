//! The central duties of several machines, done by one of them at a time: rules, correlations and
//! baselines over all that is stored, merging of small files, clearing of the store, and what looks after
//! sources, deadlines, people and long work.
//!
//! Detection reads the lake's changes in the order of their commits. What it remembers is in the
//! database, together with the number of the last change it has judged; whoever takes over goes on
//! from there. What is judged twice makes the same findings twice, which are one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use detect::Engine;
use event::{Severity, SpoolPosition};
use lake::{Change, Lake, SegmentId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::names::Names;
use super::storage::{Notice, Teller};
use super::watches::{self, People};
use super::{DOORS_PATIENCE, Stage, jobs};
use crate::cluster::{self, CENTRE, CentreState, Lease, Node, load_state, save_state};
use crate::config::Config;
use crate::engine_state;
use crate::pipeline::{Pipeline, tell_dropped};

/// The rule id of a finding about a machine of the platform that does not answer.
pub const NODE_RULE: &str = "luytre-node";

/// How often new files are looked for when there were none.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often what detection remembers is written down: what a takeover judges again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// The time between two writings is at least this many times what one takes.
const SAVE_SHARE: u32 = 20;

/// How often small files are merged, the store is cleared of what left the lake, and the other nodes are looked after.
const MERGE_EVERY: Duration = Duration::from_secs(3);
const CLEAR_EVERY: Duration = Duration::from_mins(1);
const NODES_EVERY: Duration = Duration::from_secs(2);

/// How long requests are known by their names: longer than a sender tries again.
const MARKS_KEPT: TimeDelta = TimeDelta::days(2);

/// How often the pages are told how far the baselines have learned.
const TELL_LEARNING: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A node that may be the centre.
#[derive(Debug)]
pub(crate) struct Centre {
    pub(crate) config: Config,
    pub(crate) way: Pipeline,
    pub(crate) names: Arc<Names>,
    pub(crate) node: Node,
    pub(super) people: People,
    pub(crate) handlers: db::job::Handlers,
}

/// What the centre has in hand while it is one.
#[derive(Debug)]
struct Duties {
    /// `None` only after detection failed half-way: what it remembered is worth nothing then.
    engine: Option<Engine>,
    /// The last change that was judged, and the one that the stored state knows.
    judged: u64,
    saved: watch::Sender<u64>,
    save_at: Instant,
    learned_at: Instant,
    /// What runs beside.
    beside: Stage,
}

impl Centre {
    /// Does the duties whenever they are this node's, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut duties: Option<Duties> = None;
        while !stop.is_cancelled() {
            let busy = match self.turn(&mut duties).await {
                Ok(busy) => busy,
                Err(error) => {
                    tracing::error!(error = web::chain(error.as_ref()), "the central duties wait");
                    self.lay_down(&mut duties).await;
                    false
                }
            };
            if !busy {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        if let Some(own) = &mut duties
            && let Err(error) = self.save(own).await
        {
            tracing::warn!(error = web::chain(error.as_ref()), "the last state is not stored");
        }
        self.lay_down(&mut duties).await;
    }

    async fn lay_down(&self, duties: &mut Option<Duties>) {
        if let Some(own) = duties.take() {
            own.beside.end(DOORS_PATIENCE, "the central duties").await;
        }
    }

    /// Does what is to be done now; returns whether there may be more at once.
    async fn turn(&self, duties: &mut Option<Duties>) -> Result<bool, Failure> {
        if let Lease::Of(_) = self.node.lease(CENTRE).await? {
            if duties.is_some() {
                tracing::warn!("another node has the central duties now");
            }
            self.lay_down(duties).await;
            return Ok(false);
        }
        if duties.is_none() {
            *duties = Some(self.take_up().await?);
        }
        let Some(own) = duties.as_mut() else { return Ok(false) };
        let changes = self.way.lake.changes(own.judged).await?;
        let busy = !changes.is_empty();
        for change in changes {
            let number = change.number;
            self.judge(own, change).await?;
            own.judged = number;
            if Instant::now() >= own.save_at {
                self.save(own).await?;
            }
            if !self.node.holds(CENTRE) {
                return Ok(true);
            }
        }
        if Instant::now() >= own.save_at {
            self.save(own).await?;
        }
        if let Some(engine) = &own.engine
            && own.learned_at.elapsed() >= TELL_LEARNING
        {
            own.learned_at = Instant::now();
            self.way.rules.learned(engine.learning());
        }
        Ok(busy)
    }

    async fn take_up(&self) -> Result<Duties, Failure> {
        let state = load_state(self.way.db.conn(), CENTRE).await?.unwrap_or_default();
        let mut engine = self.way.rules.engine();
        if !state.packed.is_empty() {
            let stored = engine_state::read(state.packed.as_slice())?;
            tell_dropped(&engine.restore(stored.engine));
        }
        tracing::info!(change = state.change, "the central duties are this node's");
        let beside = Stage::default();
        let saved = watch::Sender::new(state.change);
        self.start_beside(&beside, saved.subscribe()).await?;
        let now = Instant::now();
        Ok(Duties {
            engine: Some(engine),
            judged: state.change,
            saved,
            save_at: now + SAVE_EVERY,
            learned_at: now,
            beside,
        })
    }

    async fn start_beside(
        &self,
        stage: &Stage,
        saved: watch::Receiver<u64>,
    ) -> Result<(), Failure> {
        let Stage { tasks, stop } = stage;
        watches::start_central(&self.config, stage, &self.way, &self.names);
        watches::start_over_people(stage, &self.people);
        jobs::start(&self.way.db, &self.handlers, tasks, stop).await?;
        tasks.spawn(merge(Arc::clone(&self.way.lake), saved, stop.clone()));
        tasks.spawn(clear(self.way.clone(), stop.clone()));
        let teller = Teller {
            db: self.way.db.clone(),
            registry: Arc::clone(&self.way.registry),
            names: Arc::clone(&self.way.names),
            hub: self.way.hub.clone(),
        };
        tasks.spawn(look_after_nodes(teller, stop.clone()));
        Ok(())
    }

    /// Judges what came in with a change; merged files hold nothing new.
    async fn judge(&self, own: &mut Duties, change: Change) -> Result<(), Failure> {
        let Change { added, fresh, .. } = change;
        for segment in added.into_iter().filter(|segment| fresh.contains(&segment.id)) {
            let events = self.way.lake.events_of(segment).await?;
            let engine = own.engine.take().ok_or("detection failed before")?;
            let judged = self.way.judge(engine, events).await.ok_or("detection failed")?;
            let (engine, events, findings) = judged;
            own.engine = Some(engine);
            if !findings.is_empty() {
                self.way.rules.hit(&findings);
                let (names, hub) = (self.way.names.as_ref(), &self.way.hub);
                respond::alert::receive(&self.way.db, names, hub, findings, &events).await?;
            }
        }
        Ok(())
    }

    /// Stores what detection remembers, if this node still may.
    async fn save(&self, own: &mut Duties) -> Result<(), Failure> {
        own.save_at = Instant::now() + SAVE_EVERY;
        if own.judged == *own.saved.borrow() {
            return Ok(());
        }
        let Some(engine) = &own.engine else { return Ok(()) };
        let (began, now, judged) = (Instant::now(), self.way.db.now(), own.judged);
        let state = engine.state();
        let packed = tokio::task::spawn_blocking(move || {
            engine_state::pack(&state, SpoolPosition(judged), now)
        });
        let state = CentreState { change: judged, packed: packed.await?? };
        let books = self.way.db.begin_bookkeeping().await?;
        if !self.node.fence().hold(books.conn()).await? || !self.node.holds(CENTRE) {
            return Err("another node has the central duties now".into());
        }
        save_state(books.conn(), CENTRE, state, now).await?;
        books.commit().await?;
        own.saved.send_replace(judged);
        own.save_at = own.save_at.max(Instant::now() + began.elapsed() * SAVE_SHARE);
        Ok(())
    }
}

/// Merges small files until `stop`: only what the stored state of detection knows, so that a takeover finds the rest as
/// it came.
async fn merge(lake: Arc<Lake>, saved: watch::Receiver<u64>, stop: CancellationToken) {
    while !pause(MERGE_EVERY, &stop).await {
        let known = *saved.borrow();
        let merged = async {
            while !stop.is_cancelled() {
                let mut files: BTreeSet<SegmentId> =
                    lake.files().iter().map(|file| file.id).collect();
                // Asked after the files were listed: whatever is in the list and came later is among them.
                let mut after = known;
                loop {
                    let later = lake.changes(after).await?;
                    let Some(last) = later.last() else { break };
                    after = last.number;
                    for file in later.iter().flat_map(|change| &change.added) {
                        files.remove(&file.id);
                    }
                }
                if !lake.merge_among(&files).await? {
                    break;
                }
            }
            Ok::<_, event::lake::LakeError>(())
        };
        if let Err(error) = merged.await {
            let error = web::chain(&error);
            tracing::warn!(error, "small files could not be merged; they stay as they are");
        }
    }
}

/// Removes from the store what left the lake, and forgets old requests, until `stop`.
async fn clear(way: Pipeline, stop: CancellationToken) {
    while !pause(CLEAR_EVERY, &stop).await {
        let now = way.db.now();
        if let Err(error) = way.lake.clear_store(now).await {
            let error = web::chain(&error);
            tracing::warn!(error, "the store could not be cleared of removed files");
        }
        let forgotten = async {
            let books = way.db.begin_bookkeeping().await?;
            cluster::forget_marks(books.conn(), now - MARKS_KEPT).await?;
            books.commit().await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(error = web::chain(&error), "old requests could not be forgotten");
        }
    }
}

/// Tells of nodes that are silent and did not end in order, until `stop`.
async fn look_after_nodes(teller: Teller, stop: CancellationToken) {
    let mut told: BTreeSet<(String, DateTime<Utc>)> = BTreeSet::new();
    while !pause(NODES_EVERY, &stop).await {
        let nodes = match cluster::nodes(teller.db.conn()).await {
            Ok(nodes) => nodes,
            Err(error) => {
                tracing::warn!(error = web::chain(&error), "the other nodes cannot be seen");
                continue;
            }
        };
        let now = teller.db.now();
        for node in nodes.into_iter().filter(|node| node.left_at.is_none() && !node.is_alive(now)) {
            let key = (node.name.clone(), node.alive_until);
            if told.contains(&key) {
                continue;
            }
            tracing::error!(node = node.name, role = node.role, "a node is silent");
            let notice = Notice {
                rule: NODE_RULE,
                about: node.name.clone(),
                at: node.alive_until,
                severity: Severity::High,
                title: "A machine of the platform does not answer: others take its work over",
                title_vi: "Một máy của hệ thống không phản hồi: các máy khác đã nhận thay việc",
                facts: vec![
                    ("node", node.name),
                    ("role", node.role),
                    ("address", node.address),
                    ("silent since", node.alive_until.to_rfc3339()),
                ],
            };
            if teller.tell(std::slice::from_ref(&notice)).await {
                told.insert(key);
            }
        }
    }
}

/// Returns whether it was stopped while waiting.
async fn pause(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => false,
        () = stop.cancelled() => true,
    }
}
