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
use super::{Address, Identity, SESSION_IDLE, SESSION_WHOLE, delegation, scopes, secrets, store};
use crate::{AppError, By, Lang, Phrase, Rights, Role, Visitor, Visitors, Who};

/// A session's "last seen" and a token's "last used" are written no more often than this.
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
        from: (Address, &HeaderMap),
        second_factor: bool,
    ) -> Result<Cookie<'static>, AppError> {
        let (address, headers) = from;
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
            second_factor,
            acting_on: None,
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

    /// Returns who an account is on a visit of its own.
    fn who(&self, row: account::Model, lang: Lang, by: By) -> Option<Who> {
        let role = Role::from_word(&row.role)?;
        let account = AccountId::from_uuid(row.id);
        let agency = row.agency_id.map(AgencyId::from_uuid);
        let scope = self.scope(account, role, agency);
        Some(Who {
            account,
            name: row.name,
            role,
            agency,
            scope,
            lang,
            by,
            rights: Rights::Whole,
            address: None,
            acting_for: None,
        })
    }

    /// Puts someone into the place of the one who delegated to them, if that still holds.
    async fn in_place_of(&self, who: Who, delegation: Uuid) -> Result<Who, AppError> {
        let Some(from) = delegation::in_force(self, &who, delegation).await? else {
            return Ok(who);
        };
        let Some(other) = self.who(from, who.lang, who.by) else { return Ok(who) };
        let name = Phrase::key("identity-acting-name")
            .arg("name", who.name)
            .arg("other", other.name)
            .text(Lang::Vi);
        let scope = self.scope(who.account, other.role, other.agency);
        Ok(Who { account: who.account, name, scope, acting_for: Some(other.account), ..other })
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
        let second_factor = session.second_factor;
        let by = By::Session { second_factor };
        let Some(mut who) = self.who(account, lang, by).filter(|who| who.role.signs_in()) else {
            return Ok(Visitor::default());
        };
        if let Some(delegation) = session.acting_on {
            who = self.in_place_of(who, delegation).await?;
        }
        if self.door.second_factor_forced && who.role.needs_second_factor() && !second_factor {
            who.rights = Rights::UntilSecondFactor;
        }
        Ok(Visitor { who: Some(Arc::new(who)), csrf: session.csrf })
    }

    async fn by_token(&self, headers: &HeaderMap, lang: Lang) -> Result<Visitor, AppError> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|given| given.strip_prefix("Bearer "));
        let Some(token) = token.filter(|token| token.len() <= TOKEN_CHARS_MAX) else {
            return Ok(Visitor::default());
        };
        let hash = secrets::digest(token.trim());
        let now = self.now();
        let found = store::token_with_account(self.db.conn(), &hash, now).await?;
        let Some((token, account)) = found.filter(|(_, account)| !account.disabled) else {
            return Ok(Visitor::default());
        };
        if token.last_used_at.is_none_or(|last| last + TOUCH_AFTER <= now) {
            let noted = self.db.begin_bookkeeping().await?;
            store::touch_token(noted.conn(), &hash, now).await?;
            noted.commit().await?;
        }
        let who = self.who(account, lang, By::Token).map(|who| {
            let rights = Rights::Only(Arc::new(scopes::granted(&token.scopes)));
            Arc::new(Who { rights, ..who })
        });
        Ok(Visitor { who, csrf: String::new() })
    }
}
