//! `luytre rules explain`: why a rule fires on an event, or why it does not, with the whole condition as a
//! tree of ✓ and ✗.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Args;
use detect::{Because, Branch, Explanation, ItemCheck, Near, Obstacle, Part, RuleSet, SourceCheck};
use event::{Attr, Event, LogSource};

use super::output::plain;
use super::{Outcome, lake_event};
use crate::config::Config;
use crate::hunt::reading::Reader;
use crate::rules;

/// Which rule, and which event.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The rule's id or name, or its file
    rule: String,
    /// A file (JSON, EVTX, log), a log line, `-` for standard input, or the id of an event in the lake; of
    /// several records the one that comes nearest to firing the rule is explained
    event: String,
    /// Folders or files of rules to look the id up in; without one, the built-in rules
    #[arg(long, short, value_name = "FOLDER")]
    rules: Vec<PathBuf>,
    /// Processing pipeline (pySigma's YAML) that brings rules to your own names; may be given more than once
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
    /// How the record is read: a name from `luytre sources list`, or auto
    #[arg(long, default_value = "auto", value_name = "NAME")]
    source: String,
    /// Print the explanation as JSON
    #[arg(long)]
    json: bool,
}

/// The longest record read from standard input.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    let (set, id) = rule(arguments)?;
    let events = events(config, arguments)?;
    let Some((event, explanation)) = chosen(&set, &id, &events)? else {
        bail!("no event could be read; name its format with --source");
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&explanation)?);
    } else {
        print(&explanation, event, events.len());
    }
    Ok(if explanation.fires { Outcome::Good } else { Outcome::NotInOrder })
}

/// Returns the rules and the id of the one to explain.
fn rule(arguments: &Arguments) -> Result<(RuleSet, String)> {
    let file = Path::new(&arguments.rule);
    let is_file = rules::is_rule(file) && file.try_exists()?;
    let folders = if is_file { vec![file.to_owned()] } else { arguments.rules.clone() };
    let loaded = rules::load_with(&folders, &arguments.pipelines)?;
    if is_file {
        if let Some(bad) = loaded.bad.first() {
            bail!("{bad}");
        }
        // In a file with several documents the last one is meant, as in its tests.
        let last = loaded
            .set
            .rules()
            .iter()
            .max_by_key(|rule| rule.line)
            .context("no rule in the file")?;
        let id = last.id.clone();
        return Ok((loaded.set, id));
    }
    Ok((loaded.set, arguments.rule.clone()))
}

fn events(config: &Config, arguments: &Arguments) -> Result<Vec<Event>> {
    let path = Path::new(&arguments.event);
    let is_file = path.try_exists().unwrap_or(false);
    if let Some(id) = lake_event::id_of(&arguments.event).filter(|_| !is_file) {
        return Ok(vec![super::block_on(lake_event::stored(config, id))?]);
    }
    let reader = Reader::new(&arguments.source, &config.sources.folders)?;
    let mut events = Vec::new();
    if arguments.event == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().take(INPUT_BYTES_MAX).read_to_end(&mut bytes)?;
        reader.read_record(Bytes::from(bytes), &mut |batch| events.extend(batch));
    } else if is_file {
        reader.read(path, &mut |batch| events.extend(batch))?;
    } else {
        let line = Bytes::from(arguments.event.clone().into_bytes());
        reader.read_record(line, &mut |batch| events.extend(batch));
    }
    Ok(events)
}

/// Returns the event that tells the most: one that fires the rule, else one of its log source, else the
/// first.
fn chosen<'e>(
    set: &RuleSet,
    id: &str,
    events: &'e [Event],
) -> Result<Option<(&'e Event, Explanation)>> {
    let mut best: Option<(usize, &Event, Explanation)> = None;
    for event in events {
        let Some(explanation) = set.explain(id, event) else {
            bail!("there is no rule `{id}`; see `luytre rules list`");
        };
        let away = match &explanation.because {
            _ if explanation.fires => 0,
            Because::Event { source, .. } if !source.holds => usize::MAX,
            _ => explanation.obstacles().len(),
        };
        if best.as_ref().is_none_or(|(least, ..)| away < *least) {
            best = Some((away, event, explanation));
        }
        if away == 0 {
            break;
        }
    }
    Ok(best.map(|(_, event, explanation)| (event, explanation)))
}

fn print(explanation: &Explanation, event: &Event, events: usize) {
    println!("rule   {} ({})", explanation.title, explanation.rule);
    println!("event  {}", plain(&told(event)));
    if events > 1 {
        println!("       the nearest of {events} events");
    }
    println!();
    print_one(explanation, event, 0);
}

