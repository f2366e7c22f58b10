//! The rules in force: loaded once, looked at again when a file of the operator's folders changes,
//! and shown to people through [`respond::rule::RuleCatalogue`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use detect::{BaselineSettings, Engine, RuleError, RuleFile, RuleInfo, RuleSet};
use event::{Event, Finding};
use parking_lot::Mutex;
use respond::rule::{BadRule, FirstStep, Hits, RuleCard, RuleCatalogue, RuleReadiness};
use tokio_util::sync::CancellationToken;

use crate::config::RulesConfig;
use crate::rules;

/// How often the folders are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The rules in force, swapped whole.
#[derive(Debug)]
pub struct RuleBook {
    config: RulesConfig,
    shelf: ArcSwap<Shelf>,
    hits: Mutex<BTreeMap<String, Hits>>,
    baselines: BaselineSettings,
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
        let shelf = Shelf::load(config)?;
        tell(&shelf);
        let (config, hits) = (config.clone(), Mutex::default());
        let baselines = BaselineSettings::default();
        Ok(Self { config, shelf: ArcSwap::from_pointee(shelf), hits, baselines })
    }

    /// Sets what the operator chose for the baselines.
    #[must_use]
    pub fn with_baselines(self, baselines: BaselineSettings) -> Self {
        Self { baselines, ..self }
    }

    /// Returns an engine for the rules in force that remembers nothing yet.
    pub fn engine(&self) -> Engine {
        let mut engine = Engine::new(self.current());
        engine.set_baselines(self.baselines.clone());
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

    /// Loads the rules again whenever a file of the folders changed, until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        if self.config.folders.is_empty() && self.config.pipelines.is_empty() {
            return;
        }
        let mut seen = self.stamps().await;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
            let now = self.stamps().await;
            if now == seen {
                continue;
            }
            seen = now;
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

    /// Returns which files there are, how long and how old: what tells a change.
    async fn stamps(&self) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
        let RulesConfig { folders, pipelines } = self.config.clone();
        let found = tokio::task::spawn_blocking(move || {
            let mut stamps = Vec::new();
            for folder in folders.iter().chain(&pipelines) {
                collect_stamps(folder, &mut stamps);
            }
            stamps.sort();
            stamps
        });
        found.await.unwrap_or_default()
    }
}

fn collect_stamps(path: &Path, stamps: &mut Vec<(PathBuf, u64, Option<SystemTime>)>) {
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(facts) = std::fs::metadata(&path) else { continue };
        if facts.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        } else if rules::is_rule(&path) {
            stamps.push((path, facts.len(), facts.modified().ok()));
        }
    }
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
        self.shelf.load().set.rules().iter().map(card).collect()
    }

    fn rule(&self, id: &str) -> Option<RuleCard> {
        self.shelf.load().set.rule(id).map(card)
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

fn bad_rule(error: &RuleError) -> BadRule {
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
