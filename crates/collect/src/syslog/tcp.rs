//! Syslog over TCP, plain or TLS: one task for each connection, at most one read in memory. While
//! the spool has no room the connection is not read, and TCP tells the sender to wait.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ListenError;
use crate::framing::{Framer, Piece};
use crate::intake::{Elsewhere, Intake, Sender};
use crate::limits;
use crate::proxy_protocol::Balancers;

/// What a stream listener allows.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    /// Connections at once; more are closed at once.
    pub connections_max: usize,
    /// A connection that sends nothing for so long is closed.
    pub idle: Duration,
    /// A record may stay unfinished for so long.
    pub unfinished: Duration,
    /// Load balancers, whose connections begin with a PROXY header.
    pub balancers: Balancers,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            idle: limits::STREAM_IDLE,
            unfinished: limits::RECORD_UNFINISHED,
            balancers: Balancers::default(),
        }
    }
}

/// A TCP or TLS syslog listener.
#[derive(Debug)]
pub struct TcpSyslog {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    streams: Arc<Streams>,
}

/// What the connections of one listener share.
#[derive(Debug)]
struct Streams {
    name: String,
    settings: StreamSettings,
    intake: Arc<Intake>,
    /// Bytes of unfinished records in all connections.
    unfinished_bytes: AtomicUsize,
}

impl TcpSyslog {
    /// Opens the listener; with a TLS configuration every connection must be TLS.
    ///
    /// # Errors
    ///
    /// Returns an error when the address cannot be had.
    pub async fn bind(
        name: &str,
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        settings: StreamSettings,
        intake: Arc<Intake>,
    ) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let name = name.to_owned();
        let unfinished_bytes = AtomicUsize::new(0);
        let streams = Arc::new(Streams { name, settings, intake, unfinished_bytes });
        Ok(Self { listener, address, tls, streams })
    }

    /// Returns the address that the listener has.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until `stop`; then every connection keeps what it has read, and the
    /// function returns.
    pub async fn run(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.streams.settings.connections_max));
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, mostly: those of closed connections come back.
                    tracing::warn!(%error, listener = %self.streams.name, "cannot accept");
                    tokio::time::sleep(limits::PAUSE).await;
                    continue;
                }
            };
            let gate = &self.streams.intake.counters.gate;
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                gate.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let streams = Arc::clone(&self.streams);
            let tls = self.tls.clone();
            let stop = stop.clone();
            tasks.spawn(async move {
                let gate = &streams.intake.counters.gate;
                gate.open.fetch_add(1, Ordering::Relaxed);
                streams.connection(stream, peer, tls, &stop).await;
                gate.open.fetch_sub(1, Ordering::Relaxed);
                drop(place);
            });
        }
        tasks.close();
        tasks.wait().await;
    }
}

impl Streams {
    async fn connection(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        stop: &CancellationToken,
    ) {
        let sender = self.settings.balancers.sender(&mut stream, peer).await;
        let Some(peer) = self.intake.proxied(sender, peer, &self.name) else { return };
        let Some(tls) = tls else {
            return self.read(stream, peer, stop).await;
        };
        let handshake = TlsAcceptor::from(tls).accept(stream);
        match tokio::time::timeout(limits::TLS_HANDSHAKE, handshake).await {
            Ok(Ok(stream)) => self.read(stream, peer, stop).await,
            Ok(Err(error)) => {
                tracing::info!(%error, %peer, listener = %self.name, "TLS was not agreed on");
            }
            Err(_elapsed) => {
                tracing::info!(%peer, listener = %self.name, "the TLS handshake took too long");
            }
        }
    }

