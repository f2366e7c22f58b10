//! What the screen learnt of one record holds for every other of its shape: records of all sources, whose values
//! are changed one by one, are judged through it as they are judged whole.
//!
//! Rules ask for every value that a variant of a record has, for every field that it lacks, each for the log source
//! of that variant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use decode::folders;
use detect::{RuleFile, RuleSet, Scratch, Screen};
use event::{Event, LogSource};
use serde_json::{Value as Json, json};

use crate::decoded::{self, Auto};

/// Values that some reader takes for more than a text.
const TEXTS: [&str; 16] = [
    "",
    "-",
    "evil",
    r"x\evil",
    "S-1-16-12288",
    "%%1936",
    "0x1f",
    "443",
    "10.0.0.1:443",
    "may.example",
    "SetValue",
    "EventType: SetValue",
    "Image: C:\\evil.exe\nProcess ID: 4\nInterfaceUuid: 367abb81-9844-35f1-ad32-98f038001003",
    "<Event xmlns='x'><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><Channel>Microsoft-Windows-Sysmon/Operational</Channel></System><EventData><Data Name='Image'>C:\\evil.exe</Data></EventData></Event>",
    "<DataItem><EventData><Data Name=\"Image\">C:\\evil.exe</Data></EventData></DataItem>",
    r##"{"EventData":{"Data":[{"@Name":"Image","#text":"C:\\evil.exe"}]}}"##,
];

/// Records in layouts that no sample has.
const MORE: [&str; 18] = [
    r#"{"EventID":3,"Channel":"RPCFW","Provider_Name":"RPCFW","Computer":"m","Data":["RpcCall","1234","C:\\Windows\\System32\\svchost.exe","ncacn_ip_tcp","49664","10.20.0.7","367abb81-9844-35f1-ad32-98f038001003","12","SO-TC\\an","6","10","50123","10.20.0.2","49664"]}"#,
    r#"{"EventID":3,"Channel":"RPCFW","Provider_Name":"RPCFW","Computer":"m","Message":"text"}"#,
    r#"{"EventID":1,"Channel":"RPCFW","Provider_Name":"RPCFW","Computer":"m","Data":["C:\\a.exe","4"]}"#,
    r##"{"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Security-Auditing"},"EventID":"4697","Channel":"Security","Computer":"m"},"EventData":{"Data":{"@Name":"ServiceFileName","#text":"C:\\a.exe"}}}}"##,
    r##"{"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Sysmon"},"EventID":"1","Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"m"},"EventData":{"Data.@Name":["Image","User"],"Data.#text":["C:\\a.exe","root"]}}}"##,
    r##"{"Event":{"System":{"Provider":{"_attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":{"_text":"1"},"Channel":{"_text":"Microsoft-Windows-Sysmon/Operational"},"Computer":{"_text":"m"}},"EventData":{"Image":{"_text":"C:\\a.exe"}}}}"##,
    r##"{"Event":{"System":{"Provider":{"$":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":{"#text":"1","$":{"Qualifiers":"0"}},"Channel":{"#text":"Microsoft-Windows-Sysmon/Operational"},"Computer":"m"},"EventData":{"Image":"C:\\a.exe"}}}"##,
    r#"{"PayloadData1":"x","Computer":"m","Channel":"Microsoft-Windows-Sysmon/Operational","Provider":"Microsoft-Windows-Sysmon","EventId":1,"EventRecordId":"4","TimeCreated":"2026-11-23T08:11:00.5Z","Payload":"x","SourceFile":"a.evtx"}"#,
    r#"{"TimeGenerated":"2026-11-23T09:20:01Z","Type":"Event","EventLog":"System","Source":"Service Control Manager","EventID":7045,"Computer":"m","EventData":"x"}"#,
    r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Application Error"}},"EventID":1000,"Channel":"Application","Computer":"m"},"EventData":{"Data":{"#text":["a.exe","1.0","5","b.dll","1","2","c0000005","00"]}}}}"##,
    r#"{"EventID":4688,"Channel":"Security","SubjectUserName":"an","SubjectDomainName":"SO-TC","TargetUserName":"-","TargetDomainName":"-","NewProcessName":"C:\\a.exe","MandatoryLabel":"S-1-16-8192"}"#,
    r#"{"@timestamp":"2026-11-23T08:01:12.512Z","event":{"original":"x","kind":"event"},"xml":"y"}"#,
    r#"{"source":"m","winlog_event_id":4688,"winlog_channel":"Security","winlog_provider_name":"Microsoft-Windows-Security-Auditing","winlog_event_data_SubjectUserName":"an","winlog_event_data_TargetUserName":"-","winlog_event_data_NewProcessName":"C:\\a.exe","winlog_event_data_MandatoryLabel":"S-1-16-8192"}"#,
    r##"{"Event":{"System":{"Provider":{"_attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":{"_text":"4697"},"Channel":{"_text":"Security"}},"EventData":{"Data":{"_attributes":{"Name":"ServiceFileName"},"_text":"C:\\a.exe"}}}}"##,
    r#"{"ProviderName":"Microsoft-Windows-Security-Auditing","EventID":4688,"Channel":"Security","Computer":"m","Message":"x","StringInserts":["a","b"]}"#,
    r#"{"EventID":4688,"MachineName":"m","EntryType":"SuccessAudit","Message":"x","Source":"Microsoft-Windows-Security-Auditing","ReplacementStrings":["a","b"],"InstanceId":4688}"#,
    r#"{"EventCode":"4688","LogName":"Security","ComputerName":"m","Message":"x","SourceName":"Microsoft Windows security auditing."}"#,
    r#"{"EventID":400,"Channel":"Windows PowerShell","Provider_Name":"PowerShell","param1":"a","param2":"b","Message":"x"}"#,
];

