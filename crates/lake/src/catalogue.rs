//! The catalogue decides which files are the lake, never a listing of the folder.
//!
//! The application keeps it in the database; [`MemoryCatalogue`] is the twin for tests.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use event::{EventId, SpoolPosition};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::encryption::DataKeyId;

event::id! {
    /// Names one file of the lake for ever.
    SegmentId,
}

/// Where a file of the lake lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// In the lake's folder.
    #[default]
    Folder,
    /// In the S3 store.
    Store,
}

/// One file of events of one UTC day. Never changed once it is in the catalogue, but for where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id, also the file's name.
    pub id: SegmentId,
    /// Where it is, below the lake's folder: `day=2026-09-28/<id>.parquet`.
    pub path: String,
    /// The UTC day that all its events occurred on.
    pub day: NaiveDate,
    /// How many events.
    pub rows: u64,
    /// How large the file is.
    pub size_bytes: u64,
    /// The earliest `occurred_at`.
    pub min_occurred_at: DateTime<Utc>,
    /// The latest `occurred_at`, inclusive.
    pub max_occurred_at: DateTime<Utc>,
    /// The earliest `collected_at`.
    pub min_collected_at: DateTime<Utc>,
    /// The latest `collected_at`, inclusive.
    pub max_collected_at: DateTime<Utc>,
    /// The smallest event id (ids sort by collection time).
    pub min_id: EventId,
    /// The largest event id, inclusive.
    pub max_id: EventId,
    /// SHA-256 of the file as it lies there, encrypted or not; lower-case hex.
    pub sha256: String,
    /// Version of the columns ([`crate::SCHEMA_VERSION`]).
    pub schema_version: u32,
    /// The data key that it is encrypted with; nothing for a plain file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<DataKeyId>,
    /// Where it lies: the catalogue keeps that apart, because it may change.
    #[serde(skip)]
    pub lies_in: Where,
}

/// Why files leave or enter the lake other than by flushing and merging.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// `deletion`, `quarantine` or `missing`.
    pub kind: &'static str,
    /// What a reader of the note must know.
    pub detail: serde_json::Value,
}

/// Why the catalogue could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the lake's catalogue failed")]
pub struct CatalogueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Why a commit is refused for good: another machine took this one's place.
#[derive(Debug, thiserror::Error)]
#[error("another machine took over what this one did")]
pub struct Fenced;

/// Why a deletion is refused: what it would delete is held by now.
#[derive(Debug, thiserror::Error)]
#[error("what is to be deleted is held")]
pub struct Held;

impl CatalogueError {
    /// Returns whether a deletion was refused because what it would delete is held.
    pub fn is_held(&self) -> bool {
        self.0.is::<Held>()
    }

    /// Returns whether another try is of no use.
    pub fn is_final(&self) -> bool {
        self.0.is::<Fenced>()
    }
}

/// One commit to a lake that several machines share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Its number: a later commit has a higher one.
    pub number: u64,
    /// Files that came in and are still part of the lake.
    pub added: Vec<Segment>,
    /// Those of them whose events no file held before.
    pub fresh: Vec<SegmentId>,
    /// Files that left it.
    pub removed: Vec<SegmentId>,
}

/// Which files are the lake, and how far of the spool they hold.
#[async_trait]
pub trait Catalogue: Send + Sync + Debug {
    /// Returns all segments.
    async fn segments(&self) -> Result<Vec<Segment>, CatalogueError>;

    /// Adds and removes segments and, if a position is given, moves the position on: all of it or
    /// nothing, durable when this returns. Called again with the same segments when the answer to
    /// the first call was lost, so adding a segment whose id is there, or removing one that is not,
    /// is no error.
    async fn commit(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        position: Option<SpoolPosition>,
    ) -> Result<(), CatalogueError>;

    /// As [`Catalogue::commit`] without a position, with a note of why, kept for ever: files that are
    /// deleted, taken out of service or brought in. What is held when this commits is not deleted ([`Held`]).
    async fn commit_noted(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), CatalogueError>;

    /// Notes that a file lies elsewhere now. One that was brought to the store must have been announced; one
    /// that was brought back leaves its object as a leftover. A file that is not in the lake any more stays
    /// away, and one that lies there already is no error.
    async fn moved(&self, id: SegmentId, to: Where) -> Result<(), CatalogueError>;

    /// Returns up to which batch of the spool everything is in the segments.
    async fn position(&self) -> Result<Option<SpoolPosition>, CatalogueError>;

    /// Notes files that are about to be put into a store. A commit of one that was not announced,
    /// or whose announcement was taken back meanwhile, fails. One that the lake has there already (the answer
    /// to its commit was lost) is not announced again: nobody must take it back.
    async fn announce(&self, files: &[Segment]) -> Result<(), CatalogueError>;

    /// Returns files in the store that were removed from the lake before `before`. Announcements
    /// made before it are taken back, and their files are among them.
    async fn leftovers(&self, before: DateTime<Utc>) -> Result<Vec<Leftover>, CatalogueError>;

    /// Forgets leftovers that are gone from the store.
    async fn forget(&self, ids: &[SegmentId]) -> Result<(), CatalogueError>;

    /// As [`Catalogue::commit`], for files of events that came straight from their senders: with the marks that
    /// came with them, all or nothing. A mark says what must not be taken in twice, in words of those who call.
    async fn commit_fresh(&self, add: &[Segment], marks: &[Vec<u8>]) -> Result<(), CatalogueError>;

