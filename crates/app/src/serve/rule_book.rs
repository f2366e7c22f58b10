//! The rules in force: loaded once, looked at again when a file of the operator's folders changes,
//! and shown to people through [`respond::rule::RuleCatalogue`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use detect::{
    BaselineSettings, BaselineSwitch, Engine, RuleError, RuleFile, RuleInfo, RuleSet,
    indicator_rules,
};
use event::{Event, Finding};
use parking_lot::Mutex;
use respond::alert::entity_risk_card;
use respond::rule::{
    BadRule, FirstStep, Hits, Learning, RuleCard, RuleCatalogue, RuleReadiness, Switched,
};
use tokio_util::sync::CancellationToken;

use super::folder_watch::{self, FolderWatch, Stamps};
use crate::config::RulesConfig;
use crate::rules;

/// The rules in force, swapped whole.
#[derive(Debug)]
pub struct RuleBook {
    config: RulesConfig,
    /// How the files were before they were loaded first.
    seen: Stamps,
    shelf: ArcSwap<Shelf>,
    hits: Mutex<BTreeMap<String, Hits>>,
    learning: Mutex<Vec<detect::Learning>>,
    /// What the configuration says of baselines.
    configured: BaselineSettings,
    /// The same with what was switched on the page: the later counts.
    baselines: ArcSwap<BaselineSettings>,
}

/// One loading of all rules.
#[derive(Debug)]
struct Shelf {
    set: Arc<RuleSet>,
    bad: Vec<RuleError>,
    texts: BTreeMap<String, String>,
}

impl Shelf {
    fn load(config: &RulesConfig) -> anyhow::Result<Self> {
        let loaded = rules::load_all(&config.folders, &config.pipelines)?;
        let texts = loaded.texts.into_iter().map(|text| (text.path, text.text)).collect();
        Ok(Self { set: Arc::new(loaded.set), bad: loaded.bad, texts })
    }
}

impl RuleBook {
    /// Loads the built-in rules and those of the folders.
    ///
    /// # Errors
    ///
    /// When a folder or a pipeline cannot be read; a bad rule is no error, see [`RuleCatalogue::bad`].
    pub fn load(config: &RulesConfig) -> anyhow::Result<Self> {
        let seen = folder_watch::look(&places(config), rules::is_rule);
        let shelf = Shelf::load(config)?;
        tell(&shelf);
        let (config, hits, learning) = (config.clone(), Mutex::default(), Mutex::default());
        let (configured, baselines) = (BaselineSettings::default(), ArcSwap::default());
        let shelf = ArcSwap::from_pointee(shelf);
        Ok(Self { config, seen, shelf, hits, learning, configured, baselines })
    }

    /// Sets what the operator chose for the baselines.
    #[must_use]
    pub fn with_baselines(self, baselines: BaselineSettings) -> Self {
        self.baselines.store(Arc::new(baselines.clone()));
        Self { configured: baselines, ..self }
    }

    /// Returns which baselines are on for which sources.
    pub fn baselines(&self) -> Arc<BaselineSettings> {
        self.baselines.load_full()
    }

    /// Returns an engine for the rules in force that remembers nothing yet.
    pub fn engine(&self) -> Engine {
        let mut engine = Engine::new(self.current());
        engine.set_baselines((*self.baselines()).clone());
        engine
    }

    /// Returns the rules in force.
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.shelf.load().set)
    }

    /// Counts findings by rule.
    pub fn hit(&self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        let mut hits = self.hits.lock();
        for finding in findings {
            let own = hits.entry(finding.rule.clone()).or_default();
            own.count += 1;
            own.last_at = own.last_at.max(Some(finding.occurred_at));
        }
    }

    /// Notes how far the baselines have learned.
    pub fn learned(&self, learning: Vec<detect::Learning>) {
        *self.learning.lock() = learning;
    }

    /// Loads the rules again whenever a file of the folders changed, until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let places = places(&self.config);
        if places.is_empty() {
            return;
        }
        let mut files = FolderWatch::new(places, rules::is_rule, self.seen.clone());
        while files.changed(&stop).await {
            let book = Arc::clone(&self);
            let loaded = tokio::task::spawn_blocking(move || Shelf::load(&book.config)).await;
            match loaded {
                Ok(Ok(shelf)) => {
                    tell(&shelf);
                    self.shelf.store(Arc::new(shelf));
                }
                Ok(Err(error)) => tracing::error!("rules stay as they were: {error:#}"),
                Err(error) => tracing::error!(%error, "loading rules failed"),
            }
        }
    }
}

