//! What alerts, incidents and the duty page show of agencies, systems, log sources and people.
//!
//! Pages are complete before they render and the duty page must be quick, so this is a look into a
//! snapshot in memory: the application fills it from the registry and the accounts.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::DbError;
use event::lake::Beside;
use event::{AccountId, AgencyId, Level, Scope, SourceId, SystemId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Lang;

/// Answers "what is this id called, how important is it, whom do I call".
#[async_trait]
pub trait Directory: Send + Sync + Debug {
    /// Returns the system's card, whoever asks: callers have checked the scope of what names it.
    fn system(&self, id: SystemId) -> Option<SystemCard>;

    /// Returns the agency's name and phone.
    fn agency(&self, id: AgencyId) -> Option<AgencyCard>;

    /// Returns what an agency was called at a moment: what tells of that time carries its name of that
    /// time.
    fn agency_name_on(&self, id: AgencyId, at: DateTime<Utc>) -> Option<String>;

    /// Returns what a log source is called.
    fn source_name(&self, id: SourceId) -> Option<String>;

    /// Returns what an account's owner is called.
    fn person_name(&self, id: AccountId) -> Option<String>;

    /// Returns the systems that the scope may see, by name.
    fn systems(&self, scope: &Scope) -> Vec<Named>;

    /// Returns the agencies that the scope may see, by name.
    fn agencies(&self, scope: &Scope) -> Vec<Named>;

    /// Returns the agencies in the scope that exist now, by kind; kinds and members by name.
    fn agency_groups(&self, scope: &Scope) -> Vec<AgencyGroup>;

    /// Returns the people to whom work on this agency's alerts can be given, by name.
    fn people(&self, agency: AgencyId) -> Vec<Named>;

    /// Returns the people who see this agency's incidents, by name: they can be given tasks and be
    /// mentioned.
    fn participants(&self, agency: AgencyId) -> Vec<Named>;

    /// Returns the log sources that are silent or late now, the longest silent first.
    fn silent(&self, scope: &Scope) -> Vec<SilentSource>;

    /// Returns how many systems of this level or above send logs now, out of how many.
    fn coverage(&self, scope: &Scope, level: Level) -> Coverage;

    /// Returns the register's tables within the scope, to be joined to events in SQL: `agencies`,
    /// `systems`, `sources`.
    fn register(&self, scope: &Scope) -> Vec<Beside>;

    /// Returns the systems in the scope that a warning concerns, by name.
    ///
    /// # Errors
    /// [`AffectedError`]: which field is wrong, or that the register does not answer.
    async fn affected(
        &self,
        scope: &Scope,
        concerned: &Concerned,
    ) -> Result<Vec<AffectedSystem>, AffectedError>;

    /// Returns for each host (a name, an address, a network) the registered system that answers there, or near
    /// enough that an indicator would hit it: its name, and where it answers.
    ///
    /// # Errors
    /// When the register does not answer.
    async fn owned(&self, hosts: &[String]) -> Result<Vec<Option<(String, String)>>, DbError>;

    /// Returns the sectors that the law names: word and name.
    fn sectors(&self, lang: Lang) -> Vec<Named>;

    /// Returns how many events came in per minute since a moment, the oldest minute first; minutes
    /// without events may lack. Read from counters, never from the lake.
    async fn minutes(&self, scope: &Scope, since: DateTime<Utc>) -> Vec<MinuteCount>;
}

/// Why nobody can be told whom a warning concerns.
#[derive(Debug, thiserror::Error)]
pub enum AffectedError {
    /// A field is no address, or no level.
    #[error("the field {0} is wrong")]
    Field(&'static str),
    /// The register does not answer.
    #[error("the register does not answer")]
    Db(#[from] DbError),
}

/// Whom a warning concerns, as typed: any of product, domain and address, within sector and level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Concerned {
    /// Words of a product.
    pub product: String,
    /// A domain; names below it count.
    pub domain: String,
    /// An address or network.
    pub address: String,
    /// A word of the law's list of sectors; the owner's.
    pub sector: String,
    /// At least this level, 1 to 5; empty is any.
    pub level: String,
}

impl Concerned {
    /// Returns whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        [&self.product, &self.domain, &self.address, &self.sector, &self.level]
            .into_iter()
            .all(|one| one.trim().is_empty())
    }
}

/// A system that a warning concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffectedSystem {
    /// The id as text.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its level.
    #[schema(value_type = Option<u8>)]
    pub level: Option<Level>,
    /// The agency's id as text.
    pub agency_id: String,
    /// The agency that owns it.
    pub agency: String,
    /// What of it answers to the criteria; empty where sector and level alone did.
    pub why: String,
}

/// Events of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinuteCount {
    /// When the minute began.
    pub minute: DateTime<Utc>,
    /// How many events came in.
    pub events: u64,
}

/// A name and where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// The id as text.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Agencies of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgencyGroup {
    /// The kind's word, `commune`.
    pub word: String,
    /// The language key of the kind's name.
    #[serde(skip)]
    pub key: &'static str,
    /// Its agencies, by name.
    pub members: Vec<Named>,
}

/// What an analyst must know of a system at two in the morning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SystemCard {
    /// The id as text.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its level, 1 to 5, if determined.
    #[schema(value_type = Option<u8>)]
    pub level: Option<Level>,
    /// The agency that owns it.
    pub agency: String,
    /// The agency's id as text.
    pub agency_id: String,
    /// Who runs it, if someone else does.
    pub operator: Option<String>,
    /// Whom to call.
    pub contact: Option<String>,
    /// At which number.
    pub phone: Option<String>,
    /// Addresses and names it answers at, in short.
    pub addresses: Vec<String>,
}

/// An agency and whom to call there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgencyCard {
    /// The id as text.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whom to call.
    pub contact: Option<String>,
    /// At which number.
    pub phone: Option<String>,
}

/// A log source from which nothing comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SilentSource {
    /// The source's id as text.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The system or agency that it belongs to.
    pub place: String,
    /// When it last said something; `None` is never.
    pub last_at: Option<DateTime<Utc>>,
    /// Whom to call.
    pub contact: Option<String>,
    /// At which number.
    pub phone: Option<String>,
}

/// How many of the systems that must be watched are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Coverage {
    /// Systems from which logs come now.
    pub live: u64,
    /// Systems that there are.
    pub all: u64,
}
