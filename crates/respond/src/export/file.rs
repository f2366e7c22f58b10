//! Writing a file that is whole or not there: under another name until it is durable.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

/// A file under way.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    path: PathBuf,
    digest: Sha256,
    pub(super) size_bytes: u64,
}

impl Draft {
    /// Begins a file; what an earlier attempt left is overwritten.
    pub(super) async fn begin(folder: &Path, name: &str) -> std::io::Result<Self> {
        fs::create_dir_all(folder).await?;
        let path = folder.join(format!("{name}.part"));
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&path).await?;
        Ok(Self { file, path, digest: Sha256::new(), size_bytes: 0 })
    }

    /// Adds bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.digest.update(bytes);
        self.size_bytes += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    /// Makes it durable and gives it its name; returns its SHA-256 in hexadecimal.
    pub(super) async fn finish(mut self, name: &str) -> std::io::Result<String> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        fs::rename(&self.path, self.path.with_file_name(name)).await?;
        // The name must outlive a power cut as well: a row is about to tell of it.
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).await?.sync_all().await?;
        Ok(format!("{:x}", self.digest.finalize()))
    }
}

/// Returns how many bytes the folder holds; one that is not there holds none.
pub(super) async fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    let Some(mut entries) = open(folder).await? else { return Ok(0) };
    let mut sum = 0;
    while let Some(entry) = entries.next_entry().await? {
        sum += entry.metadata().await.map_or(0, |data| data.len());
    }
    Ok(sum)
}

/// Returns the names in the folder.
pub(super) async fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let Some(mut entries) = open(folder).await? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

async fn open(folder: &Path) -> std::io::Result<Option<fs::ReadDir>> {
    match fs::read_dir(folder).await {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
