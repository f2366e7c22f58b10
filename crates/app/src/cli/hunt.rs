//! `luytre hunt`: searches files without a server: EVTX, JSON, log files against Sigma rules.
//!
//! This file reads the call and says what came of it; the work is in `crate::hunt`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use detect::{IndicatorSet, RuleError, RuleSet};
use event::{Clock as _, Severity, SystemClock};
use vault::VaultReader;
use web::Lang;

use super::{Outcome, output};
use crate::config::Config;
use crate::hunt::reading::Reader;
use crate::hunt::report::{Format, Report, Summary};
use crate::hunt::selection::{Choice, Selection};
use crate::hunt::{self, Hit, Question, Tally};
use crate::indicators::{self, Places};
use crate::rules;

/// What to hunt for, and where.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 searched, whatever was found; 1 the hunt failed; 2 the call was wrong; \
3 searched, and --fail-on found something that bad."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command, given alone")]
pub(crate) struct Arguments {
    /// Files and folders to search; `-` is standard input. Folders are walked; what a file is shows in
    /// what it holds: EVTX (also damaged), JSON, Windows events as XML, log lines, CSV with a header, and gzip,
    /// zstd, zip or tar of these
    #[arg(required_unless_present = "lake", conflicts_with = "lake")]
    paths: Vec<PathBuf>,
    /// Search the events that this installation keeps, instead of files
    #[arg(long)]
    lake: bool,
    /// Folder of Sigma rules; may be given more than once. Without it, the built-in rules are used
    #[arg(long, short, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Processing pipeline (pySigma's YAML) that brings rules to your own names; may be given more than
    /// once
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
    /// File or folder of indicators to look for too: lists, CSV, STIX 2.1, MISP; may be given more than
    /// once
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    /// How log lines are read: a name from `luytre sources list`, or auto
    #[arg(long, default_value = "auto", value_name = "NAME")]
    source: String,
    /// Let every rule judge every event, whatever its log source: for records that do not tell what they are
    #[arg(long)]
    any_source: bool,
    /// How to print what was found
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only events of the past so many days, hours or minutes: 30d, 12h, 90m
    #[arg(long, value_parser = span, value_name = "SPAN", conflicts_with = "from")]
    since: Option<TimeDelta>,
    /// Only events from this time on (UTC): 2026-11-23, "2026-11-23 08:30", 2026-11-23T08:30:00+07:00
    #[arg(long, value_parser = time, value_name = "TIME")]
    from: Option<DateTime<Utc>>,
    /// Only events before this time
    #[arg(long, value_parser = time, value_name = "TIME")]
    to: Option<DateTime<Utc>>,
    /// Take times of the evidence that state no zone for those of this one, as +07:00; Windows' own event logs
    /// are in UTC in any case
    #[arg(long, value_parser = zone, value_name = "ZONE", default_value = "+00:00", allow_hyphen_values = true)]
    zone: i32,
    /// Leave out findings below this severity
    #[arg(long, value_parser = severity, default_value = "informational", value_name = "LEVEL")]
    min_level: Severity,
    /// Only findings of these rules: an id or title, tag:attack.t1059, status:stable; may be repeated
    #[arg(long, value_name = "RULE")]
    include: Vec<Choice>,
    /// No findings of these rules, written as for --include
    #[arg(long, value_name = "RULE")]
    exclude: Vec<Choice>,
    /// Print the counts by rule, host and ATT&CK tactic too, on standard error
    #[arg(long)]
    stats: bool,
    /// Read deleted records in the unused space of EVTX files too
    #[arg(long)]
    recover_records: bool,
    /// Threads that judge; without it, as many as there are processor cores. The answer is the same
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Language of the HTML report
    #[arg(long, value_enum, default_value_t = ReportLang::Vi)]
    lang: ReportLang,
    /// Answer with exit code 3 if something at least this bad was found
    #[arg(long, value_parser = severity, value_name = "LEVEL")]
    fail_on: Option<Severity>,
}

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportLang {
    /// Vietnamese
    Vi,
    /// English
    En,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Severity::WORST_FIRST.map(Severity::word).to_vec();
        format!("expected one of {}", words.join(", "))
    })
}

/// Reads a time; without a zone it is UTC, without a clock time the day's beginning.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let text = text.trim_end_matches('Z').replace('T', " ");
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(&text, format) {
            return Ok(time.and_utc());
        }
    }
    NaiveDate::parse_from_str(&text, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map(|time| time.and_utc())
        .ok_or_else(|| "expected 2026-11-23 or 2026-11-23T08:30:00Z".to_owned())
}

/// Reads a span of time back from now.
/// Reads a zone; returns its minutes east of UTC.
fn zone(text: &str) -> Result<i32, String> {
    let offset: FixedOffset =
        text.parse().map_err(|_| "expected a zone such as +07:00".to_owned())?;
    Ok(offset.local_minus_utc() / 60)
}

fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "expected a span such as 30d, 12h or 90m".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let minutes = match unit {
        "m" => Some(number),
        "h" => number.checked_mul(60),
        "d" => number.checked_mul(24 * 60),
        _ => None,
    };
    minutes.filter(|minutes| *minutes > 0).and_then(TimeDelta::try_minutes).ok_or_else(wrong)
}

/// What a hunt came to.
#[derive(Debug)]
pub(crate) struct Hunted {
    pub(crate) tally: Tally,
    pub(crate) summary: Summary,
    rules: Arc<RuleSet>,
    bad: Vec<RuleError>,
}

impl Arguments {
    /// Returns the call that searches a folder and writes JSON lines into a file.
    pub(crate) fn jsonl(folder: PathBuf, rules: Vec<PathBuf>, output: PathBuf) -> Self {
        Self {
            paths: vec![folder],
            lake: false,
            since: None,
            rules,
            pipelines: Vec::new(),
            indicators: Vec::new(),
            source: "auto".to_owned(),
            any_source: false,
            zone: 0,
            format: Format::Jsonl,
            output: Some(output),
            from: None,
            to: None,
            min_level: Severity::Informational,
            include: Vec::new(),
            exclude: Vec::new(),
            stats: false,
            recover_records: false,
            jobs: None,
            lang: ReportLang::Vi,
            fail_on: None,
        }
    }
}

pub(crate) fn run(
    arguments: &Arguments,
    is_verbose: bool,
    config: impl FnOnce() -> Result<Config>,
) -> Result<Outcome> {
    let started = Instant::now();
    let config = config()?;
    let hunted =
        if arguments.lake { hunt_lake(&config, arguments) } else { hunt(&config, arguments) };
    let hunted = hunted?;
    let seconds = started.elapsed().as_secs_f64();
    say(&hunted, seconds, is_verbose);
    if arguments.stats {
        hunted.summary.print(&mut std::io::stderr().lock())?;
    }
    let tally = &hunted.tally;
    if tally.events == 0 && !tally.refused.is_empty() {
        bail!("nothing could be searched");
    }
    let worst = hunted.summary.worst;
    let failed = arguments.fail_on.zip(worst).is_some_and(|(limit, worst)| worst >= limit);
    Ok(if failed { Outcome::NotInOrder } else { Outcome::Good })
}

/// Loads the rules, searches files, and writes what was found.
///
/// # Errors
/// When a path or the rules cannot be read, or the answer cannot be written.
pub(crate) fn hunt(config: &Config, arguments: &Arguments) -> Result<Hunted> {
    let (files, bytes) = hunt::files(&arguments.paths)?;
    let ready = Ready::load(config, arguments)?;
    ready.hunt(arguments, |ready, take| {
        let bar = output::progress_bytes(bytes);
        let Ready { question, reader, rules, .. } = ready;
        let tally =
            hunt::search(question, (&files, &VaultReader::open_plain), reader, rules, &bar, take)?;
        bar.finish_and_clear();
        Ok(tally)
    })
}

/// Loads the rules, searches the lake, and writes what was found.
///
/// # Errors
/// When there is no lake, the rules cannot be read, or the answer cannot be written.
pub(crate) fn hunt_lake(config: &Config, arguments: &Arguments) -> Result<Hunted> {
    let past = super::block_on(super::lake::past(config))?;
    let ready = Ready::load(config, arguments)?;
    ready.hunt(arguments, |ready, take| {
        let Ready { question, reader, rules, .. } = ready;
        let plan = past.plan(question, rules);
        let bar = output::progress(plan.rows(), "events");
        let tally = past.search(&plan, reader, rules, &bar, take)?;
        bar.finish_and_clear();
        Ok(tally)
    })
}

/// Everything that a hunt needs beside the evidence.
struct Ready {
    question: Question,
    reader: Reader,
    rules: Arc<RuleSet>,
    bad: Vec<RuleError>,
}

impl Ready {
    fn load(config: &Config, arguments: &Arguments) -> Result<Self> {
        let (loaded, reader) = thread::scope(|scope| {
            let reader = scope.spawn(|| Reader::new(&arguments.source, &config.sources.folders));
            let loaded = rules::load_with(&arguments.rules, &arguments.pipelines);
            (loaded, reader.join().map_err(|_panic| anyhow!("reading the sources failed")))
        });
        let reader = reader??.recover_records(arguments.recover_records).in_zone(arguments.zone);
        // The texts are not needed any more.
        let rules::Loaded { set, bad, texts } = loaded?;
        let files_read = texts.len();
        drop(texts);
        if set.rules().is_empty() {
            let first = bad.first().map(|bad| format!("; the first: {bad}")).unwrap_or_default();
            bail!("no rule was loaded: {} files, {} refused{first}", files_read, bad.len());
        }
        let rules = Arc::new(if arguments.any_source { set.of_any_source() } else { set });
        let Arguments { min_level, include, exclude, .. } = arguments;
        let selection = Selection::new(&rules, *min_level, include, exclude)
            .map_err(|idle| anyhow!("no rule fits {idle:?}; see `luytre rules list`"))?;
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        let question = Question {
            jobs: arguments.jobs.map_or_else(cores, NonZero::get),
            from: arguments.since.map_or(arguments.from, |span| Some(SystemClock.now() - span)),
            to: arguments.to,
            selection,
            indicators: look_for(&arguments.indicators)?,
        };
        Ok(Self { question, reader, rules, bad })
    }

