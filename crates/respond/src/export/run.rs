//! Making the files, and taking them away again.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::job::{self, Ended, Handler, JobError, JobId, JobState, Missed, Running, Schedule};
use db::{Actor, AuditEntry, Subject};
use event::Scope;
use event::lake::{LakeError, Search};
use event::query::{Question, parse_question};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault::Kept;
use web::Lang;

use super::file::{self, Draft};
use super::pages::Pages;
use super::{Kind, file_name, kept_until};
use crate::desk::Desk;
use crate::file::{FiguresFrom, Format, figure_bytes, figure_columns};
use crate::limits::{EVENTS_PER_EXPORT_PAGE, EXPORT_BYTES_MAX, EXPORTS_BYTES_MAX};
use crate::saved::{Arrivals, Owners, past_is_whole};

/// The kind of job that makes a file.
pub(super) const KIND: &str = "export.make";

/// The kind of job that takes old files away.
pub const SWEEP: &str = "export.sweep";

/// How often old files are looked for.
const SWEEP_EVERY: TimeDelta = TimeDelta::hours(1);

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) line: String,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) kind: Kind,
    pub(super) lang: String,
}

/// What came of it, as the job's result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) rows: u64,
    pub(super) size_bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub(super) sha256: String,
    /// Whether it ends at the largest size, and older events lack.
    pub(super) cut: bool,
}

/// Makes files.
#[derive(Debug)]
pub struct MakeExport {
    /// Lake, names and the folder.
    pub desk: Desk,
    /// Whether people may still have what they asked for.
    pub owners: Arc<dyn Owners>,
    /// Whether all that was received can be found: what a crash left unread is no end of the search.
    pub arrivals: Arc<dyn Arrivals>,
}

#[async_trait]
impl Handler for MakeExport {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "export-job"
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let order: Order = job.payload()?;
        let question =
            parse_question(&order.line).map_err(|_| JobError::Refused("export-error-line"))?;
        let account = job.scope().account().ok_or(JobError::Refused("export-error-right"))?;
        if self.owners.scope(account).await?.is_none() {
            return Err(JobError::Refused("export-error-right"));
        }
        past_is_whole(&*self.arrivals)?;
        let files = &self.desk.files;
        let held = file::folder_bytes(files.folder()).await.map_err(JobError::failed)?;
        if held >= EXPORTS_BYTES_MAX {
            return Err(JobError::Refused("export-error-full"));
        }
        let id = job.job().id;
        let name = format!("{}-{}", file_name(id), job.job().attempts);
        let draft = Draft::begin(files, &name, id.uuid()).await;
        let mut draft = draft.map_err(JobError::failed)?;
        let (rows, cut) = self.fill(job, &mut draft, &order, &question).await?;
        let size_bytes = draft.size_bytes;
        let sha256 = draft.finish(&file_name(id)).await.map_err(JobError::failed)?;
        let made = Made { rows, size_bytes, sha256, cut };
        self.end(job, &order, &made).await
    }
}

impl MakeExport {
    async fn fill(
        &self,
        job: &Running,
        draft: &mut Draft,
        order: &Order,
        question: &Question,
    ) -> Result<(u64, bool), JobError> {
        let search = Search {
            query: question.query.clone(),
            from: order.from,
            to: order.to,
            limit: EVENTS_PER_EXPORT_PAGE,
            after: None,
        };
        let scope = job.scope();
        let Some(summary) = &question.summary else {
            return self.events(job, draft, order, search).await;
        };
        let answer = self.desk.lake.summarise(scope, &search, summary).await;
        let answer = answer.map_err(JobError::failed)?;
        if let Some(limit_ms) = answer.stopped_ms {
            return Err(JobError::failed(LakeError::Timeout { limit_ms }));
        }
        if answer.cut {
            return Err(JobError::Refused("export-error-groups"));
        }
        let sheet = crate::search::sheet(summary, &answer);
        let from = FiguresFrom(summary.keys());
        let written = match order.kind {
            Kind::Csv => figure_bytes(&sheet, from, Format::Csv),
            Kind::Ndjson => figure_bytes(&sheet, from, Format::Ndjson),
            Kind::Parquet => figure_columns(self.desk.lake.as_ref(), &sheet, from),
        };
        let text = written.map_err(JobError::failed)?;
        draft.write(text).await.map_err(JobError::failed)?;
        Ok((sheet.rows.len() as u64, false))
    }

