//! The pages of jobs: sound, and closed to whom they do not concern.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use db::job::{self, Handlers, JobId, JobState, NewJob};
use db::testing::{TestDatabase, databases};
use db::{Actor, AuditEntry, Subject};
use event::{AccountId, AgencyId, IdSource, Scope};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::Jobs;
use super::views::{JobList, JobPage, JobRow};
use crate::testing::{faults, officer_of, who};
use crate::{AppError, Lang, Live, NoCounts, Role, Settings, Site, Visitor, Visitors, Who};

/// Everyone who comes is this person.
#[derive(Debug)]
struct Only(Option<Who>);

#[async_trait::async_trait]
impl Visitors for Only {
    async fn by_session(&self, _: &HeaderMap, _: Lang) -> Result<Visitor, AppError> {
        Ok(Visitor { who: self.0.clone().map(Arc::new), ..Visitor::default() })
    }

    async fn by_token(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        self.by_session(headers, lang).await
    }
}

fn site(test: &TestDatabase, reader: Option<Who>) -> Router {
    let site = Site {
        settings: Arc::new(Settings { province: "Tỉnh Mẫu".to_owned(), tls: false }),
        clock: test.clock.clone(),
        ids: Arc::new(IdSource::seeded(3)),
        visitors: Arc::new(Only(reader)),
        counts: Arc::new(NoCounts),
        live: Live::default(),
    };
    crate::serve(site, Jobs::new(test.db.clone(), &Handlers::default()).routes())
}

async fn ask(
    test: &TestDatabase,
    reader: Option<Who>,
    method: &str,
    path: &str,
) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    let request = request.body(Body::empty()).unwrap();
    let response = site(test, reader).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn put(test: &TestDatabase, agency: AgencyId) -> JobId {
    let asked = Scope::province(AccountId::from_uuid(Uuid::from_u128(77)));
    let new = NewJob::new("test.x", &asked, json!({})).of_agency(agency).about("Luật «web shell»");
    let tx = test.db.begin().await.unwrap();
    let id = job::enqueue(&tx, &new).await.unwrap();
    let entry = AuditEntry::new(Actor::CommandLine, "t", Subject::all("job"), Value::Null);
    tx.commit(entry).await.unwrap();
    id
}

#[tokio::test]
async fn only_those_concerned_see_and_stop_work() {
    for test in databases().await {
        let agency = |n| AgencyId::from_uuid(Uuid::from_u128(n));
        let id = put(&test, agency(1)).await;
        let (page, stop) = (format!("/jobs/{id}"), format!("/jobs/{id}/cancel"));
        let own = || Some(officer_of([agency(1)]));
        let other = || Some(officer_of([agency(2)]));
        for (reader, method, path, status) in [
            (None, "GET", "/jobs", StatusCode::UNAUTHORIZED),
            (None, "GET", &*page, StatusCode::UNAUTHORIZED),
            (None, "POST", &stop, StatusCode::UNAUTHORIZED),
            (other(), "GET", &page, StatusCode::NOT_FOUND),
            (other(), "POST", &stop, StatusCode::NOT_FOUND),
            (other(), "POST", &format!("/jobs/{id}/again"), StatusCode::NOT_FOUND),
            (Some(who(Role::Auditor)), "GET", &page, StatusCode::OK),
            (Some(who(Role::Auditor)), "POST", &stop, StatusCode::FORBIDDEN),
            (Some(who(Role::Leader)), "POST", &stop, StatusCode::FORBIDDEN),
            (own(), "GET", &page, StatusCode::OK),
            (own(), "POST", &format!("/jobs/{id}/again"), StatusCode::CONFLICT),
            (own(), "POST", &stop, StatusCode::OK),
            (own(), "POST", &stop, StatusCode::CONFLICT),
            (own(), "POST", &format!("/jobs/{id}/again"), StatusCode::OK),
        ] {
            let (got, body) = ask(&test, reader, method, path).await;
            assert_eq!(got, status, "{}: {method} {path} {body}", test.name);
        }
        let (_, seen) = ask(&test, own(), "GET", "/jobs?show=open").await;
        assert_eq!(seen["jobs"].as_array().unwrap().len(), 1);
        let (_, seen) = ask(&test, other(), "GET", "/jobs").await;
        assert_eq!(seen["jobs"], json!([]));
        let verdict = db::audit::verify(&test.db).await.unwrap();
        assert_eq!(verdict.entries, 3, "asked, stopped, sent again");
    }
}

#[tokio::test]
async fn the_pages_are_sound() {
    let test = db::testing::sqlite().await;
    let agency = AgencyId::from_uuid(Uuid::from_u128(1));
    put(&test, agency).await;
    let filter = job::ListFilter { limit: 5, ..job::ListFilter::default() };
    let (jobs, _) = job::list(test.db.conn(), &Scope::platform(), &filter).await.unwrap();
    let mut rows = Vec::new();
    for state in
        [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed, JobState::Cancelled]
    {
        let mut job = jobs[0].clone();
        job.state = state;
        (job.done, job.total, job.link) = (1, 3, "/x".to_owned());
        "job-error-internal".clone_into(&mut job.error_key);
        rows.push(JobRow::of(&job, "job-kind-unknown", Some("Nguyễn Văn A".to_owned())));
    }
    let none = Vec::<String>::new();
    for row in &rows {
        let page = JobPage { job: row.clone(), result: None };
        assert_eq!(faults(&page), none);
    }
    let pager = crate::paging::Page::default().pager("/jobs", "", 5);
    let list = |jobs: Vec<JobRow>| JobList {
        moving: !jobs.is_empty(),
        jobs,
        open: false,
        here: "/jobs".to_owned(),
        pager: pager.clone(),
    };
    assert_eq!(faults(&list(rows)), none);
    assert_eq!(faults(&list(Vec::new())), none);
    // Every reason that the queue itself may write has its text.
    for key in ["job-error-internal", "job-error-lost", "job-error-payload"] {
        for lang in Lang::ALL {
            assert!(crate::i18n::has(lang, key), "{key}");
        }
    }
}
