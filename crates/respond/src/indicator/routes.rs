//! The pages of indicators and the presses on them.

use std::collections::BTreeMap;

use axum::extract::State as Held;
use axum::response::{IntoResponse as _, Response};
use event::observable::{ObservableKind, refang};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::paging::Page;
use web::{AppError, Body, By, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, CONFIDENCE, DAYS, Typed};
use super::export;
use super::model::{State, Tlp};
use super::store::{self, Filter};
use super::views::{IndicatorForm, IndicatorList, IndicatorRow};
use crate::actor::Handler;
use crate::address::Address;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file::Format;

/// Returns the routes of indicators.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IndicatorChange, IndicatorRead};
    Routes::new()
        .get("/indicators", IndicatorRead, list)
        .doc("Lists the platform's own indicators, the newest first")
        .gives::<IndicatorList>()
        .get("/indicators/export.csv", IndicatorRead, export_csv)
        .doc("Returns the filtered indicators as CSV")
        .get("/indicators/export.xlsx", IndicatorRead, export_xlsx)
        .doc("Returns the filtered indicators as a spreadsheet")
        .get("/indicators/new", IndicatorChange, new)
        .doc("Shows the form of new indicators")
        .gives::<IndicatorForm>()
        .post("/indicators", IndicatorChange, add)
        .doc("Puts values on the list: all of them, or none and the reason")
        .takes::<NewIndicators>()
        .post("/indicators/{id}/withdraw", IndicatorChange, withdraw)
        .doc("Takes an indicator off the list, with the reason")
        .takes::<WithdrawForm>()
}

/// What the list is filtered by, as it stands in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    pub(super) q: String,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) incident: String,
    pub(super) page: Option<u64>,
    pub(super) rows: Option<u64>,
}

impl ListQuery {
    /// Returns the filter; a word that is none is ignored.
    pub(super) fn filter(&self) -> Filter {
        let state = match self.state.as_str() {
            "all" => None,
            word => Some(State::from_word(word).unwrap_or(State::InForce)),
        };
        Filter {
            text: refang(self.q.trim()).chars().take(QUERY_CHARS).collect(),
            kind: ObservableKind::from_word(&self.kind),
            state,
            incident: self.incident.parse().ok(),
        }
    }

    /// Returns the address of the list with this filter, without a page.
    pub(super) fn address(&self, path: &str) -> Address {
        Address::of(path)
            .with("q", &self.q)
            .with("kind", &self.kind)
            .with("state", &self.state)
            .with("incident", &self.incident)
    }
}

/// Characters of the filter's words.
const QUERY_CHARS: usize = 200;

const KINDS: [(&str, &str); 6] = [
    ("", "alert-filter-any"),
    ("ip", "room-kind-ip"),
    ("domain", "room-kind-domain"),
    ("url", "room-kind-url"),
    ("hash", "room-kind-hash"),
    ("email", "room-kind-email"),
];

const STATES: [(&str, &str); 4] = [
    ("", "indicator-state-in-force"),
    ("expired", "indicator-state-expired"),
    ("withdrawn", "indicator-state-withdrawn"),
    ("all", "indicator-state-all"),
];

async fn list(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<IndicatorList>, AppError> {
    Ok(View::new(listed(&desk, &who, &query).await?))
}

pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    query: &ListQuery,
) -> Result<IndicatorList, RespondError> {
    let page = Page { page: query.page, rows: query.rows };
    let (now, slice) = (desk.db.now(), (page.offset(), page.limit()));
    let (found, total) = store::list(desk.db.conn(), &query.filter(), now, slice).await?;
    let rest = query.address("").query();
    Ok(IndicatorList {
        text: query.q.clone(),
        kinds: Choice::words(who.lang, &KINDS, &query.kind),
        states: Choice::words(who.lang, &STATES, &query.state),
        incident: query.incident.clone(),
        active: !rest.is_empty(),
        indicators: found.into_iter().map(|one| IndicatorRow::of(one, now)).collect(),
        pager: page.pager("/indicators", &rest, total),
        query: rest,
    })
}

async fn export_csv(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(export::indicators(&desk, &who, &query, Format::Csv).await?)
}

async fn export_xlsx(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(export::indicators(&desk, &who, &query, Format::Xlsx).await?)
}

async fn new(who: Who) -> View<IndicatorForm> {
    let begun = NewIndicators {
        source: who.name.clone(),
        confidence: CONFIDENCE.to_string(),
        tlp: Tlp::Amber.word().to_owned(),
        days: DAYS.to_string(),
        ..NewIndicators::default()
    };
    View::new(form(begun, BTreeMap::new()))
}

pub(super) fn form(typed: NewIndicators, errors: BTreeMap<String, String>) -> IndicatorForm {
    let choice = |tlp: Tlp| Choice {
        value: tlp.word().to_owned(),
        name: format!("TLP:{}", tlp.word()),
        chosen: tlp.word() == typed.tlp,
    };
    IndicatorForm {
        tlps: Tlp::ALL.map(choice).to_vec(),
        value: typed.value,
        source: typed.source,
        confidence: typed.confidence,
        reason: typed.reason,
        days: typed.days,
        errors,
    }
}

/// Indicators on their way in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewIndicators {
    /// Addresses, networks, domains, URLs, digests, mail addresses, defanged or not; parted by spaces, commas
    /// or line ends. At most 200.
    pub(super) value: String,
    /// Who says so.
    pub(super) source: String,
    /// How sure they are, 0 to 100; empty is 80.
    pub(super) confidence: String,
    /// `CLEAR`, `GREEN`, `AMBER`, `AMBER+STRICT` or `RED`; empty is `AMBER`.
    pub(super) tlp: String,
    /// Why.
    pub(super) reason: String,
    /// For how many days they are looked for, 1 to 730; empty is 90.
    pub(super) days: String,
}

impl NewIndicators {
    pub(super) fn typed(&self) -> Typed<'_> {
        Typed {
            value: &self.value,
            source: &self.source,
            confidence: &self.confidence,
            tlp: &self.tlp,
            reason: &self.reason,
            days: &self.days,
        }
    }
}

async fn add(
    Held(desk): Held<Desk>,
    who: Who,
    Body(typed): Body<NewIndicators>,
) -> Result<Response, AppError> {
    let added = actions::add(&desk, &Handler::from(&who), &typed.typed()).await;
    match added.map_err(AppError::from) {
        Ok((new, standing)) => Ok(done("/indicators")
            .made()
            .notice(Phrase::key("indicator-done-added").arg("new", new).arg("standing", standing))
            .into_response()),
        Err(AppError::Invalid(errors)) if who.by != By::Token => {
            let page = form(typed, errors.told(who.lang));
            Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Why an indicator is taken off.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct WithdrawForm {
    /// Why.
    reason: String,
}

async fn withdraw(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<WithdrawForm>,
) -> Result<Done, AppError> {
    actions::withdraw(&desk, &Handler::from(&who), id, &form.reason).await?;
    Ok(done("/indicators").notice(Phrase::key("indicator-done-withdrawn")))
}
