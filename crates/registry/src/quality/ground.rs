//! What the checks look at: the whole register at one moment, counted once, so that thousands of records
//! are checked in one pass. Twins are looked for in the whole province; who asks sees only their own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use event::fold::fold;
use event::{AgencyId, Scope, SystemId};
use sea_orm::ConnectionTrait;

use super::check::{Check, of_agency, of_system};
use crate::agency::Agency;
use crate::health::HealthBook;
use crate::profile::{self, SystemProfile};
use crate::system::{System, SystemState};
use crate::{Snapshot, Status, gate, vietnam_day};

/// The register at one moment.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    snapshot: &'a Snapshot,
    names: BTreeMap<(AgencyId, String), usize>,
    domains: BTreeMap<&'a str, usize>,
    agencies: BTreeMap<String, usize>,
    sending: BTreeSet<SystemId>,
    pub(super) now: DateTime<Utc>,
    pub(super) day: NaiveDate,
}

/// A record with its checks.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Whose it is.
    pub(crate) agency: AgencyId,
    /// Its checks.
    pub(crate) checks: Vec<Check>,
}

impl<'a> Ground<'a> {
    /// Counts the register.
    pub(crate) fn new(snapshot: &'a Snapshot, health: &HealthBook, now: DateTime<Utc>) -> Self {
        let mut ground = Self {
            snapshot,
            names: BTreeMap::new(),
            domains: BTreeMap::new(),
            agencies: BTreeMap::new(),
            sending: BTreeSet::new(),
            now,
            day: vietnam_day(now),
        };
        for system in snapshot.systems().filter(|system| in_use(system)) {
            *ground.names.entry((system.agency, fold(&system.name))).or_default() += 1;
            for domain in &system.domains {
                *ground.domains.entry(domain.as_str()).or_default() += 1;
            }
        }
        for agency in snapshot.tree().iter().filter(|agency| agency.valid_to.is_none()) {
            *ground.agencies.entry(fold(&agency.name)).or_default() += 1;
        }
        for binding in snapshot.bindings().filter(|binding| binding.enabled) {
            let status = || health.of(binding.origin.source, now).status(binding, now);
            if let Some(system) = binding.origin.system
                && status() == Status::Live
            {
                ground.sending.insert(system);
            }
        }
        ground
    }

    pub(super) fn systems_named(&self, agency: AgencyId, name: &str) -> usize {
        self.names.get(&(agency, fold(name))).copied().unwrap_or(0)
    }

    pub(super) fn systems_at(&self, domain: &str) -> usize {
        self.domains.get(domain).copied().unwrap_or(0)
    }

    pub(super) fn agencies_named(&self, name: &str) -> usize {
        self.agencies.get(&fold(name)).copied().unwrap_or(0)
    }

    pub(super) fn is_agency_name(&self, folded: &str) -> bool {
        self.agencies.contains_key(folded)
    }

    pub(super) fn sends(&self, system: SystemId) -> bool {
        self.sending.contains(&system)
    }

    pub(super) fn agency(&self, id: AgencyId) -> Option<&Agency> {
        self.snapshot.tree().get(id).map(AsRef::as_ref)
    }

    /// Returns every open agency and every system in use within a scope, checked.
    pub(crate) async fn check_all(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
    ) -> Result<Vec<Checked>, db::DbError> {
        let seen = |agency: &AgencyId| scope.sees(*agency);
        let systems: Vec<_> = self
            .snapshot
            .systems()
            .filter(|system| in_use(system) && seen(&system.agency))
            .collect();
        let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
        let profiles = profile::of_all(conn, &ids).await?;
        let papers = gate::papers_of_all(conn, &ids).await?;
        let agencies = self
            .snapshot
            .tree()
            .iter()
            .filter(|agency| agency.valid_to.is_none() && seen(&agency.id));
        let mut found: Vec<Checked> = agencies
            .map(|agency| Checked { agency: agency.id, checks: of_agency(self, agency) })
            .collect();
        for system in systems {
            let empty = SystemProfile::empty(system.id);
            let profile = profiles.get(&system.id).unwrap_or(&empty);
            let papers = papers.get(&system.id).map_or(&[][..], Vec::as_slice);
            let checks = of_system(self, system, profile, papers);
            found.push(Checked { agency: system.agency, checks });
        }
        Ok(found)
    }
}

fn in_use(system: &System) -> bool {
    system.state != SystemState::Retired
}
