//! What the pages of rules show.

use askama::Template;
use chrono::{DateTime, Utc};
use event::Severity;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::{BadRule, FirstStep, Hits, RuleCard};
use crate::alert::{Both, Choice};
use crate::event_line::EventLine;

/// One rule in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleRow {
    /// Its id.
    pub id: String,
    /// Its title, English.
    pub title: String,
    /// Its title, Vietnamese.
    pub title_vi: Option<String>,
    /// How bad; nothing for a rule that only feeds correlations.
    #[schema(value_type = Option<String>)]
    pub level: Option<Severity>,
    /// `stable`, `test` …
    pub status: Option<String>,
    /// Which logs it reads.
    pub logsource: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its file.
    pub path: String,
    /// Whether it counts over several events.
    pub is_correlation: bool,
    /// Findings since the engine started.
    pub hits: u64,
    /// When the last one happened.
    pub last_at: Option<DateTime<Utc>>,
    /// Alerts of the past seven days, within the reader's scope.
    pub alerts: u64,
    /// Where they are.
    pub alerts_href: String,
}

impl RuleRow {
    /// Returns how bad; a rule without a level is shown as none.
    pub fn severity(&self) -> Severity {
        self.level.unwrap_or(Severity::Informational)
    }

    /// Returns the key of how far the rule has been tried; nothing for a word that Sigma does not have.
    pub fn status_key(&self) -> Option<&'static str> {
        Some(match self.status.as_deref()? {
            "stable" => "rule-status-stable",
            "test" => "rule-status-test",
            "experimental" => "rule-status-experimental",
            "deprecated" => "rule-status-deprecated",
            "unsupported" => "rule-status-unsupported",
            _ => return None,
        })
    }

    /// Returns the ATT&CK techniques among the tags, as people write them (`T1505.003`).
    pub fn techniques(&self) -> Vec<String> {
        let technique = |tag: &String| {
            let name = tag.strip_prefix("attack.")?;
            let number = name.strip_prefix('t')?;
            number.starts_with(|first: char| first.is_ascii_digit()).then(|| name.to_uppercase())
        };
        self.tags.iter().filter_map(technique).collect()
    }

    /// Returns the rule as a row.
    pub(super) fn of(rule: RuleCard, hits: Hits, alerts: u64) -> Self {
        let source = &rule.logsource;
        let parts = [&source.product, &source.category, &source.service];
        let logsource: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
        Self {
            logsource: logsource.join(" / "),
            alerts_href: crate::address::Address::of("/alerts")
                .with("state", "all")
                .with("rule", &rule.id)
                .to_string(),
            id: rule.id,
            title: rule.title,
            title_vi: rule.title_vi,
            level: rule.level,
            status: rule.status,
            tags: rule.tags,
            path: rule.path,
            is_correlation: rule.is_correlation,
            hits: hits.count,
            last_at: hits.last_at,
            alerts,
        }
    }
}

/// The list of rules.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/list.html")]
pub struct RuleList {
    /// Words to filter by.
    pub text: String,
    /// Severities to filter by.
    pub severities: Vec<Choice>,
    /// How many rules are loaded.
    pub loaded: u64,
    /// The rules that fit the filter, those that fire first.
    pub rules: Vec<RuleRow>,
    /// What could not be loaded.
    pub bad: Vec<BadRule>,
}

/// One rule.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/detail.html")]
pub struct RulePage {
    /// The rule.
    pub rule: RuleRow,
    /// What it looks for, English.
    pub description: String,
    /// What it looks for, Vietnamese.
    pub description_vi: Option<String>,
    /// When it fires and nothing is wrong.
    pub false_positives: Vec<String>,
    /// What to do first.
    pub first_steps: Vec<Both>,
    /// Its text as loaded.
    pub text: String,
}

impl RulePage {
    pub(super) fn steps(steps: &[FirstStep]) -> Vec<Both> {
        steps.iter().map(|step| Both { vi: step.vi.clone(), en: step.en.clone() }).collect()
    }
}

/// Trying a rule on the past hour.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/test.html")]
pub struct RuleTest {
    /// The rule's text.
    pub text: String,
    /// What is wrong with it.
    pub bad: Vec<BadRule>,
    /// What came of it; nothing before it was tried.
    pub result: Option<RuleTestResult>,
}

/// What a rule would have found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleTestResult {
    /// Findings.
    pub findings: u64,
    /// Events looked at.
    pub events: u64,
    /// Whether there were more events in the hour than could be looked at.
    pub cut: bool,
    /// The events of the first findings, with what matched.
    pub lines: Vec<EventLine>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Returns whether a rule's words hold what was typed (already folded).
pub(super) fn fits(rule: &RuleCard, folded: &str, severity: Option<Severity>) -> bool {
    let words = format!(
        "{} {} {} {} {}",
        rule.id,
        rule.title,
        rule.title_vi.as_deref().unwrap_or_default(),
        rule.tags.join(" "),
        rule.path
    );
    severity.is_none_or(|severity| rule.level == Some(severity))
        && event::fold::contains_folded(&words, folded)
}
