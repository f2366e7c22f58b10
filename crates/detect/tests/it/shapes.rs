//! The same recordings as other shippers and tools write them must reach the same verdicts: what a
//! record is called on its way must never decide whether a rule fires.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use detect::{Scratch, Screen, Verdict};
use serde_json::{Map, Value as Json, json};

use crate::{data, decoded};

/// A Windows event taken apart: what every shape is made from.
struct Parts {
    /// As the `evtx` crate writes it.
    whole: Json,
    xml: String,
    event_id: Json,
    channel: String,
    provider: String,
    computer: String,
    record: Json,
    time: String,
    /// Named values.
    named: Vec<(String, Json)>,
    /// Values without a name.
    unnamed: Vec<Json>,
    is_user_data: bool,
}

/// Writes an event; `None` where the shape cannot carry it.
type Shape = fn(&Parts) -> Option<String>;

const SHAPES: &[(&str, Shape)] = &[
    ("XML", |own| Some(own.xml.clone())),
    ("XML behind a syslog header", |own| {
        Some(format!("<14>Nov 23 16:20:01 m01 EventLog: {}", own.xml.replace(['\r', '\n'], " ")))
    }),
    ("XML in JSON", |own| {
        Some(json!({"_raw": own.xml, "sourcetype": "XmlWinEventLog"}).to_string())
    }),
    ("Chainsaw", |own| {
        let document = json!({"kind": "evtx", "path": "a.evtx", "data": own.whole});
        Some(json!({"group": "Sigma", "kind": "individual", "document": document}).to_string())
    }),
    ("Velociraptor", |own| Some(velociraptor(own))),
    ("Winlogbeat 8", |own| Some(winlogbeat(own, &json!(own.event_id.to_string())))),
    ("Winlogbeat 7", |own| Some(winlogbeat(own, &own.event_id))),
    ("Winlogbeat with the Sysmon module", ecs_module),
    ("Winlogbeat 6", |own| Some(old_winlogbeat(own))),
    ("Winlogbeat through Graylog", graylog),
    ("xml-js", xml_js),
    ("Vector", vector),
    ("OpenTelemetry", open_telemetry),
    ("NXLog", nxlog),
    ("Wazuh", wazuh),
    ("EvtxECmd", evtx_ecmd),
    ("Log Analytics, WindowsEvent", windows_event_table),
    ("Log Analytics, Event", event_table),
];

fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

impl Parts {
    fn of(whole: Json, xml: String) -> Self {
        let system = &whole["Event"]["System"];
        let plain = |json: &Json| json.get("#text").unwrap_or(json).clone();
        let is_user_data = whole["Event"]["UserData"].is_object();
        let data = if is_user_data {
            let wrapper = whole["Event"]["UserData"].as_object().unwrap();
            wrapper.values().find(|own| own.is_object()).cloned().unwrap_or_default()
        } else {
            whole["Event"]["EventData"].clone()
        };
        let (mut named, mut unnamed) = (Vec::new(), Vec::new());
        for (name, value) in data.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("#attributes", _) => {}
                ("Data", Json::Object(inner)) => match &inner["#text"] {
                    Json::Array(members) => unnamed.extend(members.iter().cloned()),
                    one => unnamed.push(one.clone()),
                },
                ("Data", Json::Array(members)) => unnamed.extend(members.iter().cloned()),
                _ => named.push((name.clone(), value.clone())),
            }
        }
        Self {
            event_id: plain(&system["EventID"]),
            channel: text(&system["Channel"]),
            provider: text(&system["Provider"]["#attributes"]["Name"]),
            computer: text(&system["Computer"]),
            record: system["EventRecordID"].clone(),
            time: text(&system["TimeCreated"]["#attributes"]["SystemTime"]),
            named,
            unnamed,
            is_user_data,
            xml,
            whole,
        }
    }

    /// The named values as a map of what `spell` makes of them.
    fn map(&self, spell: impl Fn(&str, &Json) -> (String, Json)) -> Map<String, Json> {
        self.named.iter().map(|(name, value)| spell(name, value)).collect()
    }

    /// All values as texts, the unnamed as `param1` and so on.
    fn texts(&self) -> Map<String, Json> {
        let mut all = self.map(|name, value| (name.to_owned(), json!(text(value))));
        for (number, value) in (1..).zip(&self.unnamed) {
            all.insert(format!("param{number}"), json!(text(value)));
        }
        all
    }

    fn is_plain(&self) -> bool {
        self.unnamed.is_empty()
            && !self.is_user_data
            && self.named.iter().all(|(_, v)| !v.is_object())
    }
}

