//! The pages of agencies.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::contact::{ContactDraft, ContactState};
use super::history::{FormerName, Merger, Renaming};
use super::model::{Agency, AgencyDraft};
use crate::forms::{Choice, Errors};
use crate::source::SourceRow;
use crate::system::SystemRow;
use crate::{Snapshot, quality};

/// An agency in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AgencyRow {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) parent: Option<String>,
    pub(crate) parent_name: Option<String>,
    pub(crate) phone: String,
    pub(crate) systems: usize,
    pub(crate) sources: usize,
    /// Whether someone can be called day and night, confirmed this quarter.
    pub(crate) contact: ContactState,
    #[serde(skip)]
    pub(crate) kind_key: &'static str,
}

impl AgencyRow {
    /// Returns the row of an agency.
    pub(crate) fn new(agency: &Agency, snapshot: &Snapshot, now: DateTime<Utc>) -> Self {
        let parent = agency.parent.and_then(|id| snapshot.tree().get(id));
        Self {
            id: agency.id.to_string(),
            code: agency.code.clone(),
            name: agency.name.clone(),
            kind: agency.kind.word().to_owned(),
            parent: parent.map(|parent| parent.id.to_string()),
            parent_name: parent.map(|parent| parent.name.clone()),
            phone: agency.night_phone().to_owned(),
            contact: agency.contact.state(now),
            systems: snapshot.systems().filter(|system| system.agency == agency.id).count(),
            sources: snapshot
                .bindings()
                .filter(|binding| binding.origin.agency == agency.id)
                .count(),
            kind_key: agency.kind.key(),
        }
    }
}

/// A name that an agency had.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PastName {
    pub(crate) name: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) decision: String,
}

impl From<FormerName> for PastName {
    fn from(name: FormerName) -> Self {
        Self { name: name.name, from: name.from, to: name.to, decision: name.decision }
    }
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "agency/list.html")]
pub(crate) struct AgencyList {
    pub(crate) rows: Vec<AgencyRow>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) contacts: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// One agency with what hangs on it.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "agency/detail.html")]
pub(crate) struct AgencyDetail {
    pub(crate) row: AgencyRow,
    pub(crate) email: String,
    pub(crate) address: String,
    pub(crate) valid_from: DateTime<Utc>,
    pub(crate) valid_to: Option<DateTime<Utc>>,
    pub(crate) version: i32,
    pub(crate) identifier: String,
    /// Its sector, in the reader's language.
    pub(crate) sector: String,
    /// The administrative unit that it governs.
    pub(crate) unit: Option<String>,
    pub(crate) contact: ContactDraft,
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    pub(crate) confirmed_by: String,
    /// Names it had, the latest first.
    pub(crate) former: Vec<PastName>,
    /// Agencies that were merged into it.
    pub(crate) merged: Vec<AgencyRow>,
    /// The agency it was merged into.
    pub(crate) successor: Option<String>,
    pub(crate) successor_name: Option<String>,
    #[serde(skip)]
    pub(crate) heirs: Vec<Choice>,
    #[serde(skip)]
    pub(crate) renaming: Renaming,
    #[serde(skip)]
    pub(crate) merger: Merger,
    #[serde(skip)]
    pub(crate) errors: Errors,
    /// How far its own record can be relied on.
    pub(crate) quality: quality::Card,
    pub(crate) below: Vec<AgencyRow>,
    pub(crate) systems: Vec<SystemRow>,
    /// The sources of the agency that watch no single system, and all others.
    pub(crate) rows: Vec<SourceRow>,
}

/// The form of a new or a known agency.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "agency/form.html")]
pub(crate) struct AgencyForm {
    /// The agency; `None` for a new one.
    pub(crate) id: Option<String>,
    pub(crate) draft: AgencyDraft,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) sectors: Vec<Choice>,
    pub(crate) parents: Vec<Choice>,
    pub(crate) errors: Errors,
}
