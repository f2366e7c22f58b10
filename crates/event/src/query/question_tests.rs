//! Tests of whole query lines: stages, times, hints, and what is added up.

use chrono::{DateTime, TimeDelta, Utc};

use super::summary::{Cell, Summarised};
use super::*;
use crate::lake::{LakeReader as _, MemoryLake, Search};
use crate::{
    AgencyId, Attr, Attrs, Class, Event, Fields, IdSource, LogSource, Origin, Scope, SourceId,
    TimeQuality, Value,
};

/// 22/11/2026, 14:00 by Vietnam's clock.
fn start() -> DateTime<Utc> {
    "2026-11-22T07:00:00Z".parse().unwrap()
}

fn event(minutes: i64, ip: &str, bytes: Option<i64>, users: &[&str]) -> Event {
    let ids = IdSource::seeded(u64::try_from(minutes).unwrap_or(99));
    let at = start() + TimeDelta::minutes(minutes);
    let mut attrs = Attrs::default();
    attrs.set(Attr::SrcIp, ip);
    if let Some(bytes) = bytes {
        attrs.set(Attr::BytesOut, bytes);
    }
    match users {
        [] => {}
        [one] => attrs.set(Attr::User, *one),
        many => {
            attrs.set(Attr::User, Value::List(many.iter().map(|user| (*user).into()).collect()));
        }
    }
    Event {
        id: ids.event(at),
        origin: Origin {
            agency: AgencyId::from_uuid(ids.uuid(at)),
            system: None,
            source: SourceId::from_uuid(ids.uuid(at)),
        },
        occurred_at: at,
        time_quality: TimeQuality::Stated,
        collected_at: at + TimeDelta::hours(2),
        class: Class::NetworkActivity,
        logsource: LogSource::default(),
        parser: "x".into(),
        attrs,
        fields: Fields::default(),
        notes: Vec::new(),
        raw: "connection".to_owned(),
    }
}

fn lake() -> MemoryLake {
    MemoryLake::with(vec![
        event(0, "10.0.0.1", Some(100), &["an"]),
        event(1, "10.0.0.1", Some(50), &["bình"]),
        event(2, "10.0.0.2", None, &["an", "bình", "an"]),
        event(25, "10.0.0.3", Some(7), &[]),
    ])
}

async fn answer(line: &str) -> Summarised {
    let question = parse_question(line).unwrap();
    let to = start() + TimeDelta::minutes(40);
    let search = Search { query: question.query, from: start(), to, limit: 1, after: None };
    let summary = question.summary.unwrap();
    lake().summarise(&Scope::platform(), &search, &summary).await.unwrap()
}

async fn check(line: &str, expected: &[&str]) {
    let answer = answer(line).await;
    let rows: Vec<String> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(Cell::text).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(rows, expected, "{line}");
}

#[tokio::test]
async fn figures_are_what_the_language_says() {
    check("| stats count()", &["4"]).await;
    check("nothing | stats count(), sum(bytes_out), distinct(user)", &["0  0"]).await;
    check(
        "* | stats count(bytes_out), sum(bytes_out) as s, avg(bytes_out)",
        &["3 157 52.333333333333336"],
    )
    .await;
    check("|stats min(bytes_out) max(bytes_out), dc(user)", &["7 100 2"]).await;
    check("| stats count() by user", &["an 2", "bình 2"]).await;
    check("| stats count() by src_ip", &["10.0.0.1 2", "10.0.0.2 1", "10.0.0.3 1"]).await;
    check(
        "| stats sum(bytes_out) by src_ip, user | sort -sum(bytes_out)",
        &["10.0.0.1 an 100", "10.0.0.1 bình 50", "10.0.0.2 an ", "10.0.0.2 bình "],
    )
    .await;
    check("src_ip:10.0.0.1 | top 1 user", &["an 1"]).await;
    check("| rare 1 src_ip", &["10.0.0.2 1"]).await;
    check("| stats count() by src_ip | where count >= 2", &["10.0.0.1 2"]).await;
    check("| stats count() by src_ip | sort src_ip desc | limit 1", &["10.0.0.3 1"]).await;
}

