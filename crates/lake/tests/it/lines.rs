//! Flat JSON lines come in whole: every value is where a search finds it.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use event::lake::LakeReader as _;
use event::{Attr, Class, Event, Origin, Scope, SourceId, TimeQuality, Value};
use lake::Lake;
use lake::keep::{BroughtIn, LinesSettings, read_events};
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
fn what_may_be_written_in_several_ways_is_found_by_each() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let lines = concat!(
            r#"{"ts":"2026-11-23T17:00:00.123456+0700","message":"one","src_ip":"2001:DB8:0:0::1","ratio":100.250,"big":18446744073709551615,"bytes_out":1e3,"odd":0.30000000000000004,"list":[0.30000000000000004,1.50]}"#,
            "\n",
            r#"{"ts":1795428000.123459,"message":"two","src_ip":"10.0.0.7","ratio":1.2e2,"bytes_out":0.30000000000000004,"far":1e999}"#,
            "\n",
        );
        assert_eq!(bring_in(&lake, lines, 1).await.events, 2);
        let events = all(&lake).await;
        let of = |raw: &str| events.iter().find(|event| event.raw == raw).unwrap();
        let (one, two) = (of("one"), of("two"));
        assert_eq!(one.occurred_at.timestamp_micros(), 1_795_428_000_123_456);
        assert_eq!(two.occurred_at.timestamp_micros(), 1_795_428_000_123_459);
        assert_eq!(one.time_quality, TimeQuality::Stated);
        assert_eq!(one.attrs.get(Attr::SrcIp), Some(&"2001:db8::1".into()));
        assert_eq!(one.fields.get("src_ip"), Some(&"2001:DB8:0:0::1".into()));
        assert_eq!(one.fields.get("big"), Some(&"18446744073709551615".into()));
        assert_eq!(one.fields.get("odd"), Some(&Value::Float(0.1 + 0.2)));
        let list = Value::List(vec![Value::Float(0.1 + 0.2), Value::Float(1.5)]);
        assert_eq!(one.fields.get("list"), Some(&list));
        assert_eq!(two.attrs.get(Attr::BytesOut), Some(&Value::Float(0.1 + 0.2)));
        assert_eq!(two.fields.get("far"), Some(&"1e999".into()));
        for query in [
            "src_ip:2001:db8::1",
            "src_ip:2001:0DB8:0::1",
            "\"2001:db8::1\"",
            "\"2001:DB8:0:0::1\"",
            "ratio:100.25",
            "ratio:100.250",
            "ratio:1.0025e2",
            "ratio:120",
            "ratio:120.0",
            "big:18446744073709551615",
            "18446744073709551615",
            "bytes_out:1000",
            "bytes_out:1000.0",
            "bytes_out:>=1000",
            "bytes_out:0.30000000000000004",
            "list:1.50",
        ] {
            assert_eq!(count(&lake, query).await, 1, "{query}");
        }
        for query in ["ratio:100.3", "ratio:1e2", "bytes_out:1000.5"] {
            assert_eq!(count(&lake, query).await, 0, "{query}");
        }
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

#[test]
fn rows_that_stand_by_kind_are_read_and_merged_in_the_order_of_time() {
    const LINES: u32 = 9000;
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        for part in 0..8 {
            let line = |number: u32| {
                let at = 1_795_392_000 + number * 8 + part;
                let line = match number % 3 {
                    0 => json!({"ts": at, "user": "an", "message": format!("in {number}")}),
                    1 => {
                        json!({"ts": at, "src_ip": "10.0.0.1", "message": format!("deny {number}")})
                    }
                    _ => json!({"ts": at, "own": number, "message": "beside"}),
                };
                format!("{line}\n")
            };
            let text: String = (0..LINES).map(line).collect();
            assert_eq!(bring_in(&lake, &text, 1).await.files, 1);
        }
        let in_time = |file: &lake::Segment| {
            let rows = usize::try_from(file.rows).unwrap();
            let all = read_events(&home.place(), file, 0..rows).unwrap();
            assert_eq!(all.len(), rows);
            assert!(all.windows(2).all(|pair| pair[0].occurred_at <= pair[1].occurred_at));
            for part in [0..1, 100..3000, 8000..8500, 8192..rows] {
                assert_eq!(read_events(&home.place(), file, part.clone()).unwrap(), all[part]);
            }
            assert_eq!(lake::keep::verify_file(&home.place(), file), []);
            all.len()
        };
        assert_eq!(lake.files().iter().map(in_time).sum::<usize>(), 8 * LINES as usize);
        assert!(lake.merge_small_files().await.unwrap());
        let files = lake.files();
        assert_eq!(files.len(), 1);
        assert_eq!(files.iter().map(in_time).sum::<usize>(), 8 * LINES as usize);
    });
}

/// The record of a line: few have anything to find, some of that with marks.
fn record(number: u32) -> String {
    match number {
        _ if number % 9973 == 1 => format!("{number} Đăng nhập LẠ xyzzy{number}end from 10.9.8.7"),
        _ if number.is_multiple_of(5) => format!("line {number} Nguyễn Văn An ok"),
        _ => format!("line {number} common word{}", number % 50),
    }
}

fn needle_line(number: u32) -> serde_json::Value {
    let product = ["a", "b", "c"][number as usize % 3];
    let beside = if number % 7919 == 3 { "beside the RECORD" } else { "" };
    json!({
        "ts": 1_795_392_000 + number,
        "user": format!("user{}", number % 3000),
        "log_product": product,
        "note": beside,
        "message": record(number),
    })
}

