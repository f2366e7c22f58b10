//! Accounts, for the administrator: invite, change, disable, a new link for a lost password.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use db::{AuditEntry, Subject, Tx};
use event::{AccountId, AgencyId};
use http::header::HOST;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::grave::{self, MAKE_ADMINISTRATOR, Named, RESET_SECOND_FACTOR};
use super::invite::{self, JOIN};
use super::rows::account;
use super::views::{
    AccountPage, AccountRow, AccountsPage, Choice, OncePage, SessionRow, TokenRow, Wrong,
};
use super::{Address, INVITATION, Identity, form, scopes, store};
use crate::approval::Ask;
use crate::error::FieldErrors;
use crate::{
    AppError, Body, By, Done, Lang, Path, Permission, Phrase, Role, Routes, View, Who, done, i18n,
};

pub(super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/accounts", Permission::AccountRead, list)
        .doc("Lists accounts")
        .gives::<AccountsPage>()
        .get("/accounts/new", Permission::AccountChange, ask_new)
        .doc("Shows the form of a new account")
        .post("/accounts", Permission::AccountChange, add)
        .doc("Makes an account and shows its invitation link once")
        .takes::<form::NewAccount>()
        .gives::<OncePage>()
        .get("/accounts/{id}", Permission::AccountRead, show)
        .doc("Shows an account")
        .gives::<AccountPage>()
        .post("/accounts/{id}", Permission::AccountChange, change)
        .doc("Changes name, role and agency")
        .takes::<form::ChangedAccount>()
        .post("/accounts/{id}/disable", Permission::AccountChange, disable)
        .doc("Disables an account and ends its sessions")
        .post("/accounts/{id}/enable", Permission::AccountChange, enable)
        .doc("Enables an account again")
        .post("/accounts/{id}/sessions/end", Permission::AccountChange, end_sessions)
        .doc("Ends all sessions of an account")
        .post("/accounts/{id}/second-factor/reset", Permission::AccountChange, reset_second_factor)
        .doc("Takes a lost second factor off an account")
        .post("/accounts/{id}/link", Permission::AccountChange, new_link)
        .doc("Makes a new one-time link for an account and shows it once")
        .gives::<OncePage>()
}

impl Identity {
    async fn found(&self, id: Uuid) -> Result<account::Model, AppError> {
        store::account(self.db.conn(), id).await?.ok_or(AppError::NotFound)
    }

    fn row(&self, account: &account::Model) -> AccountRow {
        let role = Role::from_word(&account.role);
        let agency = account.agency_id.map(AgencyId::from_uuid).and_then(|id| {
            self.tree.choices().into_iter().find(|(own, _)| *own == id).map(|(_, name)| name)
        });
        AccountRow {
            id: account.id.to_string(),
            login: account.login.clone(),
            name: account.name.clone(),
            role: account.role.clone(),
            role_key: role.map_or("identity-role-unknown", Role::key),
            agency,
            second_factor: account.totp_enabled,
            invited: account.password_hash.is_none(),
            disabled: account.disabled,
            last_sign_in_at: account.last_sign_in_at,
        }
    }

    fn roles(chosen: Option<Role>, lang: Lang) -> Vec<Choice> {
        Role::ALL
            .into_iter()
            .map(|role| Choice {
                value: role.word().to_owned(),
                label: i18n::text(lang, role.key()),
                chosen: chosen == Some(role),
            })
            .collect()
    }

    fn agencies(&self, chosen: Option<AgencyId>) -> Vec<Choice> {
        self.tree
            .choices()
            .into_iter()
            .map(|(id, name)| Choice {
                value: id.to_string(),
                label: name,
                chosen: chosen == Some(id),
            })
            .collect()
    }
}

fn entry(who: &Who, address: Address, action: &str, id: Uuid, detail: Value) -> AuditEntry {
    AuditEntry::new(who.actor(address), action, Subject::new("account", id), detail)
}

async fn list(State(identity): State<Identity>, _: Who) -> Result<View<AccountsPage>, AppError> {
    let accounts = store::accounts(identity.db.conn()).await?;
    Ok(View::new(AccountsPage { accounts: accounts.iter().map(|row| identity.row(row)).collect() }))
}

async fn ask_new(State(identity): State<Identity>, who: Who) -> View<AccountPage> {
    View::new(AccountPage {
        roles: Identity::roles(Some(Role::Analyst), who.lang),
        agencies: identity.agencies(None),
        ..AccountPage::default()
    })
}

