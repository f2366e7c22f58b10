//! The pages of information systems.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use event::{Level, SystemId};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::{System, SystemDraft, SystemState};
use super::standing::Standing;
use crate::forms::{Choice, Errors};
use crate::source::SourceRow;
use crate::{HealthBook, Snapshot, Status};

/// A system in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SystemRow {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) name: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) state: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    pub(crate) operator: String,
    pub(crate) duty_phone: String,
    /// Sources switched on.
    pub(crate) sources: usize,
    /// Those that records come from now.
    pub(crate) live: usize,
    #[serde(skip)]
    pub(crate) state_key: &'static str,
    #[serde(skip)]
    pub(crate) in_use: bool,
}

/// Sources switched on, and those that live, of each system.
pub(crate) type Watch = BTreeMap<SystemId, (usize, usize)>;

/// Counts the sources of each system, by what was measured.
pub(crate) fn watch(snapshot: &Snapshot, health: &HealthBook, now: DateTime<Utc>) -> Watch {
    let mut watch = Watch::new();
    for binding in snapshot.bindings().filter(|binding| binding.enabled) {
        let Some(system) = binding.origin.system else { continue };
        let counts = watch.entry(system).or_default();
        counts.0 += 1;
        if health.of(binding.origin.source, now).status(binding, now) == Status::Live {
            counts.1 += 1;
        }
    }
    watch
}

impl SystemRow {
    /// Returns the row of a system.
    pub(crate) fn new(system: &System, snapshot: &Snapshot, watch: &Watch) -> Self {
        let (sources, live) = watch.get(&system.id).copied().unwrap_or_default();
        Self {
            id: system.id.to_string(),
            code: system.code.clone(),
            name: system.name.clone(),
            level: system.level,
            state: system.state.word().to_owned(),
            agency: system.agency.to_string(),
            agency_name: snapshot.tree().name(system.agency).to_owned(),
            operator: system.operator.clone(),
            duty_phone: system.duty_phone.clone(),
            sources,
            live,
            state_key: system.state.key(),
            in_use: system.state == SystemState::Running,
        }
    }

    /// Returns the class of the dot that shows whether it is watched.
    pub(crate) const fn tone(&self) -> &'static str {
        if !self.in_use {
            "quiet"
        } else if self.live > 0 && self.live == self.sources {
            "ok"
        } else if self.live > 0 {
            "warn"
        } else if self.must_be_watched() || self.sources > 0 {
            "bad"
        } else {
            "quiet"
        }
    }

    /// Returns whether its level asks for round-the-clock watching.
    pub(crate) const fn must_be_watched(&self) -> bool {
        matches!(self.level, Some(level) if level.number() >= 3)
    }
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "system/list.html")]
pub(crate) struct SystemList {
    pub(crate) systems: Vec<SystemRow>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) levels: Vec<Choice>,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) logs: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// Something that was done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PastChange {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    /// Stable word of what was done.
    pub(crate) action: String,
    #[serde(skip)]
    pub(crate) key: Option<&'static str>,
}

impl From<db::audit::AuditRow> for PastChange {
    fn from(row: db::audit::AuditRow) -> Self {
        let key = crate::audit_log::action_key(&row.action);
        Self { at: row.at, by: row.actor_name, action: row.action, key }
    }
}

/// One system with what hangs on it.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "system/detail.html")]
pub(crate) struct SystemDetail {
    pub(crate) system: SystemRow,
    pub(crate) owner_contact: String,
    pub(crate) description: String,
    pub(crate) domains: Vec<String>,
    pub(crate) ip_ranges: Vec<String>,
    pub(crate) agency_phone: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i32,
    /// Its sources.
    pub(crate) rows: Vec<SourceRow>,
    pub(crate) standing: Standing,
    /// What was last done to it, the newest first.
    pub(crate) history: Vec<PastChange>,
}

/// The form of a new or a known system.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "system/form.html")]
pub(crate) struct SystemForm {
    /// The system; `None` for a new one.
    pub(crate) id: Option<String>,
    pub(crate) draft: SystemDraft,
    pub(crate) agencies: Vec<Choice>,
    pub(crate) levels: Vec<Choice>,
    pub(crate) states: Vec<Choice>,
    pub(crate) errors: Errors,
}
