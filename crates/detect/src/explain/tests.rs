//! Tests of explanations: what is told, case by case, and that the verdict is always the evaluator's.

use event::{Event, Fields, LogSource, MatchKind, Value};
use proptest::prelude::*;

use super::{Because, Explanation, ItemCheck, Near, Obstacle};
use crate::testing::EventMaker;
use crate::{RuleFile, RuleSet};

type Pairs = &'static [(&'static str, &'static str)];

fn event(fields: Fields) -> Event {
    let logsource = LogSource {
        product: Some("windows".into()),
        category: Some("process_creation".into()),
        ..LogSource::default()
    };
    EventMaker::new().event(logsource, fields, chrono::Duration::zero())
}

fn explain(rules: &str, id: &str, event: &Event) -> Explanation {
    let (set, errors) = RuleSet::compile(&[RuleFile { path: "r", text: rules }]);
    assert!(errors.is_empty(), "{errors:?}");
    set.explain(id, event).unwrap()
}

fn rule(detection: &str) -> String {
    format!(
        "title: t\nid: r1\nlogsource: {{ product: windows, category: process_creation }}\n\
         detection:\n{detection}\n"
    )
}

fn check(detection: &str, fields: &[(&'static str, &str)]) -> Explanation {
    let event = event(fields.iter().map(|(name, value)| (*name, *value)).collect());
    explain(&rule(detection), "r1", &event)
}

fn first_item(explanation: &Explanation) -> &ItemCheck {
    let item = |one: &Obstacle<'_>| matches!(one, Obstacle::Item(_));
    match explanation.obstacles().into_iter().find(item) {
        Some(Obstacle::Item(item)) => item,
        other => panic!("no item: {other:?}"),
    }
}

#[test]
fn the_nearest_miss_is_named() {
    let selection = |item: &str| format!("  s:\n    {item}\n  condition: s");
    let cases: &[(&str, Pairs, Option<Near>)] = &[
        (
            "Image|endswith: '\\cmd.exe'",
            &[("Image", "C:\\cmd.exe ")],
            Some(Near::Blanks { pattern: "*\\cmd.exe".to_owned() }),
        ),
        (
            "Image|endswith|cased: '\\cmd.exe'",
            &[("Image", "C:\\CMD.exe")],
            Some(Near::Case { pattern: "*\\cmd.exe".to_owned() }),
        ),
        (
            "Image|re: 'cmd\\.exe'",
            &[("Image", "CMD.EXE")],
            Some(Near::Case { pattern: "/cmd\\.exe/".to_owned() }),
        ),
        (
            "Image|startswith: 'cmd'",
            &[("Image", "C:\\cmd.exe")],
            Some(Near::Place { pattern: "cmd*".to_owned() }),
        ),
        (
            "ServiceFileName|contains: 'psexec'",
            &[("Service File Name", "x")],
            Some(Near::FieldName { field: "Service File Name".to_owned() }),
        ),
        (
            "TargetImage|endswith: 'lsass.exe'",
            &[("SourceImage", "C:\\lsass.exe")],
            Some(Near::OtherField {
                field: "SourceImage".to_owned(),
                value: "C:\\lsass.exe".to_owned(),
            }),
        ),
        (
            "Time|hour: 9",
            &[("Time", "2026-11-23T16:20:05+07:00")],
            Some(Near::TimePart { part: "hour", number: Some(16) }),
        ),
        (
            "Time|week|gte: 9",
            &[("Time", "Nov 23 16:20:05")],
            Some(Near::TimePart { part: "week", number: None }),
        ),
        ("Image|endswith: 'whoami'", &[("Image", "C:\\cmd.exe")], None),
    ];
    for (item, fields, want) in cases {
        let explanation = check(&selection(item), fields);
        assert!(!explanation.fires, "{item}");
        assert_eq!(&first_item(&explanation).near, want, "{item}");
    }
}

#[test]
fn an_absent_field_is_told_apart_from_another_value() {
    let detection = "  s:\n    A: x\n    B: y\n  condition: s";
    let explanation = check(detection, &[("A", "x")]);
    let item = first_item(&explanation);
    assert_eq!((item.field.as_deref(), &item.there), (Some("B"), &None));
    let explanation = check(detection, &[("A", "x"), ("B", "z")]);
    assert_eq!(first_item(&explanation).there, Some(vec!["z".to_owned()]));
}

#[test]
fn the_selection_and_the_filter_that_stop_a_rule_are_named() {
    let text = rule("  s:\n    A: x\n  filter_main:\n    B: y\n  condition: s and not filter_main");
    let filter = "---\ntitle: Our backup\nlogsource: { product: windows }\nfilter:\n  rules: [r1]\n  \
                  sel:\n    C: z\n  condition: not sel\n";
    let both = format!("{text}{filter}");
    let fields = [("A", "x"), ("B", "y"), ("C", "z")];
    let own = event(fields.into_iter().collect());
    let explanation = explain(&both, "r1", &own);
    let obstacles = explanation.obstacles();
    assert_eq!(obstacles, [Obstacle::Selection("filter_main"), Obstacle::Filter("Our backup")]);
}

#[test]
fn another_log_source_comes_first() {
    let mut other = event([("A", "z")].into_iter().collect());
    other.logsource.category = None;
    other.logsource.service = Some("security".into());
    let explanation = explain(&rule("  s:\n    A: x\n  condition: s"), "r1", &other);
    assert!(matches!(explanation.obstacles().first(), Some(Obstacle::Source(check))
        if check.wanted.category.as_deref() == Some("process_creation")));
}

#[test]
fn what_met_each_item_is_told_with_its_part() {
    let explanation = check(
        "  s:\n    A|contains: [cd, yy]\n    B|neq: q\n  condition: s",
        &[("A", "abcd"), ("B", "b")],
    );
    assert!(explanation.fires && explanation.obstacles().is_empty());
    let text = serde_json::to_string(&explanation).unwrap();
    assert!(text.contains(r#""kind":"contains","part":[2,4]"#), "{text}");
    assert!(text.contains(r#""value":"b","pattern":"q","kind":"not""#), "{text}");
    assert_eq!(serde_json::to_string(&MatchKind::Lacks).unwrap(), "\"lacks\"");
}

#[test]
fn a_correlation_is_told_by_the_rules_it_counts() {
    let text = format!(
        "{}---\ntitle: Many\nid: c1\ncorrelation:\n  type: event_count\n  rules: [r1]\n  \
         group-by: [User]\n  timespan: 1m\n  condition:\n    gte: 3\n",
        rule("  s:\n    A: x\n  condition: s")
    );
    let explanation = explain(&text, "c1", &event([("A", "x")].into_iter().collect()));
    let Because::Counted { rules } = &explanation.because else { panic!("{explanation:?}") };
    assert!(explanation.fires);
    assert_eq!(rules.first().unwrap().fields, [("User".to_owned(), None)]);
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("A: x".to_owned()),
        Just("A|contains: [x, y]".to_owned()),
        Just("A|contains|all: [x, y]".to_owned()),
        Just("A: null".to_owned()),
        Just("B|exists: true".to_owned()),
        Just("B|exists: false".to_owned()),
        Just("B|neq: x".to_owned()),
        Just("B|re: 'x+'".to_owned()),
        Just("A|fieldref: B".to_owned()),
        Just("B|gte: 3".to_owned()),
    ]
}

proptest! {
    #[test]
    fn an_explanation_never_disagrees_with_the_verdict(
        first in pattern(), second in pattern(), third in pattern(),
        condition in prop_oneof![
            Just("s1 and s2"), Just("s1 or not s2"), Just("1 of s*"), Just("not (s1 and s2) and s3"),
            Just("all of them"),
        ],
        a in prop::option::of("[xyX ]{0,3}"), b in prop::option::of("[x4Y]{0,2}"),
        same_source: bool,
    ) {
        let detection = format!(
            "  s1:\n    {first}\n  s2:\n    {second}\n  s3:\n    {third}\n  condition: {condition}"
        );
        let (set, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &rule(&detection) }]);
        prop_assert!(errors.is_empty(), "{:?}", errors);
        let pairs = [("A", a), ("B", b)];
        let fields = pairs.into_iter().filter_map(|(name, value)| Some((name, Value::from(value?))));
        let mut event = event(fields.collect());
        if !same_source {
            event.logsource.product = None;
        }
        let explanation = set.explain("r1", &event).unwrap();
        let fires = set.evaluate_plainly(&event) == ["r1"];
        prop_assert_eq!(explanation.fires, fires);
        prop_assert_eq!(explanation.obstacles().is_empty(), fires, "{:?}", explanation);
    }
}
