//! Encrypts a file while it is written.

use std::io::{self, Write};

use ring::aead::{Aad, LessSafeKey};

use super::key::{DataKey, random};
use super::read::{CHUNK_BYTES, Last, nonce};
use super::trailer::Trailer;
use crate::catalogue::SegmentId;

/// Encrypts what is pushed, chunk by chunk.
pub(crate) struct Sealer {
    key: LessSafeKey,
    trailer: Trailer,
    /// What waits for its chunk to be full, and for another to follow it.
    chunk: Vec<u8>,
    number: u64,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("trailer", &self.trailer).finish_non_exhaustive()
    }
}

impl Sealer {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub(crate) fn begin(key: &DataKey, file: SegmentId) -> io::Result<Self> {
        let salt = random().map_err(io::Error::other)?;
        let trailer = Trailer { key: key.id(), file, salt };
        let key = key.of_file(&trailer).ok_or_else(unsealed)?;
        Ok(Self { key, trailer, chunk: Vec::with_capacity(CHUNK_BYTES + 16), number: 0 })
    }

    /// Takes in the next bytes of the file, and writes the chunks that are full.
    pub(crate) fn push(&mut self, mut bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(Last::No, out)?;
            }
            let room = CHUNK_BYTES - self.chunk.len();
            let (now, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.chunk.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Writes the last chunk and the trailer.
    pub(crate) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.seal(Last::Yes, out)?;
        out.write_all(&self.trailer.to_bytes())
    }

    fn seal(&mut self, last: Last, out: &mut impl Write) -> io::Result<()> {
        let nonce = nonce(self.number, last);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut self.chunk);
        let tag = tag.map_err(|_unspecified| unsealed())?;
        out.write_all(&self.chunk)?;
        out.write_all(tag.as_ref())?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }
}

fn unsealed() -> io::Error {
    io::Error::other("a file cannot be encrypted")
}
