//! The pages of rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use event::lake::Search;
use event::query::Query as LakeQuery;
use event::{Event, Finding, Scope, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{AppError, Body, Path, Permission, Phrase, Query, Routes, View, Who};

use super::attack::{self, AttackPage};
use super::baseline::{self, BaselinePage};
use super::coverage::{self, CoverageFilter, CoveragePage, CoverageRow, SourceCoverage};
use super::seen::{self, Arrived, LookBack};
use super::switch::{self, SwitchForm};
use super::views::{RuleList, RulePage, RuleRow, RuleTest, RuleTestResult, fits};
use super::{BadRule, RuleCard};
use crate::actor::Handler;
use crate::alert::{self, Choice};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::EventLine;
use crate::file::Format;
use crate::limits::{EVENTS_PER_EXPORT_PAGE, EVENTS_SHOWN, RULE_CHARS_MAX, RULE_TEST_EVENTS_MAX};

/// Returns the routes of rules.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{EventSearch, RuleChange, RuleRead};
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
        .get("/rules/coverage", RuleRead, coverage)
        .doc("Tells which rules can fire with the logs of the past day (`range`: also `7d`, `30d`), and what the others lack")
        .gives::<CoveragePage>()
        .get("/rules/coverage.csv", RuleRead, coverage_csv)
        .doc("Gives the same list as CSV")
        .get("/rules/coverage.xlsx", RuleRead, coverage_xlsx)
        .doc("Gives the same list as an Excel file")
        .get("/rules/attack", RuleRead, attack_matrix)
        .doc("Tells for each ATT&CK technique which loaded rules look for it and can fire (`range` as for coverage)")
        .gives::<AttackPage>()
        .get("/rules/attack/layer.json", RuleRead, attack_layer)
        .doc("Gives the same as a layer for the ATT&CK Navigator")
        .get("/rules/baselines", RuleRead, baseline::page)
        .doc("Tells how far each baseline has learned each log source")
        .gives::<BaselinePage>()
        .post("/rules/baselines", RuleChange, switch::switch)
        .doc("Switches a baseline on or off for one log source, or back to the configuration")
        .takes::<SwitchForm>()
        .get("/rules/baselines.csv", RuleRead, baseline::csv)
        .doc("Gives the same list as CSV")
        .get("/rules/baselines.xlsx", RuleRead, baseline::xlsx)
        .doc("Gives the same list as an Excel file")
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

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct CoverageQuery {
    q: String,
    status: String,
    tactic: String,
    technique: String,
    source: String,
    /// `24h`, `7d` or `30d`; empty is a day.
    range: String,
}

impl CoverageQuery {
    fn filter(self) -> Result<CoverageFilter, AppError> {
        let Self { q, status, tactic, technique, source, range } = self;
        let technique = technique.trim().to_ascii_uppercase();
        let back = LookBack::asked(&range)?;
        Ok(CoverageFilter { status, tactic, technique, source, text: q, back })
    }
}

async fn coverage(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<CoverageQuery>,
) -> Result<View<CoveragePage>, AppError> {
    Ok(View::new(covered(&desk, &who, query.filter()?).await?))
}

async fn coverage_csv(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<CoverageQuery>,
) -> Result<Response, AppError> {
    coverage_file(&desk, &who, query, Format::Csv).await
}

async fn coverage_xlsx(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<CoverageQuery>,
) -> Result<Response, AppError> {
    coverage_file(&desk, &who, query, Format::Xlsx).await
}

async fn coverage_file(
    desk: &Desk,
    who: &Who,
    query: CoverageQuery,
    format: Format,
) -> Result<Response, AppError> {
    let page = covered(desk, who, query.filter()?).await?;
    Ok(crate::file::table("coverage", &coverage::sheet(&page.rules, who), format)?)
}

async fn covered(desk: &Desk, who: &Who, filter: CoverageFilter) -> Result<CoveragePage, AppError> {
    let Judged { rows, sources, partial } = judged(desk, who, filter.back).await?;
    Ok(coverage::page(rows, sources, &filter, who, (coverage::refused(&desk.rules.bad()), partial)))
}

/// All rules with whether they can fire.
struct Judged {
    rows: Vec<CoverageRow>,
    sources: Vec<SourceCoverage>,
    partial: bool,
}

/// Holds the rules against the logs that arrived.
async fn judged(desk: &Desk, who: &Who, back: LookBack) -> Result<Judged, AppError> {
    let Arrived { examples, partial } =
        seen::arrived(desk, &who.scope, desk.db.now(), back).await?;
    let rules = Arc::clone(&desk.rules);
    let work = move || {
        let readiness = rules.coverage(&examples);
        (rules.rules(), readiness, examples)
    };
    let (cards, readiness, examples) =
        tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?;
    let name = |id| desk.directory.source_name(id).unwrap_or_default();
    let sources = coverage::by_source(&examples, &readiness, back, &name);
    Ok(Judged { rows: coverage::rows(cards, readiness, &name), sources, partial })
}

/// Over which time the matrix is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct AttackQuery {
    /// `24h`, `7d` or `30d`; empty is a day.
    range: String,
}

async fn attack_matrix(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<AttackQuery>,
) -> Result<View<AttackPage>, AppError> {
    let back = LookBack::asked(&query.range)?;
    Ok(View::new(matrix(&desk, &who, back).await?))
}

async fn matrix(desk: &Desk, who: &Who, back: LookBack) -> Result<AttackPage, AppError> {
    let Judged { rows, partial, .. } = judged(desk, who, back).await?;
    Ok(attack::page(&rows, partial, back, who.lang))
}

