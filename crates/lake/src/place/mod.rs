//! Where the lake's files lie: in its folder, or in an S3 store with a bounded cache in the folder, or the
//! older ones here and the newer ones there. The catalogue says of each file where it is.
//!
//! Files are always written into the folder first. With a store they are then put there, and the
//! local copy becomes the first thing in the cache. A file is put before the catalogue is told, and
//! announced to the catalogue before it is put, so that whatever a crash leaves is known by name:
//! nothing is ever listed.

mod cache;
mod damaged;
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

pub(crate) use damaged::{DamagedFiles, Teller};
pub(crate) use opened::{Opened, Stored};

use crate::catalogue::{Segment, Where};
use crate::encryption::{DataKey, Keyring, SealedFile, trailer_of};
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
    /// Where new files go.
    lands: Where,
    keys: Option<Arc<Keyring>>,
    damaged: Arc<DamagedFiles>,
}

/// Where a file is written, and how.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) folder: PathBuf,
    /// With what it is encrypted.
    pub(crate) key: Option<Arc<DataKey>>,
    /// Where it goes then.
    pub(crate) lies_in: Where,
}

impl Target {
    /// Returns a folder in which plain files stay, for others to read.
    pub(crate) fn plain(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), key: None, lies_in: Where::Folder }
    }
}

