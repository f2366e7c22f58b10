//! The addresses of delegations.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use event::AccountId;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::views::{Choice, Wrong};
use super::super::{Address, Identity, people};
use super::views::{DelegationRow, DelegationsPage};
use super::{actions, store};
use crate::{AppError, Body, By, Done, Path, Phrase, Routes, View, Who, done, i18n};

pub(in super::super) fn routes(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .own_get("/delegations", list)
        .doc("Lists whom one stands in for, and who stands in for oneself")
        .gives::<DelegationsPage>()
        .own_post("/delegations", give)
        .doc("Lets another act in one's role until a day")
        .takes::<Given>()
        .own_post("/delegations/{id}/revoke", revoke)
        .doc("Takes a delegation back")
        .own_post("/delegations/{id}/begin", begin)
        .doc("Begins to act for the one who delegated")
        .own_post("/delegations/end", end)
        .doc("Acts for oneself again")
}

/// A delegation as it is asked for.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// Who shall stand in.
    #[schema(value_type = Option<String>)]
    pub(super) to: Option<To>,
    /// Why.
    #[serde(default)]
    pub(super) reason: String,
    /// The last day, in Vietnam.
    #[schema(value_type = Option<String>, format = Date)]
    pub(super) until: Option<NaiveDate>,
}

/// An account that was chosen.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct To(Uuid);

impl To {
    pub(super) fn account_id(self) -> AccountId {
        AccountId::from_uuid(self.0)
    }
}

async fn page(
    identity: &Identity,
    who: &Who,
    given: Given,
    wrong: Wrong,
) -> Result<DelegationsPage, AppError> {
    let now = identity.now();
    let names: BTreeMap<AccountId, (String, &'static str)> = people(&identity.db)
        .await?
        .into_iter()
        .map(|person| (person.account, (person.name, person.role.key())))
        .collect();
    let rows = store::of(identity.db.conn(), who.account).await?;
    let (mut given_rows, mut got_rows) = (Vec::new(), Vec::new());
    for row in rows {
        let is_own = row.from_account == who.account.uuid();
        let other = if is_own { row.to_account } else { row.from_account };
        let (name, role_key) = names.get(&AccountId::from_uuid(other)).cloned().unwrap_or_default();
        let row = DelegationRow {
            id: row.id.to_string(),
            name,
            role: if is_own { String::new() } else { i18n::text(who.lang, role_key) },
            reason: row.reason,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            in_force: row.revoked_at.is_none() && row.ends_at > now,
            revoked_at: row.revoked_at,
        };
        if is_own { given_rows.push(row) } else { got_rows.push(row) }
    }
    let may_give = who.acting_for.is_none() && actions::can_be_lent(who.role);
    let candidates = if may_give { actions::candidates(identity, who).await? } else { Vec::new() };
    let chosen = given.to.map(To::account_id);
    Ok(DelegationsPage {
        acting: who.acting_for.is_some(),
        may_give,
        given: given_rows,
        got: got_rows,
        people: candidates
            .into_iter()
            .map(|person| Choice {
                chosen: chosen == Some(person.account),
                value: person.account.to_string(),
                label: format!("{} · {}", person.name, i18n::text(who.lang, person.role.key())),
            })
            .collect(),
        reason: given.reason,
        until: given.until.map(|day| day.to_string()).unwrap_or_default(),
        wrong,
    })
}

async fn list(
    State(identity): State<Identity>,
    who: Who,
) -> Result<View<DelegationsPage>, AppError> {
    Ok(View::new(page(&identity, &who, Given::default(), Wrong::new()).await?))
}

async fn give(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Body(given): Body<Given>,
) -> Result<Response, AppError> {
    match actions::give(&identity, &who, address, &given).await {
        Ok(()) => Ok(back("delegation-given").into_response()),
        Err(AppError::Invalid(errors)) if who.by != By::Token => {
            let page = page(&identity, &who, given, errors.told(who.lang)).await?;
            Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error),
    }
}

fn back(notice: &'static str) -> Done {
    done("/delegations").notice(Phrase::key(notice))
}

async fn revoke(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::revoke(&identity, &who, address, id).await?;
    Ok(back("delegation-revoked"))
}

async fn begin(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::begin(&identity, &who, (address, &headers), id).await?;
    Ok(done("/").notice(Phrase::key("delegation-begun")))
}

async fn end(
    State(identity): State<Identity>,
    who: Who,
    address: Address,
    headers: HeaderMap,
) -> Result<Done, AppError> {
    actions::end(&identity, &who, (address, &headers)).await?;
    Ok(back("delegation-ended"))
}
