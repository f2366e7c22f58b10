//! The courier: carries what hooks ask for, entry by entry, and remembers how far each is.

use chrono::{DateTime, TimeDelta, Utc};
use db::audit::{self, AuditRow};
use db::{Actor, AuditEntry, DbError, Subject};
use futures::future::join_all;
use serde_json::json;

use super::model::{GIVE_UP, Hook, message, message_id, signature, wait_after};
use super::rows::delivery;
use super::{Webhooks, store};
use crate::Permission;
use crate::identity::scope_now;

/// Entries read at a time.
const PAGE: u64 = 200;
/// Messages sent to one hook in one look: others get their turn.
const SENT_MAX: usize = 100;
/// How long a hook belongs to a node without a sign of life: longer than one message may take.
const LEASE: TimeDelta = TimeDelta::seconds(120);
/// How long it is known what became of a message.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How much of a program's answer is kept of a refusal.
const ANSWER_CHARS_MAX: usize = 200;

/// What became of an attempt.
struct Attempt {
    /// What the program answered; 0: nothing.
    status: u16,
    /// Why it was not taken; empty when it was.
    error: String,
}

impl Webhooks {
    /// Carries what there is to carry now; returns how many messages were taken.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self) -> Result<u64, DbError> {
        let now = self.db.now();
        let hooks = store::due(self.db.conn(), now).await?;
        let last = audit::last_seq(self.db.conn()).await?;
        let behind = hooks.into_iter().filter(|hook| hook.seq < last);
        let served = join_all(behind.map(|hook| self.serve(hook))).await;
        served.into_iter().sum()
    }

    /// Forgets what became of old messages; returns of how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_old(&self) -> Result<u64, DbError> {
        let books = self.db.begin_bookkeeping().await?;
        let gone = store::forget(books.conn(), books.now() - KEPT).await?;
        books.commit().await?;
        Ok(gone)
    }

    async fn serve(&self, hook: Hook) -> Result<u64, DbError> {
        let books = self.db.begin_bookkeeping().await?;
        let ours = store::hold(books.conn(), hook.id, (books.now(), LEASE)).await?;
        books.commit().await?;
        if !ours {
            return Ok(0);
        }
        // How far it is may have changed before it was ours.
        let Some(hook) = store::get(self.db.conn(), hook.id).await? else { return Ok(0) };
        let tree = self.tree.as_ref();
        let owner = scope_now(&self.db, tree, hook.account, Permission::PlatformChange).await?;
        match owner {
            Some(scope) => self.carry(hook, &scope).await,
            None => self.pause(hook, "webhook-paused-owner").await.map(|()| 0),
        }
    }

    async fn carry(&self, mut hook: Hook, scope: &event::Scope) -> Result<u64, DbError> {
        let mut taken = 0;
        for row in audit::following(&self.db, scope, hook.seq, PAGE).await? {
            if hook.wants(&row) {
                if taken >= SENT_MAX {
                    break;
                }
                let attempt = self.send(&hook, &row).await;
                let is_taken = attempt.error.is_empty();
                let is_gone = attempt.status == http::StatusCode::GONE.as_u16();
                self.note(&mut hook, &row, attempt).await?;
                if !is_taken {
                    let late = hook.failing_since.is_some_and(|at| at + GIVE_UP <= self.db.now());
                    if late || is_gone {
                        let why =
                            if is_gone { "webhook-paused-gone" } else { "webhook-paused-failing" };
                        self.pause(hook, why).await?;
                    }
                    return Ok(u64::try_from(taken).unwrap_or(u64::MAX));
                }
                taken += 1;
            }
            hook.seq = row.seq;
        }
        self.keep(&hook, None).await?;
        Ok(u64::try_from(taken).unwrap_or(u64::MAX))
    }

    async fn send(&self, hook: &Hook, row: &AuditRow) -> Attempt {
        let (id, body) = (message_id(row), message(row));
        let sent_at = self.db.now().timestamp();
        let request = http::Request::post(&hook.url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", sent_at.to_string())
            .header("webhook-signature", signature(&hook.secret, &id, sent_at, &body))
            .body(body.into_bytes());
        let answer = match request {
            Ok(request) => self.outbound.send(request).await,
            Err(error) => return Attempt { status: 0, error: error.to_string() },
        };
        match answer {
            Ok(answer) if answer.status().is_success() => {
                Attempt { status: answer.status().as_u16(), error: String::new() }
            }
            Ok(answer) => {
                let said = String::from_utf8_lossy(answer.body());
                let said: String = said.trim().chars().take(ANSWER_CHARS_MAX).collect();
                let status = answer.status().as_u16();
                Attempt { status, error: format!("HTTP {status}: {said}") }
            }
            Err(error) => Attempt { status: 0, error: crate::chain(&error) },
        }
    }

    /// Notes an attempt and, in the same change, how far the hook is.
    async fn note(&self, hook: &mut Hook, row: &AuditRow, attempt: Attempt) -> Result<(), DbError> {
        let now = self.db.now();
        let attempts = hook.failures.saturating_add(1);
        let is_taken = attempt.error.is_empty();
        if is_taken {
            (hook.failures, hook.failing_since, hook.next_at) = (0, None, None);
            (hook.last_ok_at, hook.last_error) = (Some(now), String::new());
            hook.seq = row.seq;
        } else {
            hook.failures = attempts;
            hook.failing_since = hook.failing_since.or(Some(now));
            hook.next_at = Some(now + wait_after(attempts));
            hook.last_error.clone_from(&attempt.error);
        }
        let books = self.db.begin_bookkeeping().await?;
        let tried = delivery::Model {
            webhook_id: hook.id,
            seq: row.seq,
            action: row.action.clone(),
            attempts,
            status: i16::try_from(attempt.status).unwrap_or_default(),
            error: attempt.error,
            tried_at: now,
            taken_at: is_taken.then_some(now),
        };
        store::tried(books.conn(), tried).await?;
        let held: Option<DateTime<Utc>> = is_taken.then_some(now + LEASE);
        store::note(books.conn(), hook, held).await?;
        books.commit().await
    }

    async fn keep(&self, hook: &Hook, held: Option<DateTime<Utc>>) -> Result<(), DbError> {
        let books = self.db.begin_bookkeeping().await?;
        store::note(books.conn(), hook, held).await?;
        books.commit().await
    }

    /// Stops a hook until somebody looks at it: its place in the log is kept.
    async fn pause(&self, mut hook: Hook, why: &str) -> Result<(), DbError> {
        let tx = self.db.begin().await?;
        hook.paused_at = Some(tx.now());
        why.clone_into(&mut hook.paused_why);
        store::change(tx.conn(), &hook).await?;
        store::note(tx.conn(), &hook, None).await?;
        let subject = Subject::new("webhook", hook.id);
        let detail = json!({ "name": hook.name, "why": why, "error": hook.last_error });
        tx.commit(AuditEntry::new(Actor::Platform("webhook"), "webhook.paused", subject, detail))
            .await
    }
}
