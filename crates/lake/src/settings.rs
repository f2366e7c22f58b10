//! How a lake is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::encryption::Keyring;

/// Where the lake's files lie.
#[derive(Debug, Clone, Default)]
pub enum Store {
    /// In the lake's folder.
    #[default]
    Folder,
    /// In an S3 store; what is read of it lately, and what is being written, is in the folder.
    S3(S3Settings),
    /// New files in the lake's folder, older ones in an S3 store.
    Tiered {
        /// The store.
        store: S3Settings,
        /// Days after which a file is brought there: after that of its events, and after that on which the
        /// last of them came.
        after_days: u32,
    },
}

/// An S3 store.
#[derive(Clone)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// What all paths begin with; may be empty.
    pub prefix: String,
    /// `http://…` or `https://…`; empty for Amazon's own.
    pub endpoint: String,
    /// The region; most other stores take any.
    pub region: String,
    /// Who we are.
    pub access_key_id: String,
    /// What proves it.
    pub secret_access_key: String,
    /// The local cache's bound, in bytes.
    pub cache_bytes: u64,
}

/// The secret is never printed.
impl std::fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Settings")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Where the lake lives and what it may use.
#[derive(Debug, Clone)]
pub struct LakeSettings {
    /// The folder with the `day=…` folders.
    pub folder: PathBuf,
    /// Where the files lie.
    pub store: Store,
    /// Whether several machines share the lake: nothing stays in memory only, and what only one may do (merging,
    /// clearing the store) is done when it is asked for.
    pub is_shared: bool,
    /// The keys of encrypted files; with them, new files are encrypted.
    pub keys: Option<Arc<Keyring>>,
    /// Events in memory before they are written to a file.
    pub flush_events: usize,
    /// The longest that events stay in memory only (the spool has them meanwhile).
    pub flush_interval: Duration,
    /// Memory that events waiting for the disk may take before `append` waits.
    pub memory_budget_bytes: usize,
    /// The longest a question may take.
    pub query_timeout: Duration,
    /// Questions answered at the same time; others wait, within their timeout.
    pub queries_max: usize,
    /// Memory one SQL question may take before it spills to disk.
    pub sql_memory_bytes: usize,
    /// Rows one SQL answer may have.
    pub sql_rows_max: usize,
    /// How long a file stays in the store after the lake let go of it: longer than any question,
    /// here or on another machine, takes.
    pub object_grace: TimeDelta,
    /// How often small files of a day are looked for and merged; `None` never.
    pub compact_interval: Option<Duration>,
    /// A cluster that long SQL questions are sent to.
    #[cfg(feature = "distributed")]
    pub cluster: Option<crate::distributed::ClusterSettings>,
}

impl LakeSettings {
    /// Returns the settings for a folder, fit for two cores and 4 GiB.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            store: Store::Folder,
            is_shared: false,
            keys: None,
            flush_events: 131_072,
            flush_interval: Duration::from_secs(10),
            memory_budget_bytes: 512 << 20,
            query_timeout: Duration::from_secs(30),
            queries_max: 4,
            sql_memory_bytes: 256 << 20,
            sql_rows_max: 10_000,
            object_grace: TimeDelta::minutes(10),
            compact_interval: Some(Duration::from_secs(30)),
            #[cfg(feature = "distributed")]
            cluster: None,
        }
    }
}
