//! Where the bytes lie: `store/ab/abcd…` below the folder of people's files, each under its digest. A file
//! is whole and durable before it gets that name, and never changes under it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use vault::{VaultReader, persist};

use super::gathered::Gathered;
use crate::error::RespondError;
use crate::files::{Files, KeptFile, blocking};

/// Bytes hashed at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A file in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its SHA-256 in hexadecimal.
    pub(crate) sha256: String,
    /// Its size.
    pub(crate) size_bytes: u64,
}

/// Bytes that lie outside the store.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file, as it came.
    Plain(PathBuf),
    /// So many bytes that came in parts.
    Parts(Gathered, u64),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Plain(path)
    }
}

impl Source {
    /// Returns what has come of a piece of so many bytes.
    pub(crate) fn of(gathered: Gathered, size_bytes: u64) -> io::Result<Self> {
        Ok(match gathered.as_it_came()? {
            Some(path) => Self::Plain(path),
            None => Self::Parts(gathered, size_bytes),
        })
    }

    fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Plain(path) => Box::new(File::open(path)?),
            Self::Parts(gathered, size_bytes) => Box::new(gathered.open(*size_bytes)?),
        })
    }
}

/// Returns the name under which the bytes of a digest lie.
pub(crate) fn path(files: &Files, sha256: &str) -> PathBuf {
    files.join("store").join(sha256.get(..2).unwrap_or_default()).join(sha256)
}

/// Returns the file with the bytes of a digest.
pub(crate) fn kept(files: &Files, sha256: &str) -> KeptFile {
    files.kept(path(files, sha256), id_of(sha256))
}

/// Returns the id that the bytes of a digest are sealed under.
pub(crate) fn id_of(sha256: &str) -> Uuid {
    let digits = sha256.get(..32).unwrap_or_default();
    u128::from_str_radix(digits, 16).map_or(Uuid::nil(), Uuid::from_u128)
}

fn failed(error: io::Error) -> RespondError {
    RespondError::File(Box::new(error))
}

/// Keeps bytes; the same bytes are kept once. `try_id` tells this try from others.
pub(crate) async fn keep_bytes(
    files: &Files,
    try_id: Uuid,
    bytes: Bytes,
) -> Result<Stored, RespondError> {
    let files = files.clone();
    let kept = blocking(move || {
        let sha256 = crate::file::sha256(&bytes);
        let stored = Stored { sha256, size_bytes: bytes.len() as u64 };
        settle(&files, stored, |to| write(&files, to, try_id, &mut &*bytes))
    });
    kept.await.map_err(failed)
}

/// Keeps bytes that lie outside the store: takes their digest, makes them durable, gives them their place. They stay
/// where they were as well, for another try where what names their digest cannot be written down. `try_id` tells this
/// try from others.
pub(crate) async fn keep_file(
    files: &Files,
    try_id: Uuid,
    from: impl Into<Source>,
) -> Result<Stored, RespondError> {
    let (files, from) = (files.clone(), from.into());
    let kept = blocking(move || {
        let stored = digest_of(from.open()?)?;
        settle(&files, stored, |to| match &from {
            Source::Plain(path) if !files.vault().is_sealing() => link(path, &path_of(&files, to)),
            _ => write(&files, to, try_id, &mut *from.open()?),
        })
    });
    kept.await.map_err(failed)
}

fn path_of(files: &Files, stored: &Stored) -> PathBuf {
    path(files, &stored.sha256)
}

/// Removes a file that was kept; one that is gone already is gone.
pub(crate) async fn let_go(from: PathBuf) -> Result<(), RespondError> {
    blocking(move || remove(&from)).await.map_err(failed)
}

/// Places bytes in the store unless they lie there as they should. Their name is on the disk when this returns.
fn settle(
    files: &Files,
    stored: Stored,
    place: impl FnOnce(&Stored) -> io::Result<()>,
) -> io::Result<Stored> {
    let to = path_of(files, &stored);
    let folder = to.parent().unwrap_or_else(|| files.folder());
    fs::create_dir_all(folder)?;
    // The names must outlive a power cut as well, also those that an earlier try gave.
    persist::sync_folder(files.folder())?;
    persist::sync_folder(&files.join("store"))?;
    if is_there(files, &stored)? {
        persist::sync_folder(folder)?;
        let there = files.vault().find(&to)?.unwrap_or(to);
        persist::sync(&OpenOptions::new().write(true).open(there)?)?;
    } else {
        place(&stored)?;
    }
    Ok(stored)
}

