//! What each kind finds, with the numbers it gives.

use super::{DAY, HOUR, Stream, engine, told};
use event::{Entity, EntityKind};

#[test]
fn a_value_an_account_never_had_is_told_once() {
    let mut engine = engine(
        "{ type: first_seen, entity: [user], value: [src_ip|net/24], learn: { time: 7d, events: 30, known: 10 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    for day in 0..10 {
        for (user, address) in [("lan", "10.1.1.5"), ("minh", "10.1.2.9"), ("lan", "10.1.1.77")] {
            for hour in [0, 3] {
                let event =
                    stream.at(day * DAY + hour * HOUR, &[("user", user), ("src_ip", address)]);
                engine.process_one(&event, &mut findings);
            }
        }
    }
    assert_eq!(told(&findings), Vec::<String>::new());
    for (hour, user, address) in
        [(1, "Lan", "203.0.113.7"), (2, "lan", "203.0.113.200"), (3, "minh", "10.1.1.5")]
    {
        let event = stream.at(10 * DAY + hour * HOUR, &[("user", user), ("src_ip", address)]);
        engine.process_one(&event, &mut findings);
    }
    assert_eq!(
        told(&findings),
        [
            "Lan | 203.0.113.0/24 | seen 0 of 40 events; by 0 of 1 others; since 2026-01-05; usual 10.1.1.0/24",
            "minh | 10.1.1.0/24 | seen 0 of 20 events; by 1 of 1 others; since 2026-01-05; usual 10.1.2.0/24",
        ]
    );
    let first = &findings[0];
    assert_eq!((first.rule.as_str(), first.severity), ("b1", event::Severity::Low));
    assert_eq!(first.entity, Entity { kind: EntityKind::User, value: "Lan".to_owned() });
    assert_eq!(first.title_vi.as_deref(), Some("Điều mới"));
}

#[test]
fn a_value_rare_here_and_elsewhere_is_told_again_after_a_week() {
    let mut engine = engine(
        "{ type: rare_value, entity: [host], value: ['Image|name'], share: 0.01, others: 1, \
         learn: { time: 7d, events: 100, known: 50 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    let mut run = |second: i64, host: &str, image: &str| {
        let event = stream.at(second, &[("host", host), ("Image", image)]);
        let before = findings.len();
        engine.process_one(&event, &mut findings);
        findings[before..].to_vec()
    };
    for day in 0..10 {
        for step in 0..20 {
            for host in ["a", "b", "c"] {
                let silent = run(day * DAY + step * 600, host, r"C:\Windows\svchost.exe");
                assert_eq!(told(&silent), Vec::<String>::new());
            }
        }
    }
    // Known to two others: not rare.
    run(10 * DAY, "a", r"C:\Tools\backup.exe");
    run(10 * DAY, "b", r"C:\Tools\backup.exe");
    assert!(run(10 * DAY, "c", r"D:\backup.exe").is_empty());
    let first = run(10 * DAY, "a", r"C:\Temp\Odd.exe");
    assert_eq!(
        told(&first),
        [
            "a | odd.exe | seen 0 of 201 events; by 0 of 2 others; since 2026-01-05; usual svchost.exe, backup.exe"
        ]
    );
    assert!(run(11 * DAY, "a", r"C:\Temp\odd.exe").is_empty());
    let again = run(17 * DAY, "a", r"C:\Temp\odd.exe");
    assert_eq!(again.len(), 1);
    assert!(told(&again)[0].contains("seen 2 of 203 events"));
}

#[test]
fn far_more_than_at_this_hour_of_other_days_is_told_while_the_hour_runs() {
    let mut engine = engine(
        "{ type: volume, entity: [host], sum: bytes_out, least: 1000, learn: { time: 7d, events: 100, known: 20 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    // Monday to Sunday, two weeks: 100 bytes every ten minutes in working hours; more at midday.
    for hour in 0..14 * 24 {
        let of_day = hour % 24;
        let bytes = match of_day {
            0..=8 => "100",
            _ => continue,
        };
        for step in 0..6 {
            let second = hour * HOUR + step * 600;
            let event = stream.at(second, &[("host", "a"), ("bytes_out", bytes)]);
            engine.process_one(&event, &mut findings);
        }
    }
    assert_eq!(told(&findings), Vec::<String>::new());
    let monday = 14 * DAY + 3 * HOUR;
    for step in 0..30 {
        let event = stream.at(monday + step * 60, &[("host", "a"), ("bytes_out", "200")]);
        engine.process_one(&event, &mut findings);
    }
    assert_eq!(
        told(&findings),
        ["a | 2000 | usual 600 ± 60 an hour; largest 600 of 24 such hours; since 2026-01-05"]
    );
    // At night the same machine is silent: less is enough.
    let night = 14 * DAY + 16 * HOUR;
    let event = stream.at(night, &[("host", "a"), ("bytes_out", "1200")]);
    engine.process_one(&event, &mut findings);
    assert_eq!(findings.len(), 1, "the source was silent at night: nothing to compare with");
}

#[test]
fn an_hour_in_which_others_speak_counts_as_nothing() {
    let mut engine = engine(
        "{ type: volume, entity: [host], least: 50, learn: { time: 7d, events: 100, known: 20 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    for hour in 0..10 * 24 {
        let event = stream.at(hour * HOUR, &[("host", "always")]);
        engine.process_one(&event, &mut findings);
        if hour % 24 < 8 {
            for step in 0..10 {
                let event = stream.at(hour * HOUR + step * 60, &[("host", "by-day")]);
                engine.process_one(&event, &mut findings);
            }
        }
    }
    assert_eq!(told(&findings), Vec::<String>::new());
    for step in 0..60 {
        let event = stream.at(10 * DAY + 14 * HOUR + step, &[("host", "by-day")]);
        engine.process_one(&event, &mut findings);
    }
    let found = told(&findings);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("by-day | 51 | usual 0 ± 1 an hour; largest 0 of "), "{found:?}");
}

