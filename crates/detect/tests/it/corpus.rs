//! Every live public rule loads; placeholder rules say which value they miss.

use detect::{Placeholders, RuleErrorKind, RuleFile, RuleSet};

use crate::data;

#[test]
fn no_live_rule_is_refused() {
    let Some(folders) = data::live_rules() else { return };
    let (rules, errors, files) = data::compile(&folders);
    let refused: Vec<String> = errors
        .iter()
        .filter(|error| error.kind != RuleErrorKind::Placeholder)
        .map(ToString::to_string)
        .collect();
    println!("{files} files, {} rules, {} errors", rules.rules().len(), errors.len());
    assert_eq!(refused, Vec::<String>::new());
    assert_eq!(rules.rules().len() + errors.len(), files);
    assert!(errors.iter().all(|error| error.message.contains("placeholder")));
}

#[test]
fn a_placeholder_rule_loads_once_its_values_are_given() {
    let text = "title: t\nlogsource: { product: windows }\ndetection:\n  s:\n    \
                A|expand: '%hosts%'\n  condition: s\n";
    let file = RuleFile { path: "r.yml", text };
    let (_, errors) = RuleSet::compile(&[file]);
    assert_eq!(
        errors[0].to_string().split(" (").next().unwrap(),
        "r.yml:5:15: the placeholder `%hosts%` has no value"
    );
    let values = Placeholders::from([("hosts".to_owned(), vec!["dc*".to_owned()])]);
    let (rules, errors) = RuleSet::compile_with(&[file], &values);
    assert_eq!((rules.rules().len(), errors.len()), (1, 0));
}

/// Returns what is wrong with a sample, but for the rules it refers to, which are not among them.
fn faults(text: &str) -> Vec<detect::RuleError> {
    let (_, errors) = RuleSet::compile(&[RuleFile { path: "sample", text }]);
    let elsewhere = |error: &detect::RuleError| {
        error.message.starts_with("no rule is called")
            || error.message == "the filter applies to no rule"
    };
    errors.into_iter().filter(|error| !elsewhere(error)).collect()
}

#[test]
fn every_sample_of_the_specification_is_read_and_refused_once_damaged() {
    let Some(root) = data::folder("sigma-specification/tests/schema") else { return };
    let mut damaged = 0;
    for path in data::files(&root, ".yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(faults(&text), vec![], "{}", path.display());
        for key in ["title", "logsource", "detection", "type", "rules", "timespan", "gte", "gt"] {
            let lines = text.lines().enumerate();
            let line =
                lines.clone().position(|(_, line)| line.trim().starts_with(&format!("{key}:")));
            let Some(line) = line.filter(|_| key != "type" || text.contains("correlation:")) else {
                continue;
            };
            let broken = text.replacen(&format!("{key}:"), &format!("{key}x:"), 1);
            let faults = faults(&broken);
            assert_eq!(faults.len(), 1, "{key} of {}", path.display());
            // A missing attribute is a fault of its document, an unknown one of its own line.
            let of_the_line = ["type", "rules", "timespan", "gte", "gt"].contains(&key)
                && !text.contains("filter:");
            let want = if of_the_line { line + 1 } else { faults[0].line };
            assert_eq!(faults[0].line, want, "{key} of {}: {}", path.display(), faults[0]);
            damaged += 1;
        }
    }
    println!("{damaged} samples damaged");
    assert!(damaged > 20);
}
