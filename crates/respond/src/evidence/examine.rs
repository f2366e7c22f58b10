//! Searching a piece with the platform's rules, in the background: what stands in it becomes a timeline.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::job::{Ended, Handler as JobHandler, JobError, Running};
use db::{Actor, AuditEntry, Subject};
use event::Severity;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Lang, Phrase};

use super::model::{Facts, Item, State, Tally};
use super::receive::subject;
use super::{look, store};
use crate::custody::{self, Act};
use crate::desk::Desk;
use crate::files::KeptFile;
use crate::limits::{EVIDENCE_FINDINGS_MAX, EVIDENCE_REFUSED_SHOWN};

/// The kind of job that searches a piece.
pub(super) const KIND: &str = "evidence.examine";

/// Which piece is searched.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) item: Uuid,
}

/// One thing that a rule found in a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Found {
    /// When the event happened.
    pub at: DateTime<Utc>,
    /// How bad.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The rule's title in Vietnamese.
    pub title_vi: Option<String>,
    /// The machine that the event tells of.
    pub host: String,
    /// What it is about: an account, an address.
    pub entity: String,
    /// Where it stands: the file in the piece and the record.
    pub spot: String,
}

/// What a search came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// What was found, at most as much as asked for.
    pub found: Vec<Found>,
    /// How much was found in all.
    pub findings: u64,
    /// Files searched, those in archives too.
    pub files: u64,
    /// Records read.
    pub events: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Files that could not be searched, and why.
    pub refused: Vec<String>,
}

/// Searches files with rules; the application has the engine.
pub trait Examiner: Send + Sync + std::fmt::Debug {
    /// Searches a file that people know by a name, and returns at most so many findings. Takes as long as
    /// it takes: it is called on a thread of its own.
    ///
    /// # Errors
    /// When it cannot be searched at all, or was told to stop.
    fn examine(
        &self,
        file: &KeptFile,
        name: &str,
        most: usize,
        stop: &CancellationToken,
    ) -> Result<Examined, Box<dyn std::error::Error + Send + Sync>>;
}

/// Searches pieces as they come in.
#[derive(Debug)]
pub struct Examine {
    /// The store.
    pub desk: Desk,
    /// The engine.
    pub examiner: Arc<dyn Examiner>,
}

/// A search that failed, as an error of a job.
#[derive(Debug, thiserror::Error)]
#[error("the evidence could not be searched")]
struct Failed(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Returns a sealed piece with the file that holds it, and says that work on it has begun.
pub(super) async fn sealed(
    desk: &Desk,
    job: &Running,
    id: Uuid,
) -> Result<(Item, KeptFile), JobError> {
    let gone = || JobError::Refused("evidence-error-gone");
    let item = store::get(desk.db.conn(), job.scope(), id).await.map_err(|_| gone())?;
    let sha256 = item.sha256.as_ref().filter(|_| item.state == State::Sealed).ok_or_else(gone)?;
    let file = custody::kept(&desk.files, sha256);
    job.progress(0, item.size_bytes, "evidence-job-note");
    Ok((item, file))
}

#[async_trait]
impl JobHandler for Examine {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "evidence-job-examine"
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let asked: Asked = job.payload()?;
        let (item, file) = sealed(&self.desk, job, asked.item).await?;
        let (examiner, name) = (Arc::clone(&self.examiner), item.name.clone());
        let stop = job.stop().clone();
        let search = tokio::task::spawn_blocking(move || {
            let facts = look::look(&file);
            (facts, examiner.examine(&file, &name, EVIDENCE_FINDINGS_MAX, &stop))
        });
        let (facts, searched) = search.await.map_err(JobError::failed)?;
        job.check()?;
        let facts = facts.map_err(JobError::failed)?;
        let examined = searched.map_err(|error| JobError::failed(Failed(error)))?;
        self.end(job, &item, (&facts, &examined)).await
    }
}

impl Examine {
    async fn end(
        &self,
        job: &Running,
        item: &Item,
        (facts, examined): (&Facts, &Examined),
    ) -> Result<Ended, JobError> {
        let tally = Tally {
            files: examined.files,
            events: examined.events,
            unreadable: examined.unreadable,
            findings: examined.findings,
            refused: examined.refused.iter().take(EVIDENCE_REFUSED_SHOWN).cloned().collect(),
        };
        let tx = self.desk.db.begin().await?;
        let result = serde_json::to_value(&tally).map_err(JobError::failed)?;
        let ended = job.finish(&tx, result, &format!("/evidence/{}", item.id)).await?;
        store::set_findings(&tx, item.id, &examined.found).await.map_err(JobError::failed)?;
        store::set_examined(&tx, item.id, facts, &tally).await.map_err(JobError::failed)?;
        // The chain of custody is a record of the state: its words are Vietnamese.
        let told = Phrase::key("evidence-examined-record")
            .arg("events", tally.events)
            .arg("findings", tally.findings)
            .text(Lang::Vi);
        custody::record_platform(&tx, subject(item), Act::Examined, &told)
            .await
            .map_err(JobError::failed)?;
        let detail = json!({
            "number": item.number, "events": tally.events, "findings": tally.findings,
        });
        let about = Subject::new("evidence", item.id);
        let entry =
            AuditEntry::new(Actor::Platform("evidence"), "evidence.examined", about, detail);
        tx.commit(entry.of_agency(item.agency)).await?;
        self.desk.hub.incidents_changed(item.agency);
        Ok(ended)
    }
}
