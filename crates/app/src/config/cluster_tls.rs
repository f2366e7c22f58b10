//! Certificate, key and CA of the machines that answer questions together: read and held against each other before anything
//! starts, so that who mistyped a path is told which field it was.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::{Clock as _, SystemClock};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;

use super::ConfigError;

/// Larger files are no certificates but the wrong file.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// Where they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) certificate: &'a PathBuf,
    pub(super) key: &'a PathBuf,
    pub(super) ca: &'a PathBuf,
}

/// What they hold, checked.
#[derive(Debug)]
pub(super) struct Checked {
    chain: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    tls: ::lake::distributed::ClusterTls,
}

fn wrong<T>(field: &str, path: &Path, what: &str) -> Result<T, ConfigError> {
    let text = format!("`lake.distributed.{field}`: {} {what}", path.display());
    Err(ConfigError::Contradiction(text))
}

fn text(field: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let read = std::fs::metadata(path).and_then(|found| {
        let is_small = found.len() <= PEM_BYTES_MAX;
        if is_small { std::fs::read(path) } else { Ok(Vec::new()) }
    });
    match read {
        Ok(text) if !text.is_empty() => Ok(text),
        Ok(_) => wrong(field, path, "holds nothing in PEM"),
        Err(error) => wrong(field, path, &format!("cannot be read: {error}")),
    }
}

fn certificates(
    field: &str,
    path: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => wrong(field, path, "holds no certificate in PEM"),
    }
}

impl Files<'_> {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// Names the field whose file is missing, holds something else, or does not go with the others.
    pub(super) fn read(self) -> Result<Checked, ConfigError> {
        let certificate = text("certificate", self.certificate)?;
        let chain = certificates("certificate", self.certificate, &certificate)?;
        let key_text = text("key", self.key)?;
        let Ok(key) = PrivateKeyDer::from_pem_slice(&key_text) else {
            return wrong("key", self.key, "holds no private key in PEM");
        };
        let ca = text("ca", self.ca)?;
        let mut roots = RootCertStore::empty();
        for root in certificates("ca", self.ca, &ca)? {
            if let Err(error) = roots.add(root) {
                return wrong("ca", self.ca, &format!("cannot be used: {error}"));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        if let Err(error) = CertifiedKey::from_der(chain.clone(), key, &provider) {
            let of = self.certificate.display();
            return wrong("key", self.key, &format!("is not the key of {of}: {error}"));
        }
        let tls = ::lake::distributed::ClusterTls::from_pem(&certificate, &key_text, &ca);
        let checked = Checked { chain, roots: Arc::new(roots), provider, tls };
        if let Some(error) = checked.not_issued() {
            let what = format!("is not issued by {} for clients: {error}", self.ca.display());
            return wrong("certificate", self.certificate, &what);
        }
        Ok(checked)
    }
}

/// Returns whether the clock speaks against a certificate and nothing else does: then connections fail until it is
/// renewed, but the node answers by itself meanwhile, and takes logs in.
fn is_of_another_time(error: &rustls::Error) -> bool {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let rustls::Error::InvalidCertificate(error) = error else { return false };
    let found =
        matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. });
    if found {
        tracing::error!(%error, "`lake.distributed.certificate` is not valid now: other machines refuse it");
    }
    found
}

impl Checked {
    /// Returns what connections are made with.
    pub(super) fn tls(&self) -> ::lake::distributed::ClusterTls {
        self.tls.clone()
    }

    fn now() -> UnixTime {
        let seconds = u64::try_from(SystemClock.now().timestamp()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    /// Returns why the CA did not issue the certificate for clients, if so.
    fn not_issued(&self) -> Option<String> {
        let (leaf, between) = self.chain.split_first()?;
        let roots = Arc::clone(&self.roots);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build();
        let verifier = match verifier {
            Ok(verifier) => verifier,
            Err(error) => return Some(error.to_string()),
        };
        let verdict = verifier.verify_client_cert(leaf, between, Self::now());
        verdict.err().filter(|error| !is_of_another_time(error)).map(|error| error.to_string())
    }

    /// Returns why others would not believe that the certificate is of a machine of this name or address, if so.
    pub(super) fn not_of(&self, name: &str) -> Option<String> {
        let (leaf, between) = self.chain.split_first()?;
        let roots = Arc::clone(&self.roots);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build();
        let (verifier, name) = match (verifier, ServerName::try_from(name)) {
            (Ok(verifier), Ok(name)) => (verifier, name),
            (Err(error), _) => return Some(error.to_string()),
            (_, Err(error)) => return Some(error.to_string()),
        };
        let verdict = verifier.verify_server_cert(leaf, between, &name, &[], Self::now());
        verdict.err().filter(|error| !is_of_another_time(error)).map(|error| error.to_string())
    }
}
