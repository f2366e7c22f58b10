//! The lake finds exactly what [`event::query::matches`] says, wherever the events lie.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use event::lake::{LakeReader as _, MemoryLake};
use event::query::{Query, matches, parse, parse_question};
use event::{Attr, Attrs, Event, Fields, IdSource, Scope, Value};
use lake::Lake;
use proptest::prelude::*;
use proptest::sample::select;

use crate::home::{
    Home, at, event as plain_event, found_ids, newest_first, run, search_for, some_attrs,
    some_fields, start,
};

const WORDS: [&str; 20] = [
    "failed",
    "Failed password",
    "thất bại",
    "THAT BAI",
    "10.1.2.3",
    "10.1.2.30",
    "192.168.0.7",
    "2001:db8::1",
    "root",
    "Backup",
    "user_1",
    "x",
    "C:\\Windows\\cmd.exe",
    "a,b",
    "50022",
    "0.5",
    "true",
    "tha\u{302}\u{301}t",
    "đ",
    "-",
];
const NAMES: [&str; 12] = [
    "user",
    "src_ip",
    "src_endpoint.ip",
    "src_port",
    "dst_port",
    "message",
    "file_hash",
    "event_code",
    "EventID",
    "own.name",
    "url_path",
    "actor.user.name",
];
const ATTRS: [Attr; 9] = [
    Attr::User,
    Attr::SrcIp,
    Attr::SrcPort,
    Attr::DstPort,
    Attr::Message,
    Attr::FileHash,
    Attr::EventCode,
    Attr::UrlPath,
    Attr::Action,
];
const QUERY_NAMES: [&str; 10] = [
    "time_quality",
    "event_note",
    "class",
    "parser",
    "logsource.product",
    "agency_id",
    "action",
    "missing",
    "system_id",
    "status",
];

/// Around the first of the events.
const TIMES: [&str; 5] = [
    ">=2026-09-21T20:33",
    "<2026-09-21T13:33:30Z",
    "[2026-09-21T20:33:25 TO 2026-09-21T21:40]",
    "2026-09-22",
    "[* TO 2026-09-21T13:33:20Z]",
];

/// Sums and means are left out: they depend on the order in which broken numbers are added.
const SUMMARIES: [&str; 5] = [
    "| stats count(), distinct(user), count(src_port)",
    "| stats count(), min(src_port), max(EventID) by user",
    "| timechart span=1h count() by class",
    "| timechart max(dst_port)",
    "| stats distinct(own.name) as names by file_hash, url_path | where names > 0 | limit 5",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => select(&WORDS[..]).prop_map(Value::from),
        1 => (select(&WORDS[..]), select(&WORDS[..]))
            .prop_map(|(a, b)| Value::Text(format!("{a} {b}"))),
        2 => select(vec![5_i64, 50_022, 4625, -1]).prop_map(Value::Int),
        1 => select(vec![0.5, 2.5e20, 0.1 + 0.2]).prop_map(Value::Float),
        1 => select(vec![Value::Null, Value::Bool(true), Value::Text(String::new())]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::List),
    ]
}

fn event_parts() -> impl Strategy<Value = (Attrs, Fields, String)> {
    let raw = prop::collection::vec(select(&WORDS[..]), 0..4).prop_map(|words| words.join(" "));
    (some_attrs(&ATTRS, value), some_fields(&NAMES, value), raw)
}

/// Events of two days, some at the same moment.
fn events(count: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((event_parts(), 0..60_i64), 1..count).prop_map(|parts| {
        let ids = IdSource::seeded(9);
        let made =
            parts.into_iter().enumerate().map(|(number, ((attrs, fields, raw), minutes))| {
                let mut event = plain_event(&ids, i64::try_from(number).unwrap());
                event.occurred_at = start() + TimeDelta::minutes(minutes * 30);
                Event { attrs, fields, raw, ..event }
            });
        made.collect()
    })
}

fn word_of_query() -> impl Strategy<Value = String> {
    let word = || select(&WORDS[..]).prop_map(|word| word.replace(['"', ' '], ""));
    prop_oneof![
        4 => word(),
        2 => select(&WORDS[..]).prop_map(|word| format!("\"{}\"", word.replace('\\', "\\\\"))),
        1 => (word(), word()).prop_map(|(a, b)| format!("\"{} {b}\"", a.replace('\\', "\\\\"))),
        1 => (word(), 0..12_usize).prop_map(|(word, at)| with_star(&word, at, '*')),
        1 => (word(), 0..12_usize).prop_map(|(word, at)| with_star(&word, at, '?')),
        1 => word().prop_map(|word| format!("*{word}*")),
        1 => word().prop_map(|word| word.chars().take(3).collect()),
    ]
    .prop_filter("a term", |text| !text.is_empty())
}

fn with_star(word: &str, at: usize, star: char) -> String {
    let mut chars: Vec<char> = word.chars().collect();
    let at = at.min(chars.len());
    if star == '?' && at < chars.len() {
        chars[at] = star;
    } else {
        chars.insert(at, star);
    }
    chars.into_iter().collect()
}

fn test_of_query() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => word_of_query(),
        1 => Just("*".to_owned()),
        1 => Just("\"\"".to_owned()),
        1 => select(vec!["10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "192.168.0.0/16"])
            .prop_map(ToOwned::to_owned),
        1 => select(vec![">5", ">=5", "<4625", "<=0.5", "[0 TO 5000]", "[* TO 0.5]"])
            .prop_map(ToOwned::to_owned),
        1 => select(vec!["/10\\.1\\.2/", "/^fail/", "/(?i)FAIL/", "/ /"]).prop_map(ToOwned::to_owned),
        1 => select(vec!["authentication", "linux_*", "linux"]).prop_map(ToOwned::to_owned),
    ]
}

