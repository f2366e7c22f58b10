//! HTTP intake, on its own port: plain records (`POST /ingest`) and the part of Elasticsearch's API
//! that Filebeat, Vector, Fluent Bit, Logstash and rsyslog use to deliver.
//!
//! Every request needs a log source's token, whichever way the sender knows how to carry one. A
//! request is answered with success only after all its records are durable; when the spool is full
//! the answer is 429 with `Retry-After`, and nothing of the request was kept.

mod auth;
mod body;
mod bulk;
mod elastic;
mod ingest;
mod reply;
mod serve;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::{any, get, post};
use event::SourceId;
use tokio::sync::Semaphore;

pub(crate) use bulk::parse as parse_bulk;
pub use serve::{HttpListener, HttpSettings};

use crate::intake::{Intake, REQUEST_MARK, Sender};
use crate::limits;
use body::Received;
use reply::Refusal;

/// What the handlers share.
#[derive(Debug, Clone)]
struct Door {
    intake: Arc<Intake>,
    body_bytes_max: usize,
    /// One permit for each KiB of bodies in memory.
    memory: Arc<Semaphore>,
}

/// The sender's address, put into a request by [`HttpListener`].
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);

/// Returns the routes of the HTTP intake. `body_bytes_max` bounds one request's decompressed body.
pub fn router(intake: Arc<Intake>, body_bytes_max: usize) -> Router {
    let memory = Arc::new(Semaphore::new(limits::BODIES_BYTES_MAX / 1024));
    let door = Door { intake, body_bytes_max, memory };
    Router::new()
        .route("/", get(elastic::greet).post(ingest::either))
        .route("/ingest", get(elastic::greet).post(ingest::records))
        .route("/_bulk", post(elastic::bulk).put(elastic::bulk))
        .route("/{index}/_bulk", post(elastic::bulk).put(elastic::bulk))
        .route("/{index}/{kind}/_bulk", post(elastic::bulk).put(elastic::bulk))
        .route("/{index}/_doc", post(elastic::document))
        .route("/{index}/_doc/{id}", post(elastic::document).put(elastic::document))
        .route("/{index}/_create/{id}", post(elastic::document).put(elastic::document))
        .route("/_cluster/health", get(elastic::health))
        .route("/_cat/health", get(elastic::cat_health))
        .route("/_license", get(elastic::license))
        .route("/_xpack", get(elastic::license))
        .route("/_nodes/{*rest}", get(elastic::nodes))
        .fallback(any(elastic::anything))
        .layer(axum::middleware::from_fn(elastic::sign))
        .with_state(door)
}

/// A request whose token is known.
#[derive(Debug)]
struct Admitted {
    source: SourceId,
    sender: Sender,
    request: Request<Body>,
}

impl Door {
    /// Looks the token up before anything of the body is read.
    fn admit(&self, request: Request<Body>) -> Result<Admitted, Refusal> {
        let source = auth::candidates(request.headers())
            .iter()
            .find_map(|token| self.intake.directory.by_token(token));
        let Some(source) = source else {
            let gate = &self.intake.counters.gate;
            gate.unknown_token.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return Err(Refusal::UnknownToken);
        };
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
        let key = auth::request_key(request.headers(), source)?;
        let sender = Sender { source: Some(source), peer, request: key };
        Ok(Admitted { source, sender, request })
    }

    /// Reads the body of an admitted request, unless the spool is full anyway.
    async fn receive(&self, admitted: Admitted) -> Result<(Sender, Received), Refusal> {
        let received = if self.intake.durable.takes_more() {
            body::read(admitted.request, self.body_bytes_max, &self.memory).await
        } else {
            Err(Refusal::Full)
        };
        if let Err(refusal) = &received {
            if matches!(refusal, Refusal::Full) {
                let gate = &self.intake.counters.gate;
                gate.full.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            self.intake.counters.rejected(admitted.source, 1);
        }
        received.map(|received| (admitted.sender, received))
    }

    /// Makes the frames of one request durable.
    async fn keep(&self, sender: Sender, frames: &[event::Frame]) -> Result<(), Refusal> {
        if frames.is_empty() {
            return Ok(());
        }
        let mark = sender.request.map(|key| format!("{REQUEST_MARK}{}", hex::encode(key)));
        let mark = mark.as_deref().unwrap_or_default().as_bytes();
        let kept = self.intake.accept_marked(frames, mark).await;
        if let (Err(_), Some(source)) = (&kept, sender.source) {
            self.intake.counters.rejected(source, 1);
        }
        kept.map(drop).map_err(Refusal::from)
    }
}
