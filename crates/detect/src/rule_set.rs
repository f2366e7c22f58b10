//! A set of rules, loaded together: what is wrong with some never stops the others.

use std::collections::HashMap;

use event::{Event, Finding, LogSource};

use crate::ast::{Correlation, Document, Filter, FilterSearch, Placeholders, Rule, Search};
use crate::baseline::Spec;
use crate::correlation::{CorrelationPlan, Planned};
use crate::error::{Fault, Place, RuleError, RuleErrorKind};
use crate::explain::{self, Because, Counted, Explanation};
use crate::info::RuleInfo;
use crate::limits::CORRELATION_CHAIN_MAX;
use crate::matching::{Candidate, Matcher, Scratch};
use crate::names::{Names, one_spelling};
use crate::parser::{self, Context, RuleFile};
use crate::pipeline::{Pipeline, Pipelines};
use crate::{reference, taxonomy};

/// Compiled rules: immutable, shared by all matching threads.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) correlations: Vec<CorrelationPlan>,
    /// What is learned of the events that the last so many rules choose.
    pub(crate) baselines: Vec<Spec>,
    infos: Vec<RuleInfo>,
    matcher: Matcher,
}

impl RuleSet {
    /// Reads and compiles rule files. Every document that cannot be used is reported; all others
    /// are in the set.
    pub fn compile(files: &[RuleFile<'_>]) -> (Self, Vec<RuleError>) {
        Self::compile_with(files, &Placeholders::new())
    }

    /// Reads and compiles rule files, with values for the `%placeholder%`s of `expand`.
    pub fn compile_with(
        files: &[RuleFile<'_>],
        placeholders: &Placeholders,
    ) -> (Self, Vec<RuleError>) {
        Self::compile_all(files, placeholders, &[])
    }

    /// Reads and compiles rule files, with values for placeholders, each rule brought to the
    /// operator's own names by the pipelines.
    pub fn compile_all(
        files: &[RuleFile<'_>],
        placeholders: &Placeholders,
        pipelines: &[Pipeline],
    ) -> (Self, Vec<RuleError>) {
        let pipelines = Pipelines::new(pipelines);
        let mut loading = Loading::default();
        let read = parser::read_all(files, placeholders, &pipelines);
        for (file, read) in files.iter().zip(read) {
            loading.file(*file, read);
        }
        loading.apply_filters(placeholders, &pipelines);
        if !pipelines.is_empty() {
            loading.map_correlations(&pipelines);
        }
        loading.finish()
    }

    /// Returns the set with every rule over single events for events of any log source.
    #[must_use]
    pub fn of_any_source(mut self) -> Self {
        for rule in &mut self.rules {
            rule.info.logsource = LogSource::default();
        }
        self.matcher = Matcher::build(&self.rules);
        self
    }

    /// Returns what screens show of each rule, correlations last.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.infos
    }

    /// Returns the rule with this id.
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.infos.iter().find(|info| info.id == id)
    }

    /// Adds a finding for every audible rule that fires on this one event. Correlations need an
    /// [`crate::Engine`].
    pub fn evaluate(&self, event: &Event, scratch: &mut Scratch, findings: &mut Vec<Finding>) {
        let fired = self.matcher.run(event, scratch);
        self.findings_of(fired, event, findings);
    }

    /// Returns the compiled rules, for the screen.
    pub(crate) const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// Returns the numbers of the rules that fire, also of those that only feed correlations.
    pub(crate) fn fired<'s>(&self, event: &Event, scratch: &'s mut Scratch) -> &'s [usize] {
        self.matcher.run(event, scratch)
    }

    /// As [`RuleSet::fired`], where only some rules can ([`crate::Screen::candidates`]); any may if nothing is known.
    pub(crate) fn fired_among<'s>(
        &self,
        event: &Event,
        among: Option<&[Candidate]>,
        scratch: &'s mut Scratch,
    ) -> &'s [usize] {
        match among {
            Some(among) => self.matcher.run_among(event, among, scratch),
            None => self.fired(event, scratch),
        }
    }

    /// Returns the number of the first rule that belongs to a baseline: they stand last.
    pub(crate) fn first_baseline(&self) -> usize {
        self.rules.len().saturating_sub(self.baselines.len())
    }

    /// Adds a finding for each of these rules that is audible.
    pub(crate) fn findings_of(&self, fired: &[usize], event: &Event, findings: &mut Vec<Finding>) {
        let rules = fired.iter().filter_map(|number| self.rules.get(*number));
        let audible = rules.filter(|rule| rule.info.is_audible && !rule.info.is_baseline);
        findings.extend(audible.map(|rule| explain::finding(rule, event)));
    }

    /// Returns the rules over single events that none of these log sources could ever set off: an
    /// administrator who misses them must turn a log on.
    pub fn without_source<'s>(
        &'s self,
        seen: &'s [LogSource],
    ) -> impl Iterator<Item = &'s RuleInfo> {
        let covered =
            |rule: &Rule| seen.iter().any(|source| reference::covers(&rule.info.logsource, source));
        self.rules.iter().filter(move |rule| !covered(rule)).map(|rule| &rule.info)
    }

    /// Returns the ids of the rules that fire, found the plain way: every rule, as written. Slow;
    /// the yardstick for [`RuleSet::evaluate`], and for tests of other engines against this one.
    pub fn evaluate_plainly(&self, event: &Event) -> Vec<&str> {
        let fires = self.rules.iter().filter(|rule| reference::fires(rule, event));
        fires.map(|rule| rule.info.id.as_str()).collect()
    }

    /// Returns why a rule (by id or name) fires on an event or why it does not; `None` if there is no
    /// such rule. A correlation is explained by the rules it counts.
    pub fn explain(&self, rule: &str, event: &Event) -> Option<Explanation> {
        let is_it = |info: &RuleInfo| info.id == rule || info.name.as_deref() == Some(rule);
        let number = self.infos.iter().position(is_it)?;
        self.explain_number(number, event)
    }

    fn explain_number(&self, number: usize, event: &Event) -> Option<Explanation> {
        if let Some(rule) = self.rules.get(number) {
            return Some(explain::of_rule(rule, event));
        }
        let plan = self.correlations.get(number.checked_sub(self.rules.len())?)?;
        // A plan only counts rules and earlier plans, so this ends.
        let counted = plan.counted().filter_map(|(source, fields)| {
            let explanation = self.explain_number(source, event)?;
            let value =
                |name: &str| taxonomy::field(event, name).map(|own| own.text().into_owned());
            let fields = fields.map(|name| (name.to_owned(), value(name))).collect();
            Some(Counted { explanation, fields })
        });
        let rules: Vec<Counted> = counted.collect();
        Some(Explanation {
            rule: plan.info.id.clone(),
            title: plan.info.title.clone(),
            fires: rules.iter().any(|one| one.explanation.fires),
            because: Because::Counted { rules },
        })
    }

    /// Returns the ids of the rules that fire, audible or not, by the compiled matcher.
    pub fn matching_ids(&self, event: &Event, scratch: &mut Scratch) -> Vec<&str> {
        let rules = self.matcher.run(event, scratch).iter();
        rules
            .filter_map(|number| self.rules.get(*number))
            .map(|rule| rule.info.id.as_str())
            .collect()
    }
}

