//! The pages of playbooks and the presses on them.

use axum::extract::State;
use axum::response::Response;
use cacao::Act;
use event::IncidentId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, Upload, View, Who, done};

use super::block::{self, Pressed};
use super::views::{PlaybookList, PlaybookPage, RoomPlaybooksPage};
use super::{actions, pages, run, search, shelf, store};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::{file, incident};

/// Returns the routes of playbooks.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentRead, PlaybookChange, PlaybookRead};
    Routes::new()
        .get("/playbooks", PlaybookRead, list)
        .doc("Lists playbooks")
        .gives::<PlaybookList>()
        .post("/playbooks", PlaybookChange, bring)
        .doc("Brings a CACAO 2.0 playbook in: a form's file, or the body")
        .get("/playbooks/{id}", PlaybookRead, detail)
        .doc("Shows a playbook's steps as people follow them")
        .gives::<PlaybookPage>()
        .get("/playbooks/{id}/document", PlaybookRead, document)
        .doc("Returns the playbook as CACAO 2.0 JSON, to the byte as it came")
        .post("/playbooks/{id}/remove", PlaybookChange, remove)
        .doc("Takes a playbook away that someone brought in")
        .get("/incidents/{id}/playbooks", IncidentRead, in_room)
        .doc("Shows the runs of playbooks in an incident, and which playbooks fit it")
        .gives::<RoomPlaybooksPage>()
        .post("/incidents/{id}/category", IncidentHandle, categorise)
        .doc("Says what kind of incident it is")
        .takes::<CategoryForm>()
        .post("/incidents/{id}/playbooks", IncidentHandle, start)
        .doc("Starts a playbook")
        .takes::<StartForm>()
        .post("/incidents/{id}/playbooks/{run}/answer", IncidentHandle, answer)
        .doc("Answers a question of a run")
        .takes::<AnswerForm>()
        .post("/incidents/{id}/playbooks/{run}/press", IncidentHandle, press)
        .doc("Has the platform do its step: count what a search finds, or ask for the block list")
        .takes::<StepForm>()
        .post("/incidents/{id}/playbooks/{run}/skip", IncidentHandle, skip)
        .doc("Leaves a step of the platform out, with the reason")
        .takes::<SkipForm>()
        .post("/incidents/{id}/playbooks/{run}/abandon", IncidentHandle, abandon)
        .doc("Gives a run up, with the reason")
        .takes::<AbandonForm>()
}

async fn list(State(desk): State<Desk>) -> Result<View<PlaybookList>, AppError> {
    Ok(View::new(pages::list(&desk).await?))
}

async fn detail(
    State(desk): State<Desk>,
    Path(id): Path<Uuid>,
) -> Result<View<PlaybookPage>, AppError> {
    Ok(View::new(pages::detail(&desk, id).await?))
}

async fn document(State(desk): State<Desk>, Path(id): Path<Uuid>) -> Result<Response, AppError> {
    let held = shelf::get(desk.db.conn(), id).await?;
    let name = format!("playbook-{id}");
    Ok(file::answer(&name, "json", "application/json", held.document.into_bytes())?)
}

async fn bring(State(desk): State<Desk>, who: Who, upload: Upload) -> Result<Done, AppError> {
    let id = actions::bring(&desk, &Handler::from(&who), &upload.bytes).await?;
    let notice = Phrase::key("playbook-done-brought");
    Ok(done(format!("/playbooks/{id}")).made().notice(notice))
}

async fn remove(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::remove(&desk, &Handler::from(&who), id).await?;
    Ok(done("/playbooks").notice(Phrase::key("playbook-done-removed")))
}

async fn in_room(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<RoomPlaybooksPage>, AppError> {
    Ok(View::new(pages::in_room(&desk, &who, id).await?))
}

fn told(id: IncidentId, key: &'static str) -> Done {
    done(format!("/incidents/{id}/playbooks")).notice(Phrase::key(key))
}

/// What kind of incident it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct CategoryForm {
    /// `malware`, `intrusion`, `dos`, `leak`, `defacement`, `phishing`, `supplier`, `insider` or `other`.
    category: String,
}

async fn categorise(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<CategoryForm>,
) -> Result<Done, AppError> {
    actions::categorise(&desk, &Handler::from(&who), id, &form.category).await?;
    Ok(told(id, "playbook-done-category"))
}

/// Which playbook is started.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct StartForm {
    /// Its id.
    playbook: String,
}

async fn start(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<StartForm>,
) -> Result<Done, AppError> {
    let Ok(playbook) = form.playbook.parse() else {
        return Err(AppError::invalid("playbook", Phrase::key("playbook-error-none")));
    };
    let handler = Handler::from(&who);
    run::start(&desk, &handler, id, playbook).await?;
    run::follow_up(&desk, &handler, id).await;
    Ok(told(id, "playbook-done-started").made())
}

/// An answer to a question.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct AnswerForm {
    /// The question's step.
    step: String,
    /// `yes`, `no`, or one of a switch's cases.
    answer: String,
}

async fn answer(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
    Body(form): Body<AnswerForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    run::answer(&desk, &handler, ids, (&form.step, &form.answer)).await?;
    run::follow_up(&desk, &handler, ids.0).await;
    Ok(told(ids.0, "playbook-done-answered"))
}

/// A step of a run.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct StepForm {
    /// Its id.
    step: String,
}

async fn press(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
    Body(form): Body<StepForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    let act = act(&desk, &handler, ids, &form.step).await?;
    let key = match act {
        Some(Act::Search(_)) => {
            search::one(&desk, &handler, ids, &form.step).await?;
            "playbook-done-searched"
        }
        Some(Act::Block) => match block::press(&desk, &who, ids, &form.step).await? {
            Pressed::Done => "playbook-done-blocked",
            Pressed::Asked => "playbook-done-asked",
        },
        _ => return Err(AppError::Conflict(Phrase::key("playbook-error-step"))),
    };
    run::follow_up(&desk, &handler, ids.0).await;
    Ok(told(ids.0, key))
}

async fn act(
    desk: &Desk,
    who: &Handler,
    (id, of): (IncidentId, Uuid),
    step: &str,
) -> Result<Option<Act>, RespondError> {
    let conn = desk.db.conn();
    incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    run::act_of(&store::run(conn, &family, of).await?, step)
}

/// A step that is left out.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SkipForm {
    /// Its id.
    step: String,
    /// Why.
    reason: String,
}

async fn skip(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
    Body(form): Body<SkipForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    run::skip(&desk, &handler, ids, (&form.step, &form.reason)).await?;
    run::follow_up(&desk, &handler, ids.0).await;
    Ok(told(ids.0, "playbook-done-skipped"))
}

/// Why a run is given up.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct AbandonForm {
    /// Why.
    reason: String,
}

async fn abandon(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(IncidentId, Uuid)>,
    Body(form): Body<AbandonForm>,
) -> Result<Done, AppError> {
    run::abandon(&desk, &Handler::from(&who), ids, &form.reason).await?;
    Ok(told(ids.0, "playbook-done-abandoned"))
}
