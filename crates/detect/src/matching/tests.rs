//! Tests of matching: what the specification says, case by case, by the compiled matcher and the
//! plain evaluator alike; and property tests that hold one to the other.

use chrono::Duration;
use event::{Event, Fields, LogSource, Value};
use proptest::prelude::*;

use crate::testing::EventMaker;
use crate::{RuleFile, RuleSet, Scratch};

fn event(fields: Fields) -> Event {
    let logsource = LogSource { product: Some("windows".into()), ..LogSource::default() };
    EventMaker::new().event(logsource, fields, Duration::zero())
}

/// Returns whether a rule with this detection fires on the event; both evaluators must agree.
fn fires(detection: &str, event: &Event) -> bool {
    let text = format!("title: t\nlogsource: {{ product: windows }}\ndetection:\n{detection}\n");
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
    assert!(errors.is_empty(), "{detection}: {errors:?}");
    let fast = rules.matching_ids(event, &mut Scratch::default());
    assert_eq!(fast, rules.evaluate_plainly(event), "{detection} on {:?}", event.fields);
    !fast.is_empty()
}

/// Checks `field: value` items on a field `A`.
fn check(item: &str, value: impl Into<Value>, want: bool) {
    let value = value.into();
    let detection = format!("  s:\n    {item}\n  condition: s");
    let fields = [("A", value.clone())].into_iter().collect();
    assert_eq!(fires(&detection, &event(fields)), want, "{item} on {value:?}");
}

#[test]
fn text_modifiers() {
    check("A: 'ABC'", "abc", true);
    check("A: 'abc'", "abcd", false);
    check("A|contains: 'B'", "abc", true);
    check("A|startswith: 'ab'", "ABc", true);
    check("A|startswith: 'b'", "abc", false);
    check("A|endswith: 'C:\\'", "x\\C:\\", true);
    check("A|endswith: '\\cmd.exe'", "C:\\W\\CMD.EXE", true);
    check("A|contains|all: [a, c]", "abc", true);
    check("A|contains|all: [a, d]", "abc", false);
    check("A|contains: 'a*c'", "xxa\nyyc", true);
    check("A: 'a\\*c'", "a*c", true);
    check("A: 'a\\*c'", "abc", false);
    check("A: ['x', 'ab?']", "abc", true);
    check("A|cased: 'ABC'", "abc", false);
    check("A|contains|cased: 'aB'", "xaBy", true);
    check("A|startswith|cased: 'a*B'", "aBc", true);
    check("A: 'ĐÀ NẴNG'", "Đà nẵng", true);
    check("A|contains: 'k'", "\u{212a}", true);
    check("A: ''", "", true);
    check("A: ''", Value::Null, false);
    check("A: '*'", "", true);
    check("A: '?*'", "", false);
}

#[test]
fn encodings() {
    check("A|base64: 'foobar'", "Zm9vYmFy", true);
    check("A|base64offset|contains: 'foobar'", "x Zm9vYmFy", true);
    check("A|base64offset|contains: 'foobar'", "eGZvb2JhciB4", true);
    check("A|base64offset|contains: 'foobar'", "eHhmb29iYXJ4", true);
    check("A|base64offset|contains: 'foobar'", "eHhmb29iYXI=", true);
    check("A|wide|base64offset|contains: 'IEX'", "SQBFAFgA", true);
    check("A|utf16be|base64: 'A'", "AEE=", true);
    check("A|utf16|base64: 'A'", "//5BAA==", true);
    check("A|wide|base64: 'đ'", "EQE=", true);
    check("A|windash|contains: ' -enc'", "powershell /enc x", true);
    check("A|windash|contains: ' -enc'", "powershell –enc x", true);
    check("A|contains|windash: '-a -b'", "/a —b", true);
    check("A|windash|contains: 'a-b'", "a/b", false);
    check("A|windash|contains: 'x/y -n'", "x-y -n", false);
}

#[test]
fn numbers_truths_and_nothing() {
    check("A: 4688", 4688, true);
    check("A: 4688", "4688", true);
    check("A: '4688'", 4688, true);
    check("A: 0x10", "0x10", true);
    check("A: 0x10", 16, true);
    check("A: 1.5", Value::Float(1.5), true);
    check("A: true", Value::Bool(true), true);
    check("A: 'TRUE'", Value::Bool(true), true);
    check("A|gt: 5", "6", true);
    check("A|gte: 5", 5, true);
    check("A|lt: 5", 5, false);
    check("A|lte: 5.5", Value::Float(5.5), true);
    check("A|gt: 5", "0x10", true);
    check("A|gt: 5", "many", false);
    check("A: null", Value::Null, true);
    check("A: null", "", false);
    check("B: null", "x", true);
    check("A|exists: true", Value::Null, true);
    check("B|exists: false", "x", true);
    check("B|exists: true", "x", false);
    check("A|neq: x", "y", true);
    check("A|neq: [x, y]", "Y", false);
    check("B|neq: x", "y", true);
}

