//! The pages of evidence and the presses on them.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use db::job::{self, JobId, JobState, NewJob};
use event::IncidentId;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use vault::VaultReader;
use web::figures::from_vietnam;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, Upload, View, Who, done};

use super::examine::{self, Asked};
use super::export::{KIND, Made, Wanted};
use super::receive::{self, Incoming, subject};
use super::views::{EvidenceList, EvidencePage};
use super::{actions, collector, pages, receipt, scan, stamp, store};
use crate::actor::Handler;
use crate::custody;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::files::body;
use crate::incident::{self, moment};
use crate::limits::EVIDENCE_PART_BYTES;

/// Returns the routes of evidence.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentJoin, IncidentRead};
    Routes::new()
        .get("/incidents/{id}/evidence", IncidentRead, list)
        .doc("Lists the evidence of an incident")
        .gives::<EvidenceList>()
        .post("/incidents/{id}/evidence", IncidentJoin, take_whole)
        .doc("Takes a small file in at once")
        .post("/incidents/{id}/evidence/begin", IncidentJoin, begin)
        .doc("Begins a file that is sent in parts")
        .takes::<BeginForm>()
        .post("/incidents/{id}/evidence/export", IncidentHandle, ask_export)
        .doc("Asks for all evidence of an incident as one sealed archive")
        .get("/incidents/{id}/evidence/exports/{job}", IncidentHandle, take_export)
        .doc("Returns a sealed archive, to whoever asked for it and for a week")
        .get("/evidence/{id}", IncidentRead, detail)
        .doc("Shows a piece of evidence with its chain of custody")
        .gives::<EvidencePage>()
        .post("/evidence/{id}/part", IncidentJoin, add_part)
        .doc("Adds the bytes that begin at `offset`")
        .post("/evidence/{id}/seal", IncidentJoin, seal)
        .doc("Seals a file that is whole: its digest is taken")
        .takes::<SealForm>()
        .get("/evidence/{id}/file", IncidentJoin, take)
        .doc("Returns the bytes of a piece")
        .post("/evidence/{id}/notes", IncidentJoin, remark)
        .doc("Writes a remark about a piece")
        .takes::<NoteForm>()
        .post("/evidence/{id}/examine", IncidentHandle, search)
        .doc("Searches a piece with the rules again")
        .post("/evidence/{id}/scan", IncidentHandle, scan_piece)
        .doc("Scans a piece with YARA rules")
        .post("/evidence/{id}/hold", IncidentHandle, hold)
        .doc("Forbids the disposal of a piece")
        .takes::<ReasonForm>()
        .post("/evidence/{id}/release", IncidentHandle, release)
        .doc("Lifts the hold on a piece")
        .takes::<ReasonForm>()
        .post("/evidence/{id}/keep", IncidentHandle, keep)
        .doc("Changes until when a piece is kept")
        .takes::<KeepForm>()
        .post("/evidence/{id}/dispose", IncidentHandle, dispose)
        .doc("Destroys the bytes of a piece whose time is over")
        .takes::<ReasonForm>()
        .post("/evidence/{id}/stamp", IncidentHandle, stamp_piece)
        .doc("Asks the authority for a time stamp of a piece that has none")
        .merge(receipt::routes())
        .merge(collector::routes())
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<EvidenceList>, AppError> {
    Ok(View::new(pages::list(&desk, &who, id).await?))
}

async fn detail(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<View<EvidencePage>, AppError> {
    Ok(View::new(pages::detail(&desk, &who, id, page).await?))
}

async fn take_whole(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    file: Upload,
) -> Result<Done, AppError> {
    let size_bytes = file.bytes.len() as u64;
    let new = Incoming { name: file.name, size_bytes, ..Incoming::default() };
    let item = receive::take_whole(&desk, &Handler::from(&who), id, new, file.bytes).await?;
    let notice = Phrase::key("evidence-done-sealed").arg("number", item.number);
    Ok(done(format!("/evidence/{}", item.id)).made().notice(notice))
}

/// A file that is sent in parts.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct BeginForm {
    /// Its name.
    name: String,
    /// Its size.
    size_bytes: u64,
    /// Where and how it was taken.
    source: String,
    /// When it was taken (Vietnam's clock, `2026-11-22T14:05`).
    collected: String,
    /// When it was last written: RFC 3339.
    modified: String,
}

