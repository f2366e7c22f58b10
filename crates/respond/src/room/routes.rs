//! The room's pages and the presses on them.

use axum::extract::State;
use axum::response::Response;
use event::{AccountId, AlertId, IncidentId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, By, Done, Path, Permission, Phrase, Routes, View, Who, done};

use super::actions::{self, NewSearch};
use super::model::NewTask;
use super::views::{ClosingPage, IncidentAlertsPage, ObservablesPage};
use super::{kin, pages, store, watch};
use crate::actor::Handler;
use crate::alert::AssignForm;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::incident::{self, moment};

/// Returns the routes of the room.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentJoin, IncidentRead, IndicatorChange};
    Routes::new()
        .get("/incidents/{id}/observables", IncidentRead, observables)
        .doc("Shows the observables and linked searches of an incident")
        .gives::<ObservablesPage>()
        .get("/incidents/{id}/observables/list", IncidentRead, list)
        .doc("Returns the observables as a list that `indicators.folders` reads")
        .post("/incidents/{id}/observables", IncidentJoin, observe)
        .doc("Adds the observables of a text, defanged or not")
        .takes::<ObserveForm>()
        .post("/incidents/{id}/observables/{observable}/remove", IncidentHandle, unobserve)
        .doc("Takes an observable away")
        .post("/incidents/{id}/observables/watch", IndicatorChange, watch_all)
        .doc("Puts all observables on the list of indicators that may stand there")
        .post("/incidents/{id}/observables/{observable}/watch", IndicatorChange, watch_one)
        .doc("Puts an observable on the list of indicators, or says why not")
        .post("/incidents/{id}/searches", IncidentHandle, link_search)
        .doc("Links a search")
        .takes::<SearchForm>()
        .post("/incidents/{id}/searches/{search}/remove", IncidentHandle, unlink_search)
        .doc("Takes a linked search away")
        .post("/incidents/{id}/tasks", IncidentHandle, add_task)
        .doc("Gives a task")
        .takes::<TaskForm>()
        .post("/incidents/{id}/tasks/{task}/done", IncidentJoin, task_done)
        .doc("Ticks a task off: one's own, or any for who handles the incident")
        .post("/incidents/{id}/tasks/{task}/reopen", IncidentJoin, task_reopen)
        .doc("Opens a task again")
        .post("/incidents/{id}/comments", IncidentJoin, comment)
        .doc("Says something; who is named with @ is told")
        .takes::<CommentForm>()
        .get("/incidents/{id}/alerts", IncidentRead, alerts)
        .doc("Shows the alerts of an incident and of those merged into it")
        .gives::<IncidentAlertsPage>()
        .post("/incidents/{id}/merge", IncidentHandle, merge)
        .doc("Merges an incident into another of the same agency")
        .takes::<MergeForm>()
        .post("/incidents/{id}/merge/undo", IncidentHandle, undo_merge)
        .doc("Undoes the merge of an incident")
        .takes::<ReasonForm>()
        .post("/incidents/{id}/split", IncidentHandle, split)
        .doc("Splits alerts off into an incident of their own")
        .takes::<SplitForm>()
        .get("/incidents/{id}/closing", IncidentRead, closing)
        .doc("Shows what an incident leaves behind, or asks for it")
        .gives::<ClosingPage>()
}

