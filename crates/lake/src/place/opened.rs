//! A file of the lake, open for reading: here or in the store, encrypted or not, read the same way.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::cache::BLOCK_BYTES;
use super::remote::Remote;
use crate::catalogue::SegmentId;
use crate::encryption::{CHUNK_BYTES, ReadAt, SealedFile};

/// A file that is open, as it was written. Reading it may block the thread.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It lies there as it was written.
    Plain(Stored),
    /// It is encrypted.
    Sealed(Arc<SealedFile<Stored>>),
}

/// The bytes of a file as they lie there.
#[derive(Debug)]
pub(crate) enum Stored {
    /// On this machine.
    Local(File),
    /// In the store.
    Remote(RemoteFile),
}

/// A file in the store.
#[derive(Debug, Clone)]
pub(crate) struct RemoteFile {
    pub(super) remote: Arc<Remote>,
    pub(super) id: SegmentId,
    pub(super) path: String,
    pub(super) size_bytes: u64,
}

impl RemoteFile {
    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.saturating_add(length as u64);
        if end > self.size_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if length == 0 {
            return Ok(Bytes::new());
        }
        let (first, last) = (start / BLOCK_BYTES, (end - 1) / BLOCK_BYTES);
        let file = (self.id, self.path.as_str());
        let blocks = self.remote.blocks(file, self.size_bytes, (first, last))?;
        let skip = usize::try_from(start - first * BLOCK_BYTES).unwrap_or(0);
        let joined = match <[Bytes; 1]>::try_from(blocks) {
            Ok([block]) => block,
            Err(blocks) => {
                let mut joined = BytesMut::with_capacity(blocks.iter().map(Bytes::len).sum());
                for block in &blocks {
                    joined.extend_from_slice(block);
                }
                joined.freeze()
            }
        };
        if joined.len() < skip + length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(joined.slice(skip..skip + length))
    }
}

impl Stored {
    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        match self {
            Self::Local(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            Self::Remote(file) => file.read(start, length),
        }
    }
}

impl ReadAt for Stored {
    fn size(&self) -> u64 {
        match self {
            Self::Local(file) => Length::len(file),
            Self::Remote(file) => file.size_bytes,
        }
    }

    fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        self.read(start, length).map(Vec::from)
    }
}

impl Opened {
    /// Returns `length` bytes from `start` on.
    pub(crate) fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        match self {
            Self::Plain(stored) => stored.read(start, length),
            Self::Sealed(file) => file.read(start, length),
        }
    }

    /// Fills a buffer from `start` on.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], start: u64) -> io::Result<()> {
        if let Self::Plain(Stored::Local(file)) = self {
            return file.read_exact_at(buffer, start);
        }
        buffer.copy_from_slice(&self.read(start, buffer.len())?);
        Ok(())
    }

    /// Returns which bytes are no longer as they were written, where encryption itself tells that.
    pub(crate) fn damaged(&self) -> io::Result<Option<Vec<Range<u64>>>> {
        match self {
            Self::Plain(_) => Ok(None),
            Self::Sealed(file) => file.damaged().map(Some),
        }
    }
}

impl Length for Opened {
    fn len(&self) -> u64 {
        match self {
            Self::Plain(stored) => stored.size(),
            Self::Sealed(file) => file.plain_bytes(),
        }
    }
}

impl ChunkReader for Opened {
    type T = Walk;

    fn get_read(&self, start: u64) -> Result<Walk, ParquetError> {
        match self {
            Self::Plain(Stored::Local(file)) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Walk::Local(BufReader::new(file)))
            }
            Self::Plain(Stored::Remote(file)) => Ok(Walk::Remote(file.clone(), start)),
            Self::Sealed(file) => {
                Ok(Walk::Sealed { file: Arc::clone(file), at: start, open: Bytes::new() })
            }
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.read(start, length)?)
    }
}

/// Reads a file from a place on.
#[derive(Debug)]
pub(crate) enum Walk {
    Local(BufReader<File>),
    Remote(RemoteFile, u64),
    Sealed {
        file: Arc<SealedFile<Stored>>,
        /// Where `open` ends.
        at: u64,
        /// What was opened and not yet read.
        open: Bytes,
    },
}

impl Read for Walk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read(buffer),
            Self::Remote(file, at) => {
                let left = file.size_bytes.saturating_sub(*at).min(BLOCK_BYTES);
                let length = buffer.len().min(usize::try_from(left).unwrap_or(0));
                let bytes = file.read(*at, length)?;
                if let Some(part) = buffer.get_mut(..length) {
                    part.copy_from_slice(&bytes);
                }
                *at += length as u64;
                Ok(length)
            }
            Self::Sealed { file, at, open } => {
                if open.is_empty() {
                    let chunk = CHUNK_BYTES as u64;
                    let left = (chunk - *at % chunk).min(file.plain_bytes().saturating_sub(*at));
                    *open = file.read(*at, usize::try_from(left).unwrap_or(0))?;
                    *at += left;
                }
                let length = buffer.len().min(open.len());
                if let Some(part) = buffer.get_mut(..length) {
                    part.copy_from_slice(&open.split_to(length));
                }
                Ok(length)
            }
        }
    }
}
