//! Which rules can fire with the logs that arrive, which cannot, and what to turn on: by rule, by log
//! source and by ATT&CK tactic.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use event::{Event, Severity, SourceId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Phrase, Who, filters};

use super::attack;
use super::seen::{self, LookBack};
use super::{BadRule, FirstStep, RuleCard, RuleReadiness};
use crate::address::Address;
use crate::alert::Choice;
use crate::file::Sheet;

/// The statuses, the good one first, with the key of their words.
const STATUSES: [(&str, &str); 4] = [
    ("can_fire", "rule-coverage-can-fire"),
    ("field_never_seen", "rule-coverage-field"),
    ("event_never_seen", "rule-coverage-event"),
    ("log_never_seen", "rule-coverage-log"),
];

/// One rule with whether it can fire.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageRow {
    /// Its id.
    pub id: String,
    /// Its title, English.
    pub title: String,
    /// Its title, Vietnamese.
    pub title_vi: Option<String>,
    /// How bad; nothing for a rule that only feeds correlations.
    #[schema(value_type = Option<String>)]
    pub level: Option<Severity>,
    /// Which logs it reads.
    pub logsource: String,
    /// ATT&CK and other tags.
    pub tags: Vec<String>,
    /// `can_fire`, `log_never_seen`, `event_never_seen` or `field_never_seen`.
    #[schema(value_type = String)]
    pub status: &'static str,
    /// The fields, or the event numbers, that were never seen.
    pub missing: Vec<String>,
    /// The names of the log sources that can make it fire.
    pub sources: Vec<String>,
    /// What an administrator must turn on.
    pub advice: Option<FirstStep>,
}

impl CoverageRow {
    /// Returns how bad; a rule without a level is shown as none.
    pub fn severity(&self) -> Severity {
        self.level.unwrap_or(Severity::Informational)
    }

    /// Returns the key of the status's words.
    pub fn status_key(&self) -> &'static str {
        status_key(self.status)
    }

    /// Returns the tactics among the tags (`credential-access`).
    pub fn tactics(&self) -> impl Iterator<Item = String> {
        tactics(&self.tags)
    }
}

fn status_key(status: &str) -> &'static str {
    STATUSES.iter().find(|(own, _)| *own == status).map_or(STATUSES[3].1, |(_, key)| *key)
}

pub(super) fn tactics(tags: &[String]) -> impl Iterator<Item = String> {
    tags.iter().filter_map(|tag| {
        let name = tag.strip_prefix("attack.")?;
        let is_tactic = name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_'));
        is_tactic.then(|| name.replace('_', "-"))
    })
}

/// How many rules of a group can fire, with the way to those that cannot.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageCount {
    /// The group: a status, a tactic.
    pub name: String,
    /// Rules that can fire.
    pub ready: u64,
    /// All rules.
    pub rules: u64,
    /// These rules in the list.
    pub href: String,
}

/// What one log source makes possible.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourceCoverage {
    /// The source's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its events in the time that was looked at.
    pub events: u64,
    /// What Sigma calls its logs, as far as they arrived.
    pub logs: Vec<String>,
    /// Rules that it can make fire.
    pub rules: u64,
    /// These rules in the list.
    pub href: String,
}

/// What the list is filtered by.
#[derive(Debug, Clone, Default)]
pub(super) struct CoverageFilter {
    pub(super) status: String,
    pub(super) tactic: String,
    pub(super) technique: String,
    pub(super) source: String,
    pub(super) text: String,
    pub(super) back: LookBack,
}

/// Returns the address of the list, over this time.
pub(super) fn address(back: LookBack) -> Address {
    Address::of("/rules/coverage").with("range", back.range())
}

/// Which rules can fire, and what to turn on for the others.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "rule/coverage.html")]
pub struct CoveragePage {
    /// Words to filter by.
    pub text: String,
    /// The ATT&CK technique to filter by (`T1059`); empty for all.
    pub technique: String,
    /// How far back is looked, to choose from.
    pub spans: Vec<Choice>,
    /// Statuses to filter by.
    pub statuses: Vec<Choice>,
    /// Tactics to filter by.
    pub tactics: Vec<Choice>,
    /// Log sources to filter by.
    pub choices: Vec<Choice>,
    /// How many rules have each status.
    pub counts: Vec<CoverageCount>,
    /// How many rules of each tactic can fire.
    pub by_tactic: Vec<CoverageCount>,
    /// What each log source makes possible.
    pub sources: Vec<SourceCoverage>,
    /// The rules that fit the filter, those that cannot fire first, the worst first.
    pub rules: Vec<CoverageRow>,
    /// How many rules were refused when they were loaded.
    pub refused: u64,
    /// Whether less was looked at than was asked for: the past day, or the newest events.
    pub partial: bool,
    /// The list as a file, with this filter.
    pub export: String,
}

