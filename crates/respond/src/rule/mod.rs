//! The rules as people see them: what is loaded, what is broken, what fires, and what a rule would
//! have found in the past hour.
//!
//! This crate does not know `detect`; the application implements [`RuleCatalogue`] over the engine.

mod attack;
mod baseline;
mod coverage;
mod routes;
mod seen;
mod switch;
mod views;

use std::collections::BTreeMap;
use std::fmt::Debug;

use chrono::{DateTime, Utc};
use event::{Event, Finding, LogSource, Severity, SourceId};
use serde::Serialize;
use utoipa::ToSchema;

pub use attack::{AttackPage, AttackTactic, AttackTechnique, navigator_layer};
pub use baseline::{BaselinePage, BaselineRow, Learning, StateCount};
pub use coverage::{CoverageCount, CoveragePage, CoverageRow, SourceCoverage};
pub(crate) use routes::routes;
pub use switch::{Switched, switched};
pub use views::{RuleList, RulePage, RuleRow, RuleTest};

/// What the detection engine has loaded.
pub trait RuleCatalogue: Send + Sync + Debug {
    /// Returns every loaded rule.
    fn rules(&self) -> Vec<RuleCard>;

    /// Returns one rule.
    fn rule(&self, id: &str) -> Option<RuleCard>;

    /// Returns the rule's text as loaded.
    fn text(&self, id: &str) -> Option<String>;

    /// Returns what could not be loaded, and why.
    fn bad(&self) -> Vec<BadRule>;

    /// Returns how often each rule has fired since the engine started; a rule without hits may lack.
    fn hits(&self) -> BTreeMap<String, Hits>;

    /// Returns how far each baseline has learned each log source that it has seen.
    fn learning(&self) -> Vec<Learning>;

    /// Takes note of all that was switched on the page of baselines; it counts from the next event on.
    fn switch(&self, switched: &[Switched]);

    /// Returns for each rule whether it can fire at all with the logs that these events stand for, each
    /// with how many of its kind there were. The work is done on the calling thread.
    fn coverage(&self, seen: &[(Event, u64)]) -> Vec<RuleReadiness>;

    /// Returns what a rule (its whole text) finds in these events, oldest first. Nothing is stored.
    /// The work is done on the calling thread: callers give it a blocking one.
    ///
    /// # Errors
    /// Why the text is no rule.
    fn try_rule(&self, text: &str, events: &[Event]) -> Result<Vec<Finding>, Vec<BadRule>>;
}

/// A loaded rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleCard {
    /// Its id.
    pub id: String,
    /// Its title, English.
    pub title: String,
    /// Its title, Vietnamese.
    pub title_vi: Option<String>,
    /// What it looks for, English.
    pub description: String,
    /// What it looks for, Vietnamese.
    pub description_vi: Option<String>,
    /// How bad; `None` for a rule that only feeds correlations.
    pub level: Option<Severity>,
    /// `stable`, `test`, `experimental` …
    pub status: Option<String>,
    /// ATT&CK and other tags.
    pub tags: Vec<String>,
    /// Which logs it reads.
    pub logsource: LogSource,
    /// The file that it came from.
    pub path: String,
    /// When it fires and nothing is wrong.
    pub false_positives: Vec<String>,
    /// What to do first, as written in the rule.
    pub first_steps: Vec<FirstStep>,
    /// Whether it counts over several events.
    pub is_correlation: bool,
}

/// Whether a rule can fire at all with the logs that arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleReadiness {
    /// The rule's id.
    pub rule: String,
    /// `can_fire`, `log_never_seen`, `event_never_seen` or `field_never_seen`.
    #[schema(value_type = String)]
    pub status: &'static str,
    /// The log source that it needs.
    #[schema(value_type = Object)]
    pub logsource: LogSource,
    /// The fields, or the event numbers, that were never seen.
    pub missing: Vec<String>,
    /// The log sources that can make it fire.
    #[schema(value_type = Vec<String>)]
    pub sources: Vec<SourceId>,
    /// What an administrator must turn on.
    pub advice: Option<FirstStep>,
}

/// One thing to do first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct FirstStep {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

/// A rule that could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BadRule {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would help.
    pub hint: Option<String>,
}

/// How often a rule has fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// Findings since the engine started.
    pub count: u64,
    /// When the last one happened.
    pub last_at: Option<DateTime<Utc>>,
}
