//! Addresses of agencies.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::AgencyId;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Existence};
use super::contact::{self, ContactDraft};
use super::history::{self, Merger, Renaming};
use super::model::{Agency, AgencyDraft, AgencyFilter, AgencyKind};
use super::store;
use super::tree::{self, AgencyTreePage};
use super::views::{AgencyDetail, AgencyForm, AgencyList, AgencyRow, PastName};
use crate::admin_unit::{Unit, Units};
use crate::export::{Export, Sheet};
use crate::forms::{self, Errors, choices};
use crate::law::Law;
use crate::quality::{self, Ground};
use crate::source::SourceFilter;
use crate::{Registry, agency_choices, failed, limits, source, system, text, today};

/// Returns the routes of agencies.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{AgencyChange, AgencyContact, AgencyRead};
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
        .get("/agencies/tree", AgencyRead, tree)
        .doc("Shows the agencies as a tree")
        .gives::<AgencyTreePage>()
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
        .post("/agencies/{id}/rename", AgencyChange, rename)
        .doc("Gives an agency a new name from a day on")
        .takes::<Renaming>()
        .post("/agencies/{id}/merge", AgencyChange, merge)
        .doc("Closes an agency and gives what it had to another")
        .takes::<Merger>()
        .post("/agencies/{id}/contact", AgencyContact, confirm)
        .doc("Keeps and confirms who is called day and night")
        .takes::<ContactDraft>()
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AgencyFilter>,
    Query(page): Query<Page>,
) -> Result<View<AgencyList>, AppError> {
    let part = (page.offset(), page.limit());
    let now = registry.db.now();
    let (agencies, total) =
        store::list(registry.db.conn(), &who.scope, (&filter, now), part).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let query = text::query(&[
        ("q", filter.q.clone()),
        ("kind", filter.kind.clone()),
        ("state", filter.state.clone()),
        ("contact", filter.contact.clone()),
    ]);
    let due = ("due".to_owned(), Phrase::key("agency-contact-due").text(who.lang));
    let closed = ("closed".to_owned(), Phrase::key("registry-agency-closed").text(who.lang));
    Ok(View::new(AgencyList {
        rows: agencies.iter().map(|agency| AgencyRow::new(agency, &snapshot, now)).collect(),
        pager: page.pager("/agencies", &query, total),
        q: filter.q.unwrap_or_default(),
        kinds: choices(kinds(&who), filter.kind.as_deref()),
        states: choices([closed], filter.state.as_deref()),
        contacts: choices([due], filter.contact.as_deref()),
        query,
    }))
}

fn kinds(who: &Who) -> [(String, String); 12] {
    AgencyKind::ALL.map(|kind| (kind.word().to_owned(), Phrase::key(kind.key()).text(who.lang)))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AgencyFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (part, now) = ((0, limits::ROWS_MAX), registry.db.now());
    let (agencies, _) =
        store::list(registry.db.conn(), &who.scope, (&filter, now), part).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let header = [
        "registry-code",
        "registry-name",
        "registry-agency-kind",
        "registry-agency-parent",
        "registry-phone",
        "registry-email",
        "registry-address",
        "agency-identifier",
        "agency-sector",
        "agency-contact",
        "agency-contact-phone",
        "agency-contact-confirmed-at",
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
            agency.identifier,
            Law::builtin().name("sector", &agency.sector, who.lang).to_owned(),
            agency.contact.name,
            agency.contact.phone,
            agency
                .contact
                .confirmed_at
                .map(|at| text::day(crate::vietnam_day(at)))
                .unwrap_or_default(),
        ]);
    }
    sheet.answer(export)
}

async fn tree(State(registry): State<Registry>, who: Who) -> View<AgencyTreePage> {
    let snapshot = registry.directory.snapshot();
    let branches = tree::branches(&snapshot, &who.scope, registry.db.now());
    View::new(AgencyTreePage { branches })
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
) -> Result<View<AgencyDetail>, AppError> {
    Ok(View::new(shown(&registry, &who, id).await?))
}

