//! The page of statistics and its spreadsheet.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use web::charts::{Chart, Kind, Point, Series};
use web::{AppError, Lang, Permission, Phrase, Query, Routes, View, Who};

use super::measure::{self, By};
use super::store;
use super::views::{StatisticsPage, StatisticsRow};
use crate::address::Address;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::file::{self, Sheet};
use crate::period::{Period, PeriodQuery};

/// Returns the routes of statistics.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::IncidentRead;
    Routes::new()
        .get("/statistics", IncidentRead, page)
        .doc("Times to detect, take up, contain and close, and legal clocks met")
        .gives::<StatisticsPage>()
        .get("/statistics.xlsx", IncidentRead, xlsx)
        .doc("The same as a spreadsheet")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    by: String,
    from: String,
    to: String,
}

const GROUPS: [(&str, &str); 3] = [
    (By::Month.word(), "statistics-by-month"),
    (By::Agency.word(), "statistics-by-agency"),
    (By::Severity.word(), "statistics-by-severity"),
];

const HEAD: [&str; 14] = [
    "statistics-group",
    "statistics-incidents",
    "statistics-open",
    "statistics-detect",
    "statistics-p90",
    "statistics-acknowledge",
    "statistics-p90",
    "statistics-contain",
    "statistics-p90",
    "statistics-recover",
    "statistics-p90",
    "statistics-met",
    "statistics-missed",
    "statistics-running",
];

pub(super) async fn gathered(
    desk: &Desk,
    who: &Who,
    asked: &Asked,
) -> Result<StatisticsPage, AppError> {
    let now = desk.db.now();
    let query = PeriodQuery { from: asked.from.clone(), to: asked.to.clone() };
    let period = Period::asked(&query, now)?;
    let by = By::ALL.into_iter().find(|by| by.word() == asked.by).unwrap_or_default();
    let courses = store::courses(desk.db.conn(), &who.scope, period.moments(), now).await?;
    let directory = desk.directory.as_ref();
    let mut rows: Vec<StatisticsRow> = measure::measured(&courses, by)
        .into_iter()
        .map(|one| StatisticsRow::of(one, directory, who.lang))
        .collect();
    let all = rows.pop().ok_or(AppError::NotFound)?;
    let (from, to) = (period.from.to_string(), period.to.to_string());
    let address = Address::of("/statistics.xlsx").with("from", &from).with("to", &to);
    Ok(StatisticsPage {
        export: address.with("by", by.word()).to_string(),
        by: Choice::words(who.lang, &GROUPS, by.word()),
        chart: chart(&rows, by, who.lang),
        from,
        to,
        rows,
        all,
    })
}

fn chart(rows: &[StatisticsRow], by: By, lang: Lang) -> Chart {
    #[expect(clippy::cast_precision_loss, reason = "counts of incidents are small")]
    let values = rows.iter().map(|row| row.incidents as f64).collect();
    let text = |key| Phrase::key(key).text(lang);
    let label = GROUPS.iter().find(|(word, _)| *word == by.word()).map_or("", |(_, key)| *key);
    Chart {
        title: text("statistics-chart"),
        label: text(label),
        kind: Kind::Bars,
        points: rows
            .iter()
            .map(|row| Point { label: row.name.clone(), href: row.href.clone() })
            .collect(),
        series: vec![Series {
            name: text("statistics-incidents"),
            tone: "accent".to_owned(),
            values,
        }],
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    }
}

async fn page(
    State(desk): State<Desk>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<StatisticsPage>, AppError> {
    Ok(View::new(gathered(&desk, &who, &asked).await?))
}

async fn xlsx(
    State(desk): State<Desk>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<Response, AppError> {
    let page = gathered(&desk, &who, &asked).await?;
    let mut rows: Vec<Vec<String>> = page.rows.iter().map(|row| row.cells(who.lang)).collect();
    rows.push(page.all.cells(who.lang));
    let head = HEAD.map(|key| Phrase::key(key).text(who.lang)).to_vec();
    let name = format!("statistics-{}-{}", page.from, page.to);
    Ok(file::table(&name, &Sheet { head, rows }, file::Format::Xlsx)?)
}