fn winlogbeat(own: &Parts, event_id: &Json) -> String {
    let section = if own.is_user_data { "user_data" } else { "event_data" };
    let mut winlog = json!({
        "event_id": event_id, "channel": own.channel, "provider_name": own.provider,
        "computer_name": own.computer, "record_id": own.record, "api": "wineventlog",
    });
    winlog[section] = Json::Object(own.texts());
    let event = json!({"code": text(&own.event_id), "kind": "event", "provider": own.provider});
    let agent = json!({"type": "winlogbeat", "version": "8.15.0"});
    json!({"@timestamp": own.time, "agent": agent, "event": event, "winlog": winlog}).to_string()
}

/// What the module moves out of the event's data.
const MOVED: &[(&str, &str)] = &[
    ("Image", "process.executable"),
    ("SourceImage", "process.executable"),
    ("CommandLine", "process.command_line"),
    ("CurrentDirectory", "process.working_directory"),
    ("ParentImage", "process.parent.executable"),
    ("ParentCommandLine", "process.parent.command_line"),
    ("OriginalFileName", "process.pe.original_file_name"),
    ("Product", "process.pe.product"),
    ("Company", "process.pe.company"),
    ("Description", "process.pe.description"),
    ("ProcessGuid", "process.entity_id"),
    ("TargetFilename", "file.path"),
    ("ImageLoaded", "file.path"),
    ("TargetObject", "registry.path"),
    ("DestinationIp", "destination.ip"),
    ("DestinationPort", "destination.port"),
    ("DestinationHostname", "destination.domain"),
    ("QueryName", "dns.question.name"),
];

fn ecs_module(own: &Parts) -> Option<String> {
    if !own.channel.contains("Sysmon") {
        return None;
    }
    let mut event: Json = serde_json::from_str(&winlogbeat(own, &own.event_id)).unwrap();
    for (name, moved) in MOVED {
        let data = event["winlog"]["event_data"].as_object_mut()?;
        if let Some(value) = data.remove(*name) {
            event[*moved] = value;
        }
    }
    if let Some(Json::String(user)) = event["winlog"]["event_data"].as_object_mut()?.remove("User")
    {
        let (domain, name) = user.split_once('\\').unwrap_or(("", &user));
        event["user.domain"] = json!(domain);
        event["user.name"] = json!(name);
    }
    Some(event.to_string())
}

fn old_winlogbeat(own: &Parts) -> String {
    let section = if own.is_user_data { "user_data" } else { "event_data" };
    let mut event = json!({
        "@timestamp": own.time, "event_id": own.event_id, "log_name": own.channel,
        "source_name": own.provider, "computer_name": own.computer, "record_number": text(&own.record),
        "type": "wineventlog",
    });
    event[section] = Json::Object(own.texts());
    event.to_string()
}

fn graylog(own: &Parts) -> Option<String> {
    let is_word = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric());
    let section = if own.is_user_data { "user_data" } else { "event_data" };
    let data = own.texts();
    let mut event = json!({
        "timestamp": own.time, "source": own.computer, "winlogbeat_event_code": text(&own.event_id),
        "winlogbeat_winlog_event_id": own.event_id, "winlogbeat_winlog_channel": own.channel,
        "winlogbeat_winlog_provider_name": own.provider, "winlogbeat_winlog_computer_name": own.computer,
    });
    for (name, value) in &data {
        event[format!("winlogbeat_winlog_{section}_{name}")] = value.clone();
    }
    data.keys().all(is_word).then(|| event.to_string())
}

