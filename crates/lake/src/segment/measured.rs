//! The file under the writer: it knows its size, its hash and the checksums of its blocks, encrypts
//! what is written, and ends with a copy of its footer.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use sha2::{Digest as _, Sha256};

use super::checks::CheckBuilder;
use super::footer_copy::{copy_of, parts};
use crate::encryption::{CHUNK_BYTES, Sealer};

/// A file that knows its size, its hash and its blocks' checksums. The checksums are of what is written, size
/// and hash of what lies there then: of encrypted bytes, where there is a key.
pub(super) struct Measured {
    out: Hashed,
    pub(super) checks: CheckBuilder,
    sealer: Option<Sealer>,
    /// Bytes that were written, before they were encrypted.
    bytes: usize,
    /// The file's end, which waits until it is whole.
    end: Option<Vec<u8>>,
}

impl Measured {
    pub(super) fn new(file: File, sealer: Option<Sealer>) -> Self {
        let file = BufWriter::with_capacity(1 << 20, file);
        let out = Hashed { file, hash: Sha256::new(), size_bytes: 0 };
        Self { out, checks: CheckBuilder::default(), sealer, bytes: 0, end: None }
    }

    /// Holds back what is written from now on: the page index and the footer.
    pub(super) fn hold_end(&mut self) {
        self.end = Some(Vec::new());
    }

    /// Writes the end that was held back, with a copy of its footer, and makes the file durable; returns
    /// its hash and its size. Places that the footer names lie before the copy.
    pub(super) fn end(&mut self) -> io::Result<(String, u64)> {
        let end = self.end.take().unwrap_or_default();
        match parts(&end) {
            Some((before, footer)) => {
                self.write_all(before)?;
                self.write_all(&copy_of(before, footer)?)?;
                let over = self.bytes % CHUNK_BYTES;
                if self.sealer.is_some() && over > 0 {
                    self.write_all(&vec![0; CHUNK_BYTES - over])?;
                }
                self.write_all(footer)?;
            }
            None => self.write_all(&end)?,
        }
        self.sync()
    }

    fn sync(&mut self) -> io::Result<(String, u64)> {
        if let Some(mut sealer) = self.sealer.take() {
            sealer.finish(&mut self.out)?;
        }
        self.out.file.flush()?;
        self.out.file.get_ref().sync_all()?;
        Ok((hex::encode(self.out.hash.finalize_reset()), self.out.size_bytes))
    }
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            end.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.checks.push(bytes);
        self.bytes += bytes.len();
        match &mut self.sealer {
            Some(sealer) => sealer.push(bytes, &mut self.out)?,
            None => self.out.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What lies in the file.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    size_bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size_bytes += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
