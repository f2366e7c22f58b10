//! The acts of identity that take two people: making someone an administrator, and taking a second
//! factor off an account. Either would let one person become another or rule alone.

use std::sync::Arc;

use async_trait::async_trait;
use db::Tx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{invite, store};
use crate::approval::Grave;
use crate::{AppError, Permission, Phrase, Role};

/// Granting the role of administrator.
pub(super) const MAKE_ADMINISTRATOR: &str = "identity.make-administrator";
/// Taking a second factor off.
pub(super) const RESET_SECOND_FACTOR: &str = "identity.reset-second-factor";

/// Returns the acts.
pub(super) fn acts() -> Vec<Arc<dyn Grave>> {
    vec![Arc::new(MakeAdministrator), Arc::new(ResetSecondFactor)]
}

/// Who becomes an administrator: an account, or someone new.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) account: Option<Uuid>,
    pub(super) login: String,
    pub(super) name: String,
}

#[derive(Debug)]
struct MakeAdministrator;

#[async_trait]
impl Grave for MakeAdministrator {
    fn action(&self) -> &'static str {
        MAKE_ADMINISTRATOR
    }

    fn key(&self) -> &'static str {
        "approval-make-administrator"
    }

    fn permission(&self) -> Permission {
        Permission::AccountChange
    }

    async fn carry_out(&self, tx: &Tx, payload: &Value) -> Result<(), AppError> {
        let named: Named = serde_json::from_value(payload.clone()).map_err(AppError::internal)?;
        make_administrator(tx, &named).await.map(drop)
    }
}

/// Gives an account the role, or makes one that has it; returns its id.
pub(super) async fn make_administrator(tx: &Tx, named: &Named) -> Result<Uuid, AppError> {
    if let Some(id) = named.account {
        let account = store::account(tx.conn(), id).await?;
        let mut account = account.ok_or(AppError::NotFound)?;
        Role::Administrator.word().clone_into(&mut account.role);
        named.name.clone_into(&mut account.name);
        account.agency_id = None;
        store::update_account(tx.conn(), account).await?;
        return Ok(id);
    }
    let folded = event::fold::fold(&named.login);
    if store::account_by_login(tx.conn(), &folded).await?.is_some() {
        return Err(AppError::Conflict(Phrase::key("identity-login-taken")));
    }
    let row = invite::fresh(tx, &named.login, &named.name, Role::Administrator);
    let id = row.id;
    store::insert_account(tx.conn(), row).await?;
    Ok(id)
}

#[derive(Debug)]
struct ResetSecondFactor;

#[async_trait]
impl Grave for ResetSecondFactor {
    fn action(&self) -> &'static str {
        RESET_SECOND_FACTOR
    }

    fn key(&self) -> &'static str {
        "approval-reset-second-factor"
    }

    fn permission(&self) -> Permission {
        Permission::AccountChange
    }

    async fn carry_out(&self, tx: &Tx, payload: &Value) -> Result<(), AppError> {
        let named: Named = serde_json::from_value(payload.clone()).map_err(AppError::internal)?;
        let id = named.account.ok_or(AppError::NotFound)?;
        reset_second_factor(tx, id).await
    }
}

/// Takes codes and passkeys off an account and ends its sessions.
pub(super) async fn reset_second_factor(tx: &Tx, id: Uuid) -> Result<(), AppError> {
    let mut account = store::account(tx.conn(), id).await?.ok_or(AppError::NotFound)?;
    account.totp_enabled = false;
    account.totp_secret = None;
    store::update_account(tx.conn(), account).await?;
    store::replace_recovery_codes(tx.conn(), id, Vec::new()).await?;
    super::passkey::forget_all(tx, id).await?;
    store::end_other_sessions(tx.conn(), id, "").await?;
    Ok(())
}
