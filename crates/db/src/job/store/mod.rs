//! The tables `job` and `job_schedule`: all their database access.
//!
//! What only the worker that holds a job may write is *fenced*: the statement names the attempt, and
//! changes nothing once another attempt has begun.

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait as _, LockBehavior, LockType, OnConflict};
use sea_orm::{Condition, DatabaseTransaction, QueryOrder as _, QuerySelect as _, TryInsertResult};
use serde_json::Value;

use super::model::{self, Job, JobId, JobState, LEASE, NewJob};
use crate::{Db, DbError};

mod schedule;

pub use schedule::{drop_schedule, ensure_schedule, put_schedule, tick};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "job")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) kind: String,
        pub(super) payload: Json,
        pub(super) account_id: Option<Uuid>,
        pub(super) visible: Option<Json>,
        pub(super) agency_id: Option<Uuid>,
        pub(super) label: String,
        pub(super) state: String,
        pub(super) done: i64,
        pub(super) total: i64,
        pub(super) note_key: String,
        pub(super) attempts: i32,
        pub(super) attempts_max: i32,
        pub(super) run_after: DateTimeUtc,
        pub(super) lease_until: Option<DateTimeUtc>,
        pub(super) holder: String,
        pub(super) cancel_asked: bool,
        pub(super) idempotency_key: Option<String>,
        pub(super) result: Option<Json>,
        pub(super) link: String,
        pub(super) error_key: String,
        pub(super) made_at: DateTimeUtc,
        pub(super) started_at: Option<DateTimeUtc>,
        pub(super) ended_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

impl From<row::Model> for Job {
    fn from(row: row::Model) -> Self {
        Self {
            id: JobId::from_uuid(row.id),
            kind: row.kind,
            payload: row.payload,
            scope: model::scope_of(row.account_id, row.visible),
            agency: row.agency_id.map(AgencyId::from_uuid),
            label: row.label,
            // A word of a later version: over, so that nothing is done with it here.
            state: JobState::from_word(&row.state).unwrap_or(JobState::Failed),
            done: u64::try_from(row.done).unwrap_or(0),
            total: u64::try_from(row.total).unwrap_or(0),
            note_key: row.note_key,
            attempts: row.attempts,
            attempts_max: row.attempts_max,
            run_after: row.run_after,
            cancel_asked: row.cancel_asked,
            result: row.result,
            link: row.link,
            error_key: row.error_key,
            made_at: row.made_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
        }
    }
}

/// Returns the condition of scope: one's own jobs, and those about visible agencies.
fn within(scope: &Scope) -> Condition {
    let Some(agencies) = scope.visible() else { return Condition::all() };
    Condition::any()
        .add(Column::AgencyId.is_in(agencies.iter().map(|id| id.uuid())))
        .add(Column::AccountId.eq(scope.account().map(AccountId::uuid)))
}

/// Writes a new job, or finds the one with its key.
pub(super) async fn insert(
    conn: &DatabaseTransaction,
    id: JobId,
    now: DateTime<Utc>,
    new: &NewJob,
) -> Result<JobId, DbError> {
    let (account_id, visible) = model::scope_columns(&new.scope);
    let row = row::ActiveModel {
        id: Set(id.uuid()),
        kind: Set(new.kind.clone()),
        payload: Set(new.payload.clone()),
        account_id: Set(account_id),
        visible: Set(visible),
        agency_id: Set(new.agency.map(AgencyId::uuid)),
        label: Set(new.label.clone()),
        state: Set(JobState::Queued.word().to_owned()),
        done: Set(0),
        total: Set(0),
        note_key: Set(String::new()),
        attempts: Set(0),
        attempts_max: Set(new.attempts_max),
        run_after: Set(new.run_after.unwrap_or(now)),
        lease_until: Set(None),
        holder: Set(String::new()),
        cancel_asked: Set(false),
        idempotency_key: Set(new.key.clone()),
        result: Set(None),
        link: Set(String::new()),
        error_key: Set(String::new()),
        made_at: Set(now),
        started_at: Set(None),
        ended_at: Set(None),
    };
    let twice = OnConflict::columns([Column::Kind, Column::IdempotencyKey]).do_nothing().to_owned();
    let inserted = row::Entity::insert(row)
        .on_conflict(twice)
        .try_insert()
        .exec_without_returning(conn)
        .await?;
    if matches!(inserted, TryInsertResult::Inserted(count) if count > 0) {
        return Ok(id);
    }
    let there = row::Entity::find()
        .filter(Column::Kind.eq(&new.kind))
        .filter(Column::IdempotencyKey.eq(new.key.clone()))
        .one(conn)
        .await?;
    Ok(there.map_or(id, |row| JobId::from_uuid(row.id)))
}

/// Which jobs are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only those that are not over.
    pub open: bool,
    /// Only of this kind; empty is any.
    pub kind: String,
    /// Rows to skip.
    pub offset: u64,
    /// Rows to read.
    pub limit: u64,
}