/// Returns an event in a line: what Sigma calls it, number and channel.
fn told(event: &Event) -> String {
    let text = |attr: Attr| event.attrs.get(attr).map(|value| value.text().into_owned());
    let code = text(Attr::EventCode).map(|code| format!(", event {code}"));
    let channel = text(Attr::Channel).map(|channel| format!(", channel {channel}"));
    let source = words(&event.logsource);
    format!(
        "{source}, read by {}{}{}",
        event.parser,
        code.unwrap_or_default(),
        channel.unwrap_or_default()
    )
}

fn words(logsource: &LogSource) -> String {
    let LogSource { product, category, service } = logsource;
    let parts = [("product", product), ("category", category), ("service", service)];
    let stated =
        parts.into_iter().filter_map(|(name, word)| Some(format!("{name} {}", word.as_deref()?)));
    let stated: Vec<String> = stated.collect();
    if stated.is_empty() { "no log source".to_owned() } else { stated.join(", ") }
}

fn print_one(explanation: &Explanation, event: &Event, depth: usize) {
    let indent = "  ".repeat(depth);
    match &explanation.because {
        Because::Event { source, condition, filters } => {
            for line in verdict(explanation, event) {
                println!("{indent}{}", plain(&line));
            }
            println!("{indent}{} log source: {}", sign(source.holds), words(&source.wanted));
            print_branch(condition, depth);
            for filter in filters {
                println!("{indent}{} filter “{}”", sign(filter.holds), filter.title);
                print_branch(&filter.condition, depth + 1);
            }
        }
        Because::Counted { rules } => {
            println!("{indent}a correlation; the event counts if one of these fires:");
            for own in rules {
                let title = &own.explanation.title;
                println!("{indent}{} {title}", sign(own.explanation.fires));
                for (field, value) in &own.fields {
                    let value = value
                        .as_ref()
                        .map_or("absent: no group".to_owned(), |own| format!("“{own}”"));
                    println!("{indent}    {field}: {}", plain(&value));
                }
                print_one(&own.explanation, event, depth + 2);
            }
        }
    }
}

/// Returns the verdict with its first reason and, where the event is of another source, what to do about it: a line
/// each.
fn verdict(explanation: &Explanation, event: &Event) -> Vec<String> {
    if explanation.fires {
        return vec!["FIRES".to_owned()];
    }
    let obstacles = explanation.obstacles();
    let why = match obstacles.first() {
        Some(Obstacle::Source(check)) => other_source(check, event),
        Some(Obstacle::Selection(name)) => format!("stopped by the selection {name}, which holds"),
        Some(Obstacle::Filter(title)) => format!("stopped by the filter “{title}”"),
        Some(Obstacle::Item(item)) => item_words(item),
        None => "its condition does not hold".to_owned(),
    };
    let mut lines = vec![format!("DOES NOT FIRE: {why}")];
    if let Some(Obstacle::Source(check)) = obstacles.first() {
        let advice = crate::coverage::advice(&check.wanted, &[]);
        lines.extend(advice.map(|advice| format!("  to get such events: {}", advice.en)));
    }
    lines
}

fn other_source(check: &SourceCheck, event: &Event) -> String {
    let code = event
        .attrs
        .get(Attr::EventCode)
        .map(|code| format!(" because its number is {}", code.text()));
    format!(
        "the rule wants {}; the event is {}{}",
        words(&check.wanted),
        words(&check.there),
        code.unwrap_or_default()
    )
}

const fn sign(holds: bool) -> &'static str {
    if holds { "✓" } else { "✗" }
}

fn print_branch(branch: &Branch, depth: usize) {
    let indent = "  ".repeat(depth);
    let sign = sign(branch.holds);
    match &branch.part {
        Part::All { parts } => {
            println!("{indent}{sign} all of");
            for part in parts {
                print_branch(part, depth + 1);
            }
        }
        Part::Any { parts } => {
            println!("{indent}{sign} any of");
            for part in parts {
                print_branch(part, depth + 1);
            }
        }
        Part::Not { inside } => {
            println!("{indent}{sign} not");
            print_branch(inside, depth + 1);
        }
        Part::Selection { name, inside } => {
            println!("{indent}{sign} {name}");
            print_branch(inside, depth + 1);
        }
        Part::Item(item) => println!("{indent}{sign} {}", plain(&item_line(item, branch.holds))),
    }
}