impl CoveragePage {
    /// Returns the word of the time that was asked for.
    pub fn range(&self) -> &str {
        seen::chosen(&self.spans)
    }
}

/// Returns the rules as rows, joined with their verdicts.
pub(super) fn rows(
    cards: Vec<RuleCard>,
    readiness: Vec<RuleReadiness>,
    name: &dyn Fn(SourceId) -> String,
) -> Vec<CoverageRow> {
    let mut by_rule: BTreeMap<String, RuleReadiness> =
        readiness.into_iter().map(|own| (own.rule.clone(), own)).collect();
    let row = |card: RuleCard| {
        let own = by_rule.remove(&card.id)?;
        Some(CoverageRow {
            logsource: words(&own.logsource),
            id: card.id,
            title: card.title,
            title_vi: card.title_vi,
            level: card.level,
            tags: card.tags,
            status: own.status,
            missing: own.missing,
            sources: own.sources.into_iter().map(name).collect(),
            advice: own.advice,
        })
    };
    let mut rows: Vec<CoverageRow> = cards.into_iter().filter_map(row).collect();
    let place = |status: &str| STATUSES.iter().position(|(own, _)| *own == status);
    rows.sort_by(|a, b| {
        let nearest = |row: &CoverageRow| (row.status == "can_fire", place(row.status));
        nearest(a).cmp(&nearest(b)).then(b.level.cmp(&a.level)).then_with(|| a.title.cmp(&b.title))
    });
    rows
}

pub(super) fn words(logsource: &event::LogSource) -> String {
    let parts = [&logsource.product, &logsource.category, &logsource.service];
    let parts: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
    parts.join(" / ")
}

/// Returns what each log source makes possible, those that make the most possible first.
pub(super) fn by_source(
    examples: &[(Event, u64)],
    readiness: &[RuleReadiness],
    back: LookBack,
    name: &dyn Fn(SourceId) -> String,
) -> Vec<SourceCoverage> {
    let mut sources: BTreeMap<SourceId, (u64, BTreeSet<String>)> = BTreeMap::new();
    for (event, times) in examples {
        let (events, logs) = sources.entry(event.origin.source).or_default();
        *events += times;
        logs.insert(words(&event.logsource));
    }
    let coverage = |(id, (events, logs)): (SourceId, (u64, BTreeSet<String>))| {
        let name = name(id);
        SourceCoverage {
            id: id.to_string(),
            events,
            logs: logs.into_iter().filter(|log| !log.is_empty()).collect(),
            rules: readiness.iter().filter(|own| own.sources.contains(&id)).count() as u64,
            href: address(back).with("source", &name).to_string(),
            name,
        }
    };
    let mut sources: Vec<SourceCoverage> = sources.into_iter().map(coverage).collect();
    sources.sort_by(|a, b| b.rules.cmp(&a.rules).then_with(|| a.name.cmp(&b.name)));
    sources
}

/// Returns the page of these rules and sources; the counts are of all rules, the list of those that fit.
pub(super) fn page(
    rows: Vec<CoverageRow>,
    sources: Vec<SourceCoverage>,
    filter: &CoverageFilter,
    who: &Who,
    (refused, partial): (u64, bool),
) -> CoveragePage {
    let named = |name: &String, chosen: &str| Choice {
        value: name.clone(),
        name: name.clone(),
        chosen: name == chosen,
    };
    let by_tactic = by_tactic(&rows, filter.back);
    let tactics = by_tactic.iter().map(|one| named(&one.name, &filter.tactic)).collect();
    let choices_of = sources.iter().map(|one| named(&one.name, &filter.source)).collect();
    let export = Address::of("")
        .with("q", &filter.text)
        .with("status", &filter.status)
        .with("tactic", &filter.tactic)
        .with("technique", &filter.technique)
        .with("source", &filter.source)
        .with("range", filter.back.range());
    CoveragePage {
        spans: filter.back.choices(who.lang),
        text: filter.text.clone(),
        technique: filter.technique.clone(),
        statuses: choices(filter, who),
        tactics,
        choices: choices_of,
        counts: counts(&rows, filter.back, who.lang),
        by_tactic,
        sources,
        rules: rows.into_iter().filter(|row| fits(row, filter)).collect(),
        refused,
        partial,
        export: export.query(),
    }
}

