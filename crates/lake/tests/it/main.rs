//! The lake from outside, as pipeline and domains use it: real files in a folder of their own.

#![allow(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::panic, reason = "a test may stop at the first surprise")]

mod answers;
mod bad_lines;
mod crashes;
mod differential;
mod encrypted;
mod first_layout;
mod home;
mod hostile;
mod keeping;
mod lines;
mod meddled;
mod merging;
mod moments;
mod round_trip;
mod s3;
mod sql;
mod sql_faults;
mod wildcards;

/// Where the lake of a test has its files: see `tests/s3`, where the same tests run over a store.
const IN_STORE: bool = false;

/// Whether its files are encrypted.
const ENCRYPTED: bool = false;
