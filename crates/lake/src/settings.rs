//! How a lake is set up.

use std::path::PathBuf;
use std::time::Duration;

/// Where the lake lives and what it may use.
#[derive(Debug, Clone)]
pub struct LakeSettings {
    /// The folder with the `day=…` folders.
    pub folder: PathBuf,
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
    /// How often small files of a day are looked for and merged; `None` never.
    pub compact_interval: Option<Duration>,
}

impl LakeSettings {
    /// Returns the settings for a folder, fit for two cores and 4 GiB.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            flush_events: 131_072,
            flush_interval: Duration::from_secs(10),
            memory_budget_bytes: 512 << 20,
            query_timeout: Duration::from_secs(30),
            queries_max: 4,
            sql_memory_bytes: 256 << 20,
            sql_rows_max: 10_000,
            compact_interval: Some(Duration::from_secs(30)),
        }
    }
}
