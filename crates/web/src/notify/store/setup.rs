//! What people want, who is told by rule, and how the channels do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use event::Severity;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
};
use serde_json::json;
use uuid::Uuid;

use super::super::model::{self, Audience, Channel, Kind, Rule, channel_wait};
use super::super::preference::Preference;
use super::super::rows::{channel, preference, rule};
use crate::Lang;

/// Returns what people want; whoever said nothing is left out.
pub(in super::super) async fn preferences(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<Uuid, Preference>, DbError> {
    let rows = preference::Entity::find().all(conn).await?;
    let mut wants: BTreeMap<Uuid, Preference> =
        rows.into_iter().map(|row| (row.account_id, wanted(row))).collect();
    // Whoever subscribed a browser said enough.
    for account in super::device::owners(conn).await? {
        wants.entry(account).or_default().push = account.to_string();
    }
    Ok(wants)
}

/// Returns what one person wants, if they said so.
pub(in super::super) async fn preference(
    conn: &impl ConnectionTrait,
    account: Uuid,
) -> Result<Option<Preference>, DbError> {
    Ok(preference::Entity::find_by_id(account).one(conn).await?.map(wanted))
}

fn wanted(row: preference::Model) -> Preference {
    let muted: BTreeSet<String> = serde_json::from_value(row.muted).unwrap_or_default();
    Preference {
        lang: Lang::from_code(&row.lang).unwrap_or_default(),
        email: row.email,
        phone: row.phone,
        zalo: row.zalo,
        push: String::new(),
        muted,
        quiet: (
            u16::try_from(row.quiet_from).unwrap_or_default(),
            u16::try_from(row.quiet_to).unwrap_or_default(),
        ),
    }
}

/// Keeps what someone wants.
pub(in super::super) async fn keep_preference(
    conn: &impl ConnectionTrait,
    account: Uuid,
    given: &Preference,
) -> Result<(), DbError> {
    let minutes = |minutes: u16| i16::try_from(minutes).unwrap_or_default();
    let row = preference::Model {
        account_id: account,
        lang: given.lang.code().to_owned(),
        email: given.email.clone(),
        phone: given.phone.clone(),
        zalo: given.zalo.clone(),
        muted: json!(given.muted),
        quiet_from: minutes(given.quiet.0),
        quiet_to: minutes(given.quiet.1),
    };
    let changed = [
        preference::Column::Lang,
        preference::Column::Email,
        preference::Column::Phone,
        preference::Column::Zalo,
        preference::Column::Muted,
        preference::Column::QuietFrom,
        preference::Column::QuietTo,
    ];
    preference::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(preference::Column::AccountId).update_columns(changed).to_owned(),
        )
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

fn read(row: rule::Model) -> Option<Rule> {
    Some(Rule {
        kind: Kind::from_word(&row.kind)?,
        severity_min: u8::try_from(row.severity_min).ok().and_then(Severity::from_number)?,
        level_min: u8::try_from(row.level_min).ok()?,
        audience: Audience::from_word(&row.audience)?,
        chain: row.place == "chain",
        channels: model::channels(&row.channels),
        after_min: std::cmp::max(row.after_min, 0),
        is_on: row.is_on != 0,
        id: row.id,
    })
}

/// Returns the rules; one of a later version is left out.
pub(in super::super) async fn rules(conn: &impl ConnectionTrait) -> Result<Vec<Rule>, DbError> {
    let rows = rule::Entity::find().order_by_asc(rule::Column::Id).all(conn).await?;
    let mut rules: Vec<Rule> = rows.into_iter().filter_map(read).collect();
    rules.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
    Ok(rules)
}

/// Writes a rule, a new one or in place of the one with its id.
pub(in super::super) async fn put_rule(
    conn: &impl ConnectionTrait,
    given: &Rule,
) -> Result<(), DbError> {
    let words: Vec<&str> = given.channels.iter().map(|channel| channel.word()).collect();
    let row = rule::Model {
        id: given.id.clone(),
        kind: given.kind.word().to_owned(),
        severity_min: i16::from(given.severity_min.number()),
        level_min: i16::from(given.level_min),
        audience: given.audience.word().to_owned(),
        place: if given.chain { "chain" } else { "own" }.to_owned(),
        channels: words.join(","),
        after_min: given.after_min,
        is_on: i16::from(given.is_on),
    };
    let changed = [
        rule::Column::Kind,
        rule::Column::SeverityMin,
        rule::Column::LevelMin,
        rule::Column::Audience,
        rule::Column::Place,
        rule::Column::Channels,
        rule::Column::AfterMin,
        rule::Column::IsOn,
    ];
    rule::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(rule::Column::Id).update_columns(changed).to_owned())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Takes a rule away; returns whether it was there.
pub(in super::super) async fn drop_rule(
    conn: &impl ConnectionTrait,
    id: &str,
) -> Result<bool, DbError> {
    Ok(rule::Entity::delete_by_id(id).exec(conn).await?.rows_affected == 1)
}

/// Returns how the channels do, by name.
pub(in super::super) async fn channels(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<String, channel::Model>, DbError> {
    let rows = channel::Entity::find().all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
}

/// Takes a channel for this node, unless another has it or it rests; returns whether it has it now.
pub(in super::super) async fn take(
    conn: &impl ConnectionTrait,
    channel: Channel,
    holder: &str,
    (now, lease): (DateTime<Utc>, TimeDelta),
) -> Result<bool, DbError> {
    let free = Condition::any()
        .add(channel::Column::Holder.eq(holder))
        .add(channel::Column::LeaseUntil.is_null())
        .add(channel::Column::LeaseUntil.lt(now));
    let awake = Condition::any()
        .add(channel::Column::NextAt.is_null())
        .add(channel::Column::NextAt.lte(now));
    let taken = channel::Entity::update_many()
        .col_expr(channel::Column::Holder, Expr::value(holder))
        .col_expr(channel::Column::LeaseUntil, Expr::value(Some(now + lease)))
        .filter(channel::Column::Name.eq(channel.word()))
        .filter(free)
        .filter(awake)
        .exec(conn)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Frees all channels: after a start on a database that no other node shares.
pub(in super::super) async fn release_all(conn: &impl ConnectionTrait) -> Result<(), DbError> {
    channel::Entity::update_many()
        .col_expr(channel::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that a channel works.
pub(in super::super) async fn works(
    conn: &impl ConnectionTrait,
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    channel::Entity::update_many()
        .col_expr(channel::Column::Failures, Expr::value(0))
        .col_expr(channel::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
        .col_expr(channel::Column::NextAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(channel::Column::LastOkAt, Expr::value(Some(now)))
        .filter(channel::Column::Name.eq(channel.word()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Notes that a channel failed and rests; the waits grow.
pub(in super::super) async fn failed(
    conn: &impl ConnectionTrait,
    channel: Channel,
    (now, why): (DateTime<Utc>, &str),
) -> Result<(), DbError> {
    let found = channel::Entity::find_by_id(channel.word()).one(conn).await?;
    let failures = found.as_ref().map_or(1, |row| row.failures.saturating_add(1));
    let since = found.and_then(|row| row.failing_since).unwrap_or(now);
    channel::Entity::update_many()
        .col_expr(channel::Column::Failures, Expr::value(failures))
        .col_expr(channel::Column::FailingSince, Expr::value(Some(since)))
        .col_expr(channel::Column::NextAt, Expr::value(Some(now + channel_wait(failures))))
        .col_expr(channel::Column::LastError, Expr::value(why))
        .filter(channel::Column::Name.eq(channel.word()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Wakes a channel: someone wants it tried now.
pub(in super::super) async fn wake(
    conn: &impl ConnectionTrait,
    channel: Channel,
) -> Result<(), DbError> {
    channel::Entity::update_many()
        .col_expr(channel::Column::NextAt, Expr::value(None::<DateTime<Utc>>))
        .filter(channel::Column::Name.eq(channel.word()))
        .exec(conn)
        .await?;
    Ok(())
}
