//! Baselines on real recordings, with a learning time cut to their length: nothing is said while they
//! learn, and what is said afterwards can be read.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;

use chrono::TimeDelta;
use detect::{Engine, RuleFile, RuleSet};
use event::{Event, Finding};

use crate::{data, decoded};

/// Most records of one recording: enough minutes of it, and the test stays short.
const RECORDS: usize = 30_000;

fn recording(name: &str) -> Option<Vec<Event>> {
    let path = data::folder("zeek")?.join(name);
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut events: Vec<Event> =
        text.lines().take(RECORDS).map(|line| decoded::by("zeek_zeek", line)).collect();
    events.sort_by_key(|event| event.occurred_at);
    Some(events)
}

fn found(logsource: &str, field: &str, baseline: &str, events: &[Event]) -> Vec<Finding> {
    let text = format!(
        "title: On a recording\nid: b1\nlogsource: {logsource}\ndetection:\n  selection:\n    \
         {field}|exists: true\n  condition: selection\nbaseline: {baseline}\nlevel: low\n"
    );
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "b.yml", text: &text }]);
    assert_eq!(errors, Vec::new());
    let mut engine = Engine::new(Arc::new(rules));
    let findings = engine.process(events);
    let learning = &engine.learning()[0];
    println!("{baseline}\n  {} events, {} findings", learning.events, findings.len());
    for finding in findings.iter().take(6) {
        let last = finding.matched.last().unwrap();
        println!("  {} {}: {}", finding.entity.value, last.value, last.pattern);
    }
    assert!(learning.speaks(), "{learning:?}");
    findings
}

#[test]
fn a_recording_is_learned_and_what_is_new_in_it_is_told() {
    let Some(names) = recording("dns.json.gz") else { return };
    let Some(times) = recording("ntp.json.gz") else { return };
    let first = names[0].occurred_at;
    let learn = "learn: { time: 2m, events: 500, known: 50 }";
    let dns = "{ product: zeek, service: dns }";
    let ntp = "{ product: zeek, service: ntp }";
    for (logsource, field, baseline, events) in [
        (
            dns,
            "dns_query",
            format!(
                "{{ type: first_seen, entity: [src_ip], value: ['dns_query|domain'], {learn} }}"
            ),
            &names,
        ),
        (
            dns,
            "dns_query",
            format!("{{ type: rare_value, entity: [src_ip], value: [dns_type], {learn} }}"),
            &names,
        ),
        (
            ntp,
            "dst_ip",
            "{ type: beacon, entity: [src_ip], value: [dst_ip], contacts: 8, shortest: 5s, \
             learn: { time: 2m, events: 20, known: 4 } }"
                .to_owned(),
            &times,
        ),
    ] {
        let findings = found(logsource, field, &baseline, events);
        let early = first + TimeDelta::seconds(90);
        assert!(findings.iter().all(|finding| finding.occurred_at > early), "{baseline}");
        assert!(findings.len() < events.len() / 20, "{baseline}: as good as everything is new");
    }
}
