//! The whole way of an event in one file: from the spool to the lake, with dead letters and findings
//! beside it.
//!
//! ```text
//! spool → whose is it? → decode (all cores) ┬→ events → detect (all cores) → alerts ┐
//!                                           └→ dead letters ────────────────────────┴→ lake, position
//! ```
//!
//! A batch's dead letters and findings are durable before the lake takes its events in, and the
//! lake's catalogue carries the batch's position: whatever a crash interrupts is played again from
//! the spool, and ids keep it from doubling. What the engine remembers is stored with a position of
//! its own: what it has counted before is not judged again (see `engine_state`). Two tasks: the first decodes the next batch while the
//! second still works on the one before.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use collect::{Batch, Counters, SpoolReader};
use db::Db;
use decode::{AuditJoin, Decoder, SourceContext};
use detect::{Dropped, Engine, EngineState};
use event::{DeadLetter, DeadReason, Event, Finding, Frame, SourceId, SpoolPosition};
use lake::Lake;
use registry::{HealthBook, Sighting, Snapshot, Tally};
use respond::Hub;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine_state::{Keeper, StateFile};
use crate::serve::{IndicatorBook, RuleBook, recount};

/// Everything that the way leads through.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// State, and the clock.
    pub db: Db,
    /// Whose a frame is.
    pub registry: Arc<registry::Directory>,
    /// Names for alerts.
    pub names: Arc<dyn respond::Directory>,
    /// Reads frames.
    pub decoder: Arc<Decoder>,
    /// The rules in force.
    pub rules: Arc<RuleBook>,
    /// The indicators in force.
    pub indicators: Arc<IndicatorBook>,
    /// Keeps events.
    pub lake: Arc<Lake>,
    /// Open pages.
    pub hub: Hub,
    /// How each source does.
    pub health: Arc<HealthBook>,
    /// What the collectors counted.
    pub counters: Arc<Counters>,
    /// After an unclean end: count again once the spool is played back up to here.
    pub recount_at: Option<SpoolPosition>,
    /// What the lake held when it was opened: played again, it is judged only.
    pub stored: Option<SpoolPosition>,
    /// Where the engine's state is kept.
    pub state: StateFile,
    /// Up to where the stored state knows the events: what the spool may forget.
    pub judged: watch::Sender<SpoolPosition>,
    /// Up to where events can be searched.
    pub kept: watch::Sender<SpoolPosition>,
}

/// A batch of frames, read.
#[derive(Debug)]
pub(crate) struct Decoded {
    position: SpoolPosition,
    /// What came in, a run of one source at a time: records, bytes, and who sent the last one.
    runs: Vec<(SourceId, u64, u64, Sighting)>,
    pub(crate) events: Vec<Event>,
    dead: Vec<DeadLetter>,
}

/// Where several machines share the sources: who counts what came of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// This node, which takes the source's records.
    Here,
    /// Another, or nobody.
    Elsewhere,
}

/// Batches that may be decoded ahead of detection: one in work, one waiting.
const AHEAD: usize = 1;

/// Frames that one thread decodes at least: below it, sharing out costs more than it brings.
const FRAMES_PER_THREAD: usize = 256;

/// How often at most the pages are told how far the baselines have learned.
const TELL_LEARNING: Duration = Duration::from_secs(10);

/// How long to wait after a failure of database or lake before trying the same batch again.
const RETRY: Duration = Duration::from_secs(1);

