//! The exchange with the provider: code flow with PKCE, state and nonce (OpenID Connect Core 1.0 §3.1).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use event::IdSource;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use parking_lot::Mutex;

use super::super::secrets;
use crate::outbound::{Outbound, OutboundError};

/// How long someone may take at the provider's page.
const UNDERWAY: TimeDelta = TimeDelta::minutes(10);
/// Most people at the provider's page; past this the oldest is forgotten.
const UNDERWAY_MAX: usize = 1_000;
/// How long what the provider says of itself counts: keys are changed now and then.
const METADATA: TimeDelta = TimeDelta::minutes(15);
/// What methods of authentication mean a second factor (RFC 8176).
const STRONG: [&str; 6] = ["mfa", "otp", "hwk", "swk", "fpt", "sc"];

/// Where single sign-on goes; made by `app` from its configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The provider's address.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// What we prove it with.
    pub client_secret: String,
    /// What the button is called.
    pub name: String,
    /// Which claim holds our sign-in name: `preferred_username` or `email`.
    pub claim: String,
    /// Whether the provider always asks for a second factor, also where it does not say so.
    pub second_factor: bool,
    /// The site's public address, without a slash at its end.
    pub address: String,
}

/// The secret is never printed.
impl fmt::Debug for OidcSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcSettings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why single sign-on does not work.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// An address of the configuration cannot be read.
    #[error("`{0}` is no address")]
    Address(String),
    /// The provider does not answer, or not as one.
    #[error("the provider cannot be asked")]
    Provider(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it sent proves nothing.
    #[error("the provider's answer does not hold")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It sent no proof at all.
    #[error("the provider sent no id token")]
    NoToken,
}

/// What the provider says of someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vouched {
    /// Issuer and subject: the same person for ever.
    pub(super) subject: String,
    /// Our sign-in name, if the claim holds one that can be relied on.
    pub(super) login: Option<String>,
    pub(super) second_factor: bool,
}

/// Someone at the provider's page.
#[derive(Debug)]
pub(super) struct Visit {
    state: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    pub(super) next: String,
    until: DateTime<Utc>,
}

/// People at the provider's page, by the hash of their cookie.
#[derive(Debug, Default)]
pub(crate) struct Underway(Mutex<BTreeMap<String, Visit>>);

impl Underway {
    pub(super) fn put(&self, hash: String, visit: Visit, now: DateTime<Utc>) {
        let mut all = self.0.lock();
        all.retain(|_, visit| visit.until > now);
        if all.len() >= UNDERWAY_MAX {
            let oldest =
                all.iter().min_by_key(|(_, visit)| visit.until).map(|(hash, _)| hash.clone());
            if let Some(oldest) = oldest {
                all.remove(&oldest);
            }
        }
        all.insert(hash, visit);
    }

    /// Takes a visit whose state comes back; each is looked at once.
    pub(super) fn take(&self, hash: &str, state: &str, now: DateTime<Utc>) -> Option<Visit> {
        let visit = self.0.lock().remove(hash)?;
        (visit.until > now && crate::security::same(state, &visit.state)).then_some(visit)
    }
}

/// The provider, and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    settings: Arc<OidcSettings>,
    outbound: Outbound,
    known: Arc<Mutex<Option<Known>>>,
}

/// What the provider says of itself, and until when that counts.
type Known = (DateTime<Utc>, CoreProviderMetadata);

impl Provider {
    pub(in super::super) fn new(settings: OidcSettings, outbound: Outbound) -> Self {
        Self { settings: Arc::new(settings), outbound, known: Arc::default() }
    }

    pub(in super::super) fn name(&self) -> &str {
        &self.settings.name
    }

    async fn ask(self, request: HttpRequest) -> Result<HttpResponse, OutboundError> {
        self.outbound.send(request).await
    }

    async fn metadata(&self, now: DateTime<Utc>) -> Result<CoreProviderMetadata, OidcError> {
        let known = self.known.lock().clone();
        if let Some((until, metadata)) = known
            && until > now
        {
            return Ok(metadata);
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|_unreadable| OidcError::Address(self.settings.issuer.clone()))?;
        let http = |request| self.clone().ask(request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &http)
            .await
            .map_err(|error| OidcError::Provider(error.into()))?;
        *self.known.lock() = Some((now + METADATA, metadata.clone()));
        Ok(metadata)
    }

    fn redirect(&self) -> Result<RedirectUrl, OidcError> {
        let address = format!("{}/sign-in/oidc/return", self.settings.address);
        RedirectUrl::new(address.clone()).map_err(|_unreadable| OidcError::Address(address))
    }

    /// Returns the provider's page to go to, and what must come back from it.
    pub(super) async fn begin(
        &self,
        ids: &IdSource,
        now: DateTime<Utc>,
        next: String,
    ) -> Result<(String, Visit), OidcError> {
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let metadata = self.metadata(now).await?;
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(self.redirect()?);
        let verifier = PkceCodeVerifier::new(secrets::token(ids));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let (state, nonce) = (secrets::token(ids), secrets::token(ids));
        let (page, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let state = state.into_secret();
        Ok((page.to_string(), Visit { state, nonce, verifier, next, until: now + UNDERWAY }))
    }

    /// Returns whom the provider vouches for by this code.
    pub(super) async fn finish(
        &self,
        visit: Visit,
        code: String,
        now: DateTime<Utc>,
    ) -> Result<Vouched, OidcError> {
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let metadata = self.metadata(now).await?;
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(self.redirect()?);
        let http = |request| self.clone().ask(request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| OidcError::Provider(error.into()))?
            .set_pkce_verifier(visit.verifier)
            .request_async(&http)
            .await
            .map_err(|error| OidcError::Answer(error.into()))?;
        let token = answer.id_token().ok_or(OidcError::NoToken)?;
        let verifier = client.id_token_verifier().set_time_fn(move || now);
        let claims = token
            .claims(&verifier, &visit.nonce)
            .map_err(|error| OidcError::Answer(error.into()))?;
        let login = match self.settings.claim.as_str() {
            // An address that nobody checked could be anyone's.
            "email" => claims
                .email()
                .filter(|_| claims.email_verified() == Some(true))
                .map(|email| email.to_string()),
            _ => claims.preferred_username().map(|name| name.to_string()),
        };
        let methods = claims.auth_method_refs().map(Vec::as_slice).unwrap_or_default();
        let strong = methods.iter().any(|method| STRONG.contains(&method.as_str()));
        Ok(Vouched {
            subject: format!("{} {}", claims.issuer().as_str(), claims.subject().as_str()),
            login,
            second_factor: self.settings.second_factor || strong,
        })
    }
}
