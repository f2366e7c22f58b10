//! The one way out: every HTTP request that the platform makes to another host goes through here.
//!
//! Nothing is reached that is not on the operator's list; no private address unless named; no redirect is
//! followed, no proxy of the environment used; each answer has a time limit and a size limit. Whoever
//! configures a webhook or a provider therefore cannot turn this host against the network it stands in.

mod address;
mod allow;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

pub use allow::{AllowList, RuleError};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest whole exchange, unless set otherwise: a slow partner must not hold a job for ever.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer taken, unless set otherwise: a provider's keys and a webhook's receipt are far smaller.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How the way out is set up.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// Where requests may go.
    pub allow: AllowList,
    /// Private networks that may be reached nonetheless.
    pub private: Vec<IpNet>,
    /// Certificates (PEM) of authorities trusted besides the system's.
    pub authorities: Vec<Vec<u8>>,
    /// Longest whole exchange.
    pub timeout: Duration,
    /// Largest answer.
    pub answer_bytes_max: usize,
}

impl Default for OutboundSettings {
    /// Nothing may be reached.
    fn default() -> Self {
        Self {
            allow: AllowList::default(),
            private: Vec::new(),
            authorities: Vec::new(),
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }
}

/// Why a request was not made, or got no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The address cannot be read.
    #[error("`{0}` is no address of a web service")]
    Address(String),
    /// The operator's list does not name it.
    #[error("`{0}` is not on the list of hosts that may be reached ([outbound] allow)")]
    NotAllowed(String),
    /// It leads into the private network.
    #[error("`{0}` is a private address and not named in [outbound] private")]
    Private(String),
    /// It did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// It is larger than what is taken.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The way there is broken.
    #[error("the host cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The client itself cannot be built.
    #[error("the way out cannot be opened")]
    Client(#[source] reqwest::Error),
}

/// The way out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    settings: Arc<OutboundSettings>,
}

impl Outbound {
    /// Opens the way out.
    ///
    /// # Errors
    /// When an authority's certificate cannot be read.
    pub fn new(settings: OutboundSettings) -> Result<Self, OutboundError> {
        // The HTTP client asks the process for its cryptography; whoever comes second finds it there.
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::trace!("the process has its cryptography already");
        }
        let settings = Arc::new(settings);
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(settings.timeout)
            .user_agent(concat!("luytre/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Resolver(Arc::clone(&settings))));
        for authority in &settings.authorities {
            let certificate = reqwest::Certificate::from_pem(authority);
            builder = builder.tls_certs_merge([certificate.map_err(OutboundError::Client)?]);
        }
        Ok(Self { client: builder.build().map_err(OutboundError::Client)?, settings })
    }

    /// Returns whether a request to this address would be made; a name's addresses are judged when it
    /// is asked for.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check(&self, address: &str) -> Result<(), OutboundError> {
        self.checked(address).map(drop)
    }

    fn checked(&self, address: &str) -> Result<Url, OutboundError> {
        let unfit = || OutboundError::Address(address.to_owned());
        let url = Url::parse(address).map_err(|_unreadable| unfit())?;
        let host = url.host().ok_or_else(unfit)?;
        if !matches!(url.scheme(), "http" | "https")
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(unfit());
        }
        if !self.settings.allow.allows(&url) {
            return Err(OutboundError::NotAllowed(host.to_string()));
        }
        let literal = match host {
            url::Host::Ipv4(ip) => Some(ip.into()),
            url::Host::Ipv6(ip) => Some(ip.into()),
            url::Host::Domain(_) => None,
        };
        match literal {
            Some(ip) if !address::may_be_reached(ip, &self.settings.private) => {
                Err(OutboundError::Private(ip.to_string()))
            }
            _ => Ok(url),
        }
    }

    /// Makes a request and returns its whole answer, whatever its status.
    ///
    /// # Errors
    /// When the host may not or cannot be reached, or its answer is late or too large.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, OutboundError> {
        let (parts, body) = request.into_parts();
        let url = self.checked(&parts.uri.to_string())?;
        let asked = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let answer = asked.send().await.map_err(failed)?;
        let limit = self.settings.answer_bytes_max;
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        response.headers_mut().clone_from(answer.headers());
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(failed)?;
            if response.body().len().saturating_add(piece.len()) > limit {
                return Err(OutboundError::TooLarge(limit));
            }
            response.body_mut().extend_from_slice(&piece);
        }
        Ok(response)
    }
}

fn failed(error: reqwest::Error) -> OutboundError {
    if error.is_timeout() {
        return OutboundError::Timeout;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        if let Some(OnlyPrivate(name)) = inner.downcast_ref::<OnlyPrivate>() {
            return OutboundError::Private(name.clone());
        }
        cause = inner.source();
    }
    // The address may hold a secret.
    OutboundError::Unreachable(error.without_url())
}

/// A name that leads nowhere but into private networks.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` has only private addresses")]
struct OnlyPrivate(String);

/// Asks the system for a name's addresses and keeps those that may be reached: judged at the moment of
/// connecting, so that a name cannot change its mind in between.
#[derive(Debug)]
struct Resolver(Arc<OutboundSettings>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let settings = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reachable: Vec<SocketAddr> = found
                .filter(|address| address::may_be_reached(address.ip(), &settings.private))
                .collect();
            if reachable.is_empty() {
                return Err(OnlyPrivate(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(reachable.into_iter());
            Ok(addresses)
        })
    }
}
