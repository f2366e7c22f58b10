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
