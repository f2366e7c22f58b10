//! The intake: gives frames their id and time, makes them durable and counts them.

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, SubsecRound as _, Utc};
use event::{Clock, DeadReason, Frame, IdSource, SourceId, SpoolPosition};
use tokio_util::sync::CancellationToken;

use crate::Counters;
use crate::directory::{SourceDirectory, UNKNOWN_SOURCE};
use crate::durable::Durable;
use crate::framing::Piece;
use crate::limits;
use crate::proxy_protocol::ProxyError;
use crate::spool::AppendError;

/// What every listener needs. Shared by all of them.
#[derive(Debug)]
pub struct Intake {
    /// Where frames become durable.
    pub durable: Arc<dyn Durable>,
    /// Who may send.
    pub directory: Arc<dyn SourceDirectory>,
    /// What was received.
    pub counters: Arc<Counters>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Under which id.
    pub ids: Arc<IdSource>,
}

/// What the mark of a request begins with that names itself (`Idempotency-Key`); the rest is of this source and
/// this key alone.
pub const REQUEST_MARK: &str = "request:";

/// What becomes of frames whose source another node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elsewhere {
    /// They are given up and counted: of a datagram's sender nothing can be held back.
    GiveUp,
    /// Their connection is closed, so that the sender looks for the other node.
    Close,
}

/// Where a stream's pieces come from, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The source; `None` when no source names this peer.
    pub(crate) source: Option<SourceId>,
    /// The peer's address.
    pub(crate) peer: Option<IpAddr>,
    /// What a request calls itself, made of its source and its key.
    pub(crate) request: Option<[u8; 32]>,
}

impl Intake {
    /// Returns the present moment as the spool keeps it, in whole microseconds.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Returns frames for these pieces. From an unknown sender every one is dead.
    pub(crate) fn frames(
        &self,
        sender: Sender,
        pieces: impl IntoIterator<Item = Piece>,
    ) -> Vec<Frame> {
        let now = self.now();
        let unknown = sender.source.is_none().then(|| unknown_source(sender.peer));
        let source = sender.source.unwrap_or(UNKNOWN_SOURCE);
        self.ids
            .event_run(now)
            .zip(pieces)
            .map(|(id, piece)| Frame {
                id,
                source,
                collected_at: now,
                peer: sender.peer,
                bytes: piece.bytes,
                dead: unknown.clone().or(piece.dead),
            })
            .collect()
    }

    /// Returns who sends over a connection of this peer; nothing where it must be closed, which is counted.
    pub(crate) fn proxied(
        &self,
        sender: Result<SocketAddr, ProxyError>,
        peer: SocketAddr,
        listener: &str,
    ) -> Option<SocketAddr> {
        let error = match sender {
            Ok(sender) => return Some(sender),
            Err(error) => error,
        };
        if !error.is_probe() {
            self.counters.gate.unproxied.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%error, %peer, listener, "a load balancer's connection is closed");
        }
        None
    }

    /// Makes frames durable: all of them, or none; with a mark that becomes durable in the same moment.
    pub(crate) async fn accept_marked(
        &self,
        frames: &[Frame],
        mark: &[u8],
    ) -> Result<SpoolPosition, AppendError> {
        match self.durable.keep(frames, mark).await {
            Ok(position) => {
                self.count(frames);
                Ok(position)
            }
            Err(error) => {
                let cell = match error {
                    // Nothing failed, and the sender is told where to go.
                    AppendError::Elsewhere(_) => return Err(error),
                    AppendError::Full => &self.counters.gate.full,
                    _ => &self.counters.gate.failed,
                };
                cell.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Makes frames durable, waiting for as long as the spool has no room. Returns whether they
    /// are: `false` only when `stop` was called, the spool is closed, or the sender must go elsewhere.
    pub(crate) async fn accept_patiently(
        &self,
        frames: &[Frame],
        mark: &[u8],
        elsewhere: Elsewhere,
        stop: &CancellationToken,
    ) -> bool {
        loop {
            match self.accept_marked(frames, mark).await {
                Ok(_) => return true,
                Err(AppendError::Closed) => return false,
                Err(AppendError::TooLarge) => {
                    tracing::error!(frames = frames.len(), "a batch was too large for the spool");
                    return false;
                }
                Err(AppendError::Elsewhere(node)) if elsewhere == Elsewhere::Close => {
                    tracing::info!(node, "a stream is closed: another node takes its source");
                    return false;
                }
                Err(AppendError::Elsewhere(_)) if elsewhere == Elsewhere::GiveUp => {
                    self.count_given_up(frames);
                    return true;
                }
                Err(AppendError::Full | AppendError::Failed(_) | AppendError::Elsewhere(_)) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(limits::PAUSE) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    fn count_given_up(&self, frames: &[Frame]) {
        for run in frames.chunk_by(|one, next| one.source == next.source) {
            if let Some(first) = run.first() {
                self.counters.rejected(first.source, run.len() as u64);
            }
        }
    }

    /// Counts durable frames, a run of one source at a time.
    fn count(&self, frames: &[Frame]) {
        for run in frames.chunk_by(|one, next| one.source == next.source) {
            let Some(last) = run.last() else { continue };
            let bytes = run.iter().map(|frame| frame.bytes.len() as u64).sum();
            self.counters.received(last.source, run.len() as u64, bytes, last.collected_at);
        }
    }
}

fn unknown_source(peer: Option<IpAddr>) -> DeadReason {
    let detail = match peer {
        Some(peer) => format!("no log source names the sender {peer}"),
        None => "no log source names the sender".to_owned(),
    };
    DeadReason::new("unknown-source", detail)
}
