//! Asking for files and taking them.

use axum::extract::State;
use axum::response::Response;
use db::job::{self, Job, JobId, JobState, NewJob};
use db::{AuditEntry, Subject};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, View, Who, done};

use super::run::{KIND, Made, Order};
use super::views::ExportPage;
use super::{Kind, kept_until};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::files::body;
use crate::search::Ask;

/// Returns the routes of exports.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::EventExport;
    Routes::new()
        .post("/exports", EventExport, order)
        .doc("Asks for all matching events, or figures, as a file that is made in the background")
        .takes::<NewExport>()
        .get("/exports/{id}", EventExport, show)
        .doc("Shows a file that one has asked for")
        .gives::<ExportPage>()
        .get("/exports/{id}/file", EventExport, take)
        .doc("Returns the file, to whoever asked for it and for a week")
}

/// A file to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewExport {
    /// The query line; empty is every event.
    pub(super) q: String,
    /// A span up to now: `15m`, `1h`, `4h`, `24h`, `7d`, `30d`; empty is an hour.
    pub(super) range: String,
    /// Not before: RFC 3339; with `to` instead of `range`.
    pub(super) from: String,
    /// Before.
    pub(super) to: String,
    /// `csv`, `ndjson` or `parquet`.
    pub(super) format: String,
}

async fn order(
    State(desk): State<Desk>,
    who: Who,
    Body(new): Body<NewExport>,
) -> Result<Done, AppError> {
    let id = ordered(&desk, &who, &new).await?;
    Ok(done(format!("/jobs/{id}")).made().notice(Phrase::key("export-done-asked")))
}

pub(super) async fn ordered(desk: &Desk, who: &Who, new: &NewExport) -> Result<JobId, AppError> {
    let kind = Kind::from_word(&new.format)
        .ok_or_else(|| AppError::invalid("format", Phrase::key("export-error-format")))?;
    let ask = Ask {
        q: Some(new.q.clone()),
        range: new.range.clone(),
        from: new.from.clone(),
        to: new.to.clone(),
        ..Ask::default()
    };
    ask.check_times()?;
    let read = ask.search(desk.db.now());
    let (search, _) = read.map_err(|error| crate::search::wrong(&ask, &error, who.lang))?;
    let order = Order {
        line: new.q.clone(),
        from: search.from,
        to: search.to,
        kind,
        lang: who.lang.code().to_owned(),
    };
    let payload = serde_json::to_value(&order).map_err(RespondError::Json)?;
    let tx = desk.db.begin().await?;
    let label = if new.q.is_empty() { "*" } else { &new.q };
    let id = job::enqueue(&tx, &NewJob::new(KIND, &who.scope, payload).about(label)).await?;
    let detail = json!({
        "question": order.line, "from": order.from, "to": order.to, "format": kind.ending(),
    });
    let actor = Handler::from(who).actor();
    tx.commit(AuditEntry::new(actor, "export.ask", Subject::new("export", id), detail)).await?;
    Ok(id)
}

/// Returns the job of a file that this person asked for: nobody else's is there for them, whatever
/// they see.
async fn own(desk: &Desk, who: &Who, id: Uuid) -> Result<(Job, Order), RespondError> {
    let found = job::get(desk.db.conn(), &who.scope, JobId::from_uuid(id)).await?;
    let is_own = |job: &Job| job.kind == KIND && job.scope.account() == Some(who.account);
    let job = found.filter(is_own).ok_or(RespondError::NotFound)?;
    let order = serde_json::from_value(job.payload.clone()).map_err(RespondError::Json)?;
    Ok((job, order))
}

fn made(desk: &Desk, job: &Job) -> Option<Made> {
    let is_there =
        job.state == JobState::Done && kept_until(job).is_some_and(|until| until > desk.db.now());
    let result = job.result.clone().filter(|_| is_there)?;
    serde_json::from_value(result).ok()
}

async fn show(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<ExportPage>, AppError> {
    Ok(View::new(shown(&desk, &who, id).await?))
}

pub(super) async fn shown(desk: &Desk, who: &Who, id: Uuid) -> Result<ExportPage, RespondError> {
    let (job, order) = own(desk, who, id).await?;
    let made = made(desk, &job);
    Ok(ExportPage {
        id: job.id.to_string(),
        line: order.line,
        from: order.from,
        to: order.to,
        format: order.kind.ending(),
        ready: made.is_some(),
        rows: made.as_ref().map_or(0, |made| made.rows),
        size_bytes: made.as_ref().map_or(0, |made| made.size_bytes),
        cut: made.as_ref().is_some_and(|made| made.cut),
        sha256: made.map(|made| made.sha256).unwrap_or_default(),
        until: kept_until(&job).filter(|_| job.state == JobState::Done),
    })
}

async fn take(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Response, AppError> {
    Ok(taken(&desk, &who, id).await?)
}

pub(super) async fn taken(desk: &Desk, who: &Who, id: Uuid) -> Result<Response, RespondError> {
    let (job, order) = own(desk, who, id).await?;
    let made = made(desk, &job).ok_or(RespondError::NotFound)?;
    let file = desk.files.export(job.id.uuid()).found().await?;
    let tx = desk.db.begin().await?;
    let detail = json!({ "question": order.line, "rows": made.rows, "sha256": made.sha256 });
    let (actor, subject) = (Handler::from(who).actor(), Subject::new("export", job.id));
    tx.commit(AuditEntry::new(actor, "export.take", subject, detail)).await?;
    let name = format!("events-{}.{}", order.to.format("%Y%m%d-%H%M"), order.kind.ending());
    Response::builder()
        .header(CONTENT_TYPE, order.kind.media())
        .header(CONTENT_LENGTH, made.size_bytes)
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(CACHE_CONTROL, "no-store")
        .body(body(file))
        .map_err(|error| RespondError::File(Box::new(error)))
}
