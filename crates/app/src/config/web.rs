//! What the configuration says of the pages.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebConfig {
    /// Where the pages are served.
    pub listen: SocketAddr,
    /// Whether browsers come by TLS, through a proxy or our own: cookies are marked for it.
    pub tls: bool,
    /// Certificate chain (PEM) to serve HTTPS ourselves.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// The address by which browsers know the site (`https://soc.tinh.example`). Passkeys are bound to
    /// it; empty: no passkeys.
    pub address: String,
    /// Which roles work only with a second factor.
    pub second_factor: SecondFactor,
    /// Networks of proxies whose word on the client's address (`X-Forwarded-For`) is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

/// Which roles work only with a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// Those that see the whole province.
    #[default]
    Privileged,
    /// None: for demonstrations and tests.
    Optional,
}

impl Default for WebConfig {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self {
            listen,
            tls: false,
            certificate: None,
            key: None,
            address: String::new(),
            second_factor: SecondFactor::default(),
            trusted_proxies: Vec::new(),
        }
    }
}
