//! The pages of rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use event::lake::Search;
use event::query::Query as LakeQuery;
use event::{Event, Finding, Scope, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{AppError, Body, Path, Permission, Phrase, Query, Routes, View, Who};

use super::views::{RuleList, RulePage, RuleRow, RuleTest, RuleTestResult, fits};
use super::{BadRule, RuleCard};
use crate::actor::Handler;
use crate::alert::{self, Choice};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::EventLine;
use crate::limits::{EVENTS_PER_EXPORT_PAGE, EVENTS_SHOWN, RULE_CHARS_MAX, RULE_TEST_EVENTS_MAX};

/// Returns the routes of rules.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{EventSearch, RuleRead};
    Routes::new()
        .get("/rules", RuleRead, list)
        .doc("Lists the loaded rules and what could not be loaded")
        .gives::<RuleList>()
        .get("/rules/test", RuleRead, form)
        .doc("Shows the form to try a rule, filled with a loaded one's text")
        .gives::<RuleTest>()
        .post("/rules/test", EventSearch, test)
        .doc("Tries a rule's text on the events of the past hour; nothing is stored")
        .takes::<TestForm>()
        .gives::<RuleTest>()
        .get("/rules/{id}", RuleRead, detail)
        .doc("Shows one rule")
        .gives::<RulePage>()
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    q: String,
    severity: String,
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<RuleList>, AppError> {
    Ok(View::new(rule_list(&desk, &who, query).await?))
}

async fn rule_list(desk: &Desk, who: &Who, query: ListQuery) -> Result<RuleList, RespondError> {
    let rules = desk.rules.rules();
    let loaded = rules.len() as u64;
    let severity = Severity::from_word(&query.severity);
    let folded = event::fold::fold(query.q.trim());
    let alerts = alerts(desk, who).await?;
    let mut rows: Vec<RuleRow> = rules
        .into_iter()
        .filter(|rule| fits(rule, &folded, severity))
        .map(|rule| row(desk, rule, &alerts))
        .collect();
    rows.sort_by(|a, b| {
        let order = |row: &RuleRow| (row.alerts, row.hits, row.level);
        order(b).cmp(&order(a)).then_with(|| a.title.cmp(&b.title))
    });
    Ok(RuleList {
        text: query.q,
        severities: Choice::severities(who.lang, severity),
        loaded,
        rules: rows,
        bad: desk.rules.bad(),
    })
}

async fn alerts(desk: &Desk, who: &Who) -> Result<BTreeMap<String, u64>, RespondError> {
    let since = desk.db.now() - TimeDelta::days(7);
    Ok(alert::per_rule(desk.db.conn(), &who.scope, since).await?.into_iter().collect())
}

fn row(desk: &Desk, rule: RuleCard, alerts: &BTreeMap<String, u64>) -> RuleRow {
    let hits = desk.rules.hits().get(&rule.id).copied().unwrap_or_default();
    let count = alerts.get(&rule.id).copied().unwrap_or(0);
    RuleRow::of(rule, hits, count)
}

async fn detail(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<String>,
) -> Result<View<RulePage>, AppError> {
    Ok(View::new(rule_page(&desk, &who, &id).await?))
}

async fn rule_page(desk: &Desk, who: &Who, id: &str) -> Result<RulePage, RespondError> {
    let rule = desk.rules.rule(id).ok_or(RespondError::NotFound)?;
    let alerts = alerts(desk, who).await?;
    Ok(RulePage {
        description: rule.description.clone(),
        description_vi: rule.description_vi.clone(),
        false_positives: rule.false_positives.clone(),
        first_steps: RulePage::steps(&rule.first_steps),
        text: desk.rules.text(id).unwrap_or_default(),
        rule: row(desk, rule, &alerts),
    })
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct FormQuery {
    rule: String,
}

async fn form(
    State(desk): State<Desk>,
    Query(query): Query<FormQuery>,
) -> Result<View<RuleTest>, AppError> {
    let text = desk.rules.text(&query.rule).unwrap_or_default();
    Ok(View::new(RuleTest { text, bad: Vec::new(), result: None }))
}

/// A rule to try.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestForm {
    /// Its whole text (Sigma YAML).
    #[serde(default)]
    text: String,
}

async fn test(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<TestForm>,
) -> Result<View<RuleTest>, AppError> {
    Ok(View::new(tried(&desk, &who, form).await?))
}

async fn tried(desk: &Desk, who: &Who, form: TestForm) -> Result<RuleTest, AppError> {
    if form.text.trim().is_empty() || form.text.chars().count() > RULE_CHARS_MAX {
        return Err(AppError::invalid("text", Phrase::key("rule-error-text")));
    }
    let now = desk.db.now();
    let (events, cut) = past_hour(desk, &who.scope, now).await?;
    crate::search::note_read(desk, &Handler::from(who), "rule.test", "*").await?;
    let began = desk.db.now();
    let rules = Arc::clone(&desk.rules);
    let text = form.text.clone();
    let work = move || {
        let found = rules.try_rule(&text, &events);
        (found, events)
    };
    let (found, events) = tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?;
    let took_ms = u64::try_from((desk.db.now() - began).num_milliseconds()).unwrap_or(0);
    Ok(match found {
        Err(bad) => RuleTest { text: form.text, bad, result: None },
        Ok(findings) => RuleTest {
            text: form.text,
            bad: Vec::<BadRule>::new(),
            result: Some(RuleTestResult {
                findings: findings.len() as u64,
                events: events.len() as u64,
                cut,
                lines: lines(desk, &findings, &events),
                took_ms,
            }),
        },
    })
}

/// Returns the events of the past hour, oldest first, and whether there were more.
async fn past_hour(
    desk: &Desk,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<(Vec<Event>, bool), RespondError> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let search = Search {
            query: LakeQuery::All,
            from: now - TimeDelta::hours(1),
            to: now + TimeDelta::minutes(1),
            limit: EVENTS_PER_EXPORT_PAGE,
            after,
        };
        let found = desk.lake.search(scope, &search).await?;
        events.extend(found.events);
        after = found.next;
        if after.is_none() || events.len() >= RULE_TEST_EVENTS_MAX {
            break;
        }
    }
    let cut = after.is_some() || events.len() > RULE_TEST_EVENTS_MAX;
    events.truncate(RULE_TEST_EVENTS_MAX);
    events.reverse();
    Ok((events, cut))
}

