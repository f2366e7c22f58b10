//! Brings files to where they are to lie: from the folder into the store and back, and under the newest key.
//!
//! A file is copied, the copy read back and held against the checksum, and only then the catalogue is told;
//! what it lay in before goes when the last reader is done. So a file is at every moment whole where the
//! catalogue says, and whoever is interrupted begins again with the files that are left.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Days, Utc};
use event::lake::LakeError;

use super::prune::rewrite;
use crate::catalogue::{Segment, Where};
use crate::error::StoreError;
use crate::lake::{Lake, blocking};
use crate::segment::{SegmentFile, TEMP_EXTENSION, remove_quietly, rename, sync_folder};
use crate::settings::Store;

impl Lake {
    /// Returns the files that lie elsewhere, the oldest first.
    pub fn files_outside(&self, place: Where) -> Vec<Segment> {
        let mut files = self.files();
        files.retain(|file| file.lies_in != place);
        files.sort_by_key(|file| (file.max_occurred_at, file.id));
        files
    }

    /// Brings one file into the store or back; returns whether it did. One that lies there already, or that
    /// left the lake meanwhile, stays as it is. Questions and intake go on.
    ///
    /// # Errors
    ///
    /// When file, store or catalogue fails, or the copy does not have the file's checksum; the lake is as it
    /// was.
    pub async fn move_file(&self, segment: &Segment, to: Where) -> Result<bool, LakeError> {
        let turn = self.moving.lock().await;
        let moved = self.moved_file(segment, to).await?;
        drop(turn);
        Ok(moved)
    }

    async fn moved_file(&self, segment: &Segment, to: Where) -> Result<bool, StoreError> {
        if segment.lies_in == to || !self.has_file(segment) {
            return Ok(false);
        }
        let moved = Segment { lies_in: to, ..segment.clone() };
        let copied = match to {
            Where::Store => self.copy_to_store(&moved).await,
            Where::Folder => self.copy_to_folder(&moved).await,
        };
        match copied {
            // A merge or the end of its time took it away meanwhile.
            Err(_) if !self.has_file(segment) => return Ok(false),
            copied => copied?,
        }
        // From here on no merge or deletion may take the file from under the catalogue.
        let turn = self.merging.lock().await;
        if !self.has_file(segment) {
            if to == Where::Folder {
                remove_quietly(&self.place.folder().join(&segment.path));
            }
            return Ok(false);
        }
        self.catalogue.moved(segment.id, to).await?;
        let is_there = self.state.lock().move_segment(SegmentFile::new(&self.place, moved));
        drop(turn);
        Ok(is_there)
    }

    /// Returns whether a file is part of the lake still, and lies where it lay.
    pub(super) fn has_file(&self, segment: &Segment) -> bool {
        let segments = Arc::clone(&self.state.lock().segments);
        segments.iter().any(|file| file.segment == *segment)
    }

    async fn copy_to_store(&self, moved: &Segment) -> Result<(), StoreError> {
        self.catalogue.announce(std::slice::from_ref(moved)).await?;
        self.place.copy_to_store(moved).await?;
        let (place, own) = (Arc::clone(&self.place), moved.clone());
        let found = blocking(move || Ok(place.digest(&own)?)).await?;
        checked(moved, &found)
    }

    async fn copy_to_folder(&self, moved: &Segment) -> Result<(), StoreError> {
        let path = self.place.folder().join(&moved.path);
        let temp = path.with_extension(TEMP_EXTENSION);
        let day = path.parent().unwrap_or(self.place.folder());
        fs::create_dir_all(day)?;
        let copied = async {
            self.place.copy_from_store(moved, &temp).await?;
            let own = temp.clone();
            let found = blocking(move || Ok(crate::place::digest(&own)?)).await?;
            checked(moved, &found)?;
            sync_folder(self.place.folder())?;
            Ok(rename(&temp, &path)?)
        };
        let copied = copied.await;
        if copied.is_err() {
            remove_quietly(&temp);
        }
        copied
    }

    /// Brings the files into the store that are old enough, where the settings say so; returns how many.
    /// One that cannot be brought is told in the log and does not hold up the others.
    ///
    /// # Errors
    ///
    /// The last failure, when none could be brought.
    pub async fn move_old_files(&self, now: DateTime<Utc>) -> Result<usize, LakeError> {
        let Store::Tiered { after_days, .. } = self.settings.store else { return Ok(0) };
        let newest = now.date_naive().checked_sub_days(Days::new(u64::from(after_days)));
        let Some(newest) = newest else { return Ok(0) };
        let (mut done, mut failed) = (0, None);
        for file in self.files_outside(Where::Store) {
            if self.closing.load(Ordering::Acquire) {
                break;
            }
            if file.day.max(file.max_collected_at.date_naive()) > newest {
                continue;
            }
            match self.move_file(&file, Where::Store).await {
                Ok(moved) => done += usize::from(moved),
                Err(error) => {
                    let error_text = crate::lake::chain(&error);
                    tracing::warn!(file.path = %file.path, error = error_text, "a file could not be brought into the store; it stays here");
                    failed = Some(error);
                    if done == 0 {
                        break;
                    }
                }
            }
        }
        match failed {
            Some(error) if done == 0 => Err(error),
            _ => Ok(done),
        }
    }

    /// Writes a file again under the newest key, if it is not under it; returns whether it did.
    ///
    /// # Errors
    ///
    /// When the lake has no key, or file or catalogue fails; the lake is as it was.
    pub async fn encrypt_file(&self, segment: &Segment) -> Result<bool, LakeError> {
        // A merge that the catalogue was not told of yet must not bring back what goes here.
        let is_pending = self.merging.lock().await.is_some();
        if is_pending {
            self.merge_small_files().await?;
        }
        let turn = self.merging.lock().await;
        let newest = self.place.target().key.map(|key| key.id());
        if turn.is_some() || newest.is_none() || segment.key == newest || !self.has_file(segment) {
            return Ok(false);
        }
        let (place, own, id) = (Arc::clone(&self.place), segment.clone(), self.next_segment_id());
        let new = blocking(move || rewrite(&place, &own, &[], id)).await?;
        let add = std::slice::from_ref(&new);
        let replaced = async {
            if new.rows != segment.rows {
                return Err(StoreError::Copy { path: segment.path.clone() });
            }
            self.publish(add).await?;
            Ok(self.catalogue.commit(add, &[segment.id], None).await?)
        };
        if let Err(error) = replaced.await {
            remove_quietly(&self.place.folder().join(&new.path));
            return Err(error.into());
        }
        self.place.settle(add);
        let file = Arc::new(SegmentFile::new(&self.place, new));
        self.state.lock().change_segments(vec![file], &[segment.id]);
        drop(turn);
        Ok(true)
    }
}

/// Says whether a copy is the file.
fn checked(segment: &Segment, (sha256, size_bytes): &(String, u64)) -> Result<(), StoreError> {
    if *sha256 == segment.sha256 && *size_bytes == segment.size_bytes {
        return Ok(());
    }
    let path = segment.path.clone();
    Err(StoreError::Copy { path })
}