async fn add(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
    Body(given): Body<form::NewAccount>,
) -> Result<Response, AppError> {
    let (login, name) = (given.login.trim(), given.name.trim());
    let mut errors = FieldErrors::default();
    form::check_login(login, &mut errors);
    form::check_name(name, &mut errors);
    form::check_agency(given.role, given.agency, &mut errors);
    let folded = event::fold::fold(login);
    if store::account_by_login(identity.db.conn(), &folded).await?.is_some() {
        errors.add("login", Phrase::key("identity-login-taken"));
    }
    let two = given.role == Role::Administrator
        && errors.is_empty()
        && identity.approvals.is_needed(&who, Permission::AccountChange).await?;
    if two && given.reason.trim().is_empty() {
        errors.add("reason", Phrase::key("approval-reason-needed"));
    }
    if !errors.is_empty() {
        if who.by == By::Token {
            return Err(AppError::Invalid(errors));
        }
        let page = AccountPage {
            login: login.to_owned(),
            name: name.to_owned(),
            roles: Identity::roles(Some(given.role), who.lang),
            agencies: identity.agencies(given.agency),
            reason: given.reason,
            wrong: errors.told(who.lang),
            ..AccountPage::default()
        };
        return Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    if two {
        let named = Named { account: None, login: login.to_owned(), name: name.to_owned() };
        return ask(&identity, &who, MAKE_ADMINISTRATOR, (named, given.reason)).await;
    }
    let tx = identity.db.begin().await?;
    let mut row = invite::fresh(&tx, login, name, given.role);
    row.agency_id = given.agency.map(AgencyId::uuid);
    let id = row.id;
    store::insert_account(tx.conn(), row).await?;
    if !given.role.signs_in() {
        let detail = json!({ "login": login, "role": given.role, "agency": given.agency });
        tx.commit(entry(&who, address, "identity.add-program", id, detail)).await?;
        let to = done(format!("/accounts/{id}")).made();
        return Ok(to.notice(Phrase::key("identity-program-made")).into_response());
    }
    let token = invite::put(&tx, &identity.db, JOIN, Some(id), INVITATION).await?;
    let detail = json!({ "login": login, "role": given.role, "agency": given.agency });
    tx.commit(entry(&who, address, "identity.invite", id, detail)).await?;
    let page = once(&identity, &headers, &token, id);
    Ok(View::new(page).status(StatusCode::CREATED).into_response())
}

/// Asks for an act that takes two people.
async fn ask(
    identity: &Identity,
    who: &Who,
    action: &'static str,
    (named, reason): (Named, String),
) -> Result<Response, AppError> {
    let summary = match action {
        MAKE_ADMINISTRATOR => Phrase::key("approval-make-administrator-sum"),
        _ => Phrase::key("approval-reset-second-factor-sum"),
    };
    let summary = summary.arg("name", named.name.as_str()).arg("login", named.login.as_str());
    let asked = Ask {
        action,
        subject_kind: "account",
        subject_id: named.account.map_or_else(|| named.login.clone(), |id| id.to_string()),
        agency: None,
        summary,
        payload: serde_json::to_value(&named).map_err(AppError::internal)?,
        reason,
    };
    identity.approvals.ask(who, asked).await?;
    Ok(done("/approvals").notice(Phrase::key("approval-asked")).into_response())
}

/// Returns the page that shows a link once.
fn once(identity: &Identity, headers: &HeaderMap, token: &str, account: Uuid) -> OncePage {
    let scheme = if identity.settings.tls { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    OncePage {
        title: "identity-link-made",
        advice: "identity-link-advice",
        value: format!("{scheme}://{host}/invite/{token}"),
        back: format!("/accounts/{account}"),
    }
}

async fn show(
    State(identity): State<Identity>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<AccountPage>, AppError> {
    let account = identity.found(id).await?;
    let owner = AccountId::from_uuid(id);
    let (conn, now) = (identity.db.conn(), identity.now());
    let sessions = store::sessions(conn, owner, now).await?;
    let tokens = store::tokens(conn, owner, now).await?;
    let role = Role::from_word(&account.role);
    let scopes = role.filter(|role| !role.signs_in()).map(scopes::choices);
    Ok(View::new(AccountPage {
        login: account.login.clone(),
        name: account.name.clone(),
        roles: Identity::roles(role, who.lang),
        agencies: identity.agencies(account.agency_id.map(AgencyId::from_uuid)),
        account: Some(identity.row(&account)),
        sessions: sessions.into_iter().map(|row| SessionRow::new(row, "")).collect(),
        tokens: tokens.into_iter().map(TokenRow::from).collect(),
        scopes: scopes.unwrap_or_default(),
        reason: String::new(),
        wrong: Wrong::new(),
    }))
}

async fn change(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
    Body(given): Body<form::ChangedAccount>,
) -> Result<Response, AppError> {
    let mut errors = FieldErrors::default();
    form::check_name(given.name.trim(), &mut errors);
    form::check_agency(given.role, given.agency, &mut errors);
    errors.check()?;
    let mut account = identity.found(id).await?;
    let promoted = given.role == Role::Administrator && account.role != Role::Administrator.word();
    if promoted && identity.approvals.is_needed(&who, Permission::AccountChange).await? {
        let name = given.name.trim().to_owned();
        let named = Named { account: Some(id), login: account.login, name };
        return ask(&identity, &who, MAKE_ADMINISTRATOR, (named, given.reason)).await;
    }
    let tx = identity.db.begin().await?;
    let demoted = given.role != Role::Administrator;
    if demoted && !account.disabled {
        keep_one_administrator(&tx, &account).await?;
    }
    let before = json!({ "name": account.name, "role": account.role, "agency": account.agency_id });
    given.name.trim().clone_into(&mut account.name);
    given.role.word().clone_into(&mut account.role);
    account.agency_id = given.agency.map(AgencyId::uuid);
    let after = json!({ "name": account.name, "role": account.role, "agency": account.agency_id });
    store::update_account(tx.conn(), account).await?;
    let detail = json!({ "before": before, "after": after });
    tx.commit(entry(&who, address, "identity.change-account", id, detail)).await?;
    let to = done(format!("/accounts/{id}")).notice(Phrase::key("identity-account-changed"));
    Ok(to.into_response())
}

/// Refuses a change that would leave nobody to run the platform.
async fn keep_one_administrator(tx: &Tx, account: &account::Model) -> Result<(), AppError> {
    let is_one = account.role == Role::Administrator.word();
    if is_one && store::administrators(tx.conn()).await? < 2 {
        return Err(AppError::Conflict(Phrase::key("identity-last-administrator")));
    }
    Ok(())
}

async fn disable(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let mut account = identity.found(id).await?;
    let tx = identity.db.begin().await?;
    keep_one_administrator(&tx, &account).await?;
    account.disabled = true;
    store::update_account(tx.conn(), account).await?;
    store::end_other_sessions(tx.conn(), id, "").await?;
    tx.commit(entry(&who, address, "identity.disable", id, json!({}))).await?;
    Ok(done(format!("/accounts/{id}")).notice(Phrase::key("identity-account-disabled")))
}

async fn enable(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let mut account = identity.found(id).await?;
    account.disabled = false;
    let tx = identity.db.begin().await?;
    store::update_account(tx.conn(), account).await?;
    tx.commit(entry(&who, address, "identity.enable", id, json!({}))).await?;
    Ok(done(format!("/accounts/{id}")).notice(Phrase::key("identity-account-enabled")))
}

async fn new_link(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<View<OncePage>, AppError> {
    let account = identity.found(id).await?;
    if !Role::from_word(&account.role).is_some_and(Role::signs_in) {
        return Err(AppError::Conflict(Phrase::key("identity-program-no-link")));
    }
    let tx = identity.db.begin().await?;
    store::withdraw_invites(tx.conn(), JOIN, Some(id)).await?;
    let token = invite::put(&tx, &identity.db, JOIN, Some(id), INVITATION).await?;
    tx.commit(entry(&who, address, "identity.new-link", id, json!({}))).await?;
    Ok(View::new(once(&identity, &headers, &token, id)))
}

async fn end_sessions(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    identity.found(id).await?;
    let tx = identity.db.begin().await?;
    store::end_other_sessions(tx.conn(), id, "").await?;
    tx.commit(entry(&who, address, "identity.end-sessions", id, json!({}))).await?;
    Ok(done(format!("/accounts/{id}")).notice(Phrase::key("identity-sessions-ended")))
}

async fn reset_second_factor(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
    Body(given): Body<form::Reason>,
) -> Result<Response, AppError> {
    let account = identity.found(id).await?;
    if identity.approvals.is_needed(&who, Permission::AccountChange).await? {
        let named = Named { account: Some(id), login: account.login, name: account.name };
        return ask(&identity, &who, RESET_SECOND_FACTOR, (named, given.reason)).await;
    }
    let tx = identity.db.begin().await?;
    grave::reset_second_factor(&tx, id).await?;
    let detail = json!({ "reason": given.reason, "alone": true });
    tx.commit(entry(&who, address, RESET_SECOND_FACTOR, id, detail)).await?;
    let to = done(format!("/accounts/{id}")).notice(Phrase::key("identity-second-factor-taken"));
    Ok(to.into_response())
}
