//! Encrypting what lies on the disk for a while. Who keeps records before the lake has them need not know how:
//! whoever has the keys lends this.

use std::fmt::Debug;
use std::fs::File;
use std::io;

use bytes::Bytes;
use uuid::Uuid;

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

/// Seals whole files and opens them again, each under a key of its own.
pub trait FileSeal: Send + Sync + Debug {
    /// Begins a file, which opens only as the one of this id.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    fn begin(&self, id: Uuid) -> io::Result<Box<dyn Sealing>>;

    /// Opens a file, which must be the one of this id.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::PermissionDenied`] when its key is not there, else when it is not as it was written.
    fn open(&self, stored: File, id: Uuid) -> io::Result<Box<dyn Unsealed>>;
}

/// A file that is being sealed.
pub trait Sealing: Send + Sync + Debug {
    /// Takes in the next bytes, and writes what is sealed.
    ///
    /// # Errors
    ///
    /// When they cannot be sealed or written; the file is of no use then.
    fn add(&mut self, bytes: &[u8], out: &mut dyn io::Write) -> io::Result<()>;

    /// Writes the end.
    ///
    /// # Errors
    ///
    /// When it cannot be sealed or written.
    fn end(&mut self, out: &mut dyn io::Write) -> io::Result<()>;
}

/// A sealed file that is open.
pub trait Unsealed: Send + Sync + Debug {
    /// Returns how many bytes were written.
    fn size_bytes(&self) -> u64;

    /// Returns `length` bytes from `start` on, as they were written.
    ///
    /// # Errors
    ///
    /// When the disk does not give them, or they are not as they were written.
    fn read_at(&self, start: u64, length: usize) -> io::Result<Bytes>;
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
