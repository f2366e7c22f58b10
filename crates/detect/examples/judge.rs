//! Judges events by rules, for a second opinion to be compared with: `judge RULES.json EVENTS.ndjson`
//! prints, for each event, the ids of the rules that fire on it, as one JSON list per line.
//!
//! `RULES.json` is a list of rule texts. An event is a flat JSON object; every rule judges it, whatever
//! its log source, and reads the fields as they are.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use detect::testing::EventMaker;
use detect::{RuleFile, RuleSet, Scratch};
use event::{Attrs, Fields, LogSource, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rules = fs::read_to_string(arguments.next().ok_or("no RULES.json")?)?;
    let events = fs::read_to_string(arguments.next().ok_or("no EVENTS.ndjson")?)?;
    let texts: Vec<String> = serde_json::from_str(&rules)?;
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|text| RuleFile { path: "rule", text }).collect();
    let (rules, errors) = RuleSet::compile(&files);
    for error in errors {
        eprintln!("{error}");
    }
    let sources = sources(&rules);
    let mut scratch = Scratch::default();
    let mut maker = EventMaker::new();
    for line in events.lines() {
        let fields = fields(serde_json::from_str(line)?);
        let mut event = maker.event(LogSource::default(), fields, chrono::Duration::zero());
        event.attrs = Attrs::default();
        let mut fired: BTreeSet<String> = BTreeSet::new();
        for source in &sources {
            event.logsource = source.clone();
            fired.extend(rules.matching_ids(&event, &mut scratch).into_iter().map(str::to_owned));
        }
        println!("{}", serde_json::to_string(&fired)?);
    }
    Ok(())
}

/// Returns every log source that a rule asks for, once.
fn sources(rules: &RuleSet) -> Vec<LogSource> {
    let mut sources: Vec<LogSource> = Vec::new();
    for rule in rules.rules() {
        if !sources.contains(&rule.logsource) {
            sources.push(rule.logsource.clone());
        }
    }
    sources
}

fn fields(object: serde_json::Map<String, serde_json::Value>) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in object {
        fields.push(name, of_json(value));
    }
    fields
}

fn of_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(truth),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(part)) => Value::Float(part),
            (None, None) => Value::from(number.to_string()),
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(members) => {
            Value::List(members.into_iter().map(of_json).collect())
        }
        object @ serde_json::Value::Object(_) => Value::from(object.to_string()),
    }
}