/// Returns a page of jobs, the newest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &ListFilter,
) -> Result<(Vec<Job>, u64), DbError> {
    let mut found = row::Entity::find().filter(within(scope));
    if filter.open {
        found = found.filter(is_open());
    }
    if !filter.kind.is_empty() {
        found = found.filter(Column::Kind.eq(&filter.kind));
    }
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_desc(Column::MadeAt)
        .order_by_desc(Column::Id)
        .offset(filter.offset)
        .limit(filter.limit)
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(Job::from).collect(), total))
}

fn is_open() -> Expr {
    Column::State.is_in([JobState::Queued.word(), JobState::Running.word()])
}

/// Returns how many jobs are not over.
///
/// # Errors
/// When the database does not answer.
pub async fn running_count(conn: &impl ConnectionTrait, scope: &Scope) -> Result<u64, DbError> {
    Ok(row::Entity::find().filter(within(scope)).filter(is_open()).count(conn).await?)
}

/// Returns one job.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: JobId,
) -> Result<Option<Job>, DbError> {
    let found = row::Entity::find_by_id(id.uuid()).filter(within(scope)).one(conn).await?;
    Ok(found.map(Job::from))
}

pub(super) async fn cancel(
    conn: &DatabaseTransaction,
    scope: &Scope,
    id: JobId,
    now: DateTime<Utc>,
) -> Result<Option<Job>, DbError> {
    let waits = row::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Cancelled.word()))
        .col_expr(Column::EndedAt, Expr::value(now))
        .col_expr(Column::CancelAsked, Expr::value(true))
        .filter(within(scope))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::State.eq(JobState::Queued.word()))
        .exec(conn)
        .await?;
    let runs = row::Entity::update_many()
        .col_expr(Column::CancelAsked, Expr::value(true))
        .filter(within(scope))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::State.eq(JobState::Running.word()))
        .exec(conn)
        .await?;
    if waits.rows_affected + runs.rows_affected == 0 {
        return Ok(None);
    }
    get(conn, scope, id).await
}

pub(super) async fn again(
    conn: &DatabaseTransaction,
    scope: &Scope,
    id: JobId,
    now: DateTime<Utc>,
) -> Result<Option<Job>, DbError> {
    let changed = row::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Queued.word()))
        .col_expr(Column::RunAfter, Expr::value(now))
        .col_expr(Column::EndedAt, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::CancelAsked, Expr::value(false))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::Done, Expr::value(0_i64))
        .col_expr(Column::ErrorKey, Expr::value(""))
        .filter(within(scope))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::State.is_in([JobState::Failed.word(), JobState::Cancelled.word()]))
        .exec(conn)
        .await?;
    if changed.rows_affected == 0 { Ok(None) } else { get(conn, scope, id).await }
}

/// Returns the condition of jobs that a worker may take: due, or left by a worker that is gone.
fn claimable(kinds: &[&'static str], now: DateTime<Utc>) -> Condition {
    let due = Condition::all()
        .add(Column::State.eq(JobState::Queued.word()))
        .add(Column::RunAfter.lte(now));
    let left = Condition::all()
        .add(Column::State.eq(JobState::Running.word()))
        .add(Column::LeaseUntil.lt(now));
    Condition::all()
        .add(Column::Kind.is_in(kinds.iter().copied()))
        .add(Condition::any().add(due).add(left))
}

/// Takes the job that has waited longest, if there is one. Several nodes may ask at once: PostgreSQL
/// skips what another has locked, SQLite has one writer.
pub(super) async fn claim(
    db: &Db,
    kinds: &[&'static str],
    holder: &str,
) -> Result<Option<Job>, DbError> {
    let waiting = row::Entity::find().filter(claimable(kinds, db.now())).limit(1);
    // Without a look first, an idle worker would lock SQLite's only writer each time.
    if waiting.one(db.conn()).await?.is_none() {
        return Ok(None);
    }
    let books = db.begin_bookkeeping().await?;
    let now = books.now();
    let taken = row::Entity::find()
        .filter(claimable(kinds, now))
        .order_by_asc(Column::RunAfter)
        .order_by_asc(Column::Id)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(books.conn())
        .await?;
    let Some(mut row) = taken else { return Ok(None) };
    let gone = row.state == JobState::Running.word();
    if gone && (row.cancel_asked || (row.attempts_max > 0 && row.attempts >= row.attempts_max)) {
        let end = if row.cancel_asked { JobState::Cancelled } else { JobState::Failed };
        let why = if row.cancel_asked { "" } else { LOST_KEY };
        close(books.conn(), row.id, end, why, now).await?;
        books.commit().await?;
        return Ok(None);
    }
    row.attempts = row.attempts.saturating_add(1);
    JobState::Running.word().clone_into(&mut row.state);
    row.started_at = row.started_at.or(Some(now));
    row::Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Running.word()))
        .col_expr(Column::Attempts, Expr::value(row.attempts))
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .col_expr(Column::Holder, Expr::value(holder))
        .col_expr(Column::StartedAt, Expr::value(row.started_at))
        .filter(Column::Id.eq(row.id))
        .exec(books.conn())
        .await?;
    books.commit().await?;
    Ok(Some(row.into()))
}

