//! The binary `luytre`, as a library that its tests can call: command line, configuration, wiring.
//!
//! Only this crate sees every other one. `pipeline` shows the whole way of an event in one file.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line answers on standard output and complains on standard error"
)]

// The way of an event.
pub mod engine_state;
pub mod pipeline;
pub mod serve;

// What it is set up from.
pub mod config;
pub mod indicators;
pub mod rules;
pub mod sources;
#[cfg(feature = "yara")]
mod yara;

mod catalogue;
mod cluster;
mod coverage;

// What is asked of it.
pub mod bench;
pub mod cli;
pub mod drill;
mod hunt;
mod rejects;
