//! Reads and writes the tables of identity. An account's own rows need no agency scope: every
//! function takes the account (or the secret) they belong to.

use chrono::{DateTime, Utc};
use db::DbError;
use event::AccountId;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::rows::{account, api_token, invite, miss, recovery_code, session};

/// Most accounts listed: a province has some hundreds of people on this platform.
const ACCOUNTS_MAX: u64 = 2_000;
/// Most sessions and tokens listed per account.
const OWN_ROWS_MAX: u64 = 100;

pub(super) async fn any_account(conn: &impl ConnectionTrait) -> Result<bool, DbError> {
    Ok(account::Entity::find().count(conn).await? > 0)
}

pub(super) async fn account(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<account::Model>, DbError> {
    Ok(account::Entity::find_by_id(id).one(conn).await?)
}

pub(super) async fn account_by_login(
    conn: &impl ConnectionTrait,
    folded: &str,
) -> Result<Option<account::Model>, DbError> {
    let found = account::Entity::find().filter(account::Column::LoginFolded.eq(folded));
    Ok(found.one(conn).await?)
}

pub(super) async fn accounts(conn: &impl ConnectionTrait) -> Result<Vec<account::Model>, DbError> {
    let all = account::Entity::find()
        .order_by_asc(account::Column::Disabled)
        .order_by_asc(account::Column::Name)
        .limit(ACCOUNTS_MAX);
    Ok(all.all(conn).await?)
}

/// Counts the administrators who can sign in: the last one must stay.
pub(super) async fn administrators(conn: &impl ConnectionTrait) -> Result<u64, DbError> {
    let able = account::Entity::find()
        .filter(account::Column::Role.eq(crate::Role::Administrator.word()))
        .filter(account::Column::Disabled.eq(false));
    Ok(able.count(conn).await?)
}

pub(super) async fn insert_account(
    conn: &impl ConnectionTrait,
    row: account::Model,
) -> Result<(), DbError> {
    account::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

pub(super) async fn update_account(
    conn: &impl ConnectionTrait,
    row: account::Model,
) -> Result<(), DbError> {
    let changed = row.into_active_model().reset_all();
    account::Entity::update(changed).exec(conn).await?;
    Ok(())
}

pub(super) async fn insert_session(
    conn: &impl ConnectionTrait,
    row: session::Model,
) -> Result<(), DbError> {
    session::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

pub(super) async fn session_with_account(
    conn: &impl ConnectionTrait,
    id_hash: &str,
) -> Result<Option<(session::Model, account::Model)>, DbError> {
    let Some(session) = session::Entity::find_by_id(id_hash).one(conn).await? else {
        return Ok(None);
    };
    let account = account(conn, session.account_id).await?;
    Ok(account.map(|account| (session, account)))
}

pub(super) async fn touch_session(
    conn: &impl ConnectionTrait,
    id_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    session::Entity::update_many()
        .col_expr(session::Column::LastSeenAt, Expr::value(now))
        .filter(session::Column::IdHash.eq(id_hash))
        .exec(conn)
        .await?;
    Ok(())
}

pub(super) async fn sessions(
    conn: &impl ConnectionTrait,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<session::Model>, DbError> {
    let open = session::Entity::find()
        .filter(session::Column::AccountId.eq(account.uuid()))
        .filter(session::Column::ExpiresAt.gt(now))
        .order_by_desc(session::Column::LastSeenAt)
        .limit(OWN_ROWS_MAX);
    Ok(open.all(conn).await?)
}

/// Ends one session of an account; returns whether there was one.
pub(super) async fn end_session(
    conn: &impl ConnectionTrait,
    account: Uuid,
    id_hash: &str,
) -> Result<bool, DbError> {
    let ended = session::Entity::delete_many()
        .filter(session::Column::AccountId.eq(account))
        .filter(session::Column::IdHash.eq(id_hash))
        .exec(conn)
        .await?;
    Ok(ended.rows_affected > 0)
}

/// Ends all sessions of an account but one (none is kept for the empty hash).
pub(super) async fn end_other_sessions(
    conn: &impl ConnectionTrait,
    account: Uuid,
    kept: &str,
) -> Result<(), DbError> {
    session::Entity::delete_many()
        .filter(session::Column::AccountId.eq(account))
        .filter(session::Column::IdHash.ne(kept))
        .exec(conn)
        .await?;
    Ok(())
}

pub(super) async fn insert_invite(
    conn: &impl ConnectionTrait,
    row: invite::Model,
) -> Result<(), DbError> {
    invite::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Takes back the unused links of a purpose (and account), so that only the newest works.
pub(super) async fn withdraw_invites(
    conn: &impl ConnectionTrait,
    purpose: &str,
    account: Option<Uuid>,
) -> Result<(), DbError> {
    let mut withdrawn = invite::Entity::delete_many()
        .filter(invite::Column::Purpose.eq(purpose))
        .filter(invite::Column::UsedAt.is_null());
    if let Some(account) = account {
        withdrawn = withdrawn.filter(invite::Column::AccountId.eq(account));
    }
    withdrawn.exec(conn).await?;
    Ok(())
}

/// Returns a link that still works.
pub(super) async fn open_invite(
    conn: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<invite::Model>, DbError> {
    let found = invite::Entity::find_by_id(token_hash)
        .filter(invite::Column::UsedAt.is_null())
        .filter(invite::Column::ExpiresAt.gt(now));
    Ok(found.one(conn).await?)
}

/// Uses a link up; returns whether it still worked: of two that come at once, one wins.
pub(super) async fn use_invite(
    conn: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let used = invite::Entity::update_many()
        .col_expr(invite::Column::UsedAt, Expr::value(Some(now)))
        .filter(invite::Column::TokenHash.eq(token_hash))
        .filter(invite::Column::UsedAt.is_null())
        .filter(invite::Column::ExpiresAt.gt(now))
        .exec(conn)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Puts new recovery codes in the place of all old ones.
pub(super) async fn replace_recovery_codes(
    conn: &impl ConnectionTrait,
    account: Uuid,
    rows: Vec<recovery_code::Model>,
) -> Result<(), DbError> {
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::AccountId.eq(account))
        .exec(conn)
        .await?;
    for row in rows {
        recovery_code::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    }
    Ok(())
}

/// Uses a recovery code up; returns whether it was one.
pub(super) async fn use_recovery_code(
    conn: &impl ConnectionTrait,
    account: Uuid,
    code_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let used = recovery_code::Entity::update_many()
        .col_expr(recovery_code::Column::UsedAt, Expr::value(Some(now)))
        .filter(recovery_code::Column::AccountId.eq(account))
        .filter(recovery_code::Column::CodeHash.eq(code_hash))
        .filter(recovery_code::Column::UsedAt.is_null())
        .exec(conn)
        .await?;
    Ok(used.rows_affected > 0)
}

pub(super) async fn insert_token(
    conn: &impl ConnectionTrait,
    row: api_token::Model,
) -> Result<(), DbError> {
    api_token::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

pub(super) async fn tokens(
    conn: &impl ConnectionTrait,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<api_token::Model>, DbError> {
    let open = api_token::Entity::find()
        .filter(api_token::Column::AccountId.eq(account.uuid()))
        .filter(api_token::Column::RevokedAt.is_null())
        .filter(api_token::Column::ExpiresAt.gt(now))
        .order_by_asc(api_token::Column::CreatedAt)
        .limit(OWN_ROWS_MAX);
    Ok(open.all(conn).await?)
}

/// Returns a token that works, with its account.
pub(super) async fn token_with_account(
    conn: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(api_token::Model, account::Model)>, DbError> {
    let found = api_token::Entity::find_by_id(token_hash)
        .filter(api_token::Column::RevokedAt.is_null())
        .one(conn)
        .await?;
    match found {
        Some(token) if token.expires_at.is_none_or(|end| end > now) => {
            let account = account(conn, token.account_id).await?;
            Ok(account.map(|account| (token, account)))
        }
        _ => Ok(None),
    }
}

/// Notes that a token was used.
pub(super) async fn touch_token(
    conn: &impl ConnectionTrait,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    api_token::Entity::update_many()
        .col_expr(api_token::Column::LastUsedAt, Expr::value(Some(now)))
        .filter(api_token::Column::TokenHash.eq(token_hash))
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns an account's token that is not taken back.
pub(super) async fn token(
    conn: &impl ConnectionTrait,
    owner: AccountId,
    id: Uuid,
) -> Result<Option<api_token::Model>, DbError> {
    let found = api_token::Entity::find()
        .filter(api_token::Column::AccountId.eq(owner.uuid()))
        .filter(api_token::Column::Id.eq(id))
        .filter(api_token::Column::RevokedAt.is_null());
    Ok(found.one(conn).await?)
}

/// Lets a token end at a moment.
pub(super) async fn end_token_at(
    conn: &impl ConnectionTrait,
    id: Uuid,
    end: DateTime<Utc>,
) -> Result<(), DbError> {
    api_token::Entity::update_many()
        .col_expr(api_token::Column::ExpiresAt, Expr::value(Some(end)))
        .filter(api_token::Column::Id.eq(id))
        .exec(conn)
        .await?;
    Ok(())
}

/// Takes a token back; returns whether the account had it.
pub(super) async fn revoke_token(
    conn: &impl ConnectionTrait,
    owner: AccountId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let revoked = api_token::Entity::update_many()
        .col_expr(api_token::Column::RevokedAt, Expr::value(Some(now)))
        .filter(api_token::Column::AccountId.eq(owner.uuid()))
        .filter(api_token::Column::Id.eq(id))
        .filter(api_token::Column::RevokedAt.is_null())
        .exec(conn)
        .await?;
    Ok(revoked.rows_affected > 0)
}

/// Returns how often a thing was missed, and when last.
pub(super) async fn misses(
    conn: &impl ConnectionTrait,
    key: &str,
) -> Result<Option<(i32, DateTime<Utc>)>, DbError> {
    let found = miss::Entity::find_by_id(key).one(conn).await?;
    Ok(found.map(|row| (row.count, row.last_at)))
}

/// Counts one more miss.
pub(super) async fn add_miss(
    conn: &impl ConnectionTrait,
    key: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = miss::Model { key: key.to_owned(), count: 1, last_at: now };
    let again = OnConflict::column(miss::Column::Key)
        .value(miss::Column::Count, Expr::col((miss::Entity, miss::Column::Count)).add(1))
        .update_column(miss::Column::LastAt)
        .to_owned();
    miss::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Forgets the misses of one thing.
pub(super) async fn forget_misses(conn: &impl ConnectionTrait, key: &str) -> Result<(), DbError> {
    miss::Entity::delete_by_id(key).exec(conn).await?;
    Ok(())
}

/// Forgets misses that are old.
pub(super) async fn forget_misses_before(
    conn: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<(), DbError> {
    miss::Entity::delete_many().filter(miss::Column::LastAt.lt(before)).exec(conn).await?;
    Ok(())
}

/// Takes a code's time step if it was not used before; returns whether it was fresh.
pub(super) async fn take_step(
    conn: &impl ConnectionTrait,
    account: Uuid,
    step: i64,
) -> Result<bool, DbError> {
    let fresh = Condition::any()
        .add(account::Column::TotpStep.is_null())
        .add(account::Column::TotpStep.lt(step));
    let taken = account::Entity::update_many()
        .col_expr(account::Column::TotpStep, Expr::value(Some(step)))
        .filter(account::Column::Id.eq(account))
        .filter(fresh)
        .exec(conn)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Notes that a session passed a second factor.
pub(super) async fn session_passed(
    conn: &impl ConnectionTrait,
    id_hash: &str,
) -> Result<(), DbError> {
    session::Entity::update_many()
        .col_expr(session::Column::SecondFactor, Expr::value(true))
        .filter(session::Column::IdHash.eq(id_hash))
        .exec(conn)
        .await?;
    Ok(())
}
