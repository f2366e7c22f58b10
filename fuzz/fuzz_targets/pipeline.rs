//! Fuzzes the reader of processing pipelines with any text; what it accepts is run over one rule.

#![no_main]

use detect::{Pipeline, Placeholders, RuleFile, RuleSet};

const RULE: &str = "title: t\nlogsource: { product: windows }\ndetection:\n  s:\n    A|contains: ['x*', 1]\n    \
    B|fieldref: A\n    C|re|expand: '%p%'\n    D: null\n  k: [one, two]\n  condition: s or not k\n---\n\
    title: c\nname: c\ncorrelation: { type: event_count, rules: [t], timespan: 5m, group-by: [A], \
    condition: { gte: 2 } }\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rule = RuleFile { path: "rule", text: RULE };
    match Pipeline::read(RuleFile { path: "fuzz", text }) {
        Ok(pipeline) => {
            let (_, errors) = RuleSet::compile_all(&[rule], &Placeholders::new(), &[pipeline]);
            assert!(errors.iter().all(|error| error.line > 0 && error.column > 0));
        }
        Err(errors) => assert!(errors.iter().all(|error| error.line > 0 && error.column > 0)),
    }
});
