//! The pages of reports and the presses on them.

use axum::extract::State as Held;
use axum::response::Response;
use chrono::{Datelike as _, NaiveDate};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::document::{Authority, DOCX_MEDIA, Document, PDF_MEDIA};
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, Upload, View, Who, done};

use super::actions::{self, About, Sending};
use super::model::{Content, ReportKind, State};
use super::print;
use super::store::{self, ReportFilter};
use super::views::{ReportList, ReportPage, ReportRow, SignedView, VersionView};
use crate::actor::Handler;
use crate::address::Address;
use crate::alert::Choice;
use crate::custody;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::incident::moment;
use crate::period::Period;

/// Returns the routes of reports.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentRead, ReportApprove, ReportWrite};
    Routes::new()
        .get("/reports", IncidentRead, list)
        .doc("Lists reports, the newest change first")
        .gives::<ReportList>()
        .post("/reports", ReportWrite, create)
        .doc("Drafts a report on an incident, or over a time")
        .takes::<NewReport>()
        .get("/reports/{id}", IncidentRead, detail)
        .doc("Shows one report")
        .gives::<ReportPage>()
        .get("/reports/{id}/file", IncidentRead, take)
        .doc("Gives the report as DOCX or PDF, or its signed copy")
        .post("/reports/{id}/content", ReportWrite, edit)
        .doc("Writes a new version of a draft")
        .takes::<EditForm>()
        .post("/reports/{id}/submit", ReportWrite, submit)
        .doc("Hands a draft in for approval")
        .post("/reports/{id}/withdraw", ReportWrite, withdraw)
        .doc("Takes a draft away")
        .post("/reports/{id}/approve", ReportApprove, approve)
        .doc("Approves a report of someone else: it gets its number and changes no more")
        .post("/reports/{id}/return", ReportApprove, give_back)
        .doc("Gives a report back with a reason")
        .takes::<ReturnForm>()
        .post("/reports/{id}/sent", ReportWrite, sent)
        .doc("Notes that it was sent; the obligations whose report it is are answered")
        .takes::<SentForm>()
        .post("/reports/{id}/signed", ReportWrite, file_signed)
        .doc("Files the signed copy, a PDF")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    pub(super) state: String,
    pub(super) kind: String,
    pub(super) agency: String,
    pub(super) incident: String,
    pub(super) page: Option<u64>,
    pub(super) rows: Option<u64>,
}

async fn list(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<ReportList>, AppError> {
    Ok(View::new(listed(&desk, &who, query).await?))
}

pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    query: ListQuery,
) -> Result<ReportList, RespondError> {
    let filter = ReportFilter {
        state: State::from_word(&query.state),
        kind: ReportKind::from_word(&query.kind),
        agency: query.agency.parse().ok(),
        incident: query.incident.parse().ok(),
    };
    let page = Page { page: query.page, rows: query.rows };
    let (reports, total) = store::list(desk.db.conn(), &who.scope, filter, page).await?;
    let rest = Address::of("/reports")
        .with("state", &query.state)
        .with("kind", &query.kind)
        .with("agency", &query.agency)
        .with("incident", &query.incident)
        .query();
    let any = [("", "alert-filter-any")];
    let states: Vec<_> =
        any.into_iter().chain(State::ALL.map(|one| (one.word(), one.key()))).collect();
    let kinds: Vec<_> =
        any.into_iter().chain(ReportKind::ALL.map(|one| (one.word(), one.key()))).collect();
    let directory = desk.directory.as_ref();
    Ok(ReportList {
        states: Choice::words(who.lang, &states, &query.state),
        kinds: Choice::words(who.lang, &kinds, &query.kind),
        agencies: Choice::named(directory.agencies(&who.scope), Some(&query.agency)),
        active: !rest.is_empty(),
        pager: page.pager("/reports", &rest, total),
        reports: reports.iter().map(|one| ReportRow::of(one, directory)).collect(),
    })
}

