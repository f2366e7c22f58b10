//! The registry: agencies, information systems and log sources, the spine that everything hangs on;
//! with the health of the sources, the dead letters, and the page of the audit log.
//!
//! It knows nothing of events' contents, alerts or incidents. The pipeline asks its [`Directory`]
//! (in memory) whose a frame is, and tells its [`HealthBook`] what came.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

// The spine.
pub mod admin_unit;
pub mod affected;
pub mod agency;
pub mod asset;
pub mod dossier;
pub mod gate;
pub mod law;
pub mod owned;
pub mod post;
pub mod profile;
pub mod quality;
pub mod source;
pub mod system;

// For how long, and on which machines.
pub mod keeping;
pub mod node;

// What the pipeline asks and tells.
pub mod dead_letter;
mod directory;
mod health;

mod audit_log;
pub mod demo;
mod export;
mod forms;
pub mod import;
pub mod limits;
mod stores;
#[cfg(test)]
mod testing;
mod text;
mod work;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use db::{Actor, Db, DbError};
use event::{AgencyId, SystemId};
use web::{AppError, Phrase, Routes, Who};

use forms::{Choice, choices};

pub use agency::AgencyKind;
pub use audit_log::action_key;
pub use dead_letter::Replay;
pub use directory::{AgencyTree, Directory, Snapshot, SourceBinding};
pub use health::{Health, HealthBook, Sighting, Silence, Status, Tally, events_per_minute};
pub use source::ParserInfo;

/// What the pages of the registry work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The database.
    pub db: Db,
    /// The snapshot that the pipeline reads; told after each change.
    pub directory: Arc<Directory>,
    /// What came from each source.
    pub health: Arc<HealthBook>,
    /// Sends dead letters through the decoder again.
    pub replay: Arc<dyn Replay>,
    /// The parsers that a source can name.
    pub parsers: Arc<[ParserInfo]>,
    /// How good the data are, as last reckoned.
    pub quality: Arc<quality::Book>,
    /// Where senders reach this server.
    pub intake: Arc<source::Intake>,
}

impl Registry {
    /// Tells the pipeline that something changed. The change itself is already committed.
    async fn changed(&self) -> Result<(), AppError> {
        self.directory.reload(&self.db).await.map_err(failed)
    }
}

/// Returns all routes of the registry.
pub fn routes(registry: Registry) -> Routes {
    agency::routes()
        .merge(admin_unit::routes())
        .merge(system::routes())
        .merge(profile::routes())
        .merge(gate::routes())
        .merge(dossier::routes())
        .merge(asset::routes())
        .merge(quality::routes())
        .merge(import::routes())
        .merge(source::routes())
        .merge(post::routes())
        .merge(dead_letter::routes())
        .merge(audit_log::routes())
        .with_state(registry)
}

/// Returns who is written into the audit log for a request.
pub(crate) fn actor(who: &Who) -> Actor {
    Actor::Account { id: who.account, name: who.name.clone(), address: who.address }
}

/// A database that does not answer is our fault; the reader sees an id.
pub(crate) fn failed(error: DbError) -> AppError {
    AppError::internal(error)
}

/// Returns the day it is in Vietnam.
pub(crate) fn today(registry: &Registry) -> NaiveDate {
    vietnam_day(registry.db.now())
}

/// Returns the day that a moment falls on in Vietnam.
pub(crate) fn vietnam_day(at: DateTime<Utc>) -> NaiveDate {
    web::figures::vietnam(at).date_naive()
}

/// Someone else changed the thing since the form was made.
pub(crate) fn stale() -> AppError {
    AppError::Conflict(Phrase::key("registry-stale"))
}

/// Returns the agencies that someone may choose from, by name.
pub(crate) fn agency_choices(
    snapshot: &Snapshot,
    who: &Who,
    present: Option<AgencyId>,
) -> Vec<Choice> {
    let seen = |agency: &&Arc<agency::Agency>| {
        who.scope.sees(agency.id) && (agency.valid_to.is_none() || present == Some(agency.id))
    };
    let mut agencies: Vec<&Arc<agency::Agency>> = snapshot.tree().iter().filter(seen).collect();
    agencies.sort_by_cached_key(|agency| (agency.kind, event::fold::fold(&agency.name)));
    let all = agencies.into_iter().map(|agency| (agency.id.to_string(), agency.name.clone()));
    choices(all, present.map(|id| id.to_string()).as_deref())
}

/// Returns the systems that someone may choose from, by name.
pub(crate) fn system_choices(
    snapshot: &Snapshot,
    who: &Who,
    present: Option<SystemId>,
) -> Vec<Choice> {
    let mut systems: Vec<_> =
        snapshot.systems().filter(|system| who.scope.sees(system.agency)).collect();
    systems.sort_by_cached_key(|system| event::fold::fold(&system.name));
    let all = systems.into_iter().map(|system| (system.id.to_string(), system.name.clone()));
    choices(all, present.map(|id| id.to_string()).as_deref())
}

#[cfg(test)]
mod tests;
