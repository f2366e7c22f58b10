//! Questions that several machines answer together, by Apache DataFusion Ballista.
//!
//! The node that is asked plans as it always does: same catalogue, same scope, same index. What is left of
//! the files (which of them, which rows) is shipped with the plan as a leaf of our own ([`leaf`], [`codec`]), so
//! that nobody reads a page more than here. The scheduler ([`QueryScheduler`]) cuts the plan into stages and
//! never sees a file; executors ([`QueryExecutor`]) read the store with the node's own credentials, cache and keys.
//!
//! Questions go there only where it pays and where the files lie in the store; whatever fails there is
//! answered here ([`cluster`]).

mod client;
mod cluster;
mod codec;
mod credentials;
mod executor;
mod files;
mod leaf;
mod message;
mod scheduler;
mod session;
#[cfg(test)]
mod tests;
mod timed;

pub(crate) use cluster::{Cluster, MEMORY_BYTES_MAX};
#[doc(hidden)]
pub use codec::decode_foreign;
pub use credentials::{ClusterTls, Credentials};
pub use executor::{ExecutorSettings, QueryExecutor};
pub use scheduler::{QueryScheduler, SchedulerSettings};
pub use timed::WorkDone;

use crate::error::OpenError;

/// How this node asks a cluster.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The scheduler's address, `host:port`.
    pub scheduler: String,
    /// What proves that this node belongs to the cluster.
    pub credentials: Credentials,
    /// Parts that the files of a question are cut into.
    pub partitions: usize,
    /// Rows that a question must have to read before it is worth sending.
    pub rows_min: u64,
}

/// Why a scheduler or an executor cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The scheduler's address makes no sense.
    #[error("`{address}` is no address of a scheduler")]
    Address {
        /// What was given.
        address: String,
    },
    /// The work folder cannot be used.
    #[error("the work folder {folder} cannot be used (has another executor taken it?)")]
    Folder {
        /// Which.
        folder: std::path::PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error("the lake's store cannot be used")]
    Store(#[from] OpenError),
    /// Certificate, key or CA cannot be used.
    #[error("the cluster's certificate, its key or its CA cannot be used")]
    Tls(#[source] tonic::transport::Error),
    /// Ballista did not start.
    #[error("the engine of distributed queries did not start")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn engine(error: impl std::error::Error + Send + Sync + 'static) -> ServeError {
    ServeError::Engine(Box::new(error))
}