    /// Searches by `search`, which gives each hit to what it is handed, and writes the report.
    fn hunt(
        self,
        arguments: &Arguments,
        search: impl FnOnce(&Self, &mut dyn FnMut(Hit) -> Result<()>) -> Result<Tally>,
    ) -> Result<Hunted> {
        let mut out: Box<dyn Write> = match &arguments.output {
            Some(file) => {
                let created = fs::File::create(file);
                Box::new(BufWriter::new(
                    created.with_context(|| format!("writing {}", file.display()))?,
                ))
            }
            None => Box::new(BufWriter::new(std::io::stdout().lock())),
        };
        let lang = if arguments.lang == ReportLang::Vi { Lang::Vi } else { Lang::En };
        let mut report = Report::new(arguments.format, lang, &mut *out);
        let tally = search(&self, &mut |hit| report.take(hit))?;
        let summary = report.finish(&tally)?;
        Ok(Hunted { tally, summary, rules: self.rules, bad: self.bad })
    }
}

/// Loads indicators; what cannot be used, and what never matches, is said on standard error.
fn look_for(files: &[PathBuf]) -> Result<Arc<IndicatorSet>> {
    if files.is_empty() {
        return Ok(Arc::default());
    }
    let places = Places { indicators: files.to_vec(), ..Places::default() };
    let loaded = indicators::load(&places)?;
    for error in &loaded.report.errors {
        eprintln!("refused: {error}");
    }
    for line in indicators::summary(&loaded) {
        eprintln!("{line}");
    }
    Ok(loaded.set)
}

/// Says on standard error what was searched, and what could not have been found and why.
fn say(hunted: &Hunted, seconds: f64, is_verbose: bool) {
    let Hunted { tally, summary, rules, bad } = hunted;
    for bad in bad.iter().filter(|_| is_verbose) {
        eprintln!("refused: {bad}");
    }
    for (file, why) in &tally.refused {
        eprintln!("not searched: {}: {why}", output::plain(file));
    }
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    for rule in rules.without_source(&tally.sources) {
        let source = &rule.logsource;
        let parts = [&source.product, &source.category, &source.service];
        let parts: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
        *missing.entry(parts.join("/")).or_default() += 1;
    }
    for (source, count) in missing.iter().filter(|_| is_verbose) {
        eprintln!("no events of {source}: {count} rules could not fire");
    }
    let idle: u64 = missing.values().sum();
    eprintln!(
        "{} files, {} events, {} records that could not be read; {} findings in {seconds:.1} s",
        tally.files, tally.events, tally.unreadable, summary.findings
    );
    eprintln!(
        "{} rules in force, {} refused; {idle} look at logs that are not here{}",
        rules.rules().len(),
        bad.len(),
        if is_verbose { "" } else { " (-v names both)" }
    );
}

/// Runs a hunt as typed, for the tests of other modules.
///
/// # Errors
/// As [`run`] does.
#[cfg(test)]
pub(crate) fn from_words(words: &[String], config: Config) -> Result<Outcome> {
    use clap::{CommandFactory as _, FromArgMatches as _};
    let typed = super::Cli::command().try_get_matches_from(words)?;
    let own = typed.subcommand_matches("hunt").context("no hunt")?;
    run(&Arguments::from_arg_matches(own)?, false, || Ok(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, want) in [
            ("2026-11-23", "2026-11-23T00:00:00+00:00"),
            ("2026-11-23 08:30", "2026-11-23T08:30:00+00:00"),
            ("2026-11-23T08:30:01Z", "2026-11-23T08:30:01+00:00"),
            ("2026-11-23T08:30:00+07:00", "2026-11-23T01:30:00+00:00"),
        ] {
            assert_eq!(time(text).unwrap().to_rfc3339(), want);
        }
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn zones_are_hours_and_minutes() {
        for (text, want) in [("+07:00", 420), ("+0700", 420), ("-03:30", -210), ("+00:00", 0)] {
            assert_eq!(zone(text), Ok(want), "{text}");
        }
        for wrong in ["", "7", "Asia/Ho_Chi_Minh", "+25:00"] {
            assert!(zone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_are_days_hours_or_minutes() {
        assert_eq!(span("30d"), Ok(TimeDelta::days(30)));
        assert_eq!(span("12h"), Ok(TimeDelta::hours(12)));
        assert_eq!(span("90m"), Ok(TimeDelta::minutes(90)));
        for wrong in
            ["", "d", "30", "-1d", "0h", "99999999999999999999d", "9999999999999999d", "3ngày"]
        {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
