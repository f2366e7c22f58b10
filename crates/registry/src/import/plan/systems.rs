//! Rows of information systems.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use event::fold::fold;
use event::{AgencyId, SystemId};
use uuid::Uuid;

use super::super::columns::Row;
use super::super::model::{Deed, Fault, Planned, Record};
use super::{Desk, Finder, code_of, or_known, phone, word_of};
use crate::system::{self, SystemDraft, SystemState};

/// Systems by code, and by owner and name.
struct Index {
    codes: BTreeMap<String, Uuid>,
    names: BTreeMap<(AgencyId, String), Uuid>,
}

pub(super) fn plan(desk: &mut Desk<'_>, rows: &[Row]) -> Vec<Planned> {
    let finder = Finder::new(&desk.known.agencies);
    let mut index = Index { codes: BTreeMap::new(), names: BTreeMap::new() };
    for system in &desk.known.systems {
        index.codes.insert(fold(&system.code), system.id.uuid());
        index.names.insert((system.agency, fold(&system.name)), system.id.uuid());
    }
    let mut codes = desk.known.codes.clone();
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let plan = one(desk, row, (&finder, &index, &codes));
        if plan.deed != Deed::Refuse
            && let Some(Record::System(draft)) = &plan.record
        {
            codes.insert(draft.code.clone());
            index.codes.insert(fold(&draft.code), plan.id);
            if let Some(agency) = draft.agency {
                index.names.insert((agency, fold(&draft.name)), plan.id);
            }
        }
        planned.push(plan);
    }
    planned
}

fn one(
    desk: &mut Desk<'_>,
    row: &Row,
    (finder, index, codes): (&Finder, &Index, &BTreeSet<String>),
) -> Planned {
    let mut faults = desk.broken(row);
    let named = finder.find(row.text("agency"));
    let by_code = index.codes.get(&fold(row.text("code"))).copied();
    let by_name =
        named.and_then(|agency| index.names.get(&(agency, fold(row.text("name")))).copied());
    let found = by_code.or(by_name);
    let old = found.and_then(|id| desk.known.systems.iter().find(|system| system.id.uuid() == id));
    let before =
        old.map(|system| SystemDraft { version: None, ..SystemDraft::from(system.as_ref()) });
    let twin = found.filter(|_| before.is_none());
    let was = before.clone().unwrap_or_default();
    let agency = match row.text("agency") {
        "" if before.is_some() => was.agency,
        _ => named.or_else(|| {
            faults.push(desk.wrong(row, "agency", "import-agency-unknown"));
            None
        }),
    };
    let level = match row.text("level") {
        "" => was.level,
        text => level_of(text).or_else(|| {
            faults.push(desk.wrong(row, "level", "import-level-unknown"));
            None
        }),
    };
    let state = state_of(desk, row, &was, &mut faults);
    let in_use_since = match row.text("in_use_since") {
        "" => None,
        text => day_of(text).or_else(|| {
            faults.push(desk.wrong(row, "in_use_since", "import-day-unknown"));
            None
        }),
    };
    gate(desk, row, (&was.state, &state, in_use_since), &mut faults);
    let code = match row.text("code") {
        "" if was.code.is_empty() => code_of(row.text("name"), codes),
        text => or_known(text, &was.code),
    };
    let draft = SystemDraft {
        agency,
        code,
        name: or_known(row.text("name"), &was.name),
        level,
        state,
        operator: or_known(row.text("operator"), &was.operator),
        owner_contact: or_known(row.text("owner_contact"), &was.owner_contact),
        duty_phone: or_known(&phone(row.text("duty_phone")), &was.duty_phone),
        description: or_known(row.text("description"), &was.description),
        domains: or_known(row.text("domains"), &was.domains),
        ip_ranges: or_known(row.text("ip_ranges"), &was.ip_ranges),
        in_use_since: in_use_since.filter(|_| before.is_none()),
        version: None,
    };
    let draft = match tidy(&draft) {
        Ok(tidied) => tidied,
        Err(error) => {
            // What was already said of a cell is not said twice.
            let more = desk.faults(row, &error);
            let told = |cell: &str| faults.iter().any(|fault| fault.cell == cell);
            let more: Vec<Fault> = more.into_iter().filter(|fault| !told(&fault.cell)).collect();
            faults.extend(more);
            draft
        }
    };
    let known = found.zip(before.map(Record::System));
    let mut plan = desk.planned(row, (Record::System(draft), known), faults);
    if let Some(twin) = twin.filter(|_| plan.deed != Deed::Refuse) {
        plan.id = twin;
    }
    plan
}

