//! Takes a damaged file out of service, and saves what of it can still be read.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use crate::catalogue::{Note, Segment, SegmentId};
use crate::error::StoreError;
use crate::lake::{Lake, blocking};
use crate::limits::GRANULE_ROWS;
use crate::place::Place;
use crate::segment::{
    Damage, FileOrigin, Footer, Packing, SegmentFile, SegmentWriter, places_of, read_in_time,
};
use crate::store::widened;
use event::lake::LakeError;

/// Where files go that are taken out of service: below the lake's folder, never deleted; [`super::set_aside`] tells
/// how much lies there.
pub const QUARANTINE_FOLDER: &str = "quarantine";

/// What became of a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// The file that takes its place, if any of its rows could be read.
    pub replaced_by: Option<Segment>,
    /// Rows that the catalogue named.
    pub rows_before: u64,
    /// Rows that are in the new file.
    pub rows_saved: u64,
}

impl Salvaged {
    /// Returns how many rows are gone.
    pub const fn rows_lost(&self) -> u64 {
        self.rows_before.saturating_sub(self.rows_saved)
    }
}

impl Lake {
    /// Takes a file out of service: it is moved to the quarantine folder, and the catalogue forgets
    /// it. With `save_rows` those rows go into a new file with a new index whose bytes are still as
    /// they were written, by the checksums of the file's blocks.
    ///
    /// # Errors
    ///
    /// When the new file cannot be written or the catalogue fails; the lake is as it was.
    pub async fn take_out(
        &self,
        segment: &Segment,
        save_rows: bool,
        why: &str,
    ) -> Result<Salvaged, LakeError> {
        let turn = self.merging.lock().await;
        let (place, own, id) = (Arc::clone(&self.place), segment.clone(), self.next_segment_id());
        let saved =
            if save_rows { blocking(move || Ok(save(&place, &own, id))).await? } else { None };
        let salvaged = Salvaged {
            rows_before: segment.rows,
            rows_saved: saved.as_ref().map_or(0, |saved| saved.rows),
            replaced_by: saved,
        };
        let (place, own) = (Arc::clone(&self.place), segment.clone());
        let found = blocking(move || Ok(place.digest(&own).ok().map(|found| found.0))).await?;
        let note = Note {
            kind: "quarantine",
            detail: serde_json::json!({
                "file": segment.path,
                "sha256": segment.sha256,
                "found_sha256": found,
                "why": why,
                "events_before": salvaged.rows_before,
                "events_saved": salvaged.rows_saved,
                "events_lost": salvaged.rows_lost(),
                "from": segment.min_occurred_at,
                "to": segment.max_occurred_at,
                "replaced_by": salvaged.replaced_by.as_ref().map(|saved| &saved.path),
            }),
        };
        // First aside, then out of the catalogue: a crash in between leaves a missing file, which the
        // next repair takes out.
        self.quarantine(segment).await?;
        let add: Vec<Segment> = salvaged.replaced_by.iter().cloned().collect();
        self.replace_files(&add, &[segment.id], &note).await?;
        drop(turn);
        Ok(salvaged)
    }

    async fn quarantine(&self, segment: &Segment) -> Result<(), StoreError> {
        let aside = self.place.folder().join(QUARANTINE_FOLDER);
        fs::create_dir_all(&aside)?;
        self.place.set_aside(segment, &aside.join(format!("{}.parquet", segment.id))).await
    }

    /// Changes catalogue and state together, with a note of why.
    pub(super) async fn replace_files(
        &self,
        add: &[Segment],
        remove: &[SegmentId],
        note: &Note,
    ) -> Result<(), StoreError> {
        self.publish(add).await?;
        self.catalogue.commit_noted(add, remove, note).await?;
        self.place.settle(add);
        let files = add
            .iter()
            .map(|segment| Arc::new(SegmentFile::new(&self.place, segment.clone())))
            .collect();
        self.state.lock().change_segments(files, remove);
        Ok(())
    }
}

/// Writes the rows that are as they were written to a new file; nothing if there are none.
fn save(place: &Arc<Place>, segment: &Segment, id: SegmentId) -> Option<Segment> {
    let file = SegmentFile::new(place, segment.clone());
    let footer = catch_unwind(AssertUnwindSafe(|| Footer::of_damaged(&file))).ok()?.ok()?;
    let damage = Damage::of(&file, &footer).ok()?;
    let mut writer =
        SegmentWriter::create(&place.target(), id, segment.day, Packing::Small).ok()?;
    let rows = usize::try_from(segment.rows).unwrap_or(0);
    let mut saved = 0;
    for first in (0..rows).step_by(GRANULE_ROWS) {
        let granule = first..(first + GRANULE_ROWS).min(rows);
        // Each granule for itself: damage costs its own rows only.
        let Ok(places) = places_of(&file, &footer, &granule, None) else { continue };
        if places.iter().any(|place| damage.touches(place)) {
            continue;
        }
        // A footer without a copy has no checksum: a reader may still stumble.
        let read = catch_unwind(AssertUnwindSafe(|| -> Result<Vec<RecordBatch>, StoreError> {
            read_in_time(&file, &footer, granule).map(|batch| widened(&batch?)).collect()
        }));
        let Ok(Ok(batches)) = read else { continue };
        for batch in batches {
            let count = batch.num_rows();
            if writer.write(&batch).is_err() {
                writer.abandon();
                return None;
            }
            saved += count;
        }
    }
    if saved == 0 {
        writer.abandon();
        return None;
    }
    writer.finish(&FileOrigin::Merge(vec![segment.id]), &footer.loose).ok()
}
