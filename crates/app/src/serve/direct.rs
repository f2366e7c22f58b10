//! Intake where several machines share one lake: frames are durable, and their sender is told, when
//! their file is in the store and the catalogue has its row. There is no spool to lose.
//!
//! What comes within a fraction of a second from all senders becomes one batch. A source's records are
//! taken by one node at a time, so that what belongs together meets; the others refuse them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use collect::{AppendError, Batch, Durable, REQUEST_MARK, UNKNOWN_SOURCE};
use decode::AuditJoin;
use event::{Frame, SourceId, SpoolPosition};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::cluster::{self, Lease, Node, source_lease};
use crate::pipeline::{Counted, Decoded, Pipeline};

/// Bytes that may wait to be stored; past it senders are told to wait.
const WAITING_BYTES_MAX: u64 = 128 << 20;

/// Bytes of one batch: what one file should hold at most.
const BATCH_BYTES_MAX: u64 = 16 << 20;

/// Bytes of one stream that are read while the ones before are stored, which takes some tenths of a second: so that one
/// sender may send thousands of records a second.
const STREAM_BYTES_AHEAD: usize = 1 << 20;

/// What a frame takes beside its bytes.
const FRAME_BYTES: u64 = 64;

/// Requests that may wait; their bytes are bounded by [`WAITING_BYTES_MAX`].
const REQUESTS_MAX: usize = 8192;

/// Batches that are on their way to the store at once: one is written while another is sent.
const BATCHES_AT_ONCE: u32 = 2;

/// How long a source's lease is kept without records: a sender that turned to another node is heard
/// there soon after.
const LEASE_IDLE: Duration = Duration::from_secs(20);

/// How often idle leases are let go.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A frame bears its moment before it arrives here, by no more than this.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(1);

/// Where the frames of this node go.
#[derive(Debug)]
pub(crate) struct Direct {
    way: Pipeline,
    /// `None` where no records of senders are taken: only what was taken before is read again.
    node: Option<Node>,
    requests: mpsc::Sender<Request>,
    waiting_bytes: AtomicU64,
    /// When each leased source was last heard.
    used: Mutex<BTreeMap<SourceId, Instant>>,
    /// What is not settled: when it was received, and the requests' own names.
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    received: BTreeSet<(DateTime<Utc>, u64)>,
    requests: BTreeSet<Vec<u8>>,
}

/// The receiving end; see [`Direct::run`].
#[derive(Debug)]
pub(crate) struct Requests(mpsc::Receiver<Request>);

#[derive(Debug)]
struct Request {
    frames: Vec<Frame>,
    mark: Vec<u8>,
    bytes: u64,
    done: oneshot::Sender<Result<(), AppendError>>,
}

/// Something received and not settled; settled when dropped.
struct Unsettled<'a> {
    direct: &'a Direct,
    received: (DateTime<Utc>, u64),
    request: Option<Vec<u8>>,
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        let mut open = self.direct.open.lock();
        open.received.remove(&self.received);
        if let Some(request) = &self.request {
            open.requests.remove(request);
        }
    }
}

impl Direct {
    pub(crate) fn new(way: Pipeline, node: Option<Node>) -> (Arc<Self>, Requests) {
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        let direct = Self {
            way,
            node,
            requests,
            waiting_bytes: AtomicU64::default(),
            used: Mutex::default(),
            open: Mutex::default(),
        };
        (Arc::new(direct), Requests(waiting))
    }

    /// Returns up to when everything received is stored, or was refused.
    pub(crate) fn settled_at(&self) -> DateTime<Utc> {
        let newest = self.way.db.now() - ON_ITS_WAY;
        let open = self.open.lock();
        open.received.first().map_or(newest, |(received, _)| newest.min(*received - ON_ITS_WAY))
    }

    /// Returns whether this node takes the records of a source, asking for it if nobody does.
    pub(crate) async fn takes(&self, source: SourceId) -> bool {
        let lease = self.lease(source).await;
        lease.is_ok_and(|lease| matches!(lease, Lease::Own { .. }))
    }

