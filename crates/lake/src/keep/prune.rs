//! Deleting what was kept long enough: whole files, or, where a file holds events of several owners,
//! the file without those whose time is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use event::lake::LakeError;
use event::{AgencyId, SystemId};
use serde::Serialize;

use super::verify::verify_bytes;
use crate::catalogue::{Note, Segment, SegmentId};
use crate::error::{BadRows, StoreError};
use crate::lake::{Lake, blocking, chain};
use crate::limits::GRANULE_ROWS;
use crate::place::Place;
use crate::rows::{Columns, moment, text_at};
use crate::schema;
use crate::segment::{
    FileOrigin, Footers, Packing, SegmentFile, SegmentWriter, read_in_time, read_rows,
    remove_quietly,
};
use crate::store::widened;

/// Whose events: an agency's, of one of its systems or of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Owner {
    /// The agency.
    pub agency: AgencyId,
    /// The information system.
    pub system: Option<SystemId>,
}

/// The events of one owner in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnerRows {
    /// Whose.
    #[serde(flatten)]
    pub owner: Owner,
    /// How many.
    pub events: u64,
    /// The earliest of them.
    pub from: DateTime<Utc>,
    /// The latest of them.
    pub to: DateTime<Utc>,
}

/// What is to become of one owner's events of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They stay.
    Keep,
    /// They go, for this reason.
    Delete {
        /// The legal base and the months, in words that a reader of the record understands.
        basis: String,
    },
}

/// What went of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pruned {
    /// The file, below the lake's folder.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The day of its events.
    pub day: NaiveDate,
    /// The events that are deleted, by owner.
    pub deleted: Vec<Deleted>,
    /// How many events are deleted.
    pub events: u64,
    /// The file with what stays, and its SHA-256; nothing if all went.
    pub replaced_by: Option<(String, String)>,
}

/// One owner's deleted events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deleted {
    /// Whose, how many, from when to when.
    #[serde(flatten)]
    pub rows: OwnerRows,
    /// Why.
    pub basis: String,
}

impl Lake {
    /// Deletes what a rule says may go from the files that are not newer than `newest_day` (by their day, or by when
    /// they were collected where senders' clocks were ahead), the oldest days first,
    /// one file at a time and of no more than `files_max`; `rule` is asked with an owner's events and the latest time
    /// at which the file's events were collected. Returns what went. Each file's deletion is in the catalogue, with
    /// its record, before the file is removed.
    ///
    /// # Errors
    ///
    /// When a file or the catalogue fails; what is returned before that is done.
    pub async fn prune(
        &self,
        newest_day: NaiveDate,
        files_max: usize,
        rule: &(dyn Fn(&OwnerRows, DateTime<Utc>) -> Verdict + Sync),
    ) -> Result<Vec<Pruned>, LakeError> {
        let mut done = Vec::new();
        let mut files = self.files();
        files.retain(|file| file.day.min(file.max_collected_at.date_naive()) <= newest_day);
        files.sort_by_key(|file| file.day);
        for segment in files {
            if done.len() >= files_max {
                break;
            }
            if self.closing.load(std::sync::atomic::Ordering::Acquire) {
                break;
            }
            // A merge that is not told to the catalogue yet must not bring back what goes here.
            let turn = self.merging.lock().await;
            if turn.is_some() {
                break;
            }
            match self.prune_file(&segment, rule).await {
                Ok(pruned) => done.extend(pruned),
                Err(StoreError::Catalogue(error)) if error.is_held() => {
                    tracing::info!(file.path = %segment.path, "logs that were to be deleted are held by now");
                }
                // It stays, with what it holds, until someone repairs it; the others do not wait for that.
                Err(error @ (StoreError::Altered { .. } | StoreError::File { .. })) => {
                    tracing::error!(error = chain(&error), "a damaged file is not deleted from");
                }
                Err(error) => return Err(error.into()),
            }
            drop(turn);
        }
        Ok(done)
    }

    async fn prune_file(
        &self,
        segment: &Segment,
        rule: &(dyn Fn(&OwnerRows, DateTime<Utc>) -> Verdict + Sync),
    ) -> Result<Option<Pruned>, StoreError> {
        let owners = self.owners_of(segment).await?;
        let mut deleted = Vec::new();
        for rows in owners.iter() {
            if let Verdict::Delete { basis } = rule(rows, segment.max_collected_at) {
                deleted.push(Deleted { rows: rows.clone(), basis });
            }
        }
        if deleted.is_empty() || !self.has_file(segment) {
            return Ok(None);
        }
        let stays = deleted.len() < owners.len();
        let replaced_by = if stays {
            let gone: Vec<Owner> = deleted.iter().map(|one| one.rows.owner).collect();
            let (place, own, id) =
                (Arc::clone(&self.place), segment.clone(), self.next_segment_id());
            Some(blocking(move || rewrite(&place, &own, &gone, id)).await?)
        } else {
            let (place, own) = (Arc::clone(&self.place), segment.clone());
            blocking(move || prove(&place, &own)).await?;
            None
        };
        let pruned = Pruned {
            file: segment.path.clone(),
            sha256: segment.sha256.clone(),
            day: segment.day,
            events: deleted.iter().map(|one| one.rows.events).sum(),
            deleted,
            replaced_by: replaced_by.as_ref().map(|new| (new.path.clone(), new.sha256.clone())),
        };
        let detail = serde_json::to_value(&pruned).unwrap_or_default();
        let note = Note { kind: "deletion", detail };
        let add: Vec<Segment> = replaced_by.into_iter().collect();
        if let Err(error) = self.replace_files(&add, &[segment.id], &note).await {
            for new in &add {
                remove_quietly(&self.place.folder().join(&new.path));
            }
            return Err(error);
        }
        Ok(Some(pruned))
    }

