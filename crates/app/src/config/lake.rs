//! What the configuration says of the lake: what it may use, and where its files lie.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, DistributedConfig};

/// Where events are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeConfig {
    /// Events in memory before they are written to a file.
    pub flush_events: usize,
    /// The longest that events stay in memory only, in seconds.
    pub flush_interval_s: u64,
    /// Memory for events that wait for the disk, in bytes.
    pub memory_bytes: usize,
    /// The longest a search may take, in seconds.
    pub query_timeout_s: u64,
    /// Searches answered at the same time.
    pub queries_max: usize,
    /// Where the files lie: empty for the data folder, or `s3://bucket/prefix`.
    pub store: String,
    /// With a store: what of it is kept on the local disk, in bytes.
    pub cache_bytes: u64,
    /// How the store is reached.
    pub s3: S3Config,
    /// Which files go there.
    pub tier: TierConfig,
    /// Whether files are encrypted.
    pub encryption: EncryptionConfig,
    /// Who else answers questions.
    pub distributed: DistributedConfig,
}

/// Which files go to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TierConfig {
    /// Days after which a file goes there; 0: at once.
    pub after_days: u32,
}

/// Encryption at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncryptionConfig {
    /// The file with the master key; none: new files are plain.
    pub key_file: Option<PathBuf>,
}

impl Default for LakeConfig {
    fn default() -> Self {
        let settings = ::lake::LakeSettings::at("");
        Self {
            flush_events: settings.flush_events,
            flush_interval_s: settings.flush_interval.as_secs(),
            memory_bytes: settings.memory_budget_bytes,
            query_timeout_s: settings.query_timeout.as_secs(),
            queries_max: settings.queries_max,
            store: String::new(),
            cache_bytes: 10 << 30,
            s3: S3Config::default(),
            tier: TierConfig::default(),
            encryption: EncryptionConfig::default(),
            distributed: DistributedConfig::default(),
        }
    }
}

/// The longest that files may stay in the folder before they go to the store: ten years.
const AFTER_DAYS_MAX: u32 = 3650;

/// How an S3 store is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// `https://…` of the store; empty for Amazon's own.
    pub endpoint: String,
    /// The region; most stores of one's own take any.
    pub region: String,
    /// A file with the two keys, as the `aws` program keeps them (`aws_access_key_id = …`).
    pub credentials: Option<PathBuf>,
    /// The access key, if there is no such file.
    pub access_key_id: String,
    /// Its secret; better given by the environment than written down.
    pub secret_access_key: String,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            credentials: None,
            access_key_id: String::new(),
            secret_access_key: String::new(),
        }
    }
}

/// The secret is never printed.
impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl LakeConfig {
    /// Returns whether the files lie in a store.
    pub const fn has_store(&self) -> bool {
        !self.store.is_empty()
    }

    /// Says what of the store's keys makes no sense together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError::Contradiction(text.to_owned()));
        self.distributed.check(self.has_store())?;
        let after_days = self.tier.after_days;
        if after_days > AFTER_DAYS_MAX {
            return wrong("`lake.tier.after_days` is at most 3650 days");
        }
        if !self.has_store() {
            if after_days > 0 {
                return wrong(
                    "`lake.tier.after_days` brings files to a store: set `lake.store` as well",
                );
            }
            return Ok(());
        }
        if self.bucket_and_prefix().is_none() {
            return wrong("`lake.store` is `s3://bucket/prefix`, or empty for the data folder");
        }
        let s3 = &self.s3;
        let is_url = ["http://", "https://"].iter().any(|scheme| s3.endpoint.starts_with(scheme));
        if !s3.endpoint.is_empty() && !is_url {
            return wrong("`lake.s3.endpoint` begins with `https://` (or `http://`)");
        }
        let has_keys = !s3.access_key_id.is_empty() && !s3.secret_access_key.is_empty();
        if s3.credentials.is_none() && !has_keys {
            return wrong(
                "`lake.store` needs `lake.s3.credentials`, or `lake.s3.access_key_id` and \
                 `lake.s3.secret_access_key`",
            );
        }
        Ok(())
    }

    fn bucket_and_prefix(&self) -> Option<(&str, &str)> {
        let rest = self.store.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        (!bucket.is_empty()).then_some((bucket, prefix.trim_matches('/')))
    }

    /// Returns how the lake is set up, with its folder.
    ///
    /// # Errors
    ///
    /// When the file with the store's keys cannot be read or holds none.
    pub fn settings(&self, folder: &Path) -> Result<::lake::LakeSettings, ConfigError> {
        Ok(::lake::LakeSettings {
            flush_events: self.flush_events,
            flush_interval: Duration::from_secs(self.flush_interval_s),
            memory_budget_bytes: self.memory_bytes,
            query_timeout: Duration::from_secs(self.query_timeout_s),
            queries_max: self.queries_max,
            store: self.place()?,
            #[cfg(feature = "distributed")]
            cluster: self.distributed.cluster()?,
            ..::lake::LakeSettings::at(folder)
        })
    }

    fn place(&self) -> Result<::lake::Store, ConfigError> {
        let Some((bucket, prefix)) = self.bucket_and_prefix() else {
            return Ok(::lake::Store::Folder);
        };
        let (access_key_id, secret_access_key) = self.s3.keys()?;
        let store = ::lake::S3Settings {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: self.s3.endpoint.clone(),
            region: self.s3.region.clone(),
            access_key_id,
            secret_access_key,
            cache_bytes: self.cache_bytes,
        };
        Ok(match self.tier.after_days {
            0 => ::lake::Store::S3(store),
            after_days => ::lake::Store::Tiered { store, after_days },
        })
    }
}

