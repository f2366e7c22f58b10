//! What the door asks for: set once, by `app` from its configuration.

use super::oidc::{OidcSettings, Provider};
use crate::outbound::Outbound;
use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder, WebauthnError};

/// How people get in.
#[derive(Debug, Default)]
pub struct Door {
    /// Whether roles that see the whole province work only with a second factor.
    pub(super) second_factor_forced: bool,
    /// What checks passkeys; `None` where the site's address is not configured.
    pub(super) passkeys: Option<Webauthn>,
    /// Who vouches for people, if anyone.
    pub(super) oidc: Option<Provider>,
}

/// Why a door cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The site's public address is no address.
    #[error("the public address `{0}` is not `https://name` (or `http://localhost:port`)")]
    Address(String),
    /// Passkeys cannot be bound to it.
    #[error("passkeys cannot be bound to the public address")]
    Passkeys(#[source] WebauthnError),
}

impl Door {
    /// Says whether roles that see the whole province work only with a second factor.
    #[must_use]
    pub fn forcing(mut self, second_factor: bool) -> Self {
        self.second_factor_forced = second_factor;
        self
    }

    /// Lets a provider of single sign-on vouch for people.
    #[must_use]
    pub fn with_provider(mut self, settings: OidcSettings, outbound: Outbound) -> Self {
        self.oidc = Some(Provider::new(settings, outbound));
        self
    }

    /// Binds passkeys to the address at which browsers know the site.
    ///
    /// # Errors
    /// When it is no address that browsers allow passkeys for.
    pub fn with_passkeys(mut self, address: &str, province: &str) -> Result<Self, DoorError> {
        let unfit = || DoorError::Address(address.to_owned());
        let origin = Url::parse(address).map_err(|_unreadable| unfit())?;
        let host = origin.host_str().ok_or_else(unfit)?;
        let built = WebauthnBuilder::new(host, &origin)
            .map(|builder| builder.rp_name(province))
            .and_then(WebauthnBuilder::build);
        self.passkeys = Some(built.map_err(DoorError::Passkeys)?);
        Ok(self)
    }
}
