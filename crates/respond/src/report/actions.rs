//! Writing, approving, numbering, sending and filing reports.

use axum::body::Bytes;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use db::{AuditEntry, Subject, Tx};
use event::{AgencyId, IncidentId};
use serde_json::json;
use uuid::Uuid;
use web::figures::vietnam;

use super::draft;
use super::model::{Body, Content, Report, ReportError, ReportKind, State, Step};
use super::print;
use super::store::{self, Signed};
use crate::actor::Handler;
use crate::alert::Reason;
use crate::custody;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::incident;
use crate::limits::SECTION_CHARS_MAX;
use crate::obligation;

/// Characters of a reference: number and symbol of a document.
const REFERENCE_CHARS_MAX: usize = 100;

/// How PDF files begin.
///
/// Source: ISO 32000-2, 7.5.2.
const PDF_MAGIC: &[u8] = b"%PDF-";

/// What a new report is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    Incident(IncidentId),
    Period(AgencyId, DateTime<Utc>, DateTime<Utc>),
}

/// Makes a draft.
pub(super) async fn create(
    desk: &Desk,
    who: &Handler,
    kind: ReportKind,
    about: About,
) -> Result<Report, RespondError> {
    let conn = desk.db.conn();
    let (body, agency, on, period) = match about {
        About::Incident(id) => {
            let incident = incident::get(conn, &who.scope, id).await?;
            let body = draft::of_incident(desk, &incident, kind).await?;
            (body, incident.agency, Some(id), None)
        }
        About::Period(agency, from, to) => {
            if !who.scope.sees(agency) {
                return Err(RespondError::NotFound);
            }
            let body = draft::of_period(desk, &who.scope, agency, (from, to)).await?;
            (body, agency, None, Some((from, to)))
        }
    };
    let tx = desk.db.begin().await?;
    let report = Report {
        id: tx.new_uuid(),
        kind,
        state: State::Draft,
        agency,
        incident: on,
        period,
        summary: body.content.summary.clone(),
        version: 1,
        made_by: who.account,
        author: who.name.clone(),
        made_at: tx.now(),
        submitted_by: None,
        submitter: None,
        submitted_at: None,
        approver: None,
        approved_at: None,
        returned: None,
        number: None,
        year: None,
        quoted: None,
        frozen: None,
        sha256: None,
        sent_at: None,
        reference: None,
        signed_on: None,
    };
    store::save(&tx, &report, true).await?;
    store::add_version(&tx, report.id, 1, (who.account, &who.name), &body).await?;
    let detail = json!({ "kind": kind.word(), "incident": on });
    commit(desk, tx, who, "report.draft", &report, detail).await?;
    Ok(report)
}

/// Writes a new version of a draft; its figures are those of now.
pub(super) async fn edit(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    version: i32,
    content: Content,
) -> Result<(), RespondError> {
    let standing = store::get(desk.db.conn(), &who.scope, id).await?;
    check(&content)?;
    let facts = match (standing.incident, standing.period) {
        (Some(on), _) => draft::facts(desk, &incident::get(desk.db.conn(), &who.scope, on).await?),
        (None, Some(period)) => draft::counts(desk, &who.scope, standing.agency, period).await?,
        (None, None) => Vec::new(),
    };
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    if report.state != State::Draft {
        return Err(ReportError::State.into());
    }
    if report.version != version {
        return Err(ReportError::Stale.into());
    }
    report.version += 1;
    report.summary.clone_from(&content.summary);
    store::save(&tx, &report, false).await?;
    let body = Body { content, facts };
    store::add_version(&tx, id, report.version, (who.account, &who.name), &body).await?;
    let detail = json!({ "version": report.version });
    commit(desk, tx, who, "report.edit", &report, detail).await
}

/// Checks what people wrote: bounded, and without the stamp of a state secret.
fn check(content: &Content) -> Result<(), RespondError> {
    for (field, text) in content.fields() {
        if text.chars().nth(SECTION_CHARS_MAX).is_some() {
            return Err(RespondError::Field { field, key: "report-error-long" });
        }
        if web::carries_secret_mark(text) {
            tracing::warn!(
                field.name = field,
                "a text with the stamp of a state secret was refused"
            );
            return Err(RespondError::Field { field, key: "profile-refused-stamp" });
        }
    }
    Ok(())
}

/// Hands a draft in for approval.
pub(super) async fn submit(desk: &Desk, who: &Handler, id: Uuid) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    report.state = report.state.after(Step::Submit)?;
    report.submitted_by = Some(who.account);
    report.submitter = Some(who.name.clone());
    report.submitted_at = Some(tx.now());
    report.returned = None;
    store::save(&tx, &report, false).await?;
    let detail = json!({ "version": report.version });
    commit(desk, tx, who, "report.submit", &report, detail).await
}

/// Approves a report: it gets its number and is frozen. Nobody approves what they wrote or handed in.
pub(super) async fn approve(desk: &Desk, who: &Handler, id: Uuid) -> Result<Report, RespondError> {
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    report.state = report.state.after(Step::Approve)?;
    let versions = store::versions(tx.conn(), id).await?;
    if report.is_work_of(who.account, &versions) {
        return Err(ReportError::Own.into());
    }
    let last = versions.into_iter().next().ok_or(RespondError::NotFound)?;
    let now = tx.now();
    let year = vietnam(now).year();
    let number = store::next_number(&tx, report.agency, year).await?;
    let printed = print::document(&last.body, now, u32::try_from(number).ok());
    let frozen = serde_json::to_string(&printed).map_err(RespondError::Json)?;
    report.sha256 = Some(file::sha256(frozen.as_bytes()));
    report.frozen = Some(frozen);
    report.number = Some(number);
    report.year = Some(year);
    report.quoted = printed.quoted();
    report.approver = Some(who.name.clone());
    report.approved_at = Some(now);
    store::save(&tx, &report, false).await?;
    let detail = json!({
        "number": report.quoted, "version": report.version, "sha256": report.sha256,
    });
    commit(desk, tx, who, "report.approve", &report, detail).await?;
    Ok(report)
}

