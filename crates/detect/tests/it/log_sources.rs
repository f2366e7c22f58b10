//! Does every log source that public rules ask for have events? By SigmaHQ's own table (channel and
//! event id → category and service), and by the log sources of its live rules.

use std::collections::BTreeMap;
use std::fs;

use event::{LogSource, Name};
use serde_json::json;

use crate::{data, decoded};

/// Log sources of live rules that nothing we read can have, and why.
const WITHOUT_EVENTS: [(&str, &str); 0] = [];

#[test]
fn every_log_source_of_the_live_rules_has_events() {
    let Some(folders) = data::live_rules() else { return };
    let (rules, _, _) = data::compile(&folders);
    let mut wanted: BTreeMap<String, (LogSource, usize)> = BTreeMap::new();
    for rule in rules.rules() {
        let entry = wanted.entry(spelled(&rule.logsource));
        entry.or_insert_with(|| (rule.logsource.clone(), 0)).1 += 1;
    }
    let mut missing = Vec::new();
    for (name, (logsource, count)) in &wanted {
        let of = |source: &&decode::SourceDefinition| {
            source.logsources().any(|own| detect::covers(logsource, own))
        };
        let sources: Vec<_> =
            decoded::decoder().sources().filter(of).map(|source| source.id.to_string()).collect();
        println!("{count:5} rules for {name}: {}", sources.join(" "));
        if sources.is_empty() {
            missing.push(name.as_str());
        }
    }
    assert!(wanted.len() > 100, "only {} log sources found", wanted.len());
    assert_eq!(missing, WITHOUT_EVENTS.map(|(name, _)| name));
}

/// One entry of the table that has conditions or channels.
#[derive(Debug, Default)]
struct Entry {
    name: String,
    logsource: LogSource,
    /// What the table rewrites to: the service behind a category.
    service: Option<String>,
    event_ids: Vec<i64>,
    event_type: Option<String>,
    channels: Vec<String>,
}

#[test]
fn every_entry_of_the_official_table_is_routed_as_it_says() {
    let Some(folder) = data::folder("sigma/tests") else { return };
    let entries = table(&fs::read_to_string(folder.join("thor.yml")).unwrap());
    let channel_of = |service: &str| {
        let own = |entry: &&Entry| {
            entry.logsource.category.is_none()
                && entry.logsource.service.as_deref() == Some(service)
        };
        entries.iter().find(own).map(|entry| entry.channels.clone()).unwrap_or_default()
    };
    let (mut checked, mut wrong) = (0, Vec::new());
    for entry in &entries {
        let channels = match &entry.service {
            Some(service) => channel_of(service),
            None => entry.channels.clone(),
        };
        let ids = if entry.event_ids.is_empty() { vec![9_999] } else { entry.event_ids.clone() };
        for (channel, id) in channels.iter().flat_map(|c| ids.iter().map(move |id| (c, id))) {
            let mut record = json!({"Channel": channel, "EventID": id, "Computer": "m"});
            if let Some(kind) = &entry.event_type {
                record["EventType"] = json!(kind);
            }
            // Every shape and letter case of the channel reads the same.
            record["Channel"] = json!(channel.to_uppercase());
            let event = decoded::event(&record.to_string());
            checked += 1;
            // The table names this one otherwise than the rule that is meant by it.
            let renamed = entry.name == "windows-servicebus";
            if !detect::covers(&entry.logsource, &event.logsource) && !renamed {
                wrong.push(format!("{}: {channel} {id} is {:?}", entry.name, event.logsource));
            }
        }
    }
    println!("{checked} events by {} entries", entries.len());
    assert!(checked > 80, "only {checked} events");
    assert_eq!(wrong, Vec::<String>::new());
}

fn spelled(logsource: &LogSource) -> String {
    let word = |name: &Option<Name>| name.as_deref().unwrap_or("-").to_owned();
    [&logsource.product, &logsource.category, &logsource.service].map(word).join("/")
}

/// Reads the table's Windows entries: of YAML just what stands there.
fn table(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let (mut part, mut list) = (String::new(), String::new());
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let (key, value) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
        let value = value.trim().trim_matches(['\'', '"']);
        let Some(entry) = entries.last_mut().filter(|_| indent > 4) else {
            entries.push(Entry { name: key.to_owned(), ..Entry::default() });
            continue;
        };
        if let Some(item) = line.trim().strip_prefix("- ") {
            let item = item.trim_matches(['\'', '"']);
            match (list.as_str(), item.strip_prefix("WinEventLog:")) {
                ("sources", Some(channel)) => entry.channels.push(channel.to_owned()),
                ("EventID", _) => entry.event_ids.extend(item.parse::<i64>()),
                _ => {}
            }
            continue;
        }
        key.clone_into(&mut list);
        if indent == 8 {
            key.clone_into(&mut part);
        }
        match (part.as_str(), key) {
            ("rewrite", "service") => entry.service = Some(value.to_owned()),
            ("category", _) => entry.logsource.category = Some(Name::Owned(value.to_owned())),
            ("product", _) => entry.logsource.product = Some(Name::Owned(value.to_owned())),
            ("service", _) => entry.logsource.service = Some(Name::Owned(value.to_owned())),
            ("conditions", "EventID") => entry.event_ids.extend(value.parse::<i64>()),
            ("conditions", "EventType") => entry.event_type = Some(value.to_owned()),
            _ => {}
        }
    }
    entries
}
