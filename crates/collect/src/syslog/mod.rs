//! Syslog listeners: UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).
//!
//! A listener has a name; with the peer's address it decides the log source. What an unknown peer
//! sends becomes dead letters (`unknown-source`), so that a forgotten registration loses nothing.

mod drops;
mod tcp;
mod tls;
mod udp;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use tcp::{StreamSettings, TcpSyslog};
pub use tls::{TlsError, TlsFiles, server_config};
pub use udp::UdpSyslog;

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    /// The address wanted.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