#[test]
fn spellings_of_one_text_are_one() {
    let (nfc, nfd) = ("Bình", "Bi\u{300}nh");
    let told = |line: &str| {
        let summary = parse_question(line).unwrap().summary.unwrap();
        let mut tally = Tally::new(&summary, start(), start() + TimeDelta::minutes(9)).unwrap();
        let mut other = tally.fresh();
        tally.event(&event(1, nfd, None, &[nfd]));
        tally.event(&event(2, nfc, None, &[nfc]));
        other.event(&event(3, nfd, None, &[nfd, nfc, "an"]));
        tally.merge(other);
        let cells = |row: &Vec<Cell>| row.iter().map(Cell::text).collect::<Vec<_>>().join(" ");
        tally.finish().rows.iter().map(cells).collect::<Vec<_>>()
    };
    assert_eq!(told("| stats count() by user"), ["Bình 3", "an 1"]);
    assert_eq!(told("| stats distinct(user)"), ["2"]);
    assert_eq!(told("| stats count(), distinct(user) by src_ip"), ["Bình 3 2"]);
}

#[tokio::test]
async fn time_charts_begin_at_whole_spans_and_show_empty_bars() {
    check("| timechart span=20m count()", &["2026-11-22T07:00:00Z 3", "2026-11-22T07:20:00Z 1"])
        .await;
    check(
        "src_ip:10.0.0.3 | timechart span=10m sum(bytes_out)",
        &[
            "2026-11-22T07:00:00Z ",
            "2026-11-22T07:10:00Z ",
            "2026-11-22T07:20:00Z 7",
            "2026-11-22T07:30:00Z ",
        ],
    )
    .await;
    check(
        "| timechart span=1d count() by user",
        &["2026-11-21T17:00:00Z an 2", "2026-11-21T17:00:00Z bình 2"],
    )
    .await;
    assert_eq!(answer("| timechart").await.bar, Some(TimeDelta::seconds(30)));
    let summary = parse_question("| timechart span=1s").unwrap().summary.unwrap();
    assert_eq!(summary.bar_us(start(), start() + TimeDelta::hours(1)), None);
}

#[test]
fn times_say_how_long_they_are() {
    let event = event(5, "10.0.0.1", None, &[]);
    let cases = [
        ("occurred_at:2026-11-22", true),
        ("occurred_at:2026-11-21", false),
        ("occurred_at:2026-11-22T14:05", true),
        ("occurred_at:2026-11-22T14:05:01", false),
        ("occurred_at:2026-11-22T07:05:00Z", true),
        ("occurred_at:>2026-11-22T14:05", false),
        ("occurred_at:>=2026-11-22T14:05", true),
        ("occurred_at:<2026-11-22T14:05", false),
        ("occurred_at:<=2026-11-22T14:05", true),
        ("occurred_at:[2026-11-21 TO 2026-11-22]", true),
        ("occurred_at:[* TO 2026-11-22T14:04]", false),
        ("collected_at:2026-11-22T16:05", true),
        ("NOT collected_at:[2026-11-22T16:00 TO *]", false),
        ("occurred_at:>=\"2026-11-22T14:05\" collected_at:<\"2026-11-22T09:05:00.000001Z\"", true),
        ("occurred_at:<\"2026-11-22T14:05\"", false),
    ];
    for (line, expected) in cases {
        assert_eq!(matches(&parse(line).unwrap(), &event), expected, "{line}");
    }
}

