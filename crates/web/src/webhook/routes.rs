//! The addresses of hooks.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use uuid::Uuid;

use super::actions::{self, HookDraft};
use super::views::{HookList, HookPage, HookRow, MessageRow};
use super::{Webhooks, store};
use crate::identity::OncePage;
use crate::paging::Page;
use crate::{
    AppError, Body, By, Done, Path, Permission, Phrase, Query, Routes, View, Who, done, identity,
};

pub(super) fn routes() -> Routes<Webhooks> {
    use Permission::{PlatformChange, PlatformRead};
    Routes::new()
        .get("/webhooks", PlatformRead, list)
        .doc("Lists the programs that are told of changes, and how it goes")
        .gives::<HookList>()
        .post("/webhooks", PlatformChange, make)
        .doc("Lets a program be told of changes; shows the secret that signs once")
        .takes::<HookDraft>()
        .gives::<OncePage>()
        .get("/webhooks/{id}", PlatformRead, show)
        .doc("Shows a hook and what became of its messages")
        .gives::<HookPage>()
        .post("/webhooks/{id}", PlatformChange, change)
        .doc("Changes what a hook is called, where it leads and what it asks for")
        .takes::<HookDraft>()
        .post("/webhooks/{id}/rotate", PlatformChange, rotate)
        .doc("Gives a hook a fresh secret and shows it once")
        .gives::<OncePage>()
        .post("/webhooks/{id}/pause", PlatformChange, pause)
        .doc("Stops a hook; it keeps its place")
        .post("/webhooks/{id}/resume", PlatformChange, resume)
        .doc("Lets a hook go on where it stopped")
        .post("/webhooks/{id}/trial", PlatformChange, try_out)
        .doc("Sends a trial message")
        .post("/webhooks/{id}/pass", PlatformChange, pass)
        .doc("Passes over the message that is not taken")
        .post("/webhooks/{id}/remove", PlatformChange, remove)
        .doc("Removes a hook")
}

async fn page(hooks: &Webhooks, draft: HookDraft) -> Result<HookList, AppError> {
    let last = db::audit::last_seq(hooks.db.conn()).await?;
    let all = store::all(hooks.db.conn()).await?;
    Ok(HookList::new(all.iter().map(|hook| HookRow::of(hook, last)).collect(), draft))
}

async fn list(State(hooks): State<Webhooks>) -> Result<View<HookList>, AppError> {
    Ok(View::new(page(&hooks, HookDraft::default()).await?))
}

async fn make(
    State(hooks): State<Webhooks>,
    who: Who,
    Body(draft): Body<HookDraft>,
) -> Result<Response, AppError> {
    match actions::make(&hooks, &who, &draft).await {
        Ok(hook) => Ok(shown(hook.secret, hook.id).status(StatusCode::CREATED).into_response()),
        Err(AppError::Invalid(errors)) if who.by != By::Token => {
            let mut page = page(&hooks, draft).await?;
            page.wrong = errors.told(who.lang);
            Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error),
    }
}

fn shown(secret: String, id: Uuid) -> View<OncePage> {
    let back = format!("/webhooks/{id}");
    View::new(OncePage::new(("webhook-made", "webhook-secret-advice"), secret, back))
}

async fn show(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(part): Query<Page>,
) -> Result<View<HookPage>, AppError> {
    Ok(View::new(detail(&hooks, &who, id, part).await?))
}

async fn detail(hooks: &Webhooks, who: &Who, id: Uuid, part: Page) -> Result<HookPage, AppError> {
    let conn = hooks.db.conn();
    let hook = store::get(conn, id).await?.ok_or(AppError::NotFound)?;
    let last = db::audit::last_seq(conn).await?;
    let (rows, total) = store::deliveries(conn, id, part).await?;
    let people = identity::people(&hooks.db).await?;
    let owner = people.into_iter().find(|person| person.account == hook.account);
    let message = |row| MessageRow::of(row, |action| hooks.action_name(action, who.lang));
    Ok(HookPage {
        url: hook.url.clone(),
        actions: hook.actions.join(" "),
        owner: owner.map(|person| person.name).unwrap_or_default(),
        row: HookRow::of(&hook, last),
        messages: rows.into_iter().map(message).collect(),
        pager: part.pager(&format!("/webhooks/{id}"), "", total),
        wrong: BTreeMap::default(),
    })
}

async fn change(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(draft): Body<HookDraft>,
) -> Result<Response, AppError> {
    match actions::change(&hooks, &who, id, &draft).await {
        Ok(()) => Ok(back(id, "webhook-changed").into_response()),
        Err(AppError::Invalid(errors)) if who.by != By::Token => {
            let mut page = detail(&hooks, &who, id, Page::default()).await?;
            (page.row.name, page.url, page.actions) = (draft.name, draft.url, draft.actions);
            page.wrong = errors.told(who.lang);
            Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error),
    }
}

fn back(id: Uuid, notice: &'static str) -> Done {
    done(format!("/webhooks/{id}")).notice(Phrase::key(notice))
}

async fn rotate(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<OncePage>, AppError> {
    let hook = actions::rotate(&hooks, &who, id).await?;
    Ok(shown(hook.secret, id))
}

async fn pause(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::set_paused(&hooks, &who, id, true).await?;
    Ok(back(id, "webhook-is-paused"))
}

async fn resume(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::set_paused(&hooks, &who, id, false).await?;
    Ok(back(id, "webhook-is-resumed"))
}

async fn try_out(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::try_out(&hooks, &who, id).await?;
    Ok(back(id, "webhook-trial-sent"))
}

async fn pass(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::pass(&hooks, &who, id).await?;
    Ok(back(id, "webhook-passed"))
}

async fn remove(
    State(hooks): State<Webhooks>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::remove(&hooks, &who, id).await?;
    Ok(done("/webhooks").notice(Phrase::key("webhook-removed")))
}

/// Returns what is wrong with the pages.
#[cfg(test)]
pub(super) async fn faults_of(hooks: &Webhooks, who: &Who, id: Uuid) -> Vec<String> {
    let list = page(hooks, HookDraft::default()).await.unwrap();
    let one = detail(hooks, who, id, Page::default()).await.unwrap();
    assert!(!list.hooks.is_empty() && !one.messages.is_empty());
    let mut faults = crate::testing::faults(&list);
    faults.extend(crate::testing::faults(&one));
    faults
}
