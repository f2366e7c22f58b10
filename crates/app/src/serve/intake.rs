//! The listeners: who may send, where they stand, which files are followed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use collect::files::{FileListener, FileSettings, Pattern};
use collect::http::{HttpListener, HttpSettings};
use collect::syslog::{StreamSettings, TcpSyslog, TlsFiles, UdpSyslog, server_config};
use collect::{Balancers, Intake, SourceDirectory};
use event::SourceId;
use registry::source;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::direct::Direct;
use crate::config::{Config, SyslogConfig, Transport};

/// The registry as the collectors ask it.
#[derive(Debug)]
pub(crate) struct Senders(pub(crate) Arc<registry::Directory>);

impl SourceDirectory for Senders {
    fn by_token(&self, token: &str) -> Option<SourceId> {
        self.0.snapshot().by_token(token)
    }

    fn by_listener(&self, listener: &str, peer: IpAddr) -> Option<SourceId> {
        self.0.snapshot().by_listener(listener, peer)
    }
}

/// Opens every listener and starts it; nothing runs if one of them cannot be opened.
pub(crate) async fn start(
    config: &Config,
    intake: &Arc<Intake>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<source::Intake> {
    let mut starts: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
    let mut shown = Vec::new();
    for syslog in &config.intake.syslog {
        let name = &syslog.name;
        let port;
        if syslog.transport == Transport::Udp {
            let listener = UdpSyslog::bind(name, syslog.listen, Arc::clone(intake))?;
            port = listener.address().port();
            let (tasks, stop) = (tasks.clone(), stop.clone());
            starts.push(Box::new(move || drop(tasks.spawn(listener.run(stop)))));
        } else {
            let tls = tls_of(syslog)?;
            let settings = StreamSettings {
                balancers: Balancers::new(syslog.proxy_protocol_from.clone()),
                ..StreamSettings::default()
            };
            let own = Arc::clone(intake);
            let listener = TcpSyslog::bind(name, syslog.listen, tls, settings, own).await?;
            port = listener.address().port();
            let (tasks, stop) = (tasks.clone(), stop.clone());
            starts.push(Box::new(move || drop(tasks.spawn(listener.run(stop)))));
        }
        let transport = syslog.transport.word().to_owned();
        tracing::info!(listener = %name, transport, port, "syslog is listening");
        shown.push(source::IntakeListener { name: name.clone(), transport, port });
    }
    let http = http(config, intake).await?;
    let address = http.address();
    let (own_tasks, own_stop) = (tasks.clone(), stop.clone());
    starts.push(Box::new(move || drop(own_tasks.spawn(http.run(own_stop)))));
    for start in starts {
        start();
    }
    let scheme = if config.intake.http.certificate.is_some() { "https" } else { "http" };
    tracing::info!(%address, scheme, "HTTP intake is listening");
    let host = match config.site.host.as_str() {
        "" => address.ip().to_string(),
        host => host.to_owned(),
    };
    let http_url = format!("{scheme}://{host}:{}", address.port());
    Ok(source::Intake { host, http_url, syslog: shown })
}

async fn http(config: &Config, intake: &Arc<Intake>) -> Result<HttpListener> {
    let http = &config.intake.http;
    let tls = match (&http.certificate, &http.key) {
        (Some(certificate), Some(key)) => {
            Some(server_config(&tls_files(certificate, key, None)).context("opening HTTP intake")?)
        }
        _ => None,
    };
    let settings = HttpSettings {
        connections_max: http.connections_max,
        body_bytes_max: http.body_bytes_max,
        balancers: Balancers::new(http.proxy_protocol_from.clone()),
        ..HttpSettings::default()
    };
    Ok(HttpListener::bind(http.listen, tls, settings, Arc::clone(intake)).await?)
}

fn tls_of(syslog: &SyslogConfig) -> Result<Option<Arc<rustls::ServerConfig>>> {
    if syslog.transport != Transport::Tls {
        return Ok(None);
    }
    let (Some(certificate), Some(key)) = (&syslog.certificate, &syslog.key) else {
        return Ok(None);
    };
    let files = tls_files(certificate, key, syslog.client_ca.as_deref());
    let opened = server_config(&files)
        .with_context(|| format!("opening syslog listener `{}`", syslog.name))?;
    Ok(Some(opened))
}

pub(crate) fn tls_files(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> TlsFiles {
    TlsFiles {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        client_ca: client_ca.map(Path::to_owned),
    }
}

/// Who follows a source's files, and from where on.
#[derive(Debug, Clone)]
pub(crate) enum Turns {
    /// This machine alone; the spool says how far it was.
    Alone(Vec<Bytes>),
    /// Whichever node of several takes the source's records; the database says how far it was.
    Shared(Arc<Direct>),
}

impl Turns {
    /// Leaves out the sources that another node takes.
    async fn keep_own(&self, wanted: &mut BTreeMap<SourceId, String>) {
        let Self::Shared(direct) = self else { return };
        let mut own = BTreeMap::new();
        for (source, path) in std::mem::take(wanted) {
            if direct.takes(source).await {
                own.insert(source, path);
            }
        }
        *wanted = own;
    }

    /// Returns how far the files of a source were read; `None` while nobody can say.
    async fn marks(&self, source: SourceId) -> Option<Vec<Bytes>> {
        match self {
            Self::Alone(marks) => Some(marks.clone()),
            Self::Shared(direct) => direct.marks(source).await,
        }
    }
}

/// How often the registry is asked which files to follow.
const FILES_EVERY: Duration = Duration::from_secs(5);

/// Follows the files that the registry names, and begins and ends with its changes.
pub(crate) async fn follow_files(
    config: Config,
    registry: Arc<registry::Directory>,
    intake: Arc<Intake>,
    turns: Turns,
    stop: CancellationToken,
) {
    let mut running: BTreeMap<SourceId, (String, CancellationToken)> = BTreeMap::new();
    let tasks = TaskTracker::new();
    while !stop.is_cancelled() {
        let mut wanted: BTreeMap<SourceId, String> =
            registry.snapshot().files().into_iter().collect();
        turns.keep_own(&mut wanted).await;
        running.retain(|source, (path, own)| {
            let stays = wanted.get(source) == Some(path);
            if !stays {
                own.cancel();
            }
            stays
        });
        for (source, path) in wanted {
            if running.contains_key(&source) {
                continue;
            }
            let Some(marks) = turns.marks(source).await else { continue };
            let own = stop.child_token();
            match follow(&config, source, &path, &marks, &intake) {
                Ok(listener) => {
                    tracing::info!(%source, path, "following files");
                    tasks.spawn(listener.run(own.clone()));
                }
                Err(error) => tracing::error!(%source, path, "cannot follow files: {error:#}"),
            }
            // Also one that cannot be followed: said once, until its path changes.
            running.insert(source, (path, own));
        }
        tokio::select! {
            () = tokio::time::sleep(FILES_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    tasks.close();
    tasks.wait().await;
}

fn follow(
    config: &Config,
    source: SourceId,
    path: &str,
    marks: &[Bytes],
    intake: &Arc<Intake>,
) -> Result<FileListener> {
    let allowed = &config.intake.file_folders;
    let inside = allowed.iter().any(|folder| Path::new(path).starts_with(folder));
    let climbs = Path::new(path).components().any(|part| part == std::path::Component::ParentDir);
    anyhow::ensure!(
        !climbs && (allowed.is_empty() || inside),
        "not in a folder of `intake.file_folders`"
    );
    let pattern: Pattern = path.parse()?;
    let settings = FileSettings {
        source,
        patterns: vec![pattern],
        checkpoint: config.site.data_folder.join("files").join(format!("{source}.json")),
        poll: Duration::from_millis(config.intake.file_poll_ms.max(10)),
        from_start: true,
    };
    Ok(FileListener::open(settings, marks, Arc::clone(intake))?)
}
