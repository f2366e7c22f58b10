//! Tests of correlations: a story of events, and after which of them the rule fires.

mod late;
mod memory;
mod model;
mod restart;

use std::sync::Arc;

use chrono::Duration;
use event::{AgencyId, EntityKind, Event, Fields, LogSource, Value};

use crate::testing::EventMaker;
use crate::{Engine, RuleFile, RuleSet};

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
title: x
name: x
logsource: { product: linux }
detection: { s: { k: x }, condition: s }
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
        // Late and out of order; all at once.
        (vec![0, 10, 5], vec![(2, 3)]),
        (vec![10, 5, 0], vec![(2, 3)]),
        (vec![7, 7, 7], vec![(2, 3)]),
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
fn groups_of_empty_and_listed_values() {
    let logsource = LogSource { product: Some("linux".into()), ..LogSource::default() };
    let list =
        |members: &[&str]| Value::List(members.iter().map(|own| Value::from(*own)).collect());
    for (value, want) in [
        (Value::Null, 0),
        (Value::from(""), 0),
        (list(&[]), 0),
        (Value::List(vec![Value::Null]), 0),
        (list(&["g1"]), 1),
        (list(&["g1", "g2"]), 1),
        (Value::Int(7), 1),
        (Value::Bool(false), 1),
    ] {
        let mut maker = EventMaker::new();
        let mut engine = Engine::new(rules(&COUNT.replace("src_ip", "team")));
        let mut count = 0;
        for at in 0..3 {
            let mut fields: Fields = [("k", "a")].into_iter().collect();
            fields.push("team", value.clone());
            let event = maker.event(logsource.clone(), fields, Duration::seconds(at));
            count += engine.process(&[event]).len();
        }
        assert_eq!(count, want, "{value:?}");
    }
    // A list of one is that one; a list of two is neither of them.
    let mut engine = Engine::new(rules(&COUNT.replace("src_ip", "team")));
    let mut maker = EventMaker::new();
    for (value, want) in [
        (list(&["g1"]), 0),
        (list(&["g1", "g2"]), 0),
        (Value::from("G1"), 0),
        (Value::from("g1"), 1),
    ] {
        let mut fields: Fields = [("k", "a")].into_iter().collect();
        fields.push("team", value);
        let event = maker.event(logsource.clone(), fields, Duration::zero());
        assert_eq!(engine.process(&[event]).len(), want);
    }
}

#[test]
fn what_an_event_says_it_says_at_once() {
    let logsource = LogSource { product: Some("linux".into()), ..LogSource::default() };
    let value_count = "  type: value_count\n  rules: [a]\n  timespan: 10s\n  condition: ";
    let value_sum = "  type: value_sum\n  rules: [a]\n  timespan: 10s\n  condition: ";
    for (kind, condition, values, want) in [
        (value_count, "{ field: port, lt: 2 }", vec!["1", "2"], None),
        (value_count, "{ field: port, eq: 1 }", vec!["1", "2"], None),
        (value_count, "{ field: port, gte: 2 }", vec!["1", "2", "3"], Some(3)),
        (value_count, "{ field: port, gte: 2, lte: 3 }", vec!["1", "2", "3", "4"], None),
        (value_sum, "{ field: port, lte: 10 }", vec!["10", "1"], None),
        (value_sum, "{ field: port, gt: 10 }", vec!["20", "-15", "10"], Some(15)),
    ] {
        let mut engine = Engine::new(rules(&format!("{kind}{condition}\n")));
        let mut fields: Fields = [("k", "a")].into_iter().collect();
        fields.push("port", Value::List(values.into_iter().map(Value::from).collect()));
        let event = EventMaker::new().event(logsource.clone(), fields, Duration::zero());
        let found = engine.process(&[event]);
        assert_eq!(found.first().map(|finding| finding.count), want, "{condition}");
    }
}

