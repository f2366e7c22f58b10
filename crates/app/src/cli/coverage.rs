//! `luytre rules coverage`: which rules can fire with the logs of a folder, or with those that a running
//! platform received lately, and what to turn on for the others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use detect::Seen;
use respond::rule::{FirstStep, RuleReadiness};
use serde::{Deserialize, Serialize};

use super::{Outcome, output, search};
use crate::config::Config;
use crate::hunt::reading::Reader;
use crate::rules;

/// Which rules, and which logs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders or files of rules; without one, the built-in rules
    #[arg(long, short, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Processing pipeline (pySigma's YAML) that brings rules to your own names; may be given more than once.
    /// A running platform has those of its configuration
    #[arg(long = "pipeline", value_name = "FILE", requires = "logs")]
    pipelines: Vec<PathBuf>,
    /// Judge by the logs in these files or folders; without it, a running platform is asked
    #[arg(long, value_name = "PATH")]
    logs: Vec<PathBuf>,
    /// How far back a running platform looks
    #[arg(long, default_value = "24h", value_parser = ["24h", "7d", "30d"], conflicts_with = "logs")]
    range: String,
    /// How log lines are read: a name from `luytre sources list`, or auto
    #[arg(long, default_value = "auto", value_name = "NAME")]
    source: String,
    #[command(flatten)]
    shape: Shape,
    /// Show rules that can fire too, not only those that cannot
    #[arg(long)]
    all: bool,
    /// API token for the running platform; make one with `luytre user token`
    #[arg(long, env = "LUYTRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Address of the platform; without it, the one of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
}

/// As what it is printed; without one, as a table.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Shape {
    /// Print one JSON object with every rule and the counts
    #[arg(long)]
    json: bool,
    /// Print comma-separated values, one line per rule
    #[arg(long)]
    csv: bool,
    /// Print a layer for the ATT&CK Navigator: how many rules for each technique can fire
    #[arg(long)]
    navigator: bool,
}

/// One rule, as printed and as the platform's API tells it.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    id: String,
    title: String,
    level: Option<event::Severity>,
    logsource: String,
    tags: Vec<String>,
    status: String,
    missing: Vec<String>,
    advice: Option<Advice>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Advice {
    vi: String,
    en: String,
}

/// How many rules of a group can fire.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Share {
    can_fire: u64,
    rules: u64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    rules: Vec<Row>,
    refused: u64,
    /// Whether less was looked at than was asked for.
    partial: bool,
}

/// The order in which the statuses are told.
const STATUSES: [&str; 4] = ["can_fire", "field_never_seen", "event_never_seen", "log_never_seen"];

pub(crate) fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    let Answer { rules, refused, .. } = if arguments.logs.is_empty() {
        asked(config, arguments)?
    } else {
        judged(config, arguments)?
    };
    if arguments.shape.json {
        let told = serde_json::json!({
            "status": by_status(&rules, refused),
            "tactic": shares(&rules, tactic),
            "technique": shares(&rules, technique),
            "rules": rules,
        });
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else if arguments.shape.navigator {
        let rules = rules.iter().map(|row| (&row.tags[..], row.status == "can_fire"));
        let layer = respond::rule::navigator_layer("Lũy Tre", rules);
        println!("{}", serde_json::to_string_pretty(&layer)?);
    } else if arguments.shape.csv {
        print_csv(&rules)?;
    } else {
        print_table(&rules, refused, arguments.all);
    }
    Ok(Outcome::Good)
}

