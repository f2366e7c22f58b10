//! What the lake does by itself: write behind, merge small files, bring old ones into the store.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::{DateTime, Utc};
use event::lake::LakeError;
use thread_priority::ThreadPriority;
use tokio::sync::oneshot;

use crate::catalogue::{Segment, SegmentId};
use crate::error::StoreError;
use crate::lake::{Lake, chain};
use crate::limits::{RETRY_FIRST, RETRY_LONGEST};
use crate::segment::{SegmentFile, remove_left};
use crate::settings::Store;
use crate::store::{merge, pick};

/// How often the tasks look whether the lake is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often removed files are looked for in the store.
const CLEAR_INTERVAL: Duration = Duration::from_mins(1);

/// When old files are first looked for that go to the store, and how often then.
const MOVE_FIRST_AFTER: Duration = Duration::from_mins(2);
/// See [`MOVE_FIRST_AFTER`].
const MOVE_INTERVAL: Duration = Duration::from_hours(1);

/// A merged file that the catalogue does not know yet.
#[derive(Debug)]
pub(crate) struct Merged {
    segment: Segment,
    /// The files that it replaces.
    old: Vec<SegmentId>,
}

/// How much of a processor that others want is left to work that can wait, of 0 to 99: niceness 9.
const PATIENT: u8 = 25;

/// Runs work that can wait on a thread of its own, which makes room for intake and searches.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().name("lake-merge".to_owned()).spawn(move || {
        let patient = PATIENT.try_into().map(ThreadPriority::Crossplatform);
        let set = patient.map(ThreadPriority::set_for_current);
        if !matches!(set, Ok(Ok(()))) {
            tracing::debug!("merging runs at the priority of everything else");
        }
        // Nobody waits any more: the lake is gone, and with it what the file was for.
        drop(done.send(work()));
    })?;
    result.await.map_err(|_ended| io::Error::other("its thread broke off"))?
}

/// Starts the tasks; they end with the lake.
pub(crate) fn start(lake: &Arc<Lake>) {
    tokio::spawn(write_behind(Arc::downgrade(lake)));
    if lake.settings.is_shared {
        // What follows only one machine may do: it is told to.
        return;
    }
    if lake.place.has_store() {
        tokio::spawn(clear_behind(Arc::downgrade(lake)));
    }
    if matches!(lake.settings.store, Store::Tiered { .. }) {
        tokio::spawn(move_behind(Arc::downgrade(lake)));
    }
    if let Some(interval) = lake.settings.compact_interval {
        tokio::spawn(merge_behind(Arc::downgrade(lake), interval));
    }
}

/// Writes buffers as they fill or grow old; after a failure it waits, longer each time.
async fn write_behind(weak: Weak<Lake>) {
    let mut retry = RETRY_FIRST;
    loop {
        let Some(lake) = weak.upgrade() else { return };
        if lake.state.lock().closed {
            return;
        }
        lake.seal_if_old();
        if lake.flush_sealed().await.is_err() {
            let pause = retry;
            retry = (retry * 2).min(RETRY_LONGEST);
            drop(lake);
            tokio::time::sleep(pause).await;
            continue;
        }
        retry = RETRY_FIRST;
        remove_left();
        let pause = LOOK_INTERVAL.min(lake.settings.flush_interval);
        let work = Arc::clone(&lake.work);
        // Whoever drops the lake must not wait for this task.
        drop(lake);
        tokio::select! {
            () = work.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn merge_behind(weak: Weak<Lake>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(lake) = weak.upgrade() else { return };
        loop {
            match lake.merge_small_files().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let error = chain(&error);
                    tracing::warn!(error, "small files could not be merged; they stay as they are");
                    break;
                }
            }
        }
        if lake.state.lock().closed {
            return;
        }
    }
}

/// Brings files into the store that are old enough.
async fn move_behind(weak: Weak<Lake>) {
    let mut pause = MOVE_FIRST_AFTER;
    loop {
        tokio::time::sleep(pause).await;
        pause = MOVE_INTERVAL;
        let Some(lake) = weak.upgrade() else { return };
        if lake.state.lock().closed {
            return;
        }
        match lake.move_old_files(lake.now()).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "old files of the lake lie in the store now"),
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(error, "no old file could be brought into the store");
            }
        }
    }
}

