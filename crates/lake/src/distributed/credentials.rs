//! What a machine proves with that it belongs to the cluster: the secret that all share and, where connections are
//! encrypted, a certificate that the cluster's own CA issued.
//!
//! Ballista lets us shape the connections it makes, not each request on them. So the proof of the secret is what
//! a connection may say with every request: the client's name. Without certificates it is sent as it is: who can listen
//! on the network can learn it, and the ports belong on a closed network.

use std::sync::Arc;
use std::time::Duration;

use ballista_core::extension::EndpointOverrideFn;
use ring::hmac;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Request, Status};

use super::ServeError;

/// What the proof is made for.
const PURPOSE: &[u8] = b"luytre distributed queries 1";

/// What the client's name begins with.
const NAME: &str = "luytre/";

/// The longest that a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest that the two ends may take to show each other their certificates.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A machine that is gone without a word is noticed after twice this.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What all machines of a cluster know, and what this one shows. It is never printed.
#[derive(Clone)]
pub struct Credentials {
    secret: hmac::Key,
    tls: Option<ClusterTls>,
}

/// A certificate with its key, and the CA whose certificates are believed: nobody else's are, on either end.
#[derive(Clone)]
pub struct ClusterTls {
    identity: Identity,
    ca: Certificate,
}

impl std::fmt::Debug for ClusterTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterTls")
    }
}

impl ClusterTls {
    /// Returns what these PEM texts hold: a certificate chain, leaf first, its key, and the CA. They are read when
    /// they are first used.
    pub fn from_pem(certificate: &[u8], key: &[u8], ca: &[u8]) -> Self {
        Self { identity: Identity::from_pem(certificate, key), ca: Certificate::from_pem(ca) }
    }

    fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .identity(self.identity.clone())
            .ca_certificate(self.ca.clone())
            .timeout(HANDSHAKE_TIMEOUT)
    }

    fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(self.identity.clone())
            .client_ca_root(self.ca.clone())
            .timeout(HANDSHAKE_TIMEOUT)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Returns those of a secret; none at all is a secret that everybody knows. Connections are not encrypted.
    pub fn new(secret: &[u8]) -> Self {
        Self { secret: hmac::Key::new(hmac::HMAC_SHA256, secret), tls: None }
    }

    /// Encrypts connections; both ends show certificates.
    #[must_use]
    pub fn with_tls(self, tls: ClusterTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Returns whether connections are encrypted.
    pub(super) const fn encrypt(&self) -> bool {
        self.tls.is_some()
    }

    /// Returns the scheme of addresses.
    pub(super) const fn scheme(&self) -> &'static str {
        if self.encrypt() { "https" } else { "http" }
    }

    fn name(&self) -> String {
        format!("{NAME}{}", hex::encode(hmac::sign(&self.secret, PURPOSE)))
    }

    /// Returns what makes each connection prove that it belongs here, and believe no other end.
    pub(super) fn endpoints(&self) -> EndpointOverrideFn {
        let name = self.name();
        let tls = self.tls.clone();
        Arc::new(move |endpoint: Endpoint| {
            let endpoint = endpoint
                .connect_timeout(CONNECT_TIMEOUT)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .user_agent(name.clone())?;
            match &tls {
                None => Ok(endpoint),
                Some(tls) => Ok(endpoint.tls_config(tls.client())?),
            }
        })
    }

    /// Returns a server that lets nobody in without a certificate of the cluster, where connections are encrypted.
    pub(super) fn server(&self) -> Result<Server, ServeError> {
        match &self.tls {
            None => Ok(Server::builder()),
            Some(tls) => Server::builder().tls_config(tls.server()).map_err(ServeError::Tls),
        }
    }

    /// Returns what refuses requests that do not prove the secret.
    pub(super) fn guard(
        &self,
    ) -> impl Fn(Request<()>) -> Result<Request<()>, Status> + Clone + Send + Sync + 'static {
        let key = self.secret.clone();
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
    use std::net::SocketAddr;

    use ballista_core::serde::protobuf::RemoveSessionParams;
    use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tonic::Code;

    use super::*;
    use crate::distributed::client::endpoint;
    use crate::distributed::{QueryScheduler, SchedulerSettings};

    #[test]
    fn only_the_same_secret_is_let_in() {
        let credentials = Credentials::new(b"of the cluster");
        let guard = credentials.guard();
        let asked = |name: &str| {
            let mut request = Request::new(());
            request.metadata_mut().insert("user-agent", name.parse().unwrap());
            guard(request).is_ok()
        };
        assert!(asked(&format!("{} tonic/0.14", credentials.name())));
        assert!(!asked(&format!("{} tonic/0.14", Credentials::new(b"another").name())));
        assert!(!asked("luytre/ tonic/0.14"));
        assert!(!asked("luytre/zz"));
        assert!(!asked("tonic/0.14"));
        assert!(guard(Request::new(())).is_err());
        assert!(!format!("{credentials:?}").contains("cluster\""));
    }

    type Ca = CertifiedIssuer<'static, KeyPair>;

    fn ca() -> Ca {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// Returns what a machine has that a CA issued a certificate for, and that believes another (or the same).
    fn tls(issuer: &Ca, name: &str, believed: &Ca) -> ClusterTls {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        ClusterTls::from_pem(certificate.as_bytes(), key.as_bytes(), believed.pem().as_bytes())
    }

    const NO_CONNECTION: Result<(), Code> = Err(Code::Unavailable);

    /// Asks a scheduler for something harmless.
    async fn ask(address: SocketAddr, credentials: &Credentials) -> Result<(), Code> {
        let endpoint = endpoint(&address.to_string(), credentials).unwrap();
        let mut client = SchedulerGrpcClient::new(endpoint.connect_lazy());
        let session = RemoveSessionParams { session_id: "x".to_owned() };
        // Whether a connection is refused while it is made, or is closed at once, depends on which end notices first.
        let code = |status: Status| match status.code() {
            Code::Unknown => Code::Unavailable,
            code => code,
        };
        client.remove_session(session).await.map(drop).map_err(code)
    }

    #[tokio::test]
    async fn only_who_shows_a_certificate_of_the_cluster_is_heard() {
        let (ours, other) = (ca(), ca());
        let secret = || Credentials::new(b"of the cluster");
        let start = async |tls| {
            let credentials = secret().with_tls(tls);
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            let executor_timeout = Duration::from_secs(15);
            let settings = SchedulerSettings { listen, credentials, executor_timeout };
            QueryScheduler::start(settings).await
        };
        let scheduler = start(tls(&ours, "127.0.0.1", &ours)).await.unwrap();
        let at = scheduler.address();
        let member = secret().with_tls(tls(&ours, "10.0.0.9", &ours));
        assert_eq!(ask(at, &member).await, Ok(()));
        let stranger = secret().with_tls(tls(&other, "10.0.0.9", &ours));
        assert_eq!(ask(at, &stranger).await, NO_CONNECTION);
        assert_eq!(ask(at, &secret()).await, NO_CONNECTION, "in plain text");
        let ignorant = Credentials::new(b"?").with_tls(tls(&ours, "10.0.0.9", &ours));
        assert_eq!(ask(at, &ignorant).await, Err(Code::Unauthenticated));
        // And a scheduler is believed only if the cluster's CA says that it is the one that was asked.
        let misled = secret().with_tls(tls(&ours, "10.0.0.9", &other));
        assert_eq!(ask(at, &misled).await, NO_CONNECTION);
        let elsewhere = start(tls(&ours, "10.0.0.7", &ours)).await.unwrap();
        assert_eq!(ask(elsewhere.address(), &member).await, NO_CONNECTION);
        let plain = ClusterTls::from_pem(b"no certificate", b"no key", b"nothing");
        assert!(matches!(start(plain).await, Err(ServeError::Tls(_))));
    }
}
