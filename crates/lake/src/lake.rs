//! The lake itself: takes events in, answers questions, writes files behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::AHashSet;
use chrono::{DateTime, Utc};
use event::lake::LakeError;
use event::{Clock, Event, EventId, IdSource, SpoolPosition};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::ask::{Stop, known_ids};
use crate::background::{self, Merged};
use crate::catalogue::{Catalogue, Segment, SegmentId, Where};
use crate::error::{OpenError, StoreError};
use crate::keep::OwnerRows;
use crate::place::Place;
use crate::rows::Rows;
use crate::segment::{Footers, SegmentFile};
use crate::settings::LakeSettings;
use crate::store::{
    Buffer, LakeHealth, Recovered, State, View, encode_lists, recover, write_files,
};

/// Threads that plan and run SQL; everything else of a question runs on blocking threads.
const QUERY_THREADS: usize = 2;

/// Stack of such a thread: a SQL question may nest deep.
const QUERY_STACK_BYTES: usize = 16 << 20;

/// A tail that becomes columns while its events are searched as they came, and the next ones are judged.
#[derive(Debug)]
pub(crate) struct TailOnItsWay {
    tail: Vec<Arc<Vec<Event>>>,
    rows: JoinHandle<Result<Vec<Rows>, StoreError>>,
}

/// The lake. Keep one for each folder.
#[derive(Debug)]
pub struct Lake {
    pub(crate) settings: LakeSettings,
    pub(crate) place: Arc<Place>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    clock: Arc<dyn Clock>,
    ids: IdSource,
    pub(crate) state: Mutex<State>,
    /// Appends happen one after another, so that positions grow with the buffer. The tail that becomes columns since
    /// the last one.
    pub(crate) appending: tokio::sync::Mutex<Option<TailOnItsWay>>,
    /// Flushes happen one after another, so that positions grow with the catalogue.
    flushing: tokio::sync::Mutex<()>,
    /// Merges happen one after another, and none goes on when the lake is closed.
    pub(crate) merging: tokio::sync::Mutex<Option<Merged>>,
    /// Files go to and from the store one after another, and none while removed ones are cleared there.
    pub(crate) moving: tokio::sync::Mutex<()>,
    /// Tells a merge to give up.
    pub(crate) closing: Arc<AtomicBool>,
    /// Told when a buffer left memory.
    room: Notify,
    /// Told when a buffer waits for the disk.
    pub(crate) work: Arc<Notify>,
    pub(crate) position: watch::Sender<Option<SpoolPosition>>,
    /// The last change of the catalogue that `state` shows, where several machines share the lake.
    pub(crate) known_change: tokio::sync::Mutex<u64>,
    pub(crate) footers: Arc<Footers>,
    pub(crate) questions: Arc<Semaphore>,
    pub(crate) threads: QueryThreads,
    recovered: Recovered,
    /// Who answers long SQL questions.
    #[cfg(feature = "distributed")]
    pub(crate) cluster: Option<Arc<crate::distributed::Cluster>>,
    /// Whose events a file holds, as far as it was asked.
    pub(crate) owners: Mutex<BTreeMap<SegmentId, Arc<Vec<OwnerRows>>>>,
}

