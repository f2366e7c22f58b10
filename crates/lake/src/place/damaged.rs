//! Files that turned out not to be as they were written while they were used: named in the error, and remembered, so
//! that nothing is made of them and people are told.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::catalogue::{Segment, SegmentId, Where};
use crate::error::StoreError;

/// The most that are remembered: a disk that loses more is told of by these.
const DAMAGED_MAX: usize = 100;

/// What the system says of a disk that does not give a file out.
const EIO: i32 = 5;

/// The files that were found damaged.
#[derive(Debug, Default)]
pub(crate) struct DamagedFiles(Mutex<BTreeMap<SegmentId, String>>);

impl DamagedFiles {
    /// Remembers a file.
    pub(crate) fn note(&self, segment: &Segment) {
        let mut files = self.0.lock();
        if files.len() < DAMAGED_MAX && files.insert(segment.id, segment.path.clone()).is_none() {
            tracing::error!(file.path = %segment.path, "a file of the lake is damaged");
        }
    }

    /// Returns whether a file was found damaged.
    pub(crate) fn holds(&self, id: SegmentId) -> bool {
        self.0.lock().contains_key(&id)
    }

    /// Returns the paths of those of the files that are still part of the lake, and forgets the others.
    pub(crate) fn among(&self, is_there: impl Fn(SegmentId) -> bool) -> Vec<String> {
        let mut files = self.0.lock();
        files.retain(|id, _| is_there(*id));
        files.values().cloned().collect()
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
                kinds.contains(&said.kind()) || said.raw_os_error() == Some(EIO)
            }
            StoreError::Parquet(_)
            | StoreError::Arrow(_)
            | StoreError::Rows(_)
            | StoreError::Index => true,
            _ => false,
        };
        // What a store's line breaks off looks the same.
        if is_damage && self.segment.lies_in == Where::Folder {
            self.damaged.note(&self.segment);
        }
        StoreError::File { path: self.segment.path.clone(), source: Box::new(error) }
    }
}
