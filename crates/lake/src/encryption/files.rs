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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::key::{DataKey, MasterKey};
    use super::*;

    const ID: Uuid = Uuid::from_u128(5);

    fn write(keys: &FileKeys, path: &Path, plain: &[u8]) {
        let mut out = Vec::new();
        let mut sealing = keys.begin(ID).unwrap();
        for part in plain.chunks(5000) {
            sealing.add(part, &mut out).unwrap();
        }
        sealing.end(&mut out).unwrap();
        fs::write(path, out).unwrap();
    }

    fn all(keys: &FileKeys, path: &Path, id: Uuid) -> io::Result<Vec<u8>> {
        let file = keys.open(File::open(path)?, id)?;
        Ok(file.read_at(0, usize::try_from(file.size_bytes()).unwrap())?.into())
    }

    #[test]
    fn a_file_opens_whole_under_its_key_and_its_id_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let master = MasterKey::generate().unwrap();
        let id = |number| DataKeyId::from_uuid(Uuid::from_u128(number));
        let wrapped: Vec<_> = (1..=2)
            .map(|number| master.wrap(&DataKey::generate(id(number)).unwrap()).unwrap())
            .collect();
        let ring = |count: usize| {
            FileKeys::new(Arc::new(Keyring::open(&master, &wrapped[..count]).unwrap().unwrap()))
        };
        let plain = b"mat khau ".repeat(5000);
        write(&ring(1), &path, &plain);
        let sealed = fs::read(&path).unwrap();
        assert!(memchr::memmem::find(&sealed, b"mat khau").is_none());
        assert_eq!(key_of_file(File::open(&path).unwrap()).unwrap(), Some(id(1)));
        assert_eq!(all(&ring(2), &path, ID).unwrap(), plain, "an older key opens");
        let other = all(&ring(1), &path, Uuid::from_u128(6)).unwrap_err();
        assert_eq!(other.kind(), io::ErrorKind::InvalidData);
        for place in [0, 20_000, sealed.len() - 100, sealed.len() - 80] {
            let mut bytes = sealed.clone();
            bytes[place] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(all(&ring(1), &path, ID).is_err(), "byte {place}");
            fs::write(&path, &sealed[..place]).unwrap();
            assert!(all(&ring(1), &path, ID).is_err(), "cut at {place}");
        }
        // A key that is not there is told from damage.
        write(&ring(2), &path, b"");
        assert_eq!(all(&ring(2), &path, ID).unwrap(), b"");
        let unknown = all(&ring(1), &path, ID).unwrap_err();
        assert_eq!(unknown.kind(), io::ErrorKind::PermissionDenied);
        fs::write(&path, "plain").unwrap();
        assert_eq!(key_of_file(File::open(&path).unwrap()).unwrap(), None);
        assert!(all(&ring(2), &path, ID).is_err());
    }
}
