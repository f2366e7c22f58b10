//! The machines of the platform: which there are, how each does, who does what, how far detection is behind. The
//! application knows, and tells the command line, the page and programs the same.

mod routes;
mod views;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::DbError;
use event::SourceId;
use serde::Serialize;
use utoipa::ToSchema;

pub use routes::routes;

use crate::Registry;

/// What the page of the machines works with.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// Sources, and the database's clock.
    pub registry: Registry,
    /// Who knows the machines.
    pub teller: Arc<dyn ClusterTeller>,
}

/// Tells of the machines; the application answers.
#[async_trait]
pub trait ClusterTeller: Send + Sync + Debug {
    /// Returns the machines at this moment.
    async fn told(&self) -> Result<Cluster, DbError>;
}

/// The machines of the platform at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cluster {
    /// Whether the installation is set to run on several machines.
    pub is_on: bool,
    /// All machines that ever were members, by name.
    pub nodes: Vec<ClusterNode>,
    /// The number of the last change of the lake.
    pub last_change: u64,
    /// The last change that detection has judged and stored; nothing where one machine is all.
    pub judged: Option<u64>,
    /// When detection last stored how far it is.
    pub judged_at: Option<DateTime<Utc>>,
    /// Since when the oldest change waits that detection has not judged and stored; nothing if none does.
    pub behind_since: Option<DateTime<Utc>>,
}

impl Cluster {
    /// Returns how many changes of the lake detection has not judged and stored yet.
    pub fn behind(&self) -> u64 {
        self.judged.map_or(0, |judged| self.last_change.saturating_sub(judged))
    }
}

/// One machine of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClusterNode {
    /// Its name.
    pub name: String,
    /// What it does: `all`, `intake` or `web`.
    pub role: String,
    /// Where senders find it.
    pub address: String,
    /// How it does.
    pub state: NodeState,
    /// Since when it does so.
    pub state_since: DateTime<Utc>,
    /// Since when it runs, or when it last began to.
    pub since: DateTime<Utc>,
    /// When it last said that it is alive.
    pub seen_at: DateTime<Utc>,
    /// Up to when everything that it received is stored, or was refused.
    pub settled_at: DateTime<Utc>,
    /// Whether the central duties are its own.
    pub is_centre: bool,
    /// How many sources' records it takes.
    pub sources: u64,
    /// Which they are.
    #[serde(skip)]
    pub leased: Vec<SourceId>,
}

/// How a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It says that it is.
    Alive,
    /// It does not, and did not end in order.
    Silent,
    /// It ended in order.
    Ended,
}

impl NodeState {
    /// Returns the word of the API and of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Silent => "silent",
            Self::Ended => "ended",
        }
    }

    /// Returns the key of its name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Alive => "node-state-alive",
            Self::Silent => "node-state-silent",
            Self::Ended => "node-state-ended",
        }
    }

    /// Returns how it is marked.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Alive => "ok",
            Self::Silent => "bad",
            Self::Ended => "quiet",
        }
    }
}
