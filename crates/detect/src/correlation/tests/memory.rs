//! Floods: memory stays bounded, what matters is kept, and what was cut is told. Work is counted in
//! what is remembered, never in time.

use event::Finding;

use super::super::LIMIT_RULE;
use super::{BASES, COUNT, firings, rules, story};
use crate::limits::{ENTRIES_PER_GROUP_MAX, ENTRIES_PER_RULE_MAX, GROUPS_MAX, GROUPS_PER_RULE_MAX};
use crate::testing::EventMaker;
use crate::{Engine, RuleFile, RuleSet};

fn address(number: usize) -> String {
    format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255)
}

/// Returns how many groups and events an engine remembers.
fn remembered(engine: &Engine) -> (usize, usize) {
    let state = engine.state().correlations;
    let groups = || state.rules.iter().flat_map(|rule| &rule.groups);
    (groups().count(), groups().map(|own| own.group.entries.len()).sum())
}

#[test]
fn a_flood_of_groups_stays_bounded_and_is_told_once() {
    let mut engine = Engine::new(rules(COUNT));
    let mut maker = EventMaker::new();
    // Two of three, before the flood.
    let slow = |at| (at, "a", "192.168.1.1", "");
    assert_eq!(engine.process(&story(&mut maker, &[slow(0), slow(1)])), []);
    let mut told: Vec<Finding> = Vec::new();
    for number in 0..3 * GROUPS_PER_RULE_MAX {
        let events = story(&mut maker, &[(5, "a", &address(number), "")]);
        told.extend(engine.process(&events));
    }
    assert_eq!(told.len(), 1, "one finding for the whole flood");
    let told = &told[0];
    assert_eq!((told.rule.as_str(), told.matched[0].selection.as_str()), (LIMIT_RULE, "c"));
    assert!(told.count > 1_000, "it says how many: {}", told.count);
    assert!(remembered(&engine).0 <= GROUPS_PER_RULE_MAX);
    // What was about to fire outlives groups of a single event.
    let findings = engine.process(&story(&mut maker, &[slow(6)]));
    assert_eq!(findings.iter().filter(|own| own.rule == "c").count(), 1);
    // An hour on, the rest is told.
    let later = story(&mut maker, &[(3_606, "a", "192.168.1.1", "")]);
    assert_eq!(engine.process(&later).iter().filter(|own| own.rule == LIMIT_RULE).count(), 1);
}

#[test]
fn the_end_of_a_past_tells_all_that_was_cut() {
    let mut engine = Engine::over_past(rules(COUNT));
    let mut maker = EventMaker::new();
    let flood = 3 * GROUPS_PER_RULE_MAX;
    let mut told: Vec<Finding> = Vec::new();
    let mut last = None;
    for number in 0..flood {
        let events = story(&mut maker, &[(5, "a", &address(number), "")]);
        told.extend(engine.process(&events));
        last = events.into_iter().next();
    }
    engine.tell_losses(&last.unwrap(), &mut told);
    assert!(told.iter().all(|own| own.rule == LIMIT_RULE));
    let cut: u64 = told.iter().map(|own| own.count).sum();
    let kept = u64::try_from(remembered(&engine).0).unwrap();
    assert_eq!(cut + kept, u64::try_from(flood).unwrap());
}

#[test]
fn many_rules_together_stay_bounded() {
    let mut text =
        BASES.replace("title: c\nid: c\ncorrelation:\n", "title: y\nid: y\ncorrelation:\n");
    text.push_str(COUNT);
    text.extend(
        (0..6).map(|number| format!("---\ntitle: c{number}\nid: c{number}\ncorrelation:\n{COUNT}")),
    );
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
    assert_eq!(errors, []);
    let mut engine = Engine::new(std::sync::Arc::new(rules));
    let mut maker = EventMaker::new();
    let mut told = Vec::new();
    for number in 0..GROUPS_PER_RULE_MAX - 1_000 {
        let events = story(&mut maker, &[(5, "a", &address(number), "")]);
        told.extend(engine.process(&events));
    }
    assert!(remembered(&engine).0 <= GROUPS_MAX, "{:?}", remembered(&engine));
    assert!(told.iter().all(|own| own.rule == LIMIT_RULE) && !told.is_empty());
    let mut keys: Vec<_> = told.iter().map(Finding::key).collect();
    keys.dedup();
    assert_eq!(keys.len(), told.len(), "none is taken for another");
}

