//! Patterns of fields' values: the index is asked for what they must hold, and leaves out no event that fits.

use chrono::TimeDelta;
use event::lake::LakeReader as _;
use event::query::{Query, Test, escape, matches};
use event::{Attr, Attrs, Event, Fields, IdSource, Scope, Value};
use proptest::prelude::*;
use proptest::sample::select;

use crate::home::{
    Home, at, event as plain_event, found_ids, newest_first, run, search, search_for, some_attrs,
    some_fields, start,
};

const PARTS: [&str; 20] = [
    "admin",
    "Administrator",
    "adm",
    "10",
    "203",
    ".",
    "-",
    "_",
    " ",
    ", ",
    "\\",
    "đăng",
    "ĐĂNG",
    "e\u{301}",
    "网络",
    "dc01",
    "wp-login",
    "\n",
    "*",
    "x",
];
const NAMES: [&str; 8] =
    ["user", "src_ip", "url", "src_port", "event_code", "EventID", "own.name", "actor.user.name"];
const ATTRS: [Attr; 6] =
    [Attr::User, Attr::SrcIp, Attr::Url, Attr::SrcPort, Attr::EventCode, Attr::Host];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(&PARTS[..]), 0..5).prop_map(|parts| parts.concat())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => text().prop_map(Value::Text),
        1 => select(vec!["10.20.3.4", "2001:db8::1"]).prop_map(Value::from),
        2 => select(vec![10_i64, 4625, -203]).prop_map(Value::Int),
        1 => select(vec![10.5, 2.5e20]).prop_map(Value::Float),
        1 => select(vec![Value::Null, Value::Bool(true)]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => prop::collection::vec(scalar(), 0..4).prop_map(Value::List),
    ]
}

fn event_parts() -> impl Strategy<Value = (Attrs, Fields, String)> {
    (some_attrs(&ATTRS, value), some_fields(&NAMES, value), text())
}

/// What becomes of each character of a value in a pattern: `*`, `*` beside it, `?`, or itself.
fn pattern_of(text: &str, kept: &[u8]) -> String {
    let mut pattern = String::new();
    for (c, kept) in text.chars().zip(kept.iter().cycle()) {
        match kept {
            0 => pattern.push('*'),
            1 => pattern.push('?'),
            2 => {
                pattern.push('*');
                pattern.push_str(&escape(&c.to_string()));
            }
            _ => pattern.push_str(&escape(&c.to_string())),
        }
    }
    pattern
}

/// Patterns of the values that the events have, each for its own field.
fn patterns(events: &[Event], kept: &[Vec<u8>]) -> Vec<Query> {
    let attrs = |event: &Event| {
        let pairs =
            event.attrs.iter().map(|(attr, value)| (attr.alias().to_owned(), value.clone()));
        pairs.collect::<Vec<_>>()
    };
    let fields = |event: &Event| {
        let pairs = event.fields.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        pairs.collect::<Vec<_>>()
    };
    let pairs = events.iter().flat_map(|event| [attrs(event), fields(event)].concat());
    let texts = pairs.flat_map(|(name, value)| {
        let texts = value.members().iter().map(|member| (name.clone(), member.text().into_owned()));
        texts.collect::<Vec<_>>()
    });
    let queries = texts.zip(kept.iter().cycle()).flat_map(|((name, text), kept)| {
        let own = pattern_of(&text, kept);
        let beginning: String = text.chars().take(5).collect();
        [own, format!("{}*", escape(&beginning)), format!("*{}", escape(&text))]
            .map(|pattern| Query::Field { name: name.clone(), test: Test::Like(pattern) })
    });
    queries.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_event_that_fits_is_left_out(
        parts in prop::collection::vec(event_parts(), 1..12),
        kept in prop::collection::vec(prop::collection::vec(0..9_u8, 1..7), 5),
    ) {
        run(async {
            let ids = IdSource::seeded(5);
            let made = parts.into_iter().zip(0..).map(|((attrs, fields, raw), number)| {
                let mut event = plain_event(&ids, number);
                event.occurred_at = start() + TimeDelta::minutes(number * 7);
                Event { attrs, fields, raw, ..event }
            });
            let events: Vec<Event> = made.collect();
            let home = Home::new();
            let lake = home.open().await;
            // A file for each: what one event has must not hide that another's is not asked for.
            for (event, number) in events.iter().zip(1..) {
                lake.append(vec![event.clone()], at(number)).await.unwrap();
                lake.flush().await.unwrap();
            }
            for query in patterns(&events, &kept) {
                let expected = newest_first(events.iter().filter(|event| matches(&query, event)));
                let search = search_for(query.clone(), 100);
                let found = found_ids(&lake, &Scope::platform(), search).await;
                assert_eq!(found, expected, "{query:?}");
            }
            lake.close().await;
        });
    }
}

#[test]
fn granules_that_cannot_have_a_fitting_value_are_not_read() {
    const EVENTS: u64 = 20_000;
    const GRANULE: u64 = 8192;
    run(async {
        let ids = IdSource::seeded(5);
        let count = i64::try_from(EVENTS).unwrap();
        let mut events: Vec<Event> = (0..count).map(|number| plain_event(&ids, number)).collect();
        events[3].attrs.set(Attr::User, "Administrator7");
        events[9000].attrs.set(Attr::Url, "https://x/wp-login.php?a=1");
        events[9001].attrs.set(Attr::User, Value::List(vec!["x".into(), "Quản trị viên".into()]));
        events[9002].fields.push("path", "C:\\Tools\\mimikatz.exe");
        let home = Home::new();
        let lake = home.open().await;
        for (batch, number) in events.chunks(2000).zip(1..) {
            lake.append(batch.to_vec(), at(number)).await.unwrap();
        }
        lake.flush().await.unwrap();
        for (query, found, granules) in [
            ("user:admini*", 1, 1),
            ("user:*trator7", 1, 3),
            ("actor.user.name:ADMINISTRATOR?", 1, 1),
            ("user:Quản*viên", 1, 1),
            ("url:*wp-login*", 1, 1),
            ("url:https:*", 1, 1),
            ("path:*\\\\mimik*", 1, 1),
            ("path:*mikat*", 1, 3),
            ("src_ip:10.0.1*", 6667, 3),
            ("src_ip:10.77*.*", 0, 3),
            ("user:absent*", 0, 0),
            ("user:(absent* OR admini*)", 1, 1),
            ("NOT user:absent*", 20_000, 3),
        ] {
            let scope = Scope::platform();
            let weight = lake.weigh(&scope, &search(query, 0)).await.unwrap();
            assert_eq!(weight, (granules * GRANULE).min(EVENTS), "{query}");
            let events = found_ids(&lake, &scope, search(query, 1000)).await;
            assert_eq!(events.len(), found, "{query}");
        }
    });
}