#[test]
fn mistakes_are_told_at_their_column_and_mended_where_one_can() {
    let cases = [
        ("user:an AND (b", "close-missing", 13, Some("user:an AND (b)")),
        ("a) b", "unexpected-close", 2, Some("a b")),
        ("\"a b", "quote-open", 1, Some("\"a b\"")),
        ("port:[1 TO 5", "range-open", 6, Some("port:[1 TO 5]")),
        ("port:{1 TO 5} a", "range-shape", 6, Some("port:[1 TO 5] a")),
        ("port:[5 TO 1] a", "range-order", 6, Some("port:[1 TO 5] a")),
        (
            "occurred_at:[2026-11-23 TO 2026-11-22]",
            "range-order",
            13,
            Some("occurred_at:[2026-11-22 TO 2026-11-23]"),
        ),
        ("src_ip:10.0.0.0/40", "bad-network", 8, None),
        ("occurred_at:>=\"x\"", "time-expected", 13, None),
        ("occurred_at:28/11/2026 a", "time-expected", 13, Some("occurred_at:2026-11-28 a")),
        ("occurred_at:>=1/2/2026", "time-expected", 13, Some("occurred_at:>=2026-02-01")),
        (
            "occurred_at:[27/11/2026 TO 28/11/2026]",
            "time-expected",
            13,
            Some("occurred_at:[2026-11-27 TO 2026-11-28]"),
        ),
        ("occurred_at:31/2/2026", "time-expected", 13, None),
        ("src_ip: 10.0.0.1", "value-missing", 8, Some("src_ip:10.0.0.1")),
        ("src_ip:", "value-missing", 8, Some("src_ip:*")),
        ("a AND", "term-missing", 6, Some("a")),
        ("occurred_at:gestern", "time-expected", 13, None),
        ("a | stat count() by user", "stage-unknown", 5, Some("a | stats count() by user")),
        ("| stats cuont()", "figure-unknown", 9, Some("| stats count()")),
        ("| stats sum()", "figure-field", 9, None),
        ("| stats sum(bytes_out", "figure-shape", 22, None),
        ("| stats count() by", "field-missing", 19, None),
        ("| sort count", "stage-first", 3, None),
        ("| top user | stats count()", "stage-again", 14, None),
        ("| top user | sort bytes", "column-unknown", 19, None),
        ("| top user | where count > x", "number-expected", 28, None),
        ("| top user | where count", "comparison-missing", 25, None),
        ("| timechart span=x", "span-shape", 13, None),
        ("| top 0 user", "rows-expected", 7, None),
        ("| top -1 user", "rows-expected", 7, None),
        ("| top user | limit 5 x", "stage-end", 22, None),
        ("| stats count() count()", "name-twice", 24, None),
    ];
    for (line, code, column, better) in cases {
        let error = parse_question(line).unwrap_err();
        assert_eq!((error.code, error.column), (code, column), "{line}");
        assert_eq!(mended(line, &error).as_deref(), better, "{line}");
    }
    let error = parse("user:an | top user").unwrap_err();
    assert_eq!((error.code, error.column), ("pipe-here", 9));
    assert_eq!(mended("user:an | top user", &error).as_deref(), Some("user:an"));
}

#[test]
fn near_misses_are_told() {
    let cases: [(&str, &[&str]); 18] = [
        ("src_ip : 10.0.0.1 b", &["src_ip:10.0.0.1 b"]),
        ("b (CommandLine :x) c", &["b (CommandLine:x) c"]),
        ("user \"x\" :a", &[]),
        ("lỗi : a", &[]),
        ("user :", &[]),
        ("scr_ip:10.0.0.1", &["src_ip:10.0.0.1"]),
        ("source.ip:10.0.0.1 x", &["src_ip:10.0.0.1 x"]),
        ("SRC_IP:1", &["src_ip:1"]),
        ("a and user:b", &["a AND user:b"]),
        ("src_ip=10.0.0.1", &["src_ip:10.0.0.1"]),
        ("user==an", &["user:an"]),
        ("user!=an b", &["NOT user:an b"]),
        ("user:“Nguyễn An” b", &["user:\"Nguyễn An\" b"]),
        ("user:\"a “b”\"", &[]),
        ("CommandLine:x", &[]),
        ("user:b src_endpoint.ip:1", &[]),
        ("Đăng nhập", &[]),
        ("| top usr", &["| top user"]),
    ];
    for (line, expected) in cases {
        let question = parse_question(line).unwrap();
        let hints = hints(line, &question, |name| name == "CommandLine");
        let lines: Vec<&str> = hints.iter().map(|hint| hint.line.as_str()).collect();
        assert_eq!(lines, expected, "{line}");
    }
}

#[test]
fn events_that_are_alike_add_up_as_one_by_one() {
    let line = "| timechart span=10m count(), count(user), sum(bytes_out), avg(bytes_out), \
                min(bytes_out), distinct(user) by src_ip";
    let summary = parse_question(line).unwrap().summary.unwrap();
    let (from, to) = (start(), start() + TimeDelta::hours(1));
    let mut one_by_one = Tally::new(&summary, from, to).unwrap();
    let mut at_once = one_by_one.fresh();
    let at_us = |minutes: i64| (start() + TimeDelta::minutes(minutes)).timestamp_micros();
    for (minutes, ip, bytes, times) in [(1, "a", "7", 3), (11, "a", "x", 2), (12, "b", "1.5", 1)] {
        let given = |name: &str| match name {
            "src_ip" => Given::Text(ip),
            "bytes_out" => Given::Text(bytes),
            _ => Given::Nothing,
        };
        let given: Vec<Given<'_>> = summary.fields().into_iter().map(given).collect();
        for second in 0..times {
            one_by_one.add(at_us(minutes) + second, &given);
        }
        at_once.add_alike(at_us(minutes), &given, u64::try_from(times).unwrap());
    }
    assert_eq!(one_by_one.bar_of(at_us(19)), at_us(10));
    assert_eq!(one_by_one.finish(), at_once.finish());
}
