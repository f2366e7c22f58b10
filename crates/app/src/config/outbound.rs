//! What the configuration says of the way out, and of who vouches for people there.

use std::path::PathBuf;

use ::web::outbound::{AllowList, OutboundSettings};
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The way out: nothing is reached that is not named here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundConfig {
    /// Hosts that may be reached: `host`, `host:port`, `*.domain`, `http://host:port` without TLS.
    pub allow: Vec<String>,
    /// Private networks that may be reached nonetheless.
    pub private: Vec<ipnet::IpNet>,
    /// Certificates (PEM) of authorities trusted besides the system's.
    pub authorities: Vec<PathBuf>,
    /// The longest an exchange may take, in seconds.
    pub timeout_s: u64,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        let timeout_s = ::web::outbound::TIMEOUT.as_secs();
        Self { allow: Vec::new(), private: Vec::new(), authorities: Vec::new(), timeout_s }
    }
}

impl OutboundConfig {
    /// Returns how the way out is set up.
    ///
    /// # Errors
    /// When a line names no host or a certificate cannot be read.
    pub fn settings(&self) -> Result<OutboundSettings, ConfigError> {
        let allow = AllowList::read(&self.allow)
            .map_err(|error| ConfigError::Contradiction(format!("[outbound] {error}")))?;
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| ConfigError::File { path: path.clone(), source })
        };
        Ok(OutboundSettings {
            allow,
            private: self.private.clone(),
            authorities: self.authorities.iter().map(read).collect::<Result<_, _>>()?,
            timeout: std::time::Duration::from_secs(self.timeout_s.max(1)),
            ..OutboundSettings::default()
        })
    }
}

/// Single sign-on by OpenID Connect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider's address; empty: no single sign-on.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// What we prove it with.
    pub client_secret: String,
    /// What the button on the sign-in page is called.
    pub name: String,
    /// Which claim holds our sign-in name: `preferred_username` or `email`.
    pub claim: String,
    /// Whether the provider always asks for a second factor.
    pub second_factor: bool,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
            name: "SSO".to_owned(),
            claim: "preferred_username".to_owned(),
            second_factor: false,
        }
    }
}

/// The secret is never printed.
impl std::fmt::Debug for OidcConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcConfig").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl OidcConfig {
    /// Returns where single sign-on goes, if anywhere. `address` is the site's public one.
    pub fn settings(&self, address: &str) -> Option<::web::identity::OidcSettings> {
        (!self.issuer.is_empty()).then(|| ::web::identity::OidcSettings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            name: self.name.clone(),
            claim: self.claim.clone(),
            second_factor: self.second_factor,
            address: address.trim_end_matches('/').to_owned(),
        })
    }
}
