//! A restart in the middle changes nothing.

use std::sync::Arc;

use event::Event;
use proptest::prelude::*;

use super::{DAY, HOUR, Stream, document, rules, told};
use crate::engine::{Engine, EngineState};

/// All four kinds on the same events.
fn all_kinds() -> String {
    let learn = "learn: { time: 7d, events: 20, known: 5 }";
    [
        format!("{{ type: first_seen, entity: [user], value: [src_ip], {learn} }}"),
        format!("{{ type: rare_value, value: [src_ip], share: 0.2, {learn} }}"),
        format!("{{ type: volume, entity: [user], least: 3, times: 2, {learn} }}"),
        format!(
            "{{ type: beacon, entity: [user], value: [src_ip], contacts: 4, jitter: 0.3, {learn} }}"
        ),
    ]
    .iter()
    .enumerate()
    .map(|(number, own)| document(own).replace("id: b1", &format!("id: b{number}")) + "---\n")
    .collect()
}

fn stored_and_read(engine: &Engine) -> EngineState {
    serde_json::from_str(&serde_json::to_string(&engine.state()).unwrap()).unwrap()
}

fn events(steps: &[(u8, u8, u16)]) -> Vec<Event> {
    let mut stream = Stream::default();
    let mut second = 0;
    let mut events = Vec::new();
    for (user, address, wait) in steps {
        second += i64::from(*wait) * 60;
        let (user, address) = (format!("u{user}"), format!("10.0.0.{address}"));
        events.push(stream.at(second, &[("user", &user), ("src_ip", &address)]));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_anywhere_changes_no_finding(
        steps in prop::collection::vec((0_u8..3, 0_u8..6, 0_u16..600), 60..160),
        cut in 0_usize..160,
    ) {
        let rules = rules(&all_kinds());
        let events = events(&steps);
        let cut = cut.min(events.len());
        let mut whole = Engine::new(Arc::clone(&rules));
        let expected = whole.process(&events);
        let mut first = Engine::new(Arc::clone(&rules));
        let mut found = first.process(&events[..cut]);
        let mut second = Engine::new(Arc::clone(&rules));
        second.restore(stored_and_read(&first));
        found.extend(second.process(&events[cut..]));
        prop_assert_eq!(told(&found), told(&expected));
        prop_assert_eq!(stored_and_read(&second), stored_and_read(&whole));
    }
}

#[test]
fn the_property_sees_findings_of_every_kind() {
    let mut steps: Vec<(u8, u8, u16)> =
        (0..200).map(|step| (step % 2, step % 3, if step % 5 == 0 { 300 } else { 17 })).collect();
    steps.extend((0..12).map(|_| (1, 5, 1)));
    let found = Engine::new(rules(&all_kinds())).process(&events(&steps));
    for id in ["b0", "b1", "b2", "b3"] {
        assert!(found.iter().any(|finding| finding.rule == id), "{id}: {:?}", told(&found));
    }
}

#[test]
fn a_change_of_a_threshold_keeps_what_was_learned_and_another_condition_does_not() {
    let before = document(
        "{ type: first_seen, value: [src_ip], learn: { time: 7d, events: 20, known: 5 } }",
    );
    for (after, kept) in [
        (before.replace("known: 5", "known: 6"), true),
        (before.replace("level: low", "level: high"), true),
        (before.replace("action: login", "action|contains: login"), false),
        (before.replace("[src_ip]", "['src_ip|net/24']"), false),
        (before.replace("id: b1", "id: b2"), false),
    ] {
        let mut engine = Engine::new(rules(&before));
        let mut stream = Stream::default();
        let mut findings = Vec::new();
        for hour in 0..9 * 24 {
            let event = stream.at(hour * HOUR, &[("src_ip", "10.0.0.1")]);
            engine.process_one(&event, &mut findings);
        }
        engine.swap(rules(&after));
        engine.process_one(&stream.at(9 * DAY, &[("src_ip", "10.9.9.9")]), &mut findings);
        assert_eq!(findings.len(), usize::from(kept), "{after}");
    }
}

#[test]
fn memory_of_another_version_begins_anew() {
    let rules = rules(&all_kinds());
    let mut engine = Engine::new(Arc::clone(&rules));
    engine.process(&events(&[(1, 1, 1); 50]));
    let text = serde_json::to_string(&engine.state()).unwrap();
    assert!(text.contains(r#""version":1"#));
    let other = serde_json::from_str(&text.replace(r#""version":1"#, r#""version":99"#)).unwrap();
    let mut fresh = Engine::new(rules);
    fresh.restore(other);
    assert!(fresh.learning().is_empty());
}
