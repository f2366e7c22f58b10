//! Addresses of the six questions.

use axum::extract::State;
use event::IncidentId;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, View, Who, done};

use super::actions::{self, Incoming};
use super::views::{NoticeForm, NoticeReceipt, OnDuty};
use super::{Notice, store};
use crate::actor::Handler;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, moment};
use crate::obligation::Circumstance;
use crate::roster;

/// Returns the routes of the six questions.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::ReportWrite;
    Routes::new()
        .get("/report", ReportWrite, form)
        .doc("Asks the six questions")
        .gives::<NoticeForm>()
        .post("/report", ReportWrite, send)
        .doc("Reports an incident of one's own agency; the same key is the same report")
        .takes::<NoticeBody>()
        .get("/report/{id}", ReportWrite, receipt)
        .doc("Tells the number of the incident, and who has it")
        .gives::<NoticeReceipt>()
}

async fn form(State(desk): State<Desk>, who: Who) -> Result<View<NoticeForm>, AppError> {
    Ok(View::new(asked(&desk, &who)).plain())
}

pub(super) fn asked(desk: &Desk, who: &Who) -> NoticeForm {
    let own = who.agency.map(|id| id.to_string());
    NoticeForm {
        key: desk.db.new_uuid().to_string(),
        agencies: Choice::named(desk.directory.agencies(&who.scope), own.as_deref()),
        systems: Choice::named(desk.directory.systems(&who.scope), None),
    }
}

/// The answers.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NoticeBody {
    /// The sender's own key for this report (8 to 64 characters): a resend doubles nothing.
    pub(super) key: String,
    /// The agency; empty is the sender's own.
    pub(super) agency: String,
    /// What happened.
    pub(super) what: String,
    /// When it happened (Vietnam's clock, `2026-11-22T14:05`); empty is not known.
    pub(super) occurred: String,
    /// When it was noticed; empty is now.
    pub(super) detected: String,
    /// The system's id, if it is one of the register.
    pub(super) system: String,
    /// The system in words.
    pub(super) place: String,
    /// What is affected.
    pub(super) affected: String,
    /// `disruption`, `personal-data`: what holds.
    pub(super) circumstance: Vec<String>,
    /// What was done.
    pub(super) done: String,
    /// Who to call.
    pub(super) contact: String,
}

async fn send(
    State(desk): State<Desk>,
    who: Who,
    Body(body): Body<NoticeBody>,
) -> Result<Done, AppError> {
    let wrong = |field, key| AppError::invalid(field, Phrase::key(key));
    let agency = match (body.agency.as_str(), who.agency) {
        ("", Some(own)) => own,
        (id, _) => id.parse().map_err(|_| wrong("agency", "report-error-agency"))?,
    };
    let system = match body.system.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| wrong("system", "notice-error-system"))?),
    };
    let words = body.circumstance.iter().map(|word| Circumstance::from_word(word));
    let circumstances: Option<Vec<Circumstance>> = words.collect();
    let trimmed = |text: String| text.trim().to_owned();
    let incoming = Incoming {
        key: body.key,
        agency,
        system,
        occurred: moment(&body.occurred)?,
        detected: moment(&body.detected)?,
        circumstances: circumstances
            .ok_or_else(|| wrong("circumstance", "obligation-error-circumstance"))?,
        notice: Notice {
            what: trimmed(body.what),
            place: trimmed(body.place),
            affected: trimmed(body.affected),
            done: trimmed(body.done),
            contact: trimmed(body.contact),
        },
    };
    let id = actions::take(&desk, &Handler::from(&who), incoming).await?;
    Ok(done(format!("/report/{id}")).made())
}

async fn receipt(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<NoticeReceipt>, AppError> {
    Ok(View::new(received(&desk, &who, id).await?).plain())
}

pub(super) async fn received(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<NoticeReceipt, RespondError> {
    let conn = desk.db.conn();
    if !store::exists(conn, &who.scope, id).await? {
        return Err(RespondError::NotFound);
    }
    let incident = incident::get(conn, &who.scope, id).await?;
    Ok(NoticeReceipt {
        incident: id.to_string(),
        officer: incident.assignee.and_then(|id| desk.directory.person_name(id)),
        on_duty: roster::card(desk, who)
            .await?
            .now
            .map(|shift| OnDuty { name: shift.answers, phone: shift.phone }),
        number: incident.number,
        title: incident.title,
        opened_at: incident.opened_at,
    })
}
