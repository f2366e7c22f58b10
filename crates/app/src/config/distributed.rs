//! What the configuration says of questions that several machines answer.

use std::net::SocketAddr;
use std::path::PathBuf;

#[cfg(feature = "distributed")]
use ::lake::distributed::Credentials;
use serde::{Deserialize, Serialize};

use super::ConfigError;
#[cfg(feature = "distributed")]
use super::cluster_tls;

/// Questions that several machines answer: who asks whom, and what may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistributedConfig {
    /// The scheduler's `host:port`, for nodes and executors; empty: this node answers alone.
    pub scheduler: String,
    /// The file with the secret that all machines of the cluster share.
    pub secret_file: Option<PathBuf>,
    /// The certificate that this machine shows the others, with those between it and the CA (PEM). With `key` and `ca`
    /// all connections are encrypted, and nobody is heard or believed who has none of this CA.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// The CA that issued the certificates of all machines of the cluster, and no others (PEM).
    pub ca: Option<PathBuf>,
    /// Whether the scheduler and the executors may listen on addresses that others reach though nothing is encrypted.
    pub closed_network: bool,
    /// Where the scheduler listens.
    pub listen: SocketAddr,
    /// Where an executor hands out its results.
    pub executor_listen: SocketAddr,
    /// Under which name or address others reach this executor; empty: the address it listens on.
    pub executor_host: String,
    /// An executor's own folder; none: `executor` in the data folder.
    pub work_folder: Option<PathBuf>,
    /// Tasks that an executor works on at once.
    pub tasks: usize,
    /// Memory that one task may take before it spills, in bytes.
    pub task_memory_bytes: usize,
    /// After how many seconds without a word an executor is given up.
    pub executor_timeout_s: u64,
    /// Parts that a question's files are cut into.
    pub partitions: usize,
    /// Rows that a question must have to read before it is sent.
    pub rows_min: u64,
}

impl Default for DistributedConfig {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            scheduler: String::new(),
            secret_file: None,
            certificate: None,
            key: None,
            ca: None,
            closed_network: false,
            listen: loopback(8520),
            executor_listen: loopback(8521),
            executor_host: String::new(),
            work_folder: None,
            tasks: 2,
            task_memory_bytes: 256 << 20,
            executor_timeout_s: 15,
            partitions: 4,
            rows_min: 20_000_000,
        }
    }
}

/// Executors that are busy say a word every five seconds: less than two of them would give up healthy ones.
const EXECUTOR_TIMEOUT_MIN_S: u64 = 7;

/// More parts than this are more work than reading them.
const PARTITIONS_MAX: usize = 256;

/// Shorter secrets are guessed.
#[cfg(feature = "distributed")]
const SECRET_BYTES_MIN: usize = 32;

/// Longer ones are no secrets but the wrong file.
#[cfg(feature = "distributed")]
const SECRET_BYTES_MAX: u64 = 4096;

impl DistributedConfig {
    /// Says what makes no sense together.
    pub(super) fn check(&self, has_store: bool) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError::Contradiction(text.to_owned()));
        let is_open = [self.listen, self.executor_listen].iter().any(|at| !at.ip().is_loopback());
        let tls = [("certificate", &self.certificate), ("key", &self.key), ("ca", &self.ca)];
        let missing = tls.iter().find(|(_, path)| path.is_none());
        let has_tls = missing.is_none();
        if let Some((field, _)) = missing
            && tls.iter().any(|(_, path)| path.is_some())
        {
            return wrong(&format!(
                "`lake.distributed.certificate`, `key` and `ca` belong together: `{field}` is missing"
            ));
        }
        if is_open && !has_tls && !self.closed_network {
            return wrong(
                "`lake.distributed`: who reaches the scheduler or an executor can have any event read to \
                 him if he knows the secret, and nothing between them is encrypted. Listen on loopback, set \
                 `certificate`, `key` and `ca`, or set `closed_network = true` where only the cluster's own \
                 machines are in that network",
            );
        }
        if is_open && self.secret_file.is_none() {
            return wrong(
                "`lake.distributed`: a port that others reach needs `secret_file` as well",
            );
        }
        if !self.scheduler.is_empty() && !has_store {
            return wrong(
                "`lake.distributed.scheduler`: executors read the files from a store; set `lake.store`",
            );
        }
        if self.executor_timeout_s < EXECUTOR_TIMEOUT_MIN_S {
            return wrong("`lake.distributed.executor_timeout_s` is at least 7 seconds");
        }
        if !(1..=PARTITIONS_MAX).contains(&self.partitions) || self.tasks == 0 {
            return wrong(
                "`lake.distributed.partitions` is from 1 to 256, `lake.distributed.tasks` at least 1",
            );
        }
        Ok(())
    }
}

