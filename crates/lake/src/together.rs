//! A lake that several machines share: files in one store, rows in one catalogue, nothing in memory.

use std::sync::Arc;
use std::time::Duration;

use event::lake::LakeError;
use event::{Event, IdSource, SpoolPosition};

use crate::catalogue::{Change, Segment, SegmentId};
use crate::error::StoreError;
use crate::lake::{Lake, blocking, to_micros};
use crate::limits::WIDE_BATCH_ROWS;
use crate::rows::decode;
use crate::segment::{SegmentFile, read_rows, remove_quietly};
use crate::store::{Buffer, write_files};

/// How often a commit is asked for: the answer to the first may have been lost, and a sender that is
/// refused sends again what the lake then has twice.
const COMMITS_MAX: usize = 3;

/// How long to wait before it is asked for again.
const COMMIT_PAUSE: Duration = Duration::from_millis(200);

impl Lake {
    /// Stores events for good: when this returns their files are in the store and the catalogue has
    /// their rows and the marks that came with them. All of it, or nothing.
    ///
    /// # Errors
    ///
    /// When disk, store or catalogue refuses.
    pub async fn store(&self, mut events: Vec<Event>, marks: &[Vec<u8>]) -> Result<(), LakeError> {
        if events.is_empty() && marks.is_empty() {
            return Ok(());
        }
        for event in &mut events {
            event.occurred_at = to_micros(event.occurred_at);
            event.collected_at = to_micros(event.collected_at);
        }
        let mut buffer = Buffer::default();
        // The position only tells where a file came from; here nothing is played again.
        buffer.push(events, SpoolPosition(0));
        let (target, ids, now) = (self.place.target(), IdSource::from_os(), self.now());
        let next_id = move || SegmentId::from_uuid(ids.uuid(now));
        let segments = blocking(move || write_files(&target, &buffer, next_id)).await?;
        let stored = self.publish_and_commit(&segments, marks).await;
        match &stored {
            Ok(()) => self.place.settle(&segments),
            // Nobody was told that they are kept: their sender has them.
            Err(_) => segments.iter().for_each(|segment| {
                remove_quietly(&self.place.folder().join(&segment.path));
            }),
        }
        Ok(stored?)
    }

    async fn publish_and_commit(
        &self,
        segments: &[Segment],
        marks: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        self.publish(segments).await?;
        let mut tries = 1;
        while let Err(error) = self.catalogue.commit_fresh(segments, marks).await {
            if tries == COMMITS_MAX || error.is_final() {
                return Err(error.into());
            }
            tries += 1;
            tokio::time::sleep(COMMIT_PAUSE).await;
        }
        Ok(())
    }

    /// Takes up what this and other machines did to the lake; returns the number of the last change.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn refresh(&self) -> Result<u64, LakeError> {
        let mut known = self.known_change.lock().await;
        let mut all = Vec::new();
        let mut last = *known;
        loop {
            let changes = self.changes(last).await?;
            let Some(newest) = changes.last() else { break };
            last = newest.number;
            all.extend(changes);
        }
        // All at once: what replaces a file may stand in the last of them.
        let mut state = self.state.lock();
        for change in all {
            let file = |segment| Arc::new(SegmentFile::new(&self.place, segment));
            state.change_segments(change.added.into_iter().map(file).collect(), &change.removed);
        }
        *known = last;
        Ok(last)
    }

    /// Returns the changes after a number, oldest first, some at a time.
    ///
    /// # Errors
    ///
    /// When the catalogue cannot be read.
    pub async fn changes(&self, after: u64) -> Result<Vec<Change>, LakeError> {
        Ok(self.catalogue.changes(after).await.map_err(StoreError::from)?)
    }

    /// Returns all events of a file, in the order of time.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub async fn events_of(&self, segment: Segment) -> Result<Vec<Event>, LakeError> {
        let file = SegmentFile::new(&self.place, segment);
        let footers = Arc::clone(&self.footers);
        let read = blocking(move || {
            let footer = footers.of(&file)?;
            let rows = 0..usize::try_from(file.segment.rows).unwrap_or(usize::MAX);
            let mut events = Vec::with_capacity(rows.end);
            for batch in read_rows(&file, &footer, None, &[rows], WIDE_BATCH_ROWS)? {
                events.extend(decode(&batch?)?);
            }
            // Rows of a granule stand as they pack best.
            events.sort_unstable_by_key(|event| (event.occurred_at, event.id));
            Ok(events)
        });
        Ok(read.await?)
    }
}
