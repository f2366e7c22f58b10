//! Rows of assets. A known one is found by its agency and address, else by agency, system, kind and name.

use std::collections::BTreeMap;

use event::fold::fold;
use event::{AgencyId, SystemId};
use uuid::Uuid;

use super::super::columns::Row;
use super::super::model::{Deed, Fault, Planned, Record};
use super::systems::day_of;
use super::{Desk, Finder, or_known, word_of};
use crate::asset::{AssetDraft, AssetKind};

/// By what an asset is known: agency and address, or agency, system and name.
type Key = (AgencyId, Option<SystemId>, String);

fn keys(draft: &AssetDraft) -> Vec<Key> {
    let Some(agency) = draft.agency else { return Vec::new() };
    let by_name = (agency, draft.system, format!("{}|{}", draft.kind, fold(&draft.name)));
    let by_address = (!draft.address.is_empty())
        .then(|| (agency, None, format!("@{}|{}", draft.kind, fold(&draft.address))));
    by_address.into_iter().chain([by_name]).collect()
}

/// Systems as people write them: by code or name.
fn systems(desk: &Desk<'_>) -> BTreeMap<String, Option<(SystemId, AgencyId)>> {
    let mut found = BTreeMap::new();
    for system in &desk.known.systems {
        let own = Some((system.id, system.agency));
        for name in [&system.code, &system.name] {
            let kept = found.entry(fold(name)).or_insert(own);
            if *kept != own {
                *kept = None;
            }
        }
    }
    found
}

pub(super) fn plan(desk: &mut Desk<'_>, rows: &[Row]) -> Vec<Planned> {
    let finder = Finder::new(&desk.known.agencies);
    let systems = systems(desk);
    let mut known: BTreeMap<Key, Uuid> = BTreeMap::new();
    for asset in &desk.known.assets {
        for key in keys(&AssetDraft::from(asset)) {
            known.entry(key).or_insert(asset.id);
        }
    }
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let system = systems.get(&fold(row.text("system"))).copied().flatten();
        let agency = system.map(|(_, agency)| agency).or_else(|| finder.find(row.text("agency")));
        let plan = one(desk, row, (agency, system.map(|(id, _)| id)), &known);
        if plan.deed != Deed::Refuse
            && let Some(Record::Asset(draft)) = &plan.record
        {
            for key in keys(draft) {
                known.entry(key).or_insert(plan.id);
            }
        }
        planned.push(plan);
    }
    planned
}

fn one(
    desk: &mut Desk<'_>,
    row: &Row,
    (agency, system): (Option<AgencyId>, Option<SystemId>),
    known: &BTreeMap<Key, Uuid>,
) -> Planned {
    let mut faults = desk.broken(row);
    if system.is_none() && !row.text("system").is_empty() {
        faults.push(desk.wrong(row, "system", "import-system-unknown"));
    }
    if agency.is_none() {
        faults.push(desk.wrong(row, "agency", "import-agency-unknown"));
    }
    let kinds = AssetKind::ALL.map(|kind| (kind.word(), kind.key()));
    let kind = match row.text("kind") {
        "" => AssetKind::Other.word().to_owned(),
        text => word_of(text, kinds).map_or_else(
            || {
                faults.push(desk.wrong(row, "kind", "import-word-unknown"));
                String::new()
            },
            ToOwned::to_owned,
        ),
    };
    let asked = AssetDraft {
        agency,
        system,
        kind,
        name: row.text("name").to_owned(),
        address: row.text("address").to_owned(),
        ..AssetDraft::default()
    };
    let found = keys(&asked).iter().find_map(|key| known.get(key).copied());
    let old = found.and_then(|id| desk.known.assets.iter().find(|asset| asset.id == id));
    let before = old.map(|asset| AssetDraft { version: None, ..AssetDraft::from(asset) });
    let twin = found.filter(|_| before.is_none());
    let was = before.clone().unwrap_or_default();
    let support_ends = match row.text("support_ends") {
        "" => was.support_ends,
        text => day_of(text).or_else(|| {
            faults.push(desk.wrong(row, "support_ends", "import-day-unknown"));
            None
        }),
    };
    let draft = AssetDraft {
        product: or_known(row.text("product"), &was.product),
        release: or_known(row.text("release"), &was.release),
        address: or_known(row.text("address"), &was.address),
        place: or_known(row.text("place"), &was.place),
        purpose: or_known(row.text("purpose"), &was.purpose),
        note: or_known(row.text("note"), &was.note),
        support_ends,
        version: None,
        ..asked
    };
    if let Err(error) = draft.clone().checked() {
        let told = |cell: &str| faults.iter().any(|fault: &Fault| fault.cell == cell);
        let more = desk.faults(row, &error);
        let more: Vec<Fault> = more.into_iter().filter(|fault| !told(&fault.cell)).collect();
        faults.extend(more);
    }
    let known = found.zip(before.map(Record::Asset));
    let mut plan = desk.planned(row, (Record::Asset(draft), known), faults);
    if let Some(twin) = twin.filter(|_| plan.deed != Deed::Refuse) {
        plan.id = twin;
    }
    plan
}
