//! Reads any range of an encrypted file: whole chunks are fetched and opened, the rest is cut off.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use ring::aead::{Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce};

use super::key::DataKeyId;
use super::keyring::Keyring;
use super::trailer::Trailer;
use crate::catalogue::SegmentId;

/// Bytes of the file in one chunk. Small, because many reads want a few kilobytes: a page of a column, a row
/// of filters. The tags make files larger by a thousandth.
pub(crate) const CHUNK_BYTES: usize = 16 << 10;

/// Bytes behind each chunk.
const TAG_BYTES: usize = MAX_TAG_LEN;

const CHUNK: u64 = CHUNK_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;
const SEALED_CHUNK: u64 = CHUNK + TAG;
const TRAILER: u64 = Trailer::BYTES as u64;

/// Whether a chunk is the file's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Yes,
    No,
}

/// Returns a chunk's nonce: its number, and whether it is the last.
pub(super) fn nonce(number: u64, last: Last) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    if let Some((end, head)) = bytes.split_last_mut() {
        *end = u8::from(last == Last::Yes);
        if let Some(counter) = head.last_chunk_mut::<8>() {
            *counter = number.to_be_bytes();
        }
    }
    Nonce::assume_unique_for_key(bytes)
}

/// Why an encrypted file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("it is encrypted, and there is no key: set `lake.encryption.key_file`")]
    NoKey,
    #[error("it is encrypted with the data key {0}, which this lake's keyring does not have")]
    UnknownKey(DataKeyId),
    #[error("it should be encrypted, and is not as it was written")]
    NotSealed,
    #[error("it is the file {0}, under another name")]
    OtherFile(SegmentId),
    #[error("bytes {1} to {2} of the encrypted file {0} are not as they were written")]
    Chunk(SegmentId, u64, u64),
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Bytes that lie somewhere.
pub(crate) trait ReadAt {
    /// Returns how many there are.
    fn size(&self) -> u64;

    /// Returns `length` of them from `start` on, on their own.
    fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>>;
}

/// An encrypted file, open for reading.
pub(crate) struct SealedFile<S> {
    stored: S,
    file: SegmentId,
    key: LessSafeKey,
    /// Bytes before the trailer.
    body: u64,
    chunks: u64,
}

impl<S: std::fmt::Debug> std::fmt::Debug for SealedFile<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedFile").field("stored", &self.stored).finish_non_exhaustive()
    }
}

/// Returns what a file says of itself, if it is encrypted.
pub(crate) fn trailer_of(stored: &impl ReadAt) -> io::Result<Option<Trailer>> {
    let Some(start) = stored.size().checked_sub(TRAILER) else { return Ok(None) };
    Ok(Trailer::parse(&stored.bytes_at(start, Trailer::BYTES)?))
}

impl<S: ReadAt> SealedFile<S> {
    /// Opens a file that is encrypted, if the keyring has its key. `file` is what it must be.
    pub(crate) fn open(
        stored: S,
        keyring: Option<&Keyring>,
        file: Option<SegmentId>,
    ) -> io::Result<Self> {
        let keyring = keyring.ok_or(SealError::NoKey)?;
        let trailer = trailer_of(&stored)?.ok_or(SealError::NotSealed)?;
        if file.is_some_and(|file| file != trailer.file) {
            return Err(SealError::OtherFile(trailer.file).into());
        }
        let key = keyring.get(trailer.key).ok_or(SealError::UnknownKey(trailer.key))?;
        let key = key.of_file(&trailer).ok_or(SealError::NotSealed)?;
        let body = stored.size().saturating_sub(TRAILER);
        let chunks = body.div_ceil(SEALED_CHUNK);
        // The last chunk has at least its tag.
        if body < TAG || body - (chunks - 1) * SEALED_CHUNK < TAG {
            return Err(SealError::NotSealed.into());
        }
        let opened = Self { stored, file: trailer.file, key, body, chunks };
        if opened.plain_bytes() == 0 {
            // Of an empty file nothing is ever read that would show whether it is one.
            opened.open_chunks(0, 0)?;
        }
        Ok(opened)
    }

    /// Returns how many bytes were written.
    pub(crate) fn plain_bytes(&self) -> u64 {
        self.body - self.chunks * TAG
    }

    /// Returns `length` bytes from `start` on, as they were written.
    pub(crate) fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64);
        let end = end.filter(|end| *end <= self.plain_bytes());
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let first = start / CHUNK;
        let opened = self.open_chunks(first, (end - 1) / CHUNK)?;
        let skip = usize::try_from(start - first * CHUNK).unwrap_or(usize::MAX);
        let opened = Bytes::from(opened);
        if opened.len() < skip.saturating_add(length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(opened.slice(skip..skip + length))
    }

    /// Returns which bytes are no longer as they were written.
    pub(crate) fn damaged(&self) -> io::Result<Vec<Range<u64>>> {
        let mut damaged = Vec::new();
        for number in 0..self.chunks {
            match self.open_chunks(number, number) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    damaged.push(number * CHUNK..((number + 1) * CHUNK).min(self.plain_bytes()));
                }
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(damaged)
    }

    /// Fetches neighbouring chunks and opens them, in place: each moves to the left over the tags before it.
    fn open_chunks(&self, first: u64, last: u64) -> io::Result<Vec<u8>> {
        let start = first * SEALED_CHUNK;
        let end = ((last + 1) * SEALED_CHUNK).min(self.body);
        let length = usize::try_from(end - start).map_err(io::Error::other)?;
        let mut bytes = self.stored.bytes_at(start, length)?;
        let (mut from, mut to) = (0, 0);
        for number in first..=last {
            let sealed = (length - from).min(CHUNK_BYTES + TAG_BYTES);
            let is_last = if number + 1 == self.chunks { Last::Yes } else { Last::No };
            let chunk = bytes.get_mut(to..from + sealed).ok_or(SealError::NotSealed)?;
            let opened =
                self.key.open_within(nonce(number, is_last), Aad::empty(), chunk, from - to..);
            let (from_byte, to_byte) = (number * CHUNK, (number + 1) * CHUNK - 1);
            let bad = |_unspecified| SealError::Chunk(self.file, from_byte, to_byte);
            to += opened.map_err(bad)?.len();
            from += sealed;
        }
        bytes.truncate(to);
        Ok(bytes)
    }
}
