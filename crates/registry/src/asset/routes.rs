//! Addresses of assets.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use event::{AgencyId, SystemId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::model::{Asset, AssetDraft, AssetFilter, AssetKind};
use super::views::{AssetForm, AssetList, AssetPage, AssetRow, OfferRow, SeenList};
use super::{actions, seen, store};
use crate::export::{Export, Sheet};
use crate::forms::{self, Errors, choices};
use crate::quality::{self, Ground};
use crate::{Registry, agency_choices, failed, limits, system_choices, text, today};

/// Returns the routes of assets.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{SystemChange, SystemRead};
    Routes::new()
        .get("/assets", SystemRead, list)
        .doc("Lists assets by name")
        .gives::<AssetList>()
        .get("/assets/export", SystemRead, export)
        .doc("Gives the list as a file")
        .get("/assets/seen", SystemRead, seen_list)
        .doc("Lists what was seen in logs, or is named by a system, and is no asset")
        .gives::<SeenList>()
        .post("/assets/adopt", SystemChange, adopt)
        .doc("Makes assets of what was seen and picked")
        .takes::<Picked>()
        .get("/assets/new", SystemChange, new)
        .doc("Shows the form of a new asset")
        .post("/assets", SystemChange, create)
        .doc("Adds an asset")
        .takes::<AssetDraft>()
        .get("/assets/{id}", SystemRead, detail)
        .doc("Shows one asset")
        .gives::<AssetPage>()
        .get("/assets/{id}/edit", SystemChange, edit)
        .doc("Shows the form of an asset")
        .post("/assets/{id}", SystemChange, change)
        .doc("Changes an asset")
        .takes::<AssetDraft>()
        .post("/assets/{id}/remove", SystemChange, remove)
        .doc("Removes an asset that is no more")
}

fn query_of(filter: &AssetFilter) -> String {
    text::query(&[
        ("q", filter.q.clone()),
        ("kind", filter.kind.clone()),
        ("system", filter.system.map(|id| id.to_string())),
        ("agency", filter.agency.map(|id| id.to_string())),
        ("support", filter.support.clone()),
    ])
}

async fn rows(
    registry: &Registry,
    who: &Who,
    filter: &AssetFilter,
    part: (u64, u64),
) -> Result<(Vec<AssetRow>, u64), AppError> {
    let day = today(registry);
    let found = store::list(registry.db.conn(), &who.scope, (filter, day), part).await;
    let (assets, total) = found.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    Ok((assets.iter().map(|asset| AssetRow::new(asset, &snapshot, day)).collect(), total))
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AssetFilter>,
    Query(page): Query<Page>,
) -> Result<View<AssetList>, AppError> {
    Ok(View::new(listed(&registry, &who, filter, page).await?))
}

/// Returns a part of the list.
pub(super) async fn listed(
    registry: &Registry,
    who: &Who,
    filter: AssetFilter,
    page: Page,
) -> Result<AssetList, AppError> {
    let (rows, total) = rows(registry, who, &filter, (page.offset(), page.limit())).await?;
    let snapshot = registry.directory.snapshot();
    let word = |key| Phrase::key(key).text(who.lang);
    let support = [
        ("ended".to_owned(), word("asset-support-ended")),
        ("soon".to_owned(), word("asset-support-soon")),
        ("unknown".to_owned(), word("asset-support-unknown")),
    ];
    let query = query_of(&filter);
    let system = filter.system.and_then(|id| snapshot.system(id));
    let system = system.filter(|system| who.scope.sees(system.agency));
    Ok(AssetList {
        rows,
        pager: page.pager("/assets", &query, total),
        system: system.map(|system| (system.id.to_string(), system.name.clone())),
        kinds: choices(kinds(who), filter.kind.as_deref()),
        agencies: agency_choices(&snapshot, who, filter.agency),
        support: choices(support, filter.support.as_deref()),
        q: filter.q.unwrap_or_default(),
        query,
    })
}

fn kinds(who: &Who) -> [(String, String); 8] {
    AssetKind::ALL.map(|kind| (kind.word().to_owned(), Phrase::key(kind.key()).text(who.lang)))
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<AssetFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (rows, _) = rows(&registry, &who, &filter, (0, limits::ASSETS_MAX)).await?;
    let header = [
        "registry-name",
        "asset-kind",
        "registry-agency",
        "registry-system",
        "asset-product",
        "asset-release",
        "asset-address",
        "asset-place",
        "asset-purpose",
        "asset-support-ends",
        "asset-note",
    ];
    let mut sheet = Sheet::new("tai-san", who.lang, &header);
    for row in rows {
        sheet.row(vec![
            row.name,
            Phrase::key(row.kind.key()).text(who.lang),
            row.agency_name,
            row.system_name,
            row.product,
            row.release,
            row.address,
            row.place,
            row.purpose,
            row.support_ends.map(text::day).unwrap_or_default(),
            row.note,
        ]);
    }
    sheet.answer(export)
}

