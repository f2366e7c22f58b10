//! The screen over a small decoder that copies, rewrites, joins and drops values: what it calls silent
//! fires nothing, and what it can know it does not leave open.

use std::sync::Arc;

use event::{Attr, Event, Fields, LogSource, Value};
use proptest::prelude::*;

use super::*;
use crate::testing::EventMaker;
use crate::{RuleFile, RuleSet};

/// Reads flat JSON objects. `Copy` becomes `Image` too, `Path` loses its prefix, `User` is made of two
/// values, `Kind` says whether `Secret` counts, `Address` and `Code` are attributes only.
struct Small;

impl Decoding for Small {
    fn read(&self, record: &[u8]) -> Option<Event> {
        let json: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(record).ok()?;
        let mut fields = Fields::new();
        for (name, value) in json {
            fields.push(name, serde_json::from_value::<Value>(value).ok()?);
        }
        let text = |name: &str| fields.get(name).map(|value| value.text().into_owned());
        let (copy, path, kind) = (text("Copy"), text("Path"), text("Kind"));
        let (domain, name, address) = (text("Domain"), text("Name"), text("Address"));
        let code = text("Code");
        if let Some(copy) = copy {
            fields.push("Image", copy);
        }
        if let Some(path) = path {
            fields.set("Path", path.trim_start_matches("\\\\?\\").to_lowercase());
        }
        if let (Some(domain), Some(name)) = (domain, name) {
            fields.push("User", format!("{domain}\\{name}"));
        }
        if kind.as_deref() == Some("open") {
            fields.push("Secret", "told");
        }
        let logsource = LogSource { product: Some("windows".into()), ..LogSource::default() };
        let mut event = EventMaker::new().event(logsource, fields, chrono::Duration::zero());
        let is_address = |text: &String| text.parse::<std::net::IpAddr>().is_ok();
        if let Some(address) = address.filter(is_address) {
            event.attrs.set(Attr::SrcIp, address);
        }
        if let Some(code) = code {
            event.attrs.set(Attr::EventCode, code);
        }
        Some(event)
    }

    fn decides(&self, path: &str) -> Deciding {
        match path {
            "Kind" => Deciding::Value,
            "B" => Deciding::Presence,
            "Note" => Deciding::Text { starts: &["<"], line: "Type:" },
            _ => Deciding::Nothing,
        }
    }

    fn feeds(&self, _event: &Event) -> Vec<(String, Attr)> {
        vec![("Address".to_owned(), Attr::SrcIp), ("Code".to_owned(), Attr::EventCode)]
    }

    fn is_blank(&self, text: &str) -> bool {
        text.is_empty()
    }
}

fn rules(selections: &[&str]) -> Arc<RuleSet> {
    let document = |(number, selection): (usize, &&str)| {
        format!(
            "title: t\nid: r{number}\nlogsource: {{ product: windows }}\ndetection:\n  \
             s: {selection}\n  condition: s"
        )
    };
    let text = selections.iter().enumerate().map(document).collect::<Vec<_>>().join("\n---\n");
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
    assert!(errors.is_empty(), "{errors:?}");
    Arc::new(rules)
}

#[track_caller]
fn check(selection: &str, record: &str, verdict: Verdict) {
    let mut screen = Screen::new(rules(&[selection]), Small);
    // The first record of a shape teaches, the second is judged by what was learnt.
    for _ in 0..2 {
        assert_eq!(screen.judge(record.as_bytes()), verdict, "{selection} on {record}");
    }
}

