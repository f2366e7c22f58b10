//! What the pages of jobs show.

use askama::Template;
use chrono::{DateTime, Utc};
use db::job::{Job, JobState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::paging::Pager;
use crate::{Permission, filters};

/// One piece of work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobRow {
    /// Its id.
    pub id: String,
    /// What kind of work.
    pub kind: String,
    /// The text key of the kind's name.
    pub title_key: &'static str,
    /// What it is about.
    pub label: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// The text key of the state.
    pub state_key: &'static str,
    /// How far it is.
    pub done: u64,
    /// How much there is to do; 0 is not known.
    pub total: u64,
    /// The text key of what it does now; may be empty.
    pub note_key: String,
    /// The text key of why it failed; may be empty.
    pub error_key: String,
    /// The page of what came of it; may be empty.
    pub link: String,
    /// How often it was begun.
    pub attempts: i32,
    /// Whether it is not over.
    pub open: bool,
    /// Whether it can still be stopped.
    pub stoppable: bool,
    /// Whether it can be sent through the queue again.
    pub repeatable: bool,
    /// Who asked; empty is the platform.
    pub by: String,
    /// When it was asked for.
    pub made_at: DateTime<Utc>,
    /// When it was first begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

impl JobRow {
    /// Returns the job as a row; `by` is the name of who asked.
    pub(super) fn of(job: &Job, title_key: &'static str, by: Option<String>) -> Self {
        let state_key = match job.state {
            JobState::Running if job.cancel_asked => "job-state-stopping",
            JobState::Queued if job.attempts > 0 => "job-state-waits-again",
            JobState::Queued => "job-state-queued",
            JobState::Running => "job-state-running",
            JobState::Done => "job-state-done",
            JobState::Failed => "job-state-failed",
            JobState::Cancelled => "job-state-cancelled",
        };
        Self {
            id: job.id.to_string(),
            kind: job.kind.clone(),
            title_key,
            label: job.label.clone(),
            state: job.state.word(),
            state_key,
            done: job.done.min(job.total),
            total: job.total,
            note_key: job.note_key.clone(),
            error_key: job.error_key.clone(),
            link: job.link.clone(),
            attempts: job.attempts,
            open: !job.state.is_over(),
            stoppable: !job.state.is_over() && !job.cancel_asked,
            repeatable: matches!(job.state, JobState::Failed | JobState::Cancelled),
            by: by.unwrap_or_default(),
            made_at: job.made_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
        }
    }

    /// Returns whether a bar can be drawn.
    fn has_bar(&self) -> bool {
        self.state == "running" && self.total > 0
    }
}

/// The list of work.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "jobs/list.html")]
pub struct JobList {
    /// The rows, the newest first.
    pub jobs: Vec<JobRow>,
    /// Whether only what is not over is shown.
    pub open: bool,
    /// Whether anything shown may still change.
    pub moving: bool,
    /// The address of this page.
    pub here: String,
    /// Where the list stands.
    pub pager: Pager,
}

/// One piece of work on its own page.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "jobs/detail.html")]
pub struct JobPage {
    /// The work.
    pub job: JobRow,
    /// What came of it, for programs.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
}