impl S3Config {
    fn keys(&self) -> Result<(String, String), ConfigError> {
        let Some(path) = &self.credentials else {
            return Ok((self.access_key_id.clone(), self.secret_access_key.clone()));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: path.clone(), source })?;
        let value = |wanted: &str| {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let mut values = pairs.filter(|(name, _)| name.trim() == wanted);
            values.next().map(|(_, value)| value.trim().to_owned())
        };
        match (value("aws_access_key_id"), value("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Ok((id, secret)),
            _ => Err(ConfigError::Contradiction(format!(
                "{} does not hold `aws_access_key_id` and `aws_secret_access_key`",
                path.display()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_keys(store: &str) -> LakeConfig {
        let s3 = S3Config {
            access_key_id: "id".to_owned(),
            secret_access_key: "secret".to_owned(),
            ..S3Config::default()
        };
        LakeConfig { store: store.to_owned(), s3, ..LakeConfig::default() }
    }

    #[test]
    fn a_store_is_a_bucket_and_a_prefix() {
        for (store, want) in [
            ("s3://logs", Some(("logs", ""))),
            ("s3://logs/", Some(("logs", ""))),
            ("s3://logs/tinh/lake/", Some(("logs", "tinh/lake"))),
            ("s3://", None),
            ("file:///srv", None),
            ("logs", None),
        ] {
            let config = with_keys(store);
            assert_eq!(config.bucket_and_prefix(), want, "{store}");
            assert_eq!(config.check().is_ok(), want.is_some(), "{store}");
        }
        assert!(LakeConfig::default().check().is_ok());
        let without_keys = LakeConfig { store: "s3://logs".to_owned(), ..LakeConfig::default() };
        assert!(without_keys.check().unwrap_err().to_string().contains("lake.s3.credentials"));
        let tier = TierConfig { after_days: 30 };
        let without_store = LakeConfig { tier: tier.clone(), ..LakeConfig::default() };
        assert!(without_store.check().unwrap_err().to_string().contains("lake.store"));
        let tiered = LakeConfig { tier, ..with_keys("s3://logs") };
        tiered.check().unwrap();
        assert!(matches!(tiered.place().unwrap(), ::lake::Store::Tiered { after_days: 30, .. }));
        let tier = TierConfig { after_days: 3651 };
        assert!(LakeConfig { tier, ..with_keys("s3://logs") }.check().is_err());
    }

    #[test]
    fn keys_come_from_a_file_and_are_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let text = "[default]\naws_access_key_id = AK\naws_secret_access_key=S/K=\n";
        std::fs::write(&path, text).unwrap();
        let mut config = with_keys("s3://logs");
        config.s3.credentials = Some(path.clone());
        assert_eq!(config.s3.keys().unwrap(), ("AK".to_owned(), "S/K=".to_owned()));
        assert!(
            !format!("{config:?}{:?}", config.settings(folder.path()).unwrap()).contains("S/K=")
        );
        std::fs::write(&path, "nothing").unwrap();
        assert!(config.s3.keys().unwrap_err().to_string().contains("does not hold"));
    }
}
