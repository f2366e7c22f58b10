//! Fuzzes the screen before the decoder with any record: what it calls silent is read and fires nothing.

#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use detect::{Decoding, RuleFile, RuleSet, Screen, Verdict};
use event::{Attr, Deciding, Event};

/// Rules over all that the screen treats apart.
const RULES: &str = r"
title: a
id: a
logsource: { product: windows }
detection: { s: { A|contains: [ab, abc, abcdefg, 'a\\b', đ] }, condition: s }
---
title: b
id: b
detection: { s: { A|startswith: ab, B|endswith: ba }, condition: s }
---
title: c
id: c
detection: { k: [abcd, 'a b'], condition: k }
---
title: d
id: d
detection: { s: { A: null }, t: { B|re: 'a.b' }, u: { C|lt: 5 }, condition: (s and t) or u }
";

struct Auto;

impl Decoding for Auto {
    fn read(&self, record: &[u8]) -> Option<Event> {
        let event = luytre_fuzz::event(record, "auto").ok()?;
        luytre_fuzz::decoder().reads_plainly(&event).then_some(event)
    }

    fn decides(&self, path: &str) -> Deciding {
        luytre_fuzz::decoder().deciding_part(path)
    }

    fn feeds(&self, event: &Event) -> Vec<(String, Attr)> {
        let feeds = luytre_fuzz::decoder().feeds(event);
        feeds.map(|(field, attr)| (field.to_owned(), attr)).collect()
    }

    fn is_blank(&self, text: &str) -> bool {
        decode::Decoder::is_blank(text)
    }
}

thread_local! {
    static RULE_SET: Arc<RuleSet> = {
        let text = RULES.replace("logsource: { product: windows }\n", "");
        let text = text.replace("detection:", "logsource: { }\ndetection:");
        Arc::new(RuleSet::compile(&[RuleFile { path: "fuzz", text: &text }]).0)
    };
    static SCREEN: RefCell<Screen<'static>> =
        RefCell::new(Screen::new(RULE_SET.with(Arc::clone), Auto));
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The first look may teach, the second goes by what was learnt.
    for _ in 0..2 {
        let verdict = SCREEN.with_borrow_mut(|screen| screen.judge(bytes));
        if verdict == Verdict::Silent {
            let event = luytre_fuzz::event(bytes, "auto").expect("what is silent can be read");
            let fires = RULE_SET.with(|rules| rules.evaluate_plainly(&event).len());
            assert_eq!(fires, 0, "a silent record fires");
        }
    }
});
