//! The addresses of passkeys: what the page's script asks for and sends.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::sign_in::{Entry, let_in};
use super::super::{Address, Identity, form, own, secrets};
use super::actions::{self, Ceremony};
use super::store;
use crate::error::FieldErrors;
use crate::preferences::local;
use crate::{AppError, Body, Done, Path, Phrase, Routes, Who, done};

/// The cookie between the two steps of a ceremony.
const COOKIE: &str = "ceremony";

pub(in super::super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .own_post("/account/passkeys/begin", begin)
        .doc("Begins to make a passkey: gives what the browser hands to the device")
        .own_post("/account/passkeys", finish)
        .doc("Keeps the passkey that a device has made")
        .own_post("/account/passkeys/{id}/remove", remove)
        .doc("Removes a passkey of one's own")
        .public_post("/sign-in/passkey/begin", ask)
        .doc("Begins to sign in with a passkey")
        .public_post("/sign-in/passkey", sign_in)
        .doc("Signs in with a passkey")
}

/// A device's answer when it has made a passkey.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    #[serde(default)]
    name: String,
    /// The browser's credential, as JSON.
    #[serde(default)]
    credential: String,
}

/// A device's answer at the door.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// The browser's credential, as JSON.
    #[serde(default)]
    credential: String,
    #[serde(default)]
    next: String,
}

/// Remembers a ceremony and gives its options.
fn begun(identity: &Identity, ceremony: Ceremony, options: Value) -> (CookieJar, Json<Value>) {
    let token = secrets::token(identity.db.ids());
    identity.ceremonies.put(secrets::digest(&token), ceremony, identity.now());
    (CookieJar::new().add(identity.cookie(COOKIE, token)), Json(options))
}

fn take(identity: &Identity, headers: &HeaderMap) -> Option<Ceremony> {
    let jar = CookieJar::from_headers(headers);
    let hash = secrets::digest(jar.get(COOKIE)?.value());
    identity.ceremonies.take(&hash, identity.now())
}

async fn begin(
    State(identity): State<Identity>,
    who: Who,
) -> Result<(CookieJar, Json<Value>), AppError> {
    let (ceremony, options) = actions::begin_registration(&identity, &who).await?;
    Ok(begun(&identity, ceremony, options))
}

async fn finish(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<Made>,
) -> Result<Done, AppError> {
    let name = given.name.trim();
    let mut errors = FieldErrors::default();
    form::check_name(name, &mut errors);
    errors.check()?;
    actions::check_may_enrol(&identity, &who).await?;
    let answer = (take(&identity, &headers), given.credential.as_str());
    let tx = identity.db.begin().await?;
    let row = actions::registered(&identity, &who, answer, (tx.new_uuid(), name))?;
    let detail = json!({ "name": name, "passkey": row.id });
    store::insert(tx.conn(), row).await?;
    // The device has just shown who its owner is; sessions without that sign in again.
    let here = identity.session_hash(&headers).unwrap_or_default();
    super::super::store::session_passed(tx.conn(), &here).await?;
    tx.commit(own::entry(&who, address, "identity.make-passkey", detail)).await?;
    Ok(done("/account").notice(Phrase::key("passkey-made")))
}

async fn remove(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
    Body(given): Body<form::Proof>,
) -> Result<Done, AppError> {
    let account = identity.own(&who).await?;
    if !own::prove(&identity, &account, given.current).await? {
        return Err(AppError::invalid("current", Phrase::key("identity-current-wrong")));
    }
    let tx = identity.db.begin().await?;
    if !store::remove(tx.conn(), who.account, id).await? {
        return Err(AppError::NotFound);
    }
    let detail = json!({ "passkey": id });
    tx.commit(own::entry(&who, address, "identity.remove-passkey", detail)).await?;
    Ok(done("/account").notice(Phrase::key("passkey-removed")))
}

async fn ask(State(identity): State<Identity>) -> Result<(CookieJar, Json<Value>), AppError> {
    let (ceremony, options) = actions::begin_sign_in(&identity)?;
    Ok(begun(&identity, ceremony, options))
}

async fn sign_in(
    State(identity): State<Identity>,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<Shown>,
) -> Result<Response, AppError> {
    let ceremony = take(&identity, &headers);
    let (account, passkey) = actions::signed_in(&identity, ceremony, &given.credential).await?;
    let noted = identity.db.begin_bookkeeping().await?;
    let now = noted.now();
    store::used(noted.conn(), passkey, now).await?;
    noted.commit().await?;
    let entry = Entry { address, how: "passkey", second_factor: true, to: local(&given.next) };
    let_in(&identity, account, &headers, entry).await
}