#[test]
fn values_are_judged_where_they_stand() {
    use Verdict::{Open, Silent};
    for (selection, record, verdict) in [
        (r"{ A|contains: 'evil' }", r#"{"A":"an EVIL\\path"}"#, Open),
        (r"{ A|contains: 'evil' }", r#"{"A":"harmless"}"#, Silent),
        (r"{ A|contains: 'evil' }", r#"{"B":"evil"}"#, Silent),
        (r"{ A: null }", r#"{"B":"evil"}"#, Open),
        (r"{ A: null }", r#"{"A":null}"#, Open),
        (r"{ A: null }", r#"{"A":""}"#, Silent),
        (r"{ A|exists: false }", r#"{"A":null}"#, Silent),
        (r"{ A|gt: 5 }", r#"{"A":7}"#, Open),
        (r"{ A|gt: 5 }", r#"{"A":"4"}"#, Silent),
        (r"{ A: 7 }", r#"{"A":7}"#, Open),
        (r"{ A: 'true' }", r#"{"A":true}"#, Open),
        (r"{ A: 'true' }", r#"{"A":false}"#, Silent),
        (r"{ A|contains|all: [x, y] }", r#"{"A":["ax","by"]}"#, Open),
        (r"{ A|contains|all: [x, y] }", r#"{"A":["ax","bx"]}"#, Silent),
        (r"{ A.b: 1 }", r#"{"A":{"b":1}}"#, Open),
        (r"{ Image: x }", r#"{"Copy":"x"}"#, Open),
        (r"{ Image: x }", r#"{"Copy":"y"}"#, Silent),
        (r"['word']", r#"{"A":1,"B":"a word here"}"#, Open),
        (r"['word']", r#"{"A":1,"B":"nothing of the kind here"}"#, Silent),
        (r"{ Secret: told }", r#"{"Kind":"open","A":"x"}"#, Open),
        (r"{ Secret: told }", r#"{"Kind":"shut","A":"x"}"#, Silent),
        (r"{ A|re: 'a.+b' }", r#"{"A":"xaxxb"}"#, Open),
        (r"{ A|re: 'a.+b' }", r#"{"A":"ba"}"#, Silent),
        (r"{ A|lt: 5 }", r#"{"A":1.5}"#, Open),
        // What decides looks like what the layout is learnt with.
        (r"{ Kind: 40001 }", r#"{"Kind":40001,"A":5}"#, Open),
        (r"{ Kind: mk-1.example }", r#"{"Kind":"mk-1.example","A":"x"}"#, Open),
        // The kind of the event hangs on an attribute.
        (r"{ EventID: 7 }", r#"{"Code":"7"}"#, Open),
        (r"{ EventID: 7, A: x }", r#"{"Code":"8","A":"y"}"#, Silent),
        (r"{ EventID: null }", r#"{"Code":"8"}"#, Open),
        (r"{ A|contains: 'a\b' }", r#"{ "B" : { } , "A" : [ "x" , "a\\b" ] }"#, Open),
        // The decoder may refuse it.
        (r"{ A: x }", "{\"A\":\"\u{7f}y\"}", Open),
    ] {
        check(selection, record, verdict);
    }
}

#[test]
fn a_value_that_was_empty_before_is_looked_at() {
    use Verdict::{Open, Silent};
    let mut screen = Screen::new(rules(&["{ B: x }", "{ Note|contains: q }"]), Small);
    for (record, verdict) in [
        (r#"{"B":"","Note":""}"#, Silent),
        (r#"{"B":"x","Note":""}"#, Open),
        (r#"{"B":"","Note":"q"}"#, Open),
        (r#"{"B":"z","Note":"z"}"#, Silent),
        (r#"{"B":"x","Note":"z"}"#, Open),
        (r#"{"B":"z","Note":"Type: z"}"#, Silent),
        (r#"{"B":"z","Note":"q\nType: z"}"#, Open),
        (r#"{"B":"","Note":"<z>"}"#, Silent),
        (r#"{"B":"","Note":"<q>"}"#, Open),
    ] {
        assert_eq!(screen.judge(record.as_bytes()), verdict, "{record}");
    }
}

#[test]
fn what_the_decoder_makes_of_values_is_left_to_it() {
    for (selection, record) in [
        (r"{ Path: 'c:\x' }", r#"{"Path":"\\\\?\\C:\\x"}"#),
        (r"{ User: 'a\b' }", r#"{"Domain":"a","Name":"b"}"#),
        (r"{ SourceIp: '10.0.0.1' }", r#"{"Address":"10.0.0.1"}"#),
        (r"{ A: x }", r#"{"A":"x","#),
        (r"{ A: x }", "A=x"),
        (r"{ A: x }", r#"{"A":"x","A":"y"}"#),
        (r"{ A: x }", r#"{"A":[{"b":1}]}"#),
        (r"{ A: x }", r#"{"A":1.5}"#),
        (r"{ A: x }", r#"{"B":"\x","A":"x"}"#),
        (r"{ A: x }", r#"{"B":"a"} {"A":"x"}"#),
        (r"{ A: x }", r#"{"B":"a",}"#),
        (r"{ A: x }", "{\"B\":\"a\tb\",\"A\":\"x\"}"),
        (r"{ A: '9223372036854775808' }", r#"{"A":9223372036854775808}"#),
        (r"{ A: '\U0001F600' }", r#"{"A":"\ud83d\ude00"}"#),
    ] {
        let mut screen = Screen::new(rules(&[selection]), Small);
        let verdict = screen.judge(record.as_bytes());
        let fires = Small
            .read(record.as_bytes())
            .is_none_or(|event| !rules(&[selection]).evaluate_plainly(&event).is_empty());
        assert!(verdict == Verdict::Open || !fires, "{selection} on {record}");
    }
}

#[test]
fn only_what_the_decoder_may_change_is_asked_again() {
    for (selection, record, is_sure) in [
        (r"{ A: x }", r#"{"A":"x"}"#, true),
        (r"{ A|re: 'a.+b' }", r#"{"A":"xaxxb"}"#, true),
        (r"{ A: x, Path: 'c:\x' }", r#"{"A":"x","Path":"C:\\x"}"#, false),
        (r"{ SourceIp: '10.0.0.1' }", r#"{"Address":"10.0.0.1"}"#, false),
    ] {
        let mut screen = Screen::new(rules(&[selection]), Small);
        for _ in 0..2 {
            assert_eq!(screen.judge(record.as_bytes()), Verdict::Open, "{selection} on {record}");
        }
        let sure = screen.candidates().unwrap().iter().map(|own| own.is_sure).collect::<Vec<_>>();
        assert_eq!(sure, [is_sure], "{selection} on {record}");
    }
}

#[test]
fn a_flood_of_shapes_is_left_open_and_stays_bounded() {
    let mut screen = Screen::new(rules(&["{ A: x }"]), Small);
    assert_eq!(screen.judge(br#"{"A":"y"}"#), Verdict::Silent);
    for number in 0..20_000 {
        let kind = format!(r#"{{"Kind":"{number}","A":"y"}}"#);
        screen.judge(kind.as_bytes());
        let key = format!(r#"{{"k{number}":"v"}}"#);
        screen.judge(key.as_bytes());
    }
    let debug = format!("{screen:?}");
    assert!(debug.len() < 4_000_000, "{} bytes", debug.len());
    assert_eq!(screen.judge(br#"{"A":"y"}"#), Verdict::Silent, "a known shape stays known");
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        4 => "[abkAB\u{212a}\\\\ -]{0,6}".prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
        1 => (0_i64..3).prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => proptest::collection::vec("[ab]{0,3}", 0..3).prop_map(serde_json::Value::from),
    ]
}

proptest! {
    #[test]
    fn what_is_called_silent_fires_nothing(
        records in proptest::collection::vec(proptest::collection::btree_map(
            proptest::sample::select(vec!["A", "B", "Copy", "Path", "Domain", "Name", "Kind", "Address", "Code"]),
            value(),
            0..5,
        ), 1..20),
    ) {
        let selections = [
            "{ A|contains: ab }", "{ B: null }", "{ B|contains: k }", "{ Image|endswith: a }",
            "{ Path|startswith: b }",
            "{ User|contains: 'a\\b' }", "{ Secret: told }", "['ab']", "{ A|re: 'a.b' }",
            "{ A|neq: a }", "{ B|fieldref: A }", "{ Copy|exists: false }", "{ SourceIp|exists: true }",
            "{ A|contains|all: [a, b] }", "{ A|gt: 1 }", "{ A|cased: Ab }", "{ A: '' }", "{ EventID: a }",
        ];
        let rules = rules(&selections);
        let mut screen = Screen::new(Arc::clone(&rules), Small);
        let mut scratch = Scratch::default();
        for record in records {
            let record = serde_json::to_vec(&record).unwrap();
            let verdict = screen.judge(&record);
            let event = Small.read(&record).unwrap();
            let fires = rules.evaluate_plainly(&event);
            prop_assert!(
                verdict == Verdict::Open || fires.is_empty(),
                "{fires:?} on {}", String::from_utf8_lossy(&record)
            );
            let fired = rules.fired(&event, &mut scratch).to_vec();
            let among = rules.fired_among(&event, screen.candidates(), &mut scratch);
            prop_assert_eq!(among, fired, "{}", String::from_utf8_lossy(&record));
        }
    }
}