impl Pipeline {
    /// Runs until the spool's reader ends (the spool was closed) or `stop` is called. What was read
    /// and not stored stays in the spool. The engine goes on from what it remembered.
    pub async fn run(
        self,
        remembered: EngineState,
        mut reader: SpoolReader,
        stop: CancellationToken,
    ) {
        let (decoded, waiting) = mpsc::channel(AHEAD);
        let mut engine = self.rules.engine();
        tell_dropped(&engine.restore(remembered));
        let storing = tokio::spawn(self.clone().store_all(engine, waiting, stop.clone()));
        loop {
            let batch = tokio::select! {
                batch = reader.next() => batch,
                () = stop.cancelled() => None,
            };
            let Some(batch) = batch else { break };
            let Some(batch) = self.decode(batch).await else { break };
            if decoded.send(batch).await.is_err() {
                break;
            }
        }
        drop(decoded);
        if let Err(error) = storing.await {
            tracing::error!(%error, "the pipeline stopped");
        }
    }

    /// Reads the frames of a batch on all cores, on threads that stay: what a thread that ends has allocated would
    /// have to be handed over. Events and letters come out in the frames' order; `None` only when the program ends.
    pub(crate) async fn decode(&self, batch: Batch) -> Option<Decoded> {
        let Batch { position, frames } = batch;
        let frames: Arc<[Frame]> = frames.into();
        let snapshot = self.registry.snapshot();
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = frames.len().div_ceil(threads).max(FRAMES_PER_THREAD);
        let starts = (0..frames.len()).step_by(share);
        let parts: Vec<_> = starts
            .map(|start| {
                let part = start..frames.len().min(start + share);
                let (decoder, snapshot) = (Arc::clone(&self.decoder), Arc::clone(&snapshot));
                let (frames, own) = (Arc::clone(&frames), part.clone());
                let decode = move || decode_part(&decoder, &snapshot, among(&frames, own));
                (part, tokio::task::spawn_blocking(decode))
            })
            .collect();
        let mut events = Vec::with_capacity(frames.len());
        let mut dead = Vec::new();
        for (part, decoding) in parts {
            let (own, letters) = match decoding.await {
                Ok(decoded) => decoded,
                Err(ended) if ended.is_cancelled() => return None,
                // A decoder that panicked is our fault; its frames are kept for when it is mended.
                Err(error) => {
                    tracing::error!(%error, spool.position = %position, "decoding failed");
                    broken(among(&frames, part))
                }
            };
            events.extend(own);
            dead.extend(letters);
        }
        Some(Decoded { position, runs: runs(&frames), events, dead })
    }

    async fn store_all(
        self,
        mut engine: Engine,
        mut waiting: mpsc::Receiver<Decoded>,
        stop: CancellationToken,
    ) {
        let mut keeper =
            Keeper::new(self.state.clone(), Arc::clone(self.db.clock()), self.judged.clone());
        let mut audit = AuditJoin::default();
        let mut recount_at = self.recount_at;
        self.rules.learned(engine.learning());
        let (mut tell_at, mut tell_again_at) = (None, Instant::now());
        loop {
            let batch = tokio::select! {
                batch = waiting.recv() => batch,
                () = keeper.due() => {
                    let Some(own) = keeper.keep(engine).await else { return };
                    engine = own;
                    continue;
                }
                () = until(tell_at) => {
                    self.rules.learned(engine.learning());
                    (tell_at, tell_again_at) = (None, Instant::now() + TELL_LEARNING);
                    continue;
                }
            };
            let Some(mut batch) = batch else { break };
            batch.events.iter_mut().for_each(|event| audit.join(event));
            let position = batch.position;
            let Some((own, batch, findings)) = self.detect(engine, batch, &keeper).await else {
                return;
            };
            engine = own;
            if !self.store(batch, findings, &stop).await {
                // The engine has counted what is not stored: what it remembers now is worth nothing.
                return;
            }
            self.kept.send_replace(position);
            keeper.judged(position);
            let Some(own) = keeper.keep(engine).await else { return };
            engine = own;
            tell_at = Some(tell_again_at);
            if recount_at.is_some_and(|last| position >= last) {
                recount_at = None;
                recount(&self.db, self.lake.as_ref(), &self.health).await;
            }
        }
        keeper.close(engine).await;
    }

