//! The engine the pipeline drives: events in, findings out, rules swapped while it runs.

use std::sync::Arc;

use event::{Event, Finding};
use serde::{Deserialize, Serialize};

use crate::baseline::{BaselineSettings, BaselineState, Learner, Learning};
use crate::correlation::{Correlator, CorrelatorState, Dropped};
use crate::indicator::{IndicatorSet, IndicatorWatch};
use crate::matching::{Candidate, Scratch};
use crate::rule_set::RuleSet;

/// All that an engine remembers between events, to be stored over a restart. A part that is missing
/// in what was stored begins anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineState {
    /// What the correlations count.
    pub correlations: CorrelatorState,
    /// What the baselines have learned.
    pub baselines: BaselineState,
}

/// The rules that an event set off and that correlations count or baselines learn from, for
/// [`Engine::correlate`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountedRules(Vec<usize>);

impl CountedRules {
    /// Returns whether no correlation and no baseline is concerned.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl RuleSet {
    /// Judges one event by itself: adds the findings of single rules and returns what
    /// [`Engine::correlate`] needs of it. Many threads may judge at once, each with its own scratch.
    pub fn judge(
        &self,
        event: &Event,
        scratch: &mut Scratch,
        findings: &mut Vec<Finding>,
    ) -> CountedRules {
        self.judge_among(event, None, scratch, findings)
    }

    /// As [`RuleSet::judge`], for an event whose record was screened: only the screen's candidates can fire.
    pub fn judge_among(
        &self,
        event: &Event,
        candidates: Option<&[Candidate]>,
        scratch: &mut Scratch,
        findings: &mut Vec<Finding>,
    ) -> CountedRules {
        let fired = self.fired_among(event, candidates, scratch);
        if fired.is_empty() {
            return CountedRules::default();
        }
        self.findings_of(fired, event, findings);
        let counts = |number: &&usize| {
            **number >= self.first_baseline()
                || self.correlations.iter().any(|plan| plan.counts(**number))
        };
        CountedRules(fired.iter().filter(counts).copied().collect())
    }
}

impl Helper {
    fn judge(&mut self, rules: &RuleSet, events: &[Event]) -> Vec<SetOff> {
        let mut judged = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let mut findings = Vec::new();
            self.indicators.observe(event, &mut findings);
            let counted = rules.judge(event, &mut self.scratch, &mut findings);
            if !findings.is_empty() || !counted.is_empty() {
                judged.push((place, findings, counted));
            }
        }
        judged
    }
}

/// Matches events against a rule set and follows its correlations.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    correlator: Correlator,
    learner: Learner,
    scratch: Scratch,
    indicators: IndicatorWatch,
    /// The other threads' own.
    helpers: Vec<Helper>,
}

/// What a thread needs to judge events beside others.
#[derive(Debug, Default)]
struct Helper {
    scratch: Scratch,
    indicators: IndicatorWatch,
}

/// Events that one thread judges at least: below it, sharing out costs more than it brings.
const EVENTS_PER_THREAD: usize = 256;

/// What came of an event that set something off: its place, its own findings, and what is counted.
type SetOff = (usize, Vec<Finding>, CountedRules);

impl Engine {
    /// Returns an engine that has seen nothing yet.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let correlator = Correlator::new(&rules);
        let learner = Learner::new(&rules);
        Self {
            rules,
            correlator,
            learner,
            scratch: Scratch::default(),
            indicators: IndicatorWatch::default(),
            helpers: Vec::new(),
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
        self.learner.swap(&self.rules, &rules);
        self.rules = rules;
        dropped
    }

    /// Returns the indicators that are looked for.
    pub const fn indicators(&self) -> &Arc<IndicatorSet> {
        self.indicators.set()
    }

    /// Changes the indicators. Every event is judged by one set or the other.
    pub fn swap_indicators(&mut self, indicators: Arc<IndicatorSet>) {
        self.helpers.clear();
        self.indicators = IndicatorWatch::new(indicators);
    }

    /// Returns what the operator set for the baselines.
    pub const fn baselines(&self) -> &BaselineSettings {
        self.learner.settings()
    }

    /// Changes what the operator set for the baselines.
    pub fn set_baselines(&mut self, settings: BaselineSettings) {
        self.learner.set(settings);
    }

    #[cfg(test)]
    pub(crate) const fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Returns how far each baseline has learned each source it has seen.
    pub fn learning(&self) -> Vec<Learning> {
        self.learner.learning(&self.rules)
    }

    /// Returns the findings of these events, in the order of the events.
    pub fn process(&mut self, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for event in events {
            self.process_one(event, &mut findings);
        }
        findings
    }

