//! What the checks look at: the whole register at one moment, counted once, so that thousands of records
//! are checked in one pass. Twins are looked for in the whole province; who asks sees only their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use event::fold::fold;
use event::{AgencyId, Scope, SystemId};
use sea_orm::ConnectionTrait;

use super::check::{Tally, of_agency, of_system};
use super::parts;
use crate::agency::Agency;
use crate::health::HealthBook;
use crate::profile::{self, SystemProfile};
use crate::system::{System, SystemState};
use crate::{Snapshot, SourceBinding, Status, asset, gate, post, vietnam_day};

/// The register at one moment.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    snapshot: &'a Snapshot,
    health: &'a HealthBook,
    names: BTreeMap<(AgencyId, String), usize>,
    domains: BTreeMap<&'a str, usize>,
    agencies: BTreeMap<String, usize>,
    sources: BTreeMap<(AgencyId, String), usize>,
    sending: BTreeSet<SystemId>,
    pub(super) now: DateTime<Utc>,
    pub(super) day: NaiveDate,
}

impl<'a> Ground<'a> {
    /// Counts the register.
    pub(crate) fn new(snapshot: &'a Snapshot, health: &'a HealthBook, now: DateTime<Utc>) -> Self {
        let mut ground = Self {
            snapshot,
            health,
            names: BTreeMap::new(),
            domains: BTreeMap::new(),
            agencies: BTreeMap::new(),
            sources: BTreeMap::new(),
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
        for source in snapshot.bindings() {
            let key = (source.origin.agency, fold(&source.name));
            *ground.sources.entry(key).or_default() += 1;
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

    /// Returns whether a system is there and belongs to this agency.
    pub(super) fn is_system_of(&self, system: SystemId, agency: AgencyId) -> bool {
        self.snapshot.system(system).is_some_and(|system| system.agency == agency)
    }

    /// Checks every record within a scope (open agencies, systems in use, log sources, assets, people) and
    /// returns what it comes to, agency by agency.
    pub(crate) async fn check_all(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
    ) -> Result<BTreeMap<AgencyId, Tally>, db::DbError> {
        let mut found: BTreeMap<AgencyId, Tally> = BTreeMap::new();
        let seen = |agency: &AgencyId| scope.sees(*agency);
        let open = self.snapshot.tree().iter().filter(|agency| agency.valid_to.is_none());
        for agency in open.filter(|agency| seen(&agency.id)) {
            found.entry(agency.id).or_default().add(of_agency(self, agency));
        }
        for source in self.snapshot.bindings().filter(|source| seen(&source.origin.agency)) {
            let agency = source.origin.agency;
            let checks = parts::of_source(self, source, self.standing(source));
            found.entry(agency).or_default().add(checks);
        }
        self.check_systems(conn, scope, &mut found).await?;
        self.check_assets(conn, scope, &mut found).await?;
        self.check_people(conn, scope, &mut found).await?;
        Ok(found)
    }

    /// Returns how a source does, and how many of its agency bear its name.
    pub(crate) fn standing(&self, source: &SourceBinding) -> (Status, usize) {
        let status = self.health.of(source.origin.source, self.now).status(source, self.now);
        let twins = self.sources.get(&(source.origin.agency, fold(&source.name)));
        (status, twins.copied().unwrap_or(0))
    }

    async fn check_systems(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        found: &mut BTreeMap<AgencyId, Tally>,
    ) -> Result<(), db::DbError> {
        let seen = |system: &&Arc<System>| in_use(system) && scope.sees(system.agency);
        let systems: Vec<_> = self.snapshot.systems().filter(seen).collect();
        let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
        let profiles = profile::of_all(conn, &ids).await?;
        let papers = gate::papers_of_all(conn, &ids).await?;
        for system in systems {
            let empty = SystemProfile::empty(system.id);
            let profile = profiles.get(&system.id).unwrap_or(&empty);
            let papers = papers.get(&system.id).map_or(&[][..], Vec::as_slice);
            let checks = of_system(self, system, profile, papers);
            found.entry(system.agency).or_default().add(checks);
        }
        Ok(())
    }

    async fn check_assets(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        found: &mut BTreeMap<AgencyId, Tally>,
    ) -> Result<(), db::DbError> {
        let assets = asset::all(conn, scope).await?;
        let mut at: BTreeMap<(AgencyId, &str), usize> = BTreeMap::new();
        for asset in assets.iter().filter(|asset| !asset.address.is_empty()) {
            *at.entry((asset.agency, &asset.address)).or_default() += 1;
        }
        for asset in &assets {
            let twins = at.get(&(asset.agency, asset.address.as_str())).copied().unwrap_or(0);
            let checks = parts::of_asset(self, asset, twins);
            found.entry(asset.agency).or_default().add(checks);
        }
        Ok(())
    }

    async fn check_people(
        &self,
        conn: &impl ConnectionTrait,
        scope: &Scope,
        found: &mut BTreeMap<AgencyId, Tally>,
    ) -> Result<(), db::DbError> {
        let people = post::all_people(conn, scope).await?;
        let holders = post::holders(conn, self.now).await?;
        let mut reached: BTreeMap<String, usize> = BTreeMap::new();
        for person in people.iter().filter(|person| !person.email.is_empty()) {
            *reached.entry(fold(&person.email)).or_default() += 1;
        }
        for person in &people {
            let twins = reached.get(&fold(&person.email)).copied().unwrap_or(0);
            let checks = parts::of_person(self, person, (twins, holders.contains(&person.id)));
            found.entry(person.agency).or_default().add(checks);
        }
        Ok(())
    }
}

fn in_use(system: &System) -> bool {
    system.state != SystemState::Retired
}
