//! The lists of dossiers and of what the change of law asks, as pages and files.

use axum::extract::State as Held;
use axum::response::Response;
use chrono::NaiveDate;
use event::{AgencyId, Level, SystemId};
use serde::Deserialize;
use web::paging::Page;
use web::{AppError, Phrase, Query, View, Who};

use super::model::State;
use super::store::{self, DossierFilter};
use super::transition::{self, TransitionFilter};
use super::views::{DossierList, DossierRow, TransitionList};
use crate::export::{Export, Sheet};
use crate::forms::choices;
use crate::{Registry, agency_choices, failed, limits, system, text, today};

/// Which part of the list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    pub(super) state: Option<String>,
    pub(super) level: Option<u8>,
    pub(super) agency: Option<AgencyId>,
    pub(super) system: Option<SystemId>,
    /// `late` shows only those whose limit is over.
    pub(super) limit: Option<String>,
}

impl ListQuery {
    fn filter(&self, today: NaiveDate) -> DossierFilter {
        DossierFilter {
            states: self.state.as_deref().and_then(State::from_word).into_iter().collect(),
            level: self.level.and_then(Level::new),
            agency: self.agency,
            system: self.system,
            late_on: (self.limit.as_deref() == Some("late")).then_some(today),
        }
    }

    fn query(&self) -> String {
        text::query(&[
            ("state", self.state.clone()),
            ("level", self.level.map(|level| level.to_string())),
            ("agency", self.agency.map(|id| id.to_string())),
            ("system", self.system.map(|id| id.to_string())),
            ("limit", self.limit.clone()),
        ])
    }
}

async fn rows(
    registry: &Registry,
    who: &Who,
    query: &ListQuery,
    part: (u64, u64),
) -> Result<(Vec<DossierRow>, u64), AppError> {
    let today = today(registry);
    let filter = query.filter(today);
    let found = store::list(registry.db.conn(), &who.scope, &filter, part).await;
    let (dossiers, total) = found.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    Ok((dossiers.iter().map(|one| DossierRow::new(one, &snapshot, today)).collect(), total))
}

pub(super) async fn list(
    Held(registry): Held<Registry>,
    who: Who,
    Query(query): Query<ListQuery>,
    Query(page): Query<Page>,
) -> Result<View<DossierList>, AppError> {
    Ok(View::new(listed(&registry, &who, query, page).await?))
}

/// Returns a part of the list.
pub(super) async fn listed(
    registry: &Registry,
    who: &Who,
    query: ListQuery,
    page: Page,
) -> Result<DossierList, AppError> {
    let (rows, total) = rows(registry, who, &query, (page.offset(), page.limit())).await?;
    let word = |key| Phrase::key(key).text(who.lang);
    let states = State::ALL.map(|state| (state.word().to_owned(), word(state.key())));
    let level = query.level.map(|level| level.to_string());
    let late = ("late".to_owned(), word("dossier-late"));
    let rest = query.query();
    let snapshot = registry.directory.snapshot();
    let asked = query.system.and_then(|id| snapshot.system(id));
    let asked = asked.filter(|one| who.scope.sees(one.agency));
    let is_open = rows.iter().any(|row| !row.state.is_over());
    let begin = asked.filter(|_| !is_open).map(|one| (one.id.to_string(), one.name.clone()));
    Ok(DossierList {
        rows,
        begin,
        pager: page.pager("/dossiers", &rest, total),
        states: choices(states, query.state.as_deref()),
        levels: choices(system::levels(who), level.as_deref()),
        agencies: agency_choices(&snapshot, who, query.agency),
        limits: choices([late], query.limit.as_deref()),
        query: rest,
    })
}

pub(super) async fn export(
    Held(registry): Held<Registry>,
    who: Who,
    Query(query): Query<ListQuery>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (rows, _) = rows(&registry, &who, &query, (0, limits::ROWS_MAX)).await?;
    let header = [
        "dossier-number",
        "registry-system",
        "registry-agency",
        "registry-level",
        "dossier-state",
        "dossier-state-on",
        "dossier-due",
        "dossier-days-left",
    ];
    let mut sheet = Sheet::new("ho-so-cap-do", who.lang, &header);
    for row in rows {
        sheet.row(vec![
            row.number,
            row.system_name,
            row.agency_name,
            row.level.map(|level| level.number().to_string()).unwrap_or_default(),
            Phrase::key(row.state_key).text(who.lang),
            text::day(row.state_on),
            row.due_on.map(text::day).unwrap_or_default(),
            row.days_left.map(|days| days.to_string()).unwrap_or_default(),
        ]);
    }
    sheet.answer(export)
}

pub(super) async fn transitions(
    Held(registry): Held<Registry>,
    who: Who,
    Query(filter): Query<TransitionFilter>,
    Query(page): Query<Page>,
) -> Result<View<TransitionList>, AppError> {
    Ok(View::new(asked(&registry, &who, &filter, page).await?))
}

/// Returns a part of what the change of law asks.
pub(super) async fn asked(
    registry: &Registry,
    who: &Who,
    filter: &TransitionFilter,
    page: Page,
) -> Result<TransitionList, AppError> {
    let (rows, cases) = transition::rows(registry, who, filter).await?;
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let query = text::query(&[
        ("agency", filter.agency.map(|id| id.to_string())),
        ("case", filter.case.clone()),
    ]);
    let named = cases.iter().map(|case| (case.case.clone(), case.asks.clone()));
    Ok(TransitionList {
        case_choices: choices(named, filter.case.as_deref()),
        cases,
        rows: rows.into_iter().skip(skip).take(take).collect(),
        pager: page.pager("/dossiers/transition", &query, total),
        agencies: agency_choices(&registry.directory.snapshot(), who, filter.agency),
        query,
    })
}

pub(super) async fn transition_export(
    Held(registry): Held<Registry>,
    who: Who,
    Query(filter): Query<TransitionFilter>,
    Query(export): Query<Export>,
) -> Result<Response, AppError> {
    let (rows, _) = transition::rows(&registry, &who, &filter).await?;
    let header = [
        "registry-system",
        "registry-agency",
        "registry-level",
        "dossier-regime",
        "dossier-catalogue",
        "dossier-asks",
        "dossier-clause",
        "dossier-due",
        "dossier-number",
    ];
    let mut sheet = Sheet::new("chuyen-tiep-cap-do", who.lang, &header);
    for row in rows {
        sheet.row(vec![
            row.system_name,
            row.agency_name,
            row.level.map(|level| level.number().to_string()).unwrap_or_default(),
            row.regime,
            row.catalogue,
            row.asks,
            row.clause,
            text::day(row.due),
            row.dossier_number.unwrap_or_default(),
        ]);
    }
    sheet.answer(export)
}
