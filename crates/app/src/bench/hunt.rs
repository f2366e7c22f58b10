//! `luytre bench hunt`: a whole hunt over a folder (rules loaded, answer written), beside the mere reading
//! of the same files on one core: EVTX to JSON by the `evtx` crate, JSON lines to values by `serde_json`.
//! The two take turns in one run, so that a busy machine slows both.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use crate::cli::hunt::{Arguments, hunt};
use crate::config::Config;

/// What to measure.
#[derive(Debug, Args)]
pub struct HuntArguments {
    /// Folder of evidence
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Folder of Sigma rules; may be given more than once. Without it, the built-in rules are used
    #[arg(long, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// How often to measure; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
///
/// # Errors
///
/// When the folder or the rules cannot be read.
pub fn run(arguments: &HuntArguments) -> Result<()> {
    let (files, bytes) = crate::hunt::files(std::slice::from_ref(&arguments.folder))?;
    let output = std::env::temp_dir().join(format!("luytre-bench-hunt-{}", std::process::id()));
    let call = Arguments::jsonl(arguments.folder.clone(), arguments.rules.clone(), output.clone());
    let (mut reading, mut hunting, mut loading) = (Vec::new(), Vec::new(), Vec::new());
    let (mut events, mut findings) = (0, 0);
    for _ in 0..arguments.repeat {
        let started = Instant::now();
        for file in &files {
            black_box(read(file)?);
        }
        reading.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let hunted = hunt(&Config::default(), &call)?;
        hunting.push(started.elapsed().as_secs_f64());
        (events, findings) = (hunted.tally.events, hunted.summary.findings);
        let started = Instant::now();
        black_box(crate::rules::load(&arguments.rules)?);
        loading.push(started.elapsed().as_secs_f64());
    }
    fs::remove_file(&output).with_context(|| format!("removing {}", output.display()))?;
    let [read_s, hunt_s, load_s] = [reading, hunting, loading].map(super::median);
    let ratio = hunt_s / read_s.max(1e-9);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let object = json!({
            "files": files.len(),
            "bytes": bytes,
            "events": events,
            "findings": findings,
            "read_alone_s": read_s,
            "load_rules_s": load_s,
            "hunt_s": hunt_s,
            "ratio": ratio,
            "repeat": arguments.repeat,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(out, "{} files, {bytes} bytes, {events} events, {findings} findings", files.len())?;
    writeln!(out, "reading alone (one core)  {read_s:.3} s")?;
    writeln!(out, "loading rules             {load_s:.3} s")?;
    writeln!(out, "whole hunt                {hunt_s:.3} s, {ratio:.2} times the reading")?;
    Ok(())
}

/// Reads one file as the libraries do; returns how much came of it.
fn read(path: &Path) -> Result<usize> {
    let mut reader = BufReader::new(File::open(path)?);
    if !reader.fill_buf()?.starts_with(crate::hunt::chunks::EVTX_FILE_MAGIC) {
        let lines = reader.split(b'\n').map_while(Result::ok);
        let values = lines.map(|line| serde_json::from_slice::<serde_json::Value>(&line).is_ok());
        return Ok(values.filter(|is_json| *is_json).count());
    }
    let settings = evtx::ParserSettings::default().indent(false);
    let mut parser = evtx::EvtxParser::from_read_seek(reader)?.with_configuration(settings);
    Ok(parser.chunks_json_bytes(false).map(|chunk| chunk.data.len()).sum())
}