#[test]
fn networks_expressions_times_and_other_fields() {
    check("A|cidr: 10.0.0.0/8", "10.2.3.4", true);
    check("A|cidr: 10.0.0.0/8", "::ffff:10.2.3.4", true);
    check("A|cidr: 10.0.0.0/8", "host10", false);
    check("A|cidr: ['fe80::/10', '192.168.0.0/16']", "FE80::1", true);
    check("A|re: '^a.c$'", "abc", true);
    check("A|re: '^a.c$'", "ABC", false);
    check("A|re|i: '^a.c$'", "ABC", true);
    check("A|re: 'a.c'", "a\nc", false);
    check("A|re|s: 'a.c'", "a\nc", true);
    check("A|re: '^c'", "a\nc", false);
    check("A|re|m: '^c'", "a\nc", true);
    check("A|hour: 3", "2026-01-05T03:59:00Z", true);
    check("A|week: 2", "2026-01-05 03:59:00.123", true);
    check("A|year: 2026", 1_767_582_000, true);
    check("A|minute: 1", "yesterday", false);
    let fields: Fields = [("A", "xYZ"), ("B", "yz"), ("C", "xyz")].into_iter().collect();
    let event = event(fields);
    for (item, want) in [
        ("A|fieldref: C", true),
        ("A|fieldref|cased: C", false),
        ("A|fieldref|endswith: B", true),
        ("A|fieldref|startswith: B", false),
        ("A|fieldref: D", false),
        ("D|fieldref: E", false),
    ] {
        let detection = format!("  s:\n    {item}\n  condition: s");
        assert_eq!(fires(&detection, &event), want, "{item}");
    }
}

#[test]
fn lists_count_by_any_member() {
    let list = Value::List(vec!["abc".into(), Value::Null, "xyz".into()]);
    check("A: xyz", list.clone(), true);
    check("A|contains|all: [b, y]", list.clone(), true);
    check("A: null", list, false);
    check("A: null", Value::List(vec![Value::Null]), true);
    check("A: null", Value::List(vec![]), true);
}

#[test]
fn conditions_and_selections() {
    let fields: Fields = [("A", "1"), ("B", "2")].into_iter().collect();
    let event = event(fields);
    let selections =
        "  a: { A: 1 }\n  b: { B: 1 }\n  ab:\n    - A: 2\n    - B: 2\n  _c: { A: 2 }\n";
    for (condition, want) in [
        ("a", true),
        ("a and b", false),
        ("a or b and b", true),
        ("(a or b) and b", false),
        ("not b", true),
        ("not not a", true),
        ("a and not b and ab", true),
        ("1 of them", true),
        ("all of them", false),
        ("all of a*", true),
        ("any of *b", true),
        ("1 of _*", false),
        ("NOT b AND a", true),
        ("[b, a]", true),
        ("[b, 'a and b']", false),
    ] {
        let detection = format!("{selections}  condition: {condition}");
        assert_eq!(fires(&detection, &event), want, "{condition}");
    }
}

#[test]
fn keywords_search_values_and_not_names() {
    let fields: Fields = [
        ("message", Value::from("Failed password for root")),
        ("n", Value::Int(4711)),
        ("list", Value::List(vec!["deep".into()])),
    ]
    .into_iter()
    .collect();
    let event = event(fields);
    for (keywords, want) in [
        ("['failed PASSWORD']", true),
        ("['message']", false),
        ("[4711]", true),
        ("['eep']", true),
        ("['failed*root']", true),
        ("{ '|all': ['failed', 'deep'] }", true),
        ("{ '|all': ['failed', 'absent'] }", false),
        ("{ '|re': ['for r..t$'] }", true),
        ("[{ 'n': 1 }, { 'n': 4711 }]", true),
    ] {
        let detection = format!("  k: {keywords}\n  condition: k");
        assert_eq!(fires(&detection, &event), want, "{keywords}");
    }
}

#[test]
fn a_rule_only_sees_events_of_its_log_source() {
    let text = "title: t\nlogsource: { product: windows, service: sysmon }\ndetection:\n  \
                s: { A: 1 }\n  condition: s\n";
    let (rules, _) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    for (product, category, service, want) in [
        (Some("windows"), None, Some("sysmon"), 1),
        (Some("windows"), Some("process_creation"), Some("sysmon"), 1),
        (Some("windows"), None, None, 0),
        (Some("windows"), None, Some("security"), 0),
        (Some("linux"), None, Some("sysmon"), 0),
        (None, None, None, 0),
    ] {
        let name = |word: Option<&'static str>| word.map(Into::into);
        let logsource =
            LogSource { product: name(product), category: name(category), service: name(service) };
        let fields = [("A", "1")].into_iter().collect();
        let event = EventMaker::new().event(logsource, fields, Duration::zero());
        assert_eq!(rules.matching_ids(&event, &mut Scratch::default()).len(), want);
    }
}

