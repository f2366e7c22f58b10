//! Fuzzes the readers of indicator files and warning lists with any text, and looks what they took
//! for up in an event that holds the same words.

#![no_main]

use std::sync::Arc;

use chrono::Duration;
use detect::testing::EventMaker;
use detect::{IndicatorLoader, IndicatorWatch, WarningLists};
use event::{Attr, Attrs, Fields, LogSource};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut warnings = WarningLists::default();
    warnings.read("warnings.txt", text.lines().next().unwrap_or_default());
    let warnings = Arc::new(warnings);
    for path in ["list.txt", "rows.csv", "objects.json"] {
        let mut loader = IndicatorLoader::new(Arc::clone(&warnings), 1);
        loader.read(path, text.as_bytes());
        let taken = loader.taken();
        let (set, report) = loader.finish();
        assert_eq!(taken, set.len() + report.repeated);
        assert_eq!(set.len(), set.counts().map(|(_, count)| count).sum::<usize>());
        let mut event = EventMaker::new().event(LogSource::default(), Fields::new(), Duration::zero());
        event.attrs = Attrs::default();
        let attrs = Attr::ALL.iter().cycle();
        for (word, attr) in text.split_whitespace().take(64).zip(attrs) {
            event.attrs.set(*attr, word);
        }
        event.attrs.set(Attr::CmdLine, text);
        let mut findings = Vec::new();
        IndicatorWatch::new(Arc::new(set)).observe(&event, &mut findings);
        assert!(findings.iter().all(|finding| !finding.matched.is_empty()));
    }
});
