//! Takes bytes in: syslog over UDP, TCP and TLS, HTTP, and followed files.
//!
//! First station of an event's way. A listener cuts its stream into [`event::Frame`]s and hands
//! them to the [`Intake`], which makes them durable in the [`Spool`] before anyone is told
//! that they were received. Nothing here reads what a frame says: that is `decode`'s work.
//!
//! Nothing accepted is dropped: when the spool is full, HTTP answers 429 and TCP stops reading.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::float_cmp,
        reason = "a test may stop at the first surprise"
    )
)]

// What the listeners share, in the order of the way.
mod durable;
mod framing;
mod intake;
pub mod limits;
pub mod spool;

mod counters;
mod directory;
mod parse;
mod proxy_protocol;
mod several;

// The listeners.
pub mod files;
pub mod http;
pub mod syslog;

pub mod fuzzing;

#[cfg(test)]
mod testing;

pub use counters::{Counters, Gate, SourceCount, UdpCount};
pub use directory::{SourceDirectory, UNKNOWN_SOURCE};
pub use durable::Durable;
pub use intake::{Intake, REQUEST_MARK};
pub use proxy_protocol::Balancers;
pub use spool::{
    AppendError, Batch, DiskRoom, Inspection, Keys, OpenError, Recovered, Spool, SpoolFault,
    SpoolFaultKind, SpoolReader, SpoolSettings, Trouble, disk_room, inspect,
};
