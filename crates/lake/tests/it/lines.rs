//! Flat JSON lines come in whole: every value is where a search finds it.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use event::lake::LakeReader as _;
use event::{Attr, Class, Event, Origin, Scope, SourceId, TimeQuality, Value};
use lake::Lake;
use lake::keep::{BroughtIn, LinesSettings};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::home::{Home, agency, all_ids, run, search};

fn settings(threads: usize) -> LinesSettings {
    let source = SourceId::from_uuid(Uuid::from_u128(0x50));
    LinesSettings { origin: Origin { agency: agency(0), system: None, source }, threads }
}

async fn bring_in(lake: &Lake, text: &str, threads: usize) -> BroughtIn {
    lake.import_lines(Cursor::new(text.to_owned().into_bytes()), &settings(threads)).await.unwrap()
}

async fn all(lake: &Arc<Lake>) -> Vec<Event> {
    lake.search(&Scope::platform(), &search("", 1000)).await.unwrap().events
}

async fn count(lake: &Lake, query: &str) -> usize {
    lake.search(&Scope::platform(), &search(query, 1000)).await.unwrap().events.len()
}

#[test]
fn a_line_becomes_an_event() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let agency = agency(7);
        let line = json!({
            "@timestamp": "2026-11-23T10:00:00.5Z",
            "agency_id": agency.to_string(),
            "class_uid": 3002,
            "log_product": "linux",
            "src_endpoint.ip": "10.0.0.7",
            "src_ip": "10.0.0.8",
            "src_port": "443",
            "user": ["an", "bình"],
            "dst_port": "http",
            "source_id": "no id",
            "own": {"deep": [1, {"x": "sâu"}]},
            "list": [1, "hai", null],
            "message": "Đăng nhập thất bại từ 10.0.0.7",
        });
        let text = format!("\r\n{line}\r\n\n[1]\n{{\"a\":1,\"a\":2}}\n{{\"a\":1}} x\nnone\n{{}}");
        let brought = bring_in(&lake, &text, 1).await;
        assert_eq!((brought.events, brought.refused), (2, 4));
        let events = all(&lake).await;
        let event = events.iter().find(|event| event.raw.starts_with("Đăng")).unwrap();
        assert_eq!(event.occurred_at.to_rfc3339(), "2026-11-23T10:00:00.500+00:00");
        assert_eq!(event.time_quality, TimeQuality::Stated);
        assert_eq!((event.origin.agency, event.class), (agency, Class::Authentication));
        let attr = |attr| event.attrs.get(attr).cloned();
        assert_eq!(attr(Attr::SrcPort), Some(Value::Int(443)));
        assert_eq!(attr(Attr::DstPort), Some("http".into()));
        assert_eq!(attr(Attr::User), Some(Value::List(vec!["an".into(), "bình".into()])));
        // Two names of one attribute: the first has it, the other is kept under its own.
        let by_name = attr(Attr::SrcIp).into_iter().chain(
            ["src_ip", "src_endpoint.ip"].iter().filter_map(|name| event.fields.get(name).cloned()),
        );
        let mut addresses: Vec<String> = by_name.map(|value| value.text().into_owned()).collect();
        addresses.sort();
        assert_eq!(addresses, ["10.0.0.7", "10.0.0.8"]);
        assert_eq!(event.fields.get("source_id"), Some(&"no id".into()));
        assert_eq!(event.fields.get("own"), Some(&r#"{"deep":[1,{"x":"sâu"}]}"#.into()));
        let list = Value::List(vec![Value::Int(1), "hai".into(), Value::Null]);
        assert_eq!(event.fields.get("list"), Some(&list));
        let queries = [
            "dang nhap",
            "user:binh",
            "src_ip:10.0.0.*",
            "hai",
            "sau",
            "src_port:443",
            "own:*deep*",
        ];
        for query in queries {
            assert_eq!(count(&lake, query).await, 1, "{query}");
        }
        let empty = events.iter().find(|event| event.raw == "{}").unwrap();
        assert_eq!(empty.time_quality, TimeQuality::Collected);
        // Known to the catalogue: another lake over it has them.
        lake.close().await;
        let again = home.open().await;
        assert_eq!(all_ids(&again).await.len(), 2);
    });
}