async fn attack_layer(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<AttackQuery>,
) -> Result<Response, AppError> {
    let rows = judged(&desk, &who, LookBack::asked(&query.range)?).await?.rows;
    let rules = rows.iter().map(|row| (&row.tags[..], row.status == "can_fire"));
    let layer = attack::navigator_layer("Lũy Tre", rules);
    let bytes = serde_json::to_vec_pretty(&layer).map_err(AppError::internal)?;
    Ok(crate::file::answer("luytre-attack", "json", "application/json", bytes)?)
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
    async fn the_matrix_of_attack_is_sound_and_its_cells_open_their_rules() {
        let test = sqlite().await;
        let seen = desk(&test, vec![event_of(&Maker::new().finding(-5), "an")]);
        let who = who(Role::Analyst);
        let page = matrix(&seen, &who, LookBack::Day).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        let cells = || page.tactics.iter().flat_map(|tactic| &tactic.techniques);
        let counted: Vec<_> = cells().filter(|cell| cell.rules > 0).collect();
        assert!(!counted.is_empty());
        for cell in counted {
            let query = CoverageQuery { technique: cell.id.to_lowercase(), ..Default::default() };
            let list = covered(&seen, &who, query.filter().unwrap()).await.unwrap();
            assert_eq!(list.rules.len() as u64, cell.rules, "{}", cell.id);
        }
        let page = matrix(&seen, &who, LookBack::Month).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        let mut cells = page.tactics.iter().flat_map(|tactic| &tactic.techniques);
        assert!(
            cells.all(|cell| cell.href.starts_with("/rules/coverage?range=30d&")),
            "{:?}",
            page.tactics
        );
    }

    #[tokio::test]
    async fn coverage_looks_back_as_far_as_is_chosen() {
        let test = sqlite().await;
        let days_ago = |days: i64| event_of(&Maker::new().finding(-days * 24 * 60 + 60), "an");
        let who = who(Role::Analyst);
        for (days, firing) in [(1, "24h"), (7, "7d"), (30, "30d"), (31, "")] {
            let desk = desk(&test, vec![days_ago(days)]);
            let mut has_begun = false;
            for range in ["24h", "7d", "30d"] {
                has_begun |= range == firing;
                let query = CoverageQuery { range: range.to_owned(), ..CoverageQuery::default() };
                let page = covered(&desk, &who, query.filter().unwrap()).await.unwrap();
                let want = if has_begun { "can_fire" } else { "log_never_seen" };
                assert_eq!(page.rules[0].status, want, "{days} days, {range}");
                assert_eq!(faults(&page), Vec::<String>::new());
                let chosen: Vec<&str> = page
                    .spans
                    .iter()
                    .filter(|one| one.chosen)
                    .map(|one| one.value.as_str())
                    .collect();
                assert_eq!(chosen, [range]);
                // Whatever is opened from the page is about the same time.
                let kept = if range == "24h" { "" } else { range };
                let keeps = |address: &str| {
                    let found =
                        address.split(['?', '&']).find_map(|own| own.strip_prefix("range="));
                    found.unwrap_or_default() == kept
                };
                assert!(keeps(&page.export) && page.counts.iter().all(|one| keeps(&one.href)));
                assert!(page.sources.iter().all(|one| keeps(&one.href)));
            }
        }
        let query = CoverageQuery { range: "2y".to_owned(), ..CoverageQuery::default() };
        assert!(query.filter().is_err());
    }

    #[tokio::test]
    async fn the_page_of_coverage_is_sound_and_its_numbers_open_their_rows() {
        let test = sqlite().await;
        let seen = desk(&test, vec![event_of(&Maker::new().finding(-5), "an")]);
        let who = who(Role::Analyst);
        let filtered = |query: CoverageQuery| covered(&seen, &who, query.filter().unwrap());
        let page = filtered(CoverageQuery::default()).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new());
        assert_eq!((page.rules.len(), page.rules[0].status), (1, "can_fire"));
        assert_eq!((page.sources.len(), page.sources[0].rules), (1, 1));
        assert_eq!(page.by_tactic.len(), 0, "{:?}", page.by_tactic);
        let source = page.sources[0].name.clone();
        let fitting = [
            (CoverageQuery { status: "can_fire".to_owned(), ..CoverageQuery::default() }, 1),
            (CoverageQuery { status: "log_never_seen".to_owned(), ..CoverageQuery::default() }, 0),
            (CoverageQuery { source, ..CoverageQuery::default() }, 1),
            (CoverageQuery { tactic: "impact".to_owned(), ..CoverageQuery::default() }, 0),
            (CoverageQuery { q: "không có".to_owned(), ..CoverageQuery::default() }, 0),
        ];
        for (query, rules) in fitting {
            let page = filtered(query.clone()).await.unwrap();
            assert_eq!(page.rules.len(), rules, "{query:?}");
            assert_eq!(faults(&page), Vec::<String>::new());
        }
        let silent = desk(&test, Vec::new());
        let page = covered(&silent, &who, CoverageFilter::default()).await.unwrap();
        assert_eq!((page.rules[0].status, page.sources.len()), ("log_never_seen", 0));
        assert_eq!(faults(&page), Vec::<String>::new());
        let sheet = coverage::sheet(&page.rules, &who);
        assert!(sheet.rows[0].contains(&"Cài Sysmon.".to_owned()), "{:?}", sheet.rows);
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
