//! What the configuration says of questions that several machines answer.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Questions that several machines answer: who asks whom, and what may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DistributedConfig {
    /// The scheduler's `host:port`, for nodes and executors; empty: this node answers alone.
    pub scheduler: String,
    /// The file with the secret that all machines of the cluster share.
    pub secret_file: Option<PathBuf>,
    /// Whether the scheduler and the executors may listen on addresses that others reach.
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
        if is_open && !self.closed_network {
            return wrong(
                "`lake.distributed`: who reaches the scheduler or an executor can have any event read to \
                 him if he knows the secret, and nothing between them is encrypted. Listen on loopback, or set \
                 `closed_network = true` where only the cluster's own machines are in that network",
            );
        }
        if is_open && self.secret_file.is_none() {
            return wrong("`lake.distributed.closed_network` needs `secret_file` as well");
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
    /// Reads the cluster's secret.
    ///
    /// # Errors
    ///
    /// When its file cannot be read, or holds less than 32 bytes or more than 4096.
    pub(crate) fn secret(&self) -> Result<::lake::distributed::ClusterSecret, ConfigError> {
        let Some(path) = &self.secret_file else {
            // On loopback only: whoever is on this machine.
            return Ok(::lake::distributed::ClusterSecret::new(&[]));
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
        Ok(::lake::distributed::ClusterSecret::new(secret))
    }

    /// Returns whom this node's questions are sent to.
    ///
    /// # Errors
    ///
    /// When the secret cannot be read.
    pub(super) fn cluster(
        &self,
    ) -> Result<Option<::lake::distributed::ClusterSettings>, ConfigError> {
        if self.scheduler.is_empty() {
            return Ok(None);
        }
        Ok(Some(::lake::distributed::ClusterSettings {
            scheduler: self.scheduler.clone(),
            secret: self.secret()?,
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
        DistributedConfig { secret_file, ..closed }.check(true).unwrap();
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
        assert!(config.secret().is_err());
        for (text, is_good) in [("short\n".to_owned(), false), ("s".repeat(5000), false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(config.secret().is_ok(), is_good);
        }
        std::fs::write(&path, format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
        assert!(!format!("{:?}", config.secret().unwrap()).contains("0123"));
    }
}