async fn begin(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<BeginForm>,
) -> Result<Done, AppError> {
    let new = Incoming {
        name: form.name,
        size_bytes: form.size_bytes,
        source: form.source,
        collected_at: moment(&form.collected)?,
        modified_at: moment(&form.modified)?,
    };
    let item = receive::begin(&desk, &Handler::from(&who), id, new).await?;
    Ok(done(format!("/evidence/{}", item.id)).made())
}

/// Where a part begins.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PartQuery {
    offset: u64,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Received {
    /// Bytes received in all.
    size_bytes: u64,
}

async fn add_part(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(part): Query<PartQuery>,
    request: Request,
) -> Result<axum::Json<Received>, AppError> {
    // What the reader may not see is not found, whatever the body.
    store::get(desk.db.conn(), &who.scope, id).await?;
    let Ok(bytes) = to_bytes(request.into_body(), EVIDENCE_PART_BYTES).await else {
        return Err(AppError::invalid("file", Phrase::key("web-upload-too-large")));
    };
    let handler = Handler::from(&who);
    let size_bytes = receive::add_part(&desk, &handler, id, (part.offset, bytes)).await?;
    Ok(axum::Json(Received { size_bytes }))
}

/// What the sender says of the whole file.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SealForm {
    /// Its SHA-256 in hexadecimal, if the sender took it.
    sha256: String,
}

async fn seal(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<SealForm>,
) -> Result<Done, AppError> {
    let item = receive::seal(&desk, &Handler::from(&who), id, &form.sha256).await?;
    let notice = Phrase::key("evidence-done-sealed").arg("number", item.number);
    Ok(done(format!("/evidence/{id}")).notice(notice))
}

async fn take(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Response, AppError> {
    Ok(taken(&desk, &who, id).await?)
}

/// Returns the bytes of a piece under its number: hostile bytes are never shown, only saved.
pub(super) async fn taken(desk: &Desk, who: &Who, id: Uuid) -> Result<Response, RespondError> {
    let item = store::get(desk.db.conn(), &who.scope, id).await?;
    if !item.is_sealed() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    let file = custody::open(&desk.files, subject(&item).sha256).await?;
    custody::take_out(desk, &Handler::from(who), subject(&item)).await?;
    let plain: String = item
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .collect();
    attachment(&format!("{}-{plain}", item.number), item.size_bytes, file)
}

fn attachment(name: &str, size: u64, file: VaultReader) -> Result<Response, RespondError> {
    Response::builder()
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_LENGTH, size)
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(CACHE_CONTROL, "no-store")
        .body(body(file))
        .map_err(|error| RespondError::File(Box::new(error)))
}

/// A remark.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct NoteForm {
    /// Its words.
    text: String,
}

async fn remark(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<NoteForm>,
) -> Result<Done, AppError> {
    actions::remark(&desk, &Handler::from(&who), id, &form.text).await?;
    Ok(done(format!("/evidence/{id}")).notice(Phrase::key("evidence-done-noted")))
}

async fn search(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let job = searched(&desk, &who, id).await?;
    Ok(done(format!("/jobs/{job}")).notice(Phrase::key("evidence-done-search")))
}

async fn searched(desk: &Desk, who: &Who, id: Uuid) -> Result<JobId, RespondError> {
    let payload = serde_json::to_value(Asked { item: id }).map_err(RespondError::Json)?;
    worked(desk, who, id, (examine::KIND, "evidence.examine", payload)).await
}

async fn scan_piece(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let job = scan_asked(&desk, &who, id).await?;
    Ok(done(format!("/jobs/{job}")).notice(Phrase::key("evidence-done-scan")))
}

pub(super) async fn scan_asked(desk: &Desk, who: &Who, id: Uuid) -> Result<JobId, RespondError> {
    let asked = scan::Asked { item: id, by: who.name.clone() };
    let payload = serde_json::to_value(asked).map_err(RespondError::Json)?;
    worked(desk, who, id, (scan::KIND, "evidence.scan", payload)).await
}

async fn stamp_piece(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    stamp_asked(&desk, &who, id).await?;
    let notice = Phrase::key("evidence-done-stamp");
    Ok(done(format!("/evidence/{id}#stamp")).notice(notice))
}

async fn stamp_asked(desk: &Desk, who: &Who, id: Uuid) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let item = store::get_for_change(&tx, &who.scope, id).await?;
    if !item.is_sealed() || desk.time_stamps.is_none() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    stamp::ask(desk, &tx, &who.scope, &item).await?;
    let detail = json!({ "number": item.number });
    receive::commit(desk, tx, &Handler::from(who), "evidence.stamp", &item, detail).await
}

