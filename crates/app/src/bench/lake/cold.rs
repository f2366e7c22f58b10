//! `luytre bench cold`: as many events as a year has, made and brought in without lying on the disk as lines,
//! then asked for a rare word when nothing of the lake is in memory: neither in the platform's (it is opened
//! anew) nor in the system's (its pages are given up; what the disk itself remembers stays).

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use event::Scope;
use event::lake::{LakeReader as _, Search};
use event::query::Query;
use lake::keep::{BroughtIn, LinesSettings};
use rustix::fs::{Advice, fadvise};
use serde_json::json;

use super::events::{Events, NEEDLES, RARE_WORD, span};
use crate::bench::{config_in, gauge, in_own_folder, median};
use crate::config::Config;
use crate::serve::{open_db, open_lake};

/// What to measure.
#[derive(Debug, Args)]
pub struct ColdArguments {
    /// Events to make
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    events: u64,
    /// Where the numbers of the made events begin: the same seed makes the same events
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How often to ask; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Where to put the lake: a disk, not a file system in memory
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Leave it there
    #[arg(long, requires = "folder")]
    keep: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Measures and prints; returns whether the word was found wherever it stands.
///
/// # Errors
///
/// When the lake cannot be written or read.
pub fn run(arguments: &ColdArguments) -> Result<bool> {
    let folder = arguments.folder.as_deref();
    let measured =
        in_own_folder(folder, arguments.keep, async |folder| measure(arguments, folder).await)?;
    let Measured { brought, cold_s, warm_s, is_right } = measured;
    let mut out = io::stdout().lock();
    let (cold_ms, warm_ms) = (median(cold_s.clone()) * 1000.0, median(warm_s) * 1000.0);
    if arguments.json {
        let object = json!({
            "events": brought.events,
            "files": brought.files,
            "size_bytes": brought.size_bytes,
            "cold_s": cold_s,
            "cold_ms": cold_ms,
            "warm_ms": warm_ms,
            "right": is_right,
            "rss_max_bytes": gauge::rss_max_bytes(),
        });
        writeln!(out, "{object}")?;
        return Ok(is_right);
    }
    writeln!(
        out,
        "{} events in {} files, {} MiB",
        brought.events,
        brought.files,
        brought.size_bytes >> 20
    )?;
    let verdict = if is_right { "" } else { "  WRONG" };
    writeln!(out, "a rare word, nothing in memory {cold_ms:>9.1} ms{verdict}")?;
    writeln!(out, "the same once more             {warm_ms:>9.1} ms{verdict}")?;
    Ok(is_right)
}

struct Measured {
    brought: BroughtIn,
    cold_s: Vec<f64>,
    warm_s: Vec<f64>,
    is_right: bool,
}

async fn measure(arguments: &ColdArguments, folder: &Path) -> Result<Measured> {
    let config = config_in(folder);
    let brought = fill(arguments, &config).await?;
    let span = span();
    let everything = Search {
        query: Query::Text(RARE_WORD.to_owned()),
        from: span.start,
        to: span.end,
        limit: 100,
        after: None,
    };
    let (mut cold_s, mut warm_s, mut is_right) = (Vec::new(), Vec::new(), true);
    for _ in 0..arguments.repeat {
        give_up_pages(&config.lake_folder())?;
        let db = open_db(&config).await?;
        let lake = open_lake(&config, &db).await?;
        for seconds in [&mut cold_s, &mut warm_s] {
            let started = Instant::now();
            let found = lake.search(&Scope::platform(), &everything).await?;
            seconds.push(started.elapsed().as_secs_f64());
            is_right &= u64::try_from(found.events.len())? == NEEDLES.min(arguments.events);
        }
        lake.close().await;
    }
    Ok(Measured { brought, cold_s, warm_s, is_right })
}

/// Makes the events on a thread of their own and brings them in as they come.
async fn fill(arguments: &ColdArguments, config: &Config) -> Result<BroughtIn> {
    let db = open_db(config).await?;
    let lake = open_lake(config, &db).await?;
    let (lines, writer) = io::pipe().context("making a pipe")?;
    let events = Events::new(arguments.seed, arguments.events);
    let maker = std::thread::Builder::new()
        .name("bench-events".to_owned())
        .spawn(move || events.write(BufWriter::with_capacity(1 << 20, writer)))
        .context("starting the maker of events")?;
    let settings = LinesSettings { origin: super::origin(), threads: 2 };
    let brought = lake.import_lines(BufReader::with_capacity(1 << 20, lines), &settings).await?;
    let made = maker.join().map_err(|_panic| anyhow::anyhow!("the maker of events panicked"))?;
    made.context("making events")?;
    lake.close().await;
    ensure!(brought.events == arguments.events, "{} events came in", brought.events);
    Ok(brought)
}

/// Lets the system forget what it keeps of all files below a folder.
fn give_up_pages(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            give_up_pages(&path)?;
            continue;
        }
        let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        // Pages that wait to be written cannot be given up.
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)
            .with_context(|| format!("giving up the pages of {}", path.display()))?;
    }
    Ok(())
}
