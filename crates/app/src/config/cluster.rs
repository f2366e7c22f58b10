//! What the configuration says of several machines as one platform.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};

/// Several machines as one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Whether this machine is one of several.
    pub on: bool,
    /// Its name among them, for ever. Empty: the machine's own.
    pub node: String,
    /// Where senders are told to go that came to another node. Empty: `site.host` with the port of the HTTP intake.
    pub address: String,
    /// How long records are gathered before they are stored and their senders told, in milliseconds.
    pub batch_ms: u64,
    /// A folder that all nodes with pages share, for exports and evidence. None: the data folder of each.
    pub files_folder: Option<PathBuf>,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            on: false,
            node: String::new(),
            address: String::new(),
            batch_ms: 200,
            files_folder: None,
        }
    }
}

/// A sender waits as long as the batch for each of its requests: shorter makes a file of every few records, longer
/// keeps them from searches.
const BATCH_MS: std::ops::RangeInclusive<u64> = 50..=500;

impl ClusterConfig {
    /// Returns how long records are gathered.
    pub const fn batch(&self) -> Duration {
        Duration::from_millis(self.batch_ms)
    }

    /// Returns the node's name.
    pub fn name(&self) -> String {
        if !self.node.is_empty() {
            return self.node.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        match host.trim() {
            "" => "luytre".to_owned(),
            host => host.to_owned(),
        }
    }
}

impl Config {
    /// Says what of several machines makes no sense together.
    pub(super) fn check_cluster(&self) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError::Contradiction(text.to_owned()));
        if !BATCH_MS.contains(&self.cluster.batch_ms) {
            return wrong("`cluster.batch_ms` is from 50 to 500 milliseconds");
        }
        if !self.cluster.on {
            return Ok(());
        }
        if self.database.url.is_empty() {
            return wrong(
                "several machines share a PostgreSQL: set `database.url` (SQLite is for one machine)",
            );
        }
        if !self.lake.has_store() {
            return wrong(
                "several machines share a store: set `lake.store` to `s3://bucket/prefix` and `lake.s3`",
            );
        }
        if self.lake.tier.after_days > 0 {
            return wrong(
                "several machines find files in the store only: set `lake.tier.after_days` to 0",
            );
        }
        Ok(())
    }

    /// Returns this configuration for a machine that is one of several.
    ///
    /// # Errors
    ///
    /// Says which setting keeps it from being one.
    pub fn as_member(mut self) -> Result<Self, ConfigError> {
        self.cluster.on = true;
        self.check_cluster()?;
        Ok(self)
    }

    /// Returns where senders are told to go that came to another node.
    pub fn intake_address(&self) -> String {
        if !self.cluster.address.is_empty() {
            return self.cluster.address.clone();
        }
        let listen: SocketAddr = self.intake.http.listen;
        match self.site.host.as_str() {
            "" => listen.to_string(),
            host => format!("{host}:{}", listen.port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_needs_what_all_share() {
        let mut config = Config::default();
        let why = |config: &Config| match config.clone().as_member() {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(why(&config).contains("`database.url`"), "{}", why(&config));
        config.database.url = "postgres://x".to_owned();
        assert!(why(&config).contains("`lake.store`"), "{}", why(&config));
        config.lake.store = "s3://logs".to_owned();
        config.lake.tier.after_days = 30;
        assert!(why(&config).contains("`lake.tier.after_days`"), "{}", why(&config));
        config.lake.tier.after_days = 0;
        assert_eq!(why(&config), "");
        config.cluster.batch_ms = 1000;
        assert!(why(&config).contains("`cluster.batch_ms`"), "{}", why(&config));
    }

    #[test]
    fn senders_are_told_a_name_if_there_is_one() {
        let mut config = Config::default();
        assert_eq!(config.intake_address(), "0.0.0.0:8514");
        config.site.host = "log.tinh.vn".to_owned();
        assert_eq!(config.intake_address(), "log.tinh.vn:8514");
        config.cluster.address = "10.0.0.7:8514".to_owned();
        assert_eq!(config.intake_address(), "10.0.0.7:8514");
    }
}
