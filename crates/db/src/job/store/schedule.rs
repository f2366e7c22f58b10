//! What comes round again: windows without a hole.
//!
//! A schedule remembers up to which moment every window has its job. Putting a window's job into the
//! queue and moving that moment on is one transaction, so that no window is skipped and none comes
//! twice, whatever ends in between. A job of a schedule is never given up.

use chrono::{DateTime, TimeDelta, Utc};
use event::{AgencyId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{DatabaseTransaction, QueryOrder as _, QuerySelect as _};
use serde_json::{Value, json};

use super::super::model::{self, JobId, Missed, NewJob, Schedule, Window};
use crate::{Db, DbError, Tx};

/// Windows of one schedule that are put into the queue at once; the rest follow with the next look.
const WINDOWS_AT_ONCE: usize = 100;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "job_schedule")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) name: String,
        pub(super) kind: String,
        pub(super) payload: Json,
        pub(super) account_id: Option<Uuid>,
        pub(super) visible: Option<Json>,
        pub(super) agency_id: Option<Uuid>,
        pub(super) label: String,
        pub(super) every_s: i32,
        pub(super) delay_s: i32,
        pub(super) missed: String,
        pub(super) covered_until: DateTimeUtc,
        pub(super) next_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

fn seconds(time: TimeDelta) -> i32 {
    i32::try_from(time.num_seconds()).unwrap_or(i32::MAX).max(0)
}

async fn insert(
    conn: &DatabaseTransaction,
    schedule: &Schedule,
    there: &mut OnConflict,
) -> Result<(), DbError> {
    let (account_id, visible) = model::scope_columns(&schedule.scope);
    let every = schedule.every.max(TimeDelta::seconds(1));
    let row = row::ActiveModel {
        name: Set(schedule.name.clone()),
        kind: Set(schedule.kind.clone()),
        payload: Set(schedule.payload.clone()),
        account_id: Set(account_id),
        visible: Set(visible),
        agency_id: Set(schedule.agency.map(AgencyId::uuid)),
        label: Set(schedule.label.clone()),
        every_s: Set(seconds(every)),
        delay_s: Set(seconds(schedule.delay)),
        missed: Set(schedule.missed.word().to_owned()),
        covered_until: Set(schedule.from),
        next_at: Set(schedule.from + every + schedule.delay),
    };
    row::Entity::insert(row).on_conflict(there.to_owned()).exec_without_returning(conn).await?;
    Ok(())
}

/// Columns that a person may change; how far it has come is not among them.
const CHANGEABLE: [Column; 9] = [
    Column::Kind,
    Column::Payload,
    Column::AccountId,
    Column::Visible,
    Column::AgencyId,
    Column::Label,
    Column::EveryS,
    Column::DelayS,
    Column::Missed,
];

/// Puts a schedule up or changes it, as part of this change; how far it has come stays.
///
/// # Errors
/// When the database does not answer.
pub async fn put_schedule(tx: &Tx, schedule: &Schedule) -> Result<(), DbError> {
    insert(tx.conn(), schedule, OnConflict::column(Column::Name).update_columns(CHANGEABLE))
        .await?;
    // A shorter window is looked at now, not when the longer one would have ended.
    row::Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(tx.now()))
        .filter(Column::Name.eq(&schedule.name))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Puts up a schedule of the platform itself, unless it is there: called at each start.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure_schedule(db: &Db, schedule: &Schedule) -> Result<(), DbError> {
    let books = db.begin_bookkeeping().await?;
    let there = &mut OnConflict::column(Column::Name);
    insert(books.conn(), schedule, there.update_columns(CHANGEABLE)).await?;
    books.commit().await
}

/// Takes a schedule down, as part of this change; jobs that it has made stay.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_schedule(tx: &Tx, name: &str) -> Result<(), DbError> {
    row::Entity::delete_many().filter(Column::Name.eq(name)).exec(tx.conn()).await?;
    Ok(())
}

/// Puts the jobs of all windows that have ended into the queue; returns how many. Several nodes may
/// do this at once.
///
/// # Errors
/// When the database does not answer.
pub async fn tick(db: &Db) -> Result<usize, DbError> {
    let due = row::Entity::find().filter(Column::NextAt.lte(db.now()));
    if due.limit(1).one(db.conn()).await?.is_none() {
        return Ok(0);
    }
    let books = db.begin_bookkeeping().await?;
    let now = books.now();
    let rows = row::Entity::find()
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .limit(WINDOWS_AT_ONCE as u64)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(books.conn())
        .await?;
    let mut made = 0;
    for row in rows {
        let (windows, covered_until) = windows(&row, now);
        for window in &windows {
            let id = JobId::from_uuid(db.new_uuid());
            super::insert(books.conn(), id, now, &job_of(&row, *window)).await?;
        }
        made += windows.len();
        let every = TimeDelta::seconds(i64::from(row.every_s.max(1)));
        let next_at = covered_until + every + TimeDelta::seconds(i64::from(row.delay_s));
        row::Entity::update_many()
            .col_expr(Column::CoveredUntil, Expr::value(covered_until))
            .col_expr(Column::NextAt, Expr::value(next_at))
            .filter(Column::Name.eq(&row.name))
            .exec(books.conn())
            .await?;
    }
    books.commit().await?;
    Ok(made)
}

/// Returns the windows that have ended and have no job yet, and up to where they reach.
fn windows(row: &row::Model, now: DateTime<Utc>) -> (Vec<Window>, DateTime<Utc>) {
    let every = TimeDelta::seconds(i64::from(row.every_s.max(1)));
    let ready = now - TimeDelta::seconds(i64::from(row.delay_s));
    let mut from = row.covered_until;
    if Missed::from_word(&row.missed) == Missed::Merged {
        let count = (ready - from).num_seconds() / every.num_seconds().max(1);
        let to = from + TimeDelta::seconds(count.max(0).saturating_mul(every.num_seconds()));
        let windows = if to > from { vec![Window { from, to }] } else { Vec::new() };
        return (windows, to);
    }
    let mut windows = Vec::new();
    while windows.len() < WINDOWS_AT_ONCE && from + every <= ready {
        windows.push(Window { from, to: from + every });
        from += every;
    }
    (windows, from)
}

fn job_of(row: &row::Model, window: Window) -> NewJob {
    let mut payload = row.payload.clone();
    if let Value::Object(fields) = &mut payload {
        fields.insert("window".to_owned(), json!(window));
    } else {
        payload = json!({ "window": window });
    }
    let scope: Scope = model::scope_of(row.account_id, row.visible.clone());
    let new = NewJob::new(&row.kind, &scope, payload)
        .about(&row.label)
        .once(&format!("{}@{}", row.name, window.from.to_rfc3339()))
        .attempts(0);
    match row.agency_id {
        Some(agency) => new.of_agency(AgencyId::from_uuid(agency)),
        None => new,
    }
}
