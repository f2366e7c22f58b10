//! `luytre bench lake`: brings events in from NDJSON on one thread and on two, then asks what people ask
//! of months of logs, and checks every answer against a plain count over the same lines.
//!
//! `rivals/lake.py` runs other engines on the same lines beside it.

mod cold;
mod events;
mod questions;
mod truth;

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use event::{Clock as _, IdSource, Origin, SystemClock};
use lake::keep::{BroughtIn, LinesSettings};
use lake::{Lake, MasterKey};
use serde_json::json;

use super::gauge;
use crate::rejects::Rejects;
use crate::serve::{open_db, open_lake};
pub use cold::{ColdArguments, run as cold};
pub(super) use events::Events;
#[cfg(feature = "distributed")]
pub(super) use events::{RARE_PART, RARE_WORD};
use questions::Answer;
use truth::{Truth, Wanted};

/// What to measure.
#[derive(Debug, Args)]
pub struct LakeArguments {
    /// Events to make
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    events: u64,
    /// Where the numbers of the made events begin: the same seed makes the same events
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Bring in these events instead: flat JSON, one object a line
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where lines of the input are put that are none, with line and reason; without it, a file beside the bench's folder
    #[arg(long, value_name = "FILE", requires = "input")]
    rejects: Option<PathBuf>,
    /// A word that few events have
    #[arg(long, value_name = "WORD", default_value = events::RARE_WORD)]
    word: String,
    /// A part of a word that few events have
    #[arg(long, value_name = "TEXT", default_value = events::RARE_PART)]
    part: String,
    /// The value of `action` that the histogram counts
    #[arg(long, value_name = "VALUE", default_value = "denied")]
    action: String,
    /// The value of `protocol` that the histogram counts
    #[arg(long, value_name = "VALUE", default_value = "tcp")]
    protocol: String,
    /// How often to ask; the median counts, and the first time does not
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Where to put the events and the lake
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Leave both there
    #[arg(long, requires = "folder")]
    keep: bool,
    /// Encrypt the lake's files, with a key of the bench's own
    #[arg(long)]
    encrypt: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was measured.
struct Report {
    truth: Truth,
    /// Lines of the input that are no events.
    left_out: u64,
    one: Intake,
    two: Intake,
    answers: Vec<Answer>,
    encrypted: bool,
    rss_max_bytes: u64,
}

/// One way in.
struct Intake {
    seconds: f64,
    /// Of the processor, on all threads.
    cpu_s: f64,
    brought: BroughtIn,
}

impl Intake {
    fn per_second(&self) -> f64 {
        float(self.brought.events) / self.seconds.max(1e-9)
    }

    fn per_cpu_second(&self) -> f64 {
        float(self.brought.events) / self.cpu_s.max(1e-9)
    }

