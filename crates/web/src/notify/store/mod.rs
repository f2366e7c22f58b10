//! The tables of notifications: `notice` here, deliveries and settings beside it.

pub(super) mod delivery;
pub(super) mod device;
pub(super) mod setup;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::DbError;
use event::{AccountId, AgencyId, Level, Severity};
use sea_orm::sea_query::{Expr, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, TryInsertResult,
};
use uuid::Uuid;

use super::model::{Kind, Notice};
use super::rows::notice::{self, Column};

impl notice::Model {
    /// Returns the notice; nothing when a later version made it.
    pub(super) fn notice(&self) -> Option<Notice> {
        Some(Notice {
            kind: Kind::from_word(&self.kind)?,
            key: self.key.clone(),
            number: self.number.clone(),
            severity: u8::try_from(self.severity).ok().and_then(Severity::from_number)?,
            level: u8::try_from(self.level).ok().and_then(Level::new),
            agency: self.agency_id.map(AgencyId::from_uuid),
            link: self.link.clone(),
            named: serde_json::from_value(self.named.clone()).unwrap_or_default(),
            except: self.except_id.map(AccountId::from_uuid),
        })
    }
}

/// Writes what there is to tell, once for each key; returns whether it was new.
pub(super) async fn insert(
    conn: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
    given: &Notice,
) -> Result<bool, DbError> {
    let named = given.named.iter().map(|account| account.uuid().to_string().into()).collect();
    let row = notice::Model {
        id,
        key: given.key.clone(),
        kind: given.kind.word().to_owned(),
        number: given.number.clone(),
        severity: i16::from(given.severity.number()),
        level: given.level.map_or(0, |level| i16::from(level.number())),
        agency_id: given.agency.map(AgencyId::uuid),
        link: given.link.clone(),
        named: serde_json::Value::Array(named),
        except_id: given.except.map(AccountId::uuid),
        raised_at: now,
        spread_at: None,
        settled_at: None,
    };
    let inserted = notice::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::Key).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(conn)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(count) if count > 0))
}

/// Notes that someone has taken it up: who would be told only otherwise is not.
pub(super) async fn settle(
    conn: &impl ConnectionTrait,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    notice::Entity::update_many()
        .col_expr(Column::SettledAt, Expr::value(Some(now)))
        .filter(Column::Key.is_in(keys))
        .filter(Column::SettledAt.is_null())
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns the oldest notices of which nobody has been told, kept from other nodes until the change
/// ends.
pub(super) async fn unspread(
    conn: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<notice::Model>, DbError> {
    let found = notice::Entity::find()
        .filter(Column::SpreadAt.is_null())
        .order_by_asc(Column::RaisedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    Ok(found.all(conn).await?)
}

/// Returns whether any notice waits to be spread.
pub(super) async fn has_unspread(conn: &impl ConnectionTrait) -> Result<bool, DbError> {
    let found = notice::Entity::find().filter(Column::SpreadAt.is_null()).limit(1);
    Ok(found.one(conn).await?.is_some())
}

pub(super) async fn set_spread(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    notice::Entity::update_many()
        .col_expr(Column::SpreadAt, Expr::value(Some(now)))
        .filter(Column::Id.is_in(ids))
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns these notices by id.
pub(super) async fn notices(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<BTreeMap<Uuid, notice::Model>, DbError> {
    let rows = notice::Entity::find().filter(Column::Id.is_in(ids)).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Forgets what was told before a moment, with its deliveries; returns how many.
pub(super) async fn forget(
    conn: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<u64, DbError> {
    let gone = notice::Entity::delete_many()
        .filter(Column::RaisedAt.lt(before))
        .filter(Column::SpreadAt.is_not_null())
        .exec(conn)
        .await?;
    Ok(gone.rows_affected)
}
