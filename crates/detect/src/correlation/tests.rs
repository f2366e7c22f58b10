//! Tests of correlations: a story of events, and after which of them the rule fires.

use std::sync::Arc;

use chrono::Duration;
use event::{AgencyId, EntityKind, Event, Fields, LogSource};

use super::LIMIT_RULE;
use crate::limits::GROUPS_PER_RULE_MAX;
use crate::testing::EventMaker;
use crate::{Engine, EngineState, RuleFile, RuleSet};

const BASES: &str = "
title: a
name: a
logsource: { product: linux }
detection: { s: { k: a }, condition: s }
---
title: b
name: b
logsource: { product: linux }
detection: { s: { k: b }, condition: s }
---
title: c
id: c
correlation:
";

fn rules(correlation: &str) -> Arc<RuleSet> {
    let text = format!("{BASES}{correlation}");
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
    assert!(errors.is_empty(), "{errors:?}");
    Arc::new(rules)
}

fn story(maker: &mut EventMaker, events: &[(i64, &str, &str, &str)]) -> Vec<Event> {
    events
        .iter()
        .map(|(at, kind, address, user)| {
            let logsource = LogSource { product: Some("linux".into()), ..LogSource::default() };
            let fields: Fields =
                [("k", *kind), ("src_ip", *address), ("dst", *address), ("user", *user)]
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .collect();
            maker.event(logsource, fields, Duration::seconds(*at))
        })
        .collect()
}

/// Returns after which events (by their place) the correlation `c` fires, with its count.
fn firings(correlation: &str, events: &[(i64, &str, &str, &str)]) -> Vec<(usize, u64)> {
    let mut engine = Engine::new(rules(correlation));
    let mut firings = Vec::new();
    for (place, event) in story(&mut EventMaker::new(), events).iter().enumerate() {
        for finding in engine.process(std::slice::from_ref(event)) {
            assert_eq!(finding.rule, "c", "the rules it counts are silent");
            assert_eq!(finding.event, event.id);
            firings.push((place, finding.count));
        }
    }
    firings
}

const COUNT: &str = "  type: event_count\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
                     condition: { gte: 3 }\n";

#[test]
fn events_are_counted_in_sliding_windows_with_both_ends() {
    let a = |at| (at, "a", "1.1.1.1", "u");
    for (times, want) in [
        (vec![0, 5, 10], vec![(2, 3)]),
        (vec![0, 5, 11], vec![]),
        // Sliding, not tumbling.
        (vec![8, 9, 12], vec![(2, 3)]),
        // Late and out of order.
        (vec![0, 10, 5], vec![(2, 3)]),
        (vec![10, 30, 12, 11], vec![(3, 3)]),
        // Quiet for one time span after firing, then again.
        (vec![0, 1, 2, 3, 4, 5, 11, 12, 13], vec![(2, 3), (7, 6)]),
    ] {
        let events: Vec<_> = times.iter().map(|at| a(*at)).collect();
        assert_eq!(firings(COUNT, &events), want, "{times:?}");
    }
}

#[test]
fn groups_are_apart_and_a_missing_field_belongs_to_none() {
    let events = [(0, "a", "1.1.1.1", ""), (1, "a", "2.2.2.2", ""), (2, "a", "1.1.1.1", "")];
    assert_eq!(firings(COUNT, &events), []);
    let events = [(0, "a", "", ""), (1, "a", "", ""), (2, "a", "", "")];
    assert_eq!(firings(COUNT, &events), []);
    let case = COUNT.replace("src_ip", "user");
    let events = [(0, "a", "", "Root"), (1, "a", "", "root"), (2, "a", "", "ROOT")];
    assert_eq!(firings(&case, &events), [(2, 3)]);
}

#[test]
fn agencies_are_apart() {
    let mut engine = Engine::new(rules(COUNT));
    let events = [(0, "a", "1.1.1.1", ""), (1, "a", "1.1.1.1", ""), (2, "a", "1.1.1.1", "")];
    let mut events = story(&mut EventMaker::new(), &events);
    events[1].origin.agency = AgencyId::from_uuid(events[1].id.uuid());
    assert_eq!(engine.process(&events), []);
}

#[test]
fn a_date_in_the_future_does_not_make_a_group_forget() {
    let mut engine = Engine::new(rules(COUNT));
    let events = [(0, "a", "1.1.1.1", ""), (1, "a", "1.1.1.1", ""), (2, "a", "1.1.1.1", "")];
    let mut events = story(&mut EventMaker::new(), &events);
    events[1].occurred_at += Duration::days(30_000);
    assert_eq!(engine.process(&events).len(), 1);
}

#[test]
fn different_values_are_counted_once() {
    let rule = "  type: value_count\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
                condition: { field: user, gt: 2 }\n";
    let u = |at, user| (at, "a", "1.1.1.1", user);
    assert_eq!(firings(rule, &[u(0, "x"), u(1, "x"), u(2, "y"), u(3, "y")]), []);
    assert_eq!(firings(rule, &[u(0, "x"), u(1, "y"), u(2, "y"), u(3, "z")]), [(3, 3)]);
    assert_eq!(firings(rule, &[u(0, "x"), u(1, "y"), u(11, "z")]), []);
    // A flood of one value does not hide the others.
    let mut events: Vec<_> = (0..3_000).map(|_| u(5, "x")).collect();
    events.extend([u(6, "y"), u(4, "z")]);
    assert_eq!(firings(rule, &events), [(3_001, 3)]);
}