/// A rule set on its way.
#[derive(Default)]
struct Loading {
    rules: Vec<Rule>,
    correlations: Vec<Correlation>,
    baseline_rules: Vec<Rule>,
    baselines: Vec<Spec>,
    filters: Vec<(String, Filter)>,
    errors: Vec<RuleError>,
    /// Ids in use, with where.
    ids: HashMap<String, String>,
}

impl Loading {
    fn file(&mut self, file: RuleFile<'_>, (documents, errors): (Vec<Document>, Vec<RuleError>)) {
        self.errors.extend(errors);
        for document in documents {
            match document {
                Document::Filter(filter) => self.filters.push((file.path.to_owned(), filter)),
                Document::Rule(rule) => {
                    if self.is_new(&rule.info) {
                        self.rules.push(rule);
                    }
                }
                Document::Correlation(correlation) => {
                    if self.is_new(&correlation.info) {
                        self.correlations.push(correlation);
                    }
                }
                Document::Baseline(rule, spec) => {
                    if self.is_new(&rule.info) {
                        self.baseline_rules.push(rule);
                        self.baselines.push(spec);
                    }
                }
            }
        }
    }

    /// Takes note of a rule's id; reports it if another rule has it already.
    fn is_new(&mut self, info: &RuleInfo) -> bool {
        let here = format!("{}:{}", info.path, info.line);
        let id = one_spelling(&info.id);
        if let Some(there) = self.ids.get(id.as_ref()) {
            self.errors.push(RuleError {
                path: info.path.clone(),
                line: info.line,
                column: 1,
                kind: RuleErrorKind::Rule,
                title: Some(info.title.clone()),
                message: format!("the id `{}` is in use already, by {there}", info.id),
                hint: Some("the first rule counts; give this one an id of its own".to_owned()),
            });
            return false;
        }
        self.ids.insert(id.into_owned(), here);
        true
    }

    fn apply_filters(&mut self, placeholders: &Placeholders, pipelines: &Pipelines<'_>) {
        // The rules of baselines stand behind all others.
        self.rules.append(&mut self.baseline_rules);
        let names = Names::new(self.rules.iter().map(|rule| &rule.info).enumerate());
        for (path, filter) in std::mem::take(&mut self.filters) {
            let chosen: Vec<usize> = match &filter.rules {
                None => (0..self.rules.len()).collect(),
                Some(named) => {
                    let mut chosen = Vec::new();
                    for (name, at) in named {
                        match self.filtered(&names, name, *at, &filter.logsource) {
                            Ok(number) => chosen.push(number),
                            Err(fault) => {
                                self.errors.push(fault.in_file(&path, Some(&filter.title)));
                            }
                        }
                    }
                    chosen
                }
            };
            let chosen: Vec<usize> =
                chosen.into_iter().filter(|number| self.is_filtered(*number, &filter)).collect();
            if chosen.is_empty() && filter.rules.is_none() {
                let fault = Fault::rule(filter.at, "the filter applies to no rule")
                    .hint("its log source must cover that of its rules");
                self.errors.push(fault.in_file(&path, Some(&filter.title)));
            }
            let context = Context { path: &path, placeholders, pipelines };
            if let Err(fault) = self.filter(&filter, &chosen, context) {
                self.errors.push(fault.in_file(&path, Some(&filter.title)));
            }
        }
    }

