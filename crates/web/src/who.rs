//! Who asks: the signed-in person or the holder of an API token, put into the request by
//! [`crate::identity`] and checked by the guard of every route.

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
    /// The person's name as shown.
    pub name: String,
    /// What the account is for.
    pub role: Role,
    /// The agency the account belongs to; `None` for the provincial centre.
    pub agency: Option<AgencyId>,
    /// What may be seen: pass it to every store function.
    pub scope: Scope,
    /// The reader's language.
    pub lang: Lang,
    /// How they came in.
    pub by: By,
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

impl Who {
    /// Returns whether they may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Goes on if they may do this.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] if not.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if self.may(permission) { Ok(()) } else { Err(AppError::Forbidden) }
    }
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let who = parts.extensions.get::<Arc<Self>>().ok_or(AppError::NotSignedIn)?;
        Ok(Self::clone(who))
    }
}
