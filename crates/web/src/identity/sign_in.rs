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
use super::{Address, Identity, form, secrets, store, throttle, totp};
use crate::preferences::local;
use crate::{AppError, Body, Done, Phrase, Query, Reader, Routes, View, Who, done};

/// The cookie between password and code.
const PENDING_COOKIE: &str = "pending";
/// How long someone may look for their phone.
const PENDING_FOR: TimeDelta = TimeDelta::minutes(5);
/// Most people between password and code.
const PENDING_MAX: usize = 1_000;

/// People between password and code.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pending: Mutex<BTreeMap<String, Pending>>,
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

impl Identity {
    /// Returns the empty page of signing in, with the ways in there are.
    pub(super) fn sign_in_page(&self) -> SignInPage {
        SignInPage {
            passkeys: self.door.passkeys.is_some(),
            provider: self.door.oidc.as_ref().map(|provider| provider.name().to_owned()),
            ..SignInPage::default()
        }
    }
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn ask(
    State(identity): State<Identity>,
    reader: Reader,
    Query(query): Query<Next>,
) -> Response {
    let next = local(&query.next.unwrap_or_default());
    if reader.who.is_some() {
        return done(next).into_response();
    }
    View::new(SignInPage { next, ..identity.sign_in_page() }).plain().into_response()
}

async fn sign_in(
    State(identity): State<Identity>,
    reader: Reader,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::SignIn>,
) -> Result<Response, AppError> {
    let folded = fold(given.login.trim());
    let again = |status: StatusCode, why: Phrase| {
        let page = SignInPage {
            login: given.login.clone(),
            next: given.next.clone(),
            wrong: Some(why.text(reader.lang)),
            ..identity.sign_in_page()
        };
        Ok(View::new(page).plain().status(status).into_response())
    };
    if let Some(wait_s) = throttle::wait_s(&identity.db, &folded, address.0).await? {
        let why = Phrase::key("identity-wait").arg("seconds", wait_s);
        return again(StatusCode::TOO_MANY_REQUESTS, why);
    }
    let found = store::account_by_login(identity.db.conn(), &folded).await?;
    let able = found.filter(|account| !account.disabled && signs_in(account));
    let stored = able.as_ref().and_then(|account| account.password_hash.clone());
    let right = secrets::verify_password(stored, given.password.clone()).await?;
    let Some(account) = able.filter(|_| right) else {
        throttle::miss(&identity.db, &folded, address.0).await?;
        return again(StatusCode::UNPROCESSABLE_ENTITY, Phrase::key("identity-wrong"));
    };
    throttle::hit(&identity.db, &folded, address.0).await?;
    let next = local(&given.next);
    if account.totp_enabled {
        return Ok(ask_for_code(&identity, account.id, next));
    }
    let first = account.last_sign_in_at.is_none();
    let to = if first { "/account/second-factor".to_owned() } else { next };
    let entry = Entry { address, how: "password", second_factor: false, to };
    let_in(&identity, account, &headers, entry).await
}

/// Sends someone who has shown the first factor on to the second.
pub(super) fn ask_for_code(identity: &Identity, account: Uuid, next: String) -> Response {
    let (token, now) = (secrets::token(identity.db.ids()), identity.now());
    let pending = Pending { account, next, until: now + PENDING_FOR };
    identity.waiting.put(secrets::digest(&token), pending, now);
    let jar = CookieJar::new().add(identity.cookie(PENDING_COOKIE, token));
    (jar, done("/sign-in/code")).into_response()
}

pub(super) fn signs_in(account: &account::Model) -> bool {
    crate::Role::from_word(&account.role).is_some_and(crate::Role::signs_in)
}

/// How someone comes in.
pub(super) struct Entry {
    pub(super) address: Address,
    /// `password`, `code`, `passkey` or `oidc`: for the audit log.
    pub(super) how: &'static str,
    pub(super) second_factor: bool,
    /// Where they go.
    pub(super) to: String,
}

/// Opens the session and sends the person on.
pub(super) async fn let_in(
    identity: &Identity,
    mut account: account::Model,
    headers: &HeaderMap,
    entry: Entry,
) -> Result<Response, AppError> {
    let Entry { address, how, second_factor, to } = entry;
    let tx = identity.db.begin().await?;
    let cookie = identity.open_session(&tx, account.id, (address, headers), second_factor).await?;
    account.last_sign_in_at = Some(tx.now());
    let (id, login) = (account.id, account.login.clone());
    store::update_account(tx.conn(), account).await?;
    let actor =
        Actor::Account { id: event::AccountId::from_uuid(id), name: login, address: address.0 };
    let subject = Subject::new("account", id);
    tx.commit(AuditEntry::new(actor, "identity.sign-in", subject, json!({ "by": how }))).await?;
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
    let again = |status: StatusCode, why: Phrase| {
        let page = CodePage { wrong: Some(why.text(reader.lang)) };
        Ok(View::new(page).plain().status(status).into_response())
    };
    // By account alone: whoever has the password may not try codes from many addresses.
    let name = format!("code {}", pending.account);
    if let Some(wait_s) = throttle::wait_s(&identity.db, &name, None).await? {
        let why = Phrase::key("identity-wait").arg("seconds", wait_s);
        return again(StatusCode::TOO_MANY_REQUESTS, why);
    }
    let account = store::account(identity.db.conn(), pending.account).await?;
    let Some(mut account) = account.filter(|account| !account.disabled) else {
        return Ok(done("/sign-in").into_response());
    };
    if !passes(&identity, &mut account, &given.code).await? {
        throttle::miss(&identity.db, &name, None).await?;
        return again(StatusCode::UNPROCESSABLE_ENTITY, Phrase::key("identity-code-wrong"));
    }
    throttle::hit(&identity.db, &name, None).await?;
    identity.waiting.forget(&hash);
    let entry = Entry { address, how: "code", second_factor: true, to: pending.next };
    let_in(&identity, account, &headers, entry).await
}

async fn passes(
    identity: &Identity,
    account: &mut account::Model,
    code: &str,
) -> Result<bool, AppError> {
    let secret = account.totp_secret.as_deref().unwrap_or_default();
    if let Some(step) = totp::matching_step(secret, code, identity.now()) {
        return take_step(identity, account, step).await;
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

/// Takes a code's time step if it was not used before: a code seen over a shoulder is worthless.
pub(super) async fn take_step(
    identity: &Identity,
    account: &mut account::Model,
    step: u64,
) -> Result<bool, AppError> {
    let step = i64::try_from(step).map_err(AppError::internal)?;
    let noted = identity.db.begin_bookkeeping().await?;
    let fresh = store::take_step(noted.conn(), account.id, step).await?;
    noted.commit().await?;
    if fresh {
        account.totp_step = Some(step);
    }
    Ok(fresh)
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
