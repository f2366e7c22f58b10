//! Tests of the parser: every fault has its line, its words and, where we can guess, its hint.

use crate::{Placeholders, RuleErrorKind, RuleFile, RuleSet};

fn load(text: &str) -> Result<RuleSet, String> {
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r.yml", text }]);
    match errors.first() {
        None => Ok(rules),
        Some(error) => Err(error.to_string()),
    }
}

fn rule(detection: &str) -> String {
    format!("title: t\nlogsource: {{ product: windows }}\ndetection:\n{detection}\n")
}

#[test]
fn faults_name_line_column_and_hint() {
    for (detection, want) in [
        (
            "  s:\n    A|contain: x\n  condition: s",
            "r.yml:5:7: unknown modifier `contain` (did you mean `contains`?)",
        ),
        (
            "  selection:\n    A: x\n  condition: selektion",
            "r.yml:6:14: no selection is called `selektion` (did you mean `selection`?)",
        ),
        (
            "  s:\n    A: x\n  condition: s and not 2 of s*",
            "r.yml:6:24: `2 of` is not part of Sigma (`1 of`, `any of` or `all of`)",
        ),
        ("  s:\n    A: x\n  condition: (s", "r.yml:6:14: this bracket is never closed"),
        (
            "  s:\n    A: x\n  condition: s | count() > 5",
            "r.yml:6:16: aggregations after `|` are not part of Sigma 2 (write a correlation rule \
             instead)",
        ),
        (
            "  s:\n    A|cidr: 300.1.1.0/8\n  condition: s",
            "r.yml:5:13: `300.1.1.0/8` is no network (write an address with a prefix length: \
          10.0.0.0/8)",
        ),
        ("  s:\n    A|gt: many\n  condition: s", "r.yml:5:11: `many` is no number"),
        (
            "  s:\n    A|base64: a*\n  condition: s",
            "r.yml:5:15: a text with wildcards cannot be encoded (put `contains` last, and a backslash \
          before a plain `*` or `?`)",
        ),
        (
            "  s:\n    A|contains: null\n  condition: s",
            "r.yml:5:17: null goes with no modifier and is no keyword (write '' for the empty text)",
        ),
        ("  s:\n    A: []\n  condition: s", "r.yml:5:8: `A` has an empty list of values"),
        ("  s:\n    A: {b: c}\n  condition: s", "r.yml:5:8: `A` cannot hold a map"),
        ("  s:\n    A: b", "r.yml:4:3: no `condition`"),
    ] {
        assert_eq!(load(&rule(detection)).unwrap_err(), want, "{detection}");
    }
}

