//! The two ceremonies: making a passkey, and signing in with one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use db::Tx;
use event::AccountId;
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn,
};

use super::super::rows::{account, passkey};
use super::super::views::PasskeyRow;
use super::super::{Identity, store as accounts};
use super::store;
use crate::{AppError, By, Phrase, Who};

/// How long someone may look for their key.
const CEREMONY: TimeDelta = TimeDelta::minutes(5);
/// Most ceremonies at once; past this the oldest is forgotten.
const CEREMONIES_MAX: usize = 1_000;

/// What was begun and waits for the device's answer.
#[derive(Debug, Clone)]
pub(super) enum Ceremony {
    /// An account makes a passkey.
    Register(AccountId, PasskeyRegistration),
    /// Someone signs in.
    SignIn(DiscoverableAuthentication),
}

/// Ceremonies under way, by the hash of their cookie.
#[derive(Debug, Default)]
pub(crate) struct Ceremonies(Mutex<BTreeMap<String, (DateTime<Utc>, Ceremony)>>);

impl Ceremonies {
    pub(super) fn put(&self, hash: String, ceremony: Ceremony, now: DateTime<Utc>) {
        let mut all = self.0.lock();
        all.retain(|_, (until, _)| *until > now);
        if all.len() >= CEREMONIES_MAX {
            let oldest =
                all.iter().min_by_key(|(_, (until, _))| *until).map(|(hash, _)| hash.clone());
            if let Some(oldest) = oldest {
                all.remove(&oldest);
            }
        }
        all.insert(hash, (now + CEREMONY, ceremony));
    }

    /// Takes a ceremony: each answer is looked at once.
    pub(super) fn take(&self, hash: &str, now: DateTime<Utc>) -> Option<Ceremony> {
        let (until, ceremony) = self.0.lock().remove(hash)?;
        (until > now).then_some(ceremony)
    }
}

/// What went wrong with a device's answer is told to the log; the reader tries again.
fn refused(error: impl std::error::Error) -> AppError {
    tracing::info!(error = %crate::chain(&error), "a passkey's answer was refused");
    AppError::Conflict(Phrase::key("passkey-refused"))
}

pub(super) fn webauthn(identity: &Identity) -> Result<&Webauthn, AppError> {
    identity.door.passkeys.as_ref().ok_or(AppError::NotFound)
}

