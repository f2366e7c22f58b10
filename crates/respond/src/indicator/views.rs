//! What the pages of indicators show.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use event::observable::ObservableKind;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{Indicator, State};
use crate::address::Address;
use crate::alert::Choice;

/// Returns the key of a kind's name.
pub(crate) fn kind_key(kind: &str) -> &'static str {
    match ObservableKind::from_word(kind) {
        Some(ObservableKind::Ip) => "room-kind-ip",
        Some(ObservableKind::Domain) => "room-kind-domain",
        Some(ObservableKind::Url) => "room-kind-url",
        Some(ObservableKind::Hash) => "room-kind-hash",
        _ => "room-kind-email",
    }
}

/// One indicator in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IndicatorRow {
    /// Its id.
    pub id: String,
    /// `ip`, `domain`, `url`, `hash` or `email`.
    pub kind: String,
    /// Its value, defanged.
    pub shown: String,
    /// Who says so: an incident's number, or what was typed.
    pub source: String,
    /// How sure they are, 0 to 100.
    pub confidence: u8,
    /// How far it may be passed on: `CLEAR`, `GREEN`, `AMBER`, `AMBER+STRICT` or `RED`.
    pub tlp: String,
    /// Why.
    pub reason: String,
    /// Until when it is looked for.
    pub valid_until: DateTime<Utc>,
    /// The incident that it came from.
    pub incident: Option<String>,
    /// Who added it.
    pub author: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// `in-force`, `expired` or `withdrawn`.
    pub state: String,
    /// Who took it off.
    pub withdrawn_by: Option<String>,
    /// When.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    pub withdrawn_reason: Option<String>,
    /// The search for it over the past month.
    pub search: String,
}

impl IndicatorRow {
    pub(super) fn of(one: Indicator, now: DateTime<Utc>) -> Self {
        let quoted = format!("\"{}\"", one.observable.value.replace('"', "\\\""));
        let state = one.state(now);
        let withdrawn = one.withdrawn;
        Self {
            id: one.id.to_string(),
            kind: one.observable.kind.word().to_owned(),
            shown: one.observable.defanged(),
            source: one.source,
            confidence: one.confidence,
            tlp: one.tlp.word().to_owned(),
            reason: one.reason,
            valid_until: one.valid_until,
            incident: one.incident.map(|id| id.to_string()),
            author: one.author,
            made_at: one.made_at,
            state: state.word().to_owned(),
            withdrawn_by: withdrawn.as_ref().map(|end| end.by.clone()),
            withdrawn_at: withdrawn.as_ref().map(|end| end.at),
            withdrawn_reason: withdrawn.map(|end| end.reason),
            search: Address::of("/search").with("q", quoted).with("range", "30d").to_string(),
        }
    }

    /// Returns the key of the kind's word.
    pub fn kind_key(&self) -> &'static str {
        kind_key(&self.kind)
    }

    /// Returns the key of its state.
    pub fn state_key(&self) -> &'static str {
        State::from_word(&self.state).map_or("", State::key)
    }

    /// Returns how its state is coloured.
    pub fn tone(&self) -> &'static str {
        if self.state == State::InForce.word() { "ok" } else { "quiet" }
    }

    /// Returns whether it can be taken off.
    pub fn stands(&self) -> bool {
        self.state != State::Withdrawn.word()
    }
}

/// The list of indicators.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "indicator/list.html")]
pub struct IndicatorList {
    /// Words to filter by.
    pub text: String,
    /// Kinds to filter by.
    pub kinds: Vec<Choice>,
    /// States to filter by.
    pub states: Vec<Choice>,
    /// The incident to filter by: its id.
    pub incident: String,
    /// Whether anything is filtered.
    pub active: bool,
    /// The filter, for the files.
    pub query: String,
    /// The rows, the newest first.
    pub indicators: Vec<IndicatorRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// The form of new indicators.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "indicator/form.html")]
pub struct IndicatorForm {
    /// What is typed: one or many.
    pub value: String,
    /// Who says so.
    pub source: String,
    /// How sure they are.
    pub confidence: String,
    /// How far it may be passed on.
    pub tlps: Vec<Choice>,
    /// Why.
    pub reason: String,
    /// For how many days it is looked for.
    pub days: String,
    /// What is wrong with what was typed.
    #[serde(skip)]
    pub errors: BTreeMap<String, String>,
}
