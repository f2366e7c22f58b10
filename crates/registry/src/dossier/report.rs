//! Form 08: the report on levels of all systems, with the columns and values that the law names, as a
//! document and as a spreadsheet.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use event::{AgencyId, SystemId};
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, XlsxError};
use web::document::{Block, Document, Kind, Signature, Table};
use web::{AppError, Lang, Phrase, Who};

use super::draw::vi;
use super::model::Dossier;
use super::store;
use crate::gate::{self, Paper};
use crate::law::Law;
use crate::profile::{self, Profile};
use crate::system::{System, SystemState};
use crate::{Registry, failed, text, today};

/// The columns, by language key, with their widths as parts of the whole (`law.md`, form 08).
const COLUMNS: [(&str, u16); 12] = [
    ("dossier-form08-count", 3),
    ("dossier-form08-system", 11),
    ("dossier-form08-owner", 9),
    ("dossier-form08-operator", 9),
    ("dossier-form08-level", 5),
    ("dossier-form08-state", 8),
    ("dossier-form08-decision", 9),
    ("dossier-form08-regulation", 9),
    ("dossier-form08-approval-due", 7),
    ("dossier-form08-plan", 9),
    ("dossier-form08-plan-due", 7),
    ("dossier-form08-check", 9),
];

/// Returns the rows of the report: every system in scope that is not gone, of one agency and those below
/// it if one is named.
pub(super) async fn rows(
    registry: &Registry,
    who: &Who,
    agency: Option<AgencyId>,
) -> Result<Vec<Vec<String>>, AppError> {
    let snapshot = registry.directory.snapshot();
    let below = agency.map(|agency| snapshot.tree().subtree(agency));
    let seen = |system: &&Arc<System>| {
        system.state != SystemState::Retired
            && who.scope.sees(system.agency)
            && below.as_ref().is_none_or(|below| below.contains(&system.agency))
    };
    let mut systems: Vec<&Arc<System>> = snapshot.systems().filter(seen).collect();
    systems.sort_by_cached_key(|system| {
        (event::fold::fold(snapshot.tree().name(system.agency)), event::fold::fold(&system.name))
    });
    let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
    let (conn, day) = (registry.db.conn(), today(registry));
    let papers = gate::papers_of_all(conn, &ids).await.map_err(failed)?;
    let profiles = profile::of_all(conn, &ids).await.map_err(failed)?;
    let dossiers = store::newest_of(conn, &ids).await.map_err(failed)?;
    let none = Profile::default();
    let row = |(count, system): (usize, &&Arc<System>)| {
        let facts = profiles.get(&system.id).map_or(&none, |profile| &profile.facts);
        let operator = match facts.operator_agency {
            Some(agency) => snapshot.tree().name(agency),
            None => system.operator.as_str(),
        };
        let own = papers.get(&system.id).map_or(&[][..], Vec::as_slice);
        let mut cells = vec![
            count.to_string(),
            system.name.clone(),
            snapshot.tree().name(system.agency).to_owned(),
            operator.to_owned(),
        ];
        cells.extend(standing(system, facts, (own, dossiers.get(&system.id)), day));
        cells
    };
    Ok((1..).zip(&systems).map(row).collect())
}

