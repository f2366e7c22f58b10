//! Hostile streams: memory stays bounded, and a finding says what was cut.

use super::{DAY, Stream, engine, told};
use crate::baseline::memory::Memory;
use crate::engine::Engine;
use crate::limits::{BASELINE_BYTES_MAX, BASELINE_FINDINGS_PER_HOUR_MAX};
use crate::{BASELINE_LIMIT_RULE, baseline::Learner};

fn bytes(learner: &Learner) -> usize {
    learner.memories.iter().map(Memory::bytes).sum()
}

#[test]
fn a_million_unique_values_stay_within_bounds() {
    for (baseline, field) in [
        ("{ type: first_seen, entity: [user], value: [src_ip] }", "user"),
        ("{ type: first_seen, value: [src_ip] }", "src_ip"),
        ("{ type: volume, entity: [user], least: 5 }", "user"),
        ("{ type: beacon, entity: [user], value: [src_ip] }", "src_ip"),
    ] {
        let mut engine = engine(baseline);
        let mut stream = Stream::default();
        let mut event = stream.at(0, &[("user", "u"), ("src_ip", "a")]);
        let mut findings = Vec::new();
        for number in 0_i64..250_000 {
            event.occurred_at += chrono::Duration::milliseconds(100);
            event.collected_at = event.occurred_at;
            event.fields.set(field, format!("value-{number}"));
            engine.process_one(&event, &mut findings);
        }
        assert!(bytes(engine.learner()) <= BASELINE_BYTES_MAX, "{baseline}");
        assert!(bytes(engine.learner()) > 100_000, "{baseline}");
        assert_eq!(findings.len(), 1, "{baseline}: {:?}", told(&findings));
        assert_eq!(findings[0].rule, BASELINE_LIMIT_RULE);
        let told = &findings[0].matched[0];
        assert_eq!((told.selection.as_str(), told.value.as_str()), ("b1", "Something new"));
    }
}

#[test]
fn what_one_account_does_does_not_push_out_the_others() {
    let mut engine = engine(
        "{ type: first_seen, entity: [user], value: [src_ip], learn: { time: 1d, events: 20, known: 5 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    for hour in 0..48 {
        let event = stream.at(hour * 3_600, &[("user", "quiet"), ("src_ip", "10.0.0.1")]);
        engine.process_one(&event, &mut findings);
    }
    for number in 0..20_000 {
        let address = format!("value-{number}");
        let event = stream.at(2 * DAY + number, &[("user", "loud"), ("src_ip", &address)]);
        engine.process_one(&event, &mut findings);
    }
    let event = stream.at(3 * DAY, &[("user", "quiet"), ("src_ip", "10.0.0.1")]);
    findings.clear();
    engine.process_one(&event, &mut findings);
    assert_eq!(told(&findings), Vec::<String>::new());
}

#[test]
fn a_flood_of_new_things_is_cut_and_said() {
    let mut engine =
        engine("{ type: first_seen, value: [src_ip], learn: { time: 1d, events: 20, known: 5 } }");
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    for hour in 0..48 {
        engine.process_one(&stream.at(hour * 3_600, &[("src_ip", "10.0.0.1")]), &mut findings);
    }
    for number in 0..1_000 {
        let address = format!("value-{number}");
        engine.process_one(&stream.at(2 * DAY + number, &[("src_ip", &address)]), &mut findings);
    }
    let limits = findings.iter().filter(|finding| finding.rule == BASELINE_LIMIT_RULE).count();
    assert_eq!((limits, findings.len()), (1, BASELINE_FINDINGS_PER_HOUR_MAX + 1));
    let last = findings.last().unwrap();
    assert_eq!(last.matched[0].pattern, "at most 50 findings an hour");
    // The next hour speaks again.
    engine.process_one(&stream.at(2 * DAY + 7_200, &[("src_ip", "x")]), &mut findings);
    assert_eq!(findings.len(), BASELINE_FINDINGS_PER_HOUR_MAX + 2);
}

#[test]
fn what_is_unseen_for_long_is_forgotten_and_told_anew() {
    let mut engine = engine(
        "{ type: first_seen, value: [src_ip], forget: 30d, learn: { time: 1d, events: 20, known: 5 } }",
    );
    let mut stream = Stream::default();
    let mut findings = Vec::new();
    let steps: i64 = 20_000;
    for step in 0..steps {
        let address = if step < 100 { "10.0.0.9" } else { "10.0.0.1" };
        let event = stream.at(step * 60 * DAY / steps, &[("src_ip", address)]);
        engine.process_one(&event, &mut findings);
    }
    assert_eq!(told(&findings), Vec::<String>::new());
    engine.process_one(&stream.at(61 * DAY, &[("src_ip", "10.0.0.9")]), &mut findings);
    assert_eq!(findings.len(), 1);
}

#[test]
fn baselines_of_other_log_sources_cost_nothing() {
    let mut engine: Engine = engine("{ type: first_seen, value: [src_ip] }");
    let mut stream = Stream::default();
    let mut event = stream.at(0, &[("src_ip", "10.0.0.1")]);
    event.logsource.service = Some("sudo".into());
    engine.process_one(&event, &mut Vec::new());
    assert!(engine.learning().is_empty());
}
