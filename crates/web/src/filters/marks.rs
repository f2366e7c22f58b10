//! The small pieces of markup that look the same on every page: times, severities, clocks, icons.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use event::{Level, Severity};

use crate::i18n::{Phrase, text};
use crate::{Lang, assets, figures};

/// Hours before a deadline at which its clock turns medium.
const CLOCK_MEDIUM_H: i64 = 4;
/// Hours before a deadline at which its clock turns high.
const CLOCK_HIGH_H: i64 = 1;

/// How much of a moment is shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    Day,
    Minutes,
    Seconds,
}

/// Returns text with the five characters that mean something in HTML written out.
pub(crate) fn escape(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for letter in raw.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// What stands where a moment is missing.
const NO_MOMENT: &str = "<span class=\"muted\">–</span>";

pub(super) fn time(moment: Option<DateTime<Utc>>, _: Lang, shown: Shown) -> String {
    let Some(moment) = moment else { return NO_MOMENT.to_owned() };
    let local = figures::vietnam(moment);
    let words = match shown {
        Shown::Day => local.format("%d/%m/%Y"),
        Shown::Minutes => local.format("%H:%M %d/%m/%Y"),
        Shown::Seconds => local.format("%H:%M:%S %d/%m/%Y"),
    };
    element(moment, &words.to_string(), "at")
}

pub(super) fn ago(moment: Option<DateTime<Utc>>, now: Option<DateTime<Utc>>, lang: Lang) -> String {
    match (moment, now) {
        (None, _) => NO_MOMENT.to_owned(),
        (Some(_), None) => time(moment, lang, Shown::Minutes),
        (Some(moment), Some(now)) => element(moment, &figures::ago(moment, now, lang), "ago"),
    }
}

fn element(moment: DateTime<Utc>, words: &str, class: &str) -> String {
    format!(
        r#"<time class="{class}" datetime="{}" title="{} UTC">{}</time>"#,
        moment.to_rfc3339_opts(SecondsFormat::Secs, true),
        moment.format("%H:%M:%S %d/%m/%Y"),
        escape(words),
    )
}

pub(super) fn clock(due: Option<DateTime<Utc>>, now: Option<DateTime<Utc>>, lang: Lang) -> String {
    let (Some(due), Some(now)) = (due, now) else { return time(due, lang, Shown::Minutes) };
    let left = due - now;
    let tone = if left < TimeDelta::zero() {
        "critical"
    } else if left < TimeDelta::hours(CLOCK_HIGH_H) {
        "high"
    } else if left < TimeDelta::hours(CLOCK_MEDIUM_H) {
        "medium"
    } else {
        "quiet"
    };
    let frame = if left < TimeDelta::zero() { "web-clock-over" } else { "web-clock-left" };
    let words = Phrase::key(frame).arg("length", figures::duration(left, lang)).text(lang);
    format!(r#"<span class="clock clock-{tone}">{}</span>"#, element(due, &words, "due"))
}

/// Returns the mark that stands before a severity's word, so that colour is never alone.
pub(crate) const fn severity_mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "▲▲",
        Severity::High => "▲",
        Severity::Medium => "●",
        Severity::Low => "▽",
        Severity::Informational => "○",
    }
}

/// Returns the language key of a severity's word.
pub const fn severity_key(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "web-severity-critical",
        Severity::High => "web-severity-high",
        Severity::Medium => "web-severity-medium",
        Severity::Low => "web-severity-low",
        Severity::Informational => "web-severity-informational",
    }
}

pub(super) fn severity(severity: Severity, lang: Lang) -> String {
    format!(
        r#"<span class="sev sev-{}"><span class="sev-mark" aria-hidden="true">{}</span> {}</span>"#,
        severity.word(),
        severity_mark(severity),
        escape(&text(lang, severity_key(severity))),
    )
}

pub(super) fn level(level: Option<Level>, lang: Lang) -> String {
    match level {
        Some(level) => Phrase::key("web-level").arg("level", i64::from(level.number())).text(lang),
        None => text(lang, "web-level-unknown"),
    }
}

pub(crate) fn icon(name: &str) -> String {
    format!(
        r#"<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>"#,
        assets::url("vendor/icons.svg"),
        escape(name),
    )
}
