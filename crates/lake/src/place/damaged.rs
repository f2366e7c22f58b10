//! Files that turned out not to be as they were written while they were used: named in the error, and remembered, so
//! that nothing is made of them and people are told.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use crate::catalogue::{Segment, SegmentId, Where};
use crate::error::StoreError;

/// The most that are remembered: a disk that loses more is told of by these.
const DAMAGED_MAX: usize = 100;

/// What the system says of a disk that does not give a file out.
const EIO: i32 = 5;

/// How long it is remembered that a disk did not give a file out: then it is tried again, with what makes use of
/// whole files only, such as merging. What is not as it was written stays so.
const UNREAD_KEPT: Duration = Duration::from_hours(1);

/// The files that were found damaged.
#[derive(Debug, Default)]
pub(crate) struct DamagedFiles(Mutex<BTreeMap<SegmentId, Found>>);

#[derive(Debug)]
struct Found {
    path: String,
    at: Instant,
    /// Its bytes are others than were written; else the disk did not give them out, and may yet.
    is_altered: bool,
}

impl DamagedFiles {
    /// Remembers a file that is not as it was written.
    pub(crate) fn note(&self, segment: &Segment) {
        self.remember(segment.id, &segment.path, true, Instant::now());
    }

    fn remember(&self, id: SegmentId, path: &str, is_altered: bool, now: Instant) {
        let mut files = self.standing(now);
        if let Some(known) = files.get_mut(&id) {
            known.at = now;
            known.is_altered |= is_altered;
        } else if files.len() < DAMAGED_MAX {
            files.insert(id, Found { path: path.to_owned(), at: now, is_altered });
            tracing::error!(file.path = path, "a file of the lake is damaged");
        }
    }

    /// Returns the files without those that are to be tried again.
    fn standing(&self, now: Instant) -> MutexGuard<'_, BTreeMap<SegmentId, Found>> {
        let mut files = self.0.lock();
        files.retain(|_, file| file.is_altered || now.duration_since(file.at) < UNREAD_KEPT);
        files
    }

    /// Returns whether a file was found damaged.
    pub(crate) fn holds(&self, id: SegmentId) -> bool {
        self.standing(Instant::now()).contains_key(&id)
    }

    /// Returns the paths of those of the files that are still part of the lake, and forgets the others.
    pub(crate) fn among(&self, is_there: impl Fn(SegmentId) -> bool) -> Vec<String> {
        let mut files = self.standing(Instant::now());
        files.retain(|id, _| is_there(*id));
        files.values().map(|file| file.path.clone()).collect()
    }
}

/// Names a file in the errors that reading it meets.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(super) damaged: Arc<DamagedFiles>,
    pub(super) segment: Segment,
}

impl Teller {
    /// Returns the error with the file's name, and remembers the file if that is what is wrong. A file that is not
    /// there may have been replaced, and says so itself.
    pub(crate) fn of(&self, error: StoreError) -> StoreError {
        let is_damage = match &error {
            StoreError::Io(said) if said.kind() == io::ErrorKind::NotFound => return error,
            StoreError::Altered { .. } | StoreError::File { .. } => return error,
            StoreError::Io(said) => {
                let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData];
                kinds.contains(&said.kind()) || is_unread(&error)
            }
            StoreError::Parquet(_)
            | StoreError::Arrow(_)
            | StoreError::Rows(_)
            | StoreError::Index => true,
            _ => false,
        };
        // What a store's line breaks off looks the same.
        if is_damage && self.segment.lies_in == Where::Folder {
            let (id, path) = (self.segment.id, &self.segment.path);
            self.damaged.remember(id, path, !is_unread(&error), Instant::now());
        }
        StoreError::File { path: self.segment.path.clone(), source: Box::new(error) }
    }
}

/// Returns whether the disk did not give the bytes out, whatever that was met under.
fn is_unread(error: &StoreError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let said = error.downcast_ref::<io::Error>();
        if said.is_some_and(|said| said.raw_os_error() == Some(EIO)) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_the_disk_did_not_give_out_is_tried_again() {
        let (files, now) = (DamagedFiles::default(), Instant::now());
        let ids = [1, 2].map(|id| SegmentId::from_uuid(Uuid::from_u128(id)));
        files.remember(ids[0], "day=2026-01-01/a.parquet", false, now);
        files.remember(ids[1], "day=2026-01-01/b.parquet", true, now);
        assert_eq!(files.standing(now + UNREAD_KEPT / 2).len(), 2);
        files.remember(ids[0], "day=2026-01-01/a.parquet", false, now + UNREAD_KEPT / 2);
        assert_eq!(files.standing(now + UNREAD_KEPT).len(), 2, "it failed again since");
        let left = files.standing(now + UNREAD_KEPT * 2);
        assert_eq!(left.keys().copied().collect::<Vec<_>>(), [ids[1]]);
    }

    #[test]
    fn a_disk_that_gives_nothing_out_is_known_under_other_errors() {
        let unread = || io::Error::from_raw_os_error(EIO);
        let met = parquet::errors::ParquetError::External(Box::new(unread()));
        assert!(is_unread(&StoreError::Io(unread())));
        assert!(is_unread(&StoreError::Parquet(met)));
        assert!(!is_unread(&StoreError::Io(io::ErrorKind::UnexpectedEof.into())));
    }
}
