//! What a hunt found, as people and programs want it: tables, a timeline, CSV, JSON lines, a web page.
//!
//! JSON lines go out as they come, in the order of the evidence, so that they take no memory; what is
//! sorted by time waits for the end.

mod html;
mod summary;

use std::io::Write;

use anyhow::Result;
use clap::ValueEnum;
use event::{Finding, Match};
use serde::Serialize;
use web::Lang;

use super::{Hit, Tally};
use crate::cli::output::{harmless, plain};
pub(crate) use summary::Summary;

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Counts by rule (the worst first), by host and by ATT&CK tactic
    Table,
    /// One line per finding, in order of time
    Timeline,
    /// Comma-separated values, one line per finding, in order of time
    Csv,
    /// One JSON object per finding, in order of the evidence
    Jsonl,
    /// One web page to read and to hand on: counts and timeline
    Html,
}

/// Takes hits and writes them.
pub(crate) struct Report<'a> {
    format: Format,
    lang: Lang,
    out: &'a mut dyn Write,
    waiting: Vec<Hit>,
    pub(crate) summary: Summary,
}

impl<'a> Report<'a> {
    pub(crate) fn new(format: Format, lang: Lang, out: &'a mut dyn Write) -> Self {
        Self { format, lang, out, waiting: Vec::new(), summary: Summary::default() }
    }

    /// Takes one hit.
    pub(crate) fn take(&mut self, hit: Hit) -> Result<()> {
        self.summary.count(&hit);
        match self.format {
            Format::Table => {}
            Format::Jsonl => {
                serde_json::to_writer(&mut self.out, &Line::of(&hit))?;
                self.out.write_all(b"\n")?;
            }
            Format::Timeline | Format::Csv | Format::Html => self.waiting.push(hit),
        }
        Ok(())
    }

    /// Writes what waited for the end, and returns the counts.
    pub(crate) fn finish(mut self, tally: &Tally) -> Result<Summary> {
        // A stable sort: hits of one time stay in the order of the evidence.
        self.waiting.sort_by_key(|hit| hit.finding.occurred_at);
        match self.format {
            Format::Table => self.summary.print(self.out)?,
            Format::Timeline => timeline(&self.waiting, self.out)?,
            Format::Csv => csv(&self.waiting, self.out)?,
            Format::Html => {
                html::write(&self.waiting, &self.summary, tally, self.lang, self.out)?;
            }
            Format::Jsonl => {}
        }
        self.out.flush()?;
        Ok(self.summary)
    }
}

/// A finding as one JSON object.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    rule_id: &'a str,
    rule_title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_title_vi: Option<&'a str>,
    tags: &'a [String],
    host: &'a str,
    file: &'a str,
    record: u64,
    count: u64,
    matched: &'a [Match],
}

impl<'a> Line<'a> {
    fn of(hit: &'a Hit) -> Self {
        let finding = &hit.finding;
        Self {
            time: time(finding),
            level: finding.severity.word(),
            rule_id: &finding.rule,
            rule_title: &finding.title,
            rule_title_vi: finding.title_vi.as_deref(),
            tags: &finding.tags,
            host: &hit.host,
            file: &hit.spot.exhibit.shown,
            record: hit.spot.record,
            count: finding.count,
            matched: &finding.matched,
        }
    }
}

fn time(finding: &Finding) -> String {
    finding.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn timeline(hits: &[Hit], out: &mut dyn Write) -> Result<()> {
    for hit in hits {
        let finding = &hit.finding;
        writeln!(
            out,
            "{}  {:<13}  {}  [{}]  {}",
            finding.occurred_at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            finding.severity.word(),
            plain(&finding.title),
            plain(&hit.host),
            why(finding)
        )?;
    }
    Ok(())
}

fn csv(hits: &[Hit], out: &mut dyn Write) -> Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "time",
        "level",
        "rule_id",
        "rule_title",
        "tags",
        "host",
        "why",
        "file",
        "record",
    ])?;
    for hit in hits {
        let finding = &hit.finding;
        let record = hit.spot.record.to_string();
        let cells = [
            &time(finding),
            finding.severity.word(),
            &finding.rule,
            &finding.title,
            &finding.tags.join(" "),
            &hit.host,
            &why(finding),
            &hit.spot.exhibit.shown,
            &record,
        ];
        writer.write_record(cells.map(harmless))?;
    }
    writer.flush()?;
    Ok(())
}

/// Returns what matched, in one line.
fn why(finding: &Finding) -> String {
    let part = |one: &Match| match one.field.as_str() {
        "" => format!("“{}”", one.value),
        field => format!("{field} = “{}”", one.value),
    };
    let parts: Vec<String> = finding.matched.iter().take(3).map(part).collect();
    plain(&parts.join("; ")).into_owned()
}
