//! `luytre bench respond`: raises alerts by sending what rules find, opens incidents and an order to many
//! agencies, lets people work on them, and keeps many pages live at once; all over real sockets.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use chrono::TimeDelta;
use clap::Args;
use event::{Clock as _, LakeReader as _, SystemClock};
use futures::StreamExt as _;
use futures::stream;
use lake::Lake;
use serde_json::{Value, json};

use super::readers::{self, Page, Readers, Times};
use super::registry::sheets::{Size, agencies_file};
use super::visitor::{Stream, Visitor};
use super::{config_in, gauge, in_own_folder, province, registry};
use crate::config::SecondFactor;
use crate::serve::{Platform, open_db};

/// What to measure.
#[derive(Debug, Args)]
pub struct RespondArguments {
    /// Alerts to raise
    #[arg(long, default_value_t = 20_000)]
    alerts: u64,
    /// Days that the alerts are spread over, the latest now; 0 is all at this moment
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=365))]
    days: u32,
    /// Incidents to open
    #[arg(long, default_value_t = 1_000)]
    incidents: usize,
    /// Agencies that an order goes to
    #[arg(long, default_value_t = 300)]
    agencies: usize,
    /// Pages that are kept live at once
    #[arg(long, default_value_t = 1_000)]
    live: usize,
    #[command(flatten)]
    readers: Readers,
    /// Where the state lies: the address of an empty PostgreSQL database instead of SQLite
    #[arg(long, value_name = "URL", default_value = "")]
    database: String,
    /// Where to put the platform's data
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Events in one request.
const LINES_AT_ONCE: u64 = 2_000;
/// Incidents opened at the same time: as many as a small centre's shift.
const OPENED_AT_ONCE: usize = 4;
/// Alerts read at a time.
const ROWS: usize = 200;
/// How often it is looked whether the alerts are there.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// No new alert for so long fails the bench.
const STUCK_AFTER: Duration = Duration::from_mins(2);
/// Things whose pages are opened.
const SHOWN: usize = 500;

/// The lists, the searches and the rooms that are opened.
const LISTS: &[(&str, &str)] = &[
    ("queue", "/alerts"),
    ("queue, severity", "/alerts?severity=high"),
    ("queue, search", "/alerts?q={word}"),
    ("queue, far page", "/alerts?page={n}"),
    ("incidents", "/incidents"),
    ("incidents, search", "/incidents?q={word}"),
    ("duty", "/duty"),
    ("orders", "/orders"),
    ("my work", "/my-work"),
];
/// The pages of one alert and of one incident.
const ALERT: (&str, &str) = ("alert", "/alerts/{id}");
const ROOM: &[(&str, &str)] = &[
    ("room", "/incidents/{id}"),
    ("room, alerts", "/incidents/{id}/alerts"),
    ("room, observables", "/incidents/{id}/observables"),
];
/// What people look for.
const WORDS: &[&str] = &["20.1.2", "web shell", "vu viec 7", "bench"];

/// Measures and prints; returns whether every page was there.
///
/// # Errors
///
/// When the platform cannot be started, or something is not taken.
pub fn run(arguments: &RespondArguments) -> Result<bool> {
    let folder = arguments.folder.as_deref();
    let measured = in_own_folder(folder, false, async |folder| measure(arguments, folder).await)?;
    print(&measured, arguments)
}

/// What was measured.
#[derive(Debug)]
struct Report {
    alerts: u64,
    alerts_s: f64,
    incidents: usize,
    incidents_s: f64,
    order_s: f64,
    times: Times,
    live: usize,
    rss_before: u64,
    rss_live: u64,
}

