//! Legal holds: while one stands, no log of an incident's systems is deleted, however old it grows.
//! Set and lifted by people, each time with a reason and an audit entry.

mod actions;
mod routes;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use event::{AgencyId, IncidentId, SystemId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[cfg(test)]
pub(crate) use actions::{lift, set};
pub(crate) use routes::routes;
pub(crate) use store::of_incident;
pub use store::{active, effective, ever_set};

/// How long a hold still keeps logs after it was lifted: whoever lifted the wrong one, or too early, sets it again
/// meanwhile.
pub const LIFT_DELAY: TimeDelta = TimeDelta::days(30);

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: Uuid,
    /// The incident it is for.
    pub incident: IncidentId,
    /// The incident's number.
    pub number: String,
    /// Whose logs.
    pub agency: AgencyId,
    /// The agencies into which that one was merged since: what had come to it comes to them. Whoever knows the
    /// agencies tells (see [`Hold::follow`]).
    pub heirs: Vec<AgencyId>,
    /// Logs of these systems; none is all of the agency.
    pub systems: Vec<SystemId>,
    /// Logs from this moment on.
    pub from: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Who lifted it, when and why.
    pub lifted: Option<Lifted>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

impl Hold {
    /// Returns until when it still keeps logs, where it was lifted.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        self.lifted.as_ref().and_then(|end| end.at.checked_add_signed(LIFT_DELAY))
    }

    /// Follows the hold's agency through mergers, where `successors` says into which each went.
    pub fn follow(&mut self, successors: &BTreeMap<AgencyId, AgencyId>) {
        let mut last = self.agency;
        while let Some(heir) = successors.get(&last).filter(|heir| !self.heirs.contains(*heir)) {
            self.heirs.push(*heir);
            last = *heir;
        }
    }

    /// Returns whether logs of this owner and day are those that it holds, while it stands and for
    /// [`LIFT_DELAY`] more. Logs of the agency that belong to no system are held with those of its systems:
    /// which of them matter is not known. A system is held with whatever agency it went, and an agency's own
    /// logs with the one that it was merged into.
    pub fn covers(&self, agency: AgencyId, system: Option<SystemId>, day: NaiveDate) -> bool {
        let is_agencys = self.agency == agency || self.heirs.contains(&agency);
        let is_of = match system {
            Some(system) if self.systems.contains(&system) => true,
            Some(_) => self.systems.is_empty() && is_agencys,
            None => is_agencys,
        };
        is_of && day >= self.from.date_naive()
    }
}

/// A hold as an incident's page shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldView {
    /// Logs from this moment on.
    pub from: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Who lifted it; nothing while it stands.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why.
    pub lift_reason: Option<String>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        let (lifted_by, lifted_at, lift_reason) = match hold.lifted {
            None => (None, None, None),
            Some(end) => (Some(end.by), Some(end.at), Some(end.reason)),
        };
        Self {
            from: hold.from,
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: hold.set_at,
            lifted_by,
            lifted_at,
            lift_reason,
        }
    }
}
