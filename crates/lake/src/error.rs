//! What can go wrong in the lake.

use std::path::PathBuf;

use event::lake::LakeError;

use crate::catalogue::{CatalogueError, SegmentId};
use crate::encryption::DataKeyId;

/// Why the lake could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, read or written.
    #[error("the lake's folder {path} cannot be used")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Files that the catalogue names are gone: restore them from a backup, or remove their rows.
    #[error("{} files of the lake are missing, the first is {path}", ids.len())]
    Missing {
        /// The first missing file.
        path: PathBuf,
        /// All missing segments.
        ids: Vec<SegmentId>,
    },
    /// The catalogue cannot be read.
    #[error("the lake's catalogue cannot be read")]
    Catalogue(#[from] CatalogueError),
    /// A file is encrypted, and the key for it is not there.
    #[error("{path} is encrypted with the data key {key}, which is not in the keyring")]
    Key {
        /// The first such file.
        path: String,
        /// Its key.
        key: DataKeyId,
    },
    /// Files lie in a store, and none is set.
    #[error("{count} files of the lake lie in a store, and none is set")]
    NoStore {
        /// How many.
        count: usize,
    },
    /// The store's settings make no sense.
    #[error("the lake's store cannot be used")]
    Store(#[source] object_store::Error),
    /// The store that new files go to refuses us.
    #[error("the lake's store cannot be asked for {path}")]
    Unreachable {
        /// What was asked for.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The scheduler's address makes no sense.
    #[cfg(feature = "distributed")]
    #[error("the lake's cluster cannot be asked")]
    Cluster(#[source] Box<crate::distributed::ServeError>),
    /// The threads that answer questions cannot be started.
    #[error("the lake's threads cannot be started")]
    Threads(#[source] std::io::Error),
}

/// Why events could not be taken out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file was merged into another meanwhile: read the catalogue again.
    #[error("a file of the lake was replaced meanwhile")]
    Replaced,
    /// A file cannot be read or written.
    #[error("the events cannot be taken out")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The events of a file cannot be written elsewhere.
    #[error("the events of {path} cannot be written to {}", into.display())]
    File {
        /// The lake's file.
        path: String,
        /// The folder of the export.
        into: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why the lake failed at its own work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("a file of the lake cannot be read or written")]
    Io(#[from] std::io::Error),
    #[error("the lake's store failed")]
    Object(#[from] object_store::Error),
    #[error("a file of the lake is not valid Parquet")]
    Parquet(#[source] parquet::errors::ParquetError),
    #[error("columns cannot be made or read")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("a row of the lake cannot be read")]
    Rows(#[from] BadRows),
    #[error("the catalogue could not be changed")]
    Catalogue(#[from] CatalogueError),
    #[error("the index of a file cannot be read")]
    Index,
    #[error(
        "a file of the lake has columns of version {found}; this program knows them up to {known}"
    )]
    Version { found: u32, known: u32 },
    #[error("the copy of {path} does not have its checksum: is the file itself damaged?")]
    Copy { path: String },
    #[error("the file {path} of the lake is not as it was written")]
    Altered { path: String },
    #[error("the file {path} of the lake cannot be read")]
    File {
        path: String,
        #[source]
        source: Box<StoreError>,
    },
    #[error("there is no store to bring files to or from")]
    NoStore,
    #[error("a task of the lake ended early")]
    Task(#[from] tokio::task::JoinError),
    #[error("a question could not be run")]
    Query(#[from] datafusion::error::DataFusionError),
    #[error("the lake is closed")]
    Closed,
    #[error("stopped: nobody waits for the answer")]
    Cancelled,
    #[error("stopped at {limit_ms} ms")]
    Timeout { limit_ms: u64 },
}

impl From<parquet::errors::ParquetError> for StoreError {
    /// What the disk says through the reader or the writer is no word about the file's content.
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(inner) => {
                match inner.downcast::<std::io::Error>() {
                    Ok(error) => Self::Io(*error),
                    Err(inner) => Self::Parquet(parquet::errors::ParquetError::External(inner)),
                }
            }
            other => Self::Parquet(other),
        }
    }
}

impl From<StoreError> for LakeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Timeout { limit_ms } => Self::Timeout { limit_ms },
            other => Self::Internal(Box::new(other)),
        }
    }
}

/// A row that is no event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRows {
    #[error("column `{0}` is missing")]
    Missing(&'static str),
    #[error("column `{0}` holds something else than an event has")]
    Invalid(&'static str),
}
