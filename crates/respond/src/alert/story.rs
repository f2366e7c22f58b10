//! Why an alert fired, in one sentence, and what to do first: in both languages, from what the
//! finding carries and what the rule says.

use serde::Serialize;
use utoipa::ToSchema;
use web::{Lang, Phrase};

use super::count::Counted;
use super::model::Alert;
use super::{loss, reason, risk, unusual};
use crate::mark::{self, Piece};
use crate::rule::RuleCard;

/// Reasons told in the sentence; the rest is in the table below it.
const REASONS_TOLD: usize = 3;

/// The same words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Both {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl Both {
    fn of(words: impl Fn(Lang) -> String) -> Self {
        Self { vi: words(Lang::Vi), en: words(Lang::En) }
    }

    fn key(key: &'static str) -> Self {
        Self::of(|lang| Phrase::key(key).text(lang))
    }
}

/// Returns why the alert fired, in one sentence.
pub(crate) fn why(alert: &Alert) -> Both {
    Both::of(|lang| mark::plain(&sentence(alert, lang)))
}

/// Returns the same sentence in the reader's language, with what matched marked.
pub(crate) fn told(alert: &Alert, lang: Lang) -> Vec<Piece> {
    mark::pieces(&sentence(alert, lang))
}

fn sentence(alert: &Alert, lang: Lang) -> String {
    let title = mark::unmarked(alert.title_in(lang == Lang::Vi));
    if alert.matched.is_empty() {
        return Phrase::key("alert-why-nothing")
            .arg("title", title)
            .arg("entity", mark::unmarked(&alert.entity.value))
            .text(lang);
    }
    let reasons = match Counted::of(&alert.matched) {
        Some(counted) => counted.reason(lang),
        None => risk::reason(&alert.matched, lang)
            .or_else(|| unusual::reason(&alert.matched, lang))
            .or_else(|| loss::reason(&alert.matched, lang))
            .unwrap_or_else(|| reason::told(&alert.matched, REASONS_TOLD, lang)),
    };
    Phrase::key("alert-why").arg("title", title).arg("reasons", reasons).text(lang)
}

/// Returns what to do first: what the rule says, else what its tags call for.
pub(crate) fn first_steps(alert: &Alert, rule: Option<&RuleCard>) -> Vec<Both> {
    if let Some(rule) = rule.filter(|rule| !rule.first_steps.is_empty()) {
        let both =
            |step: &crate::rule::FirstStep| Both { vi: step.vi.clone(), en: step.en.clone() };
        return rule.first_steps.iter().map(both).collect();
    }
    let keys = STEPS_BY_TAG
        .iter()
        .find(|(starts, _)| {
            alert.tags.iter().any(|tag| starts.iter().any(|start| tag.starts_with(start)))
        })
        .map_or(STEPS_ANYWAY, |(_, keys)| *keys);
    keys.iter().map(|key| Both::key(key)).collect()
}

/// The first steps of each kind of attack: the first line with a fitting tag counts. A `luytre-`
/// rule says its own.
const STEPS_BY_TAG: &[(&[&str], &[&str])] = &[
    (
        &["attack.t1505.003"],
        &["alert-step-call", "alert-step-isolate-web", "alert-step-keep", "alert-step-files"],
    ),
    (
        &["attack.t1486", "attack.t1490", "attack.impact"],
        &["alert-step-unplug", "alert-step-call", "alert-step-backup", "alert-step-keep"],
    ),
    (
        &["attack.t1110", "attack.credential_access", "attack.credential-access"],
        &["alert-step-success", "alert-step-password", "alert-step-block", "alert-step-call"],
    ),
    (
        &["attack.command_and_control", "attack.command-and-control", "attack.exfiltration"],
        &["alert-step-isolate", "alert-step-block", "alert-step-others", "alert-step-keep"],
    ),
    (
        &["attack.t1566", "attack.initial_access", "attack.initial-access"],
        &["alert-step-who", "alert-step-others", "alert-step-password", "alert-step-call"],
    ),
    (
        &["attack.persistence", "attack.privilege_escalation", "attack.privilege-escalation"],
        &["alert-step-known", "alert-step-account", "alert-step-isolate", "alert-step-keep"],
    ),
    (
        &["attack.discovery", "attack.reconnaissance"],
        &["alert-step-known", "alert-step-block", "alert-step-success"],
    ),
];

/// The first steps when nothing more is known.
const STEPS_ANYWAY: &[&str] =
    &["alert-step-known", "alert-step-call", "alert-step-isolate", "alert-step-keep"];
