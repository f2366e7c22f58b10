//! Addresses of imports: the same for each kind of thing, under the right to change that kind.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Done, Path, Query, Routes, Upload, View, Who, done};

use super::model::{Kind, Turn};
use super::views::{BatchPage, BatchRow, ImportPage, PlanRow, Work};
use super::{actions, store};
use crate::{Registry, failed, forms};

/// Returns the routes of imports. A batch is its importer's own.
pub(crate) fn routes() -> Routes<Registry> {
    Kind::ALL.into_iter().fold(Routes::new(), of_kind)
}

fn of_kind(routes: Routes<Registry>, kind: Kind) -> Routes<Registry> {
    let (word, right) = (kind.word(), kind.right());
    let list = move |State(registry): State<Registry>, who: Who| async move {
        Ok::<_, AppError>(View::new(form(&registry, &who, kind).await?))
    };
    let look = move |State(registry): State<Registry>, who: Who, upload| async move {
        check(&registry, &who, kind, upload).await
    };
    routes
        .get(&format!("/import/{word}"), right, list)
        .doc("Shows how such records are imported, and what one imported")
        .gives::<ImportPage>()
        .post(&format!("/import/{word}"), right, look)
        .doc("Looks at a spreadsheet: the body, or a form's file")
        .get(&format!("/import/{word}/{{id}}"), right, batch)
        .doc("Shows what would become, or became, of each row of one's file")
        .gives::<BatchPage>()
        .post(&format!("/import/{word}/{{id}}/apply"), right, apply)
        .doc("Begins to take a file in as one batch")
        .post(&format!("/import/{word}/{{id}}/undo"), right, undo)
        .doc("Begins to undo a batch, as long as nobody built on it")
}

async fn form(registry: &Registry, who: &Who, kind: Kind) -> Result<ImportPage, AppError> {
    let batches = store::latest(registry.db.conn(), who.account, kind).await.map_err(failed)?;
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
        Ok(id) => Ok(done(kind.page(id)).made().into_response()),
        Err(error) => {
            let page = form(registry, who, kind).await?;
            forms::again(who, error, |errors| ImportPage { errors, ..page })
        }
    }
}

async fn batch(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(page): Query<Page>,
) -> Result<View<BatchPage>, AppError> {
    let batch = actions::own(&registry, &who, id).await?;
    let job = actions::work(&registry, &who, &batch).await?;
    let mut rows: Vec<PlanRow> = batch.rows.iter().map(PlanRow::from).collect();
    rows.sort_by_key(|row| (row.deed, row.line));
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    Ok(View::new(BatchPage {
        batch: BatchRow::from(&batch.head()),
        by: batch.by.clone(),
        work: Work::of(&batch, job.as_ref()),
        pager: page.pager(&batch.kind.page(id), "", total),
        rows: rows.into_iter().skip(skip).take(take).collect(),
        ignored: batch.ignored,
        trouble: batch.trouble,
    }))
}

async fn apply(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    turn(&registry, &who, id, Turn::Apply).await
}

async fn undo(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    turn(&registry, &who, id, Turn::Undo).await
}

async fn turn(registry: &Registry, who: &Who, id: Uuid, turn: Turn) -> Result<Done, AppError> {
    let batch = actions::ask(registry, who, id, turn).await?;
    Ok(done(batch.kind.page(id)))
}
