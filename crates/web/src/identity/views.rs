//! The pages of identity.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::browser;
use super::rows::session;
use crate::filters;

/// What is wrong with each field, in the reader's language.
pub(super) type Wrong = BTreeMap<String, String>;

/// Signing in.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "identity/sign_in.html")]
pub(super) struct SignInPage {
    pub(super) login: String,
    pub(super) next: String,
    pub(super) wrong: Option<String>,
    #[serde(skip)]
    pub(super) passkeys: bool,
    /// What the provider of single sign-on is called, if there is one.
    #[serde(skip)]
    pub(super) provider: Option<String>,
}

/// Asking for the second factor.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "identity/code.html")]
pub(super) struct CodePage {
    pub(super) wrong: Option<String>,
}

/// Choosing a password by a link.
#[derive(Debug, Default, Template, Serialize)]
#[template(path = "identity/invite.html")]
pub(super) struct InvitePage {
    pub(super) first: bool,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) wrong: Wrong,
}

/// One's own account.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "identity/own.html")]
pub(super) struct OwnPage {
    pub(super) login: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) second_factor: bool,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) tokens: Vec<TokenRow>,
    /// What a new token can be made for.
    #[serde(skip)]
    pub(super) scopes: Vec<Choice>,
    pub(super) passkeys: Vec<PasskeyRow>,
    /// Whether passkeys can be made here.
    #[serde(skip)]
    pub(super) passkeys_on: bool,
    pub(super) wrong: Wrong,
}

/// A passkey of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasskeyRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

/// A session of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) here: bool,
    pub(super) address: String,
    pub(super) browser: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_seen_at: DateTime<Utc>,
}

impl SessionRow {
    /// Returns a session as it is shown; `here` is what is stored of the reader's own.
    pub(super) fn new(row: session::Model, here: &str) -> Self {
        Self {
            here: row.id_hash == here,
            id: row.id_hash,
            address: row.address.unwrap_or_default(),
            browser: browser::name(row.user_agent.as_deref().unwrap_or_default()),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        }
    }
}

/// A token of one's own; the token itself is shown once, when made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenRow {
    pub(super) id: String,
    pub(super) name: String,
    /// What it may do.
    pub(super) scopes: Vec<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

/// Turning the second factor on.
#[derive(Template, Serialize)]
#[template(path = "identity/second_factor.html")]
pub(super) struct SecondFactorPage {
    pub(super) on: bool,
    /// Whether nothing else works before it is on.
    pub(super) forced: bool,
    /// The QR picture, made by us from the secret: plain SVG without text of anyone's.
    #[serde(skip)]
    pub(super) picture: Option<String>,
    #[serde(skip)]
    pub(super) secret: Option<String>,
    pub(super) wrong: Option<String>,
}

/// Something shown once: a link, a token, a secret.
#[derive(Template, Serialize, ToSchema)]
#[template(path = "identity/once.html")]
pub(crate) struct OncePage {
    #[serde(skip)]
    pub(super) title: &'static str,
    #[serde(skip)]
    pub(super) advice: &'static str,
    /// What is shown this once.
    pub(super) value: String,
    #[serde(skip)]
    pub(super) back: String,
}

impl OncePage {
    /// Returns the page that shows a value under a title with an advice (language keys) and leads back.
    pub(crate) const fn new(
        (title, advice): (&'static str, &'static str),
        value: String,
        back: String,
    ) -> Self {
        Self { title, advice, value, back }
    }
}

/// Recovery codes, shown once.
#[derive(Template, Serialize)]
#[template(path = "identity/codes.html")]
pub(super) struct CodesPage {
    pub(super) codes: Vec<String>,
}

/// The accounts.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "identity/accounts.html")]
pub(super) struct AccountsPage {
    pub(super) accounts: Vec<AccountRow>,
}

/// An account in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccountRow {
    pub(super) id: String,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) role: String,
    #[serde(skip)]
    pub(super) role_key: &'static str,
    pub(super) agency: Option<String>,
    pub(super) second_factor: bool,
    pub(super) invited: bool,
    pub(super) disabled: bool,
    pub(super) last_sign_in_at: Option<DateTime<Utc>>,
}

/// A choice in a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// A new account, or one to be changed.
#[derive(Debug, Default, Template, Serialize, ToSchema)]
#[template(path = "identity/account.html")]
pub(super) struct AccountPage {
    pub(super) account: Option<AccountRow>,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) roles: Vec<Choice>,
    pub(super) agencies: Vec<Choice>,
    /// Open sessions, for whoever may end them.
    pub(super) sessions: Vec<SessionRow>,
    pub(super) tokens: Vec<TokenRow>,
    /// What a new token of a program can be made for; empty for a person's account.
    #[serde(skip)]
    pub(super) scopes: Vec<Choice>,
    #[serde(skip)]
    pub(super) reason: String,
    pub(super) wrong: Wrong,
}
