//! Browser sessions and API tokens: who a request comes from.

use std::sync::Arc;

use async_trait::async_trait;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use chrono::TimeDelta;
use event::{AccountId, AgencyId};
use http::HeaderMap;
use http::header::{AUTHORIZATION, USER_AGENT};
use uuid::Uuid;

use super::rows::{account, session};
use super::{Address, Identity, SESSION_IDLE, SESSION_WHOLE, secrets, store};
use crate::{AppError, By, Lang, Role, Visitor, Visitors, Who};

/// A session's "last seen" is written no more often than this.
const TOUCH_AFTER: TimeDelta = TimeDelta::minutes(1);
/// How much of a browser's name is kept.
const AGENT_CHARS_MAX: usize = 200;
/// Longest cookie or token looked at.
const TOKEN_CHARS_MAX: usize = 128;

impl Identity {
    /// Returns the name of the session cookie: with TLS one that no other host can set.
    fn cookie_name(&self) -> &'static str {
        if self.settings.tls { "__Host-session" } else { "session" }
    }

    /// Returns a cookie that pages of this site alone get back.
    pub(super) fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(self.settings.tls)
            .same_site(SameSite::Lax)
            .build()
    }

    /// Opens a session within a change and returns its cookie.
    pub(super) async fn open_session(
        &self,
        tx: &db::Tx,
        account: Uuid,
        address: Address,
        headers: &HeaderMap,
    ) -> Result<Cookie<'static>, AppError> {
        let token = secrets::token(self.db.ids());
        let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let row = session::Model {
            id_hash: secrets::digest(&token),
            account_id: account,
            created_at: tx.now(),
            last_seen_at: tx.now(),
            expires_at: tx.now() + SESSION_WHOLE,
            address: address.0.map(|address| address.to_string()),
            user_agent: agent.map(|agent| agent.chars().take(AGENT_CHARS_MAX).collect()),
            csrf: secrets::token(self.db.ids()),
        };
        store::insert_session(tx.conn(), row).await?;
        Ok(self.cookie(self.cookie_name(), token))
    }

    /// Returns a cookie that ends the session in the browser.
    pub(super) fn closing_cookie(&self) -> Cookie<'static> {
        let mut cookie = self.cookie(self.cookie_name(), String::new());
        cookie.make_removal();
        cookie
    }

    /// Returns what is stored of the session a request carries.
    pub(super) fn session_hash(&self, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        let token = jar.get(self.cookie_name())?.value();
        (!token.is_empty() && token.len() <= TOKEN_CHARS_MAX).then(|| secrets::digest(token))
    }

    fn who(&self, row: account::Model, lang: Lang, by: By) -> Option<Arc<Who>> {
        let role = Role::from_word(&row.role)?;
        let account = AccountId::from_uuid(row.id);
        let agency = row.agency_id.map(AgencyId::from_uuid);
        let scope = self.scope(account, role, agency);
        Some(Arc::new(Who { account, name: row.name, role, agency, scope, lang, by }))
    }
}

#[async_trait]
impl Visitors for Identity {
    async fn by_session(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        let Some(hash) = self.session_hash(headers) else { return Ok(Visitor::default()) };
        let found = store::session_with_account(self.db.conn(), &hash).await?;
        let Some((session, account)) = found else { return Ok(Visitor::default()) };
        let now = self.now();
        let over = session.expires_at <= now || session.last_seen_at + SESSION_IDLE <= now;
        if over || account.disabled {
            return Ok(Visitor::default());
        }
        if session.last_seen_at + TOUCH_AFTER <= now {
            let noted = self.db.begin_bookkeeping().await?;
            store::touch_session(noted.conn(), &hash, now).await?;
            noted.commit().await?;
        }
        // A session of an account with a second factor exists only if it was passed.
        let by = By::Session { second_factor: account.totp_enabled };
        Ok(Visitor { who: self.who(account, lang, by), csrf: session.csrf })
    }

    async fn by_token(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|given| given.strip_prefix("Bearer "));
        let Some(token) = token.filter(|token| token.len() <= TOKEN_CHARS_MAX) else {
            return Ok(Visitor::default());
        };
        let hash = secrets::digest(token.trim());
        let account = store::account_by_token(self.db.conn(), &hash, self.now()).await?;
        let who = account
            .filter(|account| !account.disabled)
            .and_then(|account| self.who(account, lang, By::Token));
        Ok(Visitor { who, csrf: String::new() })
    }
}
