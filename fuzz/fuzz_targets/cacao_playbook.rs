//! Fuzzes the reader of CACAO playbooks with any bytes, and follows what it took to wherever it leads.

#![no_main]

use cacao::flow::{self, Progress};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(playbook) = cacao::read(bytes) else { return };
    assert!(!playbook.outline().is_empty());
    let mut progress = Progress::new();
    for _ in 0..64 {
        if flow::advance(&playbook, &mut progress).finished {
            break;
        }
        for (id, step) in &playbook.steps {
            flow::set_done(&mut progress, id, true);
            if let Some(word) = step.kind.answers().last() {
                flow::answer(&playbook, &mut progress, id, word);
            }
        }
    }
});
