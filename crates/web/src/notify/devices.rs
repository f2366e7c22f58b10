//! One's own browsers that take pushes: subscribed and removed on the page of preferences.

use axum::extract::State;
use db::{AuditEntry, Subject};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::postman::Postman;
use super::push::Target;
use super::store::device::{self, Device};
use crate::{AppError, Body, Done, Path, Phrase, Routes, Who, done};

/// Browsers of one person: a desk, a telephone, a tablet, and what was forgotten.
const DEVICES_MAX: u64 = 10;
/// Characters of a push service's address.
const ENDPOINT_CHARS_MAX: usize = 1_000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 60;
/// Where the list stands.
const PAGE: &str = "/notices/preferences#devices";

pub(super) fn routes(routes: Routes<Postman>) -> Routes<Postman> {
    routes
        .own_post("/notices/devices", subscribe)
        .doc("Lets a browser take pushes for the reader")
        .takes::<Subscription>()
        .own_post("/notices/devices/{id}/remove", remove)
        .doc("Lets a browser take no more pushes for the reader")
}

/// A browser's subscription, as the Push API gives it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Subscription {
    /// What its owner calls it.
    name: String,
    /// The address at the push service.
    endpoint: String,
    /// The browser's key, base64url.
    p256dh: String,
    /// The browser's secret, base64url.
    auth: String,
}

async fn subscribe(
    State(postman): State<Postman>,
    who: Who,
    Body(given): Body<Subscription>,
) -> Result<Done, AppError> {
    who.proven()?;
    let wrong = |key| AppError::invalid("endpoint", Phrase::key(key));
    let push = postman.push().ok_or_else(|| wrong("notify-error-push-off"))?;
    let short = given.endpoint.chars().count() <= ENDPOINT_CHARS_MAX;
    if !short || Target::read(&given.p256dh, &given.auth).is_none() {
        return Err(wrong("notify-error-push"));
    }
    if let Err(error) = push.check(&given.endpoint) {
        tracing::warn!(error = crate::chain(&error), "a browser's push service is not reached");
        return Err(wrong("notify-error-push-host"));
    }
    let name: String = given.name.trim().chars().take(NAME_CHARS_MAX).collect();
    let tx = postman.db().begin().await?;
    let device = Device {
        id: tx.new_uuid(),
        account_id: who.account.uuid(),
        name: name.clone(),
        endpoint: given.endpoint,
        p256dh: given.p256dh,
        auth: given.auth,
        made_at: tx.now(),
        last_at: None,
        last_message: None,
    };
    let detail = json!({ "name": name, "host": host(&device.endpoint) });
    device::put(tx.conn(), device).await?;
    if device::count(tx.conn(), who.account).await? > DEVICES_MAX {
        return Err(wrong("notify-error-push-many"));
    }
    let actor = who.actor(crate::Address(who.address));
    let subject = Subject::new("account", who.account);
    tx.commit(AuditEntry::new(actor, "notify.subscribe", subject, detail)).await?;
    Ok(done(PAGE).notice(Phrase::key("notify-done-device")))
}

/// Returns the push service's host: the rest of the address is a secret of the browser's.
fn host(endpoint: &str) -> String {
    let url = url::Url::parse(endpoint).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

async fn remove(
    State(postman): State<Postman>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let tx = postman.db().begin().await?;
    let name = device::remove_own(tx.conn(), who.account, id).await?;
    let name = name.ok_or(AppError::NotFound)?;
    let actor = who.actor(crate::Address(who.address));
    let subject = Subject::new("account", who.account);
    let entry = AuditEntry::new(actor, "notify.unsubscribe", subject, json!({ "name": name }));
    tx.commit(entry).await?;
    Ok(done(PAGE).notice(Phrase::key("notify-done-device-removed")))
}