/// Why a file leaves its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The lake has let go of it.
    Replaced,
    /// It lies elsewhere now.
    Moved,
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

    /// Returns a folder of plain files as a place.
    pub(crate) fn in_folder(folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            remote: None,
            lands: Where::Folder,
            keys: None,
            damaged: Arc::default(),
        })
    }

    /// Opens the place that the settings name; `folder` is there.
    pub(crate) fn open(settings: &LakeSettings, folder: PathBuf) -> Result<Arc<Self>, OpenError> {
        let (remote, lands) = match &settings.store {
            Store::Folder => (None, Where::Folder),
            Store::S3(s3) => (Some(Arc::new(Remote::open(s3, &folder)?)), Where::Store),
            Store::Tiered { store, .. } => {
                (Some(Arc::new(Remote::open(store, &folder)?)), Where::Folder)
            }
        };
        let (keys, damaged) = (settings.keys.clone(), Arc::default());
        Ok(Arc::new(Self { folder, remote, lands, keys, damaged }))
    }

    /// Returns the folder on this machine.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the keys of encrypted files, if there are any.
    pub(crate) const fn keys(&self) -> Option<&Arc<Keyring>> {
        self.keys.as_ref()
    }

    /// Returns the files that were found damaged.
    pub(crate) fn damaged(&self) -> &DamagedFiles {
        &self.damaged
    }

    /// Returns what names a file in errors.
    pub(crate) fn teller(&self, segment: &Segment) -> Teller {
        Teller { damaged: Arc::clone(&self.damaged), segment: segment.clone() }
    }

    /// Returns how new files of the lake are written.
    pub(crate) fn target(&self) -> Target {
        Target {
            folder: self.folder.clone(),
            key: self.keys.as_ref().map(|keys| Arc::clone(keys.newest())),
            lies_in: self.lands,
        }
    }

    /// Returns whether there is a store, in which others may read too.
    pub(crate) const fn has_store(&self) -> bool {
        self.remote.is_some()
    }

    /// Returns whether nothing can be taken in without the store.
    pub(crate) fn needs_store(&self) -> bool {
        self.lands == Where::Store
    }

    /// Says why files of the catalogue could not be read here, before anybody tries.
    pub(crate) fn check(&self, segments: &[Segment]) -> Result<(), OpenError> {
        let has = |key| self.keys.as_ref().is_some_and(|keys| keys.get(key).is_some());
        for segment in segments {
            if let Some(key) = segment.key.filter(|key| !has(*key)) {
                return Err(OpenError::Key { path: segment.path.clone(), key });
            }
        }
        let count = segments.iter().filter(|segment| segment.lies_in == Where::Store).count();
        if count > 0 && !self.has_store() {
            return Err(OpenError::NoStore { count });
        }
        Ok(())
    }

    fn remote(&self) -> io::Result<&Arc<Remote>> {
        self.remote.as_ref().ok_or_else(|| io::Error::other("it lies in a store, and none is set"))
    }

    /// Opens a file of the lake for reading.
    pub(crate) fn open_file(&self, segment: &Segment) -> io::Result<Opened> {
        let stored = match segment.lies_in {
            Where::Folder => Stored::Local(File::open(self.folder.join(&segment.path))?),
            Where::Store => {
                let remote = self.remote()?;
                match remote.cached_file(segment.id) {
                    Some(file) => Stored::Local(file),
                    None => Stored::Remote(RemoteFile {
                        remote: Arc::clone(remote),
                        id: segment.id,
                        path: segment.path.clone(),
                        size_bytes: segment.size_bytes,
                    }),
                }
            }
        };
        if segment.key.is_none() {
            return Ok(Opened::Plain(stored));
        }
        let opened = SealedFile::open(stored, self.keys.as_deref(), Some(segment.id));
        opened.map(|file| Opened::Sealed(Arc::new(file))).map_err(|error| named(&error, segment))
    }

    /// Opens a file that the catalogue does not know, whatever it is.
    pub(crate) fn open_stranger(&self, path: &Path) -> io::Result<Opened> {
        let stored = Stored::Local(File::open(path)?);
        if trailer_of(&stored)?.is_none() {
            return Ok(Opened::Plain(stored));
        }
        let file = SealedFile::open(stored, self.keys.as_deref(), None)?;
        Ok(Opened::Sealed(Arc::new(file)))
    }

    /// Puts files that were just written where all readers find them; they are durable there when
    /// this returns.
    pub(crate) async fn publish(&self, segments: &[Segment]) -> Result<(), StoreError> {
        for segment in in_store(segments) {
            self.remote()?.put(&self.folder.join(&segment.path), &segment.path).await?;
        }
        Ok(())
    }

    /// Ends the writing of files that the catalogue knows now: their local copy becomes part of the
    /// cache.
    pub(crate) fn settle(&self, segments: &[Segment]) {
        let Some(remote) = &self.remote else { return };
        for segment in in_store(segments) {
            remote.adopt(segment.id, &self.folder.join(&segment.path));
        }
    }

    /// Copies a file of the folder into the store, durable there when this returns. What lies there is for
    /// the caller to check.
    pub(crate) async fn copy_to_store(&self, segment: &Segment) -> Result<(), StoreError> {
        let remote = self.remote.as_ref().ok_or(StoreError::NoStore)?;
        remote.put(&self.folder.join(&segment.path), &segment.path).await
    }

    /// Copies a file of the store to a local one.
    pub(crate) async fn copy_from_store(
        &self,
        segment: &Segment,
        to: &Path,
    ) -> Result<(), StoreError> {
        let remote = self.remote.as_ref().ok_or(StoreError::NoStore)?;
        Ok(remote.fetch_to(&segment.path, to).await?)
    }

    /// Returns whether a file is there.
    pub(crate) async fn has(&self, segment: &Segment) -> io::Result<bool> {
        match segment.lies_in {
            Where::Folder => self.folder.join(&segment.path).try_exists(),
            Where::Store => self.remote()?.has(&segment.path).await,
        }
    }

    /// Returns checksum and size of a file as it lies there, whatever the cache holds. Blocks the
    /// thread.
    pub(crate) fn digest(&self, segment: &Segment) -> io::Result<(String, u64)> {
        match segment.lies_in {
            Where::Folder => digest(&self.folder.join(&segment.path)),
            Where::Store => self.remote()?.digest(&segment.path),
        }
    }

    /// Puts a file aside on this machine, where nothing looks for it; one that is not there is no
    /// error.
    pub(crate) async fn set_aside(&self, segment: &Segment, to: &Path) -> Result<(), StoreError> {
        let aside = match segment.lies_in {
            Where::Folder => std::fs::rename(self.folder.join(&segment.path), to),
            Where::Store => self.remote()?.fetch_to(&segment.path, to).await,
        };
        match aside {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Lets go of a file that no reader has open any more. In a store it stays until
    /// [`Self::remove_object`]: readers elsewhere may still have it open. What was moved into the store stays
    /// here as a part of the cache.
    pub(crate) fn leave(&self, segment: &Segment, why: Leaving) {
        let local = self.folder.join(&segment.path);
        match (segment.lies_in, why, &self.remote) {
            (Where::Folder, Leaving::Moved, Some(remote)) => remote.adopt(segment.id, &local),
            (Where::Folder, ..) => remove_quietly(&local),
            (Where::Store, _, Some(remote)) => remote.forget(segment.id),
            (Where::Store, _, None) => {}
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
        let as_they_lie = |file: &Arc<SegmentFile>| {
            file.segment.lies_in == Where::Folder && file.segment.key.is_none()
        };
        Ok(if files.iter().all(as_they_lie) {
            Arc::new(LocalFileSystem::new_with_prefix(&self.folder)?)
        } else {
            Arc::new(SqlStore::new(files))
        })
    }
}

fn in_store(segments: &[Segment]) -> impl Iterator<Item = &Segment> {
    segments.iter().filter(|segment| segment.lies_in == Where::Store)
}

/// Says of which file an error is; the kind stays.
fn named(error: &io::Error, segment: &Segment) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", segment.path))
}

/// Returns checksum (SHA-256, hexadecimal) and size of a local file.
pub(crate) fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let size_bytes = io::copy(&mut File::open(path)?, &mut hash)?;
    Ok((hex::encode(hash.finalize()), size_bytes))
}