#[test]
fn an_event_that_two_rules_see_is_counted_once() {
    let text = "title: a\nname: a\nlogsource: { product: linux }\n\
                detection: { s: { k: a }, condition: s }\n---\n\
                title: b\nname: b\nlogsource: { product: linux }\n\
                detection: { s: { k|startswith: a }, condition: s }\n---\n\
                title: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [a, b]\n  \
                group-by: [src_ip]\n  timespan: 10s\n  condition: { gte: 3 }\n";
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    assert_eq!(errors, []);
    let mut engine = Engine::new(Arc::new(rules));
    let events = [(0, "a", "1.1.1.1", ""), (1, "a", "1.1.1.1", ""), (2, "a", "1.1.1.1", "")];
    let events = story(&mut EventMaker::new(), &events);
    assert_eq!(engine.process(&events[..2]), []);
    assert_eq!(engine.process(&events[..2]), [], "played again");
    assert_eq!(engine.process(&events[2..]).len(), 1);
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
        // The later `a` is the one in reach, whichever came first.
        ("temporal_ordered", vec![e(0, "a"), e(8, "a"), e(15, "b")], vec![(2, 2)]),
        ("temporal_ordered", vec![e(0, "a"), e(20, "b"), e(12, "a")], vec![(2, 2)]),
        ("temporal_ordered", vec![e(0, "a"), e(10, "b")], vec![(1, 2)]),
        ("temporal_ordered", vec![e(0, "a"), e(11, "b")], vec![]),
        // One firing per time span, then again.
        ("temporal", vec![e(0, "a"), e(1, "b"), e(2, "a"), e(12, "b")], vec![(1, 2), (3, 2)]),
    ] {
        assert_eq!(firings(&rule(kind), &events), want, "{kind} {events:?}");
    }
}

#[test]
fn three_in_order() {
    let rule = "  type: temporal_ordered\n  rules: [a, b, x]\n  group-by: [src_ip]\n  \
                timespan: 10s\n";
    let e = |at, kind| (at, kind, "1.1.1.1", "");
    for (events, want) in [
        (vec![e(0, "a"), e(1, "b"), e(2, "x")], vec![(2, 3)]),
        (vec![e(0, "b"), e(1, "a"), e(2, "x"), e(3, "b")], vec![]),
        (vec![e(0, "b"), e(1, "a"), e(2, "b"), e(3, "x"), e(4, "b")], vec![(3, 3)]),
        // All in one second, in any order of arrival.
        (vec![e(4, "x"), e(4, "b"), e(4, "a")], vec![(2, 3)]),
        (vec![e(4, "b"), e(4, "x"), e(3, "a")], vec![(2, 3)]),
        // The middle one comes last.
        (vec![e(0, "a"), e(9, "x"), e(5, "b")], vec![(2, 3)]),
    ] {
        assert_eq!(firings(rule, &events), want, "{events:?}");
    }
    let two_of_three = format!("{rule}  condition: {{ gte: 2 }}\n");
    assert_eq!(firings(&two_of_three, &[e(0, "a"), e(1, "b")]), [(1, 2)]);
    assert_eq!(firings(&two_of_three, &[e(0, "b"), e(1, "x")]), [], "the first one is missing");
    let picked = rule.replace("timespan: 10s", "timespan: 10s\n  condition: a and (b or x)");
    for (events, want) in [
        (vec![e(0, "a"), e(1, "x")], vec![(1, 1)]),
        (vec![e(0, "x"), e(1, "a")], vec![]),
        (vec![e(0, "x"), e(1, "a"), e(2, "b"), e(12, "b")], vec![]),
        (vec![e(0, "x"), e(3, "a"), e(11, "b")], vec![(2, 2)]),
    ] {
        let fired: Vec<usize> = firings(&picked, &events).iter().map(|(at, _)| *at).collect();
        let want: Vec<usize> = want.iter().map(|(at, _): &(usize, u64)| *at).collect();
        assert_eq!(fired, want, "{events:?}");
    }
}

#[test]
fn medians_percentiles_and_ranks() {
    let rule = |kind: &str, condition: &str| {
        format!(
            "  type: {kind}\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
                 condition: {{ {condition} }}\n"
        )
    };
    let n = |at, user| (at, "a", "1.1.1.1", user);
    let numbers = [n(0, "1"), n(1, "2"), n(2, "30"), n(3, "40")];
    assert_eq!(firings(&rule("value_median", "field: user, gte: 16"), &numbers), [(3, 16)]);
    let p90 = "field: user, percentile: 90, gte: 36";
    assert_eq!(firings(&rule("value_percentile", p90), &numbers), [(3, 37)]);
    // What is not a number is not counted.
    let median = rule("value_median", "field: user, lt: 5");
    assert_eq!(firings(&median, &[n(0, "9"), n(1, "inf"), n(2, "NaN"), n(3, "x")]), []);
    // A rare name among many: a process seen once among a hundred.
    let mut events: Vec<_> = (0..99).map(|_| n(1, "svchost")).collect();
    events.push(n(2, "mimikatz"));
    let rare = rule("value_percentile", "field: user, lte: 1");
    assert_eq!(firings(&rare, &events), [(99, 1)]);
    // A late one is judged where it belongs.
    let late = [n(0, "10"), n(9, "100"), n(4, "90")];
    assert_eq!(firings(&rule("value_sum", "field: user, gte: 200"), &late), [(2, 200)]);
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
