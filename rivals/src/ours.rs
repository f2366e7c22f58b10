//! Our own way for a record: the screen, and for what it leaves open the decoder and the engine.

use std::sync::Arc;

use detect::{Engine, RuleFile, RuleSet, Screen, Verdict};
use event::Finding;

use crate::decoded::{self, Auto};

/// Our engine with its rules.
pub(crate) struct Ours {
    screen: Screen<'static>,
    engine: Engine,
    found: Vec<Finding>,
    /// Rules that it refused.
    pub(crate) refused: usize,
}

impl Ours {
    /// Loads rule files.
    pub(crate) fn load(texts: &[(String, String)]) -> Self {
        let files: Vec<RuleFile<'_>> =
            texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
        let (rules, errors) = RuleSet::compile(&files);
        let rules = Arc::new(rules);
        Self {
            screen: Screen::new(Arc::clone(&rules), Auto),
            engine: Engine::new(rules),
            found: Vec::new(),
            refused: errors.len(),
        }
    }

    /// Returns how many rules are in force.
    pub(crate) fn rules(&self) -> usize {
        self.engine.rules().rules().len()
    }

    /// Judges one record; hands the id of each rule that fires to `fires`.
    pub(crate) fn judge(&mut self, line: &[u8], mut fires: impl FnMut(&str)) {
        if self.screen.judge(line) == Verdict::Silent {
            return;
        }
        let Ok(event) = decoded::read("auto", line) else { return };
        self.engine.process_among(&event, self.screen.candidates(), &mut self.found);
        for finding in self.found.drain(..) {
            fires(&finding.rule);
        }
    }
}