    /// Returns the number of the last change of a lake that several machines share.
    async fn last_change(&self) -> Result<u64, CatalogueError>;

    /// Returns the changes after a number, in the order in which they were committed, some at a time.
    async fn changes(&self, after: u64) -> Result<Vec<Change>, CatalogueError>;
}

/// A file in the store that is no part of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its id.
    pub id: SegmentId,
    /// Where it is.
    pub path: String,
}

/// A catalogue that is forgotten with the process.
#[derive(Debug, Default)]
pub struct MemoryCatalogue {
    state: Mutex<MemoryState>,
}

#[derive(Debug, Default)]
struct MemoryState {
    segments: BTreeMap<SegmentId, Segment>,
    position: Option<SpoolPosition>,
    /// Commits and moves that fail yet.
    failures_left: usize,
    notes: Vec<Note>,
    changes: Vec<Change>,
    announced: BTreeMap<SegmentId, String>,
    removed: BTreeMap<SegmentId, String>,
}

impl MemoryCatalogue {
    /// Makes the next `count` commits fail, for tests of what happens then.
    pub fn fail_next_commits(&self, count: usize) {
        self.state.lock().failures_left = count;
    }

    /// Returns the notes so far.
    pub fn notes(&self) -> Vec<Note> {
        self.state.lock().notes.clone()
    }
}

#[async_trait]
impl Catalogue for MemoryCatalogue {
    async fn segments(&self) -> Result<Vec<Segment>, CatalogueError> {
        Ok(self.state.lock().segments.values().cloned().collect())
    }

    async fn commit(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        position: Option<SpoolPosition>,
    ) -> Result<(), CatalogueError> {
        let mut state = self.state.lock();
        if state.failures_left > 0 {
            state.failures_left -= 1;
            return Err(CatalogueError("told to fail".into()));
        }
        for id in remove {
            let gone = state.segments.remove(id);
            if let Some(segment) = gone.filter(|segment| segment.lies_in == Where::Store) {
                state.removed.insert(*id, segment.path);
            }
        }
        for segment in add {
            state.announced.remove(&segment.id);
        }
        let number = state.changes.last().map_or(1, |change| change.number.saturating_add(1));
        let (added, removed) = (add.to_vec(), remove.to_vec());
        state.changes.push(Change { number, added, fresh: Vec::new(), removed });
        state.segments.extend(add.iter().map(|segment| (segment.id, segment.clone())));
        state.position = state.position.max(position);
        Ok(())
    }

    async fn commit_noted(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), CatalogueError> {
        self.commit(add, remove, None).await?;
        self.state.lock().notes.push(note.clone());
        Ok(())
    }

    async fn moved(&self, id: SegmentId, to: Where) -> Result<(), CatalogueError> {
        let mut state = self.state.lock();
        if state.failures_left > 0 {
            state.failures_left -= 1;
            return Err(CatalogueError("told to fail".into()));
        }
        let Some(segment) = state.segments.get_mut(&id) else { return Ok(()) };
        let from = std::mem::replace(&mut segment.lies_in, to);
        let path = segment.path.clone();
        match (from, to) {
            (Where::Folder, Where::Store) if state.announced.remove(&id).is_none() => {
                Err(CatalogueError("it was not announced".into()))
            }
            (Where::Store, Where::Folder) => {
                state.removed.insert(id, path);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn position(&self) -> Result<Option<SpoolPosition>, CatalogueError> {
        Ok(self.state.lock().position)
    }

    async fn announce(&self, files: &[Segment]) -> Result<(), CatalogueError> {
        let mut state = self.state.lock();
        for file in files {
            let known = state.segments.get(&file.id);
            if known.is_some_and(|known| known.lies_in == Where::Store) {
                continue;
            }
            state.removed.remove(&file.id);
            state.announced.insert(file.id, file.path.clone());
        }
        Ok(())
    }

    /// It keeps no times: all are old enough.
    async fn leftovers(&self, _before: DateTime<Utc>) -> Result<Vec<Leftover>, CatalogueError> {
        let mut state = self.state.lock();
        let announced = std::mem::take(&mut state.announced);
        state.removed.extend(announced);
        let leftover = |(id, path): (&SegmentId, &String)| Leftover { id: *id, path: path.clone() };
        Ok(state.removed.iter().map(leftover).collect())
    }

    async fn forget(&self, ids: &[SegmentId]) -> Result<(), CatalogueError> {
        self.state.lock().removed.retain(|id, _| !ids.contains(id));
        Ok(())
    }

    async fn commit_fresh(
        &self,
        add: &[Segment],
        _marks: &[Vec<u8>],
    ) -> Result<(), CatalogueError> {
        self.commit(add, &[], None).await?;
        if let Some(change) = self.state.lock().changes.last_mut() {
            change.fresh = add.iter().map(|segment| segment.id).collect();
        }
        Ok(())
    }

    async fn last_change(&self) -> Result<u64, CatalogueError> {
        Ok(self.state.lock().changes.last().map_or(0, |change| change.number))
    }

    async fn changes(&self, after: u64) -> Result<Vec<Change>, CatalogueError> {
        let state = self.state.lock();
        let later = state.changes.iter().filter(|change| change.number > after).cloned();
        let still_there = |mut change: Change| {
            change.added.retain(|segment| state.segments.contains_key(&segment.id));
            change
        };
        Ok(later.map(still_there).collect())
    }
}
