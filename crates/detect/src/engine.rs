//! The engine the pipeline drives: events in, findings out, rules swapped while it runs.

use std::sync::Arc;

use event::{Event, Finding};
use serde::{Deserialize, Serialize};

use crate::correlation::{Correlator, CorrelatorState, Dropped};
use crate::indicator::{IndicatorSet, IndicatorWatch};
use crate::matching::Scratch;
use crate::rule_set::RuleSet;

/// All that an engine remembers between events, to be stored over a restart. A part that is missing
/// in what was stored begins anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineState {
    /// What the correlations count.
    pub correlations: CorrelatorState,
}

/// Matches events against a rule set and follows its correlations.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    correlator: Correlator,
    scratch: Scratch,
    indicators: IndicatorWatch,
}

impl Engine {
    /// Returns an engine that has seen nothing yet.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let correlator = Correlator::new(&rules);
        Self {
            rules,
            correlator,
            scratch: Scratch::default(),
            indicators: IndicatorWatch::default(),
        }
    }

    /// Returns an engine for a past that is all at hand: correlations forget nothing for its age, in
    /// whatever order the events are read.
    pub fn over_past(rules: Arc<RuleSet>) -> Self {
        Self { correlator: Correlator::over_past(&rules), ..Self::new(rules) }
    }

    /// Returns the rules at work.
    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Changes the rules. What correlations remember is kept for those that did not change, and
    /// returned of those that did. Every event is judged by one set or the other, never by half of
    /// both.
    pub fn swap(&mut self, rules: Arc<RuleSet>) -> Vec<Dropped> {
        let dropped = self.correlator.swap(&self.rules, &rules);
        self.rules = rules;
        dropped
    }

    /// Returns the indicators that are looked for.
    pub const fn indicators(&self) -> &Arc<IndicatorSet> {
        self.indicators.set()
    }

    /// Changes the indicators. Every event is judged by one set or the other.
    pub fn swap_indicators(&mut self, indicators: Arc<IndicatorSet>) {
        self.indicators = IndicatorWatch::new(indicators);
    }

    /// Returns the findings of these events, in the order of the events.
    pub fn process(&mut self, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for event in events {
            self.process_one(event, &mut findings);
        }
        findings
    }

    /// Adds the findings of one event.
    pub fn process_one(&mut self, event: &Event, findings: &mut Vec<Finding>) {
        self.indicators.observe(event, findings);
        let fired = self.rules.fired(event, &mut self.scratch);
        if fired.is_empty() {
            return;
        }
        self.rules.findings_of(fired, event, findings);
        self.correlator.observe(&self.rules, event, fired, findings);
    }

    /// Returns what the engine remembers, to be stored.
    pub fn state(&self) -> EngineState {
        EngineState { correlations: self.correlator.state(&self.rules) }
    }

    /// Takes up what was stored; returns what was of no more use.
    pub fn restore(&mut self, stored: EngineState) -> Vec<Dropped> {
        self.correlator.restore(&self.rules, stored.correlations)
    }
}
