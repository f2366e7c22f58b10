//! What is remembered over a restart and a change of rules.

use super::{COUNT, rules, story};
use crate::testing::EventMaker;
use crate::{Dropped, Engine, EngineState};

fn stored(engine: &Engine) -> EngineState {
    let text = serde_json::to_string(&engine.state()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn state_survives_a_restart() {
    let at = |at| (at, "a", "1.1.1.1", "u");
    let events = story(&mut EventMaker::new(), &[at(0), at(1), at(2), at(3), at(13)]);
    let mut first = Engine::new(rules(COUNT));
    assert_eq!(first.process(&events[..2]), []);
    let mut second = Engine::new(rules(COUNT));
    assert_eq!(second.restore(stored(&first)), []);
    assert_eq!(second.state(), first.state());
    // What the spool plays again does not count twice.
    assert_eq!(second.process(&events[..2]), []);
    assert_eq!(second.process(&events[2..3]).len(), 1);
    // The quiet time survives as well.
    let mut third = Engine::new(rules(COUNT));
    third.restore(stored(&second));
    assert_eq!(third.process(&events[3..4]), []);
    // Played again from before it fired, the same event makes the same finding.
    let mut again = Engine::new(rules(COUNT));
    again.restore(stored(&first));
    let (one, other) = (again.process(&events[2..3]), first.process(&events[2..3]));
    assert_eq!(one[0].key(), other[0].key());
    assert_eq!(one, other);
}

#[test]
fn every_kind_of_memory_can_be_stored() {
    for (kind, condition) in [
        ("value_count", "condition: { field: user, gt: 7 }"),
        ("value_sum", "condition: { field: user, gt: 7000 }"),
        ("value_percentile", "condition: { field: user, lte: 1 }"),
        ("temporal_ordered", ""),
    ] {
        let rule = format!(
            "  type: {kind}\n  rules: [a, b]\n  group-by: [src_ip]\n  timespan: 10s\n  {condition}\n"
        );
        let mut engine = Engine::new(rules(&rule));
        let events = [
            (0, "a", "1.1.1.1", "1e308"),
            (1, "a", "1.1.1.1", "inf"),
            (2, "b", "1.1.1.1", "-0.1"),
            (-4_000, "b", "1.1.1.1", "NaN"),
        ];
        engine.process(&story(&mut EventMaker::new(), &events));
        assert_eq!(stored(&engine), engine.state(), "{kind}");
    }
}

#[test]
fn a_change_of_rules_keeps_what_did_not_change() {
    let at = |at| (at, "a", "1.1.1.1", "u");
    let events = story(&mut EventMaker::new(), &[at(0), at(1), at(2)]);
    let mut engine = Engine::new(rules(COUNT));
    engine.process(&events[..2]);
    let remembered = stored(&engine);
    let other =
        "title: e\nlogsource: { product: linux }\ndetection: { s: { k: e }, condition: s }\n";
    assert_eq!(engine.swap(rules(&format!("{COUNT}---\n{other}"))), []);
    assert_eq!(engine.process(&events[2..]).len(), 1);

    let dropped = [Dropped { rule: "c".to_owned(), groups: 1 }];
    let changed = COUNT.replace("gte: 3", "gte: 2");
    assert_eq!(engine.swap(rules(&changed)), dropped);
    assert_eq!(engine.process(&events[..1]), [], "a changed rule starts anew");
    let mut restored = Engine::new(rules(&changed));
    assert_eq!(restored.restore(remembered), dropped);
    assert_eq!(restored.process(&events[..1]), []);
}

#[test]
fn a_state_with_less_or_more_in_it_is_taken_up() {
    let mut engine = Engine::new(rules(COUNT));
    let text = r#"{"correlations": {"rules": []}, "something later": 7}"#;
    assert_eq!(engine.restore(serde_json::from_str(text).unwrap()), []);
    assert_eq!(engine.restore(serde_json::from_str("{}").unwrap()), []);
}
