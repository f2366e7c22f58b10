//! One's own account: password, second factor, sessions, tokens.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use db::{AuditEntry, Subject, Tx};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{account, api_token, recovery_code};
use super::views::{CodesPage, OncePage, OwnPage, SecondFactorPage, SessionRow, TokenRow, Wrong};
use super::{Address, Identity, browser, form, secrets, store, totp};
use crate::error::FieldErrors;
use crate::{AppError, Body, Done, Path, Phrase, Routes, View, Who, done};

/// Days an API token works: long enough for a quarter's change, short enough to be forgotten safely.
const TOKEN_DAYS: i64 = 365;

pub(super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .own_get("/account", show)
        .doc("Shows one's own account")
        .gives::<OwnPage>()
        .own_post("/account/password", change_password)
        .doc("Changes one's own password")
        .own_post("/account/sessions/{id}/end", end_session)
        .doc("Ends a session of one's own")
        .own_post("/account/sessions/end-others", end_others)
        .doc("Ends all other sessions of one's own")
        .own_get("/account/second-factor", show_second_factor)
        .doc("Explains the second factor, or shows its picture")
        .own_post("/account/second-factor/begin", begin_second_factor)
        .doc("Makes a secret for the second factor")
        .own_post("/account/second-factor/confirm", confirm_second_factor)
        .doc("Turns the second factor on and shows recovery codes once")
        .own_post("/account/second-factor/off", second_factor_off)
        .doc("Turns the second factor off")
        .own_post("/account/tokens", make_token)
        .doc("Makes an API token and shows it once")
        .own_post("/account/tokens/{id}/revoke", revoke_token)
        .doc("Takes an API token back")
}

impl Identity {
    async fn own(&self, who: &Who) -> Result<account::Model, AppError> {
        store::account(self.db.conn(), who.account.uuid()).await?.ok_or(AppError::NotSignedIn)
    }
}

/// Returns the audit entry of a change to one's own account.
fn entry(who: &Who, address: Address, action: &str, detail: Value) -> AuditEntry {
    AuditEntry::new(who.actor(address), action, Subject::new("account", who.account), detail)
}

