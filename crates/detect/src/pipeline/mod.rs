//! Processing pipelines: rules brought to an operator's own field names and log sources before they
//! are compiled. The format is the reference converter's (pySigma's YAML).
//!
//! A pipeline is a list of steps; each has a [`Change`] and [`Gate`]s that say which rules, items and
//! field names it is for. Steps run over [drafts](crate::parser::draft) in order, each seeing what those
//! before it left. What belongs to query texts (finalizers, query expressions) and what would read
//! files or call out is refused by name.

mod change;
mod gate;
mod read;
mod test;
mod value;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use event::LogSource;

use crate::ast::{Correlation, Placeholders};
use crate::error::{Fault, Place, RuleError};
use crate::parser::RuleFile;
use crate::parser::draft::{Draft, SearchDraft};
use crate::yaml::Node;

use change::Change;
use gate::{FieldTest, Gate, ItemTest, RuleTest};

/// A processing pipeline as read.
#[derive(Debug, Clone)]
pub struct Pipeline {
    name: String,
    priority: i64,
    vars: Placeholders,
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
struct Step {
    /// By what later steps ask whether it was applied; empty if it has none.
    id: String,
    rules: Gate<RuleTest>,
    items: Gate<ItemTest>,
    fields: Gate<FieldTest>,
    change: Change,
}

/// A rule on its way through the pipelines.
#[derive(Debug)]
pub(crate) struct RuleDraft<'a> {
    /// Its document, for conditions on its attributes.
    pub(crate) document: &'a Node,
    pub(crate) logsource: LogSource,
    pub(crate) search: SearchDraft<'a>,
    /// Values that the pipelines gave to placeholders.
    pub(crate) placeholders: Placeholders,
}

impl Pipeline {
    /// Reads a pipeline.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its place: half a pipeline would silently change
    /// what rules mean.
    pub fn read(file: RuleFile<'_>) -> Result<Self, Vec<RuleError>> {
        read::pipeline(file.text).map_err(|faults| {
            faults.into_iter().map(|fault| fault.in_file(file.path, None)).collect()
        })
    }

    /// Returns the pipeline's name, empty if it has none.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// All pipelines in force, in the order in which they run.
#[derive(Debug, Default)]
pub(crate) struct Pipelines<'p> {
    steps: Vec<&'p Step>,
    vars: BTreeMap<&'p str, &'p [String]>,
}

impl<'p> Pipelines<'p> {
    /// Orders pipelines by their priority, those of equal priority as given. Of variables of one name
    /// the last counts.
    pub(crate) fn new(pipelines: &'p [Pipeline]) -> Self {
        let mut sorted: Vec<&Pipeline> = pipelines.iter().collect();
        sorted.sort_by_key(|pipeline| pipeline.priority);
        let vars = sorted.iter().flat_map(|pipeline| &pipeline.vars);
        Self {
            steps: sorted.iter().flat_map(|pipeline| &pipeline.steps).collect(),
            vars: vars.map(|(name, values)| (name.as_str(), values.as_slice())).collect(),
        }
    }

    /// Returns whether there is nothing to do.
    pub(crate) const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs a rule (or filter) through all steps.
    pub(crate) fn rule<'a>(&'a self, draft: RuleDraft<'a>) -> Result<RuleDraft<'a>, Fault> {
        if self.is_empty() {
            return Ok(draft);
        }
        let mut run = Run::new(&self.vars);
        let mut draft = draft;
        for step in &self.steps {
            step.rule(&mut draft, &mut run)?;
        }
        draft.search.prune(draft.document.at)?;
        Ok(draft)
    }

    /// Brings the field names of a correlation to those of the rules it counts, whose log sources are
    /// given.
    pub(crate) fn correlation(
        &self,
        correlation: &mut Correlation,
        logsources: &[LogSource],
    ) -> Result<(), Fault> {
        let mut run = Run::new(&self.vars);
        for step in &self.steps {
            step.correlation(correlation, logsources, &mut run)?;
        }
        Ok(())
    }
}

/// What the steps that ran so far left to know, for one rule.
#[derive(Debug)]
struct Run<'p> {
    vars: &'p BTreeMap<&'p str, &'p [String]>,
    /// What `set_state` set.
    state: BTreeMap<String, String>,
    /// What `set_custom_attribute` set.
    attributes: BTreeMap<String, String>,
    /// Ids of the steps whose rule conditions held.
    applied: BTreeSet<String>,
    /// Field names made by mapping, with the ids of the steps that made them.
    mapped: BTreeMap<String, BTreeSet<String>>,
}

impl<'p> Run<'p> {
    fn new(vars: &'p BTreeMap<&'p str, &'p [String]>) -> Self {
        Self {
            vars,
            state: BTreeMap::new(),
            attributes: BTreeMap::new(),
            applied: BTreeSet::new(),
            mapped: BTreeMap::new(),
        }
    }
}

impl Step {
    fn rule<'a>(&'a self, draft: &mut RuleDraft<'a>, run: &mut Run<'_>) -> Result<(), Fault> {
        let subject = gate::Subject::Rule(draft);
        if !self.rules.holds(&|test| test.holds(&subject, run)) {
            return Ok(());
        }
        if let Change::Nest(steps) = &self.change {
            for step in steps {
                step.rule(draft, run)?;
            }
        } else {
            change::rule(self, draft, run)?;
        }
        run.applied.insert(self.id.clone());
        Ok(())
    }

    fn correlation(
        &self,
        correlation: &mut Correlation,
        logsources: &[LogSource],
        run: &mut Run<'_>,
    ) -> Result<(), Fault> {
        let subject = gate::Subject::Correlation(correlation, logsources);
        if !self.rules.holds(&|test| test.holds(&subject, run)) {
            return Ok(());
        }
        if let Change::Nest(steps) = &self.change {
            for step in steps {
                step.correlation(correlation, logsources, run)?;
            }
        } else {
            change::correlation(self, correlation, run)?;
        }
        run.applied.insert(self.id.clone());
        Ok(())
    }
}

impl SearchDraft<'_> {
    /// Takes emptied selections out of the condition, as if they had never been written.
    fn prune(&mut self, at: Place) -> Result<(), Fault> {
        let is_empty = |draft: &Draft<'_>| draft.items().is_empty();
        let empty: Vec<bool> = self.selections.iter().map(|(_, draft)| is_empty(draft)).collect();
        if !empty.contains(&true) {
            return Ok(());
        }
        let kept = |index: usize| {
            let stays = empty.get(index) == Some(&false);
            stays.then(|| empty.iter().take(index).filter(|gone| !**gone).count())
        };
        let Some(condition) = self.condition.renumbered(&kept) else {
            return Err(Fault::rule(at, "the pipelines leave nothing of this rule"));
        };
        self.condition = condition;
        self.selections.retain(|(_, draft)| !is_empty(draft));
        Ok(())
    }
}
