//! The addresses of single sign-on: there and back.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use db::{Actor, AuditEntry, Subject};
use event::AccountId;
use event::fold::fold;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::super::rows::account;
use super::super::sign_in::{Entry, ask_for_code, let_in, signs_in};
use super::super::views::SignInPage;
use super::super::{Address, Identity, secrets, store as accounts};
use super::actions::{OidcError, Provider, Vouched};
use super::store;
use crate::preferences::local;
use crate::{AppError, Phrase, Query, Reader, Routes, View};

/// The cookie between leaving for the provider and coming back.
const COOKIE: &str = "oidc";

pub(in super::super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .public_get("/sign-in/oidc", leave)
        .doc("Sends the browser to the provider of single sign-on")
        .public_get("/sign-in/oidc/return", come_back)
        .doc("Signs in whom the provider vouches for")
}

fn provider(identity: &Identity) -> Result<&Provider, AppError> {
    identity.door.oidc.as_ref().ok_or(AppError::NotFound)
}

fn failed(error: OidcError) -> AppError {
    match error {
        OidcError::Answer(_) | OidcError::NoToken => {
            tracing::warn!(error = %crate::chain(&error), "single sign-on was refused");
            AppError::Conflict(Phrase::key("identity-oidc-refused"))
        }
        other => AppError::unavailable(other),
    }
}

#[derive(Debug, Deserialize)]
struct Next {
    next: Option<String>,
}

async fn leave(
    State(identity): State<Identity>,
    Query(query): Query<Next>,
) -> Result<Response, AppError> {
    let provider = provider(&identity)?;
    let (now, ids) = (identity.now(), identity.db.ids());
    let next = local(&query.next.unwrap_or_default());
    let (page, visit) = provider.begin(ids, now, next).await.map_err(failed)?;
    let token = secrets::token(ids);
    identity.underway.put(secrets::digest(&token), visit, now);
    let jar = CookieJar::new().add(identity.cookie(COOKIE, token));
    let to = [(http::header::LOCATION, page)];
    Ok((StatusCode::SEE_OTHER, jar, to).into_response())
}

/// What the provider sends back.
#[derive(Debug, Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
}

async fn come_back(
    State(identity): State<Identity>,
    reader: Reader,
    address: Address,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, AppError> {
    let provider = provider(&identity)?;
    let now = identity.now();
    let jar = CookieJar::from_headers(&headers);
    let hash = jar.get(COOKIE).map(|cookie| secrets::digest(cookie.value()));
    let state = returned.state.unwrap_or_default();
    let visit = hash.and_then(|hash| identity.underway.take(&hash, &state, now));
    let (Some(visit), Some(code)) = (visit, returned.code) else {
        return Ok(again(&identity, &reader, "identity-oidc-refused"));
    };
    let to = visit.next.clone();
    let vouched = provider.finish(visit, code, now).await.map_err(failed)?;
    let Some(account) = known(&identity, address, &vouched).await? else {
        return Ok(again(&identity, &reader, "identity-oidc-unknown"));
    };
    if account.totp_enabled && !vouched.second_factor {
        return Ok(ask_for_code(&identity, account.id, to));
    }
    let second_factor = vouched.second_factor;
    let_in(&identity, account, &headers, Entry { address, how: "oidc", second_factor, to }).await
}

fn again(identity: &Identity, reader: &Reader, why: &'static str) -> Response {
    let wrong = Some(Phrase::key(why).text(reader.lang));
    let page = SignInPage { wrong, ..identity.sign_in_page() };
    View::new(page).plain().status(StatusCode::UNPROCESSABLE_ENTITY).into_response()
}

/// Returns the account of whom the provider vouches for: the one bound to the subject, or the one of that
/// name, which is bound now.
async fn known(
    identity: &Identity,
    address: Address,
    vouched: &Vouched,
) -> Result<Option<account::Model>, AppError> {
    let conn = identity.db.conn();
    let able = |account: &account::Model| !account.disabled && signs_in(account);
    if let Some(bound) = store::by_subject(conn, &vouched.subject).await? {
        return Ok(Some(bound).filter(able));
    }
    let Some(login) = &vouched.login else { return Ok(None) };
    let named = accounts::account_by_login(conn, &fold(login.trim())).await?;
    let Some(mut account) = named.filter(able) else { return Ok(None) };
    let tx = identity.db.begin().await?;
    if !store::bind(tx.conn(), account.id, &vouched.subject).await? {
        return Ok(None);
    }
    let name = account.name.clone();
    let actor = Actor::Account { id: AccountId::from_uuid(account.id), name, address: address.0 };
    let subject = Subject::new("account", account.id);
    let detail = json!({ "subject": vouched.subject });
    tx.commit(AuditEntry::new(actor, "identity.bind-oidc", subject, detail)).await?;
    account.oidc_subject = Some(vouched.subject.clone());
    Ok(Some(account))
}
