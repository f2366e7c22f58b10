//! Addresses of the gate.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use event::{AgencyId, SystemId};
use serde::Deserialize;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions;
use super::check::lacks;
use super::model::{OverrideDraft, PaperDraft};
use super::store;
use super::views::{GatePage, LackRow, OverrideRow, WithoutList, WithoutRow, paper_rows};
use crate::export::{Export, Sheet};
use crate::forms::{self, Choice, Errors, choices};
use crate::law::{Law, told};
use crate::system::{self, System, SystemState};
use crate::{Registry, agency_choices, failed, profile, text, today};

/// Returns the routes of the gate.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{SystemChange, SystemDecide, SystemRead};
    Routes::new()
        .get("/systems/running-without", SystemRead, without)
        .doc("Lists systems in operation that lack what the law wants")
        .gives::<WithoutList>()
        .get("/systems/running-without/export", SystemRead, export)
        .doc("Gives the list as a file")
        .get("/systems/{id}/papers", SystemRead, page)
        .doc("Shows papers, what is missing and overrides of a system")
        .gives::<GatePage>()
        .post("/systems/{id}/papers", SystemChange, file)
        .doc("Files a paper of a system")
        .takes::<PaperDraft>()
        .post("/systems/{id}/papers/{paper}/withdraw", SystemChange, withdraw)
        .doc("Withdraws a paper")
        .post("/systems/{id}/override", SystemDecide, give)
        .doc("Lets a system run without what the law wants, until a day")
        .takes::<OverrideDraft>()
        .post("/systems/{id}/override/{pass}/end", SystemDecide, end)
        .doc("Ends an override")
}

async fn page(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
) -> Result<View<GatePage>, AppError> {
    Ok(View::new(shown(&registry, &who, id).await?))
}

async fn shown(registry: &Registry, who: &Who, id: SystemId) -> Result<GatePage, AppError> {
    let system = system::found(registry, who, id).await?;
    let (conn, day, now) = (registry.db.conn(), today(registry), registry.db.now());
    let papers = store::papers(conn, &system).await.map_err(failed)?;
    let critical = profile::of(conn, &system).await.map_err(failed)?.critical;
    let overrides = store::overrides(conn, &system).await.map_err(failed)?;
    let lacks = lacks(Law::builtin(), (system.level, critical), &papers, day);
    Ok(GatePage {
        system: id.to_string(),
        level: system.level,
        lacks: lacks.into_iter().map(|lack| LackRow::new(lack, who.lang)).collect(),
        papers: paper_rows(papers, day, who.lang),
        overrides: overrides.into_iter().map(|given| OverrideRow::new(given, now)).collect(),
        kinds: kinds(who, day, ""),
        levels: choices(system::levels(who), None),
        name: system.name,
        draft: PaperDraft::default(),
        pass: OverrideDraft::default(),
        errors: Errors::new(),
    })
}

fn kinds(who: &Who, day: NaiveDate, chosen: &str) -> Vec<Choice> {
    let holds = |kind: &&crate::law::PaperKind| {
        kind.valid_from <= day && kind.valid_to.is_none_or(|to| day <= to)
    };
    let pair = |kind: &crate::law::PaperKind| {
        (kind.id.clone(), told(&kind.vi, &kind.en, who.lang).to_owned())
    };
    choices(Law::builtin().paper.iter().filter(holds).map(pair), Some(chosen))
}

async fn file(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(draft): Body<PaperDraft>,
) -> Result<Response, AppError> {
    match actions::file(&registry, &who, id, draft.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let mut page = shown(&registry, &who, id).await?;
            forms::again(&who, error, |errors| {
                page.kinds = kinds(&who, today(&registry), &draft.kind);
                let level = draft.level.map(|level| level.to_string());
                page.levels = choices(system::levels(&who), level.as_deref());
                page.draft = draft;
                page.errors = errors;
                page
            })
        }
        Err(error) => Err(error),
    }
}

async fn withdraw(
    State(registry): State<Registry>,
    who: Who,
    Path((id, paper)): Path<(SystemId, Uuid)>,
) -> Result<Done, AppError> {
    actions::withdraw(&registry, &who, id, paper).await?;
    Ok(saved(id))
}

