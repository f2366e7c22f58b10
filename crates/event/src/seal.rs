//! Encrypting what lies on the disk for a while. Who keeps records before the lake has them need not know how:
//! whoever has the keys lends this.

use std::fmt::Debug;

use bytes::Bytes;

/// Seals bytes and opens them again.
pub trait Seal: Send + Sync + Debug {
    /// Returns the bytes sealed. `bound` stays outside, but they open only with the same.
    ///
    /// # Errors
    ///
    /// When they cannot be sealed.
    fn seal(&self, plain: Vec<u8>, bound: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Returns the bytes as they were before they were sealed.
    ///
    /// # Errors
    ///
    /// When the key is not there, or they are not as they were written.
    fn open(&self, sealed: Bytes, bound: &[u8]) -> Result<Bytes, SealError>;
}

/// Why bytes could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The cipher or the system's random numbers refused.
    #[error("cannot be encrypted")]
    Unsealed,
    /// There is no key at all.
    #[error("encrypted, and there is no key")]
    NoKey,
    /// The key is another one.
    #[error("encrypted with the key {0}, which is not there")]
    UnknownKey(String),
    /// Not what was sealed with this key.
    #[error("not as it was encrypted")]
    Damaged,
}