/// The cells from the level on.
fn standing(
    system: &System,
    facts: &Profile,
    (papers, dossier): (&[Paper], Option<&Dossier>),
    day: NaiveDate,
) -> Vec<String> {
    let law = Law::builtin();
    let newest = |kind: &str| {
        let counts = |paper: &&Paper| paper.kind == kind && paper.counts(law, day);
        papers.iter().filter(counts).max_by_key(|paper| paper.issued_on)
    };
    let quoted = |kind: &str| {
        newest(kind).map(|paper| format!("{} ({})", paper.number, text::day(paper.issued_on)))
    };
    let level = dossier.map(|dossier| dossier.level).or(system.level.map(event::Level::number));
    let state = match (dossier, newest("level_decision")) {
        (Some(dossier), _) => vi(dossier.state.form_key()),
        (None, Some(_)) => vi("dossier-form08-approved"),
        (None, None) => String::new(),
    };
    let plan = match facts.plan_state.as_str() {
        "chua" => vi("dossier-form08-plan-none"),
        "mot_so_hang_muc" => vi("dossier-form08-plan-some"),
        "day_du" => vi("dossier-form08-plan-whole"),
        _ => String::new(),
    };
    let before = newest("readiness_check").map(|_| vi("dossier-form08-check-before"));
    let regular = newest("layer3_assessment").or_else(|| newest("pentest_report"));
    let regular = regular.map(|_| vi("dossier-form08-check-regular"));
    vec![
        level.map(|level| level.to_string()).unwrap_or_default(),
        state,
        quoted("level_decision").unwrap_or_default(),
        quoted("regulation").unwrap_or_default(),
        facts.approval_due.map(text::day).unwrap_or_default(),
        plan,
        facts.plan_due.map(text::day).unwrap_or_default(),
        before.into_iter().chain(regular).collect::<Vec<_>>().join("; "),
    ]
}

/// Returns the report as a document on its side.
pub(super) fn document(issuer: String, rows: Vec<Vec<String>>, day: NaiveDate) -> Document {
    let until = Phrase::key("dossier-form08-until").arg("day", text::day(day)).text(Lang::Vi);
    let count = Phrase::key("dossier-form08-total").arg("count", rows.len()).text(Lang::Vi);
    Document {
        superior: None,
        issuer,
        number: None,
        symbol: vi("dossier-form08-symbol"),
        place: vi("dossier-form-place"),
        date: None,
        year: day.year(),
        kind: Kind::Named(vi("dossier-form08-name")),
        summary: vi("dossier-form08-summary"),
        addressees: vec![vi("dossier-form-ministry")],
        body: vec![
            Block::Paragraph(until),
            Block::Table(Table {
                head: COLUMNS.map(|(key, _)| vi(key)).to_vec(),
                widths: COLUMNS.map(|(_, width)| width).to_vec(),
                rows,
            }),
            Block::Paragraph(count),
        ],
        signature: Signature { title: vi("dossier-form-head"), ..Signature::default() },
        recipients: Vec::new(),
        filed: vi("dossier-form-filed"),
        wide: true,
    }
}

/// Returns the report as a spreadsheet: the title above, the columns with their values below.
pub(super) fn spreadsheet(rows: &[Vec<String>], day: NaiveDate) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name(vi("dossier-form08-sheet"))?.set_landscape().set_paper_size(9);
    let title = Format::new().set_bold().set_font_size(14);
    let cell =
        Format::new().set_border(FormatBorder::Thin).set_text_wrap().set_align(FormatAlign::Top);
    let head = cell.clone().set_bold().set_align(FormatAlign::Center);
    let named = format!("{}: {}", vi("dossier-form08-name"), vi("dossier-form08-summary"));
    sheet.write_string_with_format(0, 0, named, &title)?;
    let until = Phrase::key("dossier-form08-until").arg("day", text::day(day)).text(Lang::Vi);
    sheet.write_string(1, 0, until)?;
    for (column, (key, width)) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(HEAD_ROW, column, vi(key), &head)?;
        sheet.set_column_width(column, f64::from(width) * 2.0)?;
    }
    for (line, row) in (HEAD_ROW + 1..).zip(rows) {
        for (column, text) in (0_u16..).zip(row) {
            sheet.write_string_with_format(line, column, text, &cell)?;
        }
    }
    sheet.set_freeze_panes(HEAD_ROW + 1, 2)?;
    sheet.set_repeat_rows(HEAD_ROW, HEAD_ROW)?;
    book.save_to_buffer()
}

/// The row of the heads, below title and day.
const HEAD_ROW: u32 = 3;