#[test]
fn even_contacts_with_a_new_destination_are_a_beacon() {
    let mut engine = engine(
        "{ type: beacon, entity: [src_ip], value: [dst_ip, dst_port], contacts: 12, size: bytes_out, \
         learn: { time: 7d, events: 100, known: 20 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    let mut run = |second: i64, from: &str, to: &str, size: &str| {
        let fields = [("src_ip", from), ("dst_ip", to), ("dst_port", "443"), ("bytes_out", size)];
        engine.process_one(&stream.at(second, &fields), &mut findings);
    };
    for step in 0..8 * 24 * 12 {
        // The house's own update service, even from the beginning.
        run(step * 300, "10.1.1.5", "198.51.100.1", "80");
        run(step * 300, "10.1.1.6", "198.51.100.1", "80");
    }
    for step in 0..40 {
        let jitter = [0, 2, -1, 3, -2][usize::try_from(step % 5).unwrap()];
        run(8 * DAY + step * 60 + jitter, "10.1.1.5", "203.0.113.66", "512");
        // A person: uneven. A transfer: even, but every size is another.
        let (wild, size) = (step * 997 % 1_499, (step * 7_919 % 10_007).to_string());
        run(8 * DAY + step * 600 + wild, "10.1.1.6", "203.0.113.9", "512");
        run(8 * DAY + step * 60, "10.1.1.6", "203.0.113.10", &size);
    }
    assert_eq!(
        told(&findings),
        [
            "10.1.1.5 | 203.0.113.66 · 443 | every 62 s ± 8.1 %; contacts 12 in 662 s; by 0 of 1 others; since 2026-01-05"
        ]
    );
}

#[test]
fn nothing_is_said_while_learning_or_switched_off() {
    use crate::{BaselineSettings, BaselineSwitch};
    let document =
        "{ type: first_seen, value: [src_ip], learn: { time: 7d, events: 20, known: 5 } }";
    let switch = |on: &[(Option<&str>, bool)]| BaselineSettings {
        switches: on
            .iter()
            .map(|(baseline, is_on)| BaselineSwitch {
                baseline: baseline.map(ToOwned::to_owned),
                source: None,
                is_on: *is_on,
            })
            .collect(),
        ..BaselineSettings::default()
    };
    for (days, settings, expected) in [
        (10, switch(&[]), 1),
        (6, switch(&[]), 0),
        (10, switch(&[(None, false)]), 0),
        (10, switch(&[(Some("the_one"), false)]), 0),
        (10, switch(&[(None, false), (Some("b1"), true)]), 1),
        (10, switch(&[(Some("another"), false)]), 1),
    ] {
        let mut engine = engine(document);
        engine.set_baselines(settings.clone());
        let mut stream = Stream::default();
        let mut findings = Vec::new();
        for day in 0..days {
            for hour in 0..3 {
                let event = stream.at(day * DAY + hour * HOUR, &[("src_ip", "10.0.0.1")]);
                engine.process_one(&event, &mut findings);
            }
        }
        let event = stream.at(days * DAY, &[("src_ip", "10.0.0.2")]);
        engine.process_one(&event, &mut findings);
        assert_eq!(findings.len(), expected, "{days} days, {settings:?}");
        let learning = engine.learning();
        let own = &learning[0];
        assert_eq!((learning.len(), own.baseline.as_str()), (1, "b1"));
        assert_eq!(own.speaks(), expected == 1);
        assert_eq!(own.events, u64::try_from(days * 3 + 1).unwrap());
        assert_eq!((own.slices, own.slices_wanted), (7, 7));
    }
}

#[test]
fn one_event_with_a_wrong_date_does_not_end_the_learning() {
    let mut engine =
        engine("{ type: first_seen, value: [src_ip], learn: { time: 7d, events: 3, known: 1 } }");
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    for second in [-900 * DAY, 0, 60, 120, DAY, DAY + 60] {
        let event = stream.at(second, &[("src_ip", &format!("10.0.0.{}", second % 199))]);
        engine.process_one(&event, &mut findings);
    }
    assert_eq!(findings, Vec::new());
    assert_eq!(engine.learning()[0].slices, 3);
}

#[test]
fn sources_of_one_system_share_values_and_learn_each_for_itself() {
    let mut engine =
        engine("{ type: first_seen, value: [src_ip], learn: { time: 7d, events: 7, known: 5 } }");
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    let system = event::SystemId::from_uuid(uuid::Uuid::from_u128(7));
    let mut run = |second: i64, source: u128, address: &str| {
        let mut event = stream.at(second, &[("src_ip", address)]);
        event.origin.system = Some(system);
        event.origin.source = event::SourceId::from_uuid(uuid::Uuid::from_u128(source));
        let before = findings.len();
        engine.process_one(&event, &mut findings);
        findings.len() - before
    };
    for day in 0..9 {
        run(day * DAY, 1, "10.0.0.1");
    }
    assert_eq!(run(9 * DAY, 2, "10.0.0.9"), 0, "the second source is new");
    assert_eq!(run(9 * DAY, 1, "10.0.0.9"), 0, "the system knows it from the second source");
    assert_eq!(run(9 * DAY, 1, "10.0.0.8"), 1);
}
