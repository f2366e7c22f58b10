//! Addresses of information systems.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::{AgencyId, SystemId};
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::{System, SystemDraft, SystemFilter, SystemState, net_text};
use super::views::{PastChange, SystemDetail, SystemForm, SystemList, SystemRow, watch};
use super::{actions, standing, store};
use crate::export::{Export, Sheet};
use crate::forms::{self, Errors, choices};
use crate::source::SourceFilter;
use crate::{Registry, agency_choices, failed, limits, source, text};

/// Returns the routes of information systems.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{SystemChange, SystemRead};
    Routes::new()
        .get("/systems", SystemRead, list)
        .doc("Lists information systems, the highest level first")
        .gives::<SystemList>()
        .get("/systems/export", SystemRead, export)
        .doc("Gives the list as a file")
        .get("/systems/new", SystemChange, new)
        .doc("Shows the form of a new system")
        .post("/systems", SystemChange, create)
        .doc("Adds a system")
        .takes::<SystemDraft>()
        .get("/systems/{id}", SystemRead, detail)
        .doc("Shows a system with its log sources")
        .gives::<SystemDetail>()
        .get("/systems/{id}/edit", SystemChange, edit)
        .doc("Shows the form of a system")
        .post("/systems/{id}", SystemChange, update)
        .doc("Changes a system")
        .takes::<SystemDraft>()
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<SystemFilter>,
    Query(page): Query<Page>,
) -> Result<View<SystemList>, AppError> {
    let (systems, total) = rows(&registry, &who, &filter, (page.offset(), page.limit())).await?;
    let snapshot = registry.directory.snapshot();
    let query = text::query(&[
        ("q", filter.q.clone()),
        ("level", filter.level.clone()),
        ("agency", filter.agency.map(|id| id.to_string())),
        ("state", filter.state.clone()),
        ("logs", filter.logs.clone()),
    ]);
    let mut level_choices = levels(&who);
    let word = |key| Phrase::key(key).text(who.lang);
    level_choices.insert(0, ("3+".to_owned(), word("registry-level-three-up")));
    level_choices.push(("none".to_owned(), word("registry-level-none")));
    let missing = ("missing".to_owned(), word("registry-system-no-source"));
    Ok(View::new(SystemList {
        systems,
        pager: page.pager("/systems", &query, total),
        q: filter.q.unwrap_or_default(),
        levels: choices(level_choices, filter.level.as_deref()),
        states: choices(states(&who), filter.state.as_deref()),
        agencies: agency_choices(&snapshot, &who, filter.agency),
        logs: choices([missing], filter.logs.as_deref()),
        query,
    }))
}

async fn rows(
    registry: &Registry,
    who: &Who,
    filter: &SystemFilter,
    part: (u64, u64),
) -> Result<(Vec<SystemRow>, u64), AppError> {
    let snapshot = registry.directory.snapshot();
    let watched = snapshot.watched();
    let (systems, total) = store::list(registry.db.conn(), &who.scope, filter, &watched, part)
        .await
        .map_err(failed)?;
    let watch = watch(&snapshot, &registry.health, registry.db.now());
    let rows = systems.iter().map(|system| SystemRow::new(system, &snapshot, &watch)).collect();
    Ok((rows, total))
}

/// Returns the systems of one agency, within what the asker sees.
pub(crate) async fn rows_of_agency(
    registry: &Registry,
    who: &Who,
    agency: AgencyId,
) -> Result<Vec<SystemRow>, AppError> {
    let filter = SystemFilter { agency: Some(agency), ..SystemFilter::default() };
    Ok(rows(registry, who, &filter, (0, limits::ROWS_MAX)).await?.0)
}

/// Returns the levels to choose from.
pub(crate) fn levels(who: &Who) -> Vec<(String, String)> {
    (1..=5_u64)
        .map(|level| {
            let label = Phrase::key("registry-level-number").arg("level", level).text(who.lang);
            (level.to_string(), label)
        })
        .collect()
}

