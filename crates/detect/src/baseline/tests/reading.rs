//! What is wrong with a document is said with its place.

use super::document;
use crate::parser::RuleFile;
use crate::rule_set::RuleSet;

#[test]
fn a_slip_is_found_with_line_and_hint() {
    for (baseline, words) in [
        (
            "{ type: first_sen, value: [a] }",
            "unknown baseline type `first_sen` (did you mean `first_seen`?)",
        ),
        ("{ type: first_seen }", "no `value` to remember"),
        (
            "{ type: first_seen, value: [a], valeu: 1 }",
            "unknown attribute `valeu` (did you mean `value`?)",
        ),
        ("{ type: first_seen, value: ['a|nam'] }", "unknown part `nam` (did you mean `name`?)"),
        ("{ type: first_seen, value: [a], learn: { time: soon } }", "`soon` is no time span"),
        ("{ type: first_seen, value: [a], forget: 1d }", "`forget` is shorter than what it learns"),
        ("{ type: volume }", "no `least`"),
        ("{ type: volume, value: [a], least: 3 }", "a volume takes no `value`"),
        ("{ type: beacon, value: [a] }", "no `entity` that makes the contacts"),
        ("{ type: beacon, entity: [a], value: [b], contacts: 500 }", "`contacts` is from 4 to 64"),
        ("yes", "expected a map"),
    ] {
        let text = document(baseline);
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "b.yml", text: &text }]);
        assert!(rules.rules().is_empty(), "{baseline}");
        let error = errors[0].to_string();
        assert!(error.contains(words), "{baseline}: {error}");
        assert_eq!((errors.len(), errors[0].line), (1, 12), "{baseline}: {error}");
    }
}

#[test]
fn what_a_baseline_finds_is_no_rules_business() {
    let own = document("{ type: first_seen, value: [src_ip] }");
    let text = format!(
        "{own}---\ntitle: Many\nid: c1\ncorrelation:\n  type: event_count\n  rules: [the_one]\n  \
         timespan: 1h\n  condition: {{ gte: 2 }}\n"
    );
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "b.yml", text: &text }]);
    assert_eq!(errors[0].message, "no rule is called `the_one`");
    let ids: Vec<_> =
        rules.rules().iter().map(|info| (info.id.as_str(), info.is_baseline)).collect();
    assert_eq!(ids, [("b1", true)]);
}
