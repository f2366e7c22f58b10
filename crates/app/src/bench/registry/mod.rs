//! `luytre bench registry`: fills the register of a made-up province from spreadsheets, as an office would,
//! and lets people work in it: every list and search is opened over real sockets, each by someone signed in.

pub(super) mod sheets;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::readers::{self, Page, Readers, Times};
use super::visitor::Visitor;
use super::{config_in, in_own_folder};
use crate::config::SecondFactor;
use crate::serve::{Platform, open_db};
use sheets::Size;

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
    ("imports", "/import/assets"),
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
    let folder = arguments.folder.as_deref();
    let measured = in_own_folder(folder, false, async |folder| measure(arguments, folder).await)?;
    print(&measured, arguments)
}

/// What was measured.
#[derive(Debug)]
struct Report {
    /// Each file: its kind, its rows, how long it was looked at and how long it took to come in.
    files: Vec<(&'static str, usize, Duration, Duration)>,
    times: Times,
    rss_bytes: u64,
}

async fn measure(arguments: &RegistryArguments, folder: &Path) -> Result<Report> {
    let mut config = config_in(folder);
    config.web.second_factor = SecondFactor::Optional;
    config.database.url.clone_from(&arguments.database);
    let db = open_db(&config).await?;
    let token = readers::account(&db).await?;
    drop(db);
    let platform = Platform::start(config).await?;
    let program = Visitor::with_token(platform.pages, &token);
    let files = fill(&program, arguments).await?;
    let page =
        |(name, path): &(&'static str, &'static str)| Page { name, path, ids: Arc::default() };
    let pages = PAGES.iter().map(page).collect();
    let times = arguments.readers.work(platform.pages, pages, WORDS).await?;
    let rss_bytes = super::gauge::rss_bytes();
    platform.stop().await;
    Ok(Report { files, times, rss_bytes })
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

pub(super) async fn bring_in(
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

fn print(report: &Report, arguments: &RegistryArguments) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    let is_right = report.times.wrong == 0;
    if arguments.json {
        let file = |(kind, rows, looked, took): &(&str, usize, Duration, Duration)| {
            json!({ "kind": kind, "rows": rows, "looked_at_s": looked.as_secs_f64(),
                "brought_in_s": took.as_secs_f64() })
        };
        let told = json!({
            "files": report.files.iter().map(file).collect::<Vec<_>>(),
            "pages": report.times.object()?,
            "wrong": report.times.wrong,
            "rss_bytes": report.rss_bytes,
        });
        writeln!(out, "{told}")?;
        return Ok(is_right);
    }
    for (kind, rows, looked, took) in &report.files {
        let (looked, took) = (looked.as_secs_f64(), took.as_secs_f64());
        writeln!(
            out,
            "file of {kind:<9} {rows:>5} rows  looked at {looked:5.2} s, in {took:5.2} s"
        )?;
    }
    report.times.print(&mut out)?;
    let mib = report.rss_bytes / (1024 * 1024);
    writeln!(out, "not there: {}, memory {mib} MiB", report.times.wrong)?;
    Ok(is_right)
}