async fn measure(arguments: &RespondArguments, folder: &Path) -> Result<Report> {
    let mut config = config_in(folder);
    config.web.second_factor = SecondFactor::Optional;
    config.database.url.clone_from(&arguments.database);
    let db = open_db(&config).await?;
    let token = readers::account(&db).await?;
    let province = province::found(&db).await?;
    drop(db);
    let platform = Platform::start(config).await?;
    let program = Visitor::with_token(platform.pages, &token);
    let intake = platform.intake.http_url.rsplit(':').next().and_then(|port| port.parse().ok());
    let intake = SocketAddr::from(([127, 0, 0, 1], intake.context("the intake has no port")?));
    let sender = Visitor::with_token(intake, &province.token);

    let began = Instant::now();
    let alerts = raise(&platform.lake, &sender, (arguments.alerts, arguments.days)).await?;
    let alerts_s = began.elapsed().as_secs_f64();
    tell("the alerts are raised")?;
    let began = Instant::now();
    let (shown, rooms) = open(&program, arguments.incidents).await?;
    let incidents_s = began.elapsed().as_secs_f64();
    let order_s = order(&program, arguments.agencies).await?;
    tell("the incidents and the order are there; people begin to work")?;

    let times = arguments.readers.work(platform.pages, pages(shown, rooms), WORDS).await?;
    tell("people are done; pages are kept live")?;
    let rss_before = gauge::rss_bytes();
    let streams = live(platform.pages, arguments.live).await?;
    let rss_live = gauge::rss_bytes();
    let live = streams.len();
    drop(streams);
    platform.stop().await;
    let incidents = arguments.incidents;
    Ok(Report {
        alerts,
        alerts_s,
        incidents,
        incidents_s,
        order_s,
        times,
        live,
        rss_before,
        rss_live,
    })
}

/// Says how far it is.
fn tell(so_far: &str) -> Result<()> {
    writeln!(std::io::stderr().lock(), "{so_far}").context("saying how far it is")
}

fn pages(alerts: Vec<String>, rooms: Vec<String>) -> Vec<Page> {
    let none: Arc<[String]> = Arc::default();
    let (alerts, rooms): (Arc<[String]>, Arc<[String]>) = (alerts.into(), rooms.into());
    let page = |ids: &Arc<[String]>, &(name, path): &(&'static str, &'static str)| Page {
        name,
        path,
        ids: Arc::clone(ids),
    };
    let mut pages: Vec<Page> = LISTS.iter().map(|one| page(&none, one)).collect();
    pages.push(page(&alerts, &ALERT));
    pages.extend(ROOM.iter().map(|one| page(&rooms, one)));
    pages
}

/// Sends a request to a web shell from so many addresses, over so many days, and waits until each is an alert.
async fn raise(lake: &Lake, sender: &Visitor, (count, days): (u64, u32)) -> Result<u64> {
    let all = TimeDelta::days(i64::from(days)).num_seconds();
    let ago = |n: u64| {
        let passed = i128::from(all) * i128::from(n) / i128::from(count.max(1));
        all - i64::try_from(passed).unwrap_or(all)
    };
    for from in (0..count).step_by(usize::try_from(LINES_AT_ONCE)?) {
        let at = SystemClock.now() - TimeDelta::seconds(ago(from));
        let at = at.format("%d/%b/%Y:%H:%M:%S +0000");
        let line = |n: u64| {
            let [_, a, b, c] = u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
            format!(
                "20.{a}.{b}.{c} - - [{at}] \"GET /a.php?cmd=whoami HTTP/1.1\" 200 31 \"-\" \"-\"\n"
            )
        };
        let lines: String = (from..count.min(from + LINES_AT_ONCE)).map(line).collect();
        let lines = Bytes::from(lines);
        loop {
            let answer = sender.post("/ingest", "text/plain", lines.clone()).await?;
            match answer.status.as_u16() {
                200 => break,
                // The spool is full: what came before is worked off first.
                429 => tokio::time::sleep(LOOK_EVERY).await,
                _ => bail!("sending was answered {}: {}", answer.status, answer.text()),
            }
        }
    }
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        // What an event is found for is an alert before the lake has the event.
        let total = lake.stats().await?.events;
        if total >= count {
            return Ok(total);
        }
        if total > seen {
            (seen, since) = (total, Instant::now());
        }
        if since.elapsed() > STUCK_AFTER {
            bail!("{total} of {count} alerts, and no new one");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Returns the ids of a list's first rows, at least so many if there are.
async fn ids(program: &Visitor, list: &str, rows: &str, count: usize) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut page = 1;
    while all.len() < count {
        let found = program.read(&format!("{list}?rows={ROWS}&page={page}")).await?;
        let rows = found.get(rows).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            break;
        }
        all.extend(rows.iter().filter_map(|row| Some(row.get("id")?.as_str()?.to_owned())));
        page += 1;
    }
    Ok(all)
}

