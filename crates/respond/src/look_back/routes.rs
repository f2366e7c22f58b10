//! The pages of looks back.

use std::sync::Arc;

use axum::extract::State;
use chrono::TimeDelta;
use event::lake::Search;
use event::query::Query as LakeQuery;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::Wanted;
use super::views::{AskedRule, LookBackList, LookBackPage, LookBackRow};
use super::{actions, store};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// How far back unless someone says otherwise.
const DAYS: i64 = 30;

/// Returns the routes of looks back.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{AlertHandle, RuleRead};
    Routes::new()
        .get("/look-backs", RuleRead, list)
        .doc("Lists looks back, the newest first")
        .gives::<LookBackList>()
        .post("/look-backs", AlertHandle, ask)
        .doc(
            "Looks for a rule, a rule's text, indicators or all rules in the lake's past, as a job",
        )
        .takes::<NewLookBack>()
        .gives::<LookBackPage>()
        .get("/look-backs/{id}", RuleRead, show)
        .doc("Shows what a look back found")
        .gives::<LookBackPage>()
        .post("/look-backs/{id}/alerts", AlertHandle, make_alerts)
        .doc("Makes alerts of what a look back found")
        .takes::<Chosen>()
}

/// What the list shows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    page: Option<u64>,
    rows: Option<u64>,
    /// The id of a rule: what looking back for it costs is told before it is done.
    rule: String,
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<LookBackList>, AppError> {
    let mut list = listed(&desk, &who, Page { page: query.page, rows: query.rows }).await?;
    if !query.rule.is_empty() {
        list.asked = Some(asked(&desk, &who, query.rule).await?);
    }
    Ok(View::new(list))
}

/// Returns what looking back for a rule costs.
pub(super) async fn asked(desk: &Desk, who: &Who, rule: String) -> Result<AskedRule, RespondError> {
    let (bench, wanted) = (Arc::clone(&desk.bench), Wanted::Rule(rule.clone()));
    let judge = move || bench.judge(&wanted).map(|(title, judge)| (title, judge.needs()));
    let judged = tokio::task::spawn_blocking(judge).await;
    let judged = judged.map_err(|error| RespondError::File(Box::new(error)))?;
    let (title, query) = judged.map_err(|_bad| RespondError::NotFound)?;
    let search = past(desk, query);
    let read = desk.lake.weigh(&who.scope, &search).await.ok();
    Ok(AskedRule { rule, title, read })
}

fn past(desk: &Desk, query: LakeQuery) -> Search {
    let now = desk.db.now();
    Search { query, from: now - TimeDelta::days(DAYS), to: now, limit: 0, after: None }
}

pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    page: Page,
) -> Result<LookBackList, RespondError> {
    let (looks, total) = store::list(desk.db.conn(), &who.scope, page).await?;
    let search = past(desk, LakeQuery::All);
    let counted = desk.lake.histogram(&who.scope, &search, 1).await.ok();
    Ok(LookBackList {
        rows: looks.iter().map(|look| LookBackRow::of(look, desk)).collect(),
        pager: page.pager("/look-backs", "", total),
        cost_events: counted.map(|bars| bars.iter().map(|bar| bar.count).sum()),
        asked: None,
    })
}

/// What to look for in the past: one of a rule's id, its text, indicators, the indicators in force; none
/// is all rules in force.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewLookBack {
    /// The id of a rule in force.
    pub(super) rule: String,
    /// A rule's whole text (Sigma YAML).
    pub(super) text: String,
    /// Indicators, one a line.
    pub(super) indicators: String,
    /// `yes` looks for the indicators in force.
    pub(super) feeds: String,
    /// How many days back; 30 unless given.
    pub(super) days: Option<i64>,
}

impl NewLookBack {
    pub(super) fn wanted(self) -> Wanted {
        if !self.rule.is_empty() {
            Wanted::Rule(self.rule)
        } else if !self.text.is_empty() {
            Wanted::Text(self.text)
        } else if !self.indicators.is_empty() {
            Wanted::Indicators(self.indicators)
        } else if self.feeds == "yes" {
            Wanted::Feeds
        } else {
            Wanted::All
        }
    }
}

async fn ask(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<NewLookBack>,
) -> Result<Done, AppError> {
    let days = form.days.unwrap_or(DAYS);
    let look = actions::ask(&desk, &Handler::from(&who), form.wanted(), days).await?;
    let page = shown(&desk, &who, look.id, Page::default()).await?;
    Ok(done(format!("/look-backs/{}", look.id))
        .made()
        .notice(Phrase::key("look-back-notice-asked"))
        .view(page))
}

async fn show(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<View<LookBackPage>, AppError> {
    Ok(View::new(shown(&desk, &who, id, page).await?))
}

pub(super) async fn shown(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    page: Page,
) -> Result<LookBackPage, RespondError> {
    let look = store::get(desk.db.conn(), &who.scope, id).await?;
    let (kept, total) = store::found(desk.db.conn(), &who.scope, id, page).await?;
    let pager = page.pager(&format!("/look-backs/{id}"), "", total);
    Ok(LookBackPage::of(&look, kept, pager, desk))
}

/// Which findings become alerts.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Chosen {
    /// Their numbers in the list.
    numbers: Vec<i64>,
    /// `yes` takes all of them.
    all: String,
}

async fn make_alerts(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(chosen): Body<Chosen>,
) -> Result<Done, AppError> {
    let numbers = (chosen.all != "yes").then_some(chosen.numbers.as_slice());
    let handler = Handler::from(&who);
    let received = actions::make_alerts(&desk, &handler, id, numbers).await?;
    let made = received.fresh.len() as u64;
    Ok(done(format!("/look-backs/{id}"))
        .notice(Phrase::key("look-back-notice-alerts").arg("count", made)))
}