/// Of these, and of the values that other records have under the same name, so many for each place.
const TEXTS_EACH: usize = 4;
const KNOWN_EACH: usize = 2;

/// Returns the record with one value changed, for each of its values in several ways; `turn` says in which.
fn variants(record: &Json, pool: &Pool, mut turn: usize) -> Vec<Json> {
    let mut paths = Vec::new();
    leaves(record, &mut Vec::new(), &mut paths);
    let mut variants = Vec::new();
    for path in paths {
        let mut put = |value: Json| {
            let mut variant = record.clone();
            if let Some(place) = at(&mut variant, &path) {
                *place = value;
                variants.push(variant);
            }
        };
        let mut own = record.clone();
        match at(&mut own, &path).cloned() {
            Some(Json::String(_)) => {
                // Another part of them for each place; over all records each kind of place has had them all.
                let own = TEXTS.iter().cycle().skip(turn).take(TEXTS_EACH);
                own.for_each(|text| put(json!(text)));
                turn += TEXTS_EACH;
                let known = pool.get(path.last().map_or("", String::as_str));
                known.into_iter().flatten().take(KNOWN_EACH).for_each(|text| put(json!(text)));
            }
            Some(Json::Number(_)) => {
                for number in [0, 4, 12, 1000, 4657, 4688, 65_000, 70_000] {
                    put(json!(number));
                }
            }
            Some(Json::Array(members)) => {
                for count in [1, 2, 3, 14] {
                    let some = members.iter().cycle().take(count).cloned().collect();
                    put(Json::Array(some));
                    put((0..count).map(|number| json!(format!("evil{number}"))).collect());
                    put((0..count).map(|number| json!(100 + number)).collect());
                }
            }
            _ => {}
        }
    }
    variants
}

/// By the last name of their paths: the texts that records have there.
type Pool = BTreeMap<String, BTreeSet<String>>;

fn leaves(value: &Json, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let Json::Object(entries) = value else {
        out.push(path.clone());
        return;
    };
    for (name, value) in entries {
        path.push(name.clone());
        leaves(value, path, out);
        path.pop();
    }
}

fn at<'j>(value: &'j mut Json, path: &[String]) -> Option<&'j mut Json> {
    path.iter().try_fold(value, |value, name| value.get_mut(name))
}

fn texts(value: &Json, name: &str, pool: &mut Pool) {
    match value {
        Json::Object(entries) => entries.iter().for_each(|(name, value)| texts(value, name, pool)),
        Json::Array(members) => members.iter().for_each(|member| texts(member, name, pool)),
        Json::String(text) => {
            pool.entry(name.to_owned()).or_default().insert(text.clone());
        }
        _ => {}
    }
}

/// A question to an event: what its field must be, or nothing for one that must be absent.
type Question = (LogSource, String, Option<String>);

