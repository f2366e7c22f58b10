//! One-time links: the first administrator, an invitation, a forgotten password.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use chrono::TimeDelta;
use db::{Actor, AuditEntry, Db, Subject, Tx};
use event::AccountId;
use event::fold::fold;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::rows::{account, invite};
use super::views::{InvitePage, Wrong};
use super::{Address, FIRST_RUN_LINK, Identity, form, secrets, store};
use crate::error::FieldErrors;
use crate::{AppError, Body, Path, Phrase, Reader, Role, Routes, View, done};

/// What a link is for.
pub(super) const FIRST_RUN: &str = "first-run";
/// What a link is for: an account that exists chooses its password.
pub(super) const JOIN: &str = "join";

/// Returns the one-time link that makes the first administrator, if there is no account yet; every
/// call makes a new link and takes the older ones back. `base` is the site's address without a
/// slash at its end.
///
/// # Errors
/// When the database does not answer.
pub async fn first_run_link(db: &Db, base: &str) -> Result<Option<String>, db::DbError> {
    if store::any_account(db.conn()).await? {
        return Ok(None);
    }
    let tx = db.begin().await?;
    store::withdraw_invites(tx.conn(), FIRST_RUN, None).await?;
    let token = put(&tx, db, FIRST_RUN, None, FIRST_RUN_LINK).await?;
    let subject = Subject::all("account");
    tx.commit(AuditEntry::new(
        Actor::Platform("first-run"),
        "identity.first-run-link",
        subject,
        json!({}),
    ))
    .await?;
    Ok(Some(format!("{base}/invite/{token}")))
}

/// Writes a link and returns its token.
pub(super) async fn put(
    tx: &Tx,
    db: &Db,
    purpose: &str,
    account: Option<Uuid>,
    works_for: TimeDelta,
) -> Result<String, db::DbError> {
    let token = secrets::token(db.ids());
    let row = invite::Model {
        token_hash: secrets::digest(&token),
        purpose: purpose.to_owned(),
        account_id: account,
        role: None,
        agency_id: None,
        created_at: tx.now(),
        expires_at: tx.now() + works_for,
        used_at: None,
    };
    store::insert_invite(tx.conn(), row).await?;
    Ok(token)
}

pub(super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .public_get("/invite/{token}", ask)
        .doc("Asks for the password of a new account")
        .public_post("/invite/{token}", join)
        .doc("Sets the password of a new account and signs in")
}

/// Returns a link that works, with its account if it has one.
async fn open(
    identity: &Identity,
    token: &str,
) -> Result<(invite::Model, Option<account::Model>), AppError> {
    let hash = secrets::digest(token);
    let found = store::open_invite(identity.db.conn(), &hash, identity.now()).await?;
    let invite = found.ok_or_else(|| AppError::Conflict(Phrase::key("identity-link-spent")))?;
    let account = match invite.account_id {
        Some(id) => store::account(identity.db.conn(), id).await?,
        None => None,
    };
    Ok((invite, account))
}

fn page(invite: &invite::Model, account: Option<&account::Model>, wrong: Wrong) -> InvitePage {
    InvitePage {
        first: invite.purpose == FIRST_RUN,
        login: account.map_or_else(String::new, |account| account.login.clone()),
        name: account.map_or_else(String::new, |account| account.name.clone()),
        wrong,
    }
}

async fn ask(
    State(identity): State<Identity>,
    Path(token): Path<String>,
) -> Result<View<InvitePage>, AppError> {
    let (invite, account) = open(&identity, &token).await?;
    Ok(View::new(page(&invite, account.as_ref(), Wrong::new())).plain())
}

async fn join(
    State(identity): State<Identity>,
    Path(token): Path<String>,
    reader: Reader,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::Join>,
) -> Result<Response, AppError> {
    let (invite, account) = open(&identity, &token).await?;
    let mut errors = FieldErrors::default();
    let login = account.as_ref().map_or(given.login.trim(), |account| account.login.as_str());
    form::check_password(&given.password, &given.again, login, &mut errors);
    if account.is_none() {
        form::check_login(login, &mut errors);
        form::check_name(&given.name, &mut errors);
    }
    if !errors.is_empty() {
        let mut again = page(&invite, account.as_ref(), errors.told(reader.lang));
        if account.is_none() {
            again.login.clone_from(&given.login);
            again.name.clone_from(&given.name);
        }
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(View::new(again).plain().status(status).into_response());
    }
    let hash = secrets::hash_password(identity.db.ids(), given.password.clone()).await?;
    let tx = identity.db.begin().await?;
    if !store::use_invite(tx.conn(), &invite.token_hash, tx.now()).await? {
        return Err(AppError::Conflict(Phrase::key("identity-link-spent")));
    }
    let mut row = match account {
        Some(account) => account,
        None if invite.purpose == FIRST_RUN => first(&tx, login, given.name.trim()).await?,
        None => return Err(AppError::Conflict(Phrase::key("identity-link-spent"))),
    };
    row.password_hash = Some(hash);
    row.last_sign_in_at = Some(tx.now());
    let (id, login, has_second_factor) = (row.id, row.login.clone(), row.totp_enabled);
    store::update_account(tx.conn(), row).await?;
    store::end_other_sessions(tx.conn(), id, "").await?;
    let cookie = identity.open_session(&tx, id, (address, &headers), false).await?;
    let actor = Actor::Account { id: AccountId::from_uuid(id), name: login, address: address.0 };
    let detail = json!({ "by": invite.purpose });
    let subject = Subject::new("account", id);
    tx.commit(AuditEntry::new(actor, "identity.set-password", subject, detail)).await?;
    if has_second_factor {
        // The link stands for the password alone: the code is asked for at the door.
        return Ok(done("/sign-in").notice(Phrase::key("identity-welcome-again")).into_response());
    }
    let to = done("/account/second-factor").notice(Phrase::key("identity-welcome"));
    Ok((CookieJar::new().add(cookie), to).into_response())
}

/// Makes the first administrator, unless there is an account by now.
async fn first(tx: &Tx, login: &str, name: &str) -> Result<account::Model, AppError> {
    if store::any_account(tx.conn()).await? {
        return Err(AppError::Conflict(Phrase::key("identity-link-spent")));
    }
    let row = fresh(tx, login, name, Role::Administrator);
    store::insert_account(tx.conn(), row.clone()).await?;
    Ok(row)
}

/// Returns the row of a new account without a password.
pub(super) fn fresh(tx: &Tx, login: &str, name: &str, role: Role) -> account::Model {
    account::Model {
        id: tx.new_uuid(),
        login: login.to_owned(),
        login_folded: fold(login),
        name: name.to_owned(),
        role: role.word().to_owned(),
        agency_id: None,
        password_hash: None,
        totp_secret: None,
        totp_enabled: false,
        disabled: false,
        failed_count: 0,
        locked_until: None,
        lang: crate::Lang::Vi.code().to_owned(),
        created_at: tx.now(),
        last_sign_in_at: None,
        totp_step: None,
        oidc_subject: None,
    }
}