/// Returns a draft as it would be read back, so that only real differences count as such.
fn tidy(draft: &SystemDraft) -> Result<SystemDraft, web::AppError> {
    let (id, now) = (SystemId::from_uuid(Uuid::nil()), chrono::DateTime::UNIX_EPOCH);
    let system = system::of_draft(id, now, draft.clone())?;
    let in_use_since = draft.in_use_since;
    Ok(SystemDraft { version: None, in_use_since, ..SystemDraft::from(&system) })
}

fn state_of(desk: &Desk<'_>, row: &Row, was: &SystemDraft, faults: &mut Vec<Fault>) -> String {
    let states = SystemState::ALL.map(|state| (state.word(), state.key()));
    match row.text("state") {
        "" if was.state.is_empty() => SystemState::Building.word().to_owned(),
        "" => was.state.clone(),
        text => word_of(text, states).map_or_else(
            || {
                faults.push(desk.wrong(row, "state", "import-word-unknown"));
                String::new()
            },
            ToOwned::to_owned,
        ),
    }
}

/// A file opens no gate: what runs must have run before, or goes through its papers.
fn gate(
    desk: &Desk<'_>,
    row: &Row,
    (was, state, since): (&str, &str, Option<NaiveDate>),
    faults: &mut Vec<Fault>,
) {
    let running = SystemState::Running.word();
    if state != running || was == running {
        return;
    }
    if !was.is_empty() {
        faults.push(desk.wrong(row, "state", "import-gate"));
    } else if since.is_none_or(|day| day >= desk.known.today) {
        faults.push(desk.wrong(row, "in_use_since", "import-running-since"));
    }
}

/// Returns the level that a text says: `3`, `Cấp độ 3`, `Cấp III`.
pub(in super::super) fn level_of(text: &str) -> Option<u8> {
    let said = fold(text);
    let last = said.split(|c: char| !c.is_alphanumeric()).rfind(|part| !part.is_empty())?;
    match last {
        "1" | "i" => Some(1),
        "2" | "ii" => Some(2),
        "3" | "iii" => Some(3),
        "4" | "iv" => Some(4),
        "5" | "v" => Some(5),
        _ => None,
    }
}

/// Returns the day that a text says: `05/01/2024`, `5-1-2024`, `2024-01-05`, `01/2024`, `2024`.
pub(in super::super) fn day_of(text: &str) -> Option<NaiveDate> {
    let numbers: Option<Vec<u32>> =
        text.split(['/', '-', '.']).map(|part| part.trim().parse().ok()).collect();
    let year = |number: u32| i32::try_from(number).ok().filter(|year| (1990..2200).contains(year));
    let day = match numbers?.as_slice() {
        [only] => NaiveDate::from_ymd_opt(year(*only)?, 1, 1),
        [month, of] => NaiveDate::from_ymd_opt(year(*of)?, *month, 1),
        [first, month, last] if *first > 31 => {
            NaiveDate::from_ymd_opt(year(*first)?, *month, *last)
        }
        [day, month, of] => NaiveDate::from_ymd_opt(year(*of)?, *month, *day),
        _ => None,
    };
    day.filter(|day| day.year() >= 1990)
}
