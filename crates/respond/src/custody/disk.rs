//! Where the bytes lie: `store/ab/abcd…` below the folder of people's files, each under its digest. A file
//! is whole and durable before it gets that name, and never changes under it.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::RespondError;

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

/// Returns where the bytes of a digest lie.
pub(crate) fn path(files: &Path, sha256: &str) -> PathBuf {
    files.join("store").join(sha256.get(..2).unwrap_or_default()).join(sha256)
}

fn failed(error: io::Error) -> RespondError {
    RespondError::File(Box::new(error))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RespondError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| RespondError::File(Box::new(error)))?.map_err(failed)
}

/// Keeps bytes; the same bytes are kept once.
pub(crate) async fn keep_bytes(
    files: &Path,
    id: Uuid,
    bytes: Bytes,
) -> Result<Stored, RespondError> {
    let files = files.to_owned();
    blocking(move || {
        let part = incoming(&files, id)?;
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&bytes)?;
        let stored = settle(&files, &part, take)?;
        // The same bytes were there already.
        remove(&part)?;
        Ok(stored)
    })
    .await
}

/// Keeps a file that lies outside the store: takes its digest, makes it durable, gives it its place. It stays
/// where it was as well, for another try where what names its digest cannot be written down; [`let_go`] ends that.
pub(crate) async fn keep_file(files: &Path, from: PathBuf) -> Result<Stored, RespondError> {
    let files = files.to_owned();
    blocking(move || settle(&files, &from, link)).await
}

/// Removes a file that was kept; one that is gone already is gone.
pub(crate) async fn let_go(from: PathBuf) -> Result<(), RespondError> {
    blocking(move || remove(&from)).await
}

/// Returns where a file lies while it comes in.
fn incoming(files: &Path, id: Uuid) -> io::Result<PathBuf> {
    let folder = files.join("incoming");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(id.to_string()))
}

fn settle(
    files: &Path,
    from: &Path,
    place: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<Stored> {
    let stored = digest(from)?;
    sync(from)?;
    let to = path(files, &stored.sha256);
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
        // One that the disk has damaged is replaced.
        if !to.try_exists()? || digest(&to)? != stored {
            place(from, &to)?;
        }
        // The names must outlive a power cut as well, also those that an earlier try gave.
        sync(folder)?;
        sync(&files.join("store"))?;
    }
    Ok(stored)
}

fn sync(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Gives a file its place instead of the one it had.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Gives a file a second name; where the file system knows no such, it is copied.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let mut beside = from.file_name().unwrap_or_default().to_owned();
    beside.push(".part");
    let beside = to.with_file_name(beside);
    remove(&beside)?;
    if std::fs::hard_link(from, &beside).is_err() {
        std::fs::copy(from, &beside)?;
        sync(&beside)?;
    }
    std::fs::rename(&beside, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes the digest and the size of a file.
pub(crate) fn digest(of: &Path) -> io::Result<Stored> {
    let mut file = Digesting::new(std::fs::File::open(of)?);
    let mut chunk = vec![0; CHUNK_BYTES];
    while file.read(&mut chunk)? > 0 {}
    let size_bytes = file.size_bytes;
    Ok(Stored { sha256: file.finish(), size_bytes })
}

/// Reads on, and takes the digest of what went by.
#[derive(Debug)]
pub(crate) struct Digesting<R> {
    inner: R,
    hash: Sha256,
    size_bytes: u64,
}

impl<R: io::Read> Digesting<R> {
    /// Begins with nothing read.
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), size_bytes: 0 }
    }

    /// Returns the SHA-256 of what was read, in hexadecimal.
    pub(crate) fn finish(self) -> String {
        format!("{:x}", self.hash.finalize())
    }
}

impl<R: io::Read> io::Read for Digesting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let bytes = into.get(..read).unwrap_or_default();
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(read)
    }
}

/// Returns the bytes of a small file, held against its digest.
pub(crate) async fn read(files: &Path, sha256: &str) -> Result<Vec<u8>, RespondError> {
    let bytes = tokio::fs::read(path(files, sha256)).await.map_err(failed)?;
    if crate::file::sha256(&bytes) != sha256 {
        return Err(failed(io::Error::other("a stored file is not what was handed in")));
    }
    Ok(bytes)
}

/// Opens a file of any size to be streamed.
pub(crate) async fn open(files: &Path, sha256: &str) -> Result<tokio::fs::File, RespondError> {
    tokio::fs::File::open(path(files, sha256)).await.map_err(failed)
}

/// Destroys the bytes of a digest that nothing names any more; one that is gone already is gone.
pub(crate) async fn discard(files: &Path, sha256: &str) -> Result<(), RespondError> {
    match tokio::fs::remove_file(path(files, sha256)).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}
