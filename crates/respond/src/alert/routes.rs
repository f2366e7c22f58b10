//! The pages of alerts and the presses on them.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use event::{AccountId, AlertId, Level, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::export::{self, Format};
use super::model::{Closure, Step};
use super::store::{AlertFilter, AlertOrder, StateFilter};
use super::views::{AlertList, AlertPage};
use super::{actions, pages};
use crate::actor::Handler;
use crate::address::Address;
use crate::desk::Desk;

/// Returns the routes of alerts.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{AlertHandle, AlertRead};
    Routes::new()
        .get("/alerts", AlertRead, list)
        .doc("Lists alerts, the worst open ones first")
        .gives::<AlertList>()
        .get("/alerts/export.csv", AlertRead, export_csv)
        .doc("Returns the filtered alerts as CSV")
        .get("/alerts/export.xlsx", AlertRead, export_xlsx)
        .doc("Returns the filtered alerts as a spreadsheet")
        .post("/alerts/bulk", AlertHandle, bulk)
        .doc("Takes the same step with many alerts")
        .takes::<BulkForm>()
        .get("/alerts/{id}", AlertRead, detail)
        .doc("Shows one alert with its events, its system and what to do first")
        .gives::<AlertPage>()
        .post("/alerts/{id}/acknowledge", AlertHandle, acknowledge)
        .doc("Says that someone has seen it")
        .post("/alerts/{id}/start", AlertHandle, start)
        .doc("Says that someone works on it")
        .post("/alerts/{id}/close", AlertHandle, close)
        .doc("Closes it, with the reason")
        .takes::<CloseForm>()
        .post("/alerts/{id}/reopen", AlertHandle, reopen)
        .doc("Opens it again")
        .post("/alerts/{id}/snooze", AlertHandle, snooze)
        .doc("Puts it aside for some hours; it comes back by itself")
        .takes::<SnoozeForm>()
        .post("/alerts/{id}/assign", AlertHandle, assign)
        .doc("Gives it to someone, or to nobody")
        .takes::<AssignForm>()
        .post("/alerts/{id}/comment", AlertHandle, comment)
        .doc("Writes a comment under it")
        .takes::<CommentForm>()
}

/// What the list is filtered by, as it stands in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    pub(crate) state: String,
    pub(crate) severity: String,
    pub(crate) level: Option<u8>,
    pub(crate) agency: String,
    pub(crate) system: String,
    pub(crate) rule: String,
    pub(crate) entity: String,
    pub(crate) incident: String,
    pub(crate) mine: bool,
    pub(crate) q: String,
    pub(crate) order: String,
    /// The saved view that it comes from.
    pub(crate) view: String,
    pub(crate) page: Option<u64>,
    pub(crate) rows: Option<u64>,
}

impl ListQuery {
    /// Returns the filter. A word that is none is ignored, an id that is none finds nothing.
    pub(crate) fn filter(&self, who: &Who, now: DateTime<Utc>) -> AlertFilter {
        AlertFilter {
            state: match self.state.as_str() {
                "all" => StateFilter::All,
                "snoozed" => StateFilter::Asleep(now),
                word => super::model::STATES
                    .into_iter()
                    .find(|state| *state == word)
                    .map_or(StateFilter::Awake(now), StateFilter::Is),
            },
            severity: Severity::from_word(&self.severity),
            level_min: self.level.and_then(Level::new),
            agency: self.agency.parse().ok(),
            system: self.system.parse().ok(),
            rule: Some(self.rule.clone()).filter(|rule| !rule.is_empty()),
            assignee: self.mine.then_some(who.account),
            incidents: self.incident.split(',').filter_map(|id| id.parse().ok()).collect(),
            entity: Some(self.entity.clone()).filter(|entity| !entity.is_empty()),
            text: self.q.clone(),
            since: None,
        }
    }

    pub(crate) fn sorted(&self) -> AlertOrder {
        match self.order.as_str() {
            "newest" => AlertOrder::Newest,
            "oldest" => AlertOrder::Oldest,
            _ => AlertOrder::Worst,
        }
    }

    pub(crate) const fn paging(&self) -> Page {
        Page { page: self.page, rows: self.rows }
    }

    /// Returns the address of the list with this filter, without a page.
    pub(crate) fn address(&self, path: &str) -> Address {
        Address::of(path)
            .with("state", &self.state)
            .with("severity", &self.severity)
            .maybe("level", self.level)
            .with("agency", &self.agency)
            .with("system", &self.system)
            .with("rule", &self.rule)
            .with("entity", &self.entity)
            .with("incident", &self.incident)
            .maybe("mine", self.mine.then_some("true"))
            .with("q", &self.q)
            .with("order", &self.order)
            .maybe("rows", self.rows)
    }
}

/// Returns a filter of the list in its one form: what the list knows, in its order. Nothing when it cannot
/// be read.
pub(crate) fn normal_query(query: &str) -> Option<String> {
    let read: ListQuery = serde_html_form::from_str(query).ok()?;
    Some(ListQuery { rows: None, ..read }.address("").query())
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<AlertList>, AppError> {
    let query = pages::opened(&desk, &who, query).await?;
    Ok(View::new(pages::list(&desk, &who, &query).await?))
}

async fn detail(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
) -> Result<View<AlertPage>, AppError> {
    Ok(View::new(pages::detail(&desk, &who, id).await?))
}

async fn export_csv(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(export::alerts(&desk, &who, &query, Format::Csv).await?)
}

async fn export_xlsx(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(export::alerts(&desk, &who, &query, Format::Xlsx).await?)
}

async fn acknowledge(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
) -> Result<Done, AppError> {
    take(&desk, &who, id, Step::Acknowledge, Phrase::key("alert-done-acknowledged")).await
}

async fn start(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
) -> Result<Done, AppError> {
    take(&desk, &who, id, Step::Start, Phrase::key("alert-done-started")).await
}

async fn reopen(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
) -> Result<Done, AppError> {
    take(&desk, &who, id, Step::Reopen, Phrase::key("alert-done-reopened")).await
}

/// How an alert is closed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseForm {
    /// `resolved`, `false` or `duplicate`.
    pub(crate) outcome: String,
    /// What was done, or "false because …", or the other alert's number.
    #[serde(default)]
    pub(crate) reason: String,
}

