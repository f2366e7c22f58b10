//! Reading a file of a vault, sealed or not, from any place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::{Buf as _, Bytes};
use event::seal::Unsealed;

/// Bytes of a sealed file that are opened at a time.
const READ_BYTES: u64 = 256 << 10;

/// A file, open for reading, as it was written.
#[derive(Debug)]
pub struct VaultReader {
    stored: Stored,
    path: PathBuf,
    size_bytes: u64,
    modified: Option<SystemTime>,
    is_stream: bool,
    /// Where reading goes on.
    at: u64,
    /// What is open from there on.
    held: Bytes,
}

#[derive(Debug)]
enum Stored {
    Plain(File),
    Sealed(Box<dyn Unsealed>),
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the file {path} cannot be read")]
struct Unreadable {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Names the file of an error.
pub(crate) fn named(path: &Path, source: io::Error) -> io::Error {
    io::Error::new(source.kind(), Unreadable { path: path.to_owned(), source })
}

impl VaultReader {
    /// Opens a file that lies there as it was written, whatever its name says.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn open_plain(path: &Path) -> io::Result<Self> {
        Self::plain(path.to_owned(), File::open(path)?)
    }

    /// Takes over a plain file.
    pub(crate) fn plain(path: PathBuf, file: File) -> io::Result<Self> {
        let facts = file.metadata()?;
        let (size_bytes, modified) = (facts.len(), facts.modified().ok());
        let (stored, is_stream) = (Stored::Plain(file), !facts.is_file());
        Ok(Self { stored, path, size_bytes, modified, is_stream, at: 0, held: Bytes::new() })
    }

    /// Takes over a sealed file that is open.
    pub(crate) fn sealed(
        path: PathBuf,
        file: Box<dyn Unsealed>,
        modified: Option<SystemTime>,
    ) -> Self {
        let size_bytes = file.size_bytes();
        let stored = Stored::Sealed(file);
        Self { stored, path, size_bytes, modified, is_stream: false, at: 0, held: Bytes::new() }
    }

    /// Returns how many bytes were written.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns when it was written, where the file system tells.
    pub const fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Returns whether it is a pipe or a device: those have no end that is known, and cannot be gone back in.
    pub const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Returns where its bytes lie as they were written: nowhere, if it is sealed.
    pub fn plain_path(&self) -> Option<&Path> {
        matches!(self.stored, Stored::Plain(_)).then_some(self.path.as_path())
    }
}

impl Read for VaultReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let file = match &mut self.stored {
            Stored::Plain(file) => return file.read(into),
            Stored::Sealed(file) => file,
        };
        if into.is_empty() {
            return Ok(0);
        }
        if self.held.is_empty() {
            let left = self.size_bytes.saturating_sub(self.at).min(READ_BYTES);
            if left == 0 {
                return Ok(0);
            }
            let length = usize::try_from(left).map_err(io::Error::other)?;
            let opened = file.read_at(self.at, length);
            self.held = opened.map_err(|error| named(&self.path, error))?;
        }
        let length = self.held.len().min(into.len());
        let room = into.get_mut(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.held.copy_to_slice(room);
        self.at = self.at.saturating_add(length as u64);
        Ok(length)
    }
}

impl Seek for VaultReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let Stored::Plain(file) = &mut self.stored {
            return file.seek(to);
        }
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(over) => self.size_bytes.checked_add_signed(over),
            SeekFrom::Current(over) => self.at.checked_add_signed(over),
        };
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        let skip = at.checked_sub(self.at).and_then(|skip| usize::try_from(skip).ok());
        match skip.filter(|skip| *skip <= self.held.len()) {
            Some(skip) => self.held.advance(skip),
            None => self.held = Bytes::new(),
        }
        self.at = at;
        Ok(at)
    }
}
