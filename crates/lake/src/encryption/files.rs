//! Whole files beside the lake's, in the same form and under the same keys: what detection remembers, what
//! people hand over or take along. Each has an id of its own, as a file of the lake has.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use event::seal::{FileSeal, SealError, Sealing, Unsealed};
use uuid::Uuid;

use super::key::DataKeyId;
use super::keyring::Keyring;
use super::read::{ReadAt, SealedFile, trailer_of};
use super::write::Sealer;
use crate::catalogue::SegmentId;

/// Seals files with the newest data key, and opens those of all keys in the ring.
#[derive(Debug, Clone)]
pub struct FileKeys(Arc<Keyring>);

impl FileKeys {
    /// Returns what seals with these keys.
    pub const fn new(keyring: Arc<Keyring>) -> Self {
        Self(keyring)
    }
}

impl FileSeal for FileKeys {
    fn begin(&self, id: Uuid) -> io::Result<Box<dyn Sealing>> {
        let sealer = Sealer::begin(self.0.newest(), SegmentId::from_uuid(id))?;
        Ok(Box::new(sealer))
    }

    fn open(&self, stored: File, id: Uuid) -> io::Result<Box<dyn Unsealed>> {
        let stored = Local::of(stored)?;
        // A key that is not there is nothing wrong with the file.
        if let Some(trailer) = trailer_of(&stored)?
            && self.0.get(trailer.key).is_none()
        {
            let unknown = SealError::UnknownKey(trailer.key.to_string());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, unknown));
        }
        let file = SealedFile::open(stored, Some(&*self.0), Some(SegmentId::from_uuid(id)))?;
        Ok(Box::new(file))
    }
}

/// Returns the data key that a sealed file names; none if it is not sealed.
///
/// # Errors
///
/// When the file cannot be read.
pub fn key_of_file(file: File) -> io::Result<Option<DataKeyId>> {
    Ok(trailer_of(&Local::of(file)?)?.map(|trailer| trailer.key))
}

impl Sealing for Sealer {
    fn add(&mut self, bytes: &[u8], mut out: &mut dyn Write) -> io::Result<()> {
        self.push(bytes, &mut out)
    }

    fn end(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        self.finish(&mut out)
    }
}

/// A file on this machine.
#[derive(Debug)]
struct Local {
    file: File,
    size_bytes: u64,
}

impl Local {
    fn of(file: File) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes })
    }
}

impl ReadAt for Local {
    fn size(&self) -> u64 {
        self.size_bytes
    }

    fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }
}

impl Unsealed for SealedFile<Local> {
    fn size_bytes(&self) -> u64 {
        self.plain_bytes()
    }

    fn read_at(&self, start: u64, length: usize) -> io::Result<Bytes> {
        self.read(start, length)
    }
}