#[test]
fn what_takes_unbounded_time_is_refused_as_unsupported() {
    for pattern in ["(?=a)b", r"(a)\1", "(a{1000}){1000}"] {
        let text = rule(&format!("  s:\n    A|re: '{pattern}'\n  condition: s"));
        let (_, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
        assert_eq!(errors[0].kind, RuleErrorKind::Unsupported, "{pattern}: {}", errors[0]);
        assert_eq!(errors[0].line, 5);
    }
}

#[test]
fn one_bad_document_or_file_never_stops_the_others() {
    let good = rule("  s:\n    A: x\n  condition: s");
    let both = format!("{good}id: one\n---\ntitle: bad\n---\n{good}id: two\n");
    let files = [
        RuleFile { path: "broken", text: "a: [" },
        RuleFile { path: "both", text: &both },
        RuleFile { path: "again", text: &format!("{good}id: one\n") },
    ];
    let (rules, errors) = RuleSet::compile(&files);
    let ids: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
    let paths: Vec<(&str, &str)> =
        errors.iter().map(|error| (error.path.as_str(), error.message.as_str())).collect();
    assert_eq!(paths.len(), 3, "{errors:?}");
    assert_eq!(paths[1], ("both", "no `detection`, `correlation` or `filter`"));
    assert_eq!(paths[2], ("again", "the id `one` is in use already, by both:1"));
}

#[test]
fn our_own_attributes_are_read() {
    let text = format!(
        "{}id: x\nlevel: high\ntags: [attack.t1059]\ntitle_vi: 'Tiêu đề'\n\
         first_steps:\n  - {{ vi: 'Xem', en: 'Look' }}\n",
        rule("  s:\n    A: x\n  condition: s")
    );
    let rules = load(&text).unwrap();
    let info = rules.rule("x").unwrap();
    assert_eq!(info.title_vi.as_deref(), Some("Tiêu đề"));
    assert_eq!(info.first_steps[0].en, "Look");
    assert_eq!(info.level, event::Severity::High);
    assert!(info.is_audible && !info.is_correlation);
}

#[test]
fn placeholders_expand_in_all_combinations() {
    let text = rule("  s:\n    A|contains|expand: '%x%-%y%'\n  condition: s");
    let values = Placeholders::from([
        ("x".to_owned(), vec!["a".to_owned(), "b*".to_owned()]),
        ("y".to_owned(), vec!["c".to_owned()]),
    ]);
    let (rules, errors) = RuleSet::compile_with(&[RuleFile { path: "r", text: &text }], &values);
    assert!(errors.is_empty());
    let search = format!("{:?}", rules.rules[0].search);
    assert!(search.contains("a-c") && search.contains("-c"), "{search}");
}

#[test]
fn correlations_are_checked() {
    let base = format!("{}name: base\n---\n", rule("  s:\n    A: x\n  condition: s"));
    for (correlation, want) in [
        (
            "type: event_cuont, rules: [base], timespan: 5m, condition: {gte: 5}",
            "unknown correlation type `event_cuont` (did you mean `event_count`?)",
        ),
        (
            "type: event_count, rules: [bass], timespan: 5m, condition: {gte: 5}",
            "no rule is called `bass` (did you mean `base`?)",
        ),
        (
            "type: event_count, rules: [base], timespan: 5x, condition: {gte: 5}",
            "`5x` is no time span (a number and s, m (minutes), h, d, w, M (months) or y)",
        ),
        (
            "type: value_count, rules: [base], timespan: 5m, condition: {gte: 5}",
            "no `field` whose values are counted",
        ),
        (
            "type: event_count, rules: [base], timespan: 5m, condition: {gte: 50000}",
            "counts above 10000",
        ),
        (
            "type: temporal, rules: [me], timespan: 5m",
            "a rule it counts was refused, or counts it in turn",
        ),
        (
            "type: temporal, rules: [base], timespan: 5m, condition: bass",
            "no rule is called `bass`",
        ),
        (
            "type: temporal, rules: [base, x], timespan: 5m, condition: base",
            "the condition does not say what `x` is for",
        ),
        (
            "type: event_count, rules: [base], timespan: 5m, condition: base",
            "only `temporal` kinds take a condition over rules",
        ),
        (
            "type: value_median, rules: [base], timespan: 5m, condition: {gte: 5}",
            "no `field` whose values are counted",
        ),
        (
            "type: value_percentile, rules: [base], timespan: 5m, \
             condition: {gte: 5, field: A, percentile: 101}",
            "a percentile is a whole number from 0 to 100",
        ),
        (
            "type: value_sum, rules: [base], timespan: 5m, \
             condition: {gte: 5, field: A, percentile: 10}",
            "`percentile` goes with the type `value_percentile` alone",
        ),
    ] {
        let text = format!("{base}title: c\nname: me\ncorrelation: {{ {correlation} }}\n");
        let error = load(&text).unwrap_err();
        assert!(error.contains(want), "{correlation}: {error}");
    }
}

#[test]
fn every_kind_of_correlation_is_read() {
    let base = format!("{}name: base\n---\n", rule("  s:\n    A: x\n  condition: s"));
    for correlation in [
        "type: event_count, rules: base, condition: {gt: 1, lte: 5}",
        "type: value_count, rules: [base], condition: {gte: 5, field: [A, B]}, group-by: [C]",
        "type: value_sum, rules: [base], condition: {gte: 5, field: A}",
        "type: value_avg, rules: [base], condition: {neq: 5, field: A}",
        "type: value_percentile, rules: [base], condition: {lte: 1, field: A}",
        "type: value_percentile, rules: [base], condition: {gte: 5, field: A, percentile: 95}",
        "type: value_median, rules: [base], condition: {lt: 2.5, field: A}",
        "type: temporal, rules: [base]",
        "type: temporal_ordered, rules: [base], condition: {eq: 1}",
        "type: temporal, rules: [base], condition: base or not (base AND base)",
        "type: temporal_ordered, condition: base",
    ] {
        let text = format!("{base}title: c\ncorrelation: {{ timespan: 5m, {correlation} }}\n");
        assert!(load(&text).is_ok(), "{correlation}: {:?}", load(&text).err());
    }
}

mod hostile {
    use proptest::prelude::*;

    use crate::{RuleFile, RuleSet};

    /// A rule that uses much of the language, for the generator to damage.
    const RULE: &str = "title: t\nid: a\nlogsource: { product: windows }\ndetection:\n  s:\n    \
        A|contains|all: ['x*', \"y?\", 1]\n    B|re|i: '^(a|b)+$'\n    C|cidr: 10.0.0.0/8\n    \
        D|base64offset|contains: zz\n    E|windash: ' -a /b'\n  k: [one, two]\n  \
        condition: (s or 1 of k*) and not all of them\n---\ntitle: u\ncorrelation:\n  \
        type: event_count\n  rules: [a]\n  group-by: [A]\n  timespan: 5m\n  condition: { gte: 2 }\n";

    proptest! {
        #[test]
        fn a_damaged_rule_is_read_or_reported_and_never_stops_the_engine(
            at in 0..RULE.len(),
            cut in 0..20_usize,
            put in r#"[ -~\n\\ửđ|*'"\[\]{}&%]{0,6}"#,
        ) {
            let before: String = RULE.chars().take(at).collect();
            let after: String = RULE.chars().skip(at + cut).collect();
            let text = format!("{before}{put}{after}");
            let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
            prop_assert!(!rules.rules().is_empty() || !errors.is_empty());
            for error in errors {
                prop_assert!(error.line > 0 && error.column > 0, "{error}");
            }
        }
    }
}
