//! Who asks: the signed-in person or the holder of an API token, put into the request by
//! [`crate::identity`] and checked by the guard of every route.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use event::{AccountId, AgencyId, Scope};
use http::request::Parts;

use crate::{AppError, Lang, Permission, Role};

/// The one who asks. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct Who {
    /// The account.
    pub account: AccountId,
    /// The person's name as shown, and as written into the audit log; someone who acts for another
    /// bears both names.
    pub name: String,
    /// What the account is for; of someone who acts for another, that one's role.
    pub role: Role,
    /// The agency the account belongs to; `None` for the provincial centre.
    pub agency: Option<AgencyId>,
    /// What may be seen: pass it to every store function.
    pub scope: Scope,
    /// The reader's language.
    pub lang: Lang,
    /// How they came in.
    pub by: By,
    /// How much of the role's rights this visit has.
    pub rights: Rights,
    /// Where the request came from, if the server told it.
    pub address: Option<IpAddr>,
    /// Whose place they take, when they act on a delegation.
    pub acting_for: Option<AccountId>,
}

/// How someone came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A browser session; `second_factor` tells whether a code was asked for.
    Session {
        /// Whether the session passed a second factor.
        second_factor: bool,
    },
    /// An API token; works under `/api/v1` only.
    Token,
}

/// How much of the role's rights a visit has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Rights {
    /// All of them.
    #[default]
    Whole,
    /// Those a token was made for, as far as the role has them.
    Only(Arc<BTreeSet<Permission>>),
    /// None but one's own account: the role asks for a second factor, and there is none yet.
    UntilSecondFactor,
}

impl Who {
    /// Returns whether they may do this.
    pub fn may(&self, permission: Permission) -> bool {
        let granted = match &self.rights {
            Rights::Whole => true,
            Rights::Only(scopes) => scopes.contains(&permission),
            Rights::UntilSecondFactor => false,
        };
        granted && self.role.may(permission)
    }

    /// Goes on unless their role waits for a second factor: whoever has the password alone must not make
    /// another way in.
    ///
    /// # Errors
    /// [`AppError::SecondFactorNeeded`].
    pub fn proven(&self) -> Result<(), AppError> {
        if self.rights == Rights::UntilSecondFactor {
            return Err(AppError::SecondFactorNeeded);
        }
        Ok(())
    }

    /// Goes on if they may do this.
    ///
    /// # Errors
    /// [`AppError::SecondFactorNeeded`] if the role waits for one, else [`AppError::Forbidden`].
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if self.may(permission) {
            Ok(())
        } else if self.rights == Rights::UntilSecondFactor && self.role.may(permission) {
            Err(AppError::SecondFactorNeeded)
        } else {
            Err(AppError::Forbidden)
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let who = parts.extensions.get::<Arc<Self>>().ok_or(AppError::NotSignedIn)?;
        Ok(Self::clone(who))
    }
}
