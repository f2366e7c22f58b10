//! Addresses of data quality.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::{Days, NaiveDate};
use event::AgencyId;
use serde::Deserialize;
use web::charts::{Chart, Kind, Point, Series};
use web::{AppError, Lang, Permission, Phrase, Query, Routes, View, Who};

use super::check::{Attribute, Counts, Tally};
use super::keep::Tallies;
use super::store;
use super::views::{Figure, QualityPage, QualityRow, Step};
use crate::export::{Export, Sheet};
use crate::{Registry, agency_choices, failed, limits, text, today};

/// Returns the routes of data quality.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::SystemRead;
    Routes::new()
        .get("/quality", SystemRead, page)
        .doc("Shows how far the register can be relied on, by attribute and agency, with its trend")
        .gives::<QualityPage>()
        .get("/quality/export", SystemRead, export)
        .doc("Gives the agencies' figures as a file")
}

/// Of whom the figures are.
#[derive(Debug, Clone, Default, Deserialize)]
struct QualityFilter {
    /// Only this agency's and those below it.
    agency: Option<AgencyId>,
}

/// Returns what the agencies asked for come to, as far as the reader sees them.
async fn asked(
    registry: &Registry,
    who: &Who,
    filter: &QualityFilter,
) -> Result<Tallies, AppError> {
    let all = registry.quality.checked(registry).await.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let below = filter.agency.map(|agency| snapshot.tree().subtree(agency));
    let fits = |agency: &AgencyId| {
        who.scope.sees(*agency) && below.as_ref().is_none_or(|below| below.contains(agency))
    };
    let asked = all.iter().filter(|(agency, _)| fits(agency));
    Ok(asked.map(|(agency, tally)| (*agency, tally.clone())).collect())
}

async fn page(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<QualityFilter>,
) -> Result<View<QualityPage>, AppError> {
    let checked = asked(&registry, &who, &filter).await?;
    let mut total = Counts::default();
    for tally in checked.values() {
        total.join(&tally.counts);
    }
    let since = today(&registry).checked_sub_days(Days::new(limits::QUALITY_SHOWN_DAYS));
    let since = since.unwrap_or(NaiveDate::MIN);
    let days = store::since(registry.db.conn(), &who.scope, (since, filter.agency));
    let days = days.await.map_err(failed)?;
    Ok(View::new(QualityPage {
        figures: Figure::all(&total),
        records: checked.values().map(|tally| tally.records).sum(),
        steps: steps(&checked, who.lang),
        rows: rows(&registry, &checked),
        chart: (days.len() > 1).then(|| chart(&days, who.lang)),
        agencies: agency_choices(&registry.directory.snapshot(), &who, filter.agency),
        query: text::query(&[("agency", filter.agency.map(|id| id.to_string()))]),
    }))
}

/// Returns what would help most, the most frequent first.
fn steps(checked: &Tallies, lang: Lang) -> Vec<Step> {
    let mut found: BTreeMap<(&'static str, Attribute), (usize, &str)> = BTreeMap::new();
    for (what, (records, href)) in checked.values().flat_map(|tally| &tally.fixes) {
        found.entry(*what).or_insert((0, href)).0 += records;
    }
    let mut steps: Vec<Step> = found
        .into_iter()
        .map(|((key, attribute), (records, href))| Step {
            attribute,
            what: Phrase::key(key).text(lang),
            href: href.to_owned(),
            records,
            key: attribute.key(),
        })
        .collect();
    steps.sort_by(|one, other| (other.records, &one.what).cmp(&(one.records, &other.what)));
    steps.truncate(limits::QUALITY_STEPS_SHOWN);
    steps
}

fn rows(registry: &Registry, checked: &Tallies) -> Vec<QualityRow> {
    let snapshot = registry.directory.snapshot();
    let row = |(agency, tally): (&AgencyId, &Tally)| QualityRow {
        agency: agency.to_string(),
        agency_name: snapshot.tree().name(*agency).to_owned(),
        records: tally.records,
        figures: Figure::all(&tally.counts),
    };
    let mut rows: Vec<QualityRow> = checked.iter().map(row).collect();
    let whole =
        |row: &QualityRow| row.figures.iter().filter_map(|figure| figure.percent).sum::<u64>();
    rows.sort_by_cached_key(|row| (whole(row), event::fold::fold(&row.agency_name)));
    rows
}

fn chart(days: &BTreeMap<String, Counts>, lang: Lang) -> Chart {
    let tones = ["accent", "high", "medium", "low", "critical", "quiet"];
    let figure =
        |percent: Option<u64>| f64::from(u32::try_from(percent.unwrap_or(0)).unwrap_or(u32::MAX));
    let series = Attribute::ALL.into_iter().zip(tones).map(|(attribute, tone)| Series {
        name: Phrase::key(attribute.key()).text(lang),
        tone: tone.to_owned(),
        values: days.values().map(|counts| figure(counts.percent(attribute))).collect(),
    });
    let label = |day: &String| day.parse::<NaiveDate>().map_or_else(|_| day.clone(), text::day);
    Chart {
        title: Phrase::key("quality-trend").text(lang),
        label: Phrase::key("quality-day").text(lang),
        kind: Kind::Line,
        points: days.keys().map(|day| Point { label: label(day), href: None }).collect(),
        series: series.collect(),
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    }
}

async fn export(
    State(registry): State<Registry>,
    who: Who,
    Query(filter): Query<QualityFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let checked = asked(&registry, &who, &filter).await?;
    let mut header = vec!["registry-agency", "quality-records"];
    header.extend(Attribute::ALL.map(Attribute::key));
    let mut sheet = Sheet::new("chat-luong-du-lieu", who.lang, &header);
    for row in rows(&registry, &checked) {
        let mut cells = vec![row.agency_name, row.records.to_string()];
        cells.extend(row.figures.iter().map(Figure::text));
        sheet.row(cells);
    }
    sheet.answer(export)
}
