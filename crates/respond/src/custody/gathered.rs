//! What has come of a piece that comes in parts. Plain, all parts gather in one file, each at its place. Where
//! there are keys, each is a sealed file of its own in a folder, named by where it begins: what is sealed cannot
//! be written into. A piece that was begun plain goes on sealed, and is read from both.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;
use vault::{Kept, VaultReader};

use crate::files::Files;

/// What the names of folders of parts end with.
const PARTS: &str = "parts";

/// Digits of a part's name.
const DIGITS: usize = 20;

/// A piece on its way in.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    files: Files,
    id: Uuid,
}

impl Gathered {
    /// Returns where a piece gathers.
    pub(crate) fn of(files: &Files, id: Uuid) -> Self {
        Self { files: files.clone(), id }
    }

    /// Returns the file in which plain parts gather.
    pub(crate) fn plain(&self) -> PathBuf {
        self.files.join("incoming").join(self.id.to_string())
    }

    fn parts(&self) -> PathBuf {
        self.plain().with_extension(PARTS)
    }

    /// Writes a part at its place; it is on the disk when this returns. What has no part behind it yet may be
    /// written once more. `try_id` tells this try from others.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8], try_id: Uuid) -> io::Result<()> {
        if self.files.vault().is_sealing() {
            return self.write_sealed(offset, bytes, try_id);
        }
        let path = self.plain();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::File::options();
        let mut file = options.write(true).create(true).truncate(false).open(&path)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        if let Some(folder) = path.parent() {
            vault::persist::sync_folder(folder)?;
        }
        vault::persist::sync(&file)
    }

    fn write_sealed(&self, offset: u64, bytes: &[u8], try_id: Uuid) -> io::Result<()> {
        let (folder, keeping) = (self.parts(), self.files.vault());
        fs::create_dir_all(&folder)?;
        if let Some(above) = folder.parent() {
            vault::persist::sync_folder(above)?;
        }
        let beside = folder.join(format!("{try_id}.new"));
        let mut file = keeping.create(&beside, part_id(self.id, offset))?;
        file.write_all(bytes)?;
        file.finish()?;
        keeping.settle(&beside, &part_name(&folder, offset))
    }

    /// Returns whether some of it lies in parts of its own.
    fn has_parts(&self) -> io::Result<bool> {
        self.parts().try_exists()
    }

    /// Returns the file that holds all of it as it came, if one does.
    pub(crate) fn as_it_came(&self) -> io::Result<Option<PathBuf>> {
        let is_plain = !self.files.vault().is_sealing() && !self.has_parts()?;
        Ok(is_plain.then(|| self.plain()))
    }

    /// Opens so many bytes of it.
    pub(crate) fn open(&self, size_bytes: u64) -> io::Result<Parts> {
        let starts = starts_in(&self.parts())?;
        let mut todo = VecDeque::new();
        let mut before = None;
        let first = starts.first().copied().unwrap_or(size_bytes).min(size_bytes);
        if first > 0 {
            todo.push_back(Stretch { start: 0, end: first, is_plain: true });
        }
        for start in starts.into_iter().filter(|start| *start < size_bytes).chain([size_bytes]) {
            if let Some(previous) = before.replace(start) {
                todo.push_back(Stretch { start: previous, end: start, is_plain: false });
            }
        }
        Ok(Parts { gathered: self.clone(), todo, current: None })
    }

    fn open_stretch(&self, stretch: &Stretch) -> io::Result<VaultReader> {
        if stretch.is_plain {
            return VaultReader::open_plain(&self.plain());
        }
        let name = part_name(&self.parts(), stretch.start);
        self.files.vault().open(&name, part_id(self.id, stretch.start))
    }

    /// Removes all of it; what is gone already is gone.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(fs::remove_dir_all(self.parts()))?;
        gone(fs::remove_file(self.plain()))
    }
}

/// Returns the id that a part is sealed under: of its piece, and of where it begins.
pub(crate) fn part_id(piece: Uuid, offset: u64) -> Uuid {
    Uuid::from_u128(piece.as_u128() ^ u128::from(offset))
}

fn part_name(folder: &Path, offset: u64) -> PathBuf {
    folder.join(format!("{offset:0DIGITS$}"))
}

/// Returns where the part of a name in a folder begins, if it is one.
pub(crate) fn start_of(name: &str) -> Option<u64> {
    let (Kept::Sealed(digits) | Kept::Plain(digits)) = Kept::of(name) else { return None };
    let is_part = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_part.then(|| digits.parse().ok()).flatten()
}

/// Returns the piece whose parts a folder of this name holds, if it is one.
pub(crate) fn piece_of(name: &str) -> Option<Uuid> {
    name.strip_suffix(PARTS)?.strip_suffix('.')?.parse().ok()
}

fn starts_in(folder: &Path) -> io::Result<BTreeSet<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    let mut starts = BTreeSet::new();
    for entry in entries {
        starts.extend(entry?.file_name().to_str().and_then(start_of));
    }
    Ok(starts)
}

/// Bytes that lie in one file.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: u64,
    end: u64,
    is_plain: bool,
}

/// The parts of a piece, read one after the other.
#[derive(Debug)]
pub(crate) struct Parts {
    gathered: Gathered,
    todo: VecDeque<Stretch>,
    current: Option<io::Take<VaultReader>>,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.current.is_none() {
                let Some(next) = self.todo.pop_front() else { return Ok(0) };
                let file = self.gathered.open_stretch(&next)?;
                self.current = Some(file.take(next.end.saturating_sub(next.start)));
            }
            let Some(current) = &mut self.current else { return Ok(0) };
            let read = current.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            if current.limit() > 0 {
                let short = "a part of what was handed over is shorter than it was";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, short));
            }
            self.current = None;
        }
    }
}
