//! What a learner remembers, for a store.

use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::{Learner, baselines};
use crate::rule_set::RuleSet;

/// Changes when stored memory can no longer be read as it was meant.
const VERSION: u32 = 1;

/// All that the baselines remember, for a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineState {
    version: u32,
    baselines: Vec<Stored>,
}

/// What one baseline remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    baseline: String,
    /// What the baseline learned from.
    fingerprint: u64,
    memory: Memory,
}

impl Learner {
    /// Returns all that is remembered, to be stored.
    pub(crate) fn state(&self, rules: &RuleSet) -> BaselineState {
        let stored = baselines(rules).zip(&self.memories).map(|((info, spec), memory)| Stored {
            baseline: info.id.clone(),
            fingerprint: spec.fingerprint,
            memory: memory.clone(),
        });
        BaselineState { version: VERSION, baselines: stored.collect() }
    }

    /// Takes up what was stored, for the baselines that still learn the same. An event must not come
    /// again after it: whoever stores a state remembers up to where it counted.
    pub(crate) fn restore(&mut self, rules: &RuleSet, stored: BaselineState) {
        if stored.version != VERSION {
            return;
        }
        for mut stored in stored.baselines {
            let place = baselines(rules).position(|(info, spec)| {
                info.id == stored.baseline && spec.fingerprint == stored.fingerprint
            });
            if let Some(memory) = place.and_then(|place| self.memories.get_mut(place)) {
                stored.memory.recount();
                *memory = stored.memory;
            }
        }
    }
}
