//! `luytre bench detect`: how many events a second the rules judge, reading included: the way of a hunt
//! (files cut into pieces, screened, what may fire decoded and matched, correlations followed), without
//! writing what was found.

use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;
use event::Severity;
use indicatif::ProgressBar;
use serde_json::json;
use vault::VaultReader;

use super::gauge;
use crate::hunt::reading::Reader;
use crate::hunt::selection::Selection;
use crate::hunt::{self, Question};
use crate::indicators::{self, Places};

/// What to measure.
#[derive(Debug, Args)]
pub struct DetectArguments {
    /// Folder of Sigma rules; may be given more than once. Without it, the built-in rules are used
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Files or folders of events: NDJSON, EVTX, log lines, archives of these
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    input: Vec<PathBuf>,
    /// File or folder of indicators to look for too; may be given more than once
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    /// Threads that read and judge; without it, as many as there are processor cores
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    /// How log lines are read: a name from `luytre sources list`, or auto
    #[arg(long, default_value = "auto", value_name = "NAME")]
    source: String,
    /// How often to measure; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Returns the indicators of these files; none without one.
fn indicators(files: &[PathBuf]) -> Result<Arc<detect::IndicatorSet>> {
    if files.is_empty() {
        return Ok(Arc::default());
    }
    Ok(indicators::load(&Places { indicators: files.to_vec(), ..Places::default() })?.set)
}

/// Measures and prints.
///
/// # Errors
///
/// When the input or the rules cannot be read.
pub fn run(arguments: &DetectArguments) -> Result<()> {
    let (files, bytes) = hunt::files(&arguments.input)?;
    let started = Instant::now();
    let loaded = crate::rules::load(&arguments.rules)?;
    let load_s = started.elapsed().as_secs_f64();
    ensure!(!loaded.set.rules().is_empty(), "no rule was loaded");
    let (rules, refused) = (Arc::new(loaded.set), loaded.bad.len());
    drop(loaded.texts);
    let reader = Reader::new(&arguments.source, &[])?;
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let selection = Selection::new(&rules, Severity::Informational, &[], &[])
        .map_err(|idle| anyhow::anyhow!("no rule fits {idle:?}"))?;
    let indicators = indicators(&arguments.indicators)?;
    let question = Question {
        jobs: arguments.threads.map_or_else(cores, NonZero::get),
        from: None,
        to: None,
        selection,
        indicators,
    };
    let (mut seconds, mut events, mut findings) = (Vec::new(), 0, 0_u64);
    // What one search takes; those after it find what the allocator keeps of threads that ended.
    let mut rss_first_bytes = None;
    for _ in 0..arguments.repeat {
        findings = 0;
        let mut count = |_hit| {
            findings += 1;
            Ok(())
        };
        let (started, bar) = (Instant::now(), ProgressBar::hidden());
        let plain = (files.as_slice(), &VaultReader::open_plain as _);
        let tally = hunt::search(&question, plain, &reader, &rules, &bar, &mut count)?;
        seconds.push(started.elapsed().as_secs_f64());
        events = tally.events;
        rss_first_bytes.get_or_insert_with(gauge::rss_max_bytes);
    }
    let median_s = super::median(seconds);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_s = |count: u64| count as f64 / median_s.max(1e-9);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let object = json!({
            "rules": rules.rules().len(),
            "refused": refused,
            "load_s": load_s,
            "indicators": question.indicators.len(),
            "files": files.len(),
            "bytes": bytes,
            "events": events,
            "findings": findings,
            "threads": question.jobs,
            "seconds": median_s,
            "events_per_s": per_s(events).round(),
            "bytes_per_s": per_s(bytes).round(),
            "rss_max_first_bytes": rss_first_bytes,
            "rss_max_bytes": gauge::rss_max_bytes(),
            "repeat": arguments.repeat,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(out, "{} rules loaded in {load_s:.3} s, {refused} refused", rules.rules().len())?;
    writeln!(out, "{} files, {bytes} bytes, {events} events, {findings} findings", files.len())?;
    writeln!(
        out,
        "{} threads: {median_s:.3} s, {:.0} events/s, {} MiB at most the first time, {} MiB in all",
        question.jobs,
        per_s(events),
        rss_first_bytes.unwrap_or_default() / (1024 * 1024),
        gauge::rss_max_bytes() / (1024 * 1024)
    )?;
    Ok(())
}
