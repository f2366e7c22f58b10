//! Signing in and out.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Actor, AuditEntry, Subject};
use event::fold::fold;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::rows::account;
use super::views::{CodePage, SignInPage};
use super::{Address, Identity, form, secrets, store, totp};
use crate::preferences::local;
use crate::{AppError, Body, Done, Phrase, Query, Reader, Routes, View, Who, done};

/// The cookie between password and code.
const PENDING_COOKIE: &str = "pending";
/// How long someone may look for their phone.
const PENDING_FOR: TimeDelta = TimeDelta::minutes(5);
/// Most people between password and code.
const PENDING_MAX: usize = 1_000;

/// People between password and code, and the last code each account used.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pending: Mutex<BTreeMap<String, Pending>>,
    used_steps: Mutex<BTreeMap<Uuid, u64>>,
}

#[derive(Debug, Clone)]
struct Pending {
    account: Uuid,
    next: String,
    until: DateTime<Utc>,
}

impl Waiting {
    fn put(&self, hash: String, pending: Pending, now: DateTime<Utc>) {
        let mut all = self.pending.lock();
        all.retain(|_, pending| pending.until > now);
        if all.len() < PENDING_MAX {
            all.insert(hash, pending);
        }
    }

    fn get(&self, hash: &str, now: DateTime<Utc>) -> Option<Pending> {
        self.pending.lock().get(hash).filter(|pending| pending.until > now).cloned()
    }

    fn forget(&self, hash: &str) {
        self.pending.lock().remove(hash);
    }

    /// Takes a code's time step if it was not used before: a code seen over a shoulder is worthless.
    pub(super) fn take_step(&self, account: Uuid, step: u64) -> bool {
        let mut used = self.used_steps.lock();
        let fresh = used.get(&account).is_none_or(|last| *last < step);
        if fresh {
            used.insert(account, step);
        }
        fresh
    }
}