async fn observables(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<ObservablesPage>, AppError> {
    Ok(View::new(pages::observables(&desk, &who, id).await?))
}

async fn alerts(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<IncidentAlertsPage>, AppError> {
    Ok(View::new(pages::alerts(&desk, &who, id).await?))
}

async fn closing(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<ClosingPage>, AppError> {
    Ok(View::new(pages::closing(&desk, &who, id).await?))
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<Response, AppError> {
    Ok(listed(&desk, &who, id).await?)
}

/// Returns the observables live, one a line, with where they come from.
pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<Response, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let mut text = format!("# {}\n", incident.number);
    for one in store::observables(conn, &family).await? {
        text.push_str(&one.observable.value);
        text.push('\n');
    }
    let name = incident.number.to_lowercase();
    file::answer(&name, "txt", "text/plain; charset=utf-8", text.into_bytes())
}

/// Observables as people write them down.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ObserveForm {
    /// Addresses, domains, URLs, hashes, mail addresses; parted by spaces, commas or line ends.
    text: String,
    /// What there is to say of them.
    note: String,
}

async fn observe(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<ObserveForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    let taken = actions::observe(&desk, &handler, id, &form.text, &form.note).await?;
    let notice = Phrase::key("room-done-observed")
        .arg("new", taken.new)
        .arg("standing", taken.standing)
        .arg("other", taken.other.len());
    Ok(done(format!("/incidents/{id}/observables")).notice(notice))
}

async fn unobserve(
    State(desk): State<Desk>,
    who: Who,
    Path((id, observable)): Path<(IncidentId, Uuid)>,
) -> Result<Done, AppError> {
    actions::remove_observable(&desk, &Handler::from(&who), (id, observable)).await?;
    let to = format!("/incidents/{id}/observables");
    Ok(done(to).notice(Phrase::key("room-done-removed")))
}

async fn watch_all(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<Done, AppError> {
    let watched = watch::all(&desk, &Handler::from(&who), id).await?;
    Ok(done(format!("/incidents/{id}/observables")).notice(watched.notice()))
}

async fn watch_one(
    State(desk): State<Desk>,
    who: Who,
    Path((id, observable)): Path<(IncidentId, Uuid)>,
) -> Result<Done, AppError> {
    let to = format!("/incidents/{id}/observables");
    match watch::one(&desk, &Handler::from(&who), (id, observable)).await {
        Ok(watched) => Ok(done(to).notice(watched.notice())),
        // A person stays in the room and reads why; a program gets the field.
        Err(RespondError::Told { phrase, .. }) if who.by != By::Token => {
            Ok(done(to).notice(phrase))
        }
        Err(error) => Err(error.into()),
    }
}

/// A search to be linked.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SearchForm {
    /// What it is called; empty takes the line.
    name: String,
    /// The query line; empty is everything.
    line: String,
    /// From when on (Vietnam's clock, `2026-11-22T14:05`); empty: an hour before the incident happened.
    from: String,
    /// Until when; empty is now.
    to: String,
}

async fn link_search(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<SearchForm>,
) -> Result<Done, AppError> {
    let incident = incident::get(desk.db.conn(), &who.scope, id).await?;
    let began = incident.occurred_at.unwrap_or(incident.detected_at) - chrono::TimeDelta::hours(1);
    let from = moment(&form.from)?.unwrap_or(began);
    let to = moment(&form.to)?.unwrap_or(desk.db.now());
    let search = NewSearch { name: form.name, line: form.line, span: (from, to) };
    actions::link_search(&desk, &Handler::from(&who), id, search).await?;
    let to = format!("/incidents/{id}/observables#searches");
    Ok(done(to).notice(Phrase::key("room-done-search")))
}

async fn unlink_search(
    State(desk): State<Desk>,
    who: Who,
    Path((id, search)): Path<(IncidentId, Uuid)>,
) -> Result<Done, AppError> {
    actions::remove_search(&desk, &Handler::from(&who), (id, search)).await?;
    let to = format!("/incidents/{id}/observables#searches");
    Ok(done(to).notice(Phrase::key("room-done-removed")))
}

/// A task.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TaskForm {
    /// What is to be done.
    title: String,
    /// By whom: an account's id, or `me`; empty is whoever comes first.
    assignee: String,
    /// Until when (Vietnam's clock, `2026-11-22T14:05`).
    due: String,
}

async fn add_task(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<TaskForm>,
) -> Result<Done, AppError> {
    let assignee = AssignForm { assignee: form.assignee }.account(&who)?;
    let new = NewTask { title: form.title, assignee, due_at: moment(&form.due)? };
    actions::add_task(&desk, &Handler::from(&who), id, &new).await?;
    Ok(done(format!("/incidents/{id}#tasks")).notice(Phrase::key("room-done-task")))
}

async fn task_done(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
) -> Result<Done, AppError> {
    set_task(&desk, &who, ids, true).await?;
    Ok(done(format!("/incidents/{}#tasks", ids.0)).notice(Phrase::key("room-done-task-done")))
}

async fn task_reopen(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
) -> Result<Done, AppError> {
    set_task(&desk, &who, ids, false).await?;
    Ok(done(format!("/incidents/{}#tasks", ids.0)).notice(Phrase::key("room-done-task-open")))
}

async fn set_task(
    desk: &Desk,
    who: &Who,
    ids: (IncidentId, Uuid),
    is_done: bool,
) -> Result<(), RespondError> {
    let handles = who.may(Permission::IncidentHandle);
    actions::set_task(desk, &Handler::from(who), ids, is_done, handles).await
}

/// What someone says.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct CommentForm {
    /// Their words; `@` and a name calls someone.
    text: String,
    /// The accounts of others to be called.
    mention: Vec<String>,
}

async fn comment(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<CommentForm>,
) -> Result<Done, AppError> {
    let named: Vec<AccountId> = form.mention.iter().filter_map(|id| id.parse().ok()).collect();
    actions::comment(&desk, &Handler::from(&who), id, &form.text, &named).await?;
    Ok(done(format!("/incidents/{id}#comments")).notice(Phrase::key("room-done-comment")))
}

/// Into what an incident is merged.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct MergeForm {
    /// The number of the one that stays: `SC-2026-0042`.
    into: String,
    /// Why.
    reason: String,
}

async fn merge(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<MergeForm>,
) -> Result<Done, AppError> {
    let into = kin::merge(&desk, &Handler::from(&who), id, &form.into, &form.reason).await?;
    Ok(done(format!("/incidents/{into}")).notice(Phrase::key("room-done-merged")))
}

/// Why.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ReasonForm {
    /// Why.
    reason: String,
}

async fn undo_merge(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<ReasonForm>,
) -> Result<Done, AppError> {
    kin::undo_merge(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("room-done-merge-undone")))
}

/// Which alerts become an incident of their own.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SplitForm {
    /// The alerts' ids.
    alert: Vec<String>,
    /// What happened; empty takes the worst alert's title.
    title: String,
    /// Why.
    reason: String,
}

async fn split(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<SplitForm>,
) -> Result<Done, AppError> {
    let ids: Result<Vec<AlertId>, _> = form.alert.iter().map(|id| id.parse()).collect();
    let Ok(mut ids) = ids else {
        return Err(AppError::invalid("alert", Phrase::key("incident-error-alerts")));
    };
    ids.sort();
    ids.dedup();
    let words = (form.title.as_str(), form.reason.as_str());
    let new = kin::split(&desk, &Handler::from(&who), id, &ids, words).await?;
    let notice = Phrase::key("room-done-split").arg("number", new.number);
    Ok(done(format!("/incidents/{}", new.id)).made().notice(notice))
}
