//! Who handles something: what actions need to know of the signed-in person.

use db::Actor;
use event::{AccountId, Scope};
use web::Who;

/// A signed-in person doing something.
#[derive(Debug, Clone)]
pub struct Handler {
    /// Their account.
    pub account: AccountId,
    /// Their name as shown and as kept in the audit log.
    pub name: String,
    /// What they may see.
    pub scope: Scope,
}

impl Handler {
    /// Returns the actor of an audit entry.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Account { id: self.account, name: self.name.clone(), address: None }
    }
}

impl From<&Who> for Handler {
    fn from(who: &Who) -> Self {
        Self { account: who.account, name: who.name.clone(), scope: who.scope.clone() }
    }
}
