//! The tables `source_health` and `counter_minute`.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use event::{AgencyId, SourceId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::Health;
use crate::limits;

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod health {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "source_health")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub source_id: Uuid,
        pub last_event_at: Option<DateTimeUtc>,
        pub last_collected_at: Option<DateTimeUtc>,
        pub last_peer: Option<String>,
        pub received: i64,
        pub received_bytes: i64,
        pub decoded: i64,
        pub noted: i64,
        pub undated: i64,
        pub dead: i64,
        pub last_dead_at: Option<DateTimeUtc>,
        pub last_dead_code: Option<String>,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod minute {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "counter_minute")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub minute: DateTimeUtc,
        #[sea_orm(primary_key, auto_increment = false)]
        pub source_id: Uuid,
        pub agency_id: Uuid,
        pub events: i64,
        pub dead: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Counts of one source in one minute, itself counted from 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minute {
    pub(super) since_epoch: i64,
    pub(super) source: SourceId,
    pub(super) agency: AgencyId,
    pub(super) events: u64,
    pub(super) dead: u64,
}

/// Rows written by one statement: far below SQLite's limit of bound values.
const CHUNK: usize = 500;

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn uncount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Returns what was written down of every source. For the book only, which gives no page anything
/// outside its scope.
pub(super) async fn all(conn: &impl ConnectionTrait) -> Result<Vec<(SourceId, Health)>, DbError> {
    let rows = health::Entity::find().limit(limits::ROWS_MAX).all(conn).await?;
    Ok(rows.into_iter().map(|row| (SourceId::from_uuid(row.source_id), of_row(row))).collect())
}

/// Returns what was written down of one source. For the book only.
pub(super) async fn of(
    conn: &impl ConnectionTrait,
    source: SourceId,
) -> Result<Option<Health>, DbError> {
    Ok(health::Entity::find_by_id(source.uuid()).one(conn).await?.map(of_row))
}

fn of_row(row: health::Model) -> Health {
    Health {
        last_event_at: row.last_event_at,
        last_collected_at: row.last_collected_at,
        last_peer: row.last_peer.and_then(|peer| peer.parse().ok()),
        received: uncount(row.received),
        received_bytes: uncount(row.received_bytes),
        decoded: uncount(row.decoded),
        noted: uncount(row.noted),
        undated: uncount(row.undated),
        dead: uncount(row.dead),
        last_dead_at: row.last_dead_at,
        last_dead_code: row.last_dead_code,
        minutes: VecDeque::new(),
        dead_minutes: VecDeque::new(),
    }
}

/// Returns the counts per minute since a moment, the oldest first, of one source or of all.
pub(super) async fn minutes(
    conn: &impl ConnectionTrait,
    source: Option<SourceId>,
    since: DateTime<Utc>,
) -> Result<Vec<(SourceId, DateTime<Utc>, u64, u64)>, DbError> {
    let mut query = minute::Entity::find().filter(minute::Column::Minute.gte(since));
    if let Some(source) = source {
        query = query.filter(minute::Column::SourceId.eq(source.uuid()));
    }
    let rows = query.order_by_asc(minute::Column::Minute).limit(limits::ROWS_MAX).all(conn).await?;
    let read = |row: minute::Model| {
        let source = SourceId::from_uuid(row.source_id);
        (source, row.minute, uncount(row.events), uncount(row.dead))
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Returns the events of all sources since a moment, per minute and agency, the oldest first: a day of
/// a province is some ten thousand rows.
pub(super) async fn minutes_of_agencies(
    conn: &impl ConnectionTrait,
    since: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, AgencyId, u64)>, DbError> {
    use minute::Column;
    // PostgreSQL sums whole numbers into its NUMERIC.
    let events = Expr::col(Column::Events).sum().cast_as("bigint");
    let rows: Vec<(DateTime<Utc>, Uuid, i64)> = minute::Entity::find()
        .select_only()
        .column(Column::Minute)
        .column(Column::AgencyId)
        .column_as(events, "sum_events")
        .filter(Column::Minute.gte(since))
        .group_by(Column::Minute)
        .group_by(Column::AgencyId)
        .order_by_asc(Column::Minute)
        .into_tuple()
        .all(conn)
        .await?;
    let read = |(minute, agency, events)| (minute, AgencyId::from_uuid(agency), uncount(events));
    Ok(rows.into_iter().map(read).collect())
}

/// Writes healths over what stood there and adds counts to the minutes, all or nothing.
pub(super) async fn write(
    db: &Db,
    healths: &[(SourceId, Health)],
    minutes: &[Minute],
) -> Result<(), DbError> {
    let note = db.begin_bookkeeping().await?;
    let now = note.now();
    for chunk in healths.chunks(CHUNK) {
        let rows = chunk.iter().map(|(source, health)| row_of(*source, health, now));
        health::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::column(health::Column::SourceId)
                    .update_columns([
                        health::Column::LastEventAt,
                        health::Column::LastCollectedAt,
                        health::Column::LastPeer,
                        health::Column::Received,
                        health::Column::ReceivedBytes,
                        health::Column::Decoded,
                        health::Column::Noted,
                        health::Column::Undated,
                        health::Column::Dead,
                        health::Column::LastDeadAt,
                        health::Column::LastDeadCode,
                        health::Column::UpdatedAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(note.conn())
            .await?;
    }
    for chunk in minutes.chunks(CHUNK) {
        let rows: Vec<_> = chunk.iter().filter_map(minute_row).collect();
        let added =
            |column| Expr::col(("counter_minute", column)).add(Expr::col(("excluded", column)));
        minute::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([minute::Column::Minute, minute::Column::SourceId])
                    .value(minute::Column::Events, added("events"))
                    .value(minute::Column::Dead, added("dead"))
                    .to_owned(),
            )
            .exec_without_returning(note.conn())
            .await?;
    }
    let oldest = now - TimeDelta::days(limits::COUNTER_DAYS);
    minute::Entity::delete_many()
        .filter(minute::Column::Minute.lt(oldest))
        .exec(note.conn())
        .await?;
    note.commit().await
}

fn row_of(source: SourceId, health: &Health, now: DateTime<Utc>) -> health::ActiveModel {
    health::Model {
        source_id: source.uuid(),
        last_event_at: health.last_event_at,
        last_collected_at: health.last_collected_at,
        last_peer: health.last_peer.map(|peer| peer.to_string()),
        received: count(health.received),
        received_bytes: count(health.received_bytes),
        decoded: count(health.decoded),
        noted: count(health.noted),
        undated: count(health.undated),
        dead: count(health.dead),
        last_dead_at: health.last_dead_at,
        last_dead_code: health.last_dead_code.clone(),
        updated_at: now,
    }
    .into_active_model()
    .reset_all()
}

fn minute_row(row: &Minute) -> Option<minute::ActiveModel> {
    let model = minute::Model {
        minute: DateTime::from_timestamp(row.since_epoch.checked_mul(60)?, 0)?,
        source_id: row.source.uuid(),
        agency_id: row.agency.uuid(),
        events: count(row.events),
        dead: count(row.dead),
    };
    Some(model.into_active_model().reset_all())
}
