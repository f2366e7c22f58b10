//! The tests of `tests/it` once more, with the lake's files in a real S3 server on loopback, and what
//! only such a lake does.

#![allow(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::panic, reason = "a test may stop at the first surprise")]

#[path = "../it/answers.rs"]
mod answers;
#[path = "../it/differential.rs"]
mod differential;
#[cfg(feature = "distributed")]
mod distributed;
#[path = "../it/home.rs"]
mod home;
#[path = "../it/lines.rs"]
mod lines;
mod moving;
#[path = "../it/round_trip.rs"]
mod round_trip;
#[path = "../it/s3.rs"]
mod s3;
#[path = "../it/sql.rs"]
mod sql;
mod store;
mod together;
#[path = "../it/wildcards.rs"]
mod wildcards;

/// Where the lake of a test has its files.
const IN_STORE: bool = true;

/// Its files are encrypted there, so that the same tests show that as well.
const ENCRYPTED: bool = true;
