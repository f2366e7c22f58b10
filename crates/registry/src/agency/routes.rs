//! Addresses of agencies.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::AgencyId;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Existence};
use super::model::{Agency, AgencyDraft, AgencyFilter, AgencyKind};
use super::store;
use super::views::{AgencyDetail, AgencyForm, AgencyList, AgencyRow};
use crate::export::{Export, Sheet};
use crate::forms::{self, Errors, choices};
use crate::source::SourceFilter;
use crate::{Registry, agency_choices, failed, limits, source, system, text};

/// Returns the routes of agencies.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{AgencyChange, AgencyRead};
    Routes::new()
        .get("/agencies", AgencyRead, list)
        .doc("Lists agencies")
        .gives::<AgencyList>()
        .get("/agencies/export", AgencyRead, export)
        .doc("Gives the list as a file")
        .get("/agencies/new", AgencyChange, new)
        .doc("Shows the form of a new agency")
        .post("/agencies", AgencyChange, create)
        .doc("Adds an agency")
        .takes::<AgencyDraft>()
        .get("/agencies/{id}", AgencyRead, detail)
        .doc("Shows an agency with its systems and log sources")
        .gives::<AgencyDetail>()
        .get("/agencies/{id}/edit", AgencyChange, edit)
        .doc("Shows the form of an agency")
        .post("/agencies/{id}", AgencyChange, update)
        .doc("Changes an agency")
        .takes::<AgencyDraft>()
        .post("/agencies/{id}/close", AgencyChange, close)
        .doc("Closes an agency that no longer exists")
        .post("/agencies/{id}/reopen", AgencyChange, reopen)
        .doc("Opens a closed agency again")
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AgencyFilter>,
    Query(page): Query<Page>,
) -> Result<View<AgencyList>, AppError> {
    let part = (page.offset(), page.limit());
    let (agencies, total) =
        store::list(registry.db.conn(), &who.scope, &filter, part).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let query = text::query(&[
        ("q", filter.q.clone()),
        ("kind", filter.kind.clone()),
        ("state", filter.state.clone()),
    ]);
    let closed = ("closed".to_owned(), Phrase::key("registry-agency-closed").text(who.lang));
    Ok(View::new(AgencyList {
        rows: agencies.iter().map(|agency| AgencyRow::new(agency, &snapshot)).collect(),
        pager: page.pager("/agencies", &query, total),
        q: filter.q.unwrap_or_default(),
        kinds: choices(kinds(&who), filter.kind.as_deref()),
        states: choices([closed], filter.state.as_deref()),
        query,
    }))
}

fn kinds(who: &Who) -> [(String, String); 9] {
    AgencyKind::ALL.map(|kind| (kind.word().to_owned(), Phrase::key(kind.key()).text(who.lang)))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AgencyFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let part = (0, limits::ROWS_MAX);
    let (agencies, _) =
        store::list(registry.db.conn(), &who.scope, &filter, part).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let header = [
        "registry-code",
        "registry-name",
        "registry-agency-kind",
        "registry-agency-parent",
        "registry-phone",
        "registry-email",
        "registry-address",
    ];
    let mut sheet = Sheet::new("don-vi", who.lang, &header);
    for agency in agencies {
        let parent = agency.parent.and_then(|id| snapshot.tree().get(id));
        sheet.row(vec![
            agency.code,
            agency.name,
            Phrase::key(agency.kind.key()).text(who.lang),
            parent.map(|parent| parent.name.clone()).unwrap_or_default(),
            agency.phone,
            agency.email,
            agency.address,
        ]);
    }
    sheet.answer(export)
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
) -> Result<View<AgencyDetail>, AppError> {
    let agency = found(&registry, &who, id).await?;
    let filter = SourceFilter { agency: Some(id), ..SourceFilter::default() };
    let rows = source::rows(&registry, &who, &filter).await?;
    let systems = system::rows_of_agency(&registry, &who, id).await?;
    let snapshot = registry.directory.snapshot();
    let mut below: Vec<AgencyRow> = snapshot
        .tree()
        .iter()
        .filter(|other| other.parent == Some(id) && who.scope.sees(other.id))
        .map(|other| AgencyRow::new(other, &snapshot))
        .collect();
    below.sort_by_cached_key(|row| event::fold::fold(&row.name));
    Ok(View::new(AgencyDetail {
        row: AgencyRow::new(&agency, &snapshot),
        email: agency.email,
        address: agency.address,
        valid_from: agency.valid_from,
        valid_to: agency.valid_to,
        version: agency.version,
        below,
        systems,
        rows,
    }))
}

async fn new(
    State(registry): State<Registry>,
    who: Who,
    Query(draft): Query<AgencyDraft>,
) -> Result<View<AgencyForm>, AppError> {
    Ok(View::new(form(&registry, &who, None, (draft, Errors::new()))))
}

async fn edit(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
) -> Result<View<AgencyForm>, AppError> {
    let draft = AgencyDraft::from(&found(&registry, &who, id).await?);
    Ok(View::new(form(&registry, &who, Some(id), (draft, Errors::new()))))
}

fn form(
    registry: &Registry,
    who: &Who,
    id: Option<AgencyId>,
    (draft, errors): (AgencyDraft, Errors),
) -> AgencyForm {
    let snapshot = registry.directory.snapshot();
    AgencyForm {
        id: id.map(|id| id.to_string()),
        kinds: choices(kinds(who), Some(&draft.kind)),
        parents: agency_choices(&snapshot, who, draft.parent),
        draft,
        errors,
    }
}

async fn create(
    State(registry): State<Registry>,
    who: Who,
    Body(draft): Body<AgencyDraft>,
) -> Result<Response, AppError> {
    match actions::create(&registry, &who, draft.clone()).await {
        Ok(id) => Ok(saved(id).made().into_response()),
        Err(error) => {
            forms::again(&who, error, |errors| form(&registry, &who, None, (draft, errors)))
        }
    }
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
    Body(draft): Body<AgencyDraft>,
) -> Result<Response, AppError> {
    match actions::update(&registry, &who, id, draft.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error) => {
            forms::again(&who, error, |errors| form(&registry, &who, Some(id), (draft, errors)))
        }
    }
}

async fn close(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
) -> Result<Done, AppError> {
    actions::set_closed(&registry, &who, id, Existence::Closed).await?;
    Ok(saved(id))
}

async fn reopen(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
) -> Result<Done, AppError> {
    actions::set_closed(&registry, &who, id, Existence::Open).await?;
    Ok(saved(id))
}

fn saved(id: AgencyId) -> Done {
    done(format!("/agencies/{id}")).notice(Phrase::key("registry-saved"))
}

async fn found(registry: &Registry, who: &Who, id: AgencyId) -> Result<Agency, AppError> {
    let agency = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    agency.ok_or(AppError::NotFound)
}