#[test]
fn needles_in_many_granules_are_found_as_a_plain_scan_finds_them() {
    const LINES: u32 = 30_000;
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let text: String =
            (0..LINES).map(|number| needle_line(number).to_string() + "\n").collect();
        assert_eq!(bring_in(&lake, &text, 2).await.events, u64::from(LINES));
        let scope = Scope::platform();
        let folded: Vec<String> =
            (0..LINES).map(|number| event::fold::fold(&needle_line(number).to_string())).collect();
        let has = |text: &str| folded.iter().filter(|line| line.contains(text)).count();
        for (query, expected) in [
            ("xyzzy1end", has("xyzzy1end")),
            ("*zzy*", has("zzy")),
            ("xyzz*", has("xyzz")),
            ("*hập* *zzy*", has("zzy")),
            ("\"dang nhap\"", has("dang nhap")),
            ("\"nguyễn văn\"", has("nguyen van")),
            ("\"beside the record\"", has("beside the record")),
            ("*eside*", has("eside")),
            ("*zzy* \"10.9.8.7\"", has("zzy")),
            ("*zzy* OR *eside*", has("zzy") + has("eside")),
            ("NOT line", has("zzy")),
            ("*absent*", 0),
            ("user:user77", (LINES / 3000) as usize),
            (
                "word7 user:user7*",
                (0..LINES)
                    .filter(|n| {
                        n % 5 != 0
                            && n % 9973 != 1
                            && n % 50 == 7
                            && (n % 3000).to_string().starts_with('7')
                    })
                    .count(),
            ),
        ] {
            let search = search(query, 1000);
            let found = crate::home::found_ids(&lake, &scope, search.clone()).await;
            assert_eq!(found.len(), expected, "{query}");
            let bars = lake.histogram(&scope, &search, 7).await.unwrap();
            assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), expected as u64, "{query}");
            let weight = lake.weigh(&scope, &search).await.unwrap();
            assert!((expected as u64..=u64::from(LINES)).contains(&weight), "{query}: {weight}");
        }
        // The index rules out whole granules, and is not asked where it knows nothing.
        for (query, is_less) in [("xyzzy1end", true), ("*zzy*", false), ("", false)] {
            let weight = lake.weigh(&scope, &search(query, 0)).await.unwrap();
            assert_eq!(weight < u64::from(LINES), is_less, "{query}: {weight}");
        }
        let top = lake.top(&scope, &search("", 1), "logsource.product", 5).await.unwrap();
        let third = u64::from(LINES / 3);
        assert_eq!(top.iter().map(|own| own.count).collect::<Vec<_>>(), [third; 3]);
        for (sql, expected) in [
            ("SELECT count(*) FROM events", LINES as usize),
            ("SELECT count(*) FROM events WHERE has_token(raw, 'XYZZY1end')", has("xyzzy1end")),
            ("SELECT count(*) FROM events WHERE has_token(raw, 'đăng nhập')", has("dang nhap")),
            ("SELECT count(*) FROM events WHERE has_token(raw, 'xyzzy')", 0),
            ("SELECT count(*) FROM events WHERE raw ILIKE '%XYZZY%'", has("xyzzy")),
            ("SELECT count(*) FROM events WHERE \"user\" = 'user77'", (LINES / 3000) as usize),
            ("SELECT count(*) FROM events WHERE \"user\" = 'User77'", 0),
            ("SELECT count(*) FROM events WHERE occurred_at < to_timestamp(1795392100)", 100),
            (
                "SELECT count(DISTINCT log_product) FROM events WHERE has_token(raw, 'zzy') OR true",
                3,
            ),
        ] {
            let table = lake.sql(&scope, sql).await.unwrap();
            assert_eq!(table.rows, [[expected.to_string()]], "{sql}");
        }
    });
}

#[test]
fn a_chart_of_codes_is_that_of_single_events() {
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let line = |number: u64| {
            let mut line = json!({"ts": 1_795_392_000 + number, "message": "x"});
            if !number.is_multiple_of(4) {
                line["log_product"] = ["a", "b"][(number % 2) as usize].into();
            }
            if number.is_multiple_of(3) {
                line["user"] = if number.is_multiple_of(9) {
                    json!(["an", "binh"])
                } else {
                    json!(format!("user{}", number % 11))
                };
            }
            line
        };
        let lines: Vec<serde_json::Value> = (0..2000).map(line).collect();
        let half = |lines: &[serde_json::Value]| -> String {
            lines.iter().map(|line| line.to_string() + "\n").collect()
        };
        bring_in(&lake, &half(&lines[..1000]), 1).await;
        bring_in(&lake, &half(&lines[1000..]), 1).await;
        let scope = Scope::platform();
        let events = {
            let mut found = Vec::new();
            let mut search = search("", 1000);
            loop {
                let page = lake.search(&scope, &search).await.unwrap();
                found.extend(page.events);
                let Some(next) = page.next else { break found };
                search.after = Some(next);
            }
        };
        let plain = event::lake::MemoryLake::with(events);
        for line in [
            "| timechart span=1m count() by logsource.product",
            "| timechart span=5m count(), distinct(logsource.product)",
            "| stats count(logsource.product), count() by logsource.product",
            "| stats count() by user, logsource.product",
            "| timechart span=10m count(user) by user",
        ] {
            let question = event::query::parse_question(line).unwrap();
            let summary = question.summary.unwrap();
            let mut asked = search("", 1);
            asked.from = chrono::DateTime::from_timestamp(1_795_392_000, 0).unwrap();
            asked.to = asked.from + chrono::TimeDelta::seconds(2000);
            let own = lake.summarise(&scope, &asked, &summary).await.unwrap();
            let expected = plain.summarise(&scope, &asked, &summary).await.unwrap();
            assert_eq!(own.rows, expected.rows, "{line}");
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
