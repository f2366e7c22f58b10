//! `luytre hunt`: searches files without a server: EVTX, JSON, log files against Sigma rules.
//!
//! Files are read in parallel and handed on in their order, so that the same folder gives the same
//! answer. A record that cannot be read is counted and never stops the hunt.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use detect::Engine;
use event::{Event, Finding, Severity};

use super::{Outcome, output};
use crate::evidence::{Reader, Unreadable};
use crate::rules;

/// What to hunt for, and where.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files and folders to search; folders are walked
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Folder of Sigma rules; may be given more than once. Without it, the built-in rules are used
    #[arg(long, short, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Processing pipeline (pySigma's YAML) that brings rules to your own names; may be given more than
    /// once
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
    /// How log lines are read: a name from `luytre sources list`, or auto
    #[arg(long, default_value = "auto", value_name = "NAME")]
    source: String,
    /// How to print what was found
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out findings below this severity
    #[arg(long, value_parser = severity, default_value = "informational", value_name = "LEVEL")]
    min_level: Severity,
    /// Answer with exit code 3 if something at least this bad was found
    #[arg(long, value_parser = severity, value_name = "LEVEL")]
    fail_on: Option<Severity>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Rules with their counts, the worst first
    Table,
    /// One line per finding, in order of time
    Timeline,
    /// Comma-separated values, one line per finding
    Csv,
    /// One JSON object per finding
    Jsonl,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Severity::WORST_FIRST.map(Severity::word).to_vec();
        format!("expected one of {}", words.join(", "))
    })
}

/// One finding with what a reader of files wants to know beside it.
struct Hit {
    finding: Finding,
    file: String,
    host: String,
}

/// What a hunt went through.
#[derive(Debug, Default)]
struct Tally {
    files: u64,
    events: u64,
    unreadable: u64,
    refused: Vec<(PathBuf, String)>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let loaded = rules::load_with(&arguments.rules, &arguments.pipelines)?;
    for bad in &loaded.bad {
        eprintln!("{bad}");
    }
    let mut engine = Engine::new(Arc::new(loaded.set));
    let (hits, tally) = search(arguments, &mut engine)?;
    let worst = hits.iter().map(|hit| hit.finding.severity).max();
    match &arguments.output {
        Some(file) => {
            let mut out =
                fs::File::create(file).with_context(|| format!("writing {}", file.display()))?;
            print(arguments.format, hits, &mut out)?;
        }
        None => print(arguments.format, hits, &mut std::io::stdout().lock())?,
    }
    report(&tally);
    let failed = arguments.fail_on.zip(worst).is_some_and(|(limit, worst)| worst >= limit);
    Ok(if failed { Outcome::NotInOrder } else { Outcome::Good })
}

fn search(arguments: &Arguments, engine: &mut Engine) -> Result<(Vec<Hit>, Tally)> {
    let reader = Reader::new(&arguments.source)?;
    let mut tally = Tally::default();
    let mut hits = Vec::new();
    let files = files(&arguments.paths)?;
    let bar = output::progress(u64::try_from(files.len()).unwrap_or(0), "files");
    for file in files {
        tally.files += 1;
        let shown = file.display().to_string();
        let outcome = reader.read(&file, &mut |batch: Vec<Event>| {
            tally.events += u64::try_from(batch.len()).unwrap_or(0);
            for finding in engine.process(&batch) {
                if finding.severity >= arguments.min_level {
                    let host = batch
                        .iter()
                        .find(|event| event.id == finding.event)
                        .and_then(|event| event.attr_text(event::Attr::Host))
                        .unwrap_or_default()
                        .to_owned();
                    hits.push(Hit { finding, file: shown.clone(), host });
                }
            }
        });
        match outcome {
            Ok(Unreadable(count)) => tally.unreadable += count,
            Err(error) => tally.refused.push((file, format!("{error:#}"))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((hits, tally))
}

/// Returns all files below the paths, in order; a path that does not exist is an error.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    while let Some(path) = waiting.pop() {
        let kind = fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
        if kind.is_dir() {
            let mut inside = fs::read_dir(&path)
                .with_context(|| format!("reading {}", path.display()))?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()?;
            inside.sort_by(|a, b| b.cmp(a));
            waiting.extend(inside);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn report(tally: &Tally) {
    eprintln!(
        "{} files, {} events, {} records that could not be read",
        tally.files, tally.events, tally.unreadable
    );
    for (file, why) in &tally.refused {
        eprintln!("not searched: {}: {why}", file.display());
    }
}

fn print(format: Format, mut hits: Vec<Hit>, out: &mut dyn Write) -> Result<()> {
    hits.sort_by(|a, b| {
        (a.finding.occurred_at, a.finding.event).cmp(&(b.finding.occurred_at, b.finding.event))
    });
    match format {
        Format::Table => summary(&hits),
        Format::Timeline => timeline(&hits, out)?,
        Format::Csv => csv(&hits, out)?,
        Format::Jsonl => jsonl(&hits, out)?,
    }
    Ok(())
}

fn summary(hits: &[Hit]) {
    let mut by_rule: BTreeMap<(std::cmp::Reverse<Severity>, &str), (u64, &Hit)> = BTreeMap::new();
    for hit in hits {
        let key = (std::cmp::Reverse(hit.finding.severity), hit.finding.title.as_str());
        by_rule.entry(key).or_insert((0, hit)).0 += 1;
    }
    let rows: Vec<Vec<String>> = by_rule
        .iter()
        .map(|((severity, title), (count, first))| {
            vec![
                severity.0.word().to_owned(),
                count.to_string(),
                (*title).to_owned(),
                first.finding.occurred_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                first.host.clone(),
                first.file.clone(),
            ]
        })
        .collect();
    output::table(&["severity", "findings", "rule", "first seen (UTC)", "host", "file"], &rows);
}

fn timeline(hits: &[Hit], out: &mut dyn Write) -> Result<()> {
    for hit in hits {
        let finding = &hit.finding;
        writeln!(
            out,
            "{}  {:<13}  {}  [{}]  {}",
            finding.occurred_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            finding.severity.word(),
            finding.title,
            hit.host,
            why(finding)
        )?;
    }
    Ok(())
}

fn csv(hits: &[Hit], out: &mut dyn Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["time", "severity", "rule", "title", "tags", "host", "why", "file"])?;
    for hit in hits {
        let finding = &hit.finding;
        writer.write_record([
            finding.occurred_at.to_rfc3339().as_str(),
            finding.severity.word(),
            &finding.rule,
            &finding.title,
            &finding.tags.join(" "),
            &hit.host,
            &why(finding),
            &hit.file,
        ])?;
    }
    writer.flush()?;
    Ok(())
}

fn jsonl(hits: &[Hit], out: &mut dyn Write) -> Result<()> {
    for hit in hits {
        let line =
            serde_json::json!({ "file": hit.file, "host": hit.host, "finding": hit.finding });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Returns what matched, in one line.
fn why(finding: &Finding) -> String {
    let part = |one: &event::Match| match one.field.as_str() {
        "" => format!("“{}”", one.value),
        field => format!("{field} = “{}”", one.value),
    };
    finding.matched.iter().take(3).map(part).collect::<Vec<_>>().join("; ")
}

/// Returns whether a path has one of these endings, ignoring case.
pub(crate) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}
