//! Windows that are asked about again: something that was received in them could be read only later,
//! when their turn was over.

use chrono::{DateTime, TimeDelta, Utc};
use db::job::{self, NewJob, Window};
use db::{Actor, AuditEntry, Db, Subject};
use event::Scope;
use serde_json::json;

use super::model::Saved;
use super::run::KIND;
use super::store;
use crate::error::RespondError;
use crate::limits::FINDINGS_KEPT_DAYS;

/// Windows asked about again at once: what more there is would keep the queue from today's.
const WINDOWS_MAX: usize = 1_000;

/// Has scheduled searches ask again about their windows that are over and in which these moments of
/// receipt lie; returns how many. What such a window has told is not told twice: one that has, and of
/// which the platform no longer knows what, is left alone.
///
/// # Errors
/// When the database fails.
pub async fn ask_again(db: &Db, received: &[DateTime<Utc>]) -> Result<usize, RespondError> {
    let mut moments = received.to_vec();
    moments.sort_unstable();
    let mut windows = Vec::new();
    for saved in store::scheduled(db.conn()).await? {
        let room = WINDOWS_MAX.saturating_sub(windows.len());
        let own = windows_of(db, &saved, &moments, room).await?;
        windows.extend(own.into_iter().map(|window| (saved.clone(), window)));
    }
    if windows.is_empty() {
        return Ok(0);
    }
    if windows.len() >= WINDOWS_MAX {
        tracing::warn!("more than {WINDOWS_MAX} windows would be asked about again: not all are");
    }
    let tx = db.begin().await?;
    for (saved, window) in &windows {
        let payload = json!({ "search": saved.id, "window": window, "again": true });
        // As the schedule's own: it never gives up.
        let new = NewJob::new(KIND, &Scope::platform(), payload).about(&saved.name).attempts(0);
        job::enqueue(&tx, &new).await?;
    }
    let detail = json!({ "windows": windows.len() });
    let (actor, subject) = (Actor::Platform("scheduled search"), Subject::all("saved_search"));
    tx.commit(AuditEntry::new(actor, "search.again", subject, detail)).await?;
    Ok(windows.len())
}

/// Returns the windows of a search, at most so many, that have run and hold one of these moments, which
/// stand in order.
async fn windows_of(
    db: &Db,
    saved: &Saved,
    moments: &[DateTime<Utc>],
    windows_max: usize,
) -> Result<Vec<Window>, RespondError> {
    let told_before = db.now() - TimeDelta::days(FINDINGS_KEPT_DAYS - 1);
    let mut windows = Vec::new();
    let mut ahead = moments;
    while let Some(moment) = ahead.first()
        && windows.len() < windows_max
    {
        let Some(run) = store::run_from(db.conn(), saved.id, *moment).await? else { break };
        if run.from > *moment {
            // In no window that has run.
            let passed = ahead.partition_point(|moment| *moment < run.from);
            ahead = ahead.get(passed..).unwrap_or_default();
            continue;
        }
        if !(run.raised && run.to < told_before) {
            windows.push(Window { from: run.from, to: run.to });
        }
        let passed = ahead.partition_point(|moment| *moment < run.to);
        ahead = ahead.get(passed..).unwrap_or_default();
    }
    Ok(windows)
}