/// Opens incidents, each of one alert; returns alerts and incidents to look at.
async fn open(program: &Visitor, count: usize) -> Result<(Vec<String>, Vec<String>)> {
    let mut alerts = ids(program, "/api/v1/alerts", "alerts", count.max(SHOWN)).await?;
    let wanted: Vec<(usize, String)> = alerts.iter().take(count).cloned().enumerate().collect();
    let opened: Vec<Result<String>> = stream::iter(wanted)
        .map(|(n, alert)| async move {
            let body = json!({ "alert": [alert], "title": format!("Vụ việc {n}") }).to_string();
            let answer = program.post("/api/v1/incidents", "application/json", body.into()).await?;
            if !answer.status.is_success() {
                bail!("opening an incident was answered {}: {}", answer.status, answer.text());
            }
            let made: Value = serde_json::from_slice(&answer.body)?;
            let page = made.get("location").and_then(Value::as_str).unwrap_or_default();
            Ok(page.rsplit('/').next().unwrap_or_default().to_owned())
        })
        .buffer_unordered(OPENED_AT_ONCE)
        .collect()
        .await;
    let opened: Vec<String> = opened.into_iter().collect::<Result<_>>()?;
    // Some of all ages.
    let every = (opened.len() / SHOWN).max(1);
    let rooms = opened.into_iter().step_by(every).collect();
    alerts.truncate(SHOWN);
    Ok((alerts, rooms))
}

/// Issues an order to so many agencies; returns how long it took until its board could be read.
async fn order(program: &Visitor, agencies: usize) -> Result<f64> {
    let size = Size { departments: agencies, communes: 0, systems: 0, people: 0, assets: 0 };
    registry::bring_in(program, "agencies", agencies_file(size)?.into()).await?;
    let ids = ids(program, "/api/v1/agencies", "rows", agencies).await?;
    if ids.len() < agencies {
        bail!("{} of {agencies} agencies are there", ids.len());
    }
    let day = SystemClock.now() + TimeDelta::days(1);
    let order = json!({
        "kind": "directive", "title": "Công điện rà quét", "body": "Rà quét và báo cáo.",
        "agency": ids, "acknowledge_by": day, "done_by": day,
    });
    let began = Instant::now();
    let body = order.to_string().into();
    let answer = program.post("/api/v1/orders", "application/json", body).await?;
    if !answer.status.is_success() {
        bail!("an order was answered {}: {}", answer.status, answer.text());
    }
    let made: Value = serde_json::from_slice(&answer.body)?;
    let page = made.get("location").and_then(Value::as_str).unwrap_or_default();
    program.read(&format!("/api/v1{page}")).await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Keeps so many pages live, each of someone who signed in.
async fn live(pages: SocketAddr, count: usize) -> Result<Vec<Stream>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(readers::person(pages).await?.listen("/live").await?);
    }
    Ok(streams)
}

fn print(report: &Report, arguments: &RespondArguments) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    let is_right = report.times.wrong == 0;
    let live_bytes = report.rss_live.saturating_sub(report.rss_before);
    if arguments.json {
        let told = json!({
            "alerts": report.alerts, "alerts_s": report.alerts_s,
            "incidents": report.incidents, "incidents_s": report.incidents_s,
            "agencies": arguments.agencies, "order_s": report.order_s,
            "pages": report.times.object()?, "wrong": report.times.wrong,
            "live": report.live, "live_bytes": live_bytes, "rss_bytes": report.rss_live,
        });
        writeln!(out, "{told}")?;
        return Ok(is_right);
    }
    writeln!(out, "{} alerts raised in {:.1} s", report.alerts, report.alerts_s)?;
    writeln!(out, "{} incidents opened in {:.1} s", report.incidents, report.incidents_s)?;
    writeln!(
        out,
        "an order to {} agencies: on its board after {:.2} s",
        arguments.agencies, report.order_s
    )?;
    report.times.print(&mut out)?;
    let mib = |bytes: u64| bytes / (1024 * 1024);
    writeln!(
        out,
        "{} live pages: {} MiB more, {} MiB in all; not there: {}",
        report.live,
        mib(live_bytes),
        mib(report.rss_live),
        report.times.wrong
    )?;
    Ok(is_right)
}
