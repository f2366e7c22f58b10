//! The addresses of requests that wait for a second person.

use axum::extract::State as Held;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Request, State};
use super::views::{ApprovalRow, ApprovalsPage};
use super::{Approvals, is_seen, store};
use crate::{AppError, Body, Done, Path, Phrase, Routes, View, Who, done};

/// Returns the routes of approvals.
pub(crate) fn routes(approvals: Approvals) -> Routes {
    Routes::new()
        .own_get("/approvals", list)
        .doc("Lists what waits for a second person's decision, and what was decided")
        .gives::<ApprovalsPage>()
        .own_post("/approvals/{id}/approve", approve)
        .doc("Approves what another asked for, and carries it out")
        .takes::<Decision>()
        .own_post("/approvals/{id}/reject", reject)
        .doc("Rejects what another asked for")
        .takes::<Decision>()
        .own_post("/approvals/{id}/withdraw", withdraw)
        .doc("Takes one's own request back")
        .with_state(approvals)
}

/// What the one who decides writes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// Why; needed to reject.
    #[serde(default)]
    note: String,
}

async fn list(Held(approvals): Held<Approvals>, who: Who) -> Result<View<ApprovalsPage>, AppError> {
    let allowed = |action: &str| approvals.act(action).is_some_and(|act| who.may(act.permission()));
    let actions: Vec<&'static str> =
        approvals.acts.iter().map(|act| act.action()).filter(|action| allowed(action)).collect();
    let now = approvals.db.now();
    let all = store::list(approvals.db.conn(), &who.scope, (who.account, actions), now).await?;
    let row = |request: Request| {
        let mine = request.requested_by == who.account;
        let own = mine || Some(request.requested_by) == who.acting_for;
        let waits = request.state == State::Waiting;
        let may = allowed(&request.action) && is_seen(&who.scope, request.agency);
        ApprovalRow {
            id: request.id.to_string(),
            act_key: approvals.act(&request.action).map_or("approval-act-gone", |act| act.key()),
            action: request.action,
            summary: request.summary.map(|phrase| phrase.text(who.lang)).unwrap_or_default(),
            reason: request.reason,
            requested_name: request.requested_name,
            requested_at: request.requested_at,
            expires_at: request.expires_at,
            state: request.state.word_shown(),
            state_key: request.state.key(),
            decided_name: request.decided_name,
            decided_at: request.decided_at,
            note: request.note,
            may_decide: waits && !own && may,
            may_withdraw: waits && mine,
        }
    };
    let (waiting, settled) =
        all.into_iter().map(row).partition(|row: &ApprovalRow| row.may_decide || row.may_withdraw);
    Ok(View::new(ApprovalsPage { waiting, settled }))
}

impl State {
    /// Returns the state as the API tells it.
    const fn word_shown(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            other => other.word(),
        }
    }
}

async fn approve(
    Held(approvals): Held<Approvals>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(given): Body<Decision>,
) -> Result<Done, AppError> {
    approvals.approve(&who, id, given.note.trim()).await?;
    Ok(done("/approvals").notice(Phrase::key("approval-did-approve")))
}

async fn reject(
    Held(approvals): Held<Approvals>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(given): Body<Decision>,
) -> Result<Done, AppError> {
    let note = given.note.trim();
    if note.is_empty() {
        return Err(AppError::invalid("note", Phrase::key("approval-note-needed")));
    }
    approvals.reject(&who, id, note).await?;
    Ok(done("/approvals").notice(Phrase::key("approval-did-reject")))
}

async fn withdraw(
    Held(approvals): Held<Approvals>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    approvals.withdraw(&who, id).await?;
    Ok(done("/approvals").notice(Phrase::key("approval-did-withdraw")))
}
