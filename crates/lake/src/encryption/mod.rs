//! Encryption at rest: a file of the lake as AES-256-GCM chunks, each of which is read alone.
//!
//! ```text
//! chunk 0 │ chunk 1 │ … │ last chunk │ trailer
//! ```
//!
//! A chunk is 16 KiB of the file, the last one what is left, followed by its tag of 16 bytes. Its nonce is
//! its number and whether it is the last (the STREAM construction, as in age and Tink), so chunks that are
//! swapped, left out or cut off do not open. The key is the file's own: HKDF-SHA256 of a data key, salted
//! with 32 random bytes and bound to the file's id, so no nonce is ever used twice with one key, and a file
//! under another's name does not open. The trailer (72 bytes: magic, data key's id, file's id, salt) stands
//! at the end, where readers of Parquet begin.
//!
//! Data keys lie in the database, wrapped by a master key that lies in a file of its own ([`MasterKey`]);
//! what is kept of both in memory is the [`Keyring`]. Above this module nobody sees a difference: places
//! in a file are places in what was written.
//!
//! Records that wait for the lake are sealed one by one under keys of the same ring ([`RecordSeal`]); whole files
//! of others, in the form of the lake's ([`FileKeys`]).

mod files;
mod key;
mod key_file;
mod keyring;
mod read;
mod records;
mod trailer;
mod write;

#[cfg(test)]
mod tests;

pub use files::{FileKeys, key_of_file};
pub use key::{DataKey, DataKeyId, MasterKey, WrappedKey};
pub use key_file::KeyError;
pub use keyring::Keyring;
pub use records::RecordSeal;

pub(crate) use read::{CHUNK_BYTES, ReadAt, SealedFile, trailer_of};
#[cfg(test)]
use trailer::Trailer;
pub(crate) use write::Sealer;