fn lines(desk: &Desk, findings: &[Finding], events: &[Event]) -> Vec<EventLine> {
    let of = |finding: &Finding| {
        let event = events.iter().find(|event| event.id == finding.event)?;
        Some(EventLine::of(event, &finding.matched, desk.directory.as_ref()))
    };
    findings.iter().take(EVENTS_SHOWN).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use db::testing::sqlite;
    use web::testing::{faults, who};
    use web::{Role, Routes};

    use super::*;
    use crate::testing::{Maker, WEB_SHELL, desk, event_of};

    #[tokio::test]
    async fn the_pages_of_rules_are_sound() {
        let test = sqlite().await;
        let desk = desk(&test, vec![event_of(&Maker::new().finding(-5), "an")]);
        let who = who(Role::Analyst);
        let none = ListQuery { q: "không có".to_owned(), severity: String::new() };
        for query in [ListQuery::default(), none] {
            let page = rule_list(&desk, &who, query).await.unwrap();
            assert_eq!(faults(&page), Vec::<String>::new());
        }
        let page = rule_page(&desk, &who, WEB_SHELL).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(rule_page(&desk, &who, "none").await.is_err());
        for (text, findings) in [("title: x", Some(1)), ("nonsense", None)] {
            let form = TestForm { text: text.to_owned() };
            let page = tried(&desk, &who, form).await.unwrap();
            assert_eq!(page.result.as_ref().map(|result| result.findings), findings);
            assert_eq!(faults(&page), Vec::<String>::new());
        }
        assert!(tried(&desk, &who, TestForm { text: " ".to_owned() }).await.is_err());
    }

    #[tokio::test]
    async fn every_route_has_a_line_of_english() {
        let test = sqlite().await;
        let routes: Routes = crate::routes(desk(&test, Vec::new()));
        assert!(routes.list().len() > 30);
        for route in routes.list() {
            assert!(!route.summary.is_empty(), "{route:?}");
        }
    }
}