pub(super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .public_get("/sign-in", ask)
        .doc("Asks for sign-in name and password")
        .public_post("/sign-in", sign_in)
        .doc("Signs in")
        .public_get("/sign-in/code", ask_code)
        .doc("Asks for the second factor")
        .public_post("/sign-in/code", check_code)
        .doc("Checks the second factor")
        .own_post("/sign-out", sign_out)
        .doc("Signs out")
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn ask(reader: Reader, Query(query): Query<Next>) -> Response {
    let next = local(&query.next.unwrap_or_default());
    if reader.who.is_some() {
        return done(next).into_response();
    }
    View::new(SignInPage { next, ..SignInPage::default() }).plain().into_response()
}

async fn sign_in(
    State(identity): State<Identity>,
    reader: Reader,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::SignIn>,
) -> Result<Response, AppError> {
    let folded = fold(given.login.trim());
    let now = identity.now();
    let again = |status: StatusCode, why: Phrase| {
        let page = SignInPage {
            login: given.login.clone(),
            next: given.next.clone(),
            wrong: Some(why.text(reader.lang)),
        };
        Ok(View::new(page).plain().status(status).into_response())
    };
    if let Some(wait_s) = identity.throttle.wait_s(&folded, address.0, now) {
        let why = Phrase::key("identity-wait").arg("seconds", wait_s);
        return again(StatusCode::TOO_MANY_REQUESTS, why);
    }
    let found = store::account_by_login(identity.db.conn(), &folded).await?;
    let able = found.filter(|account| !account.disabled);
    let stored = able.as_ref().and_then(|account| account.password_hash.clone());
    let right = secrets::verify_password(stored, given.password.clone()).await?;
    let Some(account) = able.filter(|_| right) else {
        identity.throttle.miss(&folded, address.0, now);
        return again(StatusCode::UNPROCESSABLE_ENTITY, Phrase::key("identity-wrong"));
    };
    identity.throttle.hit(&folded, address.0);
    let next = local(&given.next);
    if account.totp_enabled {
        let token = secrets::token(identity.db.ids());
        let pending = Pending { account: account.id, next, until: now + PENDING_FOR };
        identity.waiting.put(secrets::digest(&token), pending, now);
        let jar = CookieJar::new().add(identity.cookie(PENDING_COOKIE, token));
        return Ok((jar, done("/sign-in/code")).into_response());
    }
    let first = account.last_sign_in_at.is_none();
    let to = if first { "/account/second-factor".to_owned() } else { next };
    let_in(&identity, account, address, &headers, to).await
}

/// Opens the session and sends the person on.
async fn let_in(
    identity: &Identity,
    mut account: account::Model,
    address: Address,
    headers: &HeaderMap,
    to: String,
) -> Result<Response, AppError> {
    let tx = identity.db.begin().await?;
    let cookie = identity.open_session(&tx, account.id, address, headers).await?;
    account.last_sign_in_at = Some(tx.now());
    let (id, login) = (account.id, account.login.clone());
    store::update_account(tx.conn(), account).await?;
    let actor =
        Actor::Account { id: event::AccountId::from_uuid(id), name: login, address: address.0 };
    let subject = Subject::new("account", id);
    tx.commit(AuditEntry::new(actor, "identity.sign-in", subject, json!({}))).await?;
    Ok((CookieJar::new().add(cookie), done(to)).into_response())
}

/// Returns who waits for the code, by the cookie.
fn pending(identity: &Identity, headers: &HeaderMap) -> Option<(String, Pending)> {
    let jar = CookieJar::from_headers(headers);
    let hash = secrets::digest(jar.get(PENDING_COOKIE)?.value());
    let pending = identity.waiting.get(&hash, identity.now())?;
    Some((hash, pending))
}

async fn ask_code(State(identity): State<Identity>, headers: HeaderMap) -> Response {
    match pending(&identity, &headers) {
        Some(_) => View::new(CodePage::default()).plain().into_response(),
        None => done("/sign-in").into_response(),
    }
}

async fn check_code(
    State(identity): State<Identity>,
    reader: Reader,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::Code>,
) -> Result<Response, AppError> {
    let Some((hash, pending)) = pending(&identity, &headers) else {
        return Ok(done("/sign-in").into_response());
    };
    let now = identity.now();
    let again = |status: StatusCode, why: Phrase| {
        let page = CodePage { wrong: Some(why.text(reader.lang)) };
        Ok(View::new(page).plain().status(status).into_response())
    };
    // By account alone: whoever has the password may not try codes from many addresses.
    let name = format!("code {}", pending.account);
    if let Some(wait_s) = identity.throttle.wait_s(&name, None, now) {
        let why = Phrase::key("identity-wait").arg("seconds", wait_s);
        return again(StatusCode::TOO_MANY_REQUESTS, why);
    }
    let account = store::account(identity.db.conn(), pending.account).await?;
    let Some(account) = account.filter(|account| !account.disabled) else {
        return Ok(done("/sign-in").into_response());
    };
    if !passes(&identity, &account, &given.code).await? {
        identity.throttle.miss(&name, None, now);
        return again(StatusCode::UNPROCESSABLE_ENTITY, Phrase::key("identity-code-wrong"));
    }
    identity.throttle.hit(&name, None);
    identity.waiting.forget(&hash);
    let_in(&identity, account, address, &headers, pending.next).await
}

async fn passes(
    identity: &Identity,
    account: &account::Model,
    code: &str,
) -> Result<bool, AppError> {
    let secret = account.totp_secret.as_deref().unwrap_or_default();
    if let Some(step) = totp::matching_step(secret, code, identity.now()) {
        return Ok(identity.waiting.take_step(account.id, step));
    }
    let spelled = code.trim().to_lowercase();
    if !spelled.contains('-') {
        return Ok(false);
    }
    let tx = identity.db.begin().await?;
    let hash = secrets::digest(&spelled);
    if !store::use_recovery_code(tx.conn(), account.id, &hash, tx.now()).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let actor = Actor::Account {
        id: event::AccountId::from_uuid(account.id),
        name: account.login.clone(),
        address: None,
    };
    let subject = Subject::new("account", account.id);
    tx.commit(AuditEntry::new(actor, "identity.use-recovery-code", subject, json!({}))).await?;
    Ok(true)
}

async fn sign_out(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
) -> Result<(CookieJar, Done), AppError> {
    if let Some(hash) = identity.session_hash(&headers) {
        let tx = identity.db.begin().await?;
        store::end_session(tx.conn(), who.account.uuid(), &hash).await?;
        let subject = Subject::new("account", who.account);
        tx.commit(AuditEntry::new(who.actor(address), "identity.sign-out", subject, json!({})))
            .await?;
    }
    Ok((CookieJar::new().add(identity.closing_cookie()), done("/sign-in")))
}