async fn give(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<SystemId>,
    Body(draft): Body<OverrideDraft>,
) -> Result<Response, AppError> {
    match actions::give_override(&registry, &who, id, draft.clone()).await {
        Ok(()) => Ok(saved(id).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let mut page = shown(&registry, &who, id).await?;
            forms::again(&who, error, |errors| {
                page.pass = draft;
                page.errors = errors;
                page
            })
        }
        Err(error) => Err(error),
    }
}

async fn end(
    State(registry): State<Registry>,
    who: Who,
    Path((id, pass)): Path<(SystemId, Uuid)>,
) -> Result<Done, AppError> {
    actions::end_override(&registry, &who, id, pass).await?;
    Ok(saved(id))
}

fn saved(id: SystemId) -> Done {
    done(format!("/systems/{id}/papers")).notice(Phrase::key("registry-saved"))
}

/// Which part of the list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
struct WithoutFilter {
    /// Only this agency's.
    agency: Option<AgencyId>,
}

async fn without(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<WithoutFilter>,
    Query(page): Query<Page>,
) -> Result<View<WithoutList>, AppError> {
    let (rows, running) = all_without(&registry, &who, &filter).await?;
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let query = text::query(&[("agency", filter.agency.map(|id| id.to_string()))]);
    Ok(View::new(WithoutList {
        rows: rows.into_iter().skip(skip).take(take).collect(),
        pager: page.pager("/systems/running-without", &query, total),
        running,
        without: total,
        agencies: agency_choices(&registry.directory.snapshot(), &who, filter.agency),
        query,
    }))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<WithoutFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (rows, _) = all_without(&registry, &who, &filter).await?;
    let header = [
        "registry-name",
        "registry-level",
        "registry-agency",
        "gate-missing",
        "gate-approver",
        "gate-override-until",
    ];
    let mut sheet = Sheet::new("he-thong-chua-du-dieu-kien", who.lang, &header);
    for row in rows {
        sheet.row(vec![
            row.name,
            row.level.map(|level| level.number().to_string()).unwrap_or_default(),
            row.agency_name,
            row.missing.join("; "),
            row.approver.unwrap_or_default(),
            row.override_until.map(|at| text::day(crate::vietnam_day(at))).unwrap_or_default(),
        ]);
    }
    sheet.answer(export)
}

/// Returns the systems in scope that run without, the highest level first, and how many run at all.
async fn all_without(
    registry: &Registry,
    who: &Who,
    filter: &WithoutFilter,
) -> Result<(Vec<WithoutRow>, u64), AppError> {
    let snapshot = registry.directory.snapshot();
    let runs = |system: &&std::sync::Arc<System>| {
        system.state == SystemState::Running
            && who.scope.sees(system.agency)
            && filter.agency.is_none_or(|agency| agency == system.agency)
    };
    let mut systems: Vec<_> = snapshot.systems().filter(runs).collect();
    systems.sort_by_cached_key(|system| {
        (std::cmp::Reverse(system.level), event::fold::fold(&system.name))
    });
    let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
    let (conn, day, now) = (registry.db.conn(), today(registry), registry.db.now());
    let papers = store::papers_of_all(conn, &ids).await.map_err(failed)?;
    let profiles = profile::of_all(conn, &ids).await.map_err(failed)?;
    let given = store::overrides_of_all(conn, &ids, now).await.map_err(failed)?;
    let mut rows = Vec::new();
    for system in &systems {
        let critical = profiles.get(&system.id).is_some_and(|profile| profile.critical);
        let own = papers.get(&system.id).map_or(&[][..], Vec::as_slice);
        let lacks = lacks(Law::builtin(), (system.level, critical), own, day);
        if lacks.is_empty() {
            continue;
        }
        let pass = given.get(&system.id);
        rows.push(WithoutRow {
            id: system.id.to_string(),
            name: system.name.clone(),
            level: system.level,
            agency: system.agency.to_string(),
            agency_name: snapshot.tree().name(system.agency).to_owned(),
            missing: lacks.into_iter().map(|lack| LackRow::new(lack, who.lang).title).collect(),
            override_until: pass.map(|pass| pass.expires_at),
            approver: pass.map(|pass| pass.approver.clone()),
        });
    }
    Ok((rows, u64::try_from(systems.len()).unwrap_or(u64::MAX)))
}
