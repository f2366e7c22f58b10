//! API tokens: made with scopes and an end, shown once, changed for a fresh one, taken back. One's own, and
//! those of programs, which only an administrator makes.

use axum::extract::State;
use chrono::TimeDelta;
use db::{AuditEntry, Subject};
use event::AccountId;
use serde_json::json;
use uuid::Uuid;

use super::rows::api_token;
use super::views::{OncePage, TokenRow};
use super::{Address, Identity, form, scopes, secrets, store};
use crate::error::FieldErrors;
use crate::{AppError, Body, Done, Path, Permission, Phrase, Role, Routes, View, Who, done};

/// Days a token works unless asked otherwise: a quarter.
const TOKEN_DAYS: u16 = 90;
/// Most days a token works: long enough for a year's contract, short enough to be forgotten safely.
const TOKEN_DAYS_MAX: u16 = 366;
/// How long the old token still works after it was changed for a new one: programs are told one by one.
const ROTATION: TimeDelta = TimeDelta::hours(24);

pub(super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    use Permission::AccountChange;
    routes
        .own_post("/account/tokens", make_own)
        .doc("Makes an API token and shows it once")
        .takes::<form::NewToken>()
        .gives::<OncePage>()
        .own_post("/account/tokens/{id}/rotate", rotate_own)
        .doc("Makes a fresh token in the place of one that still works for a day")
        .gives::<OncePage>()
        .own_post("/account/tokens/{id}/revoke", revoke_own)
        .doc("Takes an API token back")
        .post("/accounts/{id}/tokens", AccountChange, make)
        .doc("Makes a token of a program's account and shows it once")
        .takes::<form::NewToken>()
        .gives::<OncePage>()
        .post("/accounts/{id}/tokens/{token}/rotate", AccountChange, rotate)
        .doc("Makes a fresh token in the place of a program's that still works for a day")
        .gives::<OncePage>()
        .post("/accounts/{id}/tokens/{token}/revoke", AccountChange, revoke)
        .doc("Takes a token of an account back")
}

impl From<api_token::Model> for TokenRow {
    fn from(row: api_token::Model) -> Self {
        let words = row.scopes.as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            id: row.id.to_string(),
            name: row.name,
            scopes: words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Whose token is changed, and by whom.
struct Change<'a> {
    identity: &'a Identity,
    who: &'a Who,
    address: Address,
    owner: AccountId,
    /// The page that shows the owner's tokens.
    back: String,
}

impl Change<'_> {
    fn entry(&self, action: &str, detail: serde_json::Value) -> AuditEntry {
        let subject = Subject::new("account", self.owner);
        AuditEntry::new(self.who.actor(self.address), action, subject, detail)
    }

    fn shown(&self, token: String) -> View<OncePage> {
        View::new(OncePage {
            title: "identity-token-made",
            advice: "identity-token-advice",
            value: token,
            back: self.back.clone(),
        })
        .status(http::StatusCode::CREATED)
    }

    async fn make(&self, role: Role, given: form::NewToken) -> Result<View<OncePage>, AppError> {
        let name = given.name.trim();
        let days = given.days.unwrap_or(TOKEN_DAYS);
        let mut errors = FieldErrors::default();
        form::check_name(name, &mut errors);
        scopes::check(role, &given.scope, &mut errors);
        if days == 0 || days > TOKEN_DAYS_MAX {
            errors.add(
                "days",
                Phrase::key("identity-token-days").arg("count", u64::from(TOKEN_DAYS_MAX)),
            );
        }
        errors.check()?;
        let tx = self.identity.db.begin().await?;
        let (token, hash) = fresh(self.identity);
        let row = api_token::Model {
            token_hash: hash,
            id: tx.new_uuid(),
            account_id: self.owner.uuid(),
            name: name.to_owned(),
            scopes: json!(given.scope),
            created_at: tx.now(),
            expires_at: Some(tx.now() + TimeDelta::days(i64::from(days))),
            last_used_at: None,
            revoked_at: None,
        };
        let detail = json!({ "name": name, "token": row.id, "scopes": given.scope, "days": days });
        store::insert_token(tx.conn(), row).await?;
        tx.commit(self.entry("identity.make-token", detail)).await?;
        Ok(self.shown(token))
    }

