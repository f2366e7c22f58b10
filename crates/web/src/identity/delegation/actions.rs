//! Giving, taking back and acting on delegations.

use chrono::{DateTime, TimeDelta, Utc};
use db::{AuditEntry, Subject};
use event::AccountId;
use http::HeaderMap;
use serde_json::json;
use uuid::Uuid;

use super::super::rows::{account, delegation};
use super::super::{Address, Identity, Person, people, store as accounts};
use super::routes::Given;
use super::store;
use crate::error::FieldErrors;
use crate::notify::{self, Kind, Notice};
use crate::{AppError, Phrase, Role, Who};

/// Longest delegation: a longer absence is a change of post.
pub(super) const DAYS_MAX: i64 = 90;
/// Longest reason.
const REASON_CHARS_MAX: usize = 300;
/// Vietnam's clock: a day that is typed ends at its midnight.
const OFFSET: TimeDelta = TimeDelta::hours(7);

/// Returns whether a role may be stood in for. Administrators appoint another administrator; programs
/// have tokens.
pub(super) const fn can_be_lent(role: Role) -> bool {
    role.signs_in() && !matches!(role, Role::Administrator)
}

/// Returns the people someone may choose from: of their own part of the tree, or of the province.
pub(super) async fn candidates(identity: &Identity, who: &Who) -> Result<Vec<Person>, AppError> {
    let near = |person: &Person| match (who.scope.visible(), person.agency) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(agency)) => who.scope.sees(agency),
    };
    let all = people(&identity.db).await?;
    Ok(all
        .into_iter()
        .filter(|person| person.active && person.role.signs_in() && person.account != who.account)
        .filter(near)
        .collect())
}

/// Lends one's role to another.
pub(super) async fn give(
    identity: &Identity,
    who: &Who,
    address: Address,
    given: &Given,
) -> Result<(), AppError> {
    who.proven()?;
    if who.acting_for.is_some() || !can_be_lent(who.role) {
        return Err(AppError::Conflict(Phrase::key("delegation-not-yours")));
    }
    let now = identity.now();
    let mut errors = FieldErrors::default();
    let to = given.to.filter(|to| to.account_id() != who.account);
    let known = candidates(identity, who).await?;
    let to = to.filter(|to| known.iter().any(|person| person.account == to.account_id()));
    if to.is_none() {
        errors.add("to", Phrase::key("delegation-choose"));
    }
    let reason = given.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        errors.add("reason", Phrase::key("delegation-reason-needed"));
    }
    let ends_at = given.until.and_then(end_of);
    let ends_at = ends_at.filter(|end| *end > now && *end <= now + TimeDelta::days(DAYS_MAX + 1));
    if ends_at.is_none() {
        errors.add("until", Phrase::key("delegation-until-unfit").arg("count", DAYS_MAX));
    }
    let (Some(to), Some(ends_at), true) = (to, ends_at, errors.is_empty()) else {
        return Err(AppError::Invalid(errors));
    };
    let tx = identity.db.begin().await?;
    let row = delegation::Model {
        id: tx.new_uuid(),
        from_account: who.account.uuid(),
        to_account: to.account_id().uuid(),
        reason: reason.to_owned(),
        starts_at: now,
        ends_at,
        created_at: now,
        revoked_at: None,
    };
    let detail = json!({
        "to": row.to_account, "role": who.role, "until": row.ends_at, "reason": row.reason,
    });
    let entry = entry(who, address, "delegation.give", row.id, detail);
    let about = row.id.to_string();
    let notice =
        Notice::new(Kind::DelegationGiven, &about, "/delegations").to(Some(to.account_id()));
    notify::raise(tx.conn(), &identity.db, &[notice]).await?;
    store::insert(tx.conn(), row).await?;
    Ok(tx.commit(entry).await?)
}

/// Returns the last moment of a day in Vietnam.
fn end_of(day: chrono::NaiveDate) -> Option<DateTime<Utc>> {
    let midnight = day.succ_opt()?.and_hms_opt(0, 0, 0)?.and_utc();
    midnight.checked_sub_signed(OFFSET)
}

/// Takes a delegation back.
pub(super) async fn revoke(
    identity: &Identity,
    who: &Who,
    address: Address,
    id: Uuid,
) -> Result<(), AppError> {
    let tx = identity.db.begin().await?;
    let now = tx.now();
    if !store::revoke(tx.conn(), who.account, id, now).await? {
        return Err(AppError::NotFound);
    }
    Ok(tx.commit(entry(who, address, "delegation.revoke", id, json!({}))).await?)
}

/// Begins to act on a delegation in this session.
pub(super) async fn begin(
    identity: &Identity,
    who: &Who,
    from: (Address, &HeaderMap),
    id: Uuid,
) -> Result<(), AppError> {
    let found = lender(identity, who.account, id).await?;
    let lender = found.ok_or(AppError::NotFound)?;
    let (address, headers) = from;
    let session = identity.session_hash(headers).ok_or(AppError::NotSignedIn)?;
    let tx = identity.db.begin().await?;
    store::act(tx.conn(), &session, Some(id)).await?;
    let detail = json!({ "for": lender.id, "name": lender.name });
    Ok(tx.commit(entry(who, address, "delegation.begin", id, detail)).await?)
}

/// Acts for oneself again.
pub(super) async fn end(
    identity: &Identity,
    who: &Who,
    from: (Address, &HeaderMap),
) -> Result<(), AppError> {
    let (address, headers) = from;
    let session = identity.session_hash(headers).ok_or(AppError::NotSignedIn)?;
    let tx = identity.db.begin().await?;
    store::act(tx.conn(), &session, None).await?;
    let subject = Subject::new("account", who.account);
    let entry = AuditEntry::new(who.actor(address), "delegation.end", subject, json!({}));
    Ok(tx.commit(entry).await?)
}

/// Returns the account whose place a visitor may take by a delegation, if it holds.
pub(in super::super) async fn in_force(
    identity: &Identity,
    who: &Who,
    id: Uuid,
) -> Result<Option<account::Model>, AppError> {
    lender(identity, who.account, id).await
}

async fn lender(
    identity: &Identity,
    to: AccountId,
    id: Uuid,
) -> Result<Option<account::Model>, AppError> {
    let conn = identity.db.conn();
    let Some(row) = store::in_force(conn, to, id, identity.now()).await? else { return Ok(None) };
    let lender = accounts::account(conn, row.from_account).await?;
    Ok(lender.filter(|lender| {
        !lender.disabled && Role::from_word(&lender.role).is_some_and(can_be_lent)
    }))
}

fn entry(
    who: &Who,
    address: Address,
    action: &str,
    id: Uuid,
    detail: serde_json::Value,
) -> AuditEntry {
    AuditEntry::new(who.actor(address), action, Subject::new("delegation", id), detail)
}