    fn bytes_per_event(&self) -> f64 {
        float(self.brought.size_bytes) / float(self.brought.events.max(1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52, shown with few digits")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Measures and prints; returns whether every answer was right.
///
/// # Errors
///
/// When the events cannot be read or made, or the lake fails.
pub fn run(arguments: &LakeArguments) -> Result<bool> {
    let base = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = base.join(format!("luytre-bench-lake-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let measured = runtime.block_on(measure(arguments, &folder));
    drop(runtime);
    if arguments.keep {
        tell_kept(&folder)?;
    } else if let Err(error) = fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the bench's folder stays");
    }
    let report = measured?;
    print(&report, arguments.json)?;
    Ok(report.answers.iter().all(|answer| answer.right))
}

fn tell_kept(folder: &Path) -> io::Result<()> {
    writeln!(io::stderr(), "kept in {}", folder.display())
}

async fn measure(arguments: &LakeArguments, folder: &Path) -> Result<Report> {
    let input = if let Some(path) = &arguments.input {
        path.clone()
    } else {
        let path = folder.join("events.ndjson");
        let file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        Events::new(arguments.seed, arguments.events).write(file)?;
        path
    };
    let wanted = Wanted {
        word: arguments.word.to_ascii_lowercase(),
        part: arguments.part.to_ascii_lowercase(),
        action: arguments.action.clone(),
        protocol: arguments.protocol.clone(),
    };
    // The count reads the whole file first: both ways in then find it in the cache.
    let (truth, left_out) = count(arguments, &input, &wanted, folder)?;
    let input = without(input, &left_out, folder)?;
    let open = || open(&input);
    let key_file = arguments.encrypt.then(|| folder.join("lake.key"));
    if let Some(path) = &key_file {
        MasterKey::create(path)?;
    }
    let bring =
        |name, input, threads| bring_in(folder.join(name), input, threads, key_file.clone());
    let (lake, one) = bring("one", open()?, 1).await?;
    lake.close().await;
    if !arguments.keep {
        fs::remove_dir_all(folder.join("one"))?;
    }
    let (lake, two) = bring("two", open()?, 2).await?;
    let answers = questions::ask(&lake, &truth, &wanted, arguments.repeat).await?;
    lake.close().await;
    let (encrypted, rss_max_bytes) = (arguments.encrypt, gauge::rss_max_bytes());
    let left_out = left_out.len() as u64;
    Ok(Report { truth, left_out, one, two, answers, encrypted, rss_max_bytes })
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("reading {}", path.display()))
}

/// Counts the lines of the input; returns the numbers of those that are no events too, which are put aside.
fn count(
    arguments: &LakeArguments,
    input: &Path,
    wanted: &Wanted,
    folder: &Path,
) -> Result<(Truth, Vec<u64>)> {
    // Beside the bench's folder, which goes.
    let place = arguments.rejects.clone();
    let mut rejects =
        Rejects::at(place.unwrap_or_else(|| folder.with_extension("rejected.ndjson")));
    let mut left_out = Vec::new();
    let name = input.display().to_string();
    let lines = BufReader::with_capacity(1 << 20, open(input)?);
    let truth = truth::count(lines, wanted, |number, why, bytes| {
        left_out.push(number);
        Ok(rejects.put(&name, number, why, bytes)?)
    });
    rejects.finish(io::stderr().lock()).context("keeping the lines that were left out")?;
    Ok((truth?, left_out))
}

/// Returns the input without these lines (their numbers ascend), which is another file if there are any.
fn without(input: PathBuf, lines: &[u64], folder: &Path) -> Result<PathBuf> {
    if lines.is_empty() {
        return Ok(input);
    }
    let path = folder.join("good.ndjson");
    let mut good = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let mut bad = lines.iter().copied().peekable();
    let all = BufReader::with_capacity(1 << 20, open(&input)?);
    for (number, line) in (1..).zip(all.split(b'\n')) {
        let line = line?;
        if bad.next_if_eq(&number).is_none() {
            good.write_all(&line)?;
            good.write_all(b"\n")?;
        }
    }
    good.flush()?;
    Ok(path)
}

/// Brings the lines into a new lake with its own database.
async fn bring_in(
    folder: PathBuf,
    input: File,
    threads: usize,
    key_file: Option<PathBuf>,
) -> Result<(Arc<Lake>, Intake)> {
    let mut config = super::config_in(&folder);
    config.lake.encryption.key_file = key_file;
    let db = open_db(&config).await?;
    let lake = open_lake(&config, &db).await?;
    let origin = origin();
    let (started, cpu_s) = (Instant::now(), gauge::process_cpu_s());
    let input = BufReader::with_capacity(1 << 20, input);
    let brought = lake.import_lines(input, &LinesSettings { origin, threads }).await?;
    let cpu_s = gauge::process_cpu_s() - cpu_s;
    Ok((lake, Intake { seconds: started.elapsed().as_secs_f64(), cpu_s, brought }))
}

/// Returns whom all events are of.
fn origin() -> Origin {
    let (ids, now) = (IdSource::seeded(1), SystemClock.now());
    Origin {
        agency: event::AgencyId::from_uuid(ids.uuid(now)),
        system: None,
        source: event::SourceId::from_uuid(ids.uuid(now)),
    }
}

fn print(report: &Report, as_json: bool) -> Result<()> {
    let Report { truth, one, two, answers, rss_max_bytes, .. } = report;
    let mut out = io::stdout().lock();
    if as_json {
        let object = json!({
            "events": truth.events,
            "encrypted": report.encrypted,
            "refused": two.brought.refused,
            "left_out": report.left_out,
            "input_bytes_per_event": float(truth.bytes) / float(truth.events.max(1)),
            "day": truth.day.to_string(),
            "events_per_s_one_thread": one.per_second().round(),
            "events_per_s_two_threads": two.per_second().round(),
            "events_per_cpu_s_one_thread": one.per_cpu_second().round(),
            "events_per_cpu_s_two_threads": two.per_cpu_second().round(),
            "bytes_per_event": two.bytes_per_event(),
            "files": two.brought.files,
            "answers": answers,
            "rss_max_bytes": rss_max_bytes,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let each = float(truth.bytes) / float(truth.events.max(1));
    writeln!(out, "{} events of {each:.0} bytes, {} refused", truth.events, two.brought.refused)?;
    for (name, intake) in [("one thread", one), ("two threads", two)] {
        let (each, cpu) = (intake.per_second(), intake.per_cpu_second());
        writeln!(out, "in, {name:<12} {each:>10.0} events/s, {cpu:.0} a second of the processor")?;
    }
    writeln!(
        out,
        "on disk                   {:>10.1} bytes an event, index included, {} files",
        two.bytes_per_event(),
        two.brought.files
    )?;
    for Answer { work, way, ms, right } in answers {
        let verdict = if *right { "" } else { "  WRONG" };
        writeln!(out, "{work:<34} {way:<9} {ms:>9.1} ms{verdict}")?;
    }
    writeln!(out, "most memory               {:>10} MiB", rss_max_bytes >> 20)?;
    Ok(())
}