    /// Writes the events page by page, the newest first.
    async fn events(
        &self,
        job: &Running,
        draft: &mut Draft,
        order: &Order,
        mut search: Search,
    ) -> Result<(u64, bool), JobError> {
        let total = self.total(job.scope(), &search).await;
        let lang = Lang::from_code(&order.lang).unwrap_or_default();
        let mut rows = 0;
        let mut pages = Pages::begin(order.kind, &self.desk, lang).map_err(JobError::failed)?;
        let head = pages.head().map_err(JobError::failed)?;
        draft.write(head).await.map_err(JobError::failed)?;
        loop {
            job.check()?;
            let found = self.desk.lake.search(job.scope(), &search).await;
            let found = found.map_err(JobError::failed)?;
            if let Some(limit_ms) = found.stopped_ms {
                return Err(JobError::failed(LakeError::Timeout { limit_ms }));
            }
            let text = pages.add(&self.desk, &found.events).map_err(JobError::failed)?;
            draft.write(text).await.map_err(JobError::failed)?;
            rows += found.events.len() as u64;
            job.progress(rows, total.max(rows), "export-note");
            search.after = found.next;
            let full = draft.size_bytes >= EXPORT_BYTES_MAX;
            if search.after.is_none() || full {
                let tail = pages.tail().map_err(JobError::failed)?;
                draft.write(tail).await.map_err(JobError::failed)?;
                return Ok((rows, search.after.is_some()));
            }
        }
    }

    /// Returns how many events match; nothing when that cannot be told in time, for it is only the
    /// length of a bar.
    async fn total(&self, scope: &Scope, search: &Search) -> u64 {
        let counted = self.desk.lake.histogram(scope, search, 1).await;
        counted.map_or(0, |bars| bars.iter().map(|bar| bar.count).sum())
    }

    /// Writes the audit entry and the end of the job: both or neither.
    async fn end(&self, job: &Running, order: &Order, made: &Made) -> Result<Ended, JobError> {
        let id = job.job().id;
        let tx = self.desk.db.begin().await?;
        let result = serde_json::to_value(made).map_err(JobError::failed)?;
        let ended = job.finish(&tx, result, &format!("/exports/{id}")).await?;
        let detail = json!({
            "question": order.line,
            "from": order.from,
            "to": order.to,
            "rows": made.rows,
            "size_bytes": made.size_bytes,
            "sha256": made.sha256,
            "account": job.scope().account(),
        });
        let actor = Actor::Platform("export");
        tx.commit(AuditEntry::new(actor, "export.made", Subject::new("export", id), detail))
            .await?;
        Ok(ended)
    }
}

/// Takes files away whose time is over, and what attempts left that were given up.
#[derive(Debug)]
pub struct SweepExports {
    /// The queue and the folder.
    pub desk: Desk,
}

#[async_trait]
impl Handler for SweepExports {
    fn kind(&self) -> &'static str {
        SWEEP
    }

    fn title_key(&self) -> &'static str {
        "export-sweep-job"
    }

    async fn run(&self, _: &Running) -> Result<Ended, JobError> {
        let folder = self.desk.files.folder();
        let mut gone = 0_u64;
        for name in file::names(folder).await.map_err(JobError::failed)? {
            if self.is_over(&name).await? {
                tokio::fs::remove_file(folder.join(&name)).await.map_err(JobError::failed)?;
                gone += 1;
            }
        }
        Ok(Ended::with(json!({ "removed": gone }), ""))
    }
}

impl SweepExports {
    /// Returns whether nobody needs the file any more; one that is not ours stays.
    async fn is_over(&self, name: &str) -> Result<bool, JobError> {
        let Ok(id) = name.get(..36).unwrap_or_default().parse::<JobId>() else { return Ok(false) };
        let db = &self.desk.db;
        let Some(job) = job::get(db.conn(), &Scope::platform(), id).await? else { return Ok(true) };
        let (Kept::Sealed(own) | Kept::Plain(own) | Kept::Left(own)) = Kept::of(name);
        let is_part = own.len() > 36 || matches!(Kept::of(name), Kept::Left(_));
        Ok(match job.state {
            JobState::Queued | JobState::Running => false,
            JobState::Done => is_part || kept_until(&job).is_none_or(|until| until <= db.now()),
            JobState::Failed | JobState::Cancelled => true,
        })
    }
}

/// Returns the schedule that takes old files away, for the start of the platform.
pub fn sweeping(now: DateTime<Utc>) -> Schedule {
    Schedule {
        name: SWEEP.to_owned(),
        kind: SWEEP.to_owned(),
        payload: Value::Object(serde_json::Map::new()),
        scope: Scope::platform(),
        agency: None,
        label: String::new(),
        every: SWEEP_EVERY,
        delay: TimeDelta::zero(),
        missed: Missed::Merged,
        from: now,
    }
}