async fn close(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
    Body(form): Body<CloseForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    let closure = actions::closure(&desk, &handler, &form.outcome, &form.reason).await?;
    take(&desk, &who, id, Step::Close(closure), Phrase::key("alert-done-closed")).await
}

/// For how long an alert is put aside.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SnoozeForm {
    /// Hours: at least one, at most thirty days.
    hours: i64,
}

async fn snooze(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
    Body(form): Body<SnoozeForm>,
) -> Result<Done, AppError> {
    let came = actions::snooze(&desk, &Handler::from(&who), &[id], form.hours).await?;
    if came.done == 0 {
        // One that is not there, or not for this reader, is not found; one that is closed is told so.
        crate::alert::get(desk.db.conn(), &who.scope, id).await?;
        return Err(AppError::Conflict(Phrase::key("alert-error-state")));
    }
    let notice = Phrase::key("alert-done-snoozed").arg("done", came.done).arg("skipped", 0_u64);
    Ok(done("/alerts").notice(notice))
}

async fn take(
    desk: &Desk,
    who: &Who,
    id: AlertId,
    step: Step,
    notice: Phrase,
) -> Result<Done, AppError> {
    let alert = actions::step(desk, &Handler::from(who), id, step).await?;
    Ok(done(format!("/alerts/{id}")).notice(notice.arg("number", alert.number)))
}

/// Who is to have an alert or an incident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignForm {
    /// The account's id, `me`, or nothing for nobody.
    #[serde(default)]
    pub(crate) assignee: String,
}

impl AssignForm {
    /// Returns the account that is meant.
    ///
    /// # Errors
    /// When it is no account's id.
    pub(crate) fn account(&self, who: &Who) -> Result<Option<AccountId>, AppError> {
        match self.assignee.as_str() {
            "" => Ok(None),
            "me" => Ok(Some(who.account)),
            id => match id.parse() {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(AppError::invalid("assignee", Phrase::key("alert-error-assignee"))),
            },
        }
    }
}

async fn assign(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
    Body(form): Body<AssignForm>,
) -> Result<Done, AppError> {
    let to = form.account(&who)?;
    let alert = actions::assign(&desk, &Handler::from(&who), id, to).await?;
    let notice = Phrase::key("alert-done-assigned").arg("number", alert.number);
    Ok(done(format!("/alerts/{id}")).notice(notice))
}

/// A comment.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentForm {
    /// Its words.
    #[serde(default)]
    pub(crate) text: String,
}

async fn comment(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<AlertId>,
    Body(form): Body<CommentForm>,
) -> Result<Done, AppError> {
    actions::comment(&desk, &Handler::from(&who), id, &form.text).await?;
    Ok(done(format!("/alerts/{id}#history")).notice(Phrase::key("alert-done-commented")))
}

/// The same step for many alerts.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkForm {
    /// The alerts' ids.
    #[serde(default)]
    pub(crate) alert: Vec<String>,
    /// `acknowledge`, `start`, `snooze`, `resolved`, `false`, `duplicate` or `incident`.
    #[serde(default)]
    pub(crate) action: String,
    /// The reason, for closing.
    #[serde(default)]
    pub(crate) reason: String,
    /// For how many hours to put them aside; a day unless given.
    #[serde(default)]
    pub(crate) hours: Option<i64>,
}

impl BulkForm {
    pub(crate) fn ids(&self) -> Result<Vec<AlertId>, AppError> {
        let ids: Result<Vec<AlertId>, _> = self.alert.iter().map(|id| id.parse()).collect();
        ids.map_err(|_| AppError::invalid("alert", Phrase::key("alert-error-selection")))
    }
}

async fn bulk(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<BulkForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    let ids = form.ids()?;
    if form.action == "incident" {
        who.require(Permission::IncidentHandle)?;
        let incident = crate::incident::open(&desk, &handler, &ids, None).await?;
        let notice = Phrase::key("incident-done-opened").arg("number", incident.number);
        return Ok(done(format!("/incidents/{}", incident.id)).made().notice(notice));
    }
    if form.action == "snooze" {
        let hours = form.hours.unwrap_or(24);
        let came = actions::snooze(&desk, &handler, &ids, hours).await?;
        let notice =
            Phrase::key("alert-done-snoozed").arg("done", came.done).arg("skipped", came.skipped);
        return Ok(done("/alerts").notice(notice));
    }
    let step = match form.action.as_str() {
        "acknowledge" => Step::Acknowledge,
        "start" => Step::Start,
        outcome => {
            let closure: Closure = actions::closure(&desk, &handler, outcome, &form.reason).await?;
            Step::Close(closure)
        }
    };
    let came = actions::step_many(&desk, &handler, &ids, &step).await?;
    let notice = Phrase::key("alert-done-many").arg("done", came.done).arg("skipped", came.skipped);
    Ok(done("/alerts").notice(notice))
}
