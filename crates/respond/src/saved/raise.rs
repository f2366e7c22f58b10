//! What a scheduled search says: findings about what it found, and about what it could not keep.

use chrono::{DateTime, SecondsFormat, Utc};
use db::job::Window;
use event::lake::Search;
use event::query::summary::Cell;
use event::query::{Query, parse};
use event::{
    AgencyId, Entity, EntityKind, Event, EventId, Finding, Match, Origin, Scope, Severity, SourceId,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use web::{Lang, Phrase};

use super::TROUBLE_PREFIX;
use super::model::{Plan, Saved, Share};
use super::run::Answer;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::term;

/// Findings that one window makes: more is a flood, and the page of runs tells how many there were.
const TOLD_MAX: usize = 50;

/// Events kept behind a finding.
const EVENTS_KEPT: u32 = 20;

/// What keeps a scheduled search from its promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It ran long after its time.
    Late,
    /// The lake does not answer it.
    Unanswered,
    /// Its owner may not search any more.
    NoOwner,
    /// Its owner does not see the agency any more with which it is shared: people there rely on it.
    Elsewhere,
    /// There were more different values than are held: rows above the threshold may be among the rest.
    Cut,
}

impl Trouble {
    const fn key(self) -> &'static str {
        match self {
            Self::Late => "saved-trouble-late",
            Self::Unanswered => "saved-trouble-unanswered",
            Self::NoOwner => "saved-trouble-no-owner",
            Self::Elsewhere => "saved-trouble-elsewhere",
            Self::Cut => "saved-trouble-cut",
        }
    }
}

/// Returns the findings of a window: one for each agency and, with stages, for each row left. An
/// agency is told its own figures only.
pub(super) async fn findings(
    desk: &Desk,
    scope: &Scope,
    saved: &Saved,
    (plan, window): (Plan, Window),
    search: &Search,
    answer: &Answer,
) -> Result<Vec<Finding>, RespondError> {
    let keys = answer.summary.keys();
    let is_left = |row: &&Vec<Cell>| {
        let own = row.get(1..=keys);
        answer.rows.is_empty() || answer.rows.iter().any(|left| left.get(..keys) == own)
    };
    let mut findings = Vec::new();
    for row in answer.by_agency.iter().filter(is_left).take(TOLD_MAX) {
        let agency = row.first().map(Cell::text).unwrap_or_default();
        let Ok(agency) = agency.parse::<AgencyId>() else { continue };
        let values: Vec<(&str, String)> = row
            .iter()
            .skip(1)
            .zip(&answer.summary.by)
            .map(|(cell, name)| (name.as_str(), cell.text()))
            .collect();
        let behind = behind(desk, scope, search, agency, &values).await?;
        let figures = row.iter().skip(keys + 1).zip(&answer.summary.figures);
        let told = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .chain(figures.map(|(cell, figure)| (figure.name.clone(), cell.text())));
        let about: Vec<&str> = values.iter().map(|(_, value)| value.as_str()).collect();
        let event = window_id(saved.id, agency, &about.join("\u{1f}"), window.from);
        let told = told.collect();
        let row = Row { agency, event, entity: entity(&values, saved), told, behind };
        findings.push(row.finding(saved, plan, window));
    }
    Ok(findings)
}

/// Returns the newest events behind a row.
async fn behind(
    desk: &Desk,
    scope: &Scope,
    search: &Search,
    agency: AgencyId,
    values: &[(&str, String)],
) -> Result<Vec<Event>, RespondError> {
    let terms = values.iter().map(|(name, value)| term(name, value));
    let line: Vec<String> = terms.chain([format!("agency_id:{agency}")]).collect();
    let Ok(narrow) = parse(&line.join(" ")) else { return Ok(Vec::new()) };
    let query = Query::And(vec![search.query.clone(), narrow]);
    let page = Search { query, limit: EVENTS_KEPT, ..search.clone() };
    Ok(desk.lake.search(scope, &page).await?.events)
}

/// Returns what the row is about: the first of its fields that names an address, a person or a host.
fn entity(values: &[(&str, String)], saved: &Saved) -> Entity {
    let kind = |name: &str| match event::Attr::from_name(name) {
        Some(event::Attr::SrcIp) => Some(EntityKind::SrcIp),
        Some(event::Attr::User) => Some(EntityKind::User),
        Some(event::Attr::Host) => Some(EntityKind::Host),
        _ => None,
    };
    let named = values
        .iter()
        .find_map(|(name, value)| kind(name).map(|kind| Entity { kind, value: value.clone() }));
    named.unwrap_or_else(|| Entity { kind: EntityKind::Source, value: saved.name.clone() })
}