fn query_text() -> impl Strategy<Value = String> {
    let name = prop_oneof![3 => select(&NAMES[..]), 1 => select(&QUERY_NAMES[..])];
    let term = prop_oneof![
        1 => word_of_query(),
        2 => (name, test_of_query()).prop_map(|(name, test)| format!("{name}:{test}")),
        1 => (select(vec!["occurred_at", "collected_at"]), select(&TIMES[..]))
            .prop_map(|(name, time)| format!("{name}:{time}")),
    ];
    term.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

fn queries(count: usize) -> impl Strategy<Value = Vec<(String, Query)>> {
    let query = query_text().prop_filter_map("a query", |text| {
        let query = parse(&text).ok()?;
        Some((text, query))
    });
    prop::collection::vec(query, count)
}

/// Asks everything twice: the lake and the matcher.
async fn check(lake: &Lake, events: &[Event], queries: &[(String, Query)], when: &str) {
    let twin = MemoryLake::with(events.to_vec());
    let all = Scope::platform();
    for (text, query) in queries {
        let expected = newest_first(events.iter().filter(|event| matches(query, event)));
        let search = search_for(query.clone(), 7);
        assert_eq!(found_ids(lake, &all, search.clone()).await, expected, "{when}: {text}");
        let span = event::lake::Search {
            from: start() + TimeDelta::minutes(31),
            to: start() + TimeDelta::hours(20) + TimeDelta::nanoseconds(1),
            ..search
        };
        let bars = lake.histogram(&all, &span, 13).await.unwrap();
        assert_eq!(bars, twin.histogram(&all, &span, 13).await.unwrap(), "{when}: {text}");
        for field in ["user", "src_port", "EventID", "class"] {
            let top = lake.top(&all, &span, field, 5).await.unwrap();
            assert_eq!(top, twin.top(&all, &span, field, 5).await.unwrap(), "{when}: {text}");
        }
        for stages in SUMMARIES {
            let summary = parse_question(stages).unwrap().summary.unwrap();
            let ours = lake.summarise(&all, &span, &summary).await.unwrap();
            let twins = twin.summarise(&all, &span, &summary).await.unwrap();
            assert_eq!(ours.rows, twins.rows, "{when}: {text} {stages}");
            assert_eq!(ours.events, twins.events, "{when}: {text} {stages}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_lake_finds_what_the_matcher_says(events in events(40), queries in queries(10)) {
        run(async {
            let home = Home::new();
            let lake = home.open().await;
            let half = events.len() / 2;
            lake.append(events[..half].to_vec(), at(1)).await.unwrap();
            lake.flush().await.unwrap();
            lake.append(events[half..].to_vec(), at(2)).await.unwrap();
            check(&lake, &events, &queries, "half in files").await;
            lake.flush().await.unwrap();
            check(&lake, &events, &queries, "in files").await;
            lake.close().await;
            let lake = home.open().await;
            check(&lake, &events, &queries, "opened again").await;
            lake.close().await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Enough events for columns in memory, several granules and merged files.
    #[test]
    fn many_events_are_found_wherever_they_lie(
        kinds in prop::collection::vec(event_parts(), 40),
        queries in queries(12),
    ) {
        run(async {
            let events = many_events(&kinds, 18_000);
            let home = Home::new();
            let lake = home.open().await;
            for (number, batch) in events.chunks(1500).enumerate() {
                lake.append(batch.to_vec(), at(u64::try_from(number).unwrap())).await.unwrap();
                if number == 3 {
                    check_ids(&lake, &events[..6000], &queries, "columns in memory").await;
                }
            }
            lake.flush().await.unwrap();
            check_ids(&lake, &events, &queries, "in large files").await;
            lake.close().await;
            drop(lake);

            let home = Home::new();
            let lake = home.open().await;
            for (number, batch) in events.chunks(2000).enumerate() {
                lake.append(batch.to_vec(), at(u64::try_from(number).unwrap())).await.unwrap();
                lake.flush().await.unwrap();
            }
            check_ids(&lake, &events, &queries, "in small files").await;
            while lake.merge_small_files().await.unwrap() {}
            check_ids(&lake, &events, &queries, "merged").await;
            lake.close().await;
        });
    }
}

/// Events of a few kinds that come in runs, so that an index can leave granules out.
fn many_events(kinds: &[(Attrs, Fields, String)], count: i64) -> Vec<Event> {
    let ids = IdSource::seeded(3);
    (0..count)
        .map(|number| {
            let kind = usize::try_from(number / 700).unwrap() % kinds.len();
            let (attrs, fields, raw) = kinds[kind].clone();
            Event { attrs, fields, raw, ..plain_event(&ids, number) }
        })
        .collect()
}

async fn check_ids(lake: &Lake, events: &[Event], queries: &[(String, Query)], when: &str) {
    let all = Scope::platform();
    // Events that differ in their time only match alike, unless it is asked: each kind is asked once.
    for (text, query) in queries {
        let mut answers = BTreeMap::new();
        let fits = |event: &&Event| {
            if text.contains("_at:") {
                return matches(query, event);
            }
            let key = format!("{:?}{:?}{}", event.attrs, event.fields, event.raw);
            let key = (key, event.origin.agency);
            *answers.entry(key).or_insert_with(|| matches(query, event))
        };
        let expected = newest_first(events.iter().filter(fits));
        let found = found_ids(lake, &all, search_for(query.clone(), 1000)).await;
        assert_eq!(found.len(), expected.len(), "{when}: {text}");
        assert!(found == expected, "{when}: {text}: other events or another order");
        let bars = lake.histogram(&all, &search_for(query.clone(), 0), 1).await.unwrap();
        assert_eq!(usize::try_from(bars[0].count).unwrap(), expected.len(), "{when}: {text}");
    }
}
