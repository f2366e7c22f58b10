//! `luytre bench registry`: fills the register of a made-up province from spreadsheets, as an office would,
//! and lets people work in it: every list and search is opened over real sockets, each by someone signed in.

mod sheets;
mod visitor;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Args;
use hdrhistogram::Histogram;
use hyper::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use web::Role;
use web::identity::console;

use super::config_in;
use crate::config::SecondFactor;
use crate::serve::{Platform, open_db};
use sheets::Size;
use visitor::Visitor;

/// What to measure.
#[derive(Debug, Args)]
pub struct RegistryArguments {
    /// Departments
    #[arg(long, default_value_t = 40)]
    departments: usize,
    /// Communes
    #[arg(long, default_value_t = 150)]
    communes: usize,
    /// Information systems
    #[arg(long, default_value_t = 5_000)]
    systems: usize,
    /// People
    #[arg(long, default_value_t = 20_000)]
    people: usize,
    /// Assets
    #[arg(long, default_value_t = 50_000)]
    assets: usize,
    /// People who work at the same time
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    readers: u32,
    /// How long each looks at a page before they open the next, on average, in milliseconds
    #[arg(long, default_value_t = 2_000)]
    pause_ms: u64,
    /// How long they work
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
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

/// Who works; the bench's own installation ends with it.
const LOGIN: &str = "quan-tri";
/// The password of the bench's only account.
const PASSWORD: &str = "mat-khau-cua-phep-do";
/// How often it is looked whether a file is in.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A file that takes longer fails the bench.
const FILE_MAX: Duration = Duration::from_mins(5);

/// The lists and searches that are opened: what they are called, and where; `{n}` is a number, `{word}` a word.
const PAGES: &[(&str, &str)] = &[
    ("agencies", "/agencies"),
    ("agencies, search", "/agencies?q={word}"),
    ("systems", "/systems"),
    ("systems, far page", "/systems?page={n}"),
    ("systems, search", "/systems?q={word}"),
    ("systems, level", "/systems?level=3"),
    ("assets", "/assets"),
    ("assets, far page", "/assets?page={n}"),
    ("assets, search", "/assets?q=may chu {n}"),
    ("people", "/people"),
    ("people, search", "/people?q={word}"),
    ("posts", "/posts"),
    ("sources", "/sources"),
    ("my work", "/my-work"),
    ("quality", "/quality"),
    ("audit", "/audit"),
];

/// What people look for: with and without marks.
const WORDS: &[&str] = &[
    "dong bang 07",
    "Đồng Bằng",
    "so chuyen nganh",
    "văn bản",
    "mot cua",
    "nguyen van an",
    "Hằng",
];

/// Measures and prints; returns whether every page was there.
///
/// # Errors
///
/// When the platform cannot be started, or a file is not taken in.
pub fn run(arguments: &RegistryArguments) -> Result<bool> {
    let base = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = base.join(format!("luytre-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let measured = runtime.block_on(measure(arguments, &folder));
    drop(runtime);
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the bench's folder stays");
    }
    print(&measured?, arguments)
}

/// What was measured.
#[derive(Debug)]
struct Report {
    /// Each file: its kind, its rows, how long it was looked at and how long it took to come in.
    files: Vec<(&'static str, usize, Duration, Duration)>,
    /// Microseconds of each page.
    pages: BTreeMap<&'static str, Histogram<u64>>,
    /// Pages that were not answered 200.
    wrong: u64,
    rss_bytes: u64,
}

async fn measure(arguments: &RegistryArguments, folder: &Path) -> Result<Report> {
    let mut config = config_in(folder);
    config.web.second_factor = SecondFactor::Optional;
    config.database.url.clone_from(&arguments.database);
    let db = open_db(&config).await?;
    let given = PASSWORD.to_owned();
    console::add(&db, LOGIN, "Người đo", Role::Administrator, given).await?;
    let scopes = ["all".to_owned()];
    let token = console::token(&db, LOGIN, "bench", (&scopes, 1)).await?;
    drop(db);
    let platform = Platform::start(config).await?;
    let program = Visitor::with_token(platform.pages, &token);
    let files = fill(&program, arguments).await?;
    let (pages, wrong) = work(platform.pages, arguments).await?;
    let rss_bytes = super::gauge::rss_bytes();
    platform.stop().await;
    Ok(Report { files, pages, wrong, rss_bytes })
}

async fn fill(
    program: &Visitor,
    arguments: &RegistryArguments,
) -> Result<Vec<(&'static str, usize, Duration, Duration)>> {
    let size = Size {
        departments: arguments.departments,
        communes: arguments.communes,
        systems: arguments.systems,
        people: arguments.people,
        assets: arguments.assets,
    };
    let mut files = vec![("agencies", sheets::agencies_file(size)?)];
    files.extend(sheets::system_files(size)?.into_iter().map(|file| ("systems", file)));
    files.extend(sheets::people_files(size)?.into_iter().map(|file| ("people", file)));
    files.extend(sheets::asset_files(size)?.into_iter().map(|file| ("assets", file)));
    let mut times = Vec::new();
    for (kind, file) in files {
        times.push(bring_in(program, kind, file.into()).await?);
    }
    Ok(times)
}

async fn bring_in(
    program: &Visitor,
    kind: &'static str,
    file: Bytes,
) -> Result<(&'static str, usize, Duration, Duration)> {
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let answer = program.post(&format!("/api/v1/import/{kind}"), XLSX, file).await?;
    if !answer.status.is_success() {
        bail!("a file of {kind} was answered {}: {}", answer.status, answer.text());
    }
    let looked = answer.took;
    let made: Value = serde_json::from_slice(&answer.body).context("reading where a file is")?;
    let page = made.get("location").and_then(Value::as_str).unwrap_or_default();
    let batch = format!("/api/v1{page}");
    let began = Instant::now();
    let asked = program.post(&format!("{batch}/apply"), "application/json", Bytes::new()).await?;
    if !asked.status.is_success() {
        bail!("taking {kind} in was answered {}: {}", asked.status, asked.text());
    }
    loop {
        let seen = program.read(&batch).await?;
        let text = |path: &str| seen.pointer(path).and_then(Value::as_str).unwrap_or_default();
        if text("/batch/state") == "applied" {
            let added = seen.pointer("/batch/added").and_then(Value::as_u64).unwrap_or(0);
            let refused = seen.pointer("/batch/refused").and_then(Value::as_u64).unwrap_or(0);
            if refused > 0 || added == 0 {
                bail!("a file of {kind}: {added} added, {refused} refused: {seen}");
            }
            return Ok((kind, usize::try_from(added)?, looked, began.elapsed()));
        }
        if !text("/trouble").is_empty() || began.elapsed() > FILE_MAX {
            bail!("a file of {kind} did not come in: {}", text("/trouble"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn work(
    pages: SocketAddr,
    arguments: &RegistryArguments,
) -> Result<(BTreeMap<&'static str, Histogram<u64>>, u64)> {
    let mut people = Vec::new();
    for _ in 0..arguments.readers {
        people.push(Visitor::signed_in(pages, LOGIN, PASSWORD).await?);
    }
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut at_work = Vec::new();
    for (number, visitor) in (0_u64..).zip(people) {
        at_work.push(tokio::spawn(browse(visitor, number, (until, arguments.pause_ms))));
    }
    let mut all: BTreeMap<&'static str, Histogram<u64>> = BTreeMap::new();
    let mut wrong = 0;
    for person in at_work {
        let (seen, missed) = person.await.context("a reader ended")??;
        wrong += missed;
        for (name, took_us) in seen {
            let times = match all.entry(name) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    new.insert(Histogram::new(3).context("making a histogram")?)
                }
            };
            times.record(took_us).context("noting a page's time")?;
        }
    }
    Ok((all, wrong))
}

/// Opens one page after the other until the end; returns how long each took, and how many were not there.
async fn browse(
    visitor: Visitor,
    number: u64,
    (until, pause_ms): (Instant, u64),
) -> Result<(Vec<(&'static str, u64)>, u64)> {
    let mut chance = StdRng::seed_from_u64(number);
    let (mut seen, mut wrong) = (Vec::new(), 0);
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..=pause_ms * 2))).await;
        let (name, path) =
            PAGES.get(chance.random_range(0..PAGES.len())).copied().unwrap_or_default();
        let word = WORDS.get(chance.random_range(0..WORDS.len())).copied().unwrap_or_default();
        let path = path.replace("{n}", &chance.random_range(1..50_u32).to_string());
        let path = path.replace("{word}", word);
        let path: String = path.chars().map(escaped).collect();
        let answer = visitor.get(&path).await?;
        if answer.status != StatusCode::OK {
            tracing::warn!(path, status = %answer.status, "a page was not there");
            wrong += 1;
        }
        seen.push((name, u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX)));
    }
    Ok((seen, wrong))
}

/// Writes a letter of an address so that it may stand there (RFC 3986 §2.1).
fn escaped(letter: char) -> String {
    if letter.is_ascii() && letter != ' ' {
        return letter.to_string();
    }
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[expect(clippy::cast_precision_loss, reason = "times far below 2^52 µs, shown with few digits")]
fn ms(took_us: u64) -> f64 {
    took_us as f64 / 1000.0
}

fn print(report: &Report, arguments: &RegistryArguments) -> Result<bool> {
    let mut whole: Histogram<u64> = Histogram::new(3).context("making a histogram")?;
    for times in report.pages.values() {
        whole.add(times).context("adding up")?;
    }
    let mut out = std::io::stdout().lock();
    let at = |times: &Histogram<u64>, quantile| ms(times.value_at_quantile(quantile));
    if arguments.json {
        let page = |(name, times): (&&'static str, &Histogram<u64>)| {
            json!({ "page": name, "opened": times.len(), "ms_p50": at(times, 0.5),
                "ms_p95": at(times, 0.95), "ms_max": at(times, 1.0) })
        };
        let file = |(kind, rows, looked, took): &(&str, usize, Duration, Duration)| {
            json!({ "kind": kind, "rows": rows, "looked_at_s": looked.as_secs_f64(),
                "brought_in_s": took.as_secs_f64() })
        };
        let told = json!({
            "readers": arguments.readers, "pause_ms": arguments.pause_ms,
            "files": report.files.iter().map(file).collect::<Vec<_>>(),
            "pages": report.pages.iter().map(page).collect::<Vec<_>>(),
            "opened": whole.len(), "ms_p50": at(&whole, 0.5), "ms_p95": at(&whole, 0.95),
            "ms_max": at(&whole, 1.0), "wrong": report.wrong, "rss_bytes": report.rss_bytes,
        });
        writeln!(out, "{told}")?;
        return Ok(report.wrong == 0);
    }
    for (kind, rows, looked, took) in &report.files {
        let (looked, took) = (looked.as_secs_f64(), took.as_secs_f64());
        writeln!(
            out,
            "file of {kind:<9} {rows:>5} rows  looked at {looked:5.2} s, in {took:5.2} s"
        )?;
    }
    writeln!(
        out,
        "{:<18} {:>7} {:>9} {:>9} {:>9}",
        "page", "opened", "p50 ms", "p95 ms", "max ms"
    )?;
    for (name, times) in report.pages.iter().chain(std::iter::once((&"all", &whole))) {
        let (p50, p95, max) = (at(times, 0.5), at(times, 0.95), at(times, 1.0));
        writeln!(out, "{name:<18} {:>7} {p50:>9.1} {p95:>9.1} {max:>9.1}", times.len())?;
    }
    let mib = report.rss_bytes / (1024 * 1024);
    writeln!(out, "{} readers, not there: {}, memory {mib} MiB", arguments.readers, report.wrong)?;
    Ok(report.wrong == 0)
}
