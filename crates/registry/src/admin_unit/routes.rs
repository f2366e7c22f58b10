//! Addresses of administrative units.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use web::paging::Page;
use web::{AppError, Body, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Adoption};
use super::views::{UnitList, UnitRow};
use super::{Unit, Units};
use crate::forms::{self, Errors, choices};
use crate::{Registry, agency_choices, text};

/// Returns the routes of administrative units.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{AgencyChange, AgencyRead};
    Routes::new()
        .get("/admin-units", AgencyRead, list)
        .doc("Lists the country's administrative units")
        .gives::<UnitList>()
        .post("/admin-units/{code}/adopt", AgencyChange, adopt)
        .doc("Adds an agency for each commune of a province that has none yet")
        .takes::<Adoption>()
}

/// Which units the list shows.
#[derive(Debug, Clone, Default, Deserialize)]
struct UnitFilter {
    /// Part of the name, or the beginning of the code; diacritics do not matter.
    q: Option<String>,
    /// Only this province's.
    province: Option<String>,
}

async fn list(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<UnitFilter>,
    Query(page): Query<Page>,
) -> View<UnitList> {
    View::new(shown(&registry, &who, filter, page))
}

fn shown(registry: &Registry, who: &Who, filter: UnitFilter, page: Page) -> UnitList {
    let units = Units::builtin();
    let asked = filter.q.clone().unwrap_or_default();
    let found = units.find(&asked, filter.province.as_deref());
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let snapshot = registry.directory.snapshot();
    let agency_of = |unit: &Unit| {
        let known = snapshot.tree().iter().find(|agency| agency.unit == unit.code);
        known.filter(|agency| who.scope.sees(agency.id)).map(|agency| agency.id.to_string())
    };
    let row = |unit: &Unit| UnitRow {
        code: unit.code.clone(),
        name: unit.full_name(),
        province: unit
            .province
            .as_deref()
            .and_then(|code| units.get(code))
            .map(Unit::full_name)
            .unwrap_or_default(),
        agency_code: unit.agency_code(),
        agency: agency_of(unit),
        below: unit.province.is_some(),
    };
    let provinces = units.provinces().map(|unit| (unit.code.clone(), unit.full_name()));
    let chosen = filter.province.as_deref().and_then(|code| units.get(code));
    let query = text::query(&[("q", filter.q), ("province", filter.province.clone())]);
    UnitList {
        rows: found.into_iter().skip(skip).take(take).map(row).collect(),
        pager: page.pager("/admin-units", &query, total),
        q: asked,
        provinces: choices(provinces, filter.province.as_deref()),
        missing: chosen.map_or(0, |province| {
            let missing = |unit: &&Unit| !snapshot.tree().iter().any(|own| own.unit == unit.code);
            units.of(&province.code).filter(missing).count()
        }),
        province: chosen.map(|unit| unit.code.clone()),
        parents: agency_choices(&snapshot, who, None),
        errors: Errors::new(),
    }
}

async fn adopt(
    State(registry): State<Registry>,
    who: Who,
    Path(code): Path<String>,
    Body(given): Body<Adoption>,
) -> Result<Response, AppError> {
    let result = actions::adopt(&registry, &who, &code, given).await.map(|count| {
        done("/agencies/tree").notice(Phrase::key("unit-adopted").arg("count", count))
    });
    let filter = UnitFilter { q: None, province: Some(code) };
    forms::answer(&who, result, |errors| UnitList {
        errors,
        ..shown(&registry, &who, filter, Page::default())
    })
}