async fn page(
    identity: &Identity,
    who: &Who,
    headers: &HeaderMap,
    wrong: Wrong,
) -> Result<OwnPage, AppError> {
    let account = identity.own(who).await?;
    let here = identity.session_hash(headers).unwrap_or_default();
    let sessions = store::sessions(identity.db.conn(), who.account, identity.now()).await?;
    let tokens = store::tokens(identity.db.conn(), who.account).await?;
    Ok(OwnPage {
        login: account.login,
        name: account.name,
        role: who.role.key().to_owned(),
        second_factor: account.totp_enabled,
        sessions: sessions
            .into_iter()
            .map(|row| SessionRow {
                here: row.id_hash == here,
                id: row.id_hash,
                address: row.address.unwrap_or_default(),
                browser: browser::name(row.user_agent.as_deref().unwrap_or_default()),
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
            })
            .collect(),
        tokens: tokens
            .into_iter()
            .map(|row| TokenRow {
                id: row.id.to_string(),
                name: row.name,
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
            .collect(),
        wrong,
    })
}

async fn show(
    State(identity): State<Identity>,
    who: Who,
    headers: HeaderMap,
) -> Result<View<OwnPage>, AppError> {
    Ok(View::new(page(&identity, &who, &headers, Wrong::new()).await?))
}

async fn change_password(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::NewPassword>,
) -> Result<Response, AppError> {
    let mut account = identity.own(&who).await?;
    let mut errors = FieldErrors::default();
    if !prove(&identity, &account, given.current).await? {
        errors.add("current", Phrase::key("identity-current-wrong"));
    }
    form::check_password(&given.password, &given.again, &account.login, &mut errors);
    if !errors.is_empty() {
        let page = page(&identity, &who, &headers, errors.told(who.lang)).await?;
        return Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    account.password_hash = Some(secrets::hash_password(identity.db.ids(), given.password).await?);
    let tx = identity.db.begin().await?;
    let id = account.id;
    store::update_account(tx.conn(), account).await?;
    let here = identity.session_hash(&headers).unwrap_or_default();
    store::end_other_sessions(tx.conn(), id, &here).await?;
    tx.commit(entry(&who, address, "identity.change-password", json!({}))).await?;
    Ok(done("/account").notice(Phrase::key("identity-password-changed")).into_response())
}

/// Returns whether it is still the same person; guesses are slowed down as at the door.
async fn prove(
    identity: &Identity,
    account: &account::Model,
    password: String,
) -> Result<bool, AppError> {
    let name = format!("proof {}", account.id);
    let now = identity.now();
    if let Some(retry_after_s) = identity.throttle.wait_s(&name, None, now) {
        return Err(AppError::TooMany { retry_after_s });
    }
    let right = secrets::verify_password(account.password_hash.clone(), password).await?;
    if right {
        identity.throttle.hit(&name, None);
    } else {
        identity.throttle.miss(&name, None, now);
    }
    Ok(right)
}

async fn end_session(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let tx = identity.db.begin().await?;
    if !store::end_session(tx.conn(), who.account.uuid(), &id).await? {
        return Err(AppError::NotFound);
    }
    tx.commit(entry(&who, address, "identity.end-session", json!({}))).await?;
    Ok(done("/account").notice(Phrase::key("identity-session-ended")))
}

async fn end_others(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
) -> Result<Done, AppError> {
    let here = identity.session_hash(&headers).unwrap_or_default();
    let tx = identity.db.begin().await?;
    store::end_other_sessions(tx.conn(), who.account.uuid(), &here).await?;
    tx.commit(entry(&who, address, "identity.end-other-sessions", json!({}))).await?;
    Ok(done("/account").notice(Phrase::key("identity-session-ended")))
}

fn second_factor_page(
    identity: &Identity,
    account: &account::Model,
    wrong: Option<String>,
) -> Result<SecondFactorPage, AppError> {
    let secret = account.totp_secret.clone().filter(|_| !account.totp_enabled);
    let issuer = format!("Lũy Tre {}", identity.settings.province);
    let picture = match &secret {
        Some(secret) => Some(totp::picture(secret, &issuer, &account.login)?),
        None => None,
    };
    Ok(SecondFactorPage { on: account.totp_enabled, picture, secret, wrong })
}

async fn show_second_factor(
    State(identity): State<Identity>,
    who: Who,
) -> Result<View<SecondFactorPage>, AppError> {
    let account = identity.own(&who).await?;
    Ok(View::new(second_factor_page(&identity, &account, None)?))
}

async fn begin_second_factor(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
) -> Result<Done, AppError> {
    let mut account = identity.own(&who).await?;
    if account.totp_enabled {
        return Err(AppError::Conflict(Phrase::key("identity-second-factor-is-on")));
    }
    account.totp_secret = Some(totp::fresh(identity.db.ids()));
    let tx = identity.db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    tx.commit(entry(&who, address, "identity.begin-second-factor", json!({}))).await?;
    Ok(done("/account/second-factor"))
}

async fn confirm_second_factor(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Body(given): Body<form::Code>,
) -> Result<Response, AppError> {
    let mut account = identity.own(&who).await?;
    let secret = account.totp_secret.clone().filter(|_| !account.totp_enabled);
    let Some(secret) = secret else { return Ok(done("/account/second-factor").into_response()) };
    let step = totp::matching_step(&secret, &given.code, identity.now());
    if !step.is_some_and(|step| identity.waiting.take_step(account.id, step)) {
        let why = Phrase::key("identity-code-wrong").text(who.lang);
        let page = second_factor_page(&identity, &account, Some(why))?;
        return Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    account.totp_enabled = true;
    let id = account.id;
    let codes = totp::recovery_codes(identity.db.ids());
    let tx = identity.db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    store::replace_recovery_codes(tx.conn(), id, code_rows(&tx, id, &codes)).await?;
    tx.commit(entry(&who, address, "identity.second-factor-on", json!({}))).await?;
    Ok(View::new(CodesPage { codes }).into_response())
}

fn code_rows(tx: &Tx, account: Uuid, codes: &[String]) -> Vec<recovery_code::Model> {
    codes
        .iter()
        .map(|code| recovery_code::Model {
            id: tx.new_uuid(),
            account_id: account,
            code_hash: secrets::digest(code),
            used_at: None,
        })
        .collect()
}

async fn second_factor_off(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Body(given): Body<form::Proof>,
) -> Result<Done, AppError> {
    let mut account = identity.own(&who).await?;
    if !prove(&identity, &account, given.current).await? {
        return Err(AppError::invalid("current", Phrase::key("identity-current-wrong")));
    }
    account.totp_enabled = false;
    account.totp_secret = None;
    let id = account.id;
    let tx = identity.db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    store::replace_recovery_codes(tx.conn(), id, Vec::new()).await?;
    tx.commit(entry(&who, address, "identity.second-factor-off", json!({}))).await?;
    Ok(done("/account").notice(Phrase::key("identity-second-factor-is-off")))
}

async fn make_token(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Body(given): Body<form::NewToken>,
) -> Result<View<OncePage>, AppError> {
    let name = given.name.trim();
    let mut errors = FieldErrors::default();
    form::check_name(name, &mut errors);
    errors.check()?;
    let token = format!("lt_{}", secrets::token(identity.db.ids()));
    let tx = identity.db.begin().await?;
    let row = api_token::Model {
        token_hash: secrets::digest(&token),
        id: tx.new_uuid(),
        account_id: who.account.uuid(),
        name: name.to_owned(),
        scopes: json!([]),
        created_at: tx.now(),
        expires_at: Some(tx.now() + chrono::TimeDelta::days(TOKEN_DAYS)),
        last_used_at: None,
        revoked_at: None,
    };
    store::insert_token(tx.conn(), row).await?;
    tx.commit(entry(&who, address, "identity.make-token", json!({ "name": name }))).await?;
    Ok(View::new(OncePage {
        title: "identity-token-made",
        advice: "identity-token-advice",
        value: token,
        back: "/account".to_owned(),
    }))
}

async fn revoke_token(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let tx = identity.db.begin().await?;
    let now = tx.now();
    if !store::revoke_token(tx.conn(), who.account, id, now).await? {
        return Err(AppError::NotFound);
    }
    tx.commit(entry(&who, address, "identity.revoke-token", json!({ "token": id }))).await?;
    Ok(done("/account").notice(Phrase::key("identity-token-revoked")))
}
