//! One's own account: password, second factor, sessions.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use db::{AuditEntry, Subject, Tx};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{account, recovery_code};
use super::views::{CodesPage, OwnPage, SecondFactorPage, SessionRow, TokenRow, Wrong};
use super::{Address, Identity, form, passkey, scopes, secrets, sign_in, store, throttle, totp};
use crate::error::FieldErrors;
use crate::{AppError, Body, Done, Path, Phrase, Rights, Routes, View, Who, done};

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
}

impl Identity {
    pub(super) async fn own(&self, who: &Who) -> Result<account::Model, AppError> {
        store::account(self.db.conn(), who.account.uuid()).await?.ok_or(AppError::NotSignedIn)
    }
}

/// Returns the audit entry of a change to one's own account.
pub(super) fn entry(who: &Who, address: Address, action: &str, detail: Value) -> AuditEntry {
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
    let tokens = store::tokens(identity.db.conn(), who.account, identity.now()).await?;
    Ok(OwnPage {
        login: account.login,
        name: account.name,
        role: who.role.key().to_owned(),
        second_factor: account.totp_enabled,
        sessions: sessions.into_iter().map(|row| SessionRow::new(row, &here)).collect(),
        tokens: tokens.into_iter().map(TokenRow::from).collect(),
        scopes: scopes::choices(who.role),
        passkeys: passkey::rows(identity, who.account).await?,
        passkeys_on: identity.door.passkeys.is_some(),
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
pub(super) async fn prove(
    identity: &Identity,
    account: &account::Model,
    password: String,
) -> Result<bool, AppError> {
    let name = format!("proof {}", account.id);
    if let Some(retry_after_s) = throttle::wait_s(&identity.db, &name, None).await? {
        return Err(AppError::TooMany { retry_after_s });
    }
    let right = secrets::verify_password(account.password_hash.clone(), password).await?;
    if right {
        throttle::hit(&identity.db, &name, None).await?;
    } else {
        throttle::miss(&identity.db, &name, None).await?;
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
    (who, account): (&Who, &account::Model),
    wrong: Option<String>,
) -> Result<SecondFactorPage, AppError> {
    let secret = account.totp_secret.clone().filter(|_| !account.totp_enabled);
    let issuer = format!("Lũy Tre {}", identity.settings.province);
    let picture = match &secret {
        Some(secret) => Some(totp::picture(secret, &issuer, &account.login)?),
        None => None,
    };
    let forced = who.rights == Rights::UntilSecondFactor;
    Ok(SecondFactorPage { on: account.totp_enabled, forced, picture, secret, wrong })
}

async fn show_second_factor(
    State(identity): State<Identity>,
    who: Who,
) -> Result<View<SecondFactorPage>, AppError> {
    let account = identity.own(&who).await?;
    Ok(View::new(second_factor_page(&identity, (&who, &account), None)?))
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
    passkey::check_may_enrol(&identity, &who).await?;
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
    headers: HeaderMap,
    Body(given): Body<form::Code>,
) -> Result<Response, AppError> {
    let mut account = identity.own(&who).await?;
    let secret = account.totp_secret.clone().filter(|_| !account.totp_enabled);
    let Some(secret) = secret else { return Ok(done("/account/second-factor").into_response()) };
    let right = match totp::matching_step(&secret, &given.code, identity.now()) {
        Some(step) => sign_in::take_step(&identity, &mut account, step).await?,
        None => false,
    };
    if !right {
        let why = Phrase::key("identity-code-wrong").text(who.lang);
        let page = second_factor_page(&identity, (&who, &account), Some(why))?;
        return Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    account.totp_enabled = true;
    let id = account.id;
    let codes = totp::recovery_codes(identity.db.ids());
    let tx = identity.db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    store::replace_recovery_codes(tx.conn(), id, code_rows(&tx, id, &codes)).await?;
    // This session has just shown a code; others have not, and sign in again.
    let here = identity.session_hash(&headers).unwrap_or_default();
    store::session_passed(tx.conn(), &here).await?;
    store::end_other_sessions(tx.conn(), id, &here).await?;
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
