//! Why an alert fired, in one sentence, and what to do first: in both languages, from what the
//! finding carries and what the rule says.

use event::Match;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Lang, Phrase};

use super::count::{self, Counted};
use super::model::Alert;
use crate::event_line::cut;
use crate::rule::RuleCard;

/// Reasons told in the sentence; the rest is in the table below it.
const REASONS_TOLD: usize = 3;

/// Characters of a value in the sentence.
const VALUE_CHARS: usize = 120;

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
    Both::of(|lang| sentence(alert, lang))
}

fn sentence(alert: &Alert, lang: Lang) -> String {
    let title = alert.title_in(lang == Lang::Vi);
    if alert.matched.is_empty() {
        return Phrase::key("alert-why-nothing")
            .arg("title", title)
            .arg("entity", alert.entity.value.as_str())
            .text(lang);
    }
    if let Some(counted) = Counted::of(&alert.matched) {
        let reason = counted.reason(lang);
        return Phrase::key("alert-why").arg("title", title).arg("reasons", reason).text(lang);
    }
    let mut reasons: Vec<String> =
        alert.matched.iter().take(REASONS_TOLD).map(|one| reason(one, lang)).collect();
    let rest = alert.matched.len().saturating_sub(REASONS_TOLD);
    if rest > 0 {
        reasons.push(Phrase::key("alert-why-rest").arg("count", rest).text(lang));
    }
    Phrase::key("alert-why").arg("title", title).arg("reasons", reasons.join("; ")).text(lang)
}

fn reason(one: &Match, lang: Lang) -> String {
    let value = cut(&one.value, VALUE_CHARS);
    let pattern = cut(&one.pattern, VALUE_CHARS);
    if count::is_lacking(one) {
        return Phrase::key("alert-why-absent").arg("selection", one.selection.as_str()).text(lang);
    }
    if one.field.is_empty() {
        return Phrase::key("alert-why-word").arg("pattern", pattern).text(lang);
    }
    let phrase = Phrase::key(if value == pattern || pattern.is_empty() {
        "alert-why-is"
    } else {
        "alert-why-like"
    });
    let phrase = phrase.arg("field", one.field.as_str()).arg("value", value);
    phrase.arg("pattern", pattern).text(lang)
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