/// Gives a report back to whoever wrote it.
pub(super) async fn give_back(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    reason: &str,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    let reason = Reason::new(reason)
        .ok_or(RespondError::Field { field: "reason", key: "incident-error-findings" })?;
    report.state = report.state.after(Step::Return)?;
    report.returned = Some(format!("{}: {}", who.name, reason.as_str()));
    store::save(&tx, &report, false).await?;
    let detail = json!({ "reason": reason });
    commit(desk, tx, who, "report.return", &report, detail).await
}

/// Takes a draft away that nobody needs.
pub(super) async fn withdraw(desk: &Desk, who: &Handler, id: Uuid) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    report.state = report.state.after(Step::Withdraw)?;
    store::save(&tx, &report, false).await?;
    commit(desk, tx, who, "report.withdraw", &report, json!({})).await
}

/// That an approved report was sent.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    /// When; nothing is now.
    pub(super) at: Option<DateTime<Utc>>,
    /// Number and symbol on the signed paper; empty takes the report's own.
    pub(super) reference: String,
    /// The day on the signed paper.
    pub(super) signed_on: Option<NaiveDate>,
}

/// Notes that a report was sent: the obligations whose report it is are answered by it.
pub(super) async fn send(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    sending: Sending,
) -> Result<Vec<String>, RespondError> {
    let tx = desk.db.begin().await?;
    let mut report = store::get_for_change(&tx, &who.scope, id).await?;
    if report.state != State::Approved || report.sent_at.is_some() {
        return Err(ReportError::State.into());
    }
    let at = sending.at.unwrap_or(tx.now());
    let approved = report.approved_at.unwrap_or(at);
    // Typed moments have no seconds: a report sent in the minute of its approval is in order.
    if at > tx.now() || at + chrono::TimeDelta::minutes(1) < approved {
        return Err(RespondError::Field { field: "at", key: "report-error-sent" });
    }
    let reference: String = sending.reference.trim().chars().take(REFERENCE_CHARS_MAX).collect();
    let own = report.quoted.clone().unwrap_or_default();
    let reference = if reference.is_empty() { own } else { reference };
    report.sent_at = Some(at);
    report.reference = Some(reference.clone());
    report.signed_on = sending.signed_on.map(|day| day.to_string());
    store::save(&tx, &report, false).await?;
    let mut answered = Vec::new();
    if let (Some(on), Some(answers)) = (report.incident, report.kind.answers()) {
        let on = incident::survivor(tx.conn(), &who.scope, on).await?;
        answered = obligation::answer(desk, &tx, who, on, answers, (at, &reference)).await?;
    }
    let detail = json!({ "reference": reference, "at": at, "obligations": answered });
    commit(desk, tx, who, "report.send", &report, detail).await?;
    Ok(answered)
}

/// Files the signed copy.
pub(super) async fn file_signed(
    desk: &Desk,
    who: &Handler,
    id: Uuid,
    name: &str,
    bytes: &[u8],
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let report = store::get_for_change(&tx, &who.scope, id).await?;
    let wrong = |key| RespondError::Field { field: "file", key };
    if !bytes.starts_with(PDF_MAGIC) {
        return Err(wrong("report-error-pdf"));
    }
    if web::carries_secret_mark(name) || carries_mark(bytes) {
        tracing::warn!(
            file.sha256 = file::sha256(bytes),
            "a file with the stamp of a state secret was refused"
        );
        return Err(wrong("profile-refused-stamp"));
    }
    if report.state != State::Approved {
        return Err(ReportError::State.into());
    }
    let stored =
        custody::keep_bytes(&desk.files, tx.new_uuid(), Bytes::copy_from_slice(bytes)).await?;
    let sha256 = stored.sha256.clone();
    let subject = custody::Subject {
        kind: custody::Kind::ReportSigned,
        id,
        agency: report.agency,
        sha256: &stored.sha256,
    };
    custody::receive(&tx, who, subject, (&stored, name)).await?;
    let detail = json!({ "name": name, "sha256": sha256, "size_bytes": bytes.len() });
    let copy =
        Signed { name: name.to_owned(), sha256, author: who.name.clone(), made_at: tx.now() };
    if !store::file_signed(&tx, id, copy).await? {
        return Err(ReportError::State.into());
    }
    commit(desk, tx, who, "report.file-signed", &report, detail).await
}

/// Returns whether a file carries the stamp in plain sight: in text that is not packed, or in its
/// properties (UTF-8, or UTF-16 as PDF strings are).
fn carries_mark(bytes: &[u8]) -> bool {
    ["TUYỆT MẬT", "TỐI MẬT"].iter().any(|stamp| {
        let wide: Vec<u8> = stamp.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        holds(stamp.as_bytes()) || holds(&wide)
    })
}

async fn commit(
    desk: &Desk,
    tx: Tx,
    who: &Handler,
    action: &str,
    report: &Report,
    detail: serde_json::Value,
) -> Result<(), RespondError> {
    let subject = Subject::new("report", report.id);
    let entry = AuditEntry::new(who.actor(), action, subject, detail).of_agency(report.agency);
    tx.commit(entry).await?;
    if report.incident.is_some() {
        desk.hub.incidents_changed(report.agency);
    }
    Ok(())
}