fn item_line(item: &ItemCheck, holds: bool) -> String {
    let met: Vec<String> = item
        .met
        .iter()
        .filter(|one| !one.value.is_empty())
        .map(|one| format!("“{}” meets {}", marked(&one.value, one.part), one.pattern))
        .collect();
    let field = item.field.as_deref().unwrap_or("any value");
    match (holds, met.is_empty()) {
        (true, false) => format!("{field}: {}", met.join("; ")),
        (true, true) => format!("{field}: {}", wanted(item)),
        (false, _) => item_words(item),
    }
}

/// Returns a value with the part that matched in brackets.
fn marked(value: &str, part: Option<(usize, usize)>) -> String {
    let Some((start, end)) = part else { return value.to_owned() };
    let mut text = String::new();
    for (at, c) in value.chars().enumerate() {
        if at == start {
            text.push('⟦');
        }
        if at == end {
            text.push('⟧');
        }
        text.push(c);
    }
    if end >= value.chars().count() {
        text.push('⟧');
    }
    text
}

fn wanted(item: &ItemCheck) -> String {
    let how = match (item.all, item.negated, item.wanted.len() > 1) {
        (true, _, true) => "all of ",
        (_, true, _) => "none of ",
        (_, _, true) => "any of ",
        _ => "",
    };
    let more = item.wanted_count.saturating_sub(item.wanted.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("wants {how}{}{more}", item.wanted.join(", "))
}

/// Returns what was wanted of a field, what was there and what nearly met it.
fn item_words(item: &ItemCheck) -> String {
    let field = item.field.as_deref().unwrap_or("any value");
    let there = match (&item.field, &item.there) {
        (None, _) => "not found in any value".to_owned(),
        (_, None) => "the field is absent".to_owned(),
        (_, Some(values)) => format!("it is “{}”", values.join("”, “")),
    };
    let near = match &item.near {
        None => String::new(),
        Some(Near::FieldName { field }) => format!("; the event writes the field as “{field}”"),
        Some(Near::Case { pattern }) => format!("; only letter case differs from {pattern}"),
        Some(Near::Blanks { pattern }) => {
            format!("; but for blanks at its ends it would meet {pattern}")
        }
        Some(Near::Place { pattern }) => {
            format!("; it holds the text, but not where {pattern} wants it")
        }
        Some(Near::TimePart { part, number: Some(number) }) => format!("; its {part} is {number}"),
        Some(Near::TimePart { part, number: None }) => format!("; no {part} can be read of it"),
        Some(Near::OtherField { field, value }) => {
            format!("; the field {field} would do: “{value}”")
        }
    };
    format!("{field}: {}; {there}{near}", wanted(item))
}

/// Reads arguments as typed.
#[cfg(test)]
pub(super) fn typed(words: &[&str]) -> Arguments {
    use clap::FromArgMatches as _;
    let command = Arguments::augment_args(clap::Command::new("explain").no_binary_name(true));
    let found = command.try_get_matches_from(words).unwrap();
    Arguments::from_arg_matches(&found).unwrap()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_rule_is_explained_as_pipelines_make_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let rule = write(
            "rule.yml",
            "title: t\nlogsource: { product: own }\ndetection: { s: { Account: an }, condition: s }\n",
        );
        let pipeline = write(
            "pipeline.yml",
            "transformations:\n  - { type: field_name_mapping, mapping: { Account: TargetUserName } }\n  \
             - { type: change_logsource, product: windows }\n",
        );
        let event = r#"{"EventID":4624,"Channel":"Security","TargetUserName":"an"}"#;
        for (more, want) in
            [(vec![], Outcome::NotInOrder), (vec!["--pipeline", pipeline.as_str()], Outcome::Good)]
        {
            let words: Vec<&str> = [rule.as_str(), event].into_iter().chain(more).collect();
            assert_eq!(run(&Config::default(), &typed(&words)).unwrap(), want);
        }
    }

    #[test]
    fn what_to_do_stands_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rule.yml");
        let text = "title: t\nid: t\nlogsource: { product: windows, category: process_creation }\n\
                    detection: { s: { A: b }, condition: s }\n";
        fs::write(&path, text).unwrap();
        let event = r#"{"EventID":4624,"Channel":"Security"}"#;
        let arguments = typed(&[path.to_str().unwrap(), event]);
        let (set, id) = rule(&arguments).unwrap();
        let events = events(&Config::default(), &arguments).unwrap();
        let (event, explanation) = chosen(&set, &id, &events).unwrap().unwrap();
        let lines = verdict(&explanation, event);
        let [why, advice] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(why.starts_with("DOES NOT FIRE: the rule wants product windows"), "{why}");
        assert!(advice.starts_with("  to get such events: "), "{advice}");
    }
}