fn states(who: &Who) -> [(String, String); 4] {
    SystemState::ALL.map(|state| (state.word().to_owned(), Phrase::key(state.key()).text(who.lang)))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<SystemFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (systems, _) = rows(&registry, &who, &filter, (0, limits::ROWS_MAX)).await?;
    let header = [
        "registry-code",
        "registry-name",
        "registry-level",
        "registry-system-state",
        "registry-agency",
        "registry-operator",
        "registry-duty-phone",
        "registry-sources",
        "registry-source-status-live",
    ];
    let mut sheet = Sheet::new("he-thong", who.lang, &header);
    for system in systems {
        sheet.row(vec![
            system.code,
            system.name,
            system.level.map(|level| level.number().to_string()).unwrap_or_default(),
            Phrase::key(system.state_key).text(who.lang),
            system.agency_name,
            system.operator,
            system.duty_phone,
            system.sources.to_string(),
            system.live.to_string(),
        ]);
    }
    sheet.answer(export)
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
) -> Result<View<SystemDetail>, AppError> {
    let system = found(&registry, &who, id).await?;
    let filter = SourceFilter { system: Some(id), ..SourceFilter::default() };
    let rows = source::rows(&registry, &who, &filter).await?;
    let snapshot = registry.directory.snapshot();
    let watch = watch(&snapshot, &registry.health, registry.db.now());
    let agency = snapshot.tree().get(system.agency);
    let standing = standing::standing(&registry, &who, &system, &rows).await?;
    let history = history(&registry, &who, &system).await?;
    Ok(View::new(SystemDetail {
        standing,
        history,
        system: SystemRow::new(&system, &snapshot, &watch),
        ip_ranges: system.ip_ranges.iter().map(net_text).collect(),
        owner_contact: system.owner_contact,
        description: system.description,
        domains: system.domains,
        agency_phone: agency.map(|agency| agency.phone.clone()).unwrap_or_default(),
        created_at: system.created_at,
        updated_at: system.updated_at,
        version: system.version,
        rows,
    }))
}

/// Returns what was last done to a system.
async fn history(
    registry: &Registry,
    who: &Who,
    system: &System,
) -> Result<Vec<PastChange>, AppError> {
    let filter = db::audit::AuditFilter {
        subject_kind: Some("system".to_owned()),
        subject_id: Some(system.id.to_string()),
        ..db::audit::AuditFilter::default()
    };
    let rows = db::audit::list(&registry.db, &who.scope, &filter, limits::HISTORY_SHOWN).await;
    Ok(rows.map_err(failed)?.into_iter().map(PastChange::from).collect())
}

async fn new(
    State(registry): State<Registry>,
    who: Who,
    Query(mut draft): Query<SystemDraft>,
) -> Result<View<SystemForm>, AppError> {
    if draft.state.is_empty() {
        SystemState::Building.word().clone_into(&mut draft.state);
    }
    Ok(View::new(form(&registry, &who, None, (draft, Errors::new()))))
}

async fn edit(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
) -> Result<View<SystemForm>, AppError> {
    let draft = SystemDraft::from(&found(&registry, &who, id).await?);
    Ok(View::new(form(&registry, &who, Some(id), (draft, Errors::new()))))
}

fn form(
    registry: &Registry,
    who: &Who,
    id: Option<SystemId>,
    (draft, errors): (SystemDraft, Errors),
) -> SystemForm {
    let snapshot = registry.directory.snapshot();
    let level = draft.level.map(|level| level.to_string());
    SystemForm {
        id: id.map(|id| id.to_string()),
        agencies: agency_choices(&snapshot, who, draft.agency),
        levels: choices(levels(who), level.as_deref()),
        states: choices(states(who), Some(&draft.state)),
        draft,
        errors,
    }
}

async fn create(
    State(registry): State<Registry>,
    who: Who,
    Body(draft): Body<SystemDraft>,
) -> Result<Response, AppError> {
    match actions::create(&registry, &who, draft.clone()).await {
        // The wizard's next step: what the level is proposed from.
        Ok(id) if who.by != web::By::Token => Ok(next_step(id).made().into_response()),
        Ok(id) => Ok(saved(id).made().into_response()),
        Err(error) => {
            forms::again(&who, error, |errors| form(&registry, &who, None, (draft, errors)))
        }
    }
}

async fn update(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(draft): Body<SystemDraft>,
) -> Result<Response, AppError> {
    match actions::update(&registry, &who, id, draft.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error) => {
            forms::again(&who, error, |errors| form(&registry, &who, Some(id), (draft, errors)))
        }
    }
}

fn next_step(id: SystemId) -> Done {
    done(format!("/systems/{id}/profile")).notice(Phrase::key("system-made"))
}

fn saved(id: SystemId) -> Done {
    done(format!("/systems/{id}")).notice(Phrase::key("registry-saved"))
}

/// Returns a system within what the asker sees.
pub(crate) async fn found(
    registry: &Registry,
    who: &Who,
    id: SystemId,
) -> Result<System, AppError> {
    let system = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    system.ok_or(AppError::NotFound)
}