    /// Reads one stream to its end, each read durable before the next; where that takes long, some reads ahead.
    async fn read(
        &self,
        mut stream: impl AsyncRead + Unpin,
        peer: SocketAddr,
        stop: &CancellationToken,
    ) {
        let mut framer = Framer::new();
        let mut held = Held { streams: self, bytes: 0 };
        let mut pieces = Vec::new();
        let mut buffer = vec![0; limits::STREAM_READ_BYTES];
        let mut unfinished_since = None;
        let mut keeping = Keeping::default();
        loop {
            let patience = match unfinished_since {
                None => self.settings.idle,
                Some(since) => self.settings.unfinished.saturating_sub(elapsed(since)),
            };
            let read = tokio::select! {
                biased;
                kept = keeping.done(), if keeping.is_busy() => {
                    if !kept {
                        return;
                    }
                    keeping.ahead = 0;
                    self.keep_on(&mut keeping, &mut pieces, peer, stop);
                    continue;
                }
                read = tokio::time::timeout(patience, stream.read(&mut buffer)),
                    if keeping.may_read(self.intake.durable.stream_bytes_ahead()) => read,
                () = stop.cancelled() => break,
            };
            let count = match read {
                Ok(Ok(count)) if count > 0 => count,
                // The end, an error (a peer that vanished) or too long a silence.
                _ => break,
            };
            let before = pieces.len();
            framer.push(buffer.get(..count).unwrap_or_default(), &mut pieces);
            let whole = pieces.len() > before;
            keeping.ahead = keeping.ahead.saturating_add(count);
            self.keep_on(&mut keeping, &mut pieces, peer, stop);
            unfinished_since = match (framer.unfinished_bytes(), unfinished_since) {
                (0, _) => None,
                (_, Some(since)) if !whole => Some(since),
                _ => Some(tokio::time::Instant::now()),
            };
            if !held.set(framer.unfinished_bytes()) {
                tracing::warn!(%peer, listener = %self.name, "too many unfinished records: closed");
                break;
            }
        }
        framer.finish(&mut pieces);
        if keeping.done().await {
            self.keep(pieces, peer, stop).await;
        }
    }

    /// Begins to make pieces durable, unless others are on their way.
    fn keep_on<'a>(
        &'a self,
        keeping: &mut Keeping<'a>,
        pieces: &mut Vec<Piece>,
        peer: SocketAddr,
        stop: &'a CancellationToken,
    ) {
        if !keeping.is_busy() && !pieces.is_empty() {
            keeping.ahead = 0;
            keeping.under_way = Some(Box::pin(self.keep(std::mem::take(pieces), peer, stop)));
        }
    }

    async fn keep(&self, pieces: Vec<Piece>, peer: SocketAddr, stop: &CancellationToken) -> bool {
        if pieces.is_empty() {
            return true;
        }
        let peer = peer.ip().to_canonical();
        let source = self.intake.directory.by_listener(&self.name, peer);
        let frames = self.intake.frames(Sender { source, peer: Some(peer), request: None }, pieces);
        let kept = self.intake.accept_patiently(&frames, &[], Elsewhere::Close, stop).await;
        if !kept {
            let records = frames.len();
            tracing::warn!(%peer, listener = %self.name, records, "closed with records unkept");
        }
        kept
    }
}

/// What of a stream is becoming durable.
#[derive(Default)]
struct Keeping<'a> {
    under_way: Option<Pin<Box<dyn Future<Output = bool> + Send + 'a>>>,
    /// Bytes read since it began.
    ahead: usize,
}

impl Keeping<'_> {
    const fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    const fn may_read(&self, ahead_max: usize) -> bool {
        !self.is_busy() || self.ahead < ahead_max
    }

    /// Waits until it is durable; returns whether it is. May be given up and asked again.
    async fn done(&mut self) -> bool {
        let Some(under_way) = &mut self.under_way else { return true };
        let kept = under_way.await;
        self.under_way = None;
        kept
    }
}

fn elapsed(since: tokio::time::Instant) -> Duration {
    since.elapsed()
}

/// One connection's share of the unfinished bytes; given back when dropped.
struct Held<'a> {
    streams: &'a Streams,
    bytes: usize,
}

impl Held<'_> {
    /// Returns whether the listener may hold so much.
    fn set(&mut self, bytes: usize) -> bool {
        let total = &self.streams.unfinished_bytes;
        total.fetch_add(bytes, Ordering::AcqRel);
        let before = total.fetch_sub(self.bytes, Ordering::AcqRel);
        let grew = bytes > self.bytes;
        let now = before.saturating_sub(self.bytes);
        self.bytes = bytes;
        !grew || now <= limits::UNFINISHED_BYTES_MAX
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.streams.unfinished_bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
