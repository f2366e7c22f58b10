//! The state of the platform: one connection, its migrations, and transactions that cannot end
//! without an audit entry. SQLite inside the process by default, PostgreSQL by one setting.
//!
//! It knows tables only to make them; reading and writing them stands in each slice's `store.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

pub mod audit;
mod backup;
mod connect;
mod copy;
mod count;
mod error;
pub mod job;
mod listen;
mod migrations;
mod read_only;
mod text_index;
mod tx;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use audit::{Actor, AuditEntry, Subject};
pub use connect::{Db, DbSettings, Durability};
pub use copy::{Copied, copy};
pub use count::counted;
pub use error::{DbError, violated_constraint};
pub use listen::{Heard, Listener, WORD_BYTES_MAX};
pub use text_index::{Holders, TextIndex, holding};
pub use tx::{Bookkeeping, Tx};

#[cfg(test)]
mod tests;
