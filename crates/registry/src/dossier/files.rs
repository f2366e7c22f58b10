//! Forms as files: DOCX and PDF of each, form 08 also as a spreadsheet.

use axum::extract::State as Held;
use axum::response::{IntoResponse as _, Response};
use event::AgencyId;
use serde::Deserialize;
use uuid::Uuid;
use web::document::{DOCX_MEDIA, Document, PDF_MEDIA};
use web::{AppError, Path, Query, Who};

use super::form::{Filling, Form};
use super::ground::Ground;
use super::routes::found;
use super::{report, store};
use crate::{Registry, failed, today};

/// What an Excel file is called among media types.
const XLSX_MEDIA: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// As what a form is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Docx,
    Pdf,
    /// Form 08 only.
    Xlsx,
}

/// What follows a form's address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct FormQuery {
    format: Format,
    /// Of form 08: only this agency's systems and those below it.
    agency: Option<AgencyId>,
}

/// Returns a form of a dossier as a document.
pub(super) async fn printed(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    form: Form,
) -> Result<(String, Document), AppError> {
    let dossier = found(registry, who, id).await?;
    if !form.fits(&dossier) {
        return Err(AppError::NotFound);
    }
    let conn = registry.db.conn();
    let ground = Ground::read(registry, conn, who, dossier.system).await?;
    let comments = store::comments(conn, &dossier).await.map_err(failed)?;
    let filling = Filling { dossier: &dossier, ground: &ground, comments: &comments };
    let name = format!("{}-mau-{}", dossier.number.to_lowercase(), form.number());
    Ok((name, filling.print(form)))
}

pub(super) async fn form(
    Held(registry): Held<Registry>,
    who: Who,
    Path((id, number)): Path<(Uuid, String)>,
    Query(query): Query<FormQuery>,
) -> Result<Response, AppError> {
    let form = Form::from_number(&number).ok_or(AppError::NotFound)?;
    let (name, document) = printed(&registry, &who, id, form).await?;
    as_file(name, document, query.format).await
}

pub(super) async fn form_08(
    Held(registry): Held<Registry>,
    who: Who,
    Query(query): Query<FormQuery>,
) -> Result<Response, AppError> {
    let rows = report::rows(&registry, &who, query.agency).await?;
    let day = today(&registry);
    let name = format!("mau-08-{day}");
    if query.format == Format::Xlsx {
        let filled = tokio::task::spawn_blocking(move || report::spreadsheet(&rows, day)).await;
        let bytes = filled.map_err(AppError::internal)?.map_err(AppError::internal)?;
        return Ok(answer(&name, "xlsx", XLSX_MEDIA, bytes));
    }
    let snapshot = registry.directory.snapshot();
    let issuer = query.agency.or(who.agency).filter(|agency| who.scope.sees(*agency));
    let issuer = issuer.or_else(|| {
        let top = |agency: &&std::sync::Arc<crate::agency::Agency>| agency.parent.is_none();
        snapshot.tree().iter().find(top).map(|agency| agency.id)
    });
    let issuer = issuer.map(|agency| snapshot.tree().name(agency).to_owned());
    as_file(name, report::document(issuer.unwrap_or_default(), rows, day), query.format).await
}

async fn as_file(name: String, document: Document, format: Format) -> Result<Response, AppError> {
    let is_pdf = format == Format::Pdf;
    let print = move || if is_pdf { document.pdf() } else { document.docx() };
    let printed = tokio::task::spawn_blocking(print).await.map_err(AppError::internal)?;
    let bytes = printed.map_err(AppError::internal)?;
    let (ending, media) = if is_pdf { ("pdf", PDF_MEDIA) } else { ("docx", DOCX_MEDIA) };
    Ok(answer(&name, ending, media, bytes))
}

fn answer(name: &str, ending: &str, media: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    let headers = [
        ("content-type", media.to_owned()),
        ("content-disposition", disposition),
        ("cache-control", "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}
