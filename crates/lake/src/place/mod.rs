//! Where the lake's files lie: in its folder, or in an S3 store with a bounded cache in the folder.
//!
//! Files are always written into the folder first. With a store they are then put there, and the
//! local copy becomes the first thing in the cache. A file is put before the catalogue is told, and
//! announced to the catalogue before it is put, so that whatever a crash leaves is known by name:
//! nothing is ever listed.

mod cache;
mod opened;
mod remote;
mod sql_store;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use sha2::{Digest as _, Sha256};

pub(crate) use opened::Opened;

use crate::catalogue::Segment;
use crate::error::{OpenError, StoreError};
use crate::segment::{SegmentFile, remove_quietly};
use crate::settings::{LakeSettings, Store};
use opened::RemoteFile;
use remote::Remote;
use sql_store::SqlStore;

/// Where the lake's files lie.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    remote: Option<Arc<Remote>>,
}

impl Place {
    /// Returns the place that the settings name, beside a lake that may be open elsewhere.
    ///
    /// # Errors
    ///
    /// When the store's settings cannot be used, or its cache cannot be opened.
    pub fn of(settings: &LakeSettings) -> Result<Arc<Self>, OpenError> {
        Self::open(settings, settings.folder.clone())
    }

    /// Returns a folder as a place.
    pub(crate) fn in_folder(folder: &Path) -> Arc<Self> {
        Arc::new(Self { folder: folder.to_owned(), remote: None })
    }

    /// Opens the place that the settings name; `folder` is there.
    pub(crate) fn open(settings: &LakeSettings, folder: PathBuf) -> Result<Arc<Self>, OpenError> {
        let remote = match &settings.store {
            Store::Folder => None,
            Store::S3(s3) => Some(Arc::new(Remote::open(s3, &folder)?)),
        };
        Ok(Arc::new(Self { folder, remote }))
    }

    /// Returns the folder on this machine.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns whether files lie in a store that others read too.
    pub(crate) const fn is_shared(&self) -> bool {
        self.remote.is_some()
    }

    /// Opens a file of the lake for reading.
    pub(crate) fn open_file(&self, segment: &Segment) -> io::Result<Opened> {
        let Some(remote) = &self.remote else {
            return File::open(self.folder.join(&segment.path)).map(Opened::Local);
        };
        if let Some(file) = remote.cached_file(segment.id) {
            return Ok(Opened::Local(file));
        }
        let file = RemoteFile {
            remote: Arc::clone(remote),
            id: segment.id,
            path: segment.path.clone(),
            size_bytes: segment.size_bytes,
        };
        Ok(Opened::Remote(file))
    }

    /// Puts files that were just written where all readers find them; they are durable there when
    /// this returns.
    pub(crate) async fn publish(&self, segments: &[Segment]) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        for segment in segments {
            remote.put(&self.folder.join(&segment.path), &segment.path).await?;
        }
        Ok(())
    }

    /// Ends the writing of files that the catalogue knows now: their local copy becomes part of the
    /// cache.
    pub(crate) fn settle(&self, segments: &[Segment]) {
        let Some(remote) = &self.remote else { return };
        for segment in segments {
            remote.adopt(segment.id, &self.folder.join(&segment.path));
        }
    }

    /// Returns whether a file is there.
    pub(crate) async fn has(&self, segment: &Segment) -> io::Result<bool> {
        match &self.remote {
            None => self.folder.join(&segment.path).try_exists(),
            Some(remote) => remote.has(&segment.path).await,
        }
    }

    /// Returns checksum and size of a file as it lies there, whatever the cache holds. Blocks the
    /// thread.
    pub(crate) fn digest(&self, segment: &Segment) -> io::Result<(String, u64)> {
        match &self.remote {
            None => digest(&self.folder.join(&segment.path)),
            Some(remote) => remote.digest(&segment.path),
        }
    }

    /// Puts a file aside on this machine, where nothing looks for it; one that is not there is no
    /// error.
    pub(crate) async fn set_aside(&self, segment: &Segment, to: &Path) -> Result<(), StoreError> {
        let aside = match &self.remote {
            None => std::fs::rename(self.folder.join(&segment.path), to),
            Some(remote) => remote.fetch_to(&segment.path, to).await,
        };
        match aside {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes a file that no reader has open any more. In a store it stays until
    /// [`Self::remove_object`]: readers elsewhere may still have it open.
    pub(crate) fn remove_after_last_reader(&self, segment: &Segment) {
        match &self.remote {
            None => remove_quietly(&self.folder.join(&segment.path)),
            Some(remote) => remote.forget(segment.id),
        }
    }

    /// Removes a file from the store; one that is not there is no error.
    pub(crate) async fn remove_object(&self, path: &str) -> Result<(), StoreError> {
        match &self.remote {
            None => Ok(()),
            Some(remote) => remote.remove(path).await,
        }
    }

    /// Returns the files as DataFusion reads them.
    pub(crate) fn for_sql(
        &self,
        files: &[Arc<SegmentFile>],
    ) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        Ok(match &self.remote {
            None => Arc::new(LocalFileSystem::new_with_prefix(&self.folder)?),
            Some(_) => Arc::new(SqlStore::new(files)),
        })
    }
}

/// Returns checksum (SHA-256, hexadecimal) and size of a local file.
pub(crate) fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let size_bytes = io::copy(&mut File::open(path)?, &mut hash)?;
    Ok((hex::encode(hash.finalize()), size_bytes))
}