    fn is_filtered(&self, number: usize, filter: &Filter) -> bool {
        let rule = self.rules.get(number);
        rule.is_some_and(|rule| taxonomy::states(&filter.logsource, &rule.stated))
    }

    /// Puts a filter on rules.
    fn filter(
        &mut self,
        filter: &Filter,
        chosen: &[usize],
        context: Context<'_>,
    ) -> Result<(), Fault> {
        let mut mapped: Vec<(LogSource, Search)> = Vec::new();
        for number in chosen {
            let Some(rule) = self.rules.get_mut(*number) else { continue };
            let search = match &filter.search {
                FilterSearch::Same(search) => search.clone(),
                FilterSearch::Mapped(document) => {
                    let known = mapped.iter().find(|(logsource, _)| *logsource == rule.stated);
                    if let Some((_, search)) = known {
                        search.clone()
                    } else {
                        let search = parser::filter_search(document, &rule.stated, context)?;
                        mapped.push((rule.stated.clone(), search.clone()));
                        search
                    }
                }
            };
            rule.filters.push(search);
            rule.filter_titles.push(filter.title.clone());
        }
        Ok(())
    }

    /// Returns the number of a rule that a filter over this log source names.
    fn filtered(
        &self,
        names: &Names,
        name: &str,
        at: Place,
        logsource: &LogSource,
    ) -> Result<usize, Fault> {
        if self.correlations.iter().any(|own| is_called(&own.info, name)) {
            return Err(Fault::rule(
                at,
                format!("`{name}` is a correlation, which has no filters"),
            )
            .hint("name the rules that it counts"));
        }
        let number = names.find(name, at)?;
        match self.rules.get(number) {
            Some(rule) if !taxonomy::states(logsource, &rule.stated) => {
                Err(Fault::rule(at, format!("the filter does not apply to `{name}`"))
                    .hint("its log source must cover that of its rules"))
            }
            _ => Ok(number),
        }
    }

    /// Brings the field names of correlations to those of the rules they count.
    fn map_correlations(&mut self, pipelines: &Pipelines<'_>) {
        let counted: Vec<Vec<LogSource>> = self
            .correlations
            .iter()
            .map(|own| own.rules.iter().flat_map(|(name, _)| self.logsources(name, 0)).collect())
            .collect();
        for (mut own, counted) in std::mem::take(&mut self.correlations).into_iter().zip(counted) {
            match pipelines.correlation(&mut own, &counted) {
                Ok(()) => self.correlations.push(own),
                Err(fault) => {
                    self.errors.push(fault.in_file(&own.info.path, Some(&own.info.title)));
                }
            }
        }
    }

    /// Returns the log sources of the rule of this name, or of those that the correlation of this name
    /// counts in the end.
    fn logsources(&self, name: &str, depth: usize) -> Vec<LogSource> {
        if let Some(rule) = self.rules.iter().find(|rule| is_called(&rule.info, name)) {
            return vec![rule.info.logsource.clone()];
        }
        let is = |own: &&Correlation| is_called(&own.info, name);
        let chained = self.correlations.iter().find(is).filter(|_| depth < CORRELATION_CHAIN_MAX);
        let rules = chained.map(|own| own.rules.as_slice()).unwrap_or_default().iter();
        rules.flat_map(|(name, _)| self.logsources(name, depth.saturating_add(1))).collect()
    }

    fn finish(mut self) -> (RuleSet, Vec<RuleError>) {
        let names = self.names();
        let Planned { plans, silent_rules, faults } =
            crate::correlation::plan(&self.correlations, &self.rules, &names);
        self.errors.extend(faults);
        for number in silent_rules {
            if let Some(rule) = self.rules.get_mut(number) {
                rule.info.is_audible = false;
            }
        }
        let matcher = Matcher::build(&self.rules);
        let mut infos: Vec<RuleInfo> = self.rules.iter().map(|rule| rule.info.clone()).collect();
        infos.extend(plans.iter().map(|plan| plan.info.clone()));
        let Self { rules, baselines, .. } = self;
        let set = RuleSet { rules, correlations: plans, baselines, infos, matcher };
        (set, self.errors)
    }

    /// Returns the number of each rule by id and by name, correlations after the rules. Baselines
    /// are left out: what they find cannot be counted.
    fn names(&self) -> Names {
        let rules = self.rules.iter().map(|rule| &rule.info);
        let correlations = self.correlations.iter().map(|own| &own.info);
        let numbered = rules.chain(correlations).enumerate();
        Names::new(numbered.filter(|(_, info)| !info.is_baseline))
    }
}

fn is_called(info: &RuleInfo, name: &str) -> bool {
    one_spelling(&info.id) == one_spelling(name) || info.name.as_deref() == Some(name)
}
