//! What was read from the store lately, on the local disk and bounded: blocks of files, and whole
//! files that this machine wrote itself.
//!
//! A block carries a checksum: it is not synced, and after a power failure anything may stand in it.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::catalogue::SegmentId;
use crate::segment::remove_quietly;

/// Bytes that are fetched and kept together: as much as a request's own latency costs.
pub(super) const BLOCK_BYTES: u64 = 1 << 20;

const CHECKSUM_BYTES: usize = 4;

/// A part of a file that is kept: a block by its number, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) id: SegmentId,
    /// `None` is the whole file.
    pub(super) block: Option<u64>,
}

impl Part {
    fn name(self) -> String {
        match self.block {
            Some(block) => format!("{}.{block}", self.id),
            None => format!("{}.whole", self.id),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let (id, rest) = name.split_once('.')?;
        let block = if rest == "whole" { None } else { Some(rest.parse().ok()?) };
        Some(Self { id: id.parse().ok()?, block })
    }
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    parts: HashMap<Part, (u64, u64)>,
    /// By last use, the oldest first.
    uses: BTreeMap<u64, Part>,
    next_use: u64,
    bytes: u64,
}

impl Kept {
    /// Notes that a part is used now; `size` is given when it is new.
    fn touch(&mut self, part: Part, size: Option<u64>) -> bool {
        let known = self.parts.get(&part).copied();
        let Some(size) = size.or(known.map(|(size, _)| size)) else { return false };
        if let Some((old, used)) = known {
            self.uses.remove(&used);
            self.bytes = self.bytes.saturating_sub(old);
        }
        self.next_use += 1;
        self.uses.insert(self.next_use, part);
        self.parts.insert(part, (size, self.next_use));
        self.bytes += size;
        true
    }

    fn drop_part(&mut self, part: Part) -> bool {
        let Some((size, used)) = self.parts.remove(&part) else { return false };
        self.uses.remove(&used);
        self.bytes = self.bytes.saturating_sub(size);
        true
    }

    /// Takes out what was not used for the longest time, until the rest fits.
    fn shrink(&mut self, bytes_max: u64) -> Vec<Part> {
        let mut gone = Vec::new();
        while self.bytes > bytes_max {
            let Some((_, part)) = self.uses.pop_first() else { break };
            if let Some((size, _)) = self.parts.remove(&part) {
                self.bytes = self.bytes.saturating_sub(size);
            }
            gone.push(part);
        }
        gone
    }
}

impl Cache {
    /// Opens the cache in a folder of its own, with what an earlier run left.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let cache = Self { folder: folder.to_owned(), bytes_max, kept: Mutex::default() };
        let mut found: Vec<(std::time::SystemTime, Part, u64)> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            match name.to_str().and_then(Part::from_name) {
                Some(part) => {
                    let about = entry.metadata()?;
                    found.push((about.modified()?, part, about.len()));
                }
                None => remove_quietly(&entry.path()),
            }
        }
        found.sort_by_key(|(at, ..)| *at);
        for (_, part, size) in found {
            cache.kept.lock().touch(part, Some(size));
        }
        cache.remove_surplus();
        Ok(cache)
    }

    /// Returns a block, if it is kept and whole.
    pub(super) fn block(&self, part: Part) -> Option<Bytes> {
        if !self.kept.lock().touch(part, None) {
            return None;
        }
        let read = fs::read(self.path(part)).ok().and_then(checked);
        if read.is_none() {
            self.forget(part);
        }
        read
    }

    /// Keeps a block. A disk that refuses is no reason not to answer.
    pub(super) fn keep_block(&self, part: Part, bytes: &[u8]) {
        let path = self.path(part);
        let temp = path.with_extension(format!("{}.tmp", part.block.unwrap_or_default()));
        let sum = crc32fast::hash(bytes).to_le_bytes();
        let written =
            fs::write(&temp, [bytes, &sum].concat()).and_then(|()| fs::rename(&temp, &path));
        match written {
            Ok(()) => self.kept(part, (bytes.len() + CHECKSUM_BYTES) as u64),
            Err(error) => {
                remove_quietly(&temp);
                tracing::debug!(%error, "the lake's cache cannot be written");
            }
        }
    }

    /// Returns a whole file, if it is kept.
    pub(super) fn whole(&self, id: SegmentId) -> Option<File> {
        let part = Part { id, block: None };
        if !self.kept.lock().touch(part, None) {
            return None;
        }
        let file = File::open(self.path(part)).ok();
        if file.is_none() {
            self.forget(part);
        }
        file
    }

    /// Takes over a file that is durable; where it is too large, it goes.
    pub(super) fn adopt(&self, id: SegmentId, path: &Path) {
        let part = Part { id, block: None };
        let size = fs::metadata(path).map_or(u64::MAX, |about| about.len());
        if size > self.bytes_max / 4 || fs::rename(path, self.path(part)).is_err() {
            remove_quietly(path);
            return;
        }
        self.kept(part, size);
    }

    /// Lets go of everything of a file.
    pub(super) fn forget_file(&self, id: SegmentId) {
        let parts: Vec<Part> = {
            let kept = self.kept.lock();
            kept.uses.values().filter(|part| part.id == id).copied().collect()
        };
        for part in parts {
            self.forget(part);
        }
    }

    fn kept(&self, part: Part, size: u64) {
        self.kept.lock().touch(part, Some(size));
        self.remove_surplus();
    }

    fn remove_surplus(&self) {
        let gone = self.kept.lock().shrink(self.bytes_max);
        for part in gone {
            remove_quietly(&self.path(part));
        }
    }

    fn forget(&self, part: Part) {
        if self.kept.lock().drop_part(part) {
            remove_quietly(&self.path(part));
        }
    }

    fn path(&self, part: Part) -> PathBuf {
        self.folder.join(part.name())
    }
}

