//! Addresses of imports.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Done, Path, Permission, Phrase, Query, Routes, Upload, View, Who, done};

use super::model::{Batch, Kind};
use super::views::{BatchPage, BatchRow, ImportPage, PlanRow};
use super::{actions, store};
use crate::{Registry, failed, forms};

/// Returns the routes of imports. A batch is its importer's own; what it needs beyond that, its kind says.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{AgencyChange, PostChange, SystemChange};
    Routes::new()
        .get("/import/agencies", AgencyChange, agencies)
        .doc("Shows how agencies are imported, and what one imported")
        .gives::<ImportPage>()
        .post("/import/agencies", AgencyChange, check_agencies)
        .doc("Looks at a spreadsheet of agencies: the body, or a form's file")
        .get("/import/systems", SystemChange, systems)
        .doc("Shows how information systems are imported, and what one imported")
        .gives::<ImportPage>()
        .post("/import/systems", SystemChange, check_systems)
        .doc("Looks at a spreadsheet of information systems: the body, or a form's file")
        .get("/import/people", PostChange, people)
        .doc("Shows how people are imported, and what one imported")
        .gives::<ImportPage>()
        .post("/import/people", PostChange, check_people)
        .doc("Looks at a spreadsheet of people: the body, or a form's file")
        .get("/import/assets", SystemChange, assets)
        .doc("Shows how assets are imported, and what one imported")
        .gives::<ImportPage>()
        .post("/import/assets", SystemChange, check_assets)
        .doc("Looks at a spreadsheet of assets: the body, or a form's file")
        .own_get("/import/batches/{id}", batch)
        .doc("Shows what would become, or became, of each row of one's file")
        .gives::<BatchPage>()
        .own_post("/import/batches/{id}/apply", apply)
        .doc("Takes a file in as one batch")
        .own_post("/import/batches/{id}/undo", undo)
        .doc("Undoes a batch, as long as nobody built on it")
}

async fn form(registry: &Registry, who: &Who, kind: Kind) -> Result<ImportPage, AppError> {
    let batches = store::latest(registry.db.conn(), who.account).await.map_err(failed)?;
    let batches: Vec<Batch> = batches.into_iter().filter(|batch| batch.kind == kind).collect();
    Ok(ImportPage::new(kind, &batches, who.lang))
}

async fn check(
    registry: &Registry,
    who: &Who,
    kind: Kind,
    upload: Result<Upload, AppError>,
) -> Result<Response, AppError> {
    let looked = match upload {
        Ok(upload) => actions::check(registry, who, kind, upload).await,
        Err(error) => Err(error),
    };
    match looked {
        Ok(id) => Ok(done(format!("/import/batches/{id}")).made().into_response()),
        Err(error) => {
            let page = form(registry, who, kind).await?;
            forms::again(who, error, |errors| ImportPage { errors, ..page })
        }
    }
}

async fn agencies(
    State(registry): State<Registry>,
    who: Who,
) -> Result<View<ImportPage>, AppError> {
    Ok(View::new(form(&registry, &who, Kind::Agencies).await?))
}

async fn systems(State(registry): State<Registry>, who: Who) -> Result<View<ImportPage>, AppError> {
    Ok(View::new(form(&registry, &who, Kind::Systems).await?))
}

async fn people(State(registry): State<Registry>, who: Who) -> Result<View<ImportPage>, AppError> {
    Ok(View::new(form(&registry, &who, Kind::People).await?))
}

async fn assets(State(registry): State<Registry>, who: Who) -> Result<View<ImportPage>, AppError> {
    Ok(View::new(form(&registry, &who, Kind::Assets).await?))
}

async fn check_assets(
    State(registry): State<Registry>,
    who: Who,
    upload: Result<Upload, AppError>,
) -> Result<Response, AppError> {
    check(&registry, &who, Kind::Assets, upload).await
}

async fn check_agencies(
    State(registry): State<Registry>,
    who: Who,
    upload: Result<Upload, AppError>,
) -> Result<Response, AppError> {
    check(&registry, &who, Kind::Agencies, upload).await
}

async fn check_systems(
    State(registry): State<Registry>,
    who: Who,
    upload: Result<Upload, AppError>,
) -> Result<Response, AppError> {
    check(&registry, &who, Kind::Systems, upload).await
}

async fn check_people(
    State(registry): State<Registry>,
    who: Who,
    upload: Result<Upload, AppError>,
) -> Result<Response, AppError> {
    check(&registry, &who, Kind::People, upload).await
}

async fn batch(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<View<BatchPage>, AppError> {
    let batch = actions::own(&registry, &who, id).await?;
    let mut rows: Vec<PlanRow> = batch.rows.iter().map(PlanRow::from).collect();
    rows.sort_by_key(|row| (row.deed, row.line));
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    Ok(View::new(BatchPage {
        batch: BatchRow::from(&batch),
        pager: page.pager(&format!("/import/batches/{id}"), "", total),
        rows: rows.into_iter().skip(skip).take(take).collect(),
        ignored: batch.ignored,
    }))
}

async fn apply(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::apply(&registry, &who, id).await?;
    Ok(done(format!("/import/batches/{id}")).notice(Phrase::key("import-applied")))
}

async fn undo(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::undo(&registry, &who, id).await?;
    Ok(done(format!("/import/batches/{id}")).notice(Phrase::key("import-undone")))
}
