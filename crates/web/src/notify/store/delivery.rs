//! The table `notice_delivery`: one row for each notice, person and channel.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use event::AccountId;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, TryInsertResult,
};
use uuid::Uuid;

use super::super::model::{Channel, State};
use super::super::rows::delivery::{Column, Entity, Model};
use super::super::rows::notice;
use crate::paging::Page;

/// Writes a delivery unless the person is told of the notice by this channel already.
pub(in super::super) async fn insert(
    conn: &impl ConnectionTrait,
    row: Model,
) -> Result<bool, DbError> {
    let twice = [Column::NoticeId, Column::AccountId, Column::Channel];
    let inserted = Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(twice).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(conn)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(count) if count > 0))
}

fn is_due(channel: Channel, now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(Column::Channel.eq(channel.word()))
        .add(Column::State.eq(State::Waiting.word()))
        .add(Column::DueAt.lte(now))
}

/// Returns what is due on a channel, the longest due first.
pub(in super::super) async fn due(
    conn: &impl ConnectionTrait,
    channel: Channel,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Model>, DbError> {
    let found = Entity::find()
        .filter(is_due(channel, now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(found.all(conn).await?)
}

/// Lets the bells ring that are due, by the moment they were due.
pub(in super::super) async fn ring(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let rung = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Sent.word()))
        .col_expr(Column::SentAt, Expr::value(Some(now)))
        .filter(is_due(Channel::App, now))
        .exec(conn)
        .await?;
    Ok(rung.rows_affected)
}

/// Takes back what was only for the case that nobody took it up.
pub(in super::super) async fn withhold_settled(
    conn: &impl ConnectionTrait,
) -> Result<u64, DbError> {
    let settled = Query::select()
        .column(notice::Column::Id)
        .from(notice::Entity)
        .and_where(Expr::col(notice::Column::SettledAt).is_not_null())
        .to_owned();
    let withheld = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Withheld.word()))
        .filter(Column::State.eq(State::Waiting.word()))
        .filter(Column::AfterMin.gt(0))
        .filter(Column::NoticeId.in_subquery(settled))
        .exec(conn)
        .await?;
    Ok(withheld.rows_affected)
}

/// Gives up what was tried in vain until its time was over.
pub(in super::super) async fn give_up(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<u64, DbError> {
    let given_up = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Failed.word()))
        .filter(Column::State.eq(State::Waiting.word()))
        .filter(Column::Attempts.gt(0))
        .filter(Column::GiveUpAt.lte(now))
        .exec(conn)
        .await?;
    Ok(given_up.rows_affected)
}

/// Withholds deliveries that lead nowhere.
pub(in super::super) async fn withhold(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    why: &str,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Withheld.word()))
        .col_expr(Column::Error, Expr::value(why))
        .filter(Column::Id.is_in(ids))
        .exec(conn)
        .await?;
    Ok(())
}

/// Puts deliveries off.
pub(in super::super) async fn put_off(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::Id.is_in(ids))
        .exec(conn)
        .await?;
    Ok(())
}

/// Puts deliveries into one message, before it is tried for the first time.
pub(in super::super) async fn begin(
    conn: &impl ConnectionTrait,
    ids: Vec<Uuid>,
    message: Uuid,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::MessageId, Expr::value(Some(message)))
        .filter(Column::Id.is_in(ids))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that a message was taken over.