    /// Judges a batch by the rules in force, unless the engine has counted it before the last start:
    /// its findings are durable then.
    async fn detect(
        &self,
        engine: Engine,
        mut batch: Decoded,
        keeper: &Keeper,
    ) -> Option<(Engine, Decoded, Vec<Finding>)> {
        if keeper.knows(batch.position) {
            return Some((engine, batch, Vec::new()));
        }
        let events = std::mem::take(&mut batch.events);
        let (engine, events, findings) = self.judge(engine, events).await?;
        Some((engine, Decoded { events, ..batch }, findings))
    }

    /// Judges events by the rules in force.
    pub(crate) async fn judge(
        &self,
        mut engine: Engine,
        events: Vec<Event>,
    ) -> Option<(Engine, Vec<Event>, Vec<Finding>)> {
        let (rules, indicators) = (self.rules.current(), self.indicators.current());
        let baselines = self.rules.baselines();
        let detected = tokio::task::spawn_blocking(move || {
            if !Arc::ptr_eq(engine.rules(), &rules) {
                tell_dropped(&engine.swap(rules));
            }
            if *engine.baselines() != *baselines {
                engine.set_baselines((*baselines).clone());
            }
            if !Arc::ptr_eq(engine.indicators(), &indicators) {
                engine.swap_indicators(indicators);
            }
            let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
            let findings = engine.process_on(threads, &events);
            (engine, events, findings)
        });
        detected.await.inspect_err(|error| tracing::error!(%error, "detection failed")).ok()
    }

    /// Stores one batch, trying again for as long as it takes; `false` when stopped meanwhile.
    async fn store(
        &self,
        batch: Decoded,
        findings: Vec<Finding>,
        stop: &CancellationToken,
    ) -> bool {
        if self.stored.is_none_or(|stored| batch.position > stored) {
            self.note_read(&batch);
        }
        while let Err(error) = self.keep_beside(&batch, &findings).await {
            let error = web::chain(error.as_ref());
            tracing::error!(error, "dead letters or findings cannot be stored; trying again");
            if pause(stop).await {
                return false;
            }
        }
        self.rules.hit(&findings);
        self.hub.publish_events(&batch.events);
        self.keep_in_lake(batch.events, batch.position, stop).await
    }

    async fn keep_in_lake(
        &self,
        events: Vec<Event>,
        position: SpoolPosition,
        stop: &CancellationToken,
    ) -> bool {
        let flushed = *self.lake.flushed_position().borrow();
        if flushed.is_none_or(|flushed| position > flushed) {
            // New events are refused only by a closed lake; the spool keeps them.
            let taken = self.lake.append(events, position).await;
            return taken.inspect_err(|error| tracing::warn!(%error, "the lake is closed")).is_ok();
        }
        // Played again: the lake looks up which it has, and that may fail.
        while let Err(error) = self.lake.append(events.clone(), position).await {
            tracing::error!(error = web::chain(&error), "the lake takes nothing in; trying again");
            if pause(stop).await {
                return false;
            }
        }
        true
    }

    /// Stores what came straight from its senders, for good: with the marks that came along. All of it, or nothing
    /// but dead letters.
    pub(crate) async fn store_for_good(
        &self,
        mut batch: Decoded,
        marks: &[Vec<u8>],
        counted: Counted,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        registry::dead_letter::file(&self.db, &self.registry, batch.dead.clone()).await?;
        let tallies = tallies(&batch.events);
        self.lake.store(std::mem::take(&mut batch.events), marks).await?;
        if counted == Counted::Here {
            self.note(&batch, tallies);
        }
        Ok(())
    }

    /// Makes durable what does not go to the lake. Doing it twice does it once.
    async fn keep_beside(
        &self,
        batch: &Decoded,
        findings: &[Finding],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        registry::dead_letter::file(&self.db, &self.registry, batch.dead.clone()).await?;
        if !findings.is_empty() {
            let names = self.names.as_ref();
            let findings = findings.to_vec();
            respond::alert::receive(&self.db, names, &self.hub, findings, &batch.events).await?;
        }
        Ok(())
    }

