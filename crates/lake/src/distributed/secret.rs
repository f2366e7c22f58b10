//! The secret that the machines of a cluster share.
//!
//! Ballista lets us shape the connections it makes, not each request on them. So the proof of the secret is what
//! a connection may say with every request: the client's name. It is sent as it is: who can listen on the network can
//! learn it. The ports belong on a closed network all the same.

use std::sync::Arc;
use std::time::Duration;

use ballista_core::extension::EndpointOverrideFn;
use ring::hmac;
use tonic::transport::Endpoint;
use tonic::{Request, Status};

/// What the proof is made for.
const PURPOSE: &[u8] = b"luytre distributed queries 1";

/// What the client's name begins with.
const NAME: &str = "luytre/";

/// The longest that a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A machine that is gone without a word is noticed after twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What all machines of a cluster know and nobody else. It is never printed.
#[derive(Clone)]
pub struct ClusterSecret(hmac::Key);

impl std::fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterSecret")
    }
}

impl ClusterSecret {
    /// Returns the secret of these bytes; none at all is a secret that everybody knows.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn name(&self) -> String {
        format!("{NAME}{}", hex::encode(hmac::sign(&self.0, PURPOSE)))
    }

    /// Returns what makes each connection prove the secret.
    pub(super) fn endpoints(&self) -> EndpointOverrideFn {
        let name = self.name();
        Arc::new(move |endpoint: Endpoint| {
            let endpoint = endpoint
                .connect_timeout(CONNECT_TIMEOUT)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .user_agent(name.clone())?;
            Ok(endpoint)
        })
    }

    /// Returns what refuses requests that do not prove it.
    pub(super) fn guard(
        &self,
    ) -> impl Fn(Request<()>) -> Result<Request<()>, Status> + Clone + Send + Sync + 'static {
        let key = self.0.clone();
        move |request: Request<()>| {
            let name = request.metadata().get("user-agent").and_then(|name| name.to_str().ok());
            // The library puts its own name behind.
            let proof = name.and_then(|name| name.split(' ').next()?.strip_prefix(NAME));
            let proof = proof.and_then(|proof| hex::decode(proof).ok()).unwrap_or_default();
            match hmac::verify(&key, PURPOSE, &proof) {
                Ok(()) => Ok(request),
                Err(_) => Err(Status::unauthenticated("the secret of this cluster is another one")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_is_let_in() {
        let secret = ClusterSecret::new(b"of the cluster");
        let guard = secret.guard();
        let asked = |name: &str| {
            let mut request = Request::new(());
            request.metadata_mut().insert("user-agent", name.parse().unwrap());
            guard(request).is_ok()
        };
        assert!(asked(&format!("{} tonic/0.14", secret.name())));
        assert!(!asked(&format!("{} tonic/0.14", ClusterSecret::new(b"another").name())));
        assert!(!asked("luytre/ tonic/0.14"));
        assert!(!asked("luytre/zz"));
        assert!(!asked("tonic/0.14"));
        assert!(guard(Request::new(())).is_err());
        assert!(!format!("{secret:?}").contains("cluster\""));
    }
}