    async fn rotate(&self, id: Uuid) -> Result<View<OncePage>, AppError> {
        let tx = self.identity.db.begin().await?;
        let now = tx.now();
        let old = store::token(tx.conn(), self.owner, id).await?;
        let old = old.filter(|old| old.expires_at.is_none_or(|end| end > now));
        let Some(old) = old else { return Err(AppError::NotFound) };
        let until = old.expires_at.map_or(now + ROTATION, |end| end.min(now + ROTATION));
        let lifetime = old.expires_at.map_or(TimeDelta::days(i64::from(TOKEN_DAYS)), |end| {
            (end - old.created_at).max(TimeDelta::days(1))
        });
        let (token, hash) = fresh(self.identity);
        let row = api_token::Model {
            token_hash: hash,
            id: tx.new_uuid(),
            created_at: now,
            expires_at: Some(now + lifetime),
            last_used_at: None,
            ..old.clone()
        };
        let detail = json!({ "name": row.name, "token": row.id, "old": id, "old_until": until });
        store::end_token_at(tx.conn(), id, until).await?;
        store::insert_token(tx.conn(), row).await?;
        tx.commit(self.entry("identity.rotate-token", detail)).await?;
        Ok(self.shown(token))
    }

    async fn revoke(&self, id: Uuid) -> Result<Done, AppError> {
        let tx = self.identity.db.begin().await?;
        let now = tx.now();
        if !store::revoke_token(tx.conn(), self.owner, id, now).await? {
            return Err(AppError::NotFound);
        }
        tx.commit(self.entry("identity.revoke-token", json!({ "token": id }))).await?;
        Ok(done(self.back.clone()).notice(Phrase::key("identity-token-revoked")))
    }
}

/// Returns a token and what is stored of it.
fn fresh(identity: &Identity) -> (String, String) {
    let token = format!("lt_{}", secrets::token(identity.db.ids()));
    let hash = secrets::digest(&token);
    (token, hash)
}

fn own<'a>(identity: &'a Identity, who: &'a Who, address: Address) -> Change<'a> {
    Change { identity, who, address, owner: who.account, back: "/account".to_owned() }
}

fn of<'a>(identity: &'a Identity, who: &'a Who, address: Address, id: Uuid) -> Change<'a> {
    let owner = AccountId::from_uuid(id);
    Change { identity, who, address, owner, back: format!("/accounts/{id}") }
}

async fn make_own(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Body(given): Body<form::NewToken>,
) -> Result<View<OncePage>, AppError> {
    who.proven()?;
    // In one's own role, not in that of whom one stands in for.
    let account = identity.own(&who).await?;
    let role = Role::from_word(&account.role).ok_or(AppError::NotFound)?;
    own(&identity, &who, address).make(role, given).await
}

async fn rotate_own(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<View<OncePage>, AppError> {
    who.proven()?;
    own(&identity, &who, address).rotate(id).await
}

async fn revoke_own(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    own(&identity, &who, address).revoke(id).await
}

/// Refuses what would let an administrator act in a person's name.
async fn program(identity: &Identity, id: Uuid) -> Result<Role, AppError> {
    let account = store::account(identity.db.conn(), id).await?.ok_or(AppError::NotFound)?;
    match Role::from_word(&account.role) {
        Some(role) if !role.signs_in() => Ok(role),
        _ => Err(AppError::Conflict(Phrase::key("identity-token-of-person"))),
    }
}

async fn make(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
    Body(given): Body<form::NewToken>,
) -> Result<View<OncePage>, AppError> {
    let role = program(&identity, id).await?;
    of(&identity, &who, address, id).make(role, given).await
}

async fn rotate(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path((id, token)): Path<(Uuid, Uuid)>,
) -> Result<View<OncePage>, AppError> {
    program(&identity, id).await?;
    of(&identity, &who, address, id).rotate(token).await
}

async fn revoke(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path((id, token)): Path<(Uuid, Uuid)>,
) -> Result<Done, AppError> {
    of(&identity, &who, address, id).revoke(token).await
}
