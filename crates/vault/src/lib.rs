//! How files lie on the disk of whoever keeps something there: durable when they are told of ([`persist`]),
//! whole or not there, and sealed where there are keys ([`Vault`]).
//!
//! What seals is lent by whoever has the keys, as an [`event::seal::FileSeal`]: there is no cipher here.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may stop at the first surprise"
    )
)]

mod files;
pub mod persist;
mod reader;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use files::{Kept, Vault, VaultWriter};
pub use reader::VaultReader;