    /// Returns how far the files of a source were read; `None` while the database does not say.
    pub(crate) async fn marks(&self, source: SourceId) -> Option<Vec<Bytes>> {
        match cluster::marks_of(self.way.db.conn(), source).await {
            Ok(marks) => Some(marks.into_iter().map(Bytes::from).collect()),
            Err(error) => {
                let error = web::chain(&error);
                tracing::warn!(error, %source, "it is not known how far its files were read");
                None
            }
        }
    }

    async fn lease(&self, source: SourceId) -> Result<Lease, db::DbError> {
        let Some(node) = &self.node else { return Ok(Lease::Own { is_new: false }) };
        let lease = node.lease(&source_lease(source)).await?;
        match lease {
            Lease::Of(_) => return Ok(lease),
            Lease::Own { is_new: false } => {}
            // Another node counted it until now.
            Lease::Own { is_new: true } => self.way.health.take_over(&self.way.db, source).await?,
        }
        self.used.lock().insert(source, Instant::now());
        Ok(lease)
    }

    /// Returns the frames whose sources are this node's to take.
    async fn own(&self, frames: &[Frame]) -> Result<Vec<Frame>, AppendError> {
        let sources: BTreeSet<SourceId> = frames.iter().map(|frame| frame.source).collect();
        let mut elsewhere = BTreeMap::new();
        for source in sources.into_iter().filter(|source| *source != UNKNOWN_SOURCE) {
            if let Lease::Of(address) = self.lease(source).await.map_err(failed)? {
                elsewhere.insert(source, address);
            }
        }
        let own: Vec<Frame> =
            frames.iter().filter(|frame| !elsewhere.contains_key(&frame.source)).cloned().collect();
        let rest = frames.len().saturating_sub(own.len());
        match elsewhere.into_iter().next() {
            Some((_, address)) if own.is_empty() => return Err(AppendError::Elsewhere(address)),
            // Datagrams of several senders: nothing can be held back of those that are elsewhere.
            Some((source, _)) => self.way.counters.rejected(source, rest as u64),
            None => {}
        }
        Ok(own)
    }

    /// Notes something received; `None` while the same request is on its way already.
    fn unsettled(&self, frames: &[Frame], mark: &[u8]) -> Option<Unsettled<'_>> {
        let first = frames.iter().map(|frame| frame.collected_at).min();
        let request = mark.starts_with(REQUEST_MARK.as_bytes()).then(|| mark.to_vec());
        let mut open = self.open.lock();
        if let Some(request) = &request
            && !open.requests.insert(request.clone())
        {
            return None;
        }
        open.next = open.next.wrapping_add(1);
        let received = (first.unwrap_or_else(|| self.way.db.now()), open.next);
        open.received.insert(received);
        Some(Unsettled { direct: self, received, request })
    }

    /// Stores what comes until `stop`, and then what waits.
    pub(crate) async fn run(
        self: Arc<Self>,
        requests: Requests,
        wait: Duration,
        stop: CancellationToken,
    ) {
        let mut requests = requests.0;
        let places = Arc::new(Semaphore::new(BATCHES_AT_ONCE as usize));
        let mut audit = AuditJoin::default();
        loop {
            let first = tokio::select! {
                biased;
                first = requests.recv() => first,
                () = stop.cancelled() => None,
            };
            let Some(first) = first else { break };
            let batch = gather(first, &mut requests, wait).await;
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let frames: Vec<Frame> =
                batch.iter().flat_map(|request| request.frames.iter().cloned()).collect();
            let decoded = self.way.decode(Batch { position: SpoolPosition(0), frames }).await;
            let decoded = decoded.map(|mut decoded| {
                decoded.events.iter_mut().for_each(|event| audit.join(event));
                decoded
            });
            let own = Arc::clone(&self);
            tokio::spawn(async move {
                own.store(batch, decoded).await;
                drop(place);
            });
        }
        // What is on its way is stored, and its senders are told.
        drop(places.acquire_many(BATCHES_AT_ONCE).await);
    }

    async fn store(&self, batch: Vec<Request>, decoded: Option<Decoded>) {
        let counted = if self.node.is_some() { Counted::Here } else { Counted::Elsewhere };
        let marks: Vec<Vec<u8>> = batch
            .iter()
            .filter(|request| !request.mark.is_empty())
            .map(|request| request.mark.clone())
            .collect();
        let stored = match decoded {
            Some(decoded) => self.way.store_for_good(decoded, &marks, counted).await,
            None => Err("decoding failed".into()),
        };
        let answer = stored.map_err(|error| {
            let error = web::chain(error.as_ref());
            tracing::error!(error, "records cannot be stored; their senders keep them");
            AppendError::Failed(Arc::new(io::Error::other(error)))
        });
        for request in batch {
            self.waiting_bytes.fetch_sub(request.bytes, Ordering::AcqRel);
            // A sender that went away meanwhile sends again, and is then told.
            drop(request.done.send(answer.clone()));
        }
    }

    /// Lets go of the leases of sources that are silent here, until `stop`.
    pub(crate) async fn release_idle(self: Arc<Self>, stop: CancellationToken) {
        let Some(node) = self.node.clone() else { return };
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
            let mut idle = Vec::new();
            self.used.lock().retain(|source, at| {
                let stays = at.elapsed() < LEASE_IDLE;
                if !stays {
                    idle.push(source_lease(*source));
                }
                stays
            });
            if idle.is_empty() {
                continue;
            }
            // What was counted here must be read by whoever takes the source next.
            let snapshot = self.way.registry.snapshot();
            let flushed = self.way.health.flush(&self.way.db, &snapshot).await;
            let released = match flushed {
                Ok(()) => node.release(&idle).await,
                Err(error) => Err(error),
            };
            if let Err(error) = released {
                tracing::warn!(error = web::chain(&error), "idle sources could not be let go");
            }
        }
    }
}