#[cfg(feature = "distributed")]
impl DistributedConfig {
    /// Reads what proves that this machine belongs to the cluster: the secret, and the certificate if there is one.
    ///
    /// # Errors
    ///
    /// Names the field whose file cannot be read, holds something else (of a secret 32 to 4096 bytes are wanted), or does
    /// not go with the others.
    pub(crate) fn credentials(&self) -> Result<Credentials, ConfigError> {
        let credentials = Credentials::new(&self.secret()?);
        Ok(match self.tls()? {
            Some(tls) => credentials.with_tls(tls.tls()),
            None => credentials,
        })
    }

    /// Reads what proves that an executor belongs to the cluster: others must believe that it is the one they ask.
    ///
    /// # Errors
    ///
    /// As [`Self::credentials`], and when the certificate is not of the name or address under which others reach it.
    pub(crate) fn executor_credentials(&self) -> Result<Credentials, ConfigError> {
        let name = match self.executor_host.as_str() {
            "" => self.executor_listen.ip().to_string(),
            host => host.to_owned(),
        };
        if let (Some(tls), Some(path)) = (self.tls()?, &self.certificate)
            && let Some(error) = tls.not_of(&name)
        {
            return Err(ConfigError::Contradiction(format!(
                "`lake.distributed.certificate`: {} is not of `{name}`, under which others reach this executor \
                 (`executor_host`, `executor_listen`): {error}",
                path.display()
            )));
        }
        self.credentials()
    }

    fn tls(&self) -> Result<Option<cluster_tls::Checked>, ConfigError> {
        let (Some(certificate), Some(key), Some(ca)) = (&self.certificate, &self.key, &self.ca)
        else {
            return Ok(None);
        };
        cluster_tls::Files { certificate, key, ca }.read().map(Some)
    }

