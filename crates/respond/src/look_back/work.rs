//! The work itself: span by span through the lake, the newest last, each page judged off the threads
//! that answer people.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::job::{Ended, Handler, JobError, Running};
use db::{Actor, AuditEntry, Subject};
use event::lake::{LakeError, Search};
use event::query::Query;
use event::{Finding, Scope};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::model::{Look, Outcome};
use super::{Judge, KIND, store};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::limits::{EVENTS_PER_EXPORT_PAGE, LOOK_BACK_FINDINGS_MAX, LOOK_BACK_PER_RULE_MAX};
use crate::saved::{Arrivals, Owners, past_is_whole};

/// The shortest step of the walk.
const STEP_MIN: TimeDelta = TimeDelta::hours(1);

/// The most steps of a walk: the lake counts them all before the first is read.
const STEPS_MAX: i64 = 720;

/// Does looks back.
#[derive(Debug, Clone)]
pub struct LookBack {
    /// Lake, names and the bench of judges.
    pub desk: Desk,
    /// Whether people may still see what they asked about.
    pub owners: Arc<dyn Owners>,
    /// Whether all that was received can be found: what a crash left unread is no end of the search.
    pub arrivals: Arc<dyn Arrivals>,
}

#[derive(Debug, Deserialize)]
struct Payload {
    look_back: Uuid,
}

#[async_trait]
impl Handler for LookBack {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn title_key(&self) -> &'static str {
        "look-back-title"
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, job: &Running) -> Result<Ended, JobError> {
        let Payload { look_back } = job.payload()?;
        let db = &self.desk.db;
        let look = match store::get(db.conn(), job.scope(), look_back).await {
            Ok(look) => look,
            Err(RespondError::NotFound) => return Err(JobError::Refused("look-back-error-gone")),
            Err(error) => return Err(JobError::failed(error)),
        };
        if self.owners.scope(look.account).await?.is_none() {
            return Err(JobError::Refused("look-back-error-right"));
        }
        past_is_whole(&*self.arrivals)?;
        let began = db.now();
        let mut found = self.walk(job, &look).await?;
        found.outcome.ended_at = db.now();
        let took = (found.outcome.ended_at - began).num_milliseconds();
        found.outcome.took_ms = u64::try_from(took).unwrap_or(0);
        let tx = db.begin().await?;
        store::finish(&tx, look.id, &found.outcome, &found.kept).await.map_err(JobError::failed)?;
        let result = json!({ "events": found.outcome.events, "findings": found.outcome.findings });
        let ended = job.finish(&tx, result.clone(), &format!("/look-backs/{}", look.id)).await?;
        let subject = Subject::new("look-back", look.id);
        let entry =
            AuditEntry::new(Actor::Platform("look-back"), "look-back.done", subject, result);
        tx.commit(entry).await?;
        Ok(ended)
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    outcome: Outcome,
    kept: Vec<Finding>,
    kept_per_rule: BTreeMap<String, usize>,
}

impl Found {
    /// Counts every finding, and keeps so many of each rule that a noisy one hides no other.
    fn take(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.outcome.findings += 1;
            *self.outcome.per_rule.entry(finding.rule.clone()).or_default() += 1;
            let own = self.kept_per_rule.entry(finding.rule.clone()).or_default();
            if *own < LOOK_BACK_PER_RULE_MAX && self.kept.len() < LOOK_BACK_FINDINGS_MAX {
                *own += 1;
                self.kept.push(finding);
            }
        }
    }
}

/// A span of the walk with how many events it has, where that is known.
type Span = (DateTime<Utc>, DateTime<Utc>, Option<u64>);

impl LookBack {
    async fn walk(&self, job: &Running, look: &Look) -> Result<Found, JobError> {
        let (bench, wanted) = (Arc::clone(&self.desk.bench), look.wanted.clone());
        let judge = tokio::task::spawn_blocking(move || bench.judge(&wanted));
        let judge = judge.await.map_err(JobError::failed)?;
        let Ok((_, mut judge)) = judge else {
            return Err(JobError::Refused("look-back-error-rule"));
        };
        let query = judge.needs();
        let spans = self.spans(job.scope(), look).await?;
        let total: u64 = spans.iter().filter_map(|(_, _, count)| *count).sum();
        let mut found = Found::default();
        // Events behind the walk: read, or ruled out by the lake.
        let mut behind = 0_u64;
        job.progress(0, total, "look-back-note-reading");
        for (from, to, count) in spans {
            if count == Some(0) {
                continue;
            }
            let limit = EVENTS_PER_EXPORT_PAGE;
            let mut search = Search { query: query.clone(), from, to, limit, after: None };
            let mut read = 0_u64;
            loop {
                job.check()?;
                let page = self.desk.lake.search(job.scope(), &search).await;
                let page = page.map_err(JobError::failed)?;
                if let Some(limit_ms) = page.stopped_ms {
                    return Err(JobError::failed(LakeError::Timeout { limit_ms }));
                }
                read += page.events.len() as u64;
                let (back, findings) = judged(judge, page.events).await?;
                judge = back;
                found.take(findings);
                let done = behind + read;
                job.progress(done, total.max(done), "look-back-note-reading");
                search.after = page.next;
                if search.after.is_none() {
                    break;
                }
            }
            // Events that came meanwhile are read, too.
            behind += read.max(count.unwrap_or(read));
            found.outcome.read = Some(found.outcome.read.unwrap_or(0) + read);
        }
        found.outcome.events = behind;
        found.kept.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then_with(|| b.occurred_at.cmp(&a.occurred_at))
        });
        Ok(found)
    }

    /// Returns the spans of the walk, the oldest first; where the lake cannot count them in time, every
    /// one is looked at.
    async fn spans(&self, scope: &Scope, look: &Look) -> Result<Vec<Span>, JobError> {
        let whole = look.to - look.from;
        let steps = (whole.num_seconds() / STEP_MIN.num_seconds()).clamp(1, STEPS_MAX);
        let count = u32::try_from(steps).unwrap_or(1);
        let search =
            Search { query: Query::All, from: look.from, to: look.to, limit: 0, after: None };
        let counted = match self.desk.lake.histogram(scope, &search, count).await {
            Ok(bars) => Some(bars),
            Err(LakeError::Timeout { .. }) => None,
            Err(error) => return Err(JobError::failed(error)),
        };
        let starts: Vec<(DateTime<Utc>, Option<u64>)> = if let Some(bars) = counted {
            bars.into_iter().map(|bar| (bar.from, Some(bar.count))).collect()
        } else {
            let step = whole / i32::try_from(steps).unwrap_or(1);
            let at = |n| look.from + step * i32::try_from(n).unwrap_or(0);
            (0..steps).map(|n| (at(n), None)).collect()
        };
        let ends = starts.iter().skip(1).map(|(from, _)| *from).chain([look.to]);
        Ok(starts.iter().zip(ends).map(|((from, count), to)| (*from, to, *count)).collect())
    }
}

/// Judges events on a thread that may be busy, the oldest first.
async fn judged(
    mut judge: Box<dyn Judge>,
    mut events: Vec<event::Event>,
) -> Result<(Box<dyn Judge>, Vec<Finding>), JobError> {
    let work = move || {
        events.reverse();
        let findings = judge.judge(&events);
        (judge, findings)
    };
    tokio::task::spawn_blocking(work).await.map_err(JobError::failed)
}