/// A report to be drafted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewReport {
    /// `initial`, `update`, `full`, `closing` or `periodic`.
    pub(super) kind: String,
    /// The incident; a periodic report has none.
    pub(super) incident: String,
    /// The agency of a periodic report.
    pub(super) agency: String,
    /// Its first day (`2026-10-01`).
    pub(super) from: Option<NaiveDate>,
    /// Its last day.
    pub(super) to: Option<NaiveDate>,
}

async fn create(
    Held(desk): Held<Desk>,
    who: Who,
    Body(form): Body<NewReport>,
) -> Result<Done, AppError> {
    let wrong = |field, key| AppError::invalid(field, Phrase::key(key));
    let kind =
        ReportKind::from_word(&form.kind).ok_or_else(|| wrong("kind", "report-error-kind"))?;
    let about = if kind == ReportKind::Periodic {
        let agency = form.agency.parse().map_err(|_| wrong("agency", "report-error-agency"))?;
        let days = form.from.zip(form.to).filter(|(from, to)| from <= to);
        let (from, to) = days.ok_or_else(|| wrong("from", "report-error-period"))?;
        let (from, to) = Period { from, to }.moments();
        About::Period(agency, from, to)
    } else {
        About::Incident(form.incident.parse().map_err(|_| AppError::NotFound)?)
    };
    let report = actions::create(&desk, &Handler::from(&who), kind, about).await?;
    let notice = Phrase::key("report-done-drafted");
    Ok(done(format!("/reports/{}", report.id)).made().notice(notice))
}

