//! Fuzzes the rule reader with any text; what it accepts must match alike by both evaluators.

#![no_main]

use chrono::Duration;
use detect::testing::EventMaker;
use detect::{RuleFile, RuleSet, Scratch};
use event::{Fields, LogSource};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "fuzz", text }]);
    assert!(errors.iter().all(|error| error.line > 0 && error.column > 0));
    // The event answers to the first rule's log source and holds the rule's own words.
    let logsource =
        rules.rules().first().map_or_else(LogSource::default, |rule| rule.logsource.clone());
    let fields: Fields = text
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .take(64)
        .map(|(name, value)| {
            let name = name.split('|').next().unwrap_or_default();
            (name.trim().to_owned(), value.trim().trim_matches('\'').to_owned())
        })
        .collect();
    let event = EventMaker::new().event(logsource, fields, Duration::zero());
    let mut fast = rules.matching_ids(&event, &mut Scratch::default());
    let mut plain = rules.evaluate_plainly(&event);
    fast.sort_unstable();
    plain.sort_unstable();
    assert_eq!(fast, plain);
});