/// Leaves out the text of what is empty, and nobody could tell which text is whose.
fn xml_js(own: &Parts) -> Option<String> {
    let is_told = own.is_plain() && own.named.iter().all(|(_, value)| !text(value).is_empty());
    let data = own.named.iter();
    let data =
        data.map(|(name, value)| json!({"_attributes": {"Name": name}, "_text": text(value)}));
    let system = json!({
        "Provider": {"_attributes": {"Name": own.provider}}, "EventID": {"_text": text(&own.event_id)},
        "Channel": {"_text": own.channel}, "Computer": {"_text": own.computer},
        "TimeCreated": {"_attributes": {"SystemTime": own.time}},
    });
    let event = json!({"System": system, "EventData": {"Data": data.collect::<Vec<_>>()}});
    is_told.then(|| json!({"Event": event}).to_string())
}

fn velociraptor(own: &Parts) -> String {
    let mut event = json!({"System": {
        "Provider": {"Name": own.provider}, "EventID": {"Value": own.event_id},
        "TimeCreated": {"SystemTime": 1_795_425_601.5}, "Channel": own.channel,
        "Computer": own.computer, "EventRecordID": own.record,
    }});
    let section = if own.is_user_data { "UserData" } else { "EventData" };
    event[section] = own.whole["Event"][section].clone();
    event.to_string()
}

fn vector(own: &Parts) -> Option<String> {
    let event = json!({
        "timestamp": own.time, "channel": own.channel, "event_id": own.event_id,
        "provider_name": own.provider, "computer": own.computer, "record_id": own.record,
        "event_data": own.texts(), "source_type": "windows_event_log",
    });
    (!own.is_user_data).then(|| event.to_string())
}

fn open_telemetry(own: &Parts) -> Option<String> {
    let body = json!({
        "channel": own.channel, "computer": own.computer, "event_id": {"id": own.event_id, "qualifiers": 0},
        "provider": {"name": own.provider, "guid": ""}, "record_id": own.record, "system_time": own.time,
        "event_data": own.texts(),
    });
    own.is_plain().then(|| json!({"body": body}).to_string())
}

fn nxlog(own: &Parts) -> Option<String> {
    let mut lines = format!("{}:", own.event_id);
    let mut event = own.texts();
    for (name, value) in &event {
        lines = format!("{lines}\r\n{name}: {}", text(value));
    }
    for (name, value) in [
        ("EventTime", json!("2026-11-23 16:20:01")),
        ("Hostname", json!(own.computer)),
        ("EventType", json!("INFO")),
        ("EventID", own.event_id.clone()),
        ("SourceName", json!(own.provider)),
        ("Channel", json!(own.channel)),
        ("Message", json!(lines)),
        ("SourceModuleName", json!("windows")),
    ] {
        event.insert(name.to_owned(), value);
    }
    own.is_plain().then(|| Json::Object(event).to_string())
}

