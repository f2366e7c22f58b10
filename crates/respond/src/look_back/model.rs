//! What a look back is: what for, over which time, what came of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event::{AccountId, Finding};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is looked for in the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Wanted {
    /// Every rule in force.
    All,
    /// One rule in force, by its id.
    Rule(String),
    /// Rules by their whole text.
    Text(String),
    /// Indicators, one a line (also CSV, STIX, MISP).
    Indicators(String),
    /// The indicators in force.
    Feeds,
}

impl Wanted {
    /// Returns the word of the kind, for pages and programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Rule(_) => "rule",
            Self::Text(_) => "text",
            Self::Indicators(_) => "indicators",
            Self::Feeds => "feeds",
        }
    }
}

/// One look back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    pub(crate) id: Uuid,
    pub(crate) job: Uuid,
    pub(crate) account: AccountId,
    pub(crate) title: String,
    pub(crate) wanted: Wanted,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) made_at: DateTime<Utc>,
    /// What came of it, once it is over.
    pub(crate) outcome: Option<Outcome>,
}

/// What came of a look back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// When it was over.
    pub(crate) ended_at: DateTime<Utc>,
    /// How long it took.
    pub(crate) took_ms: u64,
    /// Events of the span.
    pub(crate) events: u64,
    /// Those that were read: the lake ruled out the others. Nothing in what was stored before this was
    /// counted: all were read.
    #[serde(default)]
    pub(crate) read: Option<u64>,
    /// Findings, kept or not.
    pub(crate) findings: u64,
    /// Findings per rule.
    pub(crate) per_rule: BTreeMap<String, u64>,
}

/// A finding that was kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// Its number in the list, from 1.
    pub(crate) number: i64,
    pub(crate) finding: Finding,
    /// When it was handed to the alerts.
    pub(crate) taken_at: Option<DateTime<Utc>>,
}
