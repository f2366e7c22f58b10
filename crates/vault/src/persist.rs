//! What is written must be there after a crash: the syncs of the spool and of the lake's files, whose success means it.
//!
//! A sync alone does not: where ext4 gives its journal up (a disk that fails under it), a sync that runs meanwhile may
//! return success although the last bytes never reach the disk (seen on Linux 6.18 in one of ten such ends). So each is
//! followed by a change that alters nothing and that a journal refuses once it was given up.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Returns when the bytes of a file that is open for writing are on the disk.
///
/// # Errors
///
/// When the disk refuses; nobody knows then what of it is there, and a later success says nothing about it.
pub fn sync(file: &File) -> io::Result<()> {
    file.sync_data()?;
    confirm(file)
}

/// Gives a synced file its name and returns when that is on the disk. Whatever stood there under the name is replaced
/// at once: no crash leaves half of either.
///
/// # Errors
///
/// When the disk refuses; the file may have its new name all the same.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)?;
    confirm(&OpenOptions::new().write(true).open(to)?)
}

/// Returns when the names in a folder are on the disk, as far as a file in it that is synced or renamed afterwards
/// confirms it.
///
/// # Errors
///
/// When the disk refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Cuts a file where it ends: no change, but one that begins like any other.
fn confirm(file: &File) -> io::Result<()> {
    file.set_len(file.metadata()?.len())
}
