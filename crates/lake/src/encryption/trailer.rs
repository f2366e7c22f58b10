//! What an encrypted file says of itself: its last 72 bytes.

use uuid::Uuid;

use super::key::DataKeyId;
use crate::catalogue::SegmentId;

/// First bytes of the trailer, with the format's version.
const MAGIC: &[u8; 8] = b"LTSEAL01";

/// Random bytes that make a file's key its own.
pub(super) const SALT_BYTES: usize = 32;

/// The trailer. None of it is secret; the file's key depends on all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// The data key.
    pub(crate) key: DataKeyId,
    /// The file.
    pub(crate) file: SegmentId,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Trailer {
    /// Its length.
    pub(crate) const BYTES: usize = MAGIC.len() + 16 + 16 + SALT_BYTES;

    /// Returns it as it stands in the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (key, file) = (self.key.uuid(), self.file.uuid());
        [MAGIC.as_slice(), key.as_bytes(), file.as_bytes(), &self.salt].concat()
    }

    /// Reads it from a file's last bytes; `None` if they are none, which is what a plain file's are.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (file, rest) = rest.split_first_chunk::<16>()?;
        let salt = <[u8; SALT_BYTES]>::try_from(rest).ok()?;
        (magic == MAGIC).then_some(Self {
            key: DataKeyId::from_uuid(Uuid::from_bytes(*key)),
            file: SegmentId::from_uuid(Uuid::from_bytes(*file)),
            salt,
        })
    }
}