impl Lake {
    /// Opens the lake in its folder, which is made if it is not there, and starts to write behind.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, the catalogue cannot be read, or a file is missing that the
    /// catalogue names: an incomplete lake is not opened silently.
    pub async fn open(
        settings: LakeSettings,
        catalogue: Arc<dyn Catalogue>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, OpenError> {
        let failed = |source| OpenError::Folder { path: settings.folder.clone(), source };
        std::fs::create_dir_all(&settings.folder).map_err(failed)?;
        let folder = settings.folder.canonicalize().map_err(failed)?;
        // Before the files: a change in between is made twice, which changes nothing.
        let known_change = if settings.is_shared { catalogue.last_change().await? } else { 0 };
        let segments = catalogue.segments().await?;
        let position = catalogue.position().await?;
        let place = Place::open(&settings, folder)?;
        let recovered = recover(&place, &segments, position, settings.is_shared).await?;
        let mut state = State::default();
        let files = segments
            .into_iter()
            .map(|segment| Arc::new(SegmentFile::new(&place, segment)))
            .collect();
        state.change_segments(files, &[]);
        #[cfg(feature = "distributed")]
        let cluster = cluster(&settings)?;
        let lake = Arc::new(Self {
            #[cfg(feature = "distributed")]
            cluster,
            questions: Arc::new(Semaphore::new(settings.queries_max.max(1))),
            threads: QueryThreads::start()?,
            settings,
            place,
            catalogue,
            clock,
            ids: IdSource::from_os(),
            state: Mutex::new(state),
            appending: tokio::sync::Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            merging: tokio::sync::Mutex::default(),
            moving: tokio::sync::Mutex::default(),
            closing: Arc::default(),
            room: Notify::new(),
            work: Arc::default(),
            position: watch::Sender::new(position),
            known_change: tokio::sync::Mutex::new(known_change),
            footers: Arc::default(),
            recovered,
            owners: Mutex::default(),
        });
        background::start(&lake);
        Ok(lake)
    }

    /// Returns what was found when the lake was opened.
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Takes in all events of one batch of the spool; they can be found when this returns. Waits
    /// while the disk is behind. Times are kept to the microsecond.
    ///
    /// A batch at or below the flushed position was played again: its events that are in the lake
    /// are left out, as is every event that is in memory.
    ///
    /// # Errors
    ///
    /// When the lake is closed, or looking up events that were played again fails; nothing was
    /// taken in then.
    pub async fn append(
        &self,
        events: Vec<Event>,
        position: SpoolPosition,
    ) -> Result<(), LakeError> {
        let mut turn = self.appending.lock().await;
        if let Some(on_its_way) = turn.take() {
            self.put_columns(on_its_way).await;
        }
        self.wait_for_room().await?;
        let mut events = self.not_yet_stored(events, position).await?;
        for event in &mut events {
            event.occurred_at = to_micros(event.occurred_at);
            event.collected_at = to_micros(event.collected_at);
        }
        let long_tail = {
            let mut state = self.state.lock();
            if state.closed {
                return Err(StoreError::Closed.into());
            }
            let mut seen = AHashSet::with_capacity(events.len());
            events.retain(|event| !state.holds(event.id) && seen.insert(event.id));
            state.active.push(events, position);
            self.seal_if_full(&mut state);
            state.active.long_tail()
        };
        if let Some(tail) = long_tail {
            let source = tail.clone();
            let encode = move || encode_lists(&source).map_err(StoreError::from);
            *turn = Some(TailOnItsWay { tail, rows: tokio::spawn(blocking(encode)) });
        }
        drop(turn);
        Ok(())
    }

    /// Puts columns in the place of the tail that they were made of, unless its buffer was sealed since.
    async fn put_columns(&self, on_its_way: TailOnItsWay) {
        let TailOnItsWay { tail, rows } = on_its_way;
        match rows.await.map_err(StoreError::from).flatten() {
            Ok(rows) => {
                let mut state = self.state.lock();
                state.active.replace_tail(&tail, rows);
                self.seal_if_full(&mut state);
            }
            Err(error) => {
                // The events are taken in; the flush meets the same error, says so and tries again.
                self.note_failure(&error);
                self.state.lock().seal();
                self.work.notify_one();
            }
        }
    }

    pub(crate) fn seal_if_full(&self, state: &mut State) {
        let is_full = state.active.events() >= self.settings.flush_events
            || state.active.bytes() >= self.settings.memory_budget_bytes / 2;
        if is_full {
            state.seal();
            self.work.notify_one();
        }
    }

    pub(crate) async fn wait_for_room(&self) -> Result<(), StoreError> {
        loop {
            let told = self.room.notified();
            {
                let state = self.state.lock();
                if state.closed {
                    return Err(StoreError::Closed);
                }
                if state.has_room(self.settings.memory_budget_bytes) {
                    return Ok(());
                }
            }
            told.await;
        }
    }

    /// Leaves out the events that are in the files, if the batch was played again.
    async fn not_yet_stored(
        &self,
        mut events: Vec<Event>,
        position: SpoolPosition,
    ) -> Result<Vec<Event>, StoreError> {
        let flushed = *self.position.borrow();
        if flushed.is_none_or(|flushed| position > flushed) {
            return Ok(events);
        }
        let ids: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
        let view = self.view();
        let footers = Arc::clone(&self.footers);
        let stop = Stop::after(self.settings.query_timeout);
        let known = blocking(move || known_ids(&view, &footers, &ids, &stop)).await?;
        events.retain(|event| !known.contains(&event.id));
        if !events.is_empty() {
            tracing::warn!(
                spool.position = %position,
                count = events.len(),
                "new events came at a position that is flushed: is the spool's folder another one?"
            );
        }
        Ok(events)
    }

    /// Writes everything that was appended so far to files, and commits them.
    ///
    /// # Errors
    ///
    /// When the disk or the catalogue fails; the events stay in memory and are tried again.
    pub async fn flush(&self) -> Result<(), LakeError> {
        self.state.lock().seal();
        self.flush_sealed().await.map_err(LakeError::from)
    }

    /// Writes the buffers that wait for the disk.
    pub(crate) async fn flush_sealed(&self) -> Result<(), StoreError> {
        let turn = self.flushing.lock().await;
        loop {
            let Some(buffer) = self.state.lock().sealed.front().cloned() else { break };
            if let Err(error) = self.flush_buffer(&buffer).await {
                self.note_failure(&error);
                return Err(error);
            }
        }
        drop(turn);
        Ok(())
    }

    async fn flush_buffer(&self, buffer: &Arc<Buffer>) -> Result<(), StoreError> {
        let (target, source) = (self.place.target(), Arc::clone(buffer));
        let (ids, now) = (IdSource::from_os(), self.clock.now());
        let next_id = move || SegmentId::from_uuid(ids.uuid(now));
        let segments = blocking(move || write_files(&target, &source, next_id)).await?;
        self.publish(&segments).await?;
        self.catalogue.commit(&segments, &[], buffer.position).await?;
        self.place.settle(&segments);
        let files = segments
            .into_iter()
            .map(|segment| Arc::new(SegmentFile::new(&self.place, segment)))
            .collect();
        {
            let mut state = self.state.lock();
            state.sealed.pop_front();
            state.change_segments(files, &[]);
            state.health =
                LakeHealth { flushed_at: Some(self.clock.now()), ..LakeHealth::default() };
        }
        self.position.send_modify(|position| *position = (*position).max(buffer.position));
        self.room.notify_waiters();
        Ok(())
    }

    /// Puts files into the store that are to lie there: announced first, so that the catalogue knows
    /// them by name whatever happens next.
    pub(crate) async fn publish(&self, segments: &[Segment]) -> Result<(), StoreError> {
        if segments.iter().any(|segment| segment.lies_in == Where::Store) {
            self.catalogue.announce(segments).await?;
            self.place.publish(segments).await?;
        }
        Ok(())
    }

    fn note_failure(&self, error: &StoreError) {
        let chain = chain(error);
        tracing::error!(error = %chain, "events could not be written; they stay in memory and in the spool");
        let mut state = self.state.lock();
        state.health.failures = state.health.failures.saturating_add(1);
        state.health.failing_since.get_or_insert(self.clock.now());
        state.health.error = Some(chain);
    }

    /// Returns up to which batch of the spool everything is in files and catalogue: what the spool
    /// may forget.
    pub fn flushed_position(&self) -> watch::Receiver<Option<SpoolPosition>> {
        self.position.subscribe()
    }

    /// Returns the files that are the lake at this moment, as the catalogue names them.
    pub fn files(&self) -> Vec<Segment> {
        let segments = Arc::clone(&self.state.lock().segments);
        segments.iter().map(|file| file.segment.clone()).collect()
    }

    /// Returns how many questions its cluster has answered.
    #[cfg(feature = "distributed")]
    pub fn cluster_answers(&self) -> u64 {
        self.cluster.as_ref().map_or(0, |cluster| cluster.answers())
    }

    /// Returns how the lake is doing.
    pub fn health(&self) -> LakeHealth {
        let state = self.state.lock();
        let buffers = state.sealed.iter().map(AsRef::as_ref).chain([&state.active]);
        let events: usize = buffers.map(Buffer::events).sum();
        let is_there = |id| state.segments.iter().any(|file| file.segment.id == id);
        LakeHealth {
            damaged: self.place.damaged().among(is_there),
            waiting_events: u64::try_from(events).unwrap_or(u64::MAX),
            waiting_bytes: u64::try_from(state.bytes()).unwrap_or(u64::MAX),
            ..state.health.clone()
        }
    }

    /// Takes nothing more in and writes what is in memory; what cannot be written now is in the
    /// spool.
    pub async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.state.lock().closed = true;
        self.room.notify_waiters();
        self.work.notify_one();
        // A merge that was under way gives up or is committed; nothing is written after this.
        drop(self.merging.lock().await);
        if self.flush().await.is_err() {
            tracing::warn!("the lake was closed with events that only the spool has");
        }
    }