/// Judges by the logs of files.
fn judged(config: &Config, arguments: &Arguments) -> Result<Answer> {
    let loaded = rules::load_with(&arguments.rules, &arguments.pipelines)?;
    let reader = Reader::new(&arguments.source, &config.sources.folders)?;
    let mut seen = Seen::default();
    let (files, _) = crate::hunt::files(&arguments.logs)?;
    let bar = output::progress(u64::try_from(files.len())?, "files");
    for file in files {
        let outcome = reader.read(&file, &mut |batch| {
            for event in &batch {
                seen.add(event, 1);
            }
        });
        if let Err(error) = outcome {
            eprintln!("not read: {}: {error:#}", file.display());
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut infos: BTreeMap<&str, &detect::RuleInfo> =
        loaded.set.rules().iter().map(|info| (info.id.as_str(), info)).collect();
    let rows = crate::coverage::judge(&loaded.set, &seen).into_iter().filter_map(|own| {
        let info = infos.remove(own.rule.as_str())?;
        Some(row(info, own))
    });
    let refused = u64::try_from(loaded.bad.len())?;
    Ok(Answer { rules: rows.collect(), refused, partial: false })
}

fn row(info: &detect::RuleInfo, own: RuleReadiness) -> Row {
    let event::LogSource { product, category, service } = &own.logsource;
    let words: Vec<&str> =
        [product, category, service].into_iter().flatten().map(AsRef::as_ref).collect();
    Row {
        id: info.id.clone(),
        title: info.title.clone(),
        level: info.is_audible.then_some(info.level),
        logsource: words.join(" / "),
        tags: info.tags.clone(),
        status: own.status.to_owned(),
        missing: own.missing,
        advice: own.advice.map(|FirstStep { vi, en }| Advice { vi, en }),
    }
}

/// Asks a running platform about what it received.
fn asked(config: &Config, arguments: &Arguments) -> Result<Answer> {
    let Some(token) = &arguments.token else {
        bail!("name logs with --logs, or give --token to ask a running platform");
    };
    let address = arguments.address.clone().unwrap_or_else(|| config.web.listen.to_string());
    let path = format!("/api/v1/rules/coverage?range={}", arguments.range);
    let answer: Answer = serde_json::from_reader(search::get(&address, &path, token)?)
        .context("reading the platform's answer")?;
    if answer.partial {
        eprintln!(
            "too much to count: less was looked at, the past 24 hours or only the newest events"
        );
    }
    Ok(answer)
}

fn by_status(rules: &[Row], refused: u64) -> BTreeMap<&'static str, u64> {
    let count = |status: &str| rules.iter().filter(|row| row.status == status).count() as u64;
    let mut counts: BTreeMap<&str, u64> =
        STATUSES.into_iter().map(|status| (status, count(status))).collect();
    counts.insert("refused", refused);
    counts
}

/// Returns the tactic that a tag names.
fn tactic(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("attack.")?;
    let is_tactic = name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_'));
    is_tactic.then(|| name.replace('_', "-"))
}

/// Returns the technique that a tag names (`T1059.001`).
fn technique(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("attack.t")?;
    name.starts_with(|c: char| c.is_ascii_digit()).then(|| format!("T{}", name.to_uppercase()))
}

fn shares(rules: &[Row], group: fn(&str) -> Option<String>) -> BTreeMap<String, Share> {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for row in rules {
        let groups: std::collections::BTreeSet<String> =
            row.tags.iter().filter_map(|tag| group(tag)).collect();
        for name in groups {
            let share = shares.entry(name).or_default();
            share.can_fire += u64::from(row.status == "can_fire");
            share.rules += 1;
        }
    }
    shares
}

fn print_table(rules: &[Row], refused: u64, all: bool) {
    let place = |row: &Row| STATUSES.iter().position(|status| *status == row.status);
    let mut shown: Vec<&Row> = rules.iter().filter(|row| all || row.status != "can_fire").collect();
    shown.sort_by(|a, b| {
        place(a).cmp(&place(b)).then(b.level.cmp(&a.level)).then_with(|| a.title.cmp(&b.title))
    });
    let cells = |row: &&Row| {
        vec![
            row.status.replace('_', " "),
            row.level.map_or("feeds", event::Severity::word).to_owned(),
            row.logsource.clone(),
            row.title.clone(),
            row.missing.join(", "),
        ]
    };
    let head = ["status", "severity", "log source", "rule", "missing"];
    output::table(&head, &shown.iter().map(cells).collect::<Vec<_>>());
    println!();
    print_advice(&shown);
    let percent = |share: Share| share.can_fire * 100 / share.rules.max(1);
    let rows: Vec<Vec<String>> = shares(rules, tactic)
        .into_iter()
        .map(|(name, share)| {
            let (can, all) = (share.can_fire.to_string(), share.rules.to_string());
            vec![name, can, all, format!("{} %", percent(share))]
        })
        .collect();
    output::table(&["tactic", "can fire", "rules", "share"], &rows);
    println!();
    let counts = by_status(rules, refused);
    let told: Vec<String> = STATUSES
        .into_iter()
        .chain(["refused"])
        .map(|status| format!("{} {}", counts.get(status).unwrap_or(&0), status.replace('_', " ")))
        .collect();
    println!("{} rules: {}", rules.len() as u64 + refused, told.join(", "));
}

/// Prints what to turn on, what serves the most rules first.
fn print_advice(rows: &[&Row]) {
    let mut advised: BTreeMap<&str, u64> = BTreeMap::new();
    for advice in rows.iter().filter_map(|row| row.advice.as_ref()) {
        *advised.entry(advice.en.as_str()).or_default() += 1;
    }
    let mut advised: Vec<(&str, u64)> = advised.into_iter().collect();
    advised.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let rows: Vec<Vec<String>> = advised
        .into_iter()
        .map(|(advice, rules)| vec![rules.to_string(), advice.to_owned()])
        .collect();
    output::table(&["rules", "what to turn on"], &rows);
    println!();
}

fn print_csv(rules: &[Row]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    writer.write_record([
        "id",
        "title",
        "severity",
        "log source",
        "status",
        "missing",
        "tags",
        "advice",
    ])?;
    for row in rules {
        let cells = [
            row.id.as_str(),
            &row.title,
            row.level.map_or("", event::Severity::word),
            &row.logsource,
            &row.status,
            &row.missing.join(", "),
            &row.tags.join(" "),
            row.advice.as_ref().map_or("", |advice| &advice.en),
        ];
        writer.write_record(cells.map(output::harmless))?;
    }
    writer.flush()?;
    Ok(())
}