pub(in super::super) async fn sent(
    conn: &impl ConnectionTrait,
    message: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Sent.word()))
        .col_expr(Column::SentAt, Expr::value(Some(now)))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::Error, Expr::value(""))
        .filter(Column::MessageId.eq(message))
        .filter(Column::State.eq(State::Waiting.word()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that a message was not taken everywhere: it is tried again as the same.
pub(in super::super) async fn again_as_same(
    conn: &impl ConnectionTrait,
    message: Uuid,
    (again_at, why): (DateTime<Utc>, &str),
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::DueAt, Expr::value(again_at))
        .col_expr(Column::Error, Expr::value(why))
        .filter(Column::MessageId.eq(message))
        .filter(Column::State.eq(State::Waiting.word()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that a message was surely not taken over: its deliveries may be put together anew.
pub(in super::super) async fn refused(
    conn: &impl ConnectionTrait,
    message: Uuid,
    (again_at, why): (DateTime<Utc>, &str),
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::DueAt, Expr::value(again_at))
        .col_expr(Column::MessageId, Expr::value(None::<Uuid>))
        .col_expr(Column::Error, Expr::value(why))
        .filter(Column::MessageId.eq(message))
        .filter(Column::State.eq(State::Waiting.word()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that everything due on a channel was tried in vain; `dissolved` names a message that was surely
/// not taken over.
pub(in super::super) async fn channel_down(
    conn: &impl ConnectionTrait,
    channel: Channel,
    (now, why): (DateTime<Utc>, &str),
    dissolved: Option<Uuid>,
) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::Error, Expr::value(why))
        .filter(is_due(channel, now))
        .exec(conn)
        .await?;
    if let Some(message) = dissolved {
        Entity::update_many()
            .col_expr(Column::MessageId, Expr::value(None::<Uuid>))
            .filter(Column::MessageId.eq(message))
            .filter(Column::State.eq(State::Waiting.word()))
            .exec(conn)
            .await?;
    }
    Ok(())
}

/// Returns when each message of the last hour went to someone by a channel.
pub(in super::super) async fn recent(
    conn: &impl ConnectionTrait,
    account: Uuid,
    channel: Channel,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, DbError> {
    let rows = Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::Channel.eq(channel.word()))
        .filter(Column::State.eq(State::Sent.word()))
        .filter(Column::SentAt.gt(since))
        .all(conn)
        .await?;
    let messages: BTreeMap<Uuid, DateTime<Utc>> =
        rows.into_iter().filter_map(|row| Some((row.message_id?, row.sent_at?))).collect();
    Ok(messages.into_values().collect())
}

fn bell(account: AccountId) -> Condition {
    Condition::all()
        .add(Column::AccountId.eq(account.uuid()))
        .add(Column::Channel.eq(Channel::App.word()))
        .add(Column::State.eq(State::Sent.word()))
}

/// Unread notices that the bell counts; it then shows `99+`.
const UNREAD_COUNTED_MAX: u64 = 100;

/// Returns how many notices someone has not read, counted up to [`UNREAD_COUNTED_MAX`]: every page shows it.
pub(in super::super) async fn unread(
    conn: &impl ConnectionTrait,
    account: AccountId,
) -> Result<u64, DbError> {
    let found = Entity::find().filter(bell(account)).filter(Column::ReadAt.is_null());
    Ok(db::counted(conn, found, Column::Id, UNREAD_COUNTED_MAX).await?)
}

/// Returns a page of what rang someone's bell, the newest first, and how many there are.
pub(in super::super) async fn rung(
    conn: &impl ConnectionTrait,
    account: AccountId,
    only_unread: bool,
    page: Page,
) -> Result<(Vec<Model>, u64), DbError> {
    let mut found = Entity::find().filter(bell(account));
    if only_unread {
        found = found.filter(Column::ReadAt.is_null());
    }
    let total = found.clone().count(conn).await?;
    let rows = found.order_by_desc(Column::MadeAt).order_by_desc(Column::Id);
    Ok((rows.offset(page.offset()).limit(page.limit()).all(conn).await?, total))
}

/// Notes that someone has read a notice, or all of them; returns whether they were told of it at all.
pub(in super::super) async fn read(
    conn: &impl ConnectionTrait,
    account: AccountId,
    notice: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut update = Entity::update_many()
        .col_expr(Column::ReadAt, Expr::value(Some(now)))
        .filter(bell(account))
        .filter(Column::ReadAt.is_null());
    if let Some(notice) = notice {
        update = update.filter(Column::NoticeId.eq(notice));
    }
    update.exec(conn).await?;
    Ok(())
}

/// Returns whether a notice was for someone, by any channel.
pub(in super::super) async fn is_for(
    conn: &impl ConnectionTrait,
    account: AccountId,
    notice: Uuid,
) -> Result<bool, DbError> {
    let found = Entity::find()
        .filter(Column::AccountId.eq(account.uuid()))
        .filter(Column::NoticeId.eq(notice));
    Ok(found.count(conn).await? > 0)
}

/// Returns a page of what waits or was given up, the given up first, and how many there are.
pub(in super::super) async fn queue(
    conn: &impl ConnectionTrait,
    page: Page,
) -> Result<(Vec<Model>, u64), DbError> {
    let open = Column::State.is_in([State::Waiting.word(), State::Failed.word()]);
    let found = Entity::find().filter(open).filter(Column::Channel.ne(Channel::App.word()));
    let total = found.clone().count(conn).await?;
    let rows = found.order_by_asc(Column::State).order_by_asc(Column::DueAt);
    Ok((rows.offset(page.offset()).limit(page.limit()).all(conn).await?, total))
}

/// Returns how many deliveries of a channel are in a state.
pub(in super::super) async fn count(
    conn: &impl ConnectionTrait,
    channel: Channel,
    state: State,
) -> Result<u64, DbError> {
    let found = Entity::find()
        .filter(Column::Channel.eq(channel.word()))
        .filter(Column::State.eq(state.word()));
    Ok(found.count(conn).await?)
}

/// Sends what was given up through the queue again: one delivery, or all of a channel; returns how many.
pub(in super::super) async fn again(
    conn: &impl ConnectionTrait,
    which: Again,
    (now, give_up): (DateTime<Utc>, TimeDelta),
) -> Result<u64, DbError> {
    let mut update = Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Waiting.word()))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::GiveUpAt, Expr::value(now + give_up))
        .col_expr(Column::Attempts, Expr::value(0))
        .filter(Column::State.eq(State::Failed.word()));
    update = match which {
        Again::One(id) => update.filter(Column::Id.eq(id)),
        Again::Channel(channel) => update.filter(Column::Channel.eq(channel.word())),
    };
    Ok(update.exec(conn).await?.rows_affected)
}

/// What is sent again.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Again {
    One(Uuid),
    Channel(Channel),
}

/// Returns whether there is such a delivery.
pub(in super::super) async fn exists(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<bool, DbError> {
    Ok(Entity::find_by_id(id).one(conn).await?.is_some())
}