#[test]
fn a_sigma_name_finds_the_attribute_where_the_source_has_no_such_field() {
    let mut event = event([("NewProcessName", "C:\\a.exe")].into_iter().collect());
    assert!(fires("  s: { Image|endswith: '\\a.exe' }\n  condition: s", &event));
    event.fields.set("Image", "C:\\b.exe");
    assert!(!fires("  s: { Image|endswith: '\\a.exe' }\n  condition: s", &event));
}

#[test]
fn a_finding_says_why() {
    let text = "title: t\nid: x\nlogsource: { product: windows }\ndetection:\n  img:\n    \
                Image|endswith: ['\\a.exe', '\\b.exe']\n    A: null\n  other: { B: 1 }\n  \
                filter: { C: 1 }\n  condition: (img or other) and not filter\n";
    let (rules, _) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    let event = event([("Image", "C:\\B.exe")].into_iter().collect());
    let mut findings = Vec::new();
    rules.evaluate(&event, &mut Scratch::default(), &mut findings);
    let seen: Vec<(&str, &str, &str, &str)> = findings[0]
        .matched
        .iter()
        .map(|m| (m.selection.as_str(), m.field.as_str(), m.value.as_str(), m.pattern.as_str()))
        .collect();
    assert_eq!(seen, [("img", "Image", "C:\\B.exe", "*\\b.exe"), ("img", "A", "", "null")]);
    assert_eq!(findings[0].key().rule, "x");
}

#[test]
fn a_filter_makes_an_exception() {
    let text = "title: t\nid: x\nlogsource: { product: windows }\ndetection:\n  s: { A: 1 }\n  \
                condition: s\n---\ntitle: f\nlogsource: { product: windows }\nfilter:\n  \
                rules: [x]\n  f: { User|startswith: adm_ }\n  condition: not f\n";
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    assert!(errors.is_empty(), "{errors:?}");
    for (user, want) in [("adm_a", 0), ("bob", 1)] {
        let event = event([("A", "1"), ("User", user)].into_iter().collect());
        let fast = rules.matching_ids(&event, &mut Scratch::default());
        assert_eq!((fast.len(), rules.evaluate_plainly(&event).len()), (want, want));
    }
}

fn item() -> impl Strategy<Value = String> {
    let field = prop_oneof![Just("A"), Just("B"), Just("Image"), Just("NewProcessName"), Just("")];
    let modifier = prop_oneof![
        Just(""),
        Just("|contains"),
        Just("|startswith"),
        Just("|endswith"),
        Just("|contains|all"),
        Just("|contains|cased"),
        Just("|windash|contains"),
        Just("|neq"),
        Just("|re"),
    ];
    let value =
        prop_oneof!["[abK]{1,3}", "[ab*?-]{1,4}", Just("null".to_owned()), Just(String::new())];
    (field, modifier, proptest::collection::vec(value, 1..4)).prop_map(
        |(field, modifier, values)| {
            let plain = modifier.is_empty() && !field.is_empty();
            let regex = modifier == "|re";
            let values: Vec<String> = values
                .iter()
                .map(|value| match value.as_str() {
                    "null" if plain => "null".to_owned(),
                    text if regex => format!("'{}'", text.replace(['*', '?', '-'], ".")),
                    text => format!("'{text}'"),
                })
                .collect();
            format!("{{ '{field}{modifier}': [{}] }}", values.join(", "))
        },
    )
}

fn rule_text(number: usize, items: &[String], condition: &str) -> String {
    let mut text =
        format!("title: t\nid: r{number}\nlogsource: {{ product: windows }}\ndetection:\n");
    for (index, item) in items.iter().enumerate() {
        text.push_str("  s");
        text.push_str(&index.to_string());
        text.push_str(": ");
        text.push_str(item);
        text.push('\n');
    }
    text + &format!("  condition: {condition}\n---\n")
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => "[abkAB\u{212a}–/-]{0,5}".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => (0_i64..3).prop_map(Value::from),
        1 => proptest::collection::vec("[ab]{0,3}".prop_map(Value::from), 0..3)
            .prop_map(Value::List),
    ]
}

proptest! {
    #[test]
    fn the_compiled_matcher_agrees_with_the_plain_evaluator(
        items in proptest::collection::vec(proptest::collection::vec(item(), 3), 1..6),
        condition in proptest::sample::select(vec![
            "s0", "not s0", "s0 and s1", "s0 or s1", "s0 and not s1", "not s0 and not s1",
            "1 of them", "all of them", "s0 and (s1 or not s2)", "not (s0 or s1) or s2",
        ]),
        events in proptest::collection::vec((value(), value(), value()), 1..6),
    ) {
        let text: String = items
            .iter()
            .enumerate()
            .map(|(number, items)| rule_text(number, items, condition))
            .collect();
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
        prop_assert!(errors.is_empty(), "{errors:?}\n{text}");
        let mut scratch = Scratch::default();
        for (a, b, c) in events {
            let event = event([("A", a), ("B", b), ("NewProcessName", c)].into_iter().collect());
            let fast = rules.matching_ids(&event, &mut scratch);
            prop_assert_eq!(fast, rules.evaluate_plainly(&event), "{:?}\n{}", event.fields, text);
        }
    }
}
