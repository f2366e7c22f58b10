//! Asking the question of one window, once everything received in it can be found.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::job::{Ended, Handler, JobError, Running, Window};
use db::{Actor, AuditEntry, DbError, Subject};
use event::lake::{LakeError, Search};
use event::query::summary::{Cell, Figure, FigureKind, Summarised, Summary};
use event::query::{Moment, Period, Query, Question, parse_question};
use event::{AccountId, Finding, Scope};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::model::{Plan, Run, Saved};
use super::raise::{self, Trouble};
use super::store;
use crate::desk::Desk;
use crate::error::RespondError;

/// The kind of job.
pub(crate) const KIND: &str = "search.scheduled";

/// How long after its end a window is asked about: what was received in it is durable by then, also
/// when a disk is slow. Whether it can be found already, [`Arrivals`] tells.
pub(crate) const DELAY: TimeDelta = TimeDelta::seconds(30);

/// How long a run waits for the platform to read what it has received.
const WAIT: TimeDelta = TimeDelta::seconds(15);

/// A window that runs later than this after its time is told: people rely on its alerts.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// From this attempt on it is told that a window cannot be asked about.
const ATTEMPTS_UNTOLD: i32 = 3;

/// How long the runs of a search are kept.
const RUNS_KEPT: TimeDelta = TimeDelta::days(90);

/// Clocks of senders may be ahead by so much; what is stamped later is no event of this world.
const AHEAD: TimeDelta = TimeDelta::days(3_650);

/// Tells whether what the platform received can be found.
#[async_trait]
pub trait Arrivals: Send + Sync + Debug {
    /// Waits a little until everything that is durable now can be found; returns whether it can.
    async fn are_searchable(&self) -> bool;

    /// Returns whether everything can be found that an earlier run of the platform received and had not read.
    fn are_recovered(&self) -> bool;
}

/// How long a job waits before it asks again whether what a crash left unread is read.
const RECOVERY: TimeDelta = TimeDelta::seconds(2);

/// Lets a job that reads the past go on when all of the past can be found: what it would miss, nobody would be told of.
pub(crate) fn past_is_whole(arrivals: &dyn Arrivals) -> Result<(), JobError> {
    arrivals.are_recovered().then_some(()).ok_or(JobError::NotYet("saved-run-waits", RECOVERY))
}

/// Tells what people may see now.
#[async_trait]
pub trait Owners: Send + Sync + Debug {
    /// Returns what this account may search; `None` when it may not any more.
    ///
    /// # Errors
    /// When the database does not answer.
    async fn scope(&self, account: AccountId) -> Result<Option<Scope>, DbError>;
}

/// Runs scheduled searches.
#[derive(Debug)]
pub struct ScheduledSearch {
    /// Lake, names and alerts.
    pub desk: Desk,
    /// Whether everything is there.
    pub arrivals: Arc<dyn Arrivals>,
    /// Whose eyes it looks with.
    pub owners: Arc<dyn Owners>,
}

#[derive(Debug, Deserialize)]
struct Due {
    search: Uuid,
    window: Window,
    /// Whether it was asked about before: then it is not late.
    #[serde(default)]
    again: bool,
}

/// What a window holds.
pub(super) struct Answer {
    /// Events, or rows that the stages left.
    pub(super) hits: u64,
    /// The rows that the stages left; none without stages.
    pub(super) rows: Vec<Vec<Cell>>,
    /// The same figures for each agency: `agency_id` is the first field.
    pub(super) by_agency: Vec<Vec<Cell>>,
    pub(super) summary: Summary,
    /// Whether there were more different values than are held.
    pub(super) cut: bool,
}

#[async_trait]
impl Handler for ScheduledSearch {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "saved-job"
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let due: Due = job.payload()?;
        let conn = self.desk.db.conn();
        let saved = store::due(conn, due.search).await.map_err(JobError::failed)?;
        let Some((saved, plan)) = saved.and_then(|saved| saved.plan.map(|plan| (saved, plan)))
        else {
            return Ok(Ended::with(json!({ "gone": true }), ""));
        };
        if !self.arrivals.are_searchable().await {
            return Err(JobError::NotYet("saved-run-waits", WAIT));
        }
        let run = match self.owners.scope(saved.owner).await? {
            None => self.unasked(&saved, due.window, Trouble::NoOwner).await?,
            Some(scope) if !saved.is_for(&scope) => {
                self.unasked(&saved, due.window, Trouble::Elsewhere).await?
            }
            Some(scope) => {
                let asked = self.ask(job, &scope, &saved, plan, &due).await;
                if asked.is_err() && job.job().attempts >= ATTEMPTS_UNTOLD {
                    self.tell(&scope, &saved, due.window, Trouble::Unanswered).await?;
                }
                asked?
            }
        };
        self.end(job, &saved, &run, &due).await
    }
}