#[test]
fn days_are_parted_and_rows_sorted_on_any_number_of_threads() {
    run(async {
        for threads in [1, 3] {
            let home = Home::new();
            let lake = home.open().await;
            let line = |number: u64| {
                let at = 1_795_478_400 + number * 7919 % 200 - 100;
                format!("{{\"ts\":{at},\"number\":{number},\"message\":\"line {number}\"}}\n")
            };
            let text: String = (0..200).map(line).collect();
            let brought = bring_in(&lake, &text, threads).await;
            assert_eq!((brought.events, brought.files), (200, 2));
            let events = all(&lake).await;
            assert!(events.windows(2).all(|pair| pair[0].occurred_at >= pair[1].occurred_at));
            let numbers: std::collections::BTreeSet<String> =
                events.iter().map(|event| event.raw.clone()).collect();
            assert_eq!(numbers.len(), 200);
            let faults = lake
                .files()
                .into_iter()
                .map(|file| lake::keep::verify_file(&home.place(), &file).len());
            assert_eq!(faults.sum::<usize>(), 0);
        }
    });
}

/// What a name may be: columns, attributes by both names, own ones, odd ones.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..Attr::ALL.len()).prop_map(|place| Attr::ALL[place].alias().to_owned()),
        (0..Attr::ALL.len()).prop_map(|place| Attr::ALL[place].path().to_owned()),
        Just("ts".to_owned()),
        Just("raw".to_owned()),
        Just("agency_id".to_owned()),
        Just("class_uid".to_owned()),
        Just("a\"b\\".to_owned()),
        "[a-c]{1,2}",
        ".{0,6}",
    ]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|own| json!(own)),
        any::<i64>().prop_map(|own| json!(own)),
        any::<u64>().prop_map(|own| json!(own)),
        (-1e9..1e9).prop_map(|own: f64| json!(own)),
        "[a-z0-9._-]{0,12}".prop_map(|own| json!(own)),
        ".{0,12}".prop_map(|own| json!(own)),
        Just(json!("Tha\u{302}\u{301}t ba\u{323}i\n\t\u{1}")),
        Just(json!("2026-11-23T10:00:00Z")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|own| json!(own)),
        ]
    })
}

/// The texts that a search for a value must find.
fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(members)
            if members.iter().all(|own| !own.is_array() && !own.is_object()) =>
        {
            members.iter().flat_map(texts).collect()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if crate::IN_STORE { 8 } else { 64 }))]

    #[test]
    fn whatever_a_line_holds_is_kept_and_found(
        lines in prop::collection::vec(prop::collection::btree_map(name(), value(), 0..8), 1..12)
    ) {
        run(async {
            let home = Home::new();
            let lake = home.open().await;
            let text: String = lines.iter().map(|line| json!(line).to_string() + "\n").collect();
            let brought = bring_in(&lake, &text, 2).await;
            assert_eq!((brought.events, brought.refused), (lines.len() as u64, 0));
            // Every row can be read: nothing in it that the lake would not take.
            let events = all(&lake).await;
            assert_eq!(events.len(), lines.len());
            let stored: Vec<BTreeMap<String, String>> = events.iter().map(values_of).collect();
            for line in &lines {
                // A text that is read as a time or a class is no text any more.
                let own = line.iter().filter(|(name, _)| !["ts", "class_uid"].contains(&name.as_str()));
                let wanted: Vec<String> = own.flat_map(|(_, value)| texts(value)).collect();
                let is_kept = stored.iter().any(|event| {
                    wanted.iter().all(|text| event.values().any(|own| own.contains(text.as_str())))
                });
                assert!(is_kept, "{line:?} is not among {stored:?}");
                for text in wanted.iter().filter(|text| {
                    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric())
                }) {
                    assert!(count(&lake, &format!("\"{text}\"")).await > 0, "{text}");
                }
            }
        });
    }
}

/// All that an event holds, as text by name.
fn values_of(event: &Event) -> BTreeMap<String, String> {
    let mut values = BTreeMap::from([("raw".to_owned(), event.raw.clone())]);
    let source = &event.logsource;
    for (name, own) in
        [("product", &source.product), ("category", &source.category), ("service", &source.service)]
    {
        values.insert(name.to_owned(), own.as_deref().unwrap_or_default().to_owned());
    }
    values.insert("parser".to_owned(), event.parser.to_string());
    let time = event.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    values.insert("ts".to_owned(), time);
    let members = |value: &Value| {
        let texts: Vec<String> =
            value.members().iter().map(|member| member.text().into_owned()).collect();
        texts.join("\n")
    };
    for (attr, value) in event.attrs.iter() {
        values.insert(format!("attr {}", attr.alias()), members(value));
    }
    for (name, value) in event.fields.iter() {
        values.insert(format!("own {name}"), members(value));
    }
    values
}