#[test]
fn order_in_time() {
    let rule = |kind: &str| {
        format!("  type: {kind}\n  rules: [a, b]\n  group-by: [src_ip]\n  timespan: 10s\n")
    };
    let e = |at, kind| (at, kind, "1.1.1.1", "");
    for (kind, events, want) in [
        ("temporal", vec![e(0, "b"), e(5, "a")], vec![(1, 2)]),
        ("temporal", vec![e(0, "b"), e(15, "a")], vec![]),
        ("temporal_ordered", vec![e(0, "b"), e(5, "a")], vec![]),
        ("temporal_ordered", vec![e(0, "a"), e(5, "b")], vec![(1, 2)]),
        ("temporal_ordered", vec![e(5, "b"), e(5, "a")], vec![(1, 2)]),
        ("temporal_ordered", vec![e(5, "b"), e(3, "a")], vec![(1, 2)]),
    ] {
        assert_eq!(firings(&rule(kind), &events), want, "{kind} {events:?}");
    }
}

#[test]
fn sums_averages_and_other_comparisons() {
    let rule = |kind: &str, condition: &str| {
        format!(
            "  type: {kind}\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
                 condition: {{ {condition} }}\n"
        )
    };
    let n = |at, user| (at, "a", "1.1.1.1", user);
    assert_eq!(
        firings(&rule("value_sum", "field: user, gt: 10"), &[n(0, "6"), n(1, "5"), n(2, "x")]),
        [(1, 11)]
    );
    assert_eq!(
        firings(&rule("value_avg", "field: user, gte: 4"), &[n(0, "1"), n(1, "7")]),
        [(1, 4)]
    );
    assert_eq!(firings(&rule("event_count", "eq: 2"), &[n(0, ""), n(1, ""), n(2, "")]), [(1, 2)]);
    assert_eq!(firings(&rule("event_count", "gte: 2, lte: 3"), &[n(0, ""), n(1, "")]), [(1, 2)]);
}

#[test]
fn aliases_chains_and_generate() {
    let rule = "  type: temporal\n  rules: [a, b]\n  group-by: [ip]\n  timespan: 10s\n  aliases:\n    \
                ip: { a: src_ip, b: dst }\n  generate: true\n---\ntitle: d\nid: d\ncorrelation:\n  \
                type: event_count\n  rules: [c]\n  group-by: [ip]\n  timespan: 1h\n  \
                condition: { gte: 2 }\n";
    let mut engine = Engine::new(rules(rule));
    let events = [
        (0, "a", "1.1.1.1", ""),
        (1, "b", "1.1.1.1", ""),
        (60, "a", "1.1.1.1", ""),
        (61, "b", "1.1.1.1", ""),
    ];
    let findings = engine.process(&story(&mut EventMaker::new(), &events));
    let seen: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(seen, ["a", "b", "a", "b", "d"], "`c` only feeds `d`");
    let last = findings.last().unwrap();
    assert_eq!((last.entity.kind, last.entity.value.as_str()), (EntityKind::SrcIp, "1.1.1.1"));
    assert_eq!(last.events.len(), 2);
}

#[test]
fn state_survives_a_restart_and_a_swap_of_other_rules() {
    let mut maker = EventMaker::new();
    let at = |at| (at, "a", "1.1.1.1", "u");
    let events = story(&mut maker, &[at(0), at(1), at(2)]);
    let mut first = Engine::new(rules(COUNT));
    assert_eq!(first.process(&events[..2]), []);
    let stored = serde_json::to_string(&first.state()).unwrap();

    let restored: EngineState = serde_json::from_str(&stored).unwrap();
    let mut second = Engine::new(rules(COUNT));
    second.restore(restored.clone());
    assert_eq!(second.state(), restored);
    // What the spool plays again does not count twice.
    assert_eq!(second.process(&events[..2]), []);
    let other = format!(
        "{COUNT}---\ntitle: e\nlogsource: {{ product: linux }}\ndetection: {{ s: {{ k: e }}, condition: s }}\n"
    );
    second.swap(rules(&other));
    assert_eq!(second.process(&events[2..]).len(), 1);

    let mut third = Engine::new(rules(&COUNT.replace("gte: 3", "gte: 2")));
    third.restore(restored);
    assert_eq!(third.state().correlations.rules[0].groups, [], "a changed rule starts anew");
}

#[test]
fn a_flood_of_groups_stays_bounded_and_is_reported_once() {
    let mut engine = Engine::new(rules(COUNT));
    let mut maker = EventMaker::new();
    let mut reports = 0;
    let flood = GROUPS_PER_RULE_MAX + GROUPS_PER_RULE_MAX / 4;
    for number in 0..flood {
        let address = format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255);
        let events = story(&mut maker, &[(5, "a", &address, "")]);
        let findings = engine.process(&events);
        assert!(findings.iter().all(|finding| finding.rule == LIMIT_RULE));
        reports += findings.len();
    }
    assert_eq!(reports, 1);
    assert!(engine.state().correlations.rules[0].groups.len() <= GROUPS_PER_RULE_MAX);
}
