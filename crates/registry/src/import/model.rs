//! What a batch is and what it says of each row.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::Permission;

use crate::agency::AgencyDraft;
use crate::asset::AssetDraft;
use crate::post::PersonDraft;
use crate::system::SystemDraft;

/// What a file holds. The words stand in the database: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Agencies,
    Systems,
    People,
    Assets,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 4] = [Self::Agencies, Self::Systems, Self::People, Self::Assets];

    /// Returns the word used in columns and addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Agencies => "agencies",
            Self::Systems => "systems",
            Self::People => "people",
            Self::Assets => "assets",
        }
    }

    /// Returns the kind that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the language key of the kind's name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Agencies => "registry-agencies",
            Self::Systems => "registry-systems",
            Self::People => "import-people",
            Self::Assets => "asset-title",
        }
    }

    /// Returns the page of a batch of this kind.
    pub(crate) fn page(self, id: Uuid) -> String {
        format!("/import/{}/{id}", self.word())
    }

    /// Returns the right that whoever imports it needs.
    pub(crate) const fn right(self) -> Permission {
        match self {
            Self::Agencies => Permission::AgencyChange,
            Self::Systems | Self::Assets => Permission::SystemChange,
            Self::People => Permission::PostChange,
        }
    }
}

/// Something wrong with one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Fault {
    /// Where: `C7`; only the row's number when the column is missing.
    pub(crate) cell: String,
    /// The column's name.
    pub(crate) column: String,
    /// What stands there.
    pub(crate) value: String,
    /// What is wrong, in the language of whoever imported.
    pub(crate) why: String,
}

/// A record as a form would say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Agency(AgencyDraft),
    System(SystemDraft),
    Person(PersonDraft),
    Asset(AssetDraft),
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// It cannot be taken in.
    Refuse,
    /// A new record.
    Add,
    /// A known record changes.
    Change,
    /// All of it is known already.
    Keep,
}

/// A row with what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// Its line in the sheet.
    pub(crate) line: u32,
    pub(crate) deed: Deed,
    /// The record it becomes or changes.
    pub(crate) id: Uuid,
    /// What it is called.
    pub(crate) name: String,
    pub(crate) record: Option<Record>,
    /// How the known record was.
    pub(crate) before: Option<Record>,
    /// Columns that change.
    pub(crate) changed: Vec<String>,
    pub(crate) faults: Vec<Fault>,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatchState {
    /// Only looked at.
    Checked,
    /// Being taken in.
    Applying,
    /// Taken in.
    Applied,
    /// Being undone.
    Undoing,
    /// Taken in and undone.
    Undone,
}

impl BatchState {
    /// Returns the word used in columns.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// Returns the state that a word names; an unknown word is one that nothing more happens to.
    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "checked" => Self::Checked,
            "applying" => Self::Applying,
            "applied" => Self::Applied,
            "undoing" => Self::Undoing,
            _ => Self::Undone,
        }
    }

    /// Returns the language key of the state's name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Checked => "import-checked",
            Self::Applying => "import-applying",
            Self::Applied => "import-applied",
            Self::Undoing => "import-undoing",
            Self::Undone => "import-undone",
        }
    }
}

/// What becomes of a batch as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Turn {
    /// Take it in.
    Apply,
    /// Undo it.
    Undo,
}

impl Turn {
    /// Returns the states that a batch goes through: before, meanwhile, after.
    pub(crate) const fn states(self) -> (BatchState, BatchState, BatchState) {
        match self {
            Self::Apply => (BatchState::Checked, BatchState::Applying, BatchState::Applied),
            Self::Undo => (BatchState::Applied, BatchState::Undoing, BatchState::Undone),
        }
    }

    /// Returns what the audit log calls it.
    pub(crate) const fn action(self) -> &'static str {
        match self {
            Self::Apply => "import.apply",
            Self::Undo => "import.undo",
        }
    }
}

/// A batch in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchHead {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) file: String,
    pub(crate) state: BatchState,
    pub(crate) counts: BTreeMap<Deed, usize>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

/// A file that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) file: String,
    pub(crate) state: BatchState,
    pub(crate) rows: Vec<Planned>,
    /// Columns of the file that nothing is known of.
    pub(crate) ignored: Vec<String>,
    pub(crate) account: AccountId,
    pub(crate) by: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// The work that takes it in or undoes it.
    pub(crate) job: Option<Uuid>,
    /// Why the last turn was refused, in the importer's words; empty when it was not.
    pub(crate) trouble: String,
}

impl Batch {
    /// Returns how many rows come to each deed.
    pub(crate) fn counts(&self) -> BTreeMap<Deed, usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.deed).or_default() += 1;
        }
        counts
    }

    /// Returns it as it stands in a list.
    pub(crate) fn head(&self) -> BatchHead {
        BatchHead {
            id: self.id,
            kind: self.kind,
            file: self.file.clone(),
            state: self.state,
            counts: self.counts(),
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }
}
