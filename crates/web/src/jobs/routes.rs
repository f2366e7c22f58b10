//! The addresses of jobs.

use std::collections::BTreeMap;

use axum::extract::State;
use db::job::{self, Job, JobId, ListFilter};
use db::{AuditEntry, Subject};
use event::AccountId;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::Jobs;
use super::views::{JobList, JobPage, JobRow};
use crate::identity::Address;
use crate::paging::Page;
use crate::{AppError, Done, Path, Permission, Phrase, Query, Routes, View, Who, done, identity};

pub(super) fn routes() -> Routes<Jobs> {
    Routes::new()
        .get("/jobs", Permission::JobRead, list)
        .doc("Lists work under way and done, the newest first")
        .gives::<JobList>()
        .get("/jobs/{id}", Permission::JobRead, show)
        .doc("Shows how far one piece of work is, and what came of it")
        .gives::<JobPage>()
        .post("/jobs/{id}/cancel", Permission::JobChange, cancel)
        .doc("Stops work that waits or runs")
        .post("/jobs/{id}/again", Permission::JobChange, again)
        .doc("Sends failed or stopped work through the queue again")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// `open` shows only what is not over.
    show: String,
    page: Option<u64>,
    rows: Option<u64>,
}

async fn list(
    State(jobs): State<Jobs>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<JobList>, AppError> {
    let page = Page { page: asked.page, rows: asked.rows };
    let open = asked.show == "open";
    let (offset, limit) = (page.offset(), page.limit());
    let filter = ListFilter { open, offset, limit, ..ListFilter::default() };
    let (found, total) = job::list(jobs.db.conn(), &who.scope, &filter).await?;
    let names = jobs.names().await?;
    let rows: Vec<JobRow> = found.iter().map(|job| jobs.row(job, &names)).collect();
    let query = if open { "show=open" } else { "" };
    let here = format!("/jobs?{query}&page={}", asked.page.unwrap_or(1));
    Ok(View::new(JobList {
        moving: rows.iter().any(|row| row.open),
        jobs: rows,
        open,
        here,
        pager: page.pager("/jobs", query, total),
    }))
}

async fn show(
    State(jobs): State<Jobs>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<JobPage>, AppError> {
    let found = job::get(jobs.db.conn(), &who.scope, JobId::from_uuid(id)).await?;
    let found = found.ok_or(AppError::NotFound)?;
    let names = jobs.names().await?;
    Ok(View::new(JobPage { job: jobs.row(&found, &names), result: found.result }))
}

async fn cancel(
    State(jobs): State<Jobs>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let tx = jobs.db.begin().await?;
    let id = JobId::from_uuid(id);
    let Some(stopped) = job::cancel(&tx, &who.scope, id).await? else {
        return Err(jobs.missing(&who, id).await?);
    };
    tx.commit(entry(&who, address, "job.cancel", &stopped)).await?;
    Ok(done(format!("/jobs/{id}")).notice(Phrase::key("job-notice-cancelled")))
}

async fn again(
    State(jobs): State<Jobs>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let tx = jobs.db.begin().await?;
    let id = JobId::from_uuid(id);
    let Some(sent) = job::again(&tx, &who.scope, id).await? else {
        return Err(jobs.missing(&who, id).await?);
    };
    tx.commit(entry(&who, address, "job.again", &sent)).await?;
    Ok(done(format!("/jobs/{id}")).notice(Phrase::key("job-notice-again")))
}

fn entry(who: &Who, address: Address, action: &str, job: &Job) -> AuditEntry {
    let detail = json!({ "kind": job.kind, "label": job.label });
    let entry = AuditEntry::new(who.actor(address), action, Subject::new("job", job.id), detail);
    match job.agency {
        Some(agency) => entry.of_agency(agency),
        None => entry,
    }
}

impl Jobs {
    /// Returns why nothing was changed: not there for this reader, or in another state.
    async fn missing(&self, who: &Who, id: JobId) -> Result<AppError, AppError> {
        let there = job::get(self.db.conn(), &who.scope, id).await?;
        Ok(there.map_or(AppError::NotFound, |_| AppError::Conflict(Phrase::key("job-error-state"))))
    }

    async fn names(&self) -> Result<BTreeMap<AccountId, String>, AppError> {
        let people = identity::people(&self.db).await?;
        Ok(people.into_iter().map(|person| (person.account, person.name)).collect())
    }

    fn row(&self, job: &Job, names: &BTreeMap<AccountId, String>) -> JobRow {
        let title_key = self.titles.get(job.kind.as_str()).copied();
        let by = job.scope.account().and_then(|account| names.get(&account).cloned());
        JobRow::of(job, title_key.unwrap_or("job-kind-unknown"), by)
    }
}