    /// Returns what a question asked now sees.
    pub(crate) fn view(&self) -> View {
        self.state.lock().view()
    }

    /// Returns the present moment.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns a fresh name for a file.
    pub(crate) fn next_segment_id(&self) -> SegmentId {
        SegmentId::from_uuid(self.ids.uuid(self.clock.now()))
    }
}

#[cfg(feature = "distributed")]
fn cluster(settings: &LakeSettings) -> Result<Option<Arc<crate::distributed::Cluster>>, OpenError> {
    let cluster = settings.cluster.as_ref().map(crate::distributed::Cluster::new).transpose();
    cluster.map(|cluster| cluster.map(Arc::new)).map_err(|error| OpenError::Cluster(error.into()))
}

/// Runs work that blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await?
}

/// Returns the moment as a file gives it back; a leap second is the second after it.
pub(crate) fn to_micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment)
}

/// Returns an error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The threads that answer questions, apart from those that take events in.
#[derive(Debug)]
pub(crate) struct QueryThreads(Option<Runtime>);

impl QueryThreads {
    fn start() -> Result<Self, OpenError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(QUERY_THREADS)
            .thread_name("lake-query")
            .thread_stack_size(QUERY_STACK_BYTES)
            .enable_time()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(OpenError::Threads)
    }

    /// Returns the way to run something on them.
    pub(crate) fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for QueryThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A runtime must not be waited for inside another; its questions stop by themselves.
            runtime.shutdown_background();
        }
    }
}
