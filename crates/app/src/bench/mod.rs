//! `luytre bench ingest`: starts a platform of its own in a temporary folder, sends to it over real
//! sockets, and tells how many events a second it takes, how soon they can be searched, and what
//! that costs. The generator's share of the processor is told apart, so that the figure is honest.

mod detect;
#[cfg(feature = "distributed")]
mod distributed;
mod gauge;
mod hunt;
mod lake;
pub(crate) mod load;
mod probe;
pub(crate) mod province;
mod readers;
mod registry;
mod report;
mod respond;
mod searches;
mod visitor;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::config::{Config, Transport};
use crate::serve::{Platform, open_db};
use load::{Lines, Load};
use probe::Probes;
use province::Province;
use report::Report;
use searches::Searches;

pub use detect::{DetectArguments, run as detect};
#[cfg(feature = "distributed")]
pub use distributed::{DistributedArguments, run as distributed};
pub use hunt::{HuntArguments, run as hunt};
pub use lake::{ColdArguments, LakeArguments, cold, run as lake};
pub use registry::{RegistryArguments, run as registry};
pub use respond::{RespondArguments, run as respond};

/// What to measure.
#[derive(Debug, Args)]
pub struct IngestArguments {
    /// How long to send
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Events per second to send in all; 0 sends as fast as they are taken
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Send the lines of this file instead of the built-in mix of 500-byte events
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Senders of HTTP bulk requests
    #[arg(long, default_value_t = 2)]
    http: usize,
    /// Senders of octet-counted syslog over TCP
    #[arg(long, default_value_t = 1)]
    tcp: usize,
    /// Where to put the platform's data
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Leave the data there, to look at pages over it
    #[arg(long, requires = "folder")]
    keep: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How long the platform may take to work off what it accepted.
const DRAIN: Duration = Duration::from_mins(2);

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Measures and prints.
///
/// # Errors
///
/// When the platform cannot be started or a sender fails.
pub fn ingest(arguments: &IngestArguments) -> Result<()> {
    let folder = arguments.folder.as_deref();
    let measured =
        in_own_folder(folder, arguments.keep, async |folder| measure(arguments, folder).await)?;
    report::print(&measured, arguments.json)
}

/// Measures in a folder of its own below another (the system's own for what does not last unless given); it goes
/// with what lies in it unless it is kept.
fn in_own_folder<T>(
    below: Option<&Path>,
    keep: bool,
    measure: impl AsyncFnOnce(&Path) -> Result<T>,
) -> Result<T> {
    let base = below.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = base.join(format!("luytre-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let measured = runtime.block_on(measure(&folder));
    drop(runtime);
    if keep {
        println!("data kept in {}", folder.display());
    } else if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the bench's folder stays");
    }
    measured
}

pub(crate) fn config_in(folder: &Path) -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    folder.clone_into(&mut config.site.data_folder);
    config.web.listen = any;
    config.intake.http.listen = any;
    config.intake.syslog.retain(|listener| listener.transport == Transport::Tcp);
    for listener in &mut config.intake.syslog {
        listener.listen = any;
    }
    config
}

async fn measure(arguments: &IngestArguments, folder: &Path) -> Result<Report> {
    let config = config_in(folder);
    let db = open_db(&config).await?;
    let province = province::found(&db).await?;
    drop(db);
    let platform = Platform::start(config).await?;
    let load = Arc::new(load_for(arguments, &platform, &province)?);
    let started = Instant::now();
    let before = gauge::cpu_time(load::PREFIX);
    let threads = load.start(arguments.http, arguments.tcp).context("starting the senders")?;
    let probes = Probes::start(load.http, &province.token, Arc::clone(&platform.lake));
    let searches = Searches::start(Arc::clone(&platform.lake));
    let mut rss_max = 0;
    while started.elapsed() < Duration::from_secs(arguments.seconds) {
        tokio::time::sleep(LOOK_EVERY).await;
        rss_max = rss_max.max(gauge::rss_bytes());
    }
    let after = gauge::cpu_time(load::PREFIX);
    let sending = started.elapsed();
    let accepted = received(&platform, &province);
    load.stop.store(true, Ordering::Relaxed);
    let latencies = probes.end().await?;
    let searches = searches.end().await?;
    for thread in threads {
        let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
        ended.map_err(|_panic| anyhow::anyhow!("a sender failed"))?.context("sending")?;
    }
    let drained = drain(&platform, &province).await;
    rss_max = rss_max.max(gauge::rss_bytes());
    let report = Report {
        seconds: sending.as_secs_f64(),
        sent: load.sent.load(Ordering::Relaxed),
        accepted,
        accepted_http: load.accepted_http.load(Ordering::Relaxed),
        told_to_wait: load.told_to_wait.load(Ordering::Relaxed),
        searchable: drained.searchable,
        dead: drained.dead,
        lost: drained.lost,
        drain_s: drained.took.as_secs_f64(),
        latencies,
        searches,
        rss_max_bytes: rss_max,
        rss_end_bytes: gauge::rss_bytes(),
        generator_cpu_s: after.generator_s - before.generator_s,
        platform_cpu_s: after.platform_s - before.platform_s,
    };
    platform.stop().await;
    Ok(report)
}

fn load_for(arguments: &IngestArguments, platform: &Platform, province: &Province) -> Result<Load> {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let http = platform.intake.http_url.rsplit(':').next().and_then(|port| port.parse().ok());
    let syslog = platform.intake.syslog.first().map(|listener| listener.port);
    let senders = u64::try_from(arguments.http.saturating_add(arguments.tcp)).unwrap_or(1).max(1);
    let lines = match &arguments.input {
        None => Lines::mixed(),
        Some(path) => Lines::read(path).with_context(|| format!("reading {}", path.display()))?,
    };
    Ok(Load {
        http: local(http.context("the HTTP intake has no port")?),
        syslog: local(syslog.context("there is no syslog listener")?),
        token: province.token.clone(),
        rate: if arguments.rate == 0 { 0 } else { (arguments.rate / senders).max(1) },
        lines,
        stop: AtomicBool::new(false),
        sent: AtomicU64::new(0),
        accepted_http: AtomicU64::new(0),
        told_to_wait: AtomicU64::new(0),
    })
}

/// Returns how many records are durable in the spool so far.
fn received(platform: &Platform, province: &Province) -> u64 {
    [province.http, province.syslog]
        .into_iter()
        .filter_map(|source| platform.counters.of(source))
        .map(|count| count.received)
        .sum()
}

/// What came of it all.
struct Drained {
    searchable: u64,
    dead: u64,
    lost: u64,
    took: Duration,
}

/// Waits until everything accepted is in the lake or among the dead letters.
async fn drain(platform: &Platform, province: &Province) -> Drained {
    let started = Instant::now();
    loop {
        let received = received(platform, province);
        let now = platform.db.now();
        let dead = [province.http, province.syslog]
            .map(|source| platform.health.of(source, now).dead)
            .into_iter()
            .sum::<u64>();
        let stats = event::LakeReader::stats(platform.lake.as_ref()).await;
        let searchable = stats.map_or(0, |stats| stats.events);
        let lost = received.saturating_sub(searchable.saturating_add(dead));
        if lost == 0 || started.elapsed() > DRAIN {
            return Drained { searchable, dead, lost, took: started.elapsed() };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Returns the middle of some measurements.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}
