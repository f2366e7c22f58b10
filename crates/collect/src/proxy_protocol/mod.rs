//! Who really sends over a connection that a load balancer made: balancers tell by the PROXY protocol
//! (`HAProxy`, nginx, F5, clouds), in front of everything else, TLS too.
//!
//! Only connections from configured addresses begin with such a header, and theirs must: who may write one may
//! claim any address. Nothing is guessed from what the bytes look like.

mod header;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::limits;
pub(crate) use header::{Malformed, Parsed, parse};

/// Networks of load balancers, each connection from which begins with a PROXY header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balancers(Vec<IpNet>);

/// Why it is not known who sends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// The bytes are no header.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The connection ended before its header was whole; with nothing read it was a balancer's look whether we
    /// are alive.
    #[error("the connection ended after {0} bytes of its PROXY header")]
    Ended(usize),
    /// The header did not come in time.
    #[error("the PROXY header took too long")]
    Late,
    /// The connection failed.
    #[error("the PROXY header could not be read")]
    Io(#[from] std::io::Error),
}

impl ProxyError {
    /// Returns whether a balancer only looked whether we are alive.
    pub(crate) const fn is_probe(&self) -> bool {
        matches!(self, Self::Ended(0))
    }
}

impl Balancers {
    /// Returns these balancers.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn contain(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// Returns who sends over a connection of this peer, and takes the header off its front if it is a balancer's.
    pub(crate) async fn sender(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        peer: SocketAddr,
    ) -> Result<SocketAddr, ProxyError> {
        self.sender_within(stream, peer, limits::PROXY_HEADER).await
    }

    async fn sender_within(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        peer: SocketAddr,
        patience: Duration,
    ) -> Result<SocketAddr, ProxyError> {
        if !self.contain(peer.ip().to_canonical()) {
            return Ok(peer);
        }
        match tokio::time::timeout(patience, read(stream)).await {
            Ok(source) => Ok(source?.unwrap_or(peer)),
            Err(_elapsed) => Err(ProxyError::Late),
        }
    }
}

/// Reads a header and not one byte more: what follows is TLS's, or the sender's.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, ProxyError> {
    let mut bytes = Vec::new();
    loop {
        match parse(&bytes)? {
            Parsed::Whole { source, .. } => return Ok(source),
            Parsed::More(missing) => {
                let missing = u64::try_from(missing).unwrap_or(u64::MAX);
                match (&mut *stream).take(missing).read_buf(&mut bytes).await {
                    Ok(0) => return Err(ProxyError::Ended(bytes.len())),
                    Ok(_) => {}
                    // Some balancers end their look with a reset.
                    Err(_) if bytes.is_empty() => return Err(ProxyError::Ended(0)),
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}
