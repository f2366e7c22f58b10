//! Takes a span of time out as files that stand for themselves: Parquet as the lake keeps it, or one
//! JSON object a line, with a manifest of what is in them and their checksums.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use event::SystemId;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Segment, SegmentId};
use crate::error::{BadRows, ExportError, StoreError};
use crate::place::{Place, Target, digest};
use crate::rows::{Columns, decode, text_at};
use crate::schema;
use crate::segment::{
    FileOrigin, Footers, Packing, SegmentFile, SegmentWriter, read_in_time, remove_quietly,
};
use crate::store::widened;

/// Name of the manifest in an export's folder.
pub const MANIFEST: &str = "manifest.json";

/// As what events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Parquet with our index, as the lake keeps it.
    Parquet,
    /// One JSON object a line.
    Ndjson,
}

/// What is taken out.
#[derive(Debug, Clone)]
pub struct Export {
    /// Earliest `occurred_at`, inclusive.
    pub from: DateTime<Utc>,
    /// Latest `occurred_at`, exclusive.
    pub to: DateTime<Utc>,
    /// Only events of these systems; `None` takes all.
    pub systems: Option<BTreeSet<SystemId>>,
    /// As what.
    pub format: ExportFormat,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Where it is, below the export's folder.
    pub path: String,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its events.
    pub events: u64,
    /// The lake's file that they were taken from, and that file's SHA-256.
    pub taken_from: (String, String),
    /// What a lake knows of it, if it is Parquet.
    pub segment: Option<Segment>,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1. A reader refuses what it does not know.
    pub version: u32,
    /// Which program wrote it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Earliest `occurred_at`, inclusive.
    pub from: DateTime<Utc>,
    /// Latest `occurred_at`, exclusive.
    pub to: DateTime<Utc>,
    /// Only events of these systems; nothing is all.
    pub systems: Option<BTreeSet<SystemId>>,
    /// As what.
    pub format: ExportFormat,
    /// Version of the columns.
    pub schema_version: u32,
    /// All events in it.
    pub events: u64,
    /// The last link of the lake's chain when it was made; empty where there is none.
    pub chain_head: String,
    /// Its files.
    pub files: Vec<Exported>,
}

/// What was written so far of an export, by the lake's file that it was taken from; nothing of one that has none of
/// what is asked for.
#[derive(Debug, Default)]
pub struct Taken(BTreeMap<SegmentId, Option<Exported>>);

impl Taken {
    /// Removes what was taken from files that the lake has no more: their events are in others now.
    fn keep_of(&mut self, segments: &[Segment], into: &Path) -> Result<(), StoreError> {
        let listed: BTreeSet<SegmentId> = segments.iter().map(|segment| segment.id).collect();
        let gone: Vec<SegmentId> =
            self.0.keys().filter(|id| !listed.contains(id)).copied().collect();
        for id in gone {
            if let Some(Some(file)) = self.0.remove(&id) {
                fs::remove_file(into.join(file.path))?;
            }
        }
        Ok(())
    }
}

/// Writes the events of these files of the lake that the export asks for; `next_id` names new files.
/// Returns what was written. The manifest is for the caller to write.
///
/// # Errors
///
/// When a file cannot be read or written. One that a merge has just replaced is
/// [`ExportError::Replaced`]: ask the catalogue again, and go on with what was taken.
pub fn export(
    place: &Arc<Place>,
    segments: &[Segment],
    what: &Export,
    into: &Path,
    next_id: impl Fn() -> SegmentId,
    taken: &mut Taken,
) -> Result<Vec<Exported>, ExportError> {
    taken.keep_of(segments, into).map_err(|error| ExportError::Failed(Box::new(error)))?;
    let asked = |segment: &&Segment| {
        segment.max_occurred_at >= what.from && segment.min_occurred_at < what.to
    };
    let asked: Vec<&Segment> = segments.iter().filter(asked).collect();
    for segment in &asked {
        if taken.0.contains_key(&segment.id) {
            continue;
        }
        match one(place, segment, what, into, next_id()) {
            Ok(file) => drop(taken.0.insert(segment.id, file)),
            Err(StoreError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ExportError::Replaced);
            }
            Err(error) => {
                return Err(ExportError::File {
                    path: segment.path.clone(),
                    into: into.to_owned(),
                    source: Box::new(error),
                });
            }
        }
    }
    Ok(asked.iter().filter_map(|segment| taken.0.get(&segment.id).cloned().flatten()).collect())
}