fn checked(mut bytes: Vec<u8>) -> Option<Bytes> {
    let length = bytes.len().checked_sub(CHECKSUM_BYTES)?;
    let sum = bytes.split_off(length);
    (crc32fast::hash(&bytes).to_le_bytes().as_slice() == sum.as_slice()).then(|| bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u128, block: u64) -> Part {
        Part { id: SegmentId::from_uuid(uuid::Uuid::from_u128(number)), block: Some(block) }
    }

    #[test]
    fn keeps_what_was_used_last_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 300).unwrap();
        for block in 0..3 {
            cache.keep_block(part(1, block), &[7; 90]);
        }
        assert!(cache.block(part(1, 0)).is_some(), "used again");
        cache.keep_block(part(1, 3), &[8; 90]);
        let kept =
            |cache: &Cache| (0..4).map(|n| cache.block(part(1, n)).is_some()).collect::<Vec<_>>();
        assert_eq!(kept(&cache), [true, false, true, true]);
        // Another run finds it again, and drops what is too much for it.
        drop(cache);
        assert_eq!(kept(&Cache::open(folder.path(), 300).unwrap()), [true, false, true, true]);
        let small = Cache::open(folder.path(), 100).unwrap();
        assert_eq!(kept(&small).iter().filter(|kept| **kept).count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_block_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10_000).unwrap();
        cache.keep_block(part(1, 0), b"as it was");
        let path = folder.path().join(part(1, 0).name());
        let mut bytes = fs::read(&path).unwrap();
        bytes[2] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(cache.block(part(1, 0)), None);
        assert!(!path.try_exists().unwrap());
    }

    #[test]
    fn a_file_is_forgotten_whole() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10_000).unwrap();
        cache.keep_block(part(1, 0), b"one");
        cache.keep_block(part(2, 0), b"two");
        let written = folder.path().join("written");
        fs::write(&written, b"one").unwrap();
        cache.adopt(part(1, 0).id, &written);
        assert!(cache.whole(part(1, 0).id).is_some());
        cache.forget_file(part(1, 0).id);
        assert!(cache.whole(part(1, 0).id).is_none() && cache.block(part(1, 0)).is_none());
        assert_eq!(cache.block(part(2, 0)).as_deref(), Some(&b"two"[..]));
    }
}
