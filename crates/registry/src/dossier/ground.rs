//! What the register knows of a system when its dossier is written: read once, used for drawing, for
//! telling what is missing and for the forms.

use std::sync::Arc;

use chrono::NaiveDate;
use event::SystemId;
use sea_orm::ConnectionTrait;
use web::{AppError, Who};

use crate::agency::Agency;
use crate::asset::{self, Asset};
use crate::gate::{self, Paper};
use crate::law::{Law, propose};
use crate::profile::{self, SystemProfile};
use crate::system::{self, System};
use crate::{Registry, Snapshot, failed, today};

/// What the register knows.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) system: System,
    pub(super) profile: SystemProfile,
    pub(super) papers: Vec<Paper>,
    /// What it is made of.
    pub(super) assets: Vec<Asset>,
    /// The agency that owns it.
    pub(super) owner: Option<Arc<Agency>>,
    /// The agency that runs it, if it is known by name.
    pub(super) operator: Option<Arc<Agency>>,
    /// Log sources switched on: name and parser.
    pub(super) sources: Vec<(String, String)>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) day: NaiveDate,
}

impl Ground {
    /// Reads what is known of a system that the asker sees.
    pub(super) async fn read(
        registry: &Registry,
        conn: &impl ConnectionTrait,
        who: &Who,
        id: SystemId,
    ) -> Result<Self, AppError> {
        let system = system::by_id(conn, &who.scope, id).await.map_err(failed)?;
        let system = system.ok_or(AppError::NotFound)?;
        let profile = profile::of(conn, &system).await.map_err(failed)?;
        let papers = gate::papers(conn, &system).await.map_err(failed)?;
        let assets = asset::of_system(conn, id).await.map_err(failed)?;
        let snapshot = registry.directory.snapshot();
        let agency = |id| snapshot.tree().get(id).cloned();
        let own = |binding: &&Arc<crate::SourceBinding>| {
            binding.enabled && binding.origin.system == Some(id)
        };
        let sources = snapshot.bindings().filter(own);
        let sources = sources.map(|one| (one.name.clone(), one.parser.clone())).collect();
        Ok(Self {
            owner: agency(system.agency),
            operator: profile.facts.operator_agency.and_then(agency),
            sources,
            day: today(registry),
            system,
            profile,
            papers,
            assets,
            snapshot: Arc::clone(&snapshot),
        })
    }

    /// Returns the level that the law proposes, if a criterion holds.
    pub(super) fn proposed(&self) -> Option<u8> {
        let facts = self.profile.facts.level_facts();
        propose(Law::builtin(), &facts, self.day).level.map(event::Level::number)
    }

    /// Returns the newest paper of a kind that counts today.
    pub(super) fn paper(&self, kind: &str) -> Option<&Paper> {
        let counts = |paper: &&Paper| paper.kind == kind && paper.counts(Law::builtin(), self.day);
        self.papers.iter().filter(counts).max_by_key(|paper| (paper.issued_on, paper.created_at))
    }

    /// Returns who runs the system, by name.
    pub(super) fn operator_name(&self) -> String {
        match (&self.operator, self.system.operator.as_str()) {
            (Some(agency), _) => agency.name.clone(),
            (None, "") => self.owner_name(),
            (None, named) => named.to_owned(),
        }
    }

    /// Returns who owns the system, by name.
    pub(super) fn owner_name(&self) -> String {
        self.snapshot.tree().name(self.system.agency).to_owned()
    }

    /// Returns the body above the owner, by name.
    pub(super) fn superior_name(&self) -> Option<String> {
        let above = self.owner.as_ref().and_then(|owner| owner.parent)?;
        self.snapshot.tree().get(above).map(|agency| agency.name.clone())
    }
}
