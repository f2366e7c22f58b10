//! Tests of the drill: the lines, the timing, the judge, and the scenarios that we ship.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use event::{SystemClock, TestClock};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::net::UdpSocket;

use super::line::Template;
use super::play::{Voice, play};
use super::{PlayError, Scenario, Sighting, Target, judge};

fn noon() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-03T05:06:07.089Z").unwrap().to_utc()
}

#[test]
fn blanks_are_filled_and_other_braces_stay() {
    let mut rng = StdRng::seed_from_u64(1);
    let check = |line: &str, expected: &str, rng: &mut StdRng| {
        assert_eq!(Template::parse(line).fill(noon(), "may-01", 9, rng), expected, "{line}");
    };
    check("<13>{bsd} {host} x[{n}]: y", "<13>Nov  3 12:06:07 may-01 x[9]: y", &mut rng);
    check("[{clf}] {iso}", "[03/Nov/2026:12:06:07 +0700] 2026-11-03T05:06:07.089Z", &mut rng);
    check(r#"{"a":{"b":"{n}"},"t":{epoch}}"#, r#"{"a":{"b":"9"},"t":1793682367.089}"#, &mut rng);
    check("{pick x} {int 5 5} {unknown} {", "x 5 {unknown} {", &mut rng);
    let hex = Template::parse("{hex 8}").fill(noon(), "", 0, &mut rng);
    assert!(hex.len() == 8 && hex.chars().all(|c| c.is_ascii_hexdigit()), "{hex}");
}

const SMALL: &str = r#"
    id = "small"
    title = { vi = "Nhỏ", en = "Small" }
    length_s = 1

    [[act]]
    at_s = 0
    title = { vi = "Một", en = "One" }
    source = "a"
    lines = ["first", "second"]
    repeat = 2
    every_ms = 1

    [[expect]]
    rule = "r"
    system = "S"
    by_s = 30
"#;

#[tokio::test]
async fn lines_arrive_over_a_real_socket_from_the_sources_own_address() {
    let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let voice = Voice {
        code: "a".to_owned(),
        parser: "p".to_owned(),
        host: "h".to_owned(),
        target: Target::SyslogUdp {
            to: listener.local_addr().unwrap(),
            from: "127.0.9.7".parse().unwrap(),
        },
    };
    let scenario = Scenario::parse("small", SMALL).unwrap();
    let played = play(&scenario, &[voice], Arc::new(SystemClock), |_| ()).await.unwrap();
    assert_eq!((played.sent, played.failed), (4, 0));
    let mut buffer = [0; 64];
    for expected in ["first", "second", "first", "second"] {
        let (length, from) = listener.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], expected.as_bytes());
        assert_eq!(from.ip().to_string(), "127.0.9.7");
    }
}

#[tokio::test]
async fn an_unknown_source_stops_the_drill_before_it_begins() {
    let scenario = Scenario::parse("small", SMALL).unwrap();
    let clock = Arc::new(TestClock::at(noon()));
    let error = play(&scenario, &[], clock, |_| ()).await.unwrap_err();
    assert!(matches!(error, PlayError::UnknownSource { code } if code == "a"));
}

#[test]
fn the_judge_counts_only_what_came_after_the_start() {
    let scenario = Scenario::parse("small", SMALL).unwrap();
    let seen = |after_s| Sighting { rule: "r".to_owned(), system: "S".to_owned(), after_s };
    let times = |sightings: &[Sighting]| {
        let answers = judge(&scenario, sightings);
        (answers[0].seen_after_s, answers[0].in_time())
    };
    assert_eq!(times(&[]), (None, false));
    assert_eq!(times(&[seen(-5)]), (None, false));
    assert_eq!(times(&[seen(40), seen(12)]), (Some(12), true));
    assert_eq!(times(&[seen(31)]), (Some(31), false));
}

#[test]
fn a_broken_scenario_names_its_place() {
    let error = Scenario::parse("x.toml", "id = 1\n").unwrap_err();
    let chain = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(chain.contains("x.toml") && chain.contains("line 1"), "{chain}");
    let empty = SMALL.replace(r#"["first", "second"]"#, "[]");
    assert!(Scenario::parse("y", &empty).unwrap_err().to_string().contains("sends nothing"));
}
