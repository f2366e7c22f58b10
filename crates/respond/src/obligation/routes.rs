//! The list of deadlines and the presses on an incident's clocks.

use axum::extract::State;
use event::IncidentId;
use serde::Deserialize;
use utoipa::ToSchema;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Correction};
use super::model::{Circumstance, Precision, Which};
use super::store::{self, Shown};
use super::views::DeadlineList;
use crate::actor::Handler;
use crate::address::Address;
use crate::alert::{Choice, Reason};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::moment;

/// Returns the routes of deadlines.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentRead};
    Routes::new()
        .get("/deadlines", IncidentRead, list)
        .doc("Lists legal deadlines, the earliest due first")
        .gives::<DeadlineList>()
        .post("/incidents/{id}/circumstances", IncidentHandle, judge)
        .doc("Says which circumstances hold; deadlines follow")
        .takes::<JudgeForm>()
        .post("/incidents/{id}/moments", IncidentHandle, move_moment)
        .doc("Moves when it happened or was detected; the old value is kept")
        .takes::<MomentForm>()
        .post("/incidents/{id}/deadlines", IncidentHandle, fulfil)
        .doc("Notes that whom an obligation names was told")
        .takes::<FulfilForm>()
}

/// What the list is filtered by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    pub(super) state: String,
    pub(super) agency: String,
    pub(super) page: Option<u64>,
    pub(super) rows: Option<u64>,
}

const STATES: [(&str, &str); 3] = [
    ("", "obligation-state-open"),
    ("overdue", "obligation-state-overdue"),
    ("fulfilled", "obligation-state-fulfilled"),
];

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<DeadlineList>, AppError> {
    Ok(View::new(listed(&desk, &who, query).await?))
}

pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    query: ListQuery,
) -> Result<DeadlineList, RespondError> {
    let shown = match query.state.as_str() {
        "overdue" => Shown::Overdue(desk.db.now()),
        "fulfilled" => Shown::Fulfilled,
        _ => Shown::Open,
    };
    let page = Page { page: query.page, rows: query.rows };
    let agency = query.agency.parse().ok();
    let (deadlines, total) = store::list(desk.db.conn(), &who.scope, shown, agency, page).await?;
    let rest =
        Address::of("/deadlines").with("state", &query.state).with("agency", &query.agency).query();
    Ok(DeadlineList {
        states: Choice::words(who.lang, &STATES, &query.state),
        agencies: Choice::named(desk.directory.agencies(&who.scope), Some(&query.agency)),
        active: !rest.is_empty(),
        pager: page.pager("/deadlines", &rest, total),
        deadlines: DeadlineList::rows(desk, who, deadlines).await?,
    })
}

/// Which circumstances hold.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JudgeForm {
    /// `serious`, `security`, `disruption`, `personal-data`, `sensitive-data`; those left out do not hold.
    #[serde(default)]
    circumstance: Vec<String>,
}

async fn judge(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<JudgeForm>,
) -> Result<Done, AppError> {
    let read: Option<Vec<Circumstance>> =
        form.circumstance.iter().map(|word| Circumstance::from_word(word)).collect();
    let Some(mut all) = read else {
        return Err(AppError::invalid(
            "circumstance",
            Phrase::key("obligation-error-circumstance"),
        ));
    };
    all.sort();
    all.dedup();
    actions::judge(&desk, &Handler::from(&who), id, &all).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("obligation-done-judged")))
}

/// A moment to correct.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MomentForm {
    /// `occurred` or `detected`.
    which: String,
    /// When (Vietnam's clock, `2026-11-22T14:05`, or RFC 3339).
    at: String,
    /// How exactly it is known: `minute`, `hour` or `day`.
    precision: String,
    /// From what it is known.
    #[serde(default)]
    source: String,
    /// Why it is moved.
    reason: String,
}

async fn move_moment(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<MomentForm>,
) -> Result<Done, AppError> {
    let wrong = |field, key| AppError::invalid(field, Phrase::key(key));
    let correction = Correction {
        which: Which::from_word(&form.which)
            .ok_or_else(|| wrong("which", "obligation-error-which"))?,
        at: moment(&form.at)?.ok_or_else(|| wrong("at", "incident-error-time"))?,
        precision: Precision::from_word(&form.precision)
            .ok_or_else(|| wrong("precision", "obligation-error-precision"))?,
        source: form.source,
        reason: Reason::new(&form.reason)
            .ok_or_else(|| wrong("reason", "incident-error-findings"))?,
    };
    actions::move_moment(&desk, &Handler::from(&who), id, correction).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("obligation-done-moved")))
}

/// That someone was told.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FulfilForm {
    /// The obligation's id.
    obligation: String,
    /// When (Vietnam's clock, `2026-11-22T14:05`, or RFC 3339); empty is now.
    #[serde(default)]
    at: String,
    /// By which document, call or message.
    reference: String,
}

async fn fulfil(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<FulfilForm>,
) -> Result<Done, AppError> {
    let at = moment(&form.at)?;
    let handler = Handler::from(&who);
    actions::fulfil(&desk, &handler, id, &form.obligation, at, &form.reference).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("obligation-done-fulfilled")))
}
