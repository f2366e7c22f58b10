//! A seal on paper, for tests of whoever keeps files: it hides every byte and binds each file to its id, and is
//! worth nothing else.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use event::seal::{FileSeal, Sealing, Unsealed};
use uuid::Uuid;

use crate::Vault;

/// Turns a byte into another one, and back.
const MASK: u8 = 0x5a;

/// Bytes of the id at the beginning.
const ID_BYTES: u64 = 16;

/// Returns a vault with a seal on paper.
pub fn paper() -> Vault {
    Vault::new(Some(Arc::new(PaperSeal)))
}

#[derive(Debug)]
struct PaperSeal;

impl FileSeal for PaperSeal {
    fn begin(&self, id: Uuid) -> io::Result<Box<dyn Sealing>> {
        Ok(Box::new(PaperSealing(Some(id))))
    }

    fn open(&self, stored: File, id: Uuid) -> io::Result<Box<dyn Unsealed>> {
        let mut head = [0; 16];
        stored.read_exact_at(&mut head, 0)?;
        if Uuid::from_bytes(head) != id {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "another file's id"));
        }
        let size_bytes = stored.metadata()?.len().saturating_sub(ID_BYTES);
        Ok(Box::new(PaperFile { stored, size_bytes }))
    }
}

/// Writes the id first.
#[derive(Debug)]
struct PaperSealing(Option<Uuid>);

impl Sealing for PaperSealing {
    fn add(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if let Some(id) = self.0.take() {
            out.write_all(id.as_bytes())?;
        }
        let masked: Vec<u8> = bytes.iter().map(|byte| byte ^ MASK).collect();
        out.write_all(&masked)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.add(&[], out)
    }
}

#[derive(Debug)]
struct PaperFile {
    stored: File,
    size_bytes: u64,
}

impl Unsealed for PaperFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.stored.read_exact_at(&mut bytes, start.saturating_add(ID_BYTES))?;
        Ok(bytes.into_iter().map(|byte| byte ^ MASK).collect())
    }
}
