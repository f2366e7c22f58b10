//! The presses on receipts, and their documents.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::document::{DOCX_MEDIA, PDF_MEDIA};
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, Who, done};

use super::{Content, print, store};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;

/// Returns the routes of receipts.
pub(in super::super) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentJoin};
    Routes::new()
        .post("/evidence/{id}/receipts", IncidentHandle, hand_over)
        .doc("Hands a piece over to someone: the giver signs")
        .takes::<HandOverForm>()
        .post("/evidence/{id}/receipts/{receipt}/take", IncidentJoin, take)
        .doc("Signs for who takes a piece")
        .takes::<TakeForm>()
        .get("/evidence/{id}/receipts/{receipt}/docx", IncidentJoin, docx)
        .doc("Returns a receipt as DOCX")
        .get("/evidence/{id}/receipts/{receipt}/pdf", IncidentJoin, pdf)
        .doc("Returns a receipt as PDF")
}

/// To whom a piece goes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct HandOverForm {
    /// The account that takes it.
    to: String,
    /// Why.
    reason: String,
}

async fn hand_over(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<HandOverForm>,
) -> Result<Done, AppError> {
    // What the reader may not see is not found, whatever the body.
    super::super::store::get(desk.db.conn(), &who.scope, id).await?;
    let to = form.to.parse();
    let to = to.map_err(|_| AppError::invalid("to", Phrase::key("receipt-error-to")))?;
    let asked = (to, form.reason.as_str());
    let receipt = super::hand_over(&desk, &Handler::from(&who), id, asked).await?;
    let notice = Phrase::key("receipt-done-given").arg("number", receipt.number);
    Ok(done(format!("/evidence/{id}#receipts")).made().notice(notice))
}

/// What who takes remarks.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TakeForm {
    /// A remark, if any.
    remark: String,
}

async fn take(
    State(desk): State<Desk>,
    who: Who,
    Path((id, receipt)): Path<(Uuid, Uuid)>,
    Body(form): Body<TakeForm>,
) -> Result<Done, AppError> {
    let handler = Handler::from(&who);
    let item = super::super::store::get(desk.db.conn(), &who.scope, id).await?;
    let kept = store::get(desk.db.conn(), item.id, receipt).await?;
    if kept.to.is_none() {
        // What comes in is taken by the centre.
        who.require(Permission::IncidentHandle)?;
    }
    let kept = super::take(&desk, &handler, (id, receipt), &form.remark).await?;
    let notice = Phrase::key("receipt-done-taken").arg("number", kept.number);
    Ok(done(format!("/evidence/{id}#receipts")).notice(notice))
}

async fn docx(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(Uuid, Uuid)>,
) -> Result<Response, AppError> {
    Ok(printed(&desk, &who, ids, Form::Docx).await?)
}

async fn pdf(
    State(desk): State<Desk>,
    who: Who,
    Path(ids): Path<(Uuid, Uuid)>,
) -> Result<Response, AppError> {
    Ok(printed(&desk, &who, ids, Form::Pdf).await?)
}

/// As what a receipt is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Form {
    Docx,
    Pdf,
}

/// Returns a receipt as a document.
pub(in super::super) async fn printed(
    desk: &Desk,
    who: &Who,
    (id, receipt): (Uuid, Uuid),
    form: Form,
) -> Result<Response, RespondError> {
    let item = super::super::store::get(desk.db.conn(), &who.scope, id).await?;
    let receipt = store::get(desk.db.conn(), item.id, receipt).await?;
    let content: Content = serde_json::from_str(&receipt.content).map_err(RespondError::Json)?;
    let document = print::document(&receipt, &content);
    let (bytes, ending, media) = match form {
        Form::Docx => (document.docx(), "docx", DOCX_MEDIA),
        Form::Pdf => (document.pdf(), "pdf", PDF_MEDIA),
    };
    let bytes = bytes.map_err(|error| RespondError::File(Box::new(error)))?;
    file::answer(&receipt.number, ending, media, bytes)
}
