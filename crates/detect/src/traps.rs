//! Rules written to trap engines (`tests/traps/*.yml`): what the plain evaluator and the compiled
//! matcher say of them. The same files go to the second opinion in `tests/e2e/test_second_opinion.py`.

use std::collections::BTreeSet;
use std::sync::Arc;

use event::{Event, LogSource};

use crate::testing::{self, EventMaker, fields_of};
use crate::yaml::{self, Node};
use crate::{Engine, Pipeline, Placeholders, RuleFile, RuleSet, Scratch};

const FILES: [(&str, &str); 5] = [
    ("text.yml", include_str!("../tests/traps/text.yml")),
    ("modifiers.yml", include_str!("../tests/traps/modifiers.yml")),
    ("conditions.yml", include_str!("../tests/traps/conditions.yml")),
    ("values.yml", include_str!("../tests/traps/values.yml")),
    ("searches.yml", include_str!("../tests/traps/searches.yml")),
];

fn event(fields: &Node) -> Event {
    let logsource = LogSource { product: Some("trap".into()), ..LogSource::default() };
    EventMaker::new().event(logsource, fields_of(fields).unwrap(), chrono::Duration::zero())
}

/// Returns a rule of this detection.
fn rule(detection: &str) -> String {
    let indented: Vec<String> = detection.lines().map(|line| format!("  {line}")).collect();
    let indented = indented.join("\n");
    format!("title: t\nid: x\nlogsource: {{ product: trap }}\ndetection:\n{indented}")
}

fn compile(detection: &str) -> RuleSet {
    let text = rule(detection);
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "trap", text: &text }]);
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    rules
}

#[test]
fn every_trap_is_walked_round() {
    let mut wrong = Vec::new();
    for (file, text) in FILES {
        let documents = yaml::documents(text).unwrap();
        for trap in documents[0].members() {
            let name = trap.get("name").and_then(Node::as_text).unwrap();
            let rules = compile(trap.get("detection").and_then(Node::as_text).unwrap());
            for (word, want) in [("fires", 1), ("silent", 0)] {
                for fields in trap.get(word).unwrap().members() {
                    let event = event(fields);
                    let plain = rules.evaluate_plainly(&event).len();
                    let fast = rules.matching_ids(&event, &mut Scratch::default()).len();
                    if (plain, fast) != (want, want) {
                        let fields = &event.fields;
                        wrong.push(format!(
                            "{file}: {name}: {word}: plain {plain} fast {fast}: {fields:?}"
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn texts(node: Option<&Node>) -> Vec<&str> {
    node.map(Node::members).unwrap_or_default().iter().filter_map(Node::as_text).collect()
}

#[test]
fn what_cannot_be_right_is_refused_by_line() {
    let documents = yaml::documents(include_str!("../tests/traps/refused.yml")).unwrap();
    for trap in documents[0].members() {
        let name = trap.get("name").and_then(Node::as_text).unwrap();
        let own = |key| trap.get(key).and_then(Node::as_text).map(ToOwned::to_owned);
        let text = own("rule").unwrap_or_else(|| rule(&own("detection").unwrap()));
        let good = rule("s: { A: x }\ncondition: s").replace("id: x", "id: good");
        let files =
            [RuleFile { path: "trap", text: &text }, RuleFile { path: "good", text: &good }];
        let (rules, errors) = RuleSet::compile(&files);
        let says: Vec<String> =
            errors.iter().map(|error| error.to_string().replacen("trap:", "", 1)).collect();
        assert_eq!(says, texts(trap.get("says")), "{name}");
        let loaded: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
        let mut wanted = texts(trap.get("loads"));
        wanted.push("good");
        assert_eq!(loaded.iter().collect::<BTreeSet<_>>(), wanted.iter().collect(), "{name}");
    }
}

#[test]
fn every_story_is_found_as_it_happens() {
    let documents = yaml::documents(include_str!("../tests/traps/sets.yml")).unwrap();
    for trap in documents[0].members() {
        let name = trap.get("name").and_then(Node::as_text).unwrap();
        let own = |key| trap.get(key).and_then(Node::as_text);
        let file = |text| RuleFile { path: "trap", text };
        let pipelines: Vec<Pipeline> =
            own("pipeline").iter().map(|text| Pipeline::read(file(text)).unwrap()).collect();
        let files = [file(own("rules").unwrap())];
        let (rules, errors) = RuleSet::compile_all(&files, &Placeholders::new(), &pipelines);
        assert_eq!(errors, [], "{name}");
        let mut engine = Engine::new(Arc::new(rules));
        let mut maker = EventMaker::new();
        let mut found = Vec::new();
        for (place, told) in trap.get("events").unwrap().members().iter().enumerate() {
            let [at, fields, rest @ ..] = told.members() else { panic!("{name}: {told:?}") };
            let at = testing::span_of(at).unwrap();
            let logsource = rest.first().map(testing::log_source).unwrap_or_default();
            let logsource = LogSource { product: Some("trap".into()), ..logsource };
            let event = maker.event(logsource, fields_of(fields).unwrap(), at);
            let findings = engine.process(&[event]);
            found.extend(findings.iter().map(|finding| format!("{place} {}", finding.rule)));
        }
        assert_eq!(found, texts(trap.get("fires")), "{name}");
    }
}

#[test]
fn files_come_as_editors_write_them() {
    let rule = "title: t\nid: x\nlogsource:\n  product: trap\ndetection:\n  s:\n    A: x\n  \
                condition: s\n";
    for (how, text) in [
        ("a byte order mark", format!("\u{feff}{rule}")),
        ("line ends of Windows", rule.replace('\n', "\r\n")),
        ("marks round the document", format!("---\n{rule}...\n")),
        ("comments", rule.replace("    A: x\n", "    # why\n    A: x # this\n")),
        ("a directive", format!("%YAML 1.2\n---\n{rule}")),
        ("no line end", rule.trim_end().to_owned()),
        ("empty documents", format!("---\n---\n{rule}---\n")),
    ] {
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
        assert!(errors.is_empty(), "{how}: {errors:?}");
        let documents = yaml::documents("{ A: X }").unwrap();
        assert_eq!(rules.evaluate_plainly(&event(&documents[0])), ["x"], "{how}");
    }
}