async fn shown(registry: &Registry, who: &Who, id: AgencyId) -> Result<AgencyDetail, AppError> {
    let agency = found(registry, who, id).await?;
    let filter = SourceFilter { agency: Some(id), ..SourceFilter::default() };
    let rows = source::rows(registry, who, &filter).await?;
    let systems = system::rows_of_agency(registry, who, id).await?;
    let former = store::former_names(registry.db.conn(), Some(&agency)).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let now = registry.db.now();
    let near = |fits: &dyn Fn(&Agency) -> bool| {
        let seen = snapshot.tree().iter().filter(|other| who.scope.sees(other.id) && fits(other));
        let mut rows: Vec<AgencyRow> =
            seen.map(|other| AgencyRow::new(other, &snapshot, now)).collect();
        rows.sort_by_cached_key(|row| event::fold::fold(&row.name));
        rows
    };
    let ground = Ground::new(&snapshot, &registry.health, now);
    let quality = quality::card(&quality::of_agency(&ground, &agency), who.lang);
    let successor = agency.successor.filter(|heir| who.scope.sees(*heir));
    Ok(AgencyDetail {
        below: near(&|other| other.parent == Some(id) && other.valid_to.is_none()),
        merged: near(&|other| other.successor == Some(id)),
        row: AgencyRow::new(&agency, &snapshot, now),
        quality,
        former: former.into_iter().map(PastName::from).collect(),
        successor: successor.map(|heir| heir.to_string()),
        successor_name: successor.map(|heir| snapshot.tree().name(heir).to_owned()),
        unit: Units::builtin().get(&agency.unit).map(Unit::full_name),
        sector: Law::builtin().name("sector", &agency.sector, who.lang).to_owned(),
        identifier: agency.identifier,
        contact: ContactDraft { name: agency.contact.name, phone: agency.contact.phone },
        confirmed_at: agency.contact.confirmed_at,
        confirmed_by: agency.contact.confirmed_by,
        heirs: agency_choices(&snapshot, who, None)
            .into_iter()
            .filter(|choice| choice.value != id.to_string())
            .collect(),
        renaming: Renaming::default(),
        merger: Merger::default(),
        errors: Errors::new(),
        email: agency.email,
        address: agency.address,
        valid_from: agency.valid_from,
        valid_to: agency.valid_to,
        version: agency.version,
        systems,
        rows,
    })
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
        sectors: Law::builtin().choices("sector", &draft.sector, (today(registry), who.lang)),
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
    let made = actions::create(&registry, &who, draft.clone()).await.map(|id| saved(id).made());
    forms::answer(&who, made, |errors| form(&registry, &who, None, (draft, errors)))
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
    Body(draft): Body<AgencyDraft>,
) -> Result<Response, AppError> {
    let kept = actions::update(&registry, &who, id, draft.clone()).await.map(|()| saved(id));
    forms::answer(&who, kept, |errors| form(&registry, &who, Some(id), (draft, errors)))
}

/// Answers a form of the agency's own page: onwards, or the page again with what is wrong.
async fn answer(
    (registry, who, id): (&Registry, &Who, AgencyId),
    kept: Result<(), AppError>,
    typed: impl FnOnce(&mut AgencyDetail),
) -> Result<Response, AppError> {
    if !matches!(kept, Err(AppError::Invalid(_))) {
        return kept.map(|()| saved(id).into_response());
    }
    let mut page = shown(registry, who, id).await?;
    typed(&mut page);
    forms::answer(who, kept.map(|()| saved(id)), |errors| AgencyDetail { errors, ..page })
}

async fn rename(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
    Body(given): Body<Renaming>,
) -> Result<Response, AppError> {
    let kept = history::rename(&registry, &who, id, given.clone()).await;
    answer((&registry, &who, id), kept, |page| page.renaming = given).await
}

async fn merge(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
    Body(given): Body<Merger>,
) -> Result<Response, AppError> {
    let kept = history::merge(&registry, &who, id, given.clone()).await;
    answer((&registry, &who, id), kept, |page| page.merger = given).await
}

async fn confirm(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<AgencyId>,
    Body(given): Body<ContactDraft>,
) -> Result<Response, AppError> {
    let kept = contact::confirm(&registry, &who, id, given.clone()).await;
    answer((&registry, &who, id), kept, |page| page.contact = given).await
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