/// Returns the operator's folders and files.
fn places(config: &RulesConfig) -> Vec<PathBuf> {
    [config.folders.as_slice(), &config.pipelines].concat()
}

/// Returns what the configuration says of baselines with what was switched on the page: the later counts.
pub(crate) fn with_switched(
    mut settings: BaselineSettings,
    switched: &[Switched],
) -> BaselineSettings {
    settings.switches.extend(switched.iter().map(|own| BaselineSwitch {
        baseline: Some(own.baseline.clone()),
        source: Some(own.source),
        is_on: own.is_on,
    }));
    settings
}

/// Bad rules that are logged; more would bury the log, and the page of rules has all.
const TOLD: usize = 20;

fn tell(shelf: &Shelf) {
    tracing::info!(rules = shelf.set.rules().len(), bad = shelf.bad.len(), "rules are in force");
    for bad in shelf.bad.iter().take(TOLD) {
        tracing::warn!("{bad}");
    }
}

impl RuleCatalogue for RuleBook {
    fn rules(&self) -> Vec<RuleCard> {
        let shelf = self.shelf.load();
        let loaded =
            shelf.set.rules().iter().chain(&indicator_rules()).map(card).collect::<Vec<_>>();
        loaded.into_iter().chain([entity_risk_card()]).collect()
    }

    fn rule(&self, id: &str) -> Option<RuleCard> {
        let shelf = self.shelf.load();
        let built_in = || indicator_rules().into_iter().find(|rule| rule.id == id);
        let own = || Some(entity_risk_card()).filter(|card| card.id == id);
        shelf.set.rule(id).map(card).or_else(|| built_in().as_ref().map(card)).or_else(own)
    }

    fn text(&self, id: &str) -> Option<String> {
        let shelf = self.shelf.load();
        let path = &shelf.set.rule(id)?.path;
        shelf.texts.get(path).cloned()
    }

    fn bad(&self) -> Vec<BadRule> {
        self.shelf.load().bad.iter().map(bad_rule).collect()
    }

    fn hits(&self) -> BTreeMap<String, Hits> {
        self.hits.lock().clone()
    }

    fn learning(&self) -> Vec<Learning> {
        let (rules, baselines) = (self.current(), self.baselines());
        let is_on = |own: &detect::Learning| {
            let rule = rules.rule(&own.baseline);
            rule.map_or(own.is_on, |rule| baselines.is_on(rule, own.source))
        };
        let one = |own: &detect::Learning| Learning {
            baseline: own.baseline.clone(),
            source: own.source,
            since: own.since,
            events: (own.events, own.events_wanted),
            parts: (own.slices as u64, own.slices_wanted as u64),
            part_s: u64::try_from(own.slice_s).unwrap_or(0),
            learned_at: own.learned_at,
            is_on: is_on(own),
        };
        self.learning.lock().iter().map(one).collect()
    }

    fn switch(&self, switched: &[Switched]) {
        let settings = with_switched(self.configured.clone(), switched);
        self.baselines.store(Arc::new(settings));
    }

    fn coverage(&self, seen: &[(Event, u64)]) -> Vec<RuleReadiness> {
        let mut kinds = detect::Seen::default();
        for (event, times) in seen {
            kinds.add(event, *times);
        }
        crate::coverage::judge(&self.current(), &kinds)
    }

    fn try_rule(&self, text: &str, events: &[Event]) -> Result<Vec<Finding>, Vec<BadRule>> {
        let (set, bad) = RuleSet::compile(&[RuleFile { path: "rule.yml", text }]);
        if !bad.is_empty() {
            return Err(bad.iter().map(bad_rule).collect());
        }
        Ok(Engine::over_past(Arc::new(set)).process(events))
    }
}

pub(super) fn bad_rule(error: &RuleError) -> BadRule {
    BadRule {
        path: error.path.clone(),
        line: error.line,
        column: error.column,
        message: error.message.clone(),
        hint: error.hint.clone(),
    }
}

fn card(info: &RuleInfo) -> RuleCard {
    RuleCard {
        id: info.id.clone(),
        title: info.title.clone(),
        title_vi: info.title_vi.clone(),
        description: info.description.clone().unwrap_or_default(),
        description_vi: info.description_vi.clone(),
        level: info.is_audible.then_some(info.level),
        status: info.status.clone(),
        tags: info.tags.clone(),
        logsource: info.logsource.clone(),
        path: info.path.clone(),
        false_positives: info.falsepositives.clone(),
        first_steps: info
            .first_steps
            .iter()
            .map(|step| FirstStep { vi: step.vi.clone(), en: step.en.clone() })
            .collect(),
        is_correlation: info.is_correlation,
    }
}