/// Returns the passkeys of an account as its owner sees them.
pub(in super::super) async fn rows(
    identity: &Identity,
    account: AccountId,
) -> Result<Vec<PasskeyRow>, AppError> {
    let rows = store::of(identity.db.conn(), account).await?;
    let row = |row: passkey::Model| PasskeyRow {
        id: row.id.to_string(),
        name: row.name,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Takes all passkeys off an account.
pub(in super::super) async fn forget_all(tx: &Tx, account: Uuid) -> Result<(), AppError> {
    Ok(store::remove_all(tx.conn(), account).await?)
}

/// Refuses to let someone with the password alone add a factor to an account that has one.
pub(in super::super) async fn check_may_enrol(
    identity: &Identity,
    who: &Who,
) -> Result<(), AppError> {
    if who.by == (By::Session { second_factor: true }) {
        return Ok(());
    }
    let account = identity.own(who).await?;
    let passkeys = store::count(identity.db.conn(), account.id).await?;
    if account.totp_enabled || passkeys > 0 {
        return Err(AppError::Conflict(Phrase::key("passkey-sign-in-with-factor")));
    }
    Ok(())
}

/// Begins to make a passkey; returns what the browser hands to the device.
pub(super) async fn begin_registration(
    identity: &Identity,
    who: &Who,
) -> Result<(Ceremony, Value), AppError> {
    check_may_enrol(identity, who).await?;
    let account = identity.own(who).await?;
    let own = store::of(identity.db.conn(), who.account).await?;
    if u64::try_from(own.len()).unwrap_or(u64::MAX) >= store::PER_ACCOUNT_MAX {
        return Err(AppError::Conflict(Phrase::key("passkey-too-many")));
    }
    let known = own.iter().filter_map(|row| key(row).ok()).map(|key| key.cred_id().clone());
    let (options, state) = webauthn(identity)?
        .start_passkey_registration(
            account.id,
            &account.login,
            &account.name,
            Some(known.collect()),
        )
        .map_err(AppError::internal)?;
    let mut options = serde_json::to_value(options).map_err(AppError::internal)?;
    // Kept on the device, so that signing in needs no name; the library only leaves it open.
    let wanted = options.pointer_mut("/publicKey/authenticatorSelection");
    if let Some(wanted) = wanted.and_then(Value::as_object_mut) {
        wanted.insert("residentKey".to_owned(), json!("required"));
        wanted.insert("requireResidentKey".to_owned(), json!(true));
    }
    Ok((Ceremony::Register(who.account, state), options))
}

/// Returns the row of the passkey that a device has made.
pub(super) fn registered(
    identity: &Identity,
    who: &Who,
    (ceremony, answer): (Option<Ceremony>, &str),
    (id, name): (Uuid, &str),
) -> Result<passkey::Model, AppError> {
    let Some(Ceremony::Register(account, state)) = ceremony else {
        return Err(AppError::Conflict(Phrase::key("passkey-late")));
    };
    if account != who.account {
        return Err(AppError::NotFound);
    }
    let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(refused)?;
    let made = webauthn(identity)?.finish_passkey_registration(&answer, &state).map_err(refused)?;
    Ok(passkey::Model {
        id,
        account_id: account.uuid(),
        credential_id: URL_SAFE_NO_PAD.encode(made.cred_id()),
        name: name.to_owned(),
        credential: serde_json::to_string(&made).map_err(AppError::internal)?,
        created_at: identity.now(),
        last_used_at: None,
    })
}

fn key(row: &passkey::Model) -> Result<Passkey, AppError> {
    serde_json::from_str(&row.credential).map_err(AppError::internal)
}

/// Begins to sign in; returns what the browser hands to the device.
pub(super) fn begin_sign_in(identity: &Identity) -> Result<(Ceremony, Value), AppError> {
    let (options, state) =
        webauthn(identity)?.start_discoverable_authentication().map_err(AppError::internal)?;
    let mut options = serde_json::to_value(options).map_err(AppError::internal)?;
    // Asked for by a button, not while typing.
    if let Some(options) = options.as_object_mut() {
        options.remove("mediation");
    }
    Ok((Ceremony::SignIn(state), options))
}

/// Returns whose device answered, with its passkey as it must be kept from now on.
pub(super) async fn signed_in(
    identity: &Identity,
    ceremony: Option<Ceremony>,
    answer: &str,
) -> Result<(account::Model, passkey::Model), AppError> {
    let Some(Ceremony::SignIn(state)) = ceremony else {
        return Err(AppError::Conflict(Phrase::key("passkey-late")));
    };
    let unknown = || AppError::Conflict(Phrase::key("passkey-unknown"));
    let webauthn = webauthn(identity)?;
    let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(refused)?;
    let (account, credential) =
        webauthn.identify_discoverable_authentication(&answer).map_err(refused)?;
    let conn = identity.db.conn();
    let credential = URL_SAFE_NO_PAD.encode(credential);
    let row = store::by_credential(conn, account, &credential).await?.ok_or_else(unknown)?;
    let mut known = key(&row)?;
    let result =
        webauthn.finish_discoverable_authentication_v2(&answer, state, &known).map_err(refused)?;
    known.update_credential(&result);
    let account = accounts::account(conn, account).await?;
    let able = account.filter(|account| {
        let role = crate::Role::from_word(&account.role);
        !account.disabled && role.is_some_and(crate::Role::signs_in)
    });
    let credential = serde_json::to_string(&known).map_err(AppError::internal)?;
    Ok((able.ok_or_else(unknown)?, passkey::Model { credential, ..row }))
}