fn questions(event: &Event, names: &BTreeSet<String>, out: &mut BTreeSet<String>) {
    let mut ask = |(logsource, field, value): Question| {
        let LogSource { product, category, service } = logsource;
        let logsource = json!({"product": product, "category": category, "service": service});
        let (key, wanted) = match value {
            Some(text) => (field, json!(escaped(&text))),
            None => (format!("{field}|exists"), json!(false)),
        };
        let detection = json!({"s": {key: wanted}, "condition": "s"});
        out.insert(
            json!({"title": "t", "logsource": logsource, "detection": detection}).to_string(),
        );
    };
    for (name, value) in named(event) {
        for member in value.members().iter().filter(|own| **own != event::Value::Null) {
            ask((event.logsource.clone(), name.clone(), Some(member.text().into_owned())));
        }
    }
    let own: BTreeSet<String> = named(event).map(|(name, _)| name).collect();
    for name in names.difference(&own) {
        ask((event.logsource.clone(), name.clone(), None));
    }
}

fn named(event: &Event) -> impl Iterator<Item = (String, &event::Value)> {
    let fields = event.fields.iter().map(|(name, value)| (name.to_owned(), value));
    fields.chain(event.attrs.iter().map(|(attr, value)| (attr.alias().to_owned(), value)))
}

fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}

/// Returns what differs between judging the variants of a record through the screen and whole.
fn differences(record: &Json, pool: &Pool, turn: usize) -> Vec<String> {
    let variants = variants(record, pool, turn);
    let lines: Vec<String> =
        std::iter::once(record).chain(&variants).map(ToString::to_string).collect();
    let events: Vec<Option<Event>> =
        lines.iter().map(|line| decoded::read("auto", line.as_bytes()).ok()).collect();
    let rules = Arc::new(rules(&events));
    let mut screen = Screen::new(Arc::clone(&rules), Auto);
    let mut scratch = Scratch::default();
    let mut differences = Vec::new();
    for (line, event) in lines.iter().zip(&events) {
        screen.judge(line.as_bytes());
        let Some(event) = event else { continue };
        let (mut whole, mut among) = (Vec::new(), Vec::new());
        rules.judge(event, &mut scratch, &mut whole);
        rules.judge_among(event, screen.candidates(), &mut scratch, &mut among);
        if among != whole {
            let lost = whole.iter().find(|own| !among.contains(own)).map(|own| &own.matched);
            let more = among.iter().find(|own| !whole.contains(own)).map(|own| &own.matched);
            differences.push(format!("lost {lost:?}, more {more:?} in {line}"));
        }
    }
    differences
}

/// Returns rules that ask for all that these events have and lack.
fn rules(events: &[Option<Event>]) -> RuleSet {
    let names = events.iter().flatten().flat_map(|event| named(event).map(|(name, _)| name));
    let names: BTreeSet<String> = names.filter(|name| !name.contains('|')).collect();
    let mut rules = BTreeSet::new();
    for event in events.iter().flatten().filter(|own| own.logsource != LogSource::default()) {
        questions(event, &names, &mut rules);
    }
    let text = rules.iter().map(String::as_str).collect::<Vec<_>>().join("\n---\n");
    if text.is_empty() {
        return RuleSet::default();
    }
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
    assert!(errors.is_empty(), "{}", errors[0]);
    rules
}

#[test]
fn what_one_record_taught_holds_for_all_of_its_shape() {
    let parsed = |line: &str| serde_json::from_str::<Json>(line).ok();
    let samples = folders().flat_map(|files| files.sample.lines());
    let records: Vec<Json> = MORE.into_iter().chain(samples).filter_map(parsed).collect();
    let mut pool = Pool::new();
    for record in &records {
        texts(record, "", &mut pool);
    }
    let mut differing = Vec::new();
    for (turn, record) in records.iter().enumerate() {
        let exported = match turn % 3 {
            0 => json!({"_index": "logs", "_id": "1", "_source": record}),
            1 => json!({"preview": false, "result": record}),
            _ => record.clone(),
        };
        let is_more = turn < MORE.len();
        differing.extend(differences(&exported, &pool, turn));
        if is_more {
            differing.extend(differences(record, &pool, 0));
        }
    }
    assert!(records.len() > 100, "{}", records.len());
    assert!(differing.is_empty(), "{} differ, first: {}", differing.len(), differing[0]);
}
