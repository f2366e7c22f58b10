//! Keeps every event and answers questions about them: the only home of Arrow, Parquet and
//! DataFusion.
//!
//! Events come from the pipeline by [`Lake::append`] and can be found when it returns. They wait in
//! memory, in the order they came, and are written to one Parquet file for each UTC day they
//! occurred on. A file is part of the lake from the moment the [`Catalogue`] says so; in the same
//! step the catalogue takes down how far the spool has come, so that after a crash the spool plays
//! again exactly what no file holds. Small files of a day are merged behind.
//!
//! The domains ask through [`event::LakeReader`].

#![expect(
    clippy::rc_buffer,
    reason = "lists of events are handed on whole: an `Arc<[T]>` would copy them once more"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod catalogue;
mod encryption;
mod error;
mod limits;
mod schema;
mod settings;

// In: memory, then files.
mod background;
mod lake;
mod place;
mod rows;
mod segment;
mod store;
mod together;

// For years.
pub mod keep;

#[doc(hidden)]
pub mod fuzzing;

// Out.
mod ask;
#[cfg(feature = "distributed")]
pub mod distributed;
mod filter;
mod reader;
#[cfg(test)]
mod testing;

pub use catalogue::{
    Catalogue, CatalogueError, Change, Fenced, Held, Leftover, MemoryCatalogue, Note, Segment,
    SegmentId, Where,
};
pub use encryption::{
    DataKey, DataKeyId, FileKeys, KeyError, Keyring, MasterKey, RecordSeal, WrappedKey, key_of_file,
};
pub use error::{ExportError, OpenError};
pub use lake::Lake;
pub use limits::{BUCKETS_MAX, PAGE_EVENTS_MAX, SQL_BYTES_MAX, TOP_LIMIT_MAX};
pub use place::Place;
pub use schema::SCHEMA_VERSION;
pub use settings::{LakeSettings, S3Settings, Store};
pub use store::{LakeHealth, Recovered};
