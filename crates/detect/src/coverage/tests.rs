//! Tests of coverage: what a kind of event lacks, case by case; and that a rule that fires on an event
//! is always said to be able to.

use event::{Event, Fields, LogSource};
use proptest::prelude::*;

use super::{Readiness, Seen};
use crate::testing::EventMaker;
use crate::{RuleFile, RuleSet};

fn windows(service: &str, fields: &[(&'static str, &str)]) -> Event {
    let logsource = LogSource {
        product: Some("windows".into()),
        service: Some(service.to_owned().into()),
        ..LogSource::default()
    };
    let fields: Fields = fields.iter().map(|(name, value)| (*name, *value)).collect();
    EventMaker::new().event(logsource, fields, chrono::Duration::zero())
}

fn compile(text: &str) -> RuleSet {
    let (set, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    assert!(errors.is_empty(), "{errors:?}");
    set
}

fn rule(detection: &str) -> String {
    format!(
        "title: t\nid: r1\nlogsource: {{ product: windows, service: security }}\ndetection:\n\
         {detection}\n"
    )
}

fn fields(names: &[&str]) -> Readiness {
    Readiness::FieldNeverSeen { fields: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn event_id(wanted: &[&str]) -> Readiness {
    Readiness::EventNeverSeen {
        field: "EventID".to_owned(),
        wanted: wanted.iter().map(|code| (*code).to_owned()).collect(),
    }
}

#[test]
fn what_is_missing_is_named() {
    let mut seen = Seen::default();
    seen.add(&windows("security", &[("EventID", "4624"), ("IpAddress", "10.0.0.1")]), 5);
    seen.add(&windows("security", &[("EventID", "4688"), ("NewProcessName", "a.exe")]), 1);
    seen.add(&windows("security", &[("EventID", "4688"), ("TokenElevationType", "1")]), 1);
    let can = |kinds: &[usize]| Readiness::CanFire { kinds: kinds.to_vec() };
    let cases = [
        ("s:\n    EventID: 4624", "s", can(&[0])),
        ("s:\n    EventID: 4688\n    NewProcessName: x\n    TokenElevationType: 2", "s", can(&[1])),
        ("s:\n    IpAddress: '10.*'", "s", can(&[0])),
        ("s:\n    EventID: 4720", "s", event_id(&["4720"])),
        ("s:\n    EventID: [4720, 4726]\n    A: x", "s", event_id(&["4720", "4726"])),
        (
            "s1:\n    EventID: 4720\n  s2:\n    EventID: 4726",
            "1 of s*",
            event_id(&["4720", "4726"]),
        ),
        ("s:\n    EventID: 4688\n    CommandLine: x", "s", fields(&["CommandLine"])),
        ("s:\n    EventID: 4688\n    A: x\n    B: y", "s", fields(&["A", "B"])),
        ("s:\n    - A: x\n      B: y\n    - C: x", "s", fields(&["C"])),
        ("s:\n    EventID: 4688\n  f:\n    A: x", "s and not f", can(&[1])),
        ("s:\n    EventID: 4688\n  f:\n    EventID: 4688", "s and not f", event_id(&["4688"])),
        ("s:\n    A: null", "s", can(&[0, 1])),
        ("s:\n    A|neq: 3", "s", can(&[0, 1])),
        ("s:\n    - word", "s", can(&[0, 1])),
    ];
    for (selections, condition, want) in cases {
        let set = compile(&rule(&format!("  {selections}\n  condition: {condition}")));
        let coverage = set.coverage(&seen);
        assert_eq!(coverage.first().unwrap().readiness, want, "{selections} / {condition}");
    }
    let nothing = compile(&rule("  s:\n    A: x\n  condition: s")).coverage(&Seen::default());
    assert_eq!(nothing.first().unwrap().readiness, Readiness::LogNeverSeen);
    assert_eq!(seen.kinds().iter().map(|kind| kind.events).collect::<Vec<_>>(), [5, 2]);
}

#[test]
fn needs_are_the_fields_of_the_shortest_way() {
    let set = compile(&rule(
        "  s:\n    EventID: 1\n    Image: x\n  o:\n    - A: x\n      B: x\n    - C: x\n  f:\n    D: x\n  \
         condition: s and o and not f",
    ));
    let needs = set.needs("r1").unwrap();
    assert_eq!(needs.fields, ["EventID", "Image", "C"]);
    assert_eq!(needs.logsource.service.as_deref(), Some("security"));
    assert_eq!(set.needs("none"), None);
}

#[test]
fn a_correlation_needs_what_it_counts() {
    let two = format!(
        "{}---\n{}",
        rule("  s:\n    EventID: 4624\n  condition: s"),
        rule("  s:\n    EventID: 1102\n  condition: s").replace("id: r1", "id: r2")
    );
    let mut seen = Seen::default();
    seen.add(&windows("security", &[("EventID", "4624")]), 1);
    for (kind, rules, word) in [
        ("event_count", "[r1, r2]", "can_fire"),
        ("event_count", "[r2]", "event_never_seen"),
        ("temporal", "[r1, r2]", "event_never_seen"),
        ("temporal", "[r1]", "can_fire"),
    ] {
        let condition = if kind == "temporal" { "" } else { "  condition:\n    gte: 3\n" };
        let text = format!(
            "{two}---\ntitle: c\nid: c1\ncorrelation:\n  type: {kind}\n  rules: {rules}\n  \
             group-by: [User]\n  timespan: 1m\n{condition}"
        );
        let coverage = compile(&text).coverage(&seen);
        let own = coverage.last().unwrap();
        assert_eq!((own.rule.as_str(), own.readiness.word()), ("c1", word), "{kind} {rules}");
    }
}

proptest! {
    #[test]
    fn a_rule_that_fires_is_said_to_be_able_to(
        first in prop::sample::select(vec![
            "EventID: 1", "EventID|gte: 2", "A: x", "A: null", "A|exists: false", "B|neq: x",
        ]),
        second in prop::sample::select(vec!["A|contains: x", "B: y", "EventID: [1, 3]", "C: ''"]),
        condition in prop::sample::select(vec![
            "s1 and s2", "s1 or s2", "s1 and not s2", "not s1", "not (s1 or s2)", "not s1 or not s2",
        ]),
        code in prop::option::of("[123]"), a in prop::option::of("[xy]?"), b in prop::option::of("[xy]"),
    ) {
        let detection = format!("  s1:\n    {first}\n  s2:\n    {second}\n  condition: {condition}");
        let set = compile(&rule(&detection));
        let pairs = [("EventID", &code), ("A", &a), ("B", &b)];
        let fields: Vec<(&'static str, &str)> =
            pairs.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let event = windows("security", &fields);
        let mut seen = Seen::default();
        seen.add(&event, 1);
        let fires = !set.evaluate_plainly(&event).is_empty();
        let can = matches!(
            set.coverage(&seen).first().unwrap().readiness,
            Readiness::CanFire { .. }
        );
        prop_assert!(!fires || can, "{}", detection);
    }
}