    /// Returns the findings of these events as [`Engine::process`] does, judged on up to so many threads;
    /// what one event has to do with another is followed on this one, in their order.
    ///
    /// # Panics
    /// When judging an event panics, on whatever thread.
    pub fn process_on(&mut self, threads: usize, events: &[Event]) -> Vec<Finding> {
        let share = events.len().div_ceil(threads.max(1)).max(EVENTS_PER_THREAD);
        if events.len() <= share {
            return self.process(events);
        }
        let helpers = events.len().div_ceil(share);
        let set = Arc::clone(self.indicators.set());
        self.helpers.resize_with(helpers, || Helper {
            scratch: Scratch::default(),
            indicators: IndicatorWatch::new(Arc::clone(&set)),
        });
        let rules = &*self.rules;
        let judged: Vec<Vec<SetOff>> = std::thread::scope(|scope| {
            let parts = events.chunks(share).zip(&mut self.helpers);
            let threads: Vec<_> =
                parts.map(|(part, helper)| scope.spawn(|| helper.judge(rules, part))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
                Ok(judged) => judged,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            threads.into_iter().map(join).collect()
        });
        let mut findings = Vec::new();
        for (part, judged) in events.chunks(share).zip(judged) {
            for (place, own, counted) in judged {
                findings.extend(own);
                if let Some(event) = part.get(place)
                    && !counted.is_empty()
                {
                    self.correlate(event, &counted, &mut findings);
                }
            }
        }
        findings
    }

    /// Adds the findings of one event.
    pub fn process_one(&mut self, event: &Event, findings: &mut Vec<Finding>) {
        self.process_among(event, None, findings);
    }

    /// As [`Engine::process_one`], for an event whose record was screened: only the screen's candidates can fire.
    pub fn process_among(
        &mut self,
        event: &Event,
        candidates: Option<&[Candidate]>,
        findings: &mut Vec<Finding>,
    ) {
        self.indicators.observe(event, findings);
        let fired = self.rules.fired_among(event, candidates, &mut self.scratch);
        if fired.is_empty() {
            return;
        }
        self.rules.findings_of(fired, event, findings);
        self.correlator.observe(&self.rules, event, fired, findings);
        self.learner.observe(&self.rules, event, fired, findings);
    }

    /// Follows the correlations and baselines of one event that [`RuleSet::judge`] has judged, on whatever thread.
    /// Events go in here in one order, whoever judged them.
    pub fn correlate(
        &mut self,
        event: &Event,
        counted: &CountedRules,
        findings: &mut Vec<Finding>,
    ) {
        self.correlator.observe(&self.rules, event, &counted.0, findings);
        self.learner.observe(&self.rules, event, &counted.0, findings);
    }

    /// Adds the findings of what correlations could not judge and have not told yet. To be called at the end of a
    /// past, with its last event: time stands still there, so they told only the first of it.
    pub fn tell_losses(&mut self, event: &Event, findings: &mut Vec<Finding>) {
        self.correlator.tell_losses(&self.rules, event, findings);
    }

    /// Returns what the engine remembers, to be stored.
    pub fn state(&self) -> EngineState {
        EngineState {
            correlations: self.correlator.state(&self.rules),
            baselines: self.learner.state(&self.rules),
        }
    }

    /// Takes up what was stored; returns what was of no more use.
    pub fn restore(&mut self, stored: EngineState) -> Vec<Dropped> {
        self.learner.restore(&self.rules, stored.baselines);
        self.correlator.restore(&self.rules, stored.correlations)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use event::{Fields, LogSource};

    use super::*;
    use crate::RuleFile;
    use crate::testing::EventMaker;

    const RULES: &str = "
title: a
name: a
logsource: { product: linux }
detection: { s: { k: a }, condition: s }
---
title: b
logsource: { product: linux }
detection: { s: { k: b }, condition: s }
---
title: c
correlation:
  type: event_count
  rules: [a]
  group-by: [user]
  timespan: 1m
  condition: { gte: 2 }
";

    #[test]
    fn judging_on_any_thread_and_correlating_in_order_is_what_processing_is() {
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: RULES }]);
        assert!(errors.is_empty(), "{errors:?}");
        let rules = Arc::new(rules);
        let mut maker = EventMaker::new();
        let events: Vec<Event> = ["a", "b", "a", "x", "a", "a"]
            .into_iter()
            .map(|kind| {
                let logsource = LogSource { product: Some("linux".into()), ..LogSource::default() };
                let fields: Fields = [("k", kind), ("user", "an")].into_iter().collect();
                maker.event(logsource, fields, Duration::seconds(10))
            })
            .collect();
        let want = Engine::new(Arc::clone(&rules)).process(&events);
        let mut engine = Engine::new(Arc::clone(&rules));
        let mut scratch = Scratch::default();
        let mut found = Vec::new();
        for event in &events {
            let counted = rules.judge(event, &mut scratch, &mut found);
            assert_eq!(counted.is_empty(), event.fields.get("k").is_none_or(|k| k.text() != "a"));
            engine.correlate(event, &counted, &mut found);
        }
        assert!(want.len() >= 2, "{want:?}");
        assert_eq!(found, want);
        let many: Vec<Event> =
            events.iter().cycle().take(EVENTS_PER_THREAD * 5 + 7).cloned().collect();
        let want = Engine::new(Arc::clone(&rules)).process(&many);
        for threads in [1, 2, 3, 100] {
            let mut engine = Engine::new(Arc::clone(&rules));
            let (first, second) = many.split_at(EVENTS_PER_THREAD * 2 + 3);
            let mut found = engine.process_on(threads, first);
            found.extend(engine.process_on(threads, second));
            assert_eq!(found, want, "{threads} threads");
        }
        let linux = LogSource { product: Some("linux".into()), ..LogSource::default() };
        assert_eq!(rules.without_source(&[linux]).count(), 0);
        assert_eq!(rules.without_source(&[LogSource::default()]).count(), 2);
    }
}
