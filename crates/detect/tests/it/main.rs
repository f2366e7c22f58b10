//! Tests of the whole crate: the public Sigma corpus, its recordings, and our own rules.

#![allow(clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![allow(clippy::print_stdout, reason = "a test says what it skipped and what it saw")]

mod baselines;
mod corpus;
mod data;
mod decoded;
mod log_sources;
mod network;
mod own_rules;
mod recordings;
mod regression;
mod screen;
mod screened;
mod shapes;
mod streaming;