/// One row of an agency.
struct Row {
    agency: AgencyId,
    event: EventId,
    entity: Entity,
    /// Names and values, the figures last.
    told: Vec<(String, String)>,
    behind: Vec<Event>,
}

impl Row {
    fn finding(self, saved: &Saved, plan: Plan, window: Window) -> Finding {
        let system = self.behind.first().and_then(|first| first.origin.system);
        let system =
            system.filter(|id| self.behind.iter().all(|event| event.origin.system == Some(*id)));
        let source = self.behind.first().map(|first| first.origin.source);
        let matched = self.told.iter().map(|(name, value)| reason(name, value, ""));
        let asked = reason("search", &window_text(window), &saved.line);
        Finding {
            rule: saved.rule(),
            title: titled("saved-finding", saved, Lang::En),
            title_vi: Some(titled("saved-finding", saved, Lang::Vi)),
            severity: plan.severity,
            tags: Vec::new(),
            event: self.event,
            events: self.behind.iter().rev().map(|event| event.id).collect(),
            origin: Origin {
                agency: self.agency,
                system,
                source: source.unwrap_or(SourceId::from_uuid(Uuid::nil())),
            },
            occurred_at: window.to,
            entity: self.entity,
            matched: matched.chain([asked]).collect(),
            count: 1,
        }
    }
}

/// Returns the finding that a search cannot keep its promise; none where nobody could be told. Its
/// agency is the one it is shared with, else the first that its owner sees. Who reads the alert may not
/// read the line of a search that is not shared.
pub(super) fn trouble(
    desk: &Desk,
    scope: &Scope,
    saved: &Saved,
    window: Window,
    what: Trouble,
) -> Option<Finding> {
    let agency = match saved.share {
        Share::Agency(agency) => agency,
        Share::Own | Share::All => desk.directory.agencies(scope).first()?.id.parse().ok()?,
    };
    let line = if saved.share == Share::Own { "" } else { &saved.line };
    // A search that nobody runs is told once for each time that it was changed.
    let about = match what {
        Trouble::NoOwner | Trouble::Elsewhere => saved.changed_at,
        Trouble::Late | Trouble::Unanswered | Trouble::Cut => window.from,
    };
    Some(Finding {
        rule: format!("{TROUBLE_PREFIX}{}", saved.id),
        title: titled(what.key(), saved, Lang::En),
        title_vi: Some(titled(what.key(), saved, Lang::Vi)),
        severity: Severity::Medium,
        tags: Vec::new(),
        event: window_id(saved.id, agency, what.key(), about),
        events: Vec::new(),
        origin: Origin { agency, system: None, source: SourceId::from_uuid(Uuid::nil()) },
        occurred_at: window.to,
        entity: Entity { kind: EntityKind::Source, value: saved.name.clone() },
        matched: vec![reason("search", &window_text(window), line)],
        count: 1,
    })
}

fn titled(key: &'static str, saved: &Saved, lang: Lang) -> String {
    Phrase::key(key).arg("name", saved.name.as_str()).text(lang)
}

fn reason(field: &str, value: &str, pattern: &str) -> Match {
    Match {
        selection: "search".to_owned(),
        field: field.to_owned(),
        value: value.chars().take(Match::VALUE_CHARS_MAX).collect(),
        pattern: pattern.to_owned(),
        ..Match::default()
    }
}

fn window_text(window: Window) -> String {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{} – {}", text(window.from), text(window.to))
}

/// Returns the id under which a finding is known: the same window and row give the same one.
fn window_id(search: Uuid, agency: AgencyId, row: &str, from: DateTime<Utc>) -> EventId {
    let digest = Sha256::digest(format!("{search}/{agency}/{row}"));
    let hash = digest.iter().take(9).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let from_ms = u128::from(from.timestamp_millis().unsigned_abs());
    // The time in front as in any event id, what it is about behind.
    let low = hash & 0x0000_0000_0000_0000_3fff_ffff_ffff_ffff;
    let id = ((from_ms & 0xffff_ffff_ffff) << 80) | (0x7 << 76) | (0x2 << 62) | low;
    EventId::from_uuid(Uuid::from_u128(id))
}
