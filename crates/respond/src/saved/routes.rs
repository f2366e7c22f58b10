//! The pages of saved searches.

use axum::extract::State;
use chrono::TimeDelta;
use event::Severity;
use event::query::ParseError;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::{Draft, DraftError, Plan, Saved, Share};
use super::views::{Filled, RunRow, SavedForm, SavedList, SavedPage, SavedRow};
use super::{actions, store};
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;

/// Windows on a search's page.
const RUNS_SHOWN: u64 = 100;

/// Returns the routes of saved searches.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{EventSearch, SearchKeep};
    Routes::new()
        .get("/searches", EventSearch, list)
        .doc("Lists one's own saved searches and those that are shared, by name")
        .gives::<SavedList>()
        .get("/searches/new", SearchKeep, form)
        .doc("Shows the form that saves a search")
        .gives::<SavedForm>()
        .post("/searches", SearchKeep, keep)
        .doc("Saves a search")
        .takes::<NewSearch>()
        .get("/searches/{id}", EventSearch, show)
        .doc("Shows a saved search and what came of its windows")
        .gives::<SavedPage>()
        .post("/searches/{id}", SearchKeep, change)
        .doc("Changes one's own saved search")
        .takes::<NewSearch>()
        .post("/searches/{id}/delete", SearchKeep, delete)
        .doc("Deletes a saved search with what came of its windows; its alerts stay")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    page: Option<u64>,
    rows: Option<u64>,
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<SavedList>, AppError> {
    Ok(View::new(listed(&desk, &who, Page { page: query.page, rows: query.rows }).await?))
}

pub(super) async fn listed(desk: &Desk, who: &Who, page: Page) -> Result<SavedList, RespondError> {
    let (found, total) = store::list(desk.db.conn(), who, page).await?;
    Ok(SavedList {
        searches: found.iter().map(|saved| SavedRow::of(saved, desk, who)).collect(),
        pager: page.pager("/searches", "", total),
    })
}

/// What the form begins with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct FormQuery {
    q: String,
    range: String,
}

async fn form(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<FormQuery>,
) -> View<SavedForm> {
    let filled = Filled {
        action: "/searches".to_owned(),
        name: String::new(),
        about: String::new(),
        line: query.q,
        span: query.range,
        share: Share::Own,
        plan: None,
    };
    View::new(SavedForm::of(filled, &desk, &who))
}

async fn show(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<SavedPage>, AppError> {
    Ok(View::new(shown(&desk, &who, id).await?))
}

pub(super) async fn shown(desk: &Desk, who: &Who, id: Uuid) -> Result<SavedPage, RespondError> {
    let saved = store::get(desk.db.conn(), who, id).await?;
    let runs = store::runs(desk.db.conn(), id, RUNS_SHOWN).await?;
    let is_own = saved.owner == who.account;
    let keeps = who.may(Permission::SearchKeep);
    let alerts = Address::of("/alerts").with("state", "all").with("rule", saved.rule());
    // How often the owner's question matched tells others of events that they may not see.
    let sees_figures = is_own || who.scope.visible().is_none();
    Ok(SavedPage {
        search: SavedRow::of(&saved, desk, who),
        runs: if sees_figures {
            runs.iter().map(|run| RunRow::of(run, &saved)).collect()
        } else {
            Vec::new()
        },
        alerts: alerts.to_string(),
        form: (is_own && keeps).then(|| SavedForm::of(filled(&saved), desk, who)),
        may_delete: keeps && (is_own || who.may(Permission::PlatformChange)),
    })
}

fn filled(saved: &Saved) -> Filled {
    Filled {
        action: format!("/searches/{}", saved.id),
        name: saved.name.clone(),
        about: saved.about.clone(),
        line: saved.line.clone(),
        span: saved.span.clone(),
        share: saved.share,
        plan: saved.plan,
    }
}

/// A search to be saved.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewSearch {
    /// What it is called.
    pub(super) name: String,
    /// What it is for; may be empty.
    pub(super) about: String,
    /// The query line; empty is every event.
    pub(super) line: String,
    /// The span of time it opens with: `15m`, `1h`, `4h`, `24h`, `7d`, `30d`; empty is a day.
    pub(super) span: String,
    /// Who finds it: `own`, `agency` or `all`; empty is `own`.
    pub(super) share: String,
    /// The agency it is shared with, when `share` is `agency`.
    pub(super) agency: String,
    /// How often it runs by itself, in minutes: 1, 5, 15, 60, 360 or 1440; 0 not at all.
    pub(super) every: i64,
    /// An alert is raised when more events, or rows, than this are found.
    pub(super) above: u64,
    /// How bad the alert is; empty is `medium`.
    pub(super) severity: String,
}

impl NewSearch {
    pub(super) fn draft(&self) -> Result<Draft, AppError> {
        let share = match self.share.as_str() {
            "" | "own" => Share::Own,
            "all" => Share::All,
            "agency" => Share::Agency(
                self.agency
                    .parse()
                    .map_err(|_| AppError::invalid("agency", Phrase::key("saved-error-agency")))?,
            ),
            _ => return Err(AppError::invalid("share", Phrase::key("saved-error-share"))),
        };
        let severity = match self.severity.as_str() {
            "" => Severity::Medium,
            word => Severity::from_word(word).ok_or_else(|| {
                AppError::invalid("severity", Phrase::key("saved-error-severity"))
            })?,
        };
        let plan = (self.every != 0).then(|| Plan {
            every: TimeDelta::minutes(self.every.clamp(-1, 100_000)),
            above: self.above,
            severity,
        });
        Ok(Draft {
            name: self.name.trim().to_owned(),
            about: self.about.trim().to_owned(),
            line: self.line.trim().to_owned(),
            span: if self.span.is_empty() { "24h".to_owned() } else { self.span.clone() },
            share,
            plan,
        })
    }
}

/// Tells where the line is wrong in the reader's words, as the search itself does.
fn told(error: RespondError, who: &Who) -> AppError {
    match error {
        RespondError::Draft(DraftError::Line(wrong)) => line_error(&wrong, who),
        error => error.into(),
    }
}

fn line_error(wrong: &ParseError, who: &Who) -> AppError {
    let why = crate::search::why(wrong, who.lang);
    let phrase = Phrase::key("search-error-at").arg("column", wrong.column).arg("why", why);
    AppError::invalid("line", phrase)
}

async fn keep(
    State(desk): State<Desk>,
    who: Who,
    Body(new): Body<NewSearch>,
) -> Result<Done, AppError> {
    let kept = actions::keep(&desk, &who, new.draft()?).await;
    let saved = kept.map_err(|error| told(error, &who))?;
    let page = format!("/searches/{}", saved.id);
    Ok(done(page).made().notice(Phrase::key("saved-done-kept")))
}

async fn change(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(new): Body<NewSearch>,
) -> Result<Done, AppError> {
    let changed = actions::change(&desk, &who, id, new.draft()?).await;
    changed.map_err(|error| told(error, &who))?;
    Ok(done(format!("/searches/{id}")).notice(Phrase::key("saved-done-changed")))
}

async fn delete(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::delete(&desk, &who, id).await?;
    Ok(done("/searches").notice(Phrase::key("saved-done-deleted")))
}
