//! Accounts from the server's own console: for whoever holds the machine, without a browser.
//!
//! The same rows and audit entries as the pages make; the actor is the platform's console.

use chrono::TimeDelta;
use db::{Actor, AuditEntry, Db, Subject};
use event::fold::fold;
use serde_json::json;
use uuid::Uuid;

use super::rows::{account, api_token};
use super::{INVITATION, invite, scopes, secrets, store};
use crate::Role;

/// Why a command on an account cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// There is no such account.
    #[error("there is no account `{0}`")]
    Unknown(String),
    /// The name to sign in with is in use.
    #[error("there is an account `{0}` already")]
    Taken(String),
    /// The password is too short or too long.
    #[error(
        "a password has {} to {} characters",
        super::PASSWORD_CHARS_MIN,
        super::PASSWORD_CHARS_MAX
    )]
    Password,
    /// The role has no such permission.
    #[error("the account's role grants no `{0}`: use `read`, `all` or words of its permissions")]
    Scope(String),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash,
    /// The database does not answer.
    #[error("the database failed")]
    Database(#[from] db::DbError),
}

/// An account as the console lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name to sign in with.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The role's word.
    pub role: String,
    /// Whether a second factor is on.
    pub second_factor: bool,
    /// Whether the account may not sign in.
    pub disabled: bool,
}

/// Returns all accounts.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &Db) -> Result<Vec<Listed>, ConsoleError> {
    let accounts = store::accounts(db.conn()).await?;
    Ok(accounts
        .into_iter()
        .map(|account| Listed {
            login: account.login,
            name: account.name,
            role: account.role,
            second_factor: account.totp_enabled,
            disabled: account.disabled,
        })
        .collect())
}

/// Makes an account with a password.
///
/// # Errors
/// When the login is taken or the password does not do.
pub async fn add(
    db: &Db,
    login: &str,
    name: &str,
    role: Role,
    password: String,
) -> Result<(), ConsoleError> {
    if store::account_by_login(db.conn(), &fold(login)).await?.is_some() {
        return Err(ConsoleError::Taken(login.to_owned()));
    }
    let hash = hashed(db, password).await?;
    let tx = db.begin().await?;
    let mut row = invite::fresh(&tx, login, name, role);
    row.password_hash = Some(hash);
    let id = row.id;
    store::insert_account(tx.conn(), row).await?;
    let detail = json!({ "login": login, "role": role });
    tx.commit(entry("identity.add-account", id, detail)).await?;
    Ok(())
}

/// Sets an account's password and lets it sign in again.
///
/// # Errors
/// When there is no such account or the password does not do.
pub async fn set_password(db: &Db, login: &str, password: String) -> Result<(), ConsoleError> {
    let mut account = found(db, login).await?;
    let hash = hashed(db, password).await?;
    let id = account.id;
    account.password_hash = Some(hash);
    account.failed_count = 0;
    account.locked_until = None;
    let tx = db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    tx.commit(entry("identity.set-password", id, json!({}))).await?;
    Ok(())
}

/// Disables an account, or enables it again.
///
/// # Errors
/// When there is no such account.
pub async fn set_disabled(db: &Db, login: &str, disabled: bool) -> Result<(), ConsoleError> {
    let mut account = found(db, login).await?;
    let id = account.id;
    account.disabled = disabled;
    let tx = db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    let action = if disabled { "identity.disable" } else { "identity.enable" };
    tx.commit(entry(action, id, json!({}))).await?;
    Ok(())
}

/// Makes a one-time link with which a person chooses a new password. `base` is the site's address
/// without a slash at its end.
///
/// # Errors
/// When there is no such account.
pub async fn link(db: &Db, login: &str, base: &str) -> Result<String, ConsoleError> {
    let account = found(db, login).await?;
    let tx = db.begin().await?;
    let token = invite::put(&tx, db, invite::JOIN, Some(account.id), INVITATION).await?;
    tx.commit(entry("identity.link", account.id, json!({}))).await?;
    Ok(format!("{base}/invite/{token}"))
}

/// Makes an API token of an account with these scopes that works for so many days, and returns it: it is kept as a hash
/// only.
///
/// # Errors
/// When there is no such account or its role does not have a scope.
pub async fn token(
    db: &Db,
    login: &str,
    name: &str,
    (scope, days): (&[String], u16),
) -> Result<String, ConsoleError> {
    let account = found(db, login).await?;
    let role = Role::from_word(&account.role).unwrap_or(Role::ApiClient);
    let mut errors = crate::FieldErrors::default();
    scopes::check(role, scope, &mut errors);
    if !errors.is_empty() {
        return Err(ConsoleError::Scope(scope.join(", ")));
    }
    let token = format!("lt_{}", secrets::token(db.ids()));
    let tx = db.begin().await?;
    let row = api_token::Model {
        token_hash: secrets::digest(&token),
        id: tx.new_uuid(),
        account_id: account.id,
        name: name.to_owned(),
        scopes: json!(scope),
        created_at: tx.now(),
        expires_at: Some(tx.now() + TimeDelta::days(i64::from(days))),
        last_used_at: None,
        revoked_at: None,
    };
    store::insert_token(tx.conn(), row).await?;
    let detail = json!({ "name": name, "scopes": scope, "days": days });
    tx.commit(entry("identity.make-token", account.id, detail)).await?;
    Ok(token)
}

async fn found(db: &Db, login: &str) -> Result<account::Model, ConsoleError> {
    let account = store::account_by_login(db.conn(), &fold(login)).await?;
    account.ok_or_else(|| ConsoleError::Unknown(login.to_owned()))
}

async fn hashed(db: &Db, password: String) -> Result<String, ConsoleError> {
    let length = password.chars().count();
    if !(super::PASSWORD_CHARS_MIN..=super::PASSWORD_CHARS_MAX).contains(&length) {
        return Err(ConsoleError::Password);
    }
    // The page's error says no more than that it failed; neither does this one.
    secrets::hash_password(db.ids(), password).await.or(Err(ConsoleError::Hash))
}

fn entry(action: &str, account: Uuid, detail: serde_json::Value) -> AuditEntry {
    AuditEntry::new(Actor::Platform("console"), action, Subject::new("account", account), detail)
}