async fn detail(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<ReportPage>, AppError> {
    Ok(View::new(page(&desk, &who, id).await?))
}

pub(super) async fn page(desk: &Desk, who: &Who, id: Uuid) -> Result<ReportPage, RespondError> {
    let conn = desk.db.conn();
    let report = store::get(conn, &who.scope, id).await?;
    let versions = store::versions(conn, id).await?;
    let signed = store::signed(conn, id).await?.map(SignedView::from);
    let body = versions.first().map(|version| version.body.clone()).unwrap_or_default();
    let authorities = [("", "report-authority-none")]
        .into_iter()
        .chain(Authority::ALL.map(|one| (one.word(), authority_key(one))))
        .collect::<Vec<_>>();
    Ok(ReportPage {
        report: ReportRow::of(&report, desk.directory.as_ref()),
        incident: report.incident.map(|id| id.to_string()),
        version: report.version,
        authorities: Choice::words(who.lang, &authorities, &body.content.authority),
        content: body.content,
        facts: body.facts,
        is_own: report.is_work_of(who.account, &versions),
        submitter: report.submitter,
        submitted_at: report.submitted_at,
        approver: report.approver,
        returned: report.returned,
        sha256: report.sha256,
        reference: report.reference,
        signed_on: report.signed_on,
        signed,
        versions: versions.iter().map(VersionView::from).collect(),
    })
}

const fn authority_key(authority: Authority) -> &'static str {
    match authority {
        Authority::OnBehalf => "report-authority-tm",
        Authority::Deputy => "report-authority-kt",
        Authority::ByOrder => "report-authority-tl",
        Authority::ByProxy => "report-authority-tuq",
        Authority::Acting => "report-authority-q",
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TakeQuery {
    /// `docx` (when left out), `pdf` or `signed`.
    format: String,
}

async fn take(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(query): Query<TakeQuery>,
) -> Result<Response, AppError> {
    Ok(taken(&desk, &who, id, &query.format).await?)
}

pub(super) async fn taken(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    format: &str,
) -> Result<Response, RespondError> {
    let report = store::get(desk.db.conn(), &who.scope, id).await?;
    let year = report.year.unwrap_or_else(|| report.made_at.year());
    let name = match report.number {
        Some(number) => format!("bao-cao-{number:02}-{year}"),
        None => format!("bao-cao-du-thao-{}", report.version),
    };
    if format == "signed" {
        let copy = store::signed(desk.db.conn(), id).await?.ok_or(RespondError::NotFound)?;
        let bytes = custody::read(&desk.files, &copy.sha256).await?;
        let subject = custody::Subject {
            kind: custody::Kind::ReportSigned,
            id,
            agency: report.agency,
            sha256: &copy.sha256,
        };
        custody::take_out(desk, &Handler::from(who), subject).await?;
        return file::answer(&format!("{name}-da-ky"), "pdf", PDF_MEDIA, bytes);
    }
    let printed: Document = match &report.frozen {
        Some(frozen) => serde_json::from_str(frozen).map_err(RespondError::Json)?,
        None => draft_document(desk, id).await?,
    };
    let is_pdf = format == "pdf";
    let print = move || if is_pdf { printed.pdf() } else { printed.docx() };
    let bytes = tokio::task::spawn_blocking(print)
        .await
        .map_err(|error| RespondError::File(Box::new(error)))?
        .map_err(|error| RespondError::File(Box::new(error)))?;
    let (ending, media) = if is_pdf { ("pdf", PDF_MEDIA) } else { ("docx", DOCX_MEDIA) };
    file::answer(&name, ending, media, bytes)
}

/// A new version of a draft.
#[derive(Debug, Clone, Deserialize, ToSchema)]
struct EditForm {
    /// The version it changes: someone else's newer one is not written over.
    version: i32,
    #[serde(flatten)]
    content: Content,
}

async fn edit(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<EditForm>,
) -> Result<Done, AppError> {
    actions::edit(&desk, &Handler::from(&who), id, form.version, form.content).await?;
    Ok(done(format!("/reports/{id}")).notice(Phrase::key("report-done-edited")))
}

async fn submit(Held(desk): Held<Desk>, who: Who, Path(id): Path<Uuid>) -> Result<Done, AppError> {
    actions::submit(&desk, &Handler::from(&who), id).await?;
    Ok(done(format!("/reports/{id}")).notice(Phrase::key("report-done-submitted")))
}

async fn withdraw(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::withdraw(&desk, &Handler::from(&who), id).await?;
    Ok(done("/reports").notice(Phrase::key("report-done-withdrawn")))
}

async fn approve(Held(desk): Held<Desk>, who: Who, Path(id): Path<Uuid>) -> Result<Done, AppError> {
    let report = actions::approve(&desk, &Handler::from(&who), id).await?;
    let notice =
        Phrase::key("report-done-approved").arg("number", report.quoted.unwrap_or_default());
    Ok(done(format!("/reports/{id}")).notice(notice))
}

/// Why a report is given back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnForm {
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn give_back(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ReturnForm>,
) -> Result<Done, AppError> {
    actions::give_back(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done(format!("/reports/{id}")).notice(Phrase::key("report-done-returned")))
}

/// That a report was sent.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct SentForm {
    /// Number and symbol on the signed paper; empty takes the report's own.
    reference: String,
    /// The day on the signed paper.
    signed_on: Option<NaiveDate>,
    /// When it was sent (Vietnam's clock, `2026-11-22T14:05`); empty is now.
    at: String,
}

async fn sent(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<SentForm>,
) -> Result<Done, AppError> {
    let at = moment(&form.at)?;
    let sending = Sending { at, reference: form.reference, signed_on: form.signed_on };
    let answered = actions::send(&desk, &Handler::from(&who), id, sending).await?;
    let notice = Phrase::key("report-done-sent").arg("count", answered.len());
    Ok(done(format!("/reports/{id}")).notice(notice))
}

async fn file_signed(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    file: Upload,
) -> Result<Done, AppError> {
    actions::file_signed(&desk, &Handler::from(&who), id, &file.name, &file.bytes).await?;
    Ok(done(format!("/reports/{id}")).notice(Phrase::key("report-done-filed")))
}

/// Returns the newest version of a report that the caller has read, as a draft of the document.
async fn draft_document(desk: &Desk, id: Uuid) -> Result<Document, RespondError> {
    let versions = store::versions(desk.db.conn(), id).await?;
    let body = versions.first().map(|version| version.body.clone()).unwrap_or_default();
    Ok(print::document(&body, desk.db.now(), None))
}