/// Why a job failed whose workers ended while they had it.
const LOST_KEY: &str = "job-error-lost";

async fn close(
    conn: &DatabaseTransaction,
    id: Uuid,
    state: JobState,
    error_key: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    row::Entity::update_many()
        .col_expr(Column::State, Expr::value(state.word()))
        .col_expr(Column::ErrorKey, Expr::value(error_key))
        .col_expr(Column::EndedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .exec(conn)
        .await?;
    Ok(())
}

/// A job as held by one attempt: what fences its writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) id: JobId,
    pub(super) attempt: i32,
}

fn held(job: Held) -> sea_orm::UpdateMany<row::Entity> {
    row::Entity::update_many()
        .filter(Column::Id.eq(job.id.uuid()))
        .filter(Column::Attempts.eq(job.attempt))
        .filter(Column::State.eq(JobState::Running.word()))
}

/// Extends the lease and notes how far the work is; returns whether the job is still held, and
/// whether it should stop.
pub(super) async fn beat(
    db: &Db,
    job: Held,
    (done, total, note): (u64, u64, &str),
) -> Result<(bool, bool), DbError> {
    let books = db.begin_bookkeeping().await?;
    let changed = held(job)
        .col_expr(Column::LeaseUntil, Expr::value(books.now() + LEASE))
        .col_expr(Column::Done, Expr::value(i64::try_from(done).unwrap_or(i64::MAX)))
        .col_expr(Column::Total, Expr::value(i64::try_from(total).unwrap_or(i64::MAX)))
        .col_expr(Column::NoteKey, Expr::value(note))
        .exec(books.conn())
        .await?;
    let row = row::Entity::find_by_id(job.id.uuid()).one(books.conn()).await?;
    books.commit().await?;
    Ok((changed.rows_affected > 0, row.is_none_or(|row| row.cancel_asked)))
}

/// What an attempt ended with.
#[derive(Debug, Clone)]
pub(super) enum End<'a> {
    /// The work is done.
    Done { result: &'a Value, link: &'a str },
    /// It failed for now.
    Again { error_key: &'a str, run_after: DateTime<Utc> },
    /// It was too early; the attempt does not count.
    Waits { why_key: &'a str, run_after: DateTime<Utc> },
    /// It failed for good.
    Failed { error_key: &'a str },
    /// It was stopped by a person.
    Cancelled,
    /// The platform ends: the attempt does not count.
    Released,
}

/// Writes the end of an attempt; returns whether the job was still held.
pub(super) async fn end(
    conn: &DatabaseTransaction,
    job: Held,
    end: &End<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (state, error_key) = match end {
        End::Done { .. } => (JobState::Done, ""),
        End::Again { error_key: key, .. } | End::Waits { why_key: key, .. } => {
            (JobState::Queued, *key)
        }
        End::Failed { error_key } => (JobState::Failed, *error_key),
        End::Cancelled => (JobState::Cancelled, ""),
        End::Released => (JobState::Queued, ""),
    };
    let mut update = held(job)
        .col_expr(Column::State, Expr::value(state.word()))
        .col_expr(Column::ErrorKey, Expr::value(error_key))
        .col_expr(Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::EndedAt, Expr::value(state.is_over().then_some(now)));
    match end {
        End::Done { result, link } => {
            update = update
                .col_expr(Column::Result, Expr::value((*result).clone()))
                .col_expr(Column::Link, Expr::value(*link))
                .col_expr(Column::Done, Expr::col(Column::Total));
        }
        End::Again { run_after, .. } => {
            update = update.col_expr(Column::RunAfter, Expr::value(*run_after));
        }
        End::Waits { run_after, .. } => {
            update = update
                .col_expr(Column::RunAfter, Expr::value(*run_after))
                .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1));
        }
        End::Released => {
            update = update.col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1));
        }
        End::Failed { .. } | End::Cancelled => {}
    }
    Ok(update.exec(conn).await?.rows_affected > 0)
}

/// Puts every running job back into the queue: for the start of a platform that is the only one on
/// its database, where whoever held them is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn release_all(db: &Db) -> Result<u64, DbError> {
    let books = db.begin_bookkeeping().await?;
    // The attempt counts: work that ends the process must not be begun for ever.
    let changed = row::Entity::update_many()
        .col_expr(Column::LeaseUntil, Expr::value(DateTime::<Utc>::UNIX_EPOCH))
        .filter(Column::State.eq(JobState::Running.word()))
        .exec(books.conn())
        .await?;
    books.commit().await?;
    Ok(changed.rows_affected)
}

/// Forgets jobs that were over before this moment.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_ended(db: &Db, before: DateTime<Utc>) -> Result<u64, DbError> {
    let books = db.begin_bookkeeping().await?;
    let gone =
        row::Entity::delete_many().filter(Column::EndedAt.lt(before)).exec(books.conn()).await?;
    books.commit().await?;
    Ok(gone.rows_affected)
}
