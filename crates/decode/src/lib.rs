//! Turns frames into [`event::Event`]s with OCSF names: the second step of an event's way, between
//! `collect` and `detect`.
//!
//! Pure: no IO, no clock, no randomness; the same frame always gives the same event. Hostile bytes
//! meet named limits (see `limits`) and never a panic: what cannot be read at all becomes a
//! [`event::DeadReason`], everything else an event with notes.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may stop at the first surprise"
    )
)]

// The way of a record: bytes to text, the syslog header off, fields by format, meaning by the
// source's definition, time, event; then records that tell one thing together are joined.
mod audit_join;
mod carried;
mod decoder;
mod envelope;
mod plain;
mod reading;
mod record;
mod structured;
mod text;

// What the way reads by.
mod attribute;
mod definition;
mod limits;
mod parsed;
mod scan;
mod time;
mod unread_time;

// The folders under `sources/`.
mod builtin;
mod check;

pub use audit_join::AuditJoin;
pub use builtin::folders;
pub use check::{
    Mismatch, Report, SAMPLE_COLLECTED_AT, SourceFiles, check_source, decode_record, decode_sample,
};
pub use decoder::{Decoder, SourceContext};
pub use definition::{SourceDefinition, SourceError, SourceText};
