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
pub(crate) struct Place {
    folder: PathBuf,
    remote: Option<Arc<Remote>>,
}

impl Place {
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