fn wazuh(own: &Parts) -> Option<String> {
    let lower = |name: &str| {
        let mut chars = name.chars();
        let first = chars.next().map(|first| first.to_ascii_lowercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    let data = own.map(|name, value| (lower(name), json!(text(value).replace('\\', r"\\"))));
    let system = json!({
        "providerName": own.provider, "eventID": text(&own.event_id), "channel": own.channel,
        "computer": own.computer, "systemTime": own.time,
    });
    let win = json!({"system": system, "eventdata": data});
    own.is_plain().then(|| json!({"agent": {"name": "m"}, "data": {"win": win}}).to_string())
}

fn evtx_ecmd(own: &Parts) -> Option<String> {
    let named = own.named.iter().map(|(name, value)| json!({"@Name": name, "#text": text(value)}));
    let payload = json!({"EventData": {"Data": named.collect::<Vec<_>>()}});
    let event = json!({
        "PayloadData1": "x", "MapDescription": "y", "Computer": own.computer, "Channel": own.channel,
        "Provider": own.provider, "EventId": own.event_id, "EventRecordId": text(&own.record),
        "TimeCreated": own.time, "Payload": payload.to_string(), "SourceFile": "a.evtx",
    });
    own.is_plain().then(|| event.to_string())
}

fn windows_event_table(own: &Parts) -> Option<String> {
    let event = json!({
        "TimeGenerated": own.time, "Type": "WindowsEvent", "Channel": own.channel,
        "Provider": own.provider, "EventID": own.event_id, "Computer": own.computer,
        "EventData": own.texts(),
    });
    own.is_plain().then(|| event.to_string())
}

fn event_table(own: &Parts) -> Option<String> {
    let (_, rest) = own.xml.split_once("<EventData")?;
    let (inside, _) = rest.split_once("</EventData>")?;
    let data = format!("<EventData{inside}");
    let data = format!(
        "<DataItem type=\"System.XmlData\" sourceHealthServiceId=\"x\">{data}</EventData></DataItem>"
    );
    let event = json!({
        "TimeGenerated": own.time, "Type": "Event", "EventLog": own.channel, "Source": own.provider,
        "EventID": own.event_id, "Computer": own.computer, "EventData": data,
    });
    own.is_plain().then(|| event.to_string())
}

/// Reads a recording: each record as JSON and as XML.
fn parts(path: &Path) -> Vec<Parts> {
    let open = || evtx::EvtxParser::from_path(path).unwrap();
    let xml: BTreeMap<u64, String> =
        open().records().flatten().map(|record| (record.event_record_id, record.data)).collect();
    let (mut parser, mut all) = (open(), Vec::new());
    for record in parser.records_json_value().flatten() {
        if let Some(xml) = xml.get(&record.event_record_id) {
            all.push(Parts::of(record.data, xml.clone()));
        }
    }
    all
}

#[test]
fn every_shape_of_a_recording_reaches_the_same_verdict() {
    let (Some(folders), Some(recordings)) =
        (data::live_rules(), data::folder("sigma/regression_data"))
    else {
        return;
    };
    let rules = Arc::new(data::compile(&folders).0);
    let mut screen = Screen::new(Arc::clone(&rules), decoded::Auto);
    let mut scratch = Scratch::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut silent = Vec::new();
    for path in data::files(&recordings, ".evtx") {
        let wanted = crate::regression::rule_id(&path);
        let is_live = wanted.as_ref().is_some_and(|id| rules.rule(id).is_some());
        let mut has_fired = false;
        for own in parts(&path) {
            let plain = verdict(&rules, &own.whole.to_string(), &mut scratch);
            has_fired |= wanted.as_ref().is_some_and(|id| plain.contains(id));
            for (name, shape) in SHAPES {
                let Some(record) = shape(&own) else { continue };
                let found = verdict(&rules, &record, &mut scratch);
                *counts.entry(name).or_default() += 1;
                // The screen learns on the first record of a kind and judges by that from the second.
                for _ in 0..2 {
                    let is_open = screen.judge(record.as_bytes()) == Verdict::Open;
                    assert!(found.is_empty() || is_open, "{name}: {found:?} screened: {record}");
                }
                if found != plain {
                    let lost: Vec<_> = plain.iter().filter(|id| !found.contains(id)).collect();
                    let more: Vec<_> = found.iter().filter(|id| !plain.contains(id)).collect();
                    let file = path.file_name().unwrap().display();
                    let note = format!("{file} lost {lost:?}, added {more:?}");
                    differences.entry((*name).to_owned()).or_default().push(note);
                }
            }
        }
        if is_live && !has_fired {
            silent.push(path);
        }
    }
    println!("{counts:#?}");
    assert_eq!(
        silent,
        Vec::<std::path::PathBuf>::new(),
        "rules that their recording does not fire"
    );
    for (shape, notes) in &differences {
        println!("{shape}: {} differ, first: {}", notes.len(), notes[0]);
    }
    assert!(differences.is_empty(), "{:?}", differences.keys());
    assert_eq!(counts.len(), SHAPES.len());
}

fn verdict(rules: &detect::RuleSet, record: &str, scratch: &mut Scratch) -> Vec<String> {
    let event = decoded::event(record);
    let mut ids: Vec<String> =
        rules.matching_ids(&event, scratch).into_iter().map(str::to_owned).collect();
    ids.sort_unstable();
    ids
}
