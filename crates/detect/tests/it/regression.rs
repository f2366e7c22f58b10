//! Each SigmaHQ regression recording must fire its rule, and the compiled matcher must agree with
//! the plain evaluator on all of them, for all rules.
//!
//! The log source of a recording is taken from the rule under test: what the event is, is the
//! decoder's business and tested there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use detect::testing::EventMaker;
use detect::{RuleSet, Scratch};
use event::{Event, Fields, LogSource, Value};
use serde_json::Value as Json;

use crate::data;

#[test]
fn every_recording_fires_its_rule() {
    let Some(folders) = data::live_rules() else { return };
    let Some(recordings) = data::folder("sigma/regression_data") else { return };
    let (rules, _, _) = data::compile(&folders);
    let sources: BTreeMap<&str, &LogSource> =
        rules.rules().iter().map(|rule| (rule.id.as_str(), &rule.logsource)).collect();
    let mut scratch = Scratch::default();
    let (mut tested, mut silent) = (0, Vec::new());
    for path in data::files(&recordings, ".json") {
        let Some(id) = rule_id(&path) else { continue };
        let Some(logsource) = sources.get(id.as_str()) else { continue };
        let events = recording(&path, logsource);
        tested += 1;
        let mut fired = 0_usize;
        for event in &events {
            let ids = rules.matching_ids(event, &mut scratch);
            assert_agrees(&rules, event, &ids);
            fired += usize::from(ids.contains(&id.as_str()));
        }
        if fired == 0 {
            silent.push(format!("{id} on {} events of {}", events.len(), path.display()));
        }
    }
    println!("{tested} recordings");
    assert!(tested > 90, "only {tested} recordings found");
    assert_eq!(silent, Vec::<String>::new());
}

fn assert_agrees(rules: &RuleSet, event: &Event, fast: &[&str]) {
    let mut fast = fast.to_vec();
    fast.sort_unstable();
    let mut plain = rules.evaluate_plainly(event);
    plain.sort_unstable();
    assert_eq!(fast, plain, "{event:?}");
}

/// Reads which rule a recording is for from the `info.yml` beside it.
pub(crate) fn rule_id(path: &Path) -> Option<String> {
    let info = fs::read_to_string(path.with_file_name("info.yml")).ok()?;
    let (_, metadata) = info.split_once("rule_metadata:")?;
    let (_, rest) = metadata.split_once("id: ")?;
    rest.lines().next().map(|line| line.trim().to_owned())
}

fn recording(path: &Path, logsource: &LogSource) -> Vec<Event> {
    let text = fs::read_to_string(path).unwrap();
    let mut maker = EventMaker::new();
    serde_json::Deserializer::from_str(&text)
        .into_iter::<Json>()
        .flat_map(|json| match json.unwrap() {
            Json::Array(events) => events,
            one => vec![one],
        })
        .map(|json| {
            let fields = windows_fields(&json["Event"]);
            maker.event(logsource.clone(), fields, chrono::Duration::zero())
        })
        .collect()
}

/// Flattens an EVTX event's JSON: names as the Sigma rules for windows use them.
pub(crate) fn windows_fields(event: &Json) -> Fields {
    let mut fields = Fields::new();
    let system = &event["System"];
    let id = match &system["EventID"] {
        Json::Object(object) => object.get("#text").cloned().unwrap_or(Json::Null),
        plain => plain.clone(),
    };
    fields.push("EventID", value(&id));
    fields.push("Channel", value(&system["Channel"]));
    fields.push("Computer", value(&system["Computer"]));
    let provider = &system["Provider"]["#attributes"];
    fields.push("Provider_Name", value(&provider["Name"]));
    for part in ["EventData", "UserData"] {
        add(&event[part], &mut fields);
    }
    let renamed = [
        ("NewProcessName", "Image"),
        ("ParentProcessName", "ParentImage"),
        ("MandatoryLabel", "IntegrityLevel"),
    ];
    for (from, to) in renamed {
        if let (Some(value), None) = (fields.get(from).cloned(), fields.get(to)) {
            fields.push(to, value);
        }
    }
    fields
}

fn add(json: &Json, fields: &mut Fields) {
    for (name, own) in json.as_object().into_iter().flatten() {
        match own {
            _ if name == "#attributes" => {}
            Json::Object(object) if object.contains_key("#text") => {
                fields.push(name.clone(), value(&object["#text"]));
            }
            Json::Object(_) => add(own, fields),
            plain => fields.push(name.clone(), value(plain)),
        }
    }
}

fn value(json: &Json) -> Value {
    serde_json::from_value(json.clone()).unwrap()
}
