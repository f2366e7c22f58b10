//! Writing a file that is whole or not there: under another name until it is durable.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs;
use uuid::Uuid;
use vault::VaultWriter;

use crate::files::{Files, blocking};

/// A file under way.
#[derive(Debug)]
pub(super) struct Draft {
    files: Files,
    /// Where it is written; none once a writing has failed.
    file: Option<VaultWriter>,
    path: PathBuf,
    digest: Sha256,
    pub(super) size_bytes: u64,
}

impl Draft {
    /// Begins the file of a job; what an earlier attempt left is overwritten.
    pub(super) async fn begin(files: &Files, name: &str, job: Uuid) -> io::Result<Self> {
        fs::create_dir_all(files.folder()).await?;
        let path = files.join(format!("{name}.part"));
        let (vault, part) = (files.vault().clone(), path.clone());
        let file = Some(blocking(move || vault.create(&part, job)).await?);
        Ok(Self { files: files.clone(), file, path, digest: Sha256::new(), size_bytes: 0 })
    }

    /// Adds bytes.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.digest.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        let mut file = self.taken()?;
        let written = blocking(move || file.write_all(&bytes).map(|()| file));
        self.file = Some(written.await?);
        Ok(())
    }

    /// Makes it durable and gives it its name; returns its SHA-256 in hexadecimal.
    pub(super) async fn finish(mut self, name: &str) -> io::Result<String> {
        let file = self.taken()?;
        let (files, path, name) = (self.files, self.path, name.to_owned());
        let finished = blocking(move || {
            file.finish()?;
            // The name must outlive a power cut as well: a row is about to tell of it.
            files.vault().settle(&path, &files.join(name))
        });
        finished.await?;
        Ok(format!("{:x}", self.digest.finalize()))
    }

    fn taken(&mut self) -> io::Result<VaultWriter> {
        self.file.take().ok_or_else(|| io::Error::other("an earlier part was not written"))
    }
}

/// Returns how many bytes the folder holds; one that is not there holds none.
pub(super) async fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let Some(mut entries) = open(folder).await? else { return Ok(0) };
    let mut sum = 0;
    while let Some(entry) = entries.next_entry().await? {
        sum += entry.metadata().await.map_or(0, |data| data.len());
    }
    Ok(sum)
}

/// Returns the names in the folder.
pub(super) async fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(mut entries) = open(folder).await? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

async fn open(folder: &Path) -> io::Result<Option<fs::ReadDir>> {
    match fs::read_dir(folder).await {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