async fn found(registry: &Registry, who: &Who, id: Uuid) -> Result<Asset, AppError> {
    let found = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    found.ok_or(AppError::NotFound)
}

async fn detail(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<AssetPage>, AppError> {
    Ok(View::new(page_of(&registry, &who, id).await?))
}

/// Returns the page of an asset.
pub(super) async fn page_of(
    registry: &Registry,
    who: &Who,
    id: Uuid,
) -> Result<AssetPage, AppError> {
    let asset = found(registry, who, id).await?;
    let snapshot = registry.directory.snapshot();
    let ground = Ground::new(&snapshot, &registry.health, registry.db.now());
    let twins = store::at_address(registry.db.conn(), asset.agency, &asset.address);
    let checks = quality::of_asset(&ground, &asset, twins.await.map_err(failed)?);
    Ok(AssetPage {
        quality: quality::card(&checks, who.lang),
        asset: AssetRow::new(&asset, &snapshot, today(registry)),
    })
}

/// Returns the form with what is typed or known.
pub(super) fn form(
    registry: &Registry,
    who: &Who,
    id: Option<Uuid>,
    draft: AssetDraft,
    errors: Errors,
) -> AssetForm {
    let snapshot = registry.directory.snapshot();
    AssetForm {
        id: id.map(|id| id.to_string()),
        kinds: choices(kinds(who), Some(&draft.kind)),
        agencies: agency_choices(&snapshot, who, draft.agency),
        systems: system_choices(&snapshot, who, draft.system),
        draft,
        errors,
    }
}

/// What a new asset begins with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NewQuery {
    system: Option<SystemId>,
    agency: Option<AgencyId>,
}

async fn new(
    State(registry): State<Registry>,
    who: Who,
    Query(query): Query<NewQuery>,
) -> View<AssetForm> {
    let kind = AssetKind::Server.word().to_owned();
    let agency = query.agency.or(who.agency);
    let draft = AssetDraft { kind, system: query.system, agency, ..AssetDraft::default() };
    View::new(form(&registry, &who, None, draft, Errors::new()))
}

async fn create(
    State(registry): State<Registry>,
    who: Who,
    Body(draft): Body<AssetDraft>,
) -> Result<Response, AppError> {
    let kept = actions::create(&registry, &who, draft.clone()).await;
    let kept =
        kept.map(|id| done(format!("/assets/{id}")).made().notice(Phrase::key("registry-saved")));
    forms::answer(&who, kept, |errors| form(&registry, &who, None, draft, errors))
}

async fn edit(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<AssetForm>, AppError> {
    let asset = found(&registry, &who, id).await?;
    Ok(View::new(form(&registry, &who, Some(id), AssetDraft::from(&asset), Errors::new())))
}

async fn change(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(draft): Body<AssetDraft>,
) -> Result<Response, AppError> {
    let kept = actions::change(&registry, &who, id, draft.clone()).await;
    let kept = kept.map(|()| done(format!("/assets/{id}")).notice(Phrase::key("registry-saved")));
    forms::answer(&who, kept, |errors| form(&registry, &who, Some(id), draft, errors))
}

async fn remove(
    State(registry): State<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::remove(&registry, &who, id).await?;
    Ok(done("/assets").notice(Phrase::key("asset-removed")))
}

async fn seen_list(
    State(registry): State<Registry>,
    who: Who,
    Query(page): Query<Page>,
) -> Result<View<SeenList>, AppError> {
    Ok(View::new(offered(&registry, &who, page).await?))
}

/// Returns a part of what was seen.
pub(super) async fn offered(
    registry: &Registry,
    who: &Who,
    page: Page,
) -> Result<SeenList, AppError> {
    let offers = seen::offers(registry, who).await?;
    let total = u64::try_from(offers.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let snapshot = registry.directory.snapshot();
    let row = |offer: seen::Offer| OfferRow {
        kind: offer.kind,
        agency: offer.agency.to_string(),
        agency_name: snapshot.tree().name(offer.agency).to_owned(),
        system: offer.system.map(|id| id.to_string()),
        system_name: offer
            .system
            .and_then(|id| snapshot.system(id))
            .map(|system| system.name.clone())
            .unwrap_or_default(),
        key: offer.key,
        address: offer.address,
        source: offer.source,
        at: offer.at,
    };
    Ok(SeenList {
        rows: offers.into_iter().skip(skip).take(take).map(row).collect(),
        pager: page.pager("/assets/seen", "", total),
    })
}

/// What was picked of what was seen.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Picked {
    /// Keys of the list.
    pick: Vec<String>,
}

async fn adopt(
    State(registry): State<Registry>,
    who: Who,
    Body(picked): Body<Picked>,
) -> Result<Response, AppError> {
    let picked: BTreeSet<String> = picked.pick.into_iter().collect();
    let count = actions::adopt(&registry, &who, &picked).await?;
    let notice = Phrase::key("asset-adopted").arg("count", count);
    Ok(done("/assets/seen").notice(notice).into_response())
}
