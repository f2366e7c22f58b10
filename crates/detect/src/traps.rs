//! Rules written to trap engines (`tests/traps/*.yml`): what the plain evaluator and the compiled
//! matcher say of them. The same files go to the second opinion in `tests/second_opinion`.

use event::{Event, LogSource};

use crate::testing::{EventMaker, fields_of};
use crate::yaml::{self, Node};
use crate::{RuleFile, RuleSet, Scratch};

const FILES: [(&str, &str); 3] = [
    ("text.yml", include_str!("../tests/traps/text.yml")),
    ("values.yml", include_str!("../tests/traps/values.yml")),
    ("searches.yml", include_str!("../tests/traps/searches.yml")),
];

fn event(fields: &Node) -> Event {
    let logsource = LogSource { product: Some("trap".into()), ..LogSource::default() };
    EventMaker::new().event(logsource, fields_of(fields).unwrap(), chrono::Duration::zero())
}

fn compile(detection: &str) -> RuleSet {
    let indented: Vec<String> = detection.lines().map(|line| format!("  {line}")).collect();
    let indented = indented.join("\n");
    let text = format!("title: t\nid: x\nlogsource: {{ product: trap }}\ndetection:\n{indented}");
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