/// Returns how many rules have each status.
pub(super) fn counts(rows: &[CoverageRow], back: LookBack, lang: web::Lang) -> Vec<CoverageCount> {
    let count = |(status, key): (&'static str, &'static str)| CoverageCount {
        name: Phrase::key(key).text(lang),
        ready: rows.iter().filter(|row| row.status == status).count() as u64,
        rules: rows.len() as u64,
        href: address(back).with("status", status).to_string(),
    };
    STATUSES.into_iter().map(count).collect()
}

/// Returns how many rules of each tactic can fire, the least covered first.
pub(super) fn by_tactic(rows: &[CoverageRow], back: LookBack) -> Vec<CoverageCount> {
    let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in rows {
        for tactic in row.tactics().collect::<BTreeSet<_>>() {
            let (ready, all) = groups.entry(tactic).or_default();
            *ready += u64::from(row.status == "can_fire");
            *all += 1;
        }
    }
    let count = |(name, (ready, rules)): (String, (u64, u64))| CoverageCount {
        href: address(back).with("tactic", &name).to_string(),
        name,
        ready,
        rules,
    };
    groups.into_iter().map(count).collect()
}

/// Returns the choices of the filter's lists.
pub(super) fn choices(filter: &CoverageFilter, who: &Who) -> Vec<Choice> {
    let mut words = vec![("", "alert-filter-any")];
    words.extend(STATUSES);
    words
        .into_iter()
        .map(|(value, key)| Choice {
            value: value.to_owned(),
            name: Phrase::key(key).text(who.lang),
            chosen: value == filter.status,
        })
        .collect()
}

/// Returns whether a rule fits the filter.
pub(super) fn fits(row: &CoverageRow, filter: &CoverageFilter) -> bool {
    let folded = event::fold::fold(filter.text.trim());
    let titles = [Some(&row.title), row.title_vi.as_ref(), Some(&row.logsource), Some(&row.id)];
    let has = |text: &String| event::fold::contains_folded(text, &folded);
    (filter.status.is_empty() || row.status == filter.status)
        && (filter.tactic.is_empty() || row.tactics().any(|own| own == filter.tactic))
        && (filter.technique.is_empty() || attack::names(&row.tags, &filter.technique))
        && (filter.source.is_empty() || row.sources.contains(&filter.source))
        && (folded.is_empty()
            || titles.into_iter().flatten().any(has)
            || row.missing.iter().any(has))
}

/// Returns the list as a file.
pub(super) fn sheet(rows: &[CoverageRow], who: &Who) -> Sheet {
    const COLUMNS: [&str; 8] = [
        "rule-name",
        "rule-severity",
        "rule-logs",
        "rule-tags",
        "rule-coverage-status",
        "rule-coverage-missing",
        "rule-coverage-advice",
        "rule-coverage-sources",
    ];
    let vietnamese = who.lang == web::Lang::Vi;
    let cells = |row: &CoverageRow| {
        let advice = row.advice.as_ref();
        vec![
            row.title_vi.as_ref().filter(|_| vietnamese).unwrap_or(&row.title).clone(),
            row.level
                .map(|level| Phrase::key(filters::severity_key(level)).text(who.lang))
                .unwrap_or_default(),
            row.logsource.clone(),
            row.tags.join(" "),
            Phrase::key(row.status_key()).text(who.lang),
            row.missing.join(", "),
            advice
                .map(|own| if vietnamese { own.vi.clone() } else { own.en.clone() })
                .unwrap_or_default(),
            row.sources.join(", "),
        ]
    };
    Sheet {
        head: COLUMNS.map(|key| Phrase::key(key).text(who.lang)).to_vec(),
        rows: rows.iter().map(cells).collect(),
    }
}

/// Returns how many rules were refused.
pub(super) fn refused(bad: &[BadRule]) -> u64 {
    bad.len() as u64
}
