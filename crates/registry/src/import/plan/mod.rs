//! What becomes of each row: a new record, a change of a known one, nothing, or a refusal that names the
//! cell. Pure: what is known stands in [`Known`].

mod agencies;
mod assets;
mod people;
mod systems;

#[cfg(test)]
pub(super) use systems::{day_of, level_of};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use event::AgencyId;
use event::fold::fold;
use uuid::Uuid;
use web::{AppError, Lang, Phrase};

use super::columns::{Row, columns};
use super::model::{Deed, Fault, Kind, Planned, Record};
use crate::agency::Agency;
use crate::asset::Asset;
use crate::post::Person;
use crate::system::System;

/// What is known within the scope of whoever imports.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) agencies: Vec<Arc<Agency>>,
    pub(super) systems: Vec<Arc<System>>,
    pub(super) people: Vec<Person>,
    pub(super) assets: Vec<Asset>,
    /// Codes that are taken in the whole province: agencies', then systems'.
    pub(super) codes: BTreeSet<String>,
    /// The day it is.
    pub(super) today: NaiveDate,
}

/// Finds agencies as people write them: by code, identifier or name.
pub(super) struct Finder(BTreeMap<String, Option<AgencyId>>);

impl Finder {
    pub(super) fn new(agencies: &[Arc<Agency>]) -> Self {
        let mut finder = Self(BTreeMap::new());
        for agency in agencies.iter().filter(|agency| agency.valid_to.is_none()) {
            for name in [&agency.code, &agency.identifier, &agency.name] {
                finder.learn(name, agency.id);
            }
        }
        finder
    }

    /// Learns a name; one that names two is not used.
    pub(super) fn learn(&mut self, name: &str, id: AgencyId) {
        if name.is_empty() {
            return;
        }
        let kept = self.0.entry(fold(name)).or_insert(Some(id));
        if *kept != Some(id) {
            *kept = None;
        }
    }

    /// Returns the one agency that a text names.
    pub(super) fn find(&self, text: &str) -> Option<AgencyId> {
        self.0.get(&fold(text)).copied().flatten()
    }
}

/// What rows are planned with.
pub(super) struct Desk<'a> {
    pub(super) known: &'a Known,
    pub(super) lang: Lang,
    pub(super) kind: Kind,
    pub(super) new_id: &'a mut dyn FnMut() -> Uuid,
}

impl Desk<'_> {
    /// Returns a fault of a field of a row.
    pub(super) fn fault(&self, row: &Row, field: &str, why: &str) -> Fault {
        let column = columns(self.kind).iter().find(|(known, _, _)| *known == field);
        Fault {
            cell: row.at(field),
            column: column.map(|(_, key, _)| Phrase::key(key).text(self.lang)).unwrap_or_default(),
            value: row.text(field).to_owned(),
            why: why.to_owned(),
        }
    }

    /// Returns a fault told by a language key.
    pub(super) fn wrong(&self, row: &Row, field: &str, key: &'static str) -> Fault {
        self.fault(row, field, &Phrase::key(key).text(self.lang))
    }

    /// Returns the faults that a form would name.
    pub(super) fn faults(&self, row: &Row, error: &AppError) -> Vec<Fault> {
        match error {
            AppError::Invalid(errors) => errors
                .told(self.lang)
                .iter()
                .map(|(field, why)| self.fault(row, field, why))
                .collect(),
            _ => vec![self.wrong(row, "name", "import-row-unfit")],
        }
    }

    /// Returns the faults of cells that hold an error of the spreadsheet.
    pub(super) fn broken(&self, row: &Row) -> Vec<Fault> {
        let broken = row.cells.iter().filter(|(_, cell)| cell.is_error);
        broken.map(|(field, _)| self.wrong(row, field, "import-cell-error")).collect()
    }

    /// Returns the plan of a row whose record is known or not.
    pub(super) fn planned(
        &mut self,
        row: &Row,
        (record, known): (Record, Option<(Uuid, Record)>),
        faults: Vec<Fault>,
    ) -> Planned {
        let name = row.text("name").to_owned();
        let line = row.line;
        if !faults.is_empty() {
            return refused(line, name, faults);
        }
        let Some((id, before)) = known else {
            let id = (self.new_id)();
            return Planned {
                line,
                deed: Deed::Add,
                id,
                name,
                record: Some(record),
                before: None,
                changed: Vec::new(),
                faults,
            };
        };
        let changed = self.differences(&before, &record);
        let deed = if changed.is_empty() { Deed::Keep } else { Deed::Change };
        Planned {
            line,
            deed,
            id,
            name,
            record: Some(record),
            before: Some(before),
            changed,
            faults,
        }
    }

    /// Returns the names of the columns in which two records differ.
    fn differences(&self, before: &Record, after: &Record) -> Vec<String> {
        let fields = |record: &Record| match record {
            Record::Agency(draft) => serde_json::json!(draft),
            Record::System(draft) => serde_json::json!(draft),
            Record::Person(draft) => serde_json::json!(draft),
            Record::Asset(draft) => serde_json::json!(draft),
        };
        let (before, after) = (fields(before), fields(after));
        columns(self.kind)
            .iter()
            .filter(|(field, _, _)| before.get(field) != after.get(field))
            .map(|(_, key, _)| Phrase::key(key).text(self.lang))
            .collect()
    }
}

