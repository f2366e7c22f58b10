//! What the lake does by itself: write behind, merge small files.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::StoreError;
use crate::lake::{Lake, blocking};
use crate::limits::{RETRY_FIRST, RETRY_LONGEST};
use crate::segment::SegmentFile;
use crate::store::{merge, pick};

/// How often the tasks look whether the lake is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Starts both tasks; they end with the lake.
pub(crate) fn start(lake: &Arc<Lake>) {
    tokio::spawn(write_behind(Arc::downgrade(lake)));
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
        let pause = match lake.flush_sealed().await {
            Ok(()) => {
                retry = RETRY_FIRST;
                LOOK_INTERVAL.min(lake.settings.flush_interval)
            }
            Err(_) => {
                let pause = retry;
                retry = (retry * 2).min(RETRY_LONGEST);
                drop(lake);
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        tokio::select! {
            () = lake.work.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn merge_behind(weak: Weak<Lake>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(lake) = weak.upgrade() else { return };
        if lake.state.lock().closed {
            return;
        }
        if let Err(error) = lake.merge_small_files().await {
            tracing::warn!(error = %error, "small files could not be merged; they stay as they are");
        }
    }
}

impl Lake {
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
    pub(crate) async fn merge_small_files(&self) -> Result<bool, StoreError> {
        let view = self.view();
        let Some(files) = pick(&view.segments) else { return Ok(false) };
        drop(view);
        let old: Vec<_> = files.iter().map(|file| file.segment.id).collect();
        let (folder, footers) = (self.folder.clone(), Arc::clone(&self.footers));
        let id = self.next_segment_id();
        let merged = blocking(move || merge(&folder, &files, &footers, id, || true)).await?;
        self.catalogue.commit(std::slice::from_ref(&merged), &old, None).await?;
        let file = Arc::new(SegmentFile::new(&self.folder, merged));
        self.state.lock().change_segments(vec![file], &old);
        Ok(true)
    }
}