#[test]
fn a_flood_in_one_group_stays_bounded_and_counts_right() {
    let mut engine = Engine::new(rules(COUNT));
    let mut maker = EventMaker::new();
    let mut fired = 0;
    for number in 0..3 * ENTRIES_PER_GROUP_MAX {
        let at = i64::try_from(number).unwrap() / 1_000;
        fired += engine.process(&story(&mut maker, &[(at, "a", "1.1.1.1", "")])).len();
    }
    assert_eq!(fired, 3, "30 seconds of flood, quiet for 10 s each; nothing needed was cut");
    assert!(remembered(&engine).1 <= ENTRIES_PER_GROUP_MAX);
}

#[test]
fn a_window_without_its_oldest_events_is_told() {
    let sum = "  type: value_sum\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
               condition: { field: user, gte: 1000000 }\n";
    let mut engine = Engine::new(rules(sum));
    let mut maker = EventMaker::new();
    let mut told = Vec::new();
    for _ in 0..ENTRIES_PER_GROUP_MAX + 10 {
        told.extend(engine.process(&story(&mut maker, &[(5, "a", "1.1.1.1", "1")])));
    }
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].rule.as_str(), told[0].matched.len()), (LIMIT_RULE, 1));
}

#[test]
fn events_of_one_rule_stay_bounded() {
    let mut engine = Engine::new(rules(&COUNT.replace("gte: 3", "gte: 9000")));
    let mut maker = EventMaker::new();
    let mut told = Vec::new();
    for number in 0..ENTRIES_PER_RULE_MAX + ENTRIES_PER_RULE_MAX / 5 {
        let events = story(&mut maker, &[(5, "a", &address(number % 100), "")]);
        told.extend(engine.process(&events));
    }
    assert!(remembered(&engine).1 <= ENTRIES_PER_RULE_MAX);
    assert_eq!(told.iter().filter(|own| own.rule == LIMIT_RULE).count(), 1);
}

#[test]
fn repetitions_are_thinned_out_without_a_trace() {
    let distinct = "  type: value_count\n  rules: [a]\n  group-by: [src_ip]\n  timespan: 10s\n  \
                    condition: { field: user, gte: 3 }\n";
    let u = |at, user| (at, "a", "1.1.1.1", user);
    // `y` stands between floods of `x`; only its neighbours in time make three.
    let mut events: Vec<_> = (0..2_000).map(|number| u(number / 100, "x")).collect();
    events.push(u(19, "y"));
    events.extend((0..2_000).map(|number| u(20 + number / 100, "x")));
    let mut late = events.clone();
    late.push(u(29, "z"));
    assert_eq!(firings(distinct, &late), [(4_001, 3)]);
    let mut too_late = events;
    too_late.push(u(30, "z"));
    assert_eq!(firings(distinct, &too_late), []);

    // Where order counts, a flood of one rule must not swallow the moment of another.
    let ordered = "  type: temporal_ordered\n  rules: [a, b, x]\n  group-by: [src_ip]\n  \
                   timespan: 1h\n";
    let e = |at, kind| (at, kind, "1.1.1.1", "");
    let mut events: Vec<_> = (0..1_000).map(|number| e(number / 100, "b")).collect();
    events.push(e(20, "a"));
    events.extend((0..5_000).map(|number| e(30 + number / 100, "b")));
    events.push(e(100, "x"));
    assert_eq!(firings(ordered, &events), [(6_001, 3)]);
    // `b` between `a` and `x` only, amid floods of `b` before and after.
    let mut events: Vec<_> = (0..1_000).map(|number| e(number / 10, "b")).collect();
    events.extend([e(101, "a"), e(102, "b"), e(103, "a")]);
    events.extend((0..1_000).map(|number| e(104 + number / 10, "a")));
    events.push(e(300, "x"));
    assert_eq!(firings(ordered, &events), [(2_003, 3)]);
}
