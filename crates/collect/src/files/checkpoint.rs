//! How far each file was read, kept in one small JSON file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use event::SourceId;
use serde::{Deserialize, Serialize};

use crate::limits::FILE_FINGERPRINT_BYTES;
use vault::persist;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct FileKey {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// How far one file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) key: FileKey,
    pub(super) path: PathBuf,
    /// Bytes that are durable in the spool.
    pub(super) offset: u64,
    /// Length of the start that the fingerprint covers.
    pub(super) head_bytes: u64,
    /// Checksum of that start: an inode that was given to another file has another.
    pub(super) head_crc: u32,
    /// The read goes on within a record that is too long: `part` pieces of it have gone out.
    #[serde(default)]
    pub(super) long_part: usize,
}

/// A mark in the spool: the source and the progress that its batch made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) source: SourceId,
    pub(super) progress: Progress,
}

/// All files of one source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) files: BTreeMap<FileKey, Progress>,
    /// No checkpoint was there: this is the first start.
    pub(super) fresh: bool,
}

impl Checkpoint {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { files: BTreeMap::new(), fresh: true });
            }
            Err(error) => return Err(error),
        };
        let list: Vec<Progress> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        let files = list.into_iter().map(|progress| (progress.key, progress)).collect();
        Ok(Self { files, fresh: false })
    }

    /// Takes in the spool's marks: they are at least as new as the file.
    pub(super) fn advance(&mut self, source: SourceId, marks: &[Bytes]) {
        for mark in marks {
            let Ok(mark) = serde_json::from_slice::<Mark>(mark) else { continue };
            if mark.source == source {
                self.fresh = false;
                self.files.insert(mark.progress.key, mark.progress);
            }
        }
    }

    /// Writes the checkpoint: whole or not at all, and on the disk when it returns.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let list: Vec<&Progress> = self.files.values().collect();
        let bytes = serde_json::to_vec(&list).map_err(io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, bytes)?;
        File::open(&beside)?.sync_all()?;
        persist::rename(&beside, path)
    }
}

/// Returns the key and the length of an open file.
pub(super) fn identify(file: &File) -> io::Result<(FileKey, u64)> {
    let metadata = file.metadata()?;
    Ok((FileKey { device: metadata.dev(), inode: metadata.ino() }, metadata.len()))
}

/// Returns length and checksum of a file's start, at most `bytes` of it.
pub(super) fn fingerprint(file: &File, bytes: u64) -> io::Result<(u64, u32)> {
    let wanted = bytes.min(FILE_FINGERPRINT_BYTES as u64);
    let mut head = Vec::new();
    let mut start = At { file, at: 0 }.take(wanted);
    start.read_to_end(&mut head)?;
    Ok((head.len() as u64, crc32fast::hash(&head)))
}

/// Reads a file from an offset without moving its cursor.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}