/// Returns whether bytes lie in the store as they would be written now; what the disk has damaged does not, nor what
/// lies there plain where there are keys.
fn is_there(files: &Files, stored: &Stored) -> io::Result<bool> {
    let file = match kept(files, &stored.sha256).open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Another key may still open it: it is not written over.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        Err(_damaged) => return Ok(false),
        Ok(file) => file,
    };
    if file.plain_path().is_some() && files.vault().is_sealing() {
        return Ok(false);
    }
    match digest_of(file) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        found => Ok(found? == *stored),
    }
}

/// Writes bytes into the store, which must be those of the digest.
fn write(files: &Files, stored: &Stored, try_id: Uuid, from: &mut dyn Read) -> io::Result<()> {
    let folder = files.join("incoming");
    fs::create_dir_all(&folder)?;
    let beside = folder.join(format!("{try_id}.new"));
    let mut from = Digesting::new(from);
    let mut to = files.vault().create(&beside, id_of(&stored.sha256))?;
    io::copy(&mut from, &mut to)?;
    to.finish()?;
    if from.finish() != stored.sha256 {
        remove(&beside)?;
        return Err(io::Error::other("what was handed over changed while it was kept"));
    }
    files.vault().settle(&beside, &path_of(files, stored))
}

/// Gives a file a second name; where the file system knows no such, it is copied.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    persist::sync(&OpenOptions::new().write(true).open(from)?)?;
    let mut beside = from.file_name().unwrap_or_default().to_owned();
    beside.push(".part");
    let beside = to.with_file_name(beside);
    remove(&beside)?;
    if fs::hard_link(from, &beside).is_err() {
        fs::copy(from, &beside)?;
        persist::sync(&OpenOptions::new().write(true).open(&beside)?)?;
    }
    persist::rename(&beside, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes the digest and the size of what is read.
pub(crate) fn digest_of(from: impl Read) -> io::Result<Stored> {
    let mut from = Digesting::new(from);
    let mut chunk = vec![0; CHUNK_BYTES];
    while from.read(&mut chunk)? > 0 {}
    let size_bytes = from.size_bytes;
    Ok(Stored { sha256: from.finish(), size_bytes })
}

/// Reads on, and takes the digest of what went by.
#[derive(Debug)]
pub(crate) struct Digesting<R> {
    inner: R,
    hash: Sha256,
    size_bytes: u64,
}

impl<R: Read> Digesting<R> {
    /// Begins with nothing read.
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), size_bytes: 0 }
    }

    /// Returns the SHA-256 of what was read, in hexadecimal.
    pub(crate) fn finish(self) -> String {
        format!("{:x}", self.hash.finalize())
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let bytes = into.get(..read).unwrap_or_default();
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(read)
    }
}

/// Returns the bytes of a small file, held against its digest.
pub(crate) async fn read(files: &Files, sha256: &str) -> Result<Vec<u8>, RespondError> {
    let file = kept(files, sha256);
    let read = blocking(move || {
        let mut bytes = Vec::new();
        file.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = read.await.map_err(failed)?;
    if crate::file::sha256(&bytes) != sha256 {
        return Err(failed(io::Error::other("a stored file is not what was handed in")));
    }
    Ok(bytes)
}

/// Opens a file of any size to be streamed.
pub(crate) async fn open(files: &Files, sha256: &str) -> Result<VaultReader, RespondError> {
    kept(files, sha256).opened().await.map_err(failed)
}

/// Destroys the bytes of a digest that nothing names any more; one that is gone already is gone.
pub(crate) async fn discard(files: &Files, sha256: &str) -> Result<(), RespondError> {
    let (vault, name) = (files.vault().clone(), path(files, sha256));
    blocking(move || vault.remove(&name)).await.map_err(failed)
}
