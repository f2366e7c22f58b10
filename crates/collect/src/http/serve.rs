//! The HTTP listener: connections, TLS, limits on how many and how slow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::Peer;
use crate::intake::Intake;
use crate::limits;
use crate::proxy_protocol::Balancers;
use crate::syslog::ListenError;

/// What the HTTP listener allows.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Connections at once; more are closed at once.
    pub connections_max: usize,
    /// One request's decompressed body.
    pub body_bytes_max: usize,
    /// How long a client may take for a request's head.
    pub head_timeout: Duration,
    /// Load balancers, whose connections begin with a PROXY header.
    pub balancers: Balancers,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            body_bytes_max: limits::BODY_BYTES_MAX,
            head_timeout: limits::HTTP_HEAD,
            balancers: Balancers::default(),
        }
    }
}

/// An HTTP (or HTTPS) listener for records.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    settings: HttpSettings,
    intake: Arc<Intake>,
}

/// How long open requests may go on after `stop`.
const FAREWELL: Duration = Duration::from_secs(5);

impl HttpListener {
    /// Opens the listener; with a TLS configuration it speaks HTTPS only.
    ///
    /// # Errors
    ///
    /// Returns an error when the address cannot be had.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        settings: HttpSettings,
        intake: Arc<Intake>,
    ) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, tls, settings, intake })
    }

    /// Returns the address that the listener has.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets open requests finish and returns.
    pub async fn run(self, stop: CancellationToken) {
        let router = super::router(Arc::clone(&self.intake), self.settings.body_bytes_max);
        let places = Arc::new(Semaphore::new(self.settings.connections_max));
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    tokio::time::sleep(limits::PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.intake.counters.gate.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let connection = Connection {
                router: router.clone(),
                peer,
                head_timeout: self.settings.head_timeout,
                balancers: self.settings.balancers.clone(),
                intake: Arc::clone(&self.intake),
                stop: stop.clone(),
                _place: place,
            };
            tasks.spawn(connection.run(stream, self.tls.clone()));
        }
        tasks.close();
        tasks.wait().await;
    }
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    head_timeout: Duration,
    balancers: Balancers,
    intake: Arc<Intake>,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>) {
        let intake = Arc::clone(&self.intake);
        intake.counters.gate.open.fetch_add(1, Ordering::Relaxed);
        self.proxied(stream, tls).await;
        intake.counters.gate.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Serves whoever really sends.
    async fn proxied(mut self, mut stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>) {
        let sender = self.balancers.sender(&mut stream, self.peer).await;
        let Some(peer) = self.intake.proxied(sender, self.peer, "http") else { return };
        self.peer = peer;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        match tls {
            None => self.serve(stream).await,
            Some(tls) => {
                let handshake = TlsAcceptor::from(tls).accept(stream);
                match tokio::time::timeout(limits::TLS_HANDSHAKE, handshake).await {
                    Ok(Ok(stream)) => self.serve(stream).await,
                    Ok(Err(error)) => tracing::info!(%error, "TLS was not agreed on"),
                    Err(_elapsed) => tracing::info!("the TLS handshake took too long"),
                }
            }
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, peer, head_timeout, stop, .. } = &self;
        let (router, peer) = (router.clone(), *peer);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
            router.clone().oneshot(request.map(Body::new))
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(*head_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits::HTTP_HEAD)
            .max_concurrent_streams(64);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(FAREWELL, connection).await {
                    Ok(ended) => ended,
                    Err(_elapsed) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, %peer, "an HTTP connection ended early");
        }
    }
}
