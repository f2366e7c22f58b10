//! What a job is: types and limits, no IO.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use event::{AccountId, AgencyId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How often a job is begun before it counts as failed, unless said otherwise.
pub(super) const ATTEMPTS: i32 = 5;

/// The first wait after a failure; it doubles with each attempt.
pub(super) const BACKOFF: TimeDelta = TimeDelta::seconds(10);

/// The longest wait after a failure: what is mended within the hour is tried within the hour.
pub(super) const BACKOFF_MAX: TimeDelta = TimeDelta::hours(1);

/// How long a job belongs to its worker without a sign of life. Longer than the clocks of nodes may
/// differ, shorter than a person waits.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);

event::id! {
    /// Names a job.
    JobId,
}

/// What has become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a worker, or for its time.
    Queued,
    /// A worker has it.
    Running,
    /// It is done; its result stands.
    Done,
    /// It was tried often enough.
    Failed,
    /// Someone stopped it.
    Cancelled,
}

impl JobState {
    /// Returns the word in the column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the state that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.word() == word)
    }

    /// Returns whether nothing more will happen to it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A job to be put into the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) scope: Scope,
    pub(super) agency: Option<AgencyId>,
    pub(super) label: String,
    pub(super) key: Option<String>,
    pub(super) run_after: Option<DateTime<Utc>>,
    pub(super) attempts_max: i32,
}

impl NewJob {
    /// Returns a job of this kind. It runs with the scope that asks for it; [`Scope::platform`] is the
    /// platform's own work.
    pub fn new(kind: &str, scope: &Scope, payload: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            payload,
            scope: scope.clone(),
            agency: None,
            label: String::new(),
            key: None,
            run_after: None,
            attempts_max: ATTEMPTS,
        }
    }

    /// Says whose data it is about: people who see that agency see the job. Without it only who
    /// asked, and those who see the province, do.
    #[must_use]
    pub const fn of_agency(mut self, agency: AgencyId) -> Self {
        self.agency = Some(agency);
        self
    }

    /// Says in a few words what it is about, for the list: a rule's title, a file's name.
    #[must_use]
    pub fn about(mut self, label: &str) -> Self {
        self.label = label.chars().take(LABEL_CHARS_MAX).collect();
        self
    }

    /// Makes it the one job of its kind with this key.
    #[must_use]
    pub fn once(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Lets it wait until a moment.
    #[must_use]
    pub const fn after(mut self, moment: DateTime<Utc>) -> Self {
        self.run_after = Some(moment);
        self
    }

    /// Sets how often it is begun before it counts as failed; 0 never gives up.
    #[must_use]
    pub const fn attempts(mut self, max: i32) -> Self {
        self.attempts_max = max;
        self
    }
}

/// A line of the list holds this much.
const LABEL_CHARS_MAX: usize = 300;

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// What the work needs to know.
    pub payload: Value,
    /// Who asked, and what they could see then.
    pub scope: Scope,
    /// Whose data it is about.
    pub agency: Option<AgencyId>,
    /// What it is about, in a few words.
    pub label: String,
    /// What has become of it.
    pub state: JobState,
    /// How far it is, of [`Job::total`].
    pub done: u64,
    /// How much there is to do; 0 is not known.
    pub total: u64,
    /// The text key of what it does now; may be empty.
    pub note_key: String,
    /// How often it was begun.
    pub attempts: i32,
    /// How often it may be begun; 0 is without end.
    pub attempts_max: i32,
    /// Not before this moment.
    pub run_after: DateTime<Utc>,
    /// Whether someone wants it stopped.
    pub cancel_asked: bool,
    /// What came of it.
    pub result: Option<Value>,
    /// The page that shows what came of it; may be empty.
    pub link: String,
    /// The text key of why the last attempt failed; may be empty.
    pub error_key: String,
    /// When it was asked for.
    pub made_at: DateTime<Utc>,
    /// When it was first begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

/// What happens to windows that nobody could work on in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Each gets its own job: reports per day.
    Each,
    /// One job covers them all: a search since the last one.
    Merged,
}

impl Missed {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Each => "each",
            Self::Merged => "merged",
        }
    }

    pub(super) fn from_word(word: &str) -> Self {
        if word == "merged" { Self::Merged } else { Self::Each }
    }
}

/// Work that comes round again. Its jobs are [`NewJob`]s whose payload is this one's with `window`
/// added: a [`Window`].
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name, for ever.
    pub name: String,
    /// The kind of its jobs.
    pub kind: String,
    /// What they need to know: a JSON object.
    pub payload: Value,
    /// Who asked.
    pub scope: Scope,
    /// Whose data it is about.
    pub agency: Option<AgencyId>,
    /// What it is about, in a few words.
    pub label: String,
    /// How long a window is; at least a second.
    pub every: TimeDelta,
    /// How long after its end a window's job is put into the queue: late events.
    pub delay: TimeDelta,
    /// What happens to windows that were missed.
    pub missed: Missed,
    /// Where the first window begins.
    pub from: DateTime<Utc>,
}

/// A stretch of time: from its beginning to before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub to: DateTime<Utc>,
}

/// Returns how long a job waits after its n-th attempt failed.
pub(super) fn backoff(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    (BACKOFF * 2_i32.saturating_pow(doublings)).min(BACKOFF_MAX)
}

/// Returns a scope from its columns.
pub(super) fn scope_of(account: Option<Uuid>, visible: Option<Value>) -> Scope {
    let Some(account) = account.map(AccountId::from_uuid) else { return Scope::platform() };
    match visible {
        None | Some(Value::Null) => Scope::province(account),
        // What cannot be read shows nothing rather than everything.
        Some(listed) => {
            let agencies: BTreeSet<AgencyId> = serde_json::from_value(listed).unwrap_or_default();
            Scope::agencies(account, agencies)
        }
    }
}

/// Returns the columns of a scope.
pub(super) fn scope_columns(scope: &Scope) -> (Option<Uuid>, Option<Value>) {
    let visible = scope.visible().map(|agencies| {
        Value::Array(agencies.iter().map(|agency| Value::String(agency.to_string())).collect())
    });
    (scope.account().map(AccountId::uuid), visible)
}