    /// Tells the health book what came in and what became of it, at once, so that
    /// `received = decoded + dead` holds for each source at any moment.
    fn note_read(&self, batch: &Decoded) {
        self.note(batch, tallies(&batch.events));
    }

    fn note(&self, batch: &Decoded, tallies: Tallies) {
        let now = self.db.now();
        for (source, records, bytes, from) in &batch.runs {
            self.health.received(*source, *records, *bytes, *from);
        }
        for (source, tally) in tallies {
            self.health.decoded(source, tally, now);
        }
        for letter in &batch.dead {
            self.health.dead(letter.frame.source, &letter.reason.code, now);
            self.counters.dead(letter.frame.source, 1);
        }
    }
}

/// What was decoded of each source.
type Tallies = BTreeMap<SourceId, Tally>;

fn tallies(events: &[Event]) -> Tallies {
    let mut tallies = Tallies::new();
    for event in events {
        let tally = tallies.entry(event.origin.source).or_default();
        tally.events += 1;
        tally.noted += u64::from(!event.notes.is_empty());
        tally.undated += u64::from(event.lost_its_time());
        tally.newest = tally.newest.max(event.occurred_at);
    }
    tallies
}

pub(crate) fn tell_dropped(dropped: &[Dropped]) {
    for Dropped { rule, groups } in dropped {
        tracing::info!(rule, groups, "a correlation that has changed or is gone begins anew");
    }
}

/// Returns whether it was stopped while waiting.
async fn pause(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(RETRY) => false,
        () = stop.cancelled() => true,
    }
}

/// Waits until a time; for ever, if there is none.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Returns the runs of frames of one source.
fn runs(frames: &[Frame]) -> Vec<(SourceId, u64, u64, Sighting)> {
    frames
        .chunk_by(|one, next| one.source == next.source)
        .filter_map(|run| {
            let last = run.last()?;
            let bytes = run.iter().map(|frame| frame.bytes.len() as u64).sum();
            let from = Sighting { at: last.collected_at, peer: last.peer };
            Some((last.source, run.len() as u64, bytes, from))
        })
        .collect()
}

fn among(frames: &[Frame], part: Range<usize>) -> &[Frame] {
    frames.get(part).unwrap_or_default()
}

fn decode_part(
    decoder: &Decoder,
    snapshot: &Snapshot,
    frames: &[Frame],
) -> (Vec<Event>, Vec<DeadLetter>) {
    let mut events = Vec::with_capacity(frames.len());
    let mut dead = Vec::new();
    for frame in frames {
        match decode_one(decoder, snapshot, frame) {
            Ok(event) => events.push(event),
            Err(reason) => dead.push(DeadLetter { frame: frame.clone(), reason }),
        }
    }
    (events, dead)
}

/// Reads one frame as what its source says it is.
pub(crate) fn decode_one(
    decoder: &Decoder,
    snapshot: &Snapshot,
    frame: &Frame,
) -> Result<Event, DeadReason> {
    if let Some(reason) = &frame.dead {
        return Err(reason.clone());
    }
    let Some(binding) = snapshot.binding(frame.source) else {
        return Err(DeadReason::new("unknown-source", "its log source is not in the registry"));
    };
    let context = SourceContext {
        origin: binding.origin,
        parser: &binding.parser,
        utc_offset_minutes: binding.utc_offset_minutes,
    };
    decoder.decode(frame, &context)
}

fn broken(frames: &[Frame]) -> (Vec<Event>, Vec<DeadLetter>) {
    let reason = DeadReason::new("decoder-failed", "the decoder failed on a record of this batch");
    let letter = |frame: &Frame| DeadLetter { frame: frame.clone(), reason: reason.clone() };
    (Vec::new(), frames.iter().map(letter).collect())
}