    fn secret(&self) -> Result<Vec<u8>, ConfigError> {
        let Some(path) = &self.secret_file else {
            // On loopback only: whoever is on this machine.
            return Ok(Vec::new());
        };
        let file = |source| ConfigError::File { path: path.clone(), source };
        let size_bytes = std::fs::metadata(path).map_err(file)?.len();
        let text = if size_bytes <= SECRET_BYTES_MAX {
            std::fs::read(path).map_err(file)?
        } else {
            Vec::new()
        };
        let secret = text.trim_ascii();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(ConfigError::Contradiction(format!(
                "{} holds no secret of 32 to 4096 bytes (`openssl rand -hex 32`)",
                path.display()
            )));
        }
        Ok(secret.to_vec())
    }

    /// Returns whom this node's questions are sent to.
    ///
    /// # Errors
    ///
    /// When the secret or the certificate cannot be used.
    pub(super) fn cluster(
        &self,
    ) -> Result<Option<::lake::distributed::ClusterSettings>, ConfigError> {
        if self.scheduler.is_empty() {
            return Ok(None);
        }
        Ok(Some(::lake::distributed::ClusterSettings {
            scheduler: self.scheduler.clone(),
            credentials: self.credentials()?,
            partitions: self.partitions,
            rows_min: self.rows_min,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> DistributedConfig {
        DistributedConfig {
            listen: SocketAddr::from(([10, 1, 2, 3], 8520)),
            ..DistributedConfig::default()
        }
    }

    #[test]
    fn ports_that_others_reach_are_said_to_be_on_a_closed_network() {
        DistributedConfig::default().check(false).unwrap();
        let error = open().check(true).unwrap_err().to_string();
        assert!(error.contains("closed_network = true"), "{error}");
        let closed = DistributedConfig { closed_network: true, ..open() };
        assert!(closed.check(true).unwrap_err().to_string().contains("secret_file"));
        let secret_file = Some(PathBuf::from("/etc/luytre/cluster"));
        DistributedConfig { secret_file: secret_file.clone(), ..closed }.check(true).unwrap();
        // Or all between them is encrypted.
        let file = Some(PathBuf::from("/etc/luytre/x.pem"));
        let half = DistributedConfig { certificate: file.clone(), ca: file.clone(), ..open() };
        assert!(half.check(true).unwrap_err().to_string().contains("`key` is missing"));
        let whole = DistributedConfig { key: file, ..half };
        assert!(whole.check(true).unwrap_err().to_string().contains("secret_file"));
        DistributedConfig { secret_file, ..whole }.check(true).unwrap();
    }

    #[test]
    fn a_scheduler_wants_a_store_and_patience() {
        let asks = DistributedConfig {
            scheduler: "127.0.0.1:8520".to_owned(),
            ..DistributedConfig::default()
        };
        assert!(asks.check(false).unwrap_err().to_string().contains("lake.store"));
        asks.check(true).unwrap();
        for bad in [
            DistributedConfig { executor_timeout_s: 6, ..asks.clone() },
            DistributedConfig { partitions: 0, ..asks.clone() },
            DistributedConfig { partitions: 257, ..asks.clone() },
            DistributedConfig { tasks: 0, ..asks },
        ] {
            assert!(bad.check(true).is_err());
        }
    }

    #[cfg(feature = "distributed")]
    #[test]
    fn a_secret_is_long_enough_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let config =
            DistributedConfig { secret_file: Some(path.clone()), ..DistributedConfig::default() };
        assert!(config.credentials().is_err());
        for (text, is_good) in [("short\n".to_owned(), false), ("s".repeat(5000), false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(config.credentials().is_ok(), is_good);
        }
        std::fs::write(&path, format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
        assert!(!format!("{:?}", config.credentials().unwrap()).contains("0123"));
    }

    /// A folder with certificates that a CA issued for `10.0.0.9`, and one of another CA.
    #[cfg(feature = "distributed")]
    fn issued() -> (tempfile::TempDir, DistributedConfig) {
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let mut config = DistributedConfig::default();
        for name in ["other", "own"] {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(["10.0.0.9".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            config = DistributedConfig {
                certificate: write(&format!("{name}.pem"), certificate.pem()),
                key: write(&format!("{name}.key"), key.serialize_pem()),
                ca: write(&format!("{name}.ca"), ca.pem()),
                executor_host: "10.0.0.9".to_owned(),
                ..DistributedConfig::default()
            };
        }
        (folder, config)
    }

    #[cfg(feature = "distributed")]
    #[test]
    fn a_file_that_is_missing_or_does_not_go_with_the_others_is_named() {
        let (folder, good) = issued();
        assert!(format!("{:?}", good.credentials().unwrap()).contains("ClusterTls"));
        good.executor_credentials().unwrap();
        let file = |name: &str| Some(folder.path().join(name));
        let secret = DistributedConfig { key: file("other.key"), ..good.clone() };
        for (bad, field, why) in [
            (
                DistributedConfig { certificate: file("none"), ..good.clone() },
                "certificate",
                "none",
            ),
            (
                DistributedConfig { certificate: file("own.key"), ..good.clone() },
                "certificate",
                "PEM",
            ),
            (DistributedConfig { key: file("none"), ..good.clone() }, "key", "read"),
            (DistributedConfig { key: file("own.pem"), ..good.clone() }, "key", "no private key"),
            (secret, "key", "not the key of"),
            (DistributedConfig { ca: file("none"), ..good.clone() }, "ca", "read"),
            (DistributedConfig { ca: file("own.key"), ..good.clone() }, "ca", "no certificate"),
            (
                DistributedConfig { ca: file("other.ca"), ..good.clone() },
                "certificate",
                "not issued",
            ),
        ] {
            let error = bad.credentials().unwrap_err().to_string();
            let named = format!("`lake.distributed.{field}`");
            assert!(error.contains(&named) && error.contains(why), "{field} {why}: {error}");
        }
        for host in ["10.0.0.8", "another.tinh.vn", ""] {
            let elsewhere = DistributedConfig { executor_host: host.to_owned(), ..good.clone() };
            let error = elsewhere.executor_credentials().unwrap_err().to_string();
            assert!(
                error.contains("`lake.distributed.certificate`") && error.contains("is not of"),
                "{error}"
            );
            elsewhere.credentials().unwrap();
        }
    }
}
