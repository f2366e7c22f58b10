//! What the pages of looks back show.

use askama::Template;
use chrono::{DateTime, Utc};
use event::Severity;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{Kept, Look, Wanted};
use crate::desk::Desk;

/// One look back in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LookBackRow {
    /// Its id.
    pub id: String,
    /// The work that does it.
    pub job: String,
    /// `all`, `rule`, `text`, `indicators` or `feeds`.
    pub what: &'static str,
    /// The rule's title, or the first indicator.
    pub title: String,
    /// Who asked.
    pub by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The beginning of what it looks at.
    pub from: DateTime<Utc>,
    /// The end of what it looks at.
    pub to: DateTime<Utc>,
    /// Whether it is over.
    pub done: bool,
    /// Events of the span.
    pub events: u64,
    /// Events that were read: the lake ruled out the others.
    pub read: u64,
    /// What was found.
    pub findings: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl LookBackRow {
    pub(super) fn of(look: &Look, desk: &Desk) -> Self {
        let outcome = look.outcome.clone().unwrap_or_default();
        Self {
            id: look.id.to_string(),
            job: look.job.to_string(),
            what: look.wanted.word(),
            title: look.title.clone(),
            by: desk.directory.person_name(look.account).unwrap_or_default(),
            made_at: look.made_at,
            from: look.from,
            to: look.to,
            done: look.outcome.is_some(),
            events: outcome.events,
            read: outcome.read.unwrap_or(outcome.events),
            findings: outcome.findings,
            took_ms: outcome.took_ms,
        }
    }

    /// Returns the key of what is looked for.
    pub fn what_key(&self) -> &'static str {
        match self.what {
            "rule" => "look-back-what-rule",
            "text" => "look-back-what-text",
            "indicators" => "look-back-what-indicators",
            "feeds" => "look-back-what-feeds",
            _ => "look-back-what-all",
        }
    }

    /// Returns how long it took, in seconds, at least one.
    pub fn seconds(&self) -> u64 {
        self.took_ms.div_ceil(1000).max(1)
    }
}

/// The list of looks back, with the form for indicators.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "look_back/list.html")]
pub struct LookBackList {
    /// The rows, the newest first.
    pub rows: Vec<LookBackRow>,
    /// Where the list stands.
    pub pager: Pager,
    /// Events of the past 30 days that the reader may see: what a look back costs; nothing when the
    /// lake could not count them quickly.
    pub cost_events: Option<u64>,
    /// The rule that is asked about (`?rule=`), before it is looked for.
    pub asked: Option<AskedRule>,
}

/// What looking back for one rule costs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AskedRule {
    /// The rule's id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Events of the past 30 days that must be read: in the parts of the lake that may hold a match.
    /// Nothing when the lake could not tell quickly.
    pub read: Option<u64>,
}

/// One finding of the past.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundRow {
    /// Its number in the list.
    pub number: i64,
    /// The rule's id.
    pub rule: String,
    /// The rule's title, English.
    pub title: String,
    /// The rule's title, Vietnamese.
    pub title_vi: Option<String>,
    /// How bad.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The system or agency.
    pub place: String,
    /// What it is about.
    pub entity: String,
    /// The completing event's id.
    pub event: String,
    /// What matched: field and value of the first reason.
    pub matched: String,
    /// The way to the event in the search.
    pub href: String,
    /// When it was handed to the alerts.
    pub taken_at: Option<DateTime<Utc>>,
}

/// Characters of what matched in the list; the event has the rest.
const MATCHED_CHARS: usize = 160;

impl FoundRow {
    pub(super) fn of(kept: Kept, desk: &Desk) -> Self {
        let finding = kept.finding;
        let system = finding.origin.system.and_then(|id| desk.directory.system(id));
        let agency = desk.directory.agency(finding.origin.agency);
        let matched = finding.matched.first().map(|one| match one.field.as_str() {
            "" => one.value.clone(),
            field => format!("{field}: {}", one.value),
        });
        let near = chrono::TimeDelta::minutes(5);
        let (from, to) = (finding.occurred_at - near, finding.occurred_at + near);
        let href = crate::address::Address::of("/search")
            .with("q", format!("event_id:{}", finding.event))
            .with("from", from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            .with("to", to.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        Self {
            number: kept.number,
            title: finding.title,
            title_vi: finding.title_vi,
            severity: finding.severity,
            at: finding.occurred_at,
            place: system
                .map(|card| card.name)
                .or(agency.map(|card| card.name))
                .unwrap_or_default(),
            entity: finding.entity.value,
            event: finding.event.to_string(),
            matched: matched.unwrap_or_default().chars().take(MATCHED_CHARS).collect(),
            href: href.to_string(),
            rule: finding.rule,
            taken_at: kept.taken_at,
        }
    }
}

/// How often a rule was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleCount {
    /// The rule's id.
    pub rule: String,
    /// Its title, English, or its id.
    pub title: String,
    /// Its title, Vietnamese.
    pub title_vi: Option<String>,
    /// How often.
    pub count: u64,
}

/// One look back with what it found.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "look_back/detail.html")]
pub struct LookBackPage {
    /// The look back.
    pub look: LookBackRow,
    /// What is looked for, as typed.
    pub text: String,
    /// How often each rule was found, the most often first.
    pub per_rule: Vec<RuleCount>,
    /// What was kept of what was found and the reader may see, the worst first.
    pub found: Vec<FoundRow>,
    /// Where the list stands.
    pub pager: Pager,
    /// Whether more was found than kept.
    pub cut: bool,
}

impl LookBackPage {
    pub(super) fn of(look: &Look, kept: Vec<Kept>, pager: Pager, desk: &Desk) -> Self {
        let outcome = look.outcome.clone().unwrap_or_default();
        let mut per_rule: Vec<RuleCount> = outcome
            .per_rule
            .into_iter()
            .map(|(rule, count)| {
                let card = desk.rules.rule(&rule).unwrap_or_default();
                let title = if card.title.is_empty() { rule.clone() } else { card.title };
                RuleCount { title, title_vi: card.title_vi, rule, count }
            })
            .collect();
        per_rule.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.title.cmp(&b.title)));
        let text = match &look.wanted {
            Wanted::Text(text) | Wanted::Indicators(text) => text.clone(),
            Wanted::All | Wanted::Rule(_) | Wanted::Feeds => String::new(),
        };
        Self {
            cut: outcome.findings > pager.total,
            look: LookBackRow::of(look, desk),
            text,
            per_rule,
            found: kept.into_iter().map(|one| FoundRow::of(one, desk)).collect(),
            pager,
        }
    }
}
