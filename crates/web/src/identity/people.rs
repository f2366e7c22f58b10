//! Who there is, for the slices that put work into people's hands: names, never secrets.

use db::{Db, DbError};
use event::{AccountId, AgencyId, Scope};

use super::{AgencyTree, scope_in, store};
use crate::{Permission, Role};

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// What its owner is called.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The agency it belongs to.
    pub agency: Option<AgencyId>,
    /// Whether its owner can sign in.
    pub active: bool,
    /// Whether they took up the invitation.
    pub joined: bool,
}

/// Returns everyone, by name; those who cannot sign in stand last. An account of an unknown role is
/// left out.
///
/// # Errors
/// When the database does not answer.
pub async fn people(db: &Db) -> Result<Vec<Person>, DbError> {
    let rows = store::accounts(db.conn()).await?;
    let person = |row: super::rows::account::Model| {
        Some(Person {
            account: AccountId::from_uuid(row.id),
            name: row.name,
            role: Role::from_word(&row.role)?,
            agency: row.agency_id.map(AgencyId::from_uuid),
            active: !row.disabled,
            joined: row.password_hash.is_some() || row.oidc_subject.is_some(),
        })
    };
    Ok(rows.into_iter().filter_map(person).collect())
}

/// Returns what an account may see now, if its owner can sign in and may do this: for work that goes
/// on in their name. A delegation is not asked: it lends a visit, not what goes on without one.
///
/// # Errors
/// When the database does not answer.
pub async fn scope_now(
    db: &Db,
    tree: &dyn AgencyTree,
    account: AccountId,
    needs: Permission,
) -> Result<Option<Scope>, DbError> {
    let Some(row) = store::account(db.conn(), account.uuid()).await? else { return Ok(None) };
    let role = Role::from_word(&row.role).filter(|role| role.may(needs) && !row.disabled);
    let agency = row.agency_id.map(AgencyId::from_uuid);
    Ok(role.map(|role| scope_in(tree, account, role, agency)))
}