/// Removes from the store what no reader can have open any more.
async fn clear_behind(weak: Weak<Lake>) {
    loop {
        tokio::time::sleep(CLEAR_INTERVAL).await;
        let Some(lake) = weak.upgrade() else { return };
        if lake.state.lock().closed {
            return;
        }
        if let Err(error) = lake.clear_store(lake.now()).await {
            let error = chain(&error);
            tracing::warn!(error, "the store could not be cleared of removed files");
        }
    }
}

impl Lake {
    /// Removes objects that the lake let go of long enough before `now`; returns how many.
    ///
    /// # Errors
    ///
    /// When catalogue or store fails; what is left is tried again.
    pub async fn clear_store(&self, now: DateTime<Utc>) -> Result<usize, LakeError> {
        let turn = self.moving.lock().await;
        let before = now - self.settings.object_grace;
        let leftovers = self.catalogue.leftovers(before).await.map_err(StoreError::from)?;
        for leftover in &leftovers {
            self.place.remove_object(&leftover.path).await?;
        }
        let ids: Vec<SegmentId> = leftovers.iter().map(|leftover| leftover.id).collect();
        self.catalogue.forget(&ids).await.map_err(StoreError::from)?;
        drop(turn);
        Ok(ids.len())
    }

    fn seal_if_old(&self) {
        let mut state = self.state.lock();
        let is_old = state.active.opened_at.elapsed() >= self.settings.flush_interval;
        if is_old {
            state.seal();
        }
    }

    /// Merges small files of one day, if there are enough; returns whether it did.
    ///
    /// # Errors
    ///
    /// When a file or the catalogue fails; the lake is as it was.
    pub async fn merge_small_files(&self) -> Result<bool, LakeError> {
        self.merge_some(None).await
    }

    /// As [`Lake::merge_small_files`], but looks at these files only.
    ///
    /// # Errors
    ///
    /// As [`Lake::merge_small_files`].
    pub async fn merge_among(&self, files: &BTreeSet<SegmentId>) -> Result<bool, LakeError> {
        self.merge_some(Some(files)).await
    }

    async fn merge_some(&self, among: Option<&BTreeSet<SegmentId>>) -> Result<bool, LakeError> {
        let mut pending = self.merging.lock().await;
        if pending.is_none() {
            *pending = self.write_merged(among).await?;
        }
        let Some(merged) = pending.as_ref() else { return Ok(false) };
        // Where the answer to a commit was lost the catalogue may have it: it is asked for the same
        // again, never for another file of the same events.
        let add = std::slice::from_ref(&merged.segment);
        self.publish(add).await?;
        if let Err(error) = self.catalogue.commit(add, &merged.old, None).await {
            if error.is_final() {
                *pending = None;
            }
            return Err(StoreError::from(error).into());
        }
        self.place.settle(add);
        let file = Arc::new(SegmentFile::new(&self.place, merged.segment.clone()));
        self.state.lock().change_segments(vec![file], &merged.old);
        *pending = None;
        Ok(true)
    }

    /// Writes the file that small ones are merged into, if there are enough.
    async fn write_merged(
        &self,
        among: Option<&BTreeSet<SegmentId>>,
    ) -> Result<Option<Merged>, StoreError> {
        if self.closing.load(Ordering::Acquire) {
            return Ok(None);
        }
        let view = self.view();
        let is_meant = |file: &&Arc<SegmentFile>| {
            let id = file.segment.id;
            among.is_none_or(|among| among.contains(&id)) && !self.place.damaged().holds(id)
        };
        let meant: Vec<Arc<SegmentFile>> = view.segments.iter().filter(is_meant).cloned().collect();
        drop(view);
        let Some(files) = pick(&meant) else { return Ok(None) };
        drop(meant);
        let old: Vec<_> = files.iter().map(|file| file.segment.id).collect();
        let (target, footers) = (self.place.target(), Arc::clone(&self.footers));
        let id = self.next_segment_id();
        let closing = Arc::clone(&self.closing);
        let go_on = move || !closing.load(Ordering::Acquire);
        match in_background(move || merge(&target, &files, &footers, id, go_on)).await {
            Ok(segment) => Ok(Some(Merged { segment, old })),
            Err(StoreError::Closed) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
