//! The few things that the spool asks of a disk, so that tests can take them away.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use vault::persist;

/// Makes segment files.
pub(super) trait Disk: Send + Sync + Debug {
    /// Returns how many bytes may still be written to the file system of a folder.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Makes a new, empty segment file, durable under its name.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
}

/// A segment file that is being written.
pub(super) trait SegmentFile: Send + Debug {
    /// Writes all bytes at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to this length and returns when that is on the disk.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// The machine's file system.
#[derive(Debug)]
pub(super) struct LocalDisk;

impl Disk for LocalDisk {
    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        disk_room(folder).map(|room| room.free_bytes)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        file.set_len(0)?;
        if let Some(folder) = path.parent() {
            persist::sync_folder(folder)?;
        }
        Ok(Box::new(file))
    }
}

impl SegmentFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        persist::sync(self)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.sync_all()
    }
}

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRoom {
    /// What a process without special rights may still write.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
    /// Whether it takes no writes, however much of it is free.
    pub is_read_only: bool,
}

/// Returns the room of the file system that holds a folder.
///
/// # Errors
///
/// When the system does not tell.
pub fn disk_room(folder: &Path) -> io::Result<DiskRoom> {
    let facts = rustix::fs::statvfs(folder)?;
    Ok(DiskRoom {
        free_bytes: facts.f_bavail.saturating_mul(facts.f_frsize),
        total_bytes: facts.f_blocks.saturating_mul(facts.f_frsize),
        is_read_only: facts.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}
