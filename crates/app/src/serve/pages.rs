//! The pages: the site of all slices, on its own address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::from_fn;
use collect::syslog::server_config;
use decode::Decoder;
use event::{IdSource, SystemClock};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use registry::source::ParserInfo;
use respond::Desk;
use respond::incident::IncidentWork;
use respond::order::OrderWork;
use respond::room::RoomWork;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use web::identity::{Door, DoorError};
use web::outbound::Outbound;
use web::proxy::{TrustedProxies, trust};
use web::todo::Todos;
use web::{NavCounts, NavNumbers, RouteInfo, Settings, Who};

use super::intake::tls_files;
use super::names::Tree;
use crate::cluster::Told;
use crate::config::{Config, SecondFactor};

/// What the pages stand on.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) desk: Desk,
    pub(crate) registry: registry::Registry,
    pub(crate) jobs: web::jobs::Jobs,
    pub(crate) archive: Arc<dyn registry::keeping::Archive>,
    pub(crate) live: web::Live,
    pub(crate) postman: web::notify::Postman,
    pub(crate) webhooks: web::webhook::Webhooks,
}

/// Browsers at once; a province's centre has some dozens of readers.
const CONNECTIONS_MAX: usize = 2048;

/// How long a browser may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long open pages may finish when the platform ends; a live stream never would.
const FAREWELL: Duration = Duration::from_secs(3);

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pages, served.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Where.
    pub(crate) address: SocketAddr,
    /// The one-time link for the first administrator, if there is no account yet.
    pub(crate) first_run_link: Option<String>,
    /// What answers.
    pub(crate) router: Router,
    /// Every route in it.
    pub(crate) routes: Vec<RouteInfo>,
}

/// Opens the pages and serves them until `stop`.
pub(crate) async fn start(
    config: &Config,
    site: Site,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Opened> {
    let tls = match (&config.web.certificate, &config.web.key) {
        (Some(certificate), Some(key)) => {
            Some(server_config(&tls_files(certificate, key, None)).context("opening the pages")?)
        }
        _ => None,
    };
    let listen = config.web.listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let db = site.desk.db.clone();
    let link = web::identity::first_run_link(&db, &format!("{scheme}://{address}")).await?;
    let (router, routes) = router(config, site)?;
    tasks.spawn(accept(listener, tls, router.clone(), stop.clone()));
    Ok(Opened { address, first_run_link: link, router, routes })
}

fn router(config: &Config, site: Site) -> Result<(Router, Vec<RouteInfo>)> {
    let settings = Arc::new(Settings {
        province: config.site.province.clone(),
        tls: config.web.tls || config.web.certificate.is_some(),
    });
    let outbound = Outbound::new(config.outbound.settings()?).context("opening the way out")?;
    let db = site.desk.db.clone();
    let tree = Arc::new(Tree(Arc::clone(&site.registry.directory)));
    let identity = web::identity::Identity::new(db, tree, Arc::clone(&settings))
        .with_grave_acts(respond::grave_acts(&site.desk))
        .with_door(door(config, &outbound).context("opening the pages")?);
    let counts = Counts { desk: site.desk.clone() };
    let work = Todos::new(vec![
        Arc::new(identity.approvals()),
        Arc::new(IncidentWork(site.desk.clone())),
        Arc::new(RoomWork(site.desk.clone())),
        Arc::new(OrderWork(site.desk.clone())),
        Arc::new(site.registry.clone()),
    ]);
    let keeping = registry::keeping::Keeping {
        registry: site.registry.clone(),
        archive: site.archive,
        months: config.keeping.months,
    };
    let nodes = registry::node::Nodes {
        registry: site.registry.clone(),
        teller: Arc::new(Told::new(site.desk.db.clone(), config.cluster.on)),
    };
    let routes = identity
        .routes()
        .merge(web::todo::routes(work))
        .merge(registry::routes(site.registry))
        .merge(registry::keeping::routes(keeping))
        .merge(registry::node::routes(nodes))
        .merge(respond::routes(site.desk))
        .merge(site.postman.routes())
        .merge(site.webhooks.routes())
        .merge(site.jobs.routes());
    let site = web::Site {
        settings,
        clock: Arc::new(SystemClock),
        ids: Arc::new(IdSource::from_os()),
        visitors: Arc::new(identity),
        counts: Arc::new(counts),
        live: site.live,
    };
    let proxies = TrustedProxies::new(config.web.trusted_proxies.clone());
    let trusted = from_fn(move |request, next| trust(proxies.clone(), request, next));
    let list = routes.list().to_vec();
    Ok((web::serve(site, routes).layer(trusted), list))
}

/// Returns what the door asks for.
fn door(config: &Config, outbound: &Outbound) -> Result<Door, DoorError> {
    let mut door = Door::default().forcing(config.web.second_factor == SecondFactor::Privileged);
    if let Some(settings) = config.oidc.settings(&config.web.address) {
        door = door.with_provider(settings, outbound.clone());
    }
    if config.web.address.is_empty() {
        return Ok(door);
    }
    door.with_passkeys(&config.web.address, &config.site.province)
}

/// Returns the parsers as the registry shows them.
pub(crate) fn parsers(decoder: &Decoder) -> Arc<[ParserInfo]> {
    decoder
        .sources()
        .map(|source| ParserInfo {
            id: source.id.to_string(),
            title_vi: source.title_vi.clone(),
            title_en: source.title_en.clone(),
            connect_vi: source.connect_vi.clone(),
            connect_en: source.connect_en.clone(),
        })
        .collect()
}

/// The numbers beside the places of the navigation.
#[derive(Debug)]
struct Counts {
    desk: Desk,
}

#[async_trait]
impl NavCounts for Counts {
    async fn numbers(&self, who: &Who) -> NavNumbers {
        let silent = self.desk.directory.silent(&who.scope).len();
        let sources = web::NavCount {
            place: "/sources",
            number: u64::try_from(silent).unwrap_or(u64::MAX),
            tone: web::Tone::Warn,
        };
        let mut places = respond::nav_counts(&self.desk, who).await;
        places.push(sources);
        places.extend(web::jobs::nav_count(&self.desk.db, who).await);
        let deadlines = respond::nearest_deadline(&self.desk, who).await;
        let unread = web::notify::unread(&self.desk.db, who).await.unwrap_or_default();
        NavNumbers { places, deadlines, unread }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file handles, mostly; those of closed connections come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
        tasks.spawn(async move {
            connection(stream, peer, tls, router, stop).await;
            drop(place);
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let Some(tls) = tls else { return exchange(stream, peer, router, stop).await };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
        exchange(stream, peer, router, stop).await;
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_TIMEOUT);
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
        tracing::debug!(error, %peer, "a browser's connection ended early");
    }
}
