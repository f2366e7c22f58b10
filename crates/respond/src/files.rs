//! The folder of people's files: what they take along, hand over and prove with. Encrypted where the lake is.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use futures::stream;
use uuid::Uuid;
use vault::{Vault, VaultReader};

use crate::error::RespondError;

/// Bytes that are handed out at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// The folder, and how its files are kept.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
    vault: Vault,
}

impl Files {
    /// Returns a folder whose files are kept so.
    pub fn new(folder: impl Into<PathBuf>, vault: Vault) -> Self {
        Self { folder: folder.into(), vault }
    }

    /// Returns a folder of plain files.
    #[cfg(test)]
    pub(crate) fn plain(folder: impl Into<PathBuf>) -> Self {
        Self::new(folder, Vault::default())
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a place in the folder.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns how its files are kept.
    pub(crate) const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Returns a file that is kept under a name and an id.
    pub(crate) fn kept(&self, name: PathBuf, id: Uuid) -> KeptFile {
        KeptFile { vault: self.vault.clone(), name, id }
    }

    /// Returns the file that a job made for people.
    pub(crate) fn export(&self, job: Uuid) -> KeptFile {
        self.kept(self.join(job.to_string()), job)
    }
}

/// A file that is kept, sealed or not.
#[derive(Debug, Clone)]
pub struct KeptFile {
    vault: Vault,
    name: PathBuf,
    id: Uuid,
}

impl KeptFile {
    /// Returns a file that lies there as it is.
    #[cfg(test)]
    pub(crate) fn plain(path: &Path) -> Self {
        Files::plain("").kept(path.to_owned(), Uuid::nil())
    }

    /// Returns its name; where it is sealed, no file of that very name is there.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Opens it for reading.
    ///
    /// # Errors
    ///
    /// When it is not there, its key is not, or it is not as it was written.
    pub fn open(&self) -> io::Result<VaultReader> {
        self.vault.open(&self.name, self.id)
    }

    /// Opens it for reading, beside other work.
    pub(crate) async fn opened(&self) -> io::Result<VaultReader> {
        let own = self.clone();
        blocking(move || own.open()).await
    }

    /// Opens it for whoever wants it; one that is not there is not found.
    pub(crate) async fn found(&self) -> Result<VaultReader, RespondError> {
        self.opened().await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RespondError::NotFound,
            _ => RespondError::File(Box::new(error)),
        })
    }
}

/// Does what blocks a thread on one that may be blocked.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Hands a file out piece by piece. What is not as it was written ends the answer before its end.
pub(crate) fn body(file: VaultReader) -> Body {
    Body::from_stream(stream::try_unfold(file, |mut file| async move {
        let read = blocking(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok((piece, file))
        });
        let (piece, file) = read.await.inspect_err(|error| {
            tracing::error!(error = web::chain(error), "a file cannot be handed out whole");
        })?;
        Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    }))
}