impl ScheduledSearch {
    async fn ask(
        &self,
        job: &Running,
        scope: &Scope,
        saved: &Saved,
        plan: Plan,
        due: &Due,
    ) -> Result<Run, JobError> {
        let window = due.window;
        // It was read when it was saved; a later version that cannot must not pass over it silently.
        let question = parse_question(&saved.line).map_err(JobError::failed)?;
        let search = search_of(&question, window);
        let answer = answer(&self.desk, scope, &search, &question).await?;
        job.check()?;
        let late_s = (self.desk.db.now() - window.to - DELAY).num_seconds().max(0);
        let late_s = if due.again { 0 } else { late_s };
        let raised = answer.hits > plan.above;
        if raised {
            let found = raise::findings(&self.desk, scope, saved, (plan, window), &search, &answer)
                .await
                .map_err(JobError::failed)?;
            self.receive(found).await?;
        }
        if late_s > LATE.num_seconds() {
            self.tell(scope, saved, window, Trouble::Late).await?;
        }
        if answer.cut {
            self.tell(scope, saved, window, Trouble::Cut).await?;
        }
        Ok(Run {
            search: saved.id,
            from: window.from,
            to: window.to,
            ran_at: self.desk.db.now(),
            hits: answer.hits,
            raised,
            late_s,
            skipped_key: if answer.cut { "saved-run-cut".to_owned() } else { String::new() },
        })
    }

    async fn unasked(&self, saved: &Saved, window: Window, why: Trouble) -> Result<Run, JobError> {
        self.tell(&Scope::platform(), saved, window, why).await?;
        let key = match why {
            Trouble::Elsewhere => "saved-run-elsewhere",
            _ => "saved-run-no-owner",
        };
        Ok(Run {
            search: saved.id,
            from: window.from,
            to: window.to,
            ran_at: self.desk.db.now(),
            hits: 0,
            raised: false,
            late_s: 0,
            skipped_key: key.to_owned(),
        })
    }

    async fn tell(
        &self,
        scope: &Scope,
        saved: &Saved,
        window: Window,
        what: Trouble,
    ) -> Result<(), JobError> {
        let finding = raise::trouble(&self.desk, scope, saved, window, what);
        self.receive(finding.into_iter().collect()).await
    }

    /// The same window makes the same findings: taken in twice, they count once.
    async fn receive(&self, findings: Vec<Finding>) -> Result<(), JobError> {
        let desk = &self.desk;
        let names = desk.directory.as_ref();
        let taken = crate::alert::receive(&desk.db, names, &desk.hub, findings, &[]).await;
        taken.map(drop).map_err(JobError::failed)
    }

    /// Writes the run, its audit entry and the end of the job: all or nothing.
    async fn end(
        &self,
        job: &Running,
        saved: &Saved,
        run: &Run,
        due: &Due,
    ) -> Result<Ended, JobError> {
        let tx = self.desk.db.begin().await?;
        let forget = tx.now() - RUNS_KEPT;
        store::note_run(&tx, run, forget).await.map_err(JobError::failed)?;
        if due.again && run.skipped_key.is_empty() {
            store::amend_run(&tx, run).await.map_err(JobError::failed)?;
        }
        let result = json!({ "hits": run.hits, "raised": run.raised, "late_s": run.late_s });
        let link = format!("/searches/{}", saved.id);
        let ended = job.finish(&tx, result, &link).await?;
        let detail = json!({
            "question": saved.line,
            "owner": saved.owner,
            "from": run.from,
            "to": run.to,
            "rows": run.hits,
            "raised": run.raised,
            "skipped": run.skipped_key,
            "again": due.again,
        });
        let actor = Actor::Platform("scheduled search");
        let subject = Subject::new("saved_search", saved.id);
        tx.commit(AuditEntry::new(actor, KIND, subject, detail)).await?;
        Ok(ended)
    }
}

/// Returns the question about what was received in a window, whenever it happened.
pub(super) fn search_of(question: &Question, window: Window) -> Search {
    let period = Period { from: Some(window.from), to: Some(window.to) };
    let received = Query::Time { moment: Moment::Collected, period };
    Search {
        query: Query::And(vec![received, question.query.clone()]),
        from: DateTime::<Utc>::UNIX_EPOCH,
        to: window.to + AHEAD,
        limit: 1,
        after: None,
    }
}

/// Returns what the window holds.
async fn answer(
    desk: &Desk,
    scope: &Scope,
    search: &Search,
    question: &Question,
) -> Result<Answer, JobError> {
    let count =
        Figure { kind: FigureKind::Count, field: None, name: FigureKind::Count.word().to_owned() };
    let summary = question.summary.clone().unwrap_or_else(|| Summary {
        figures: vec![count],
        by: Vec::new(),
        time: None,
        steps: Vec::new(),
    });
    let mut by = vec!["agency_id".to_owned()];
    by.extend(summary.by.iter().cloned());
    let each = Summary { by, steps: Vec::new(), ..summary.clone() };
    let by_agency = whole(desk.lake.summarise(scope, search, &each).await)?;
    let (hits, rows, cut) = if question.summary.is_none() {
        (by_agency.events, Vec::new(), by_agency.cut)
    } else {
        let all = whole(desk.lake.summarise(scope, search, &summary).await)?;
        (all.rows.len() as u64, all.rows, all.cut || by_agency.cut)
    };
    Ok(Answer { hits, rows, by_agency: by_agency.rows, summary, cut })
}

/// Returns an answer over all of the window, or none: a part of it must not pass for the whole.
fn whole(answer: Result<Summarised, LakeError>) -> Result<Summarised, JobError> {
    match answer.map_err(JobError::failed)? {
        Summarised { stopped_ms: Some(limit_ms), .. } => {
            Err(JobError::failed(RespondError::Lake(LakeError::Timeout { limit_ms })))
        }
        answer => Ok(answer),
    }
}