/// Returns the plan of a row that cannot be taken in.
pub(super) fn refused(line: u32, name: String, faults: Vec<Fault>) -> Planned {
    Planned {
        line,
        deed: Deed::Refuse,
        id: Uuid::nil(),
        name,
        record: None,
        before: None,
        changed: Vec::new(),
        faults,
    }
}

/// Returns what becomes of each row.
pub(super) fn plan(desk: &mut Desk<'_>, rows: &[Row]) -> Vec<Planned> {
    let mut planned = match desk.kind {
        Kind::Agencies => agencies::plan(desk, rows),
        Kind::Systems => systems::plan(desk, rows),
        Kind::People => people::plan(desk, rows),
        Kind::Assets => assets::plan(desk, rows),
    };
    // The same record twice in one file: which line is right, only a person knows.
    let mut seen: BTreeMap<Uuid, u32> = BTreeMap::new();
    for (plan, row) in planned.iter_mut().zip(rows) {
        if plan.deed == Deed::Refuse {
            continue;
        }
        if let Some(first) = seen.insert(plan.id, plan.line) {
            let why = Phrase::key("import-twice").arg("line", i64::from(first)).text(desk.lang);
            let fault = desk.fault(row, "name", &why);
            *plan = refused(plan.line, plan.name.clone(), vec![fault]);
        }
    }
    planned
}

/// Returns a telephone number whose leading zero the spreadsheet has taken for a number's.
pub(super) fn phone(text: &str) -> String {
    let digits = text.chars().all(|c| c.is_ascii_digit());
    if digits && text.len() == 9 && !text.starts_with('0') {
        format!("0{text}")
    } else {
        text.to_owned()
    }
}

/// Returns what stands in a cell, or what was known when it is empty: an empty cell takes nothing away.
pub(super) fn or_known(text: &str, known: &str) -> String {
    if text.is_empty() { known.to_owned() } else { text.to_owned() }
}

/// Returns a code made of a name, that is not taken.
pub(super) fn code_of(name: &str, taken: &BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let code: String = fold(name).chars().map(plain).collect();
    let parts: Vec<&str> = code.split('-').filter(|part| !part.is_empty()).collect();
    let code: String = parts.join("-").chars().take(crate::limits::CODE_CHARS_MAX - 5).collect();
    let code = code.trim_matches('-').to_owned();
    let free = |code: &String| !taken.contains(code);
    let numbered = (2..10_000).map(|number| format!("{code}-{number}"));
    std::iter::once(code.clone()).chain(numbered).find(free).unwrap_or(code)
}

/// Returns the word whose name in either language, or itself, a text says.
pub(super) fn word_of<'a>(
    text: &str,
    words: impl IntoIterator<Item = (&'a str, &'static str)>,
) -> Option<&'a str> {
    let said = fold(text);
    words.into_iter().find_map(|(word, key)| {
        let names = [Lang::Vi, Lang::En].map(|lang| fold(&Phrase::key(key).text(lang)));
        (said == word || names.contains(&said)).then_some(word)
    })
}