fn one(
    place: &Arc<Place>,
    segment: &Segment,
    what: &Export,
    into: &Path,
    id: SegmentId,
) -> Result<Option<Exported>, StoreError> {
    let file = SegmentFile::new(place, segment.clone());
    file.prove()?;
    let footer = Footers::default().of(&file)?;
    let all = 0..usize::try_from(segment.rows).unwrap_or(usize::MAX);
    let chosen =
        read_in_time(&file, &footer, all).map(|batch| batch.and_then(|batch| choose(&batch, what)));
    let taken_from = (segment.path.clone(), segment.sha256.clone());
    match what.format {
        ExportFormat::Parquet => {
            let mut writer =
                SegmentWriter::create(&Target::plain(into), id, segment.day, Packing::Small)?;
            let mut events = 0;
            for batch in chosen {
                let written = batch.and_then(|batch| {
                    events += u64::try_from(batch.num_rows()).unwrap_or(0);
                    writer.write(&batch)
                });
                if let Err(error) = written {
                    writer.abandon();
                    return Err(error);
                }
            }
            if events == 0 {
                writer.abandon();
                return Ok(None);
            }
            let new = writer.finish(&FileOrigin::Merge(vec![segment.id]), &footer.loose)?;
            Ok(Some(Exported {
                path: new.path.clone(),
                sha256: new.sha256.clone(),
                size_bytes: new.size_bytes,
                events,
                taken_from,
                segment: Some(new),
            }))
        }
        ExportFormat::Ndjson => {
            let path = format!("day={}/{id}.ndjson", segment.day.format("%Y-%m-%d"));
            let written = write_lines(&into.join(&path), chosen);
            if written.is_err() {
                remove_quietly(&into.join(&path));
            }
            let events = written?;
            if events == 0 {
                fs::remove_file(into.join(&path))?;
                return Ok(None);
            }
            let (sha256, size_bytes) = digest(&into.join(&path))?;
            Ok(Some(Exported { path, sha256, size_bytes, events, taken_from, segment: None }))
        }
    }
}

fn write_lines(
    path: &Path,
    batches: impl Iterator<Item = Result<RecordBatch, StoreError>>,
) -> Result<u64, StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = BufWriter::new(File::create(path)?);
    let mut events = 0;
    for batch in batches {
        for event in decode(&batch?)? {
            serde_json::to_writer(&mut file, &event).map_err(std::io::Error::from)?;
            file.write_all(b"\n")?;
            events += 1;
        }
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(events)
}

/// Returns the rows that the export asks for, with all columns of today.
fn choose(batch: &RecordBatch, what: &Export) -> Result<RecordBatch, StoreError> {
    let columns = Columns::of(batch);
    let times = columns.times(schema::OCCURRED_AT);
    let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
    let systems = columns.text(schema::SYSTEM_ID);
    let (from_us, to_us) = (what.from.timestamp_micros(), what.to.timestamp_micros());
    let is_asked = |row: usize| {
        let time_us = times.value(row);
        let system = || text_at(systems, row).and_then(|id| id.parse::<SystemId>().ok());
        let is_of = |asked: &BTreeSet<SystemId>| system().is_some_and(|id| asked.contains(&id));
        time_us >= from_us && time_us < to_us && what.systems.as_ref().is_none_or(is_of)
    };
    let keeps: BooleanArray = (0..columns.rows()).map(|row| Some(is_asked(row))).collect();
    widened(&filter_record_batch(batch, &keeps)?)
}
