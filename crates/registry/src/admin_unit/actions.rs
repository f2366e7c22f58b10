//! Making agencies of a province's communes: once, under one agency, those that are not there yet.

use std::collections::BTreeSet;

use db::{AuditEntry, Subject};
use event::{AgencyId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{AppError, Phrase, Who};

use super::{Unit, Units};
use crate::agency::{self, Agency, AgencyKind};
use crate::{Registry, actor, failed};

/// Under which agency the communes come to stand.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adoption {
    /// Id of the province's own agency.
    #[schema(value_type = Option<String>)]
    pub(crate) parent: Option<AgencyId>,
}

/// Adds an agency for each commune of a province that has none yet; returns how many.
pub(crate) async fn adopt(
    registry: &Registry,
    who: &Who,
    code: &str,
    given: Adoption,
) -> Result<usize, AppError> {
    let units = Units::builtin();
    let province = units.get(code).filter(|unit| unit.province.is_none());
    let province = province.ok_or(AppError::NotFound)?;
    let choose = || AppError::invalid("parent", Phrase::key("registry-field-choose"));
    let parent = given.parent.ok_or_else(choose)?;
    let tx = registry.db.begin().await.map_err(failed)?;
    let above = agency::by_id(tx.conn(), &who.scope, parent).await.map_err(failed)?;
    above.filter(|above| above.valid_to.is_none()).ok_or_else(choose)?;
    let known = agency::all(tx.conn(), &Scope::platform()).await.map_err(failed)?;
    let there: BTreeSet<&str> = known.iter().map(|agency| agency.unit.as_str()).collect();
    let mut codes: BTreeSet<String> = known.iter().map(|agency| agency.code.clone()).collect();
    let mut added = Vec::new();
    for unit in units.of(&province.code).filter(|unit| !there.contains(unit.code.as_str())) {
        let code = free_code(unit, &codes);
        codes.insert(code.clone());
        let id = AgencyId::from_uuid(tx.new_uuid());
        let mut new = Agency::named(id, code, unit.full_name(), tx.now());
        new.kind = AgencyKind::Commune;
        new.parent = Some(parent);
        new.unit.clone_from(&unit.code);
        agency::insert(tx.conn(), &new).await.map_err(failed)?;
        added.push(unit.code.clone());
    }
    let count = added.len();
    if count == 0 {
        return Ok(0);
    }
    let detail = json!({ "province": province.code, "units": added });
    let entry = AuditEntry::new(actor(who), "agency.adopt", Subject::new("agency", parent), detail);
    tx.commit(entry.of_agency(parent)).await.map_err(failed)?;
    registry.changed().await?;
    Ok(count)
}

/// Returns a code that no agency has: names repeat between a commune and a ward's neighbour.
fn free_code(unit: &Unit, taken: &BTreeSet<String>) -> String {
    let code = unit.agency_code();
    if taken.contains(&code) { format!("{code}-{}", unit.code) } else { code }
}