#[async_trait]
impl Durable for Direct {
    async fn keep(&self, frames: &[Frame], mark: &[u8]) -> Result<SpoolPosition, AppendError> {
        // The same request again, while it is under way: not known yet what becomes of it.
        let unsettled = self.unsettled(frames, mark).ok_or(AppendError::Full)?;
        if unsettled.request.is_some()
            && cluster::has_mark(self.way.db.conn(), mark).await.map_err(failed)?
        {
            return Ok(SpoolPosition(0));
        }
        let frames = self.own(frames).await?;
        let bytes: u64 = frames.iter().map(|frame| frame.bytes.len() as u64 + FRAME_BYTES).sum();
        if self.waiting_bytes.fetch_add(bytes, Ordering::AcqRel) > WAITING_BYTES_MAX {
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(AppendError::Full);
        }
        let (done, answer) = oneshot::channel();
        let request = Request { frames, mark: mark.to_vec(), bytes, done };
        if self.requests.send(request).await.is_err() {
            return Err(AppendError::Closed);
        }
        answer.await.map_err(|_gone| AppendError::Closed)??;
        drop(unsettled);
        Ok(SpoolPosition(0))
    }

    fn takes_more(&self) -> bool {
        self.waiting_bytes.load(Ordering::Acquire) <= WAITING_BYTES_MAX
    }

    fn stream_bytes_ahead(&self) -> usize {
        STREAM_BYTES_AHEAD
    }
}

fn failed(error: db::DbError) -> AppendError {
    AppendError::Failed(Arc::new(io::Error::other(error)))
}

/// Returns what comes within a moment, up to the size of a batch.
async fn gather(
    first: Request,
    requests: &mut mpsc::Receiver<Request>,
    wait: Duration,
) -> Vec<Request> {
    let until = tokio::time::Instant::now() + wait;
    let mut bytes = first.bytes;
    let mut batch = vec![first];
    while bytes < BATCH_BYTES_MAX {
        match tokio::time::timeout_at(until, requests.recv()).await {
            Ok(Some(request)) => {
                bytes += request.bytes;
                batch.push(request);
            }
            Ok(None) | Err(_) => break,
        }
    }
    batch
}