    /// Returns whose events a file holds. Files never change, so it is read once.
    async fn owners_of(&self, segment: &Segment) -> Result<Arc<Vec<OwnerRows>>, StoreError> {
        let known = self.owners.lock().get(&segment.id).cloned();
        if let Some(owners) = known {
            return Ok(owners);
        }
        // Merged with others, or moved, since the files were listed: as what it is now it is looked at next time.
        if !self.has_file(segment) {
            return Ok(Arc::default());
        }
        let (place, own) = (Arc::clone(&self.place), segment.clone());
        let owners = Arc::new(blocking(move || read_owners(&place, &own)).await?);
        let live: std::collections::BTreeSet<SegmentId> =
            self.files().iter().map(|file| file.id).collect();
        let mut kept = self.owners.lock();
        kept.retain(|id, _| live.contains(id));
        kept.insert(segment.id, Arc::clone(&owners));
        Ok(owners)
    }
}

/// Makes sure that what goes is what was written: the record names its checksum, and a file that someone changed
/// must not go as if it were that one.
fn prove(place: &Arc<Place>, segment: &Segment) -> Result<(), StoreError> {
    if verify_bytes(place, segment).is_empty() {
        return Ok(());
    }
    place.damaged().note(segment);
    Err(StoreError::Altered { path: segment.path.clone() })
}

const OWNER_COLUMNS: [&str; 3] = [schema::AGENCY_ID, schema::SYSTEM_ID, schema::OCCURRED_AT];

fn owner_at(columns: &Columns<'_>, row: usize) -> Result<Owner, StoreError> {
    let agency = text_at(columns.text(schema::AGENCY_ID), row).and_then(|id| id.parse().ok());
    let agency = agency.ok_or(BadRows::Invalid(schema::AGENCY_ID))?;
    let system = match text_at(columns.text(schema::SYSTEM_ID), row) {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| BadRows::Invalid(schema::SYSTEM_ID))?),
    };
    Ok(Owner { agency, system })
}

fn read_owners(place: &Arc<Place>, segment: &Segment) -> Result<Vec<OwnerRows>, StoreError> {
    let file = SegmentFile::new(place, segment.clone());
    let footer = Footers::default().of(&file)?;
    let all = 0..usize::try_from(segment.rows).unwrap_or(usize::MAX);
    let mut owners: BTreeMap<Owner, (u64, i64, i64)> = BTreeMap::new();
    for batch in
        read_rows(&file, &footer, Some(&OWNER_COLUMNS), std::slice::from_ref(&all), GRANULE_ROWS)?
    {
        let batch = batch?;
        let columns = Columns::of(&batch);
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        for row in 0..columns.rows() {
            let time_us = times.value(row);
            let owner = owners.entry(owner_at(&columns, row)?).or_insert((0, time_us, time_us));
            owner.0 += 1;
            owner.1 = owner.1.min(time_us);
            owner.2 = owner.2.max(time_us);
        }
    }
    let rows = |(owner, (events, from, to))| OwnerRows {
        owner,
        events,
        from: moment(from),
        to: moment(to),
    };
    Ok(owners.into_iter().map(rows).collect())
}

/// Writes a file again without the events of these owners.
pub(super) fn rewrite(
    place: &Arc<Place>,
    segment: &Segment,
    gone: &[Owner],
    id: SegmentId,
) -> Result<Segment, StoreError> {
    let file = SegmentFile::new(place, segment.clone());
    file.prove()?;
    let footer = Footers::default().of(&file)?;
    let all = 0..usize::try_from(segment.rows).unwrap_or(usize::MAX);
    let mut writer = SegmentWriter::create(&place.target(), id, segment.day, Packing::Small)?;
    for batch in read_in_time(&file, &footer, all) {
        let kept = batch.and_then(|batch| without(&batch, gone));
        if let Err(error) = kept.and_then(|kept| writer.write(&kept)) {
            writer.abandon();
            return Err(error);
        }
    }
    writer.finish(&FileOrigin::Merge(vec![segment.id]), &footer.loose)
}

fn without(batch: &RecordBatch, gone: &[Owner]) -> Result<RecordBatch, StoreError> {
    let columns = Columns::of(batch);
    let mut keeps = Vec::with_capacity(columns.rows());
    for row in 0..columns.rows() {
        keeps.push(!gone.contains(&owner_at(&columns, row)?));
    }
    widened(&filter_record_batch(batch, &BooleanArray::from(keeps))?)
}
