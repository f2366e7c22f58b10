//! Rows of agencies. An agency above may stand in the same file, on any line before.

use std::collections::BTreeSet;

use event::AgencyId;
use uuid::Uuid;

use super::super::columns::Row;
use super::super::model::{Deed, Planned, Record};
use super::{Desk, Finder, code_of, or_known, phone, word_of};
use crate::agency::{AgencyDraft, AgencyKind};

pub(super) fn plan(desk: &mut Desk<'_>, rows: &[Row]) -> Vec<Planned> {
    let mut finder = Finder::new(&desk.known.agencies);
    let mut codes = desk.known.codes.clone();
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let plan = one(desk, row, (&finder, &codes));
        if plan.deed != Deed::Refuse
            && let Some(Record::Agency(draft)) = &plan.record
        {
            codes.insert(draft.code.clone());
            for name in [&draft.code, &draft.identifier, &draft.name] {
                finder.learn(name, AgencyId::from_uuid(plan.id));
            }
        }
        planned.push(plan);
    }
    planned
}

fn one(desk: &mut Desk<'_>, row: &Row, (finder, codes): (&Finder, &BTreeSet<String>)) -> Planned {
    let mut faults = desk.broken(row);
    let found = ["code", "identifier", "name"]
        .into_iter()
        .filter(|field| !row.text(field).is_empty())
        .find_map(|field| finder.find(row.text(field)));
    let known = found.and_then(|id| {
        let known = desk.known.agencies.iter().find(|agency| agency.id == id)?;
        let before = AgencyDraft { version: None, ..AgencyDraft::from(known.as_ref()) };
        Some((id.uuid(), before))
    });
    // Named by a line before this one: the same twice.
    let twin = found.filter(|_| known.is_none()).map(AgencyId::uuid);
    let old = known.as_ref().map(|(_, before)| before.clone()).unwrap_or_default();
    let kinds = AgencyKind::ALL.map(|kind| (kind.word(), kind.key()));
    let kind = match row.text("kind") {
        "" if old.kind.is_empty() => AgencyKind::Other.word().to_owned(),
        "" => old.kind.clone(),
        text => word_of(text, kinds).map_or_else(
            || {
                faults.push(desk.wrong(row, "kind", "import-word-unknown"));
                String::new()
            },
            ToOwned::to_owned,
        ),
    };
    let parent = match row.text("parent") {
        "" => old.parent,
        text => finder.find(text).or_else(|| {
            faults.push(desk.wrong(row, "parent", "import-agency-unknown"));
            None
        }),
    };
    let code = match row.text("code") {
        "" if old.code.is_empty() => code_of(row.text("name"), codes),
        text => or_known(text, &old.code),
    };
    let draft = AgencyDraft {
        code,
        name: or_known(row.text("name"), &old.name),
        kind,
        parent,
        phone: or_known(&phone(row.text("phone")), &old.phone),
        email: or_known(row.text("email"), &old.email),
        address: or_known(row.text("address"), &old.address),
        identifier: or_known(row.text("identifier"), &old.identifier),
        unit: or_known(row.text("unit"), &old.unit),
        sector: old.sector.clone(),
        version: None,
    };
    let draft = match draft.clone().checked() {
        Ok(checked) => checked,
        Err(error) => {
            // What was already said of a cell is not said twice.
            let more = desk.faults(row, &error);
            let told = |cell: &str| faults.iter().any(|fault| fault.cell == cell);
            let more: Vec<_> = more.into_iter().filter(|fault| !told(&fault.cell)).collect();
            faults.extend(more);
            draft
        }
    };
    let known: Option<(Uuid, Record)> = known.map(|(id, before)| (id, Record::Agency(before)));
    let mut plan = desk.planned(row, (Record::Agency(draft), known), faults);
    if let Some(twin) = twin.filter(|_| plan.deed != Deed::Refuse) {
        plan.id = twin;
    }
    plan
}