/// Puts work with a piece that is sealed into the queue.
async fn worked(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    (kind, action, payload): (&'static str, &'static str, serde_json::Value),
) -> Result<JobId, RespondError> {
    let tx = desk.db.begin().await?;
    let item = store::get_for_change(&tx, &who.scope, id).await?;
    if !item.is_sealed() {
        return Err(RespondError::Conflict("evidence-error-state"));
    }
    let new = NewJob::new(kind, &who.scope, payload);
    let job = job::enqueue(&tx, &new.of_agency(item.agency).about(&item.number)).await?;
    let detail = json!({ "number": item.number });
    receive::commit(desk, tx, &Handler::from(who), action, &item, detail).await?;
    Ok(job)
}

/// Why.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ReasonForm {
    /// Why.
    reason: String,
}

async fn hold(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ReasonForm>,
) -> Result<Done, AppError> {
    actions::hold(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/evidence/{id}")).notice(Phrase::key("evidence-done-held")))
}

async fn release(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ReasonForm>,
) -> Result<Done, AppError> {
    actions::release(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/evidence/{id}")).notice(Phrase::key("evidence-done-released")))
}

/// Until when a piece is kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeepForm {
    /// The last day.
    until: NaiveDate,
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn keep(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<KeepForm>,
) -> Result<Done, AppError> {
    let until = from_vietnam(form.until.and_time(NaiveTime::MIN)) + chrono::TimeDelta::days(1);
    let to = (until, form.reason.as_str());
    actions::keep_until(&desk, &Handler::from(&who), id, to).await?;
    Ok(done(format!("/evidence/{id}")).notice(Phrase::key("evidence-done-kept")))
}

async fn dispose(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ReasonForm>,
) -> Result<Done, AppError> {
    actions::dispose(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/evidence/{id}")).notice(Phrase::key("evidence-done-disposed")))
}

async fn ask_export(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<Done, AppError> {
    let job = asked(&desk, &who, id).await?;
    Ok(done(format!("/jobs/{job}")).made().notice(Phrase::key("evidence-done-export")))
}

pub(super) async fn asked(desk: &Desk, who: &Who, id: IncidentId) -> Result<JobId, RespondError> {
    let incident = incident::get(desk.db.conn(), &who.scope, id).await?;
    let number = incident.number.clone();
    let wanted = Wanted { incident: id, number, account: who.account, name: who.name.clone() };
    let payload = serde_json::to_value(&wanted).map_err(RespondError::Json)?;
    let tx = desk.db.begin().await?;
    let new = NewJob::new(KIND, &who.scope, payload).about(&incident.number);
    let job = job::enqueue(&tx, &new.of_agency(incident.agency)).await?;
    let handler = Handler::from(who);
    let about = db::Subject::new("incident", id);
    let detail = json!({ "number": incident.number });
    let entry = db::AuditEntry::new(handler.actor(), "evidence.ask-export", about, detail);
    tx.commit(entry.of_agency(incident.agency)).await?;
    Ok(job)
}

async fn take_export(
    State(desk): State<Desk>,
    who: Who,
    Path((id, job)): Path<(IncidentId, Uuid)>,
) -> Result<Response, AppError> {
    Ok(export_taken(&desk, &who, id, job).await?)
}

pub(super) async fn export_taken(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
    job: Uuid,
) -> Result<Response, RespondError> {
    incident::get(desk.db.conn(), &who.scope, id).await?;
    let found = job::get(desk.db.conn(), &who.scope, JobId::from_uuid(job)).await?;
    let job = found.filter(|job| job.kind == KIND && job.state == JobState::Done);
    let job = job.ok_or(RespondError::NotFound)?;
    let wanted: Wanted = serde_json::from_value(job.payload.clone()).map_err(RespondError::Json)?;
    let made =
        job.result.clone().filter(|_| wanted.incident == id && wanted.account == who.account);
    let made = made.ok_or(RespondError::NotFound)?;
    let made: Made = serde_json::from_value(made).map_err(RespondError::Json)?;
    let file = desk.files.export(job.id.uuid()).found().await?;
    let tx = desk.db.begin().await?;
    let detail = json!({ "number": wanted.number, "sha256": made.sha256 });
    let about = db::Subject::new("incident", id);
    let actor = Handler::from(who).actor();
    tx.commit(db::AuditEntry::new(actor, "evidence.take-export", about, detail)).await?;
    attachment(&format!("{}-chung-cu.zip", wanted.number), made.size_bytes, file)
}
