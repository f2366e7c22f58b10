//! Writes a file: granules in the order of time, the index, the footer; synced, then named.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::AsArray as _;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use event::{Attr, EventId};
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use uuid::Uuid;

use super::bloom::value_hash;
use super::file::{self, FileOrigin};
use super::granules::{GranuleBuilder, IndexBuilder};
use super::measured::Measured;
use super::tokens::{RowTokens, Tokens};
use crate::catalogue::{Segment, SegmentId};
use crate::encryption::Sealer;
use crate::error::{BadRows, StoreError};
use crate::limits::{
    GRANULE_ROWS, PACKED_BYTES_MAX, PAGE_BYTES_MAX, ROW_GROUP_ROWS, TEXT_PAGE_BYTES,
};
use crate::place::Target;
use crate::rows::{Columns, moment, text_at};
use crate::schema::{self, BLOOMED, KIND, RARELY_REPEATED, SCATTERED, SCHEMA, SCHEMA_VERSION};

/// How much work is put into making a file small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// None: events wait for it, and a merge packs them again soon.
    Quick,
    /// Rows of a granule are put in the order that packs best: the file stays.
    Small,
}

/// How hard zstd tries: in columns whose rows stand by kind, more work makes the file no smaller.
const PACKING_LEVEL: i32 = 1;

/// Writes one file at a time, row by row in the order of time.
pub(crate) struct SegmentWriter {
    id: SegmentId,
    day: NaiveDate,
    target: Target,
    temp: PathBuf,
    writer: ArrowWriter<Measured>,
    packing: Packing,
    /// Rows of the open granule that wait for the others; their tokens are taken in.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    granule: GranuleBuilder,
    index: IndexBuilder,
    collected: Option<(i64, i64)>,
    rows: u64,
}

/// Writes rows that stand in the order of time to a file of their day.
pub(crate) fn write_segment(
    target: &Target,
    id: SegmentId,
    day: NaiveDate,
    origin: &FileOrigin,
    loose: &BTreeSet<Attr>,
    batches: impl Iterator<Item = Result<RecordBatch, StoreError>>,
) -> Result<Segment, StoreError> {
    let mut writer = SegmentWriter::create(target, id, day, Packing::Quick)?;
    for batch in batches {
        if let Err(error) = batch.and_then(|batch| writer.write(&batch)) {
            writer.abandon();
            return Err(error);
        }
    }
    writer.finish(origin, loose)
}

impl SegmentWriter {
    /// Starts a file under a temporary name in its day's folder.
    pub(crate) fn create(
        target: &Target,
        id: SegmentId,
        day: NaiveDate,
        packing: Packing,
    ) -> Result<Self, StoreError> {
        let day_folder = target.folder.join(file::day_folder(day));
        fs::create_dir_all(&day_folder)?;
        let temp = day_folder.join(format!("{id}.{}", file::TEMP_EXTENSION));
        let sealer = target.key.as_ref().map(|key| Sealer::begin(key, id)).transpose()?;
        let measured = Measured::new(File::create(&temp)?, sealer);
        let writer = ArrowWriter::try_new(measured, SCHEMA.clone(), Some(properties()?))?;
        Ok(Self {
            id,
            day,
            target: target.clone(),
            temp,
            writer,
            packing,
            waiting: Vec::new(),
            waiting_rows: 0,
            granule: GranuleBuilder::default(),
            index: IndexBuilder::default(),
            collected: None,
            rows: 0,
        })
    }

    /// Adds rows, none earlier than the rows before.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let part = batch.slice(start, self.room().min(batch.num_rows() - start));
            let columns = Columns::of(&part);
            let tokens = RowTokens::of(&columns);
            for row in 0..columns.rows() {
                tokens.add(row, &mut self.granule.tokens)?;
            }
            start += part.num_rows();
            self.waiting_rows += part.num_rows();
            self.waiting.push(part);
            if self.room() == 0 {
                self.write_waiting()?;
            }
        }
        Ok(())
    }

    /// Writes the rows that wait.
    fn write_waiting(&mut self) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        let packed = match self.packing {
            Packing::Quick => None,
            Packing::Small => by_kind(&waiting)?,
        };
        match packed {
            Some(packed) => self.write_told(&packed),
            None => waiting.iter().try_for_each(|batch| self.write_told(batch)),
        }
    }

    /// Returns how many rows the open granule still takes.
    pub(crate) fn room(&self) -> usize {
        GRANULE_ROWS - self.granule.rows() - self.waiting_rows
    }

    /// Returns the tokens of the open granule, for who knows those of the rows that come next.
    pub(crate) fn tokens(&mut self) -> &mut Tokens {
        &mut self.granule.tokens
    }

    /// Adds rows at once, at most [`Self::room`], whose tokens were told before: none earlier than those
    /// of granules before, in any order among themselves.
    pub(crate) fn write_told(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.writer.write(batch)?;
        let columns = Columns::of(batch);
        let times = columns.times(schema::OCCURRED_AT).ok_or(missing(schema::OCCURRED_AT))?;
        let collected = columns.times(schema::COLLECTED_AT).ok_or(missing(schema::COLLECTED_AT))?;
        let ids = columns.ids().ok_or(missing(schema::ID))?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let ids = (0..columns.rows()).map(|row| ids.value(row));
        let ids = least_and_most(ids).ok_or_else(|| missing(schema::ID))?;
        let [min_id, max_id] =
            [ids.0, ids.1].map(|id| Uuid::from_slice(id).map(EventId::from_uuid));
        let invalid = |_| BadRows::Invalid(schema::ID);
        let ids = (min_id.map_err(invalid)?, max_id.map_err(invalid)?);
        let times = least_and_most(times.values().iter().copied());
        let times = times.ok_or_else(|| missing(schema::OCCURRED_AT))?;
        self.granule.push(columns.rows(), times, ids);
        if let Some((least, most)) = least_and_most(collected.values().iter().copied()) {
            let (min, max) = self.collected.unwrap_or((least, most));
            self.collected = Some((min.min(least), max.max(most)));
        }
        self.rows += u64::try_from(columns.rows()).unwrap_or(0);
        if self.granule.rows() >= GRANULE_ROWS {
            self.end_granule();
        }
        Ok(())
    }

    fn end_granule(&mut self) {
        self.index.push(&mut self.granule);
    }

    /// Ends the file: durable under its name when this returns. It is not part of the lake until
    /// the catalogue says so.
    pub(crate) fn finish(
        mut self,
        origin: &FileOrigin,
        loose: &BTreeSet<Attr>,
    ) -> Result<Segment, StoreError> {
        let finished = self.end_granule_and_file(origin, loose);
        if finished.is_err() {
            remove_or_remember(&self.temp);
            // It may have its name already, where only its folder could not be synced.
            remove_or_remember(&self.target.folder.join(file::relative_path(self.day, self.id)));
        }
        finished
    }

    fn end_granule_and_file(
        &mut self,
        origin: &FileOrigin,
        loose: &BTreeSet<Attr>,
    ) -> Result<Segment, StoreError> {
        self.write_waiting()?;
        self.end_granule();
        self.writer.flush()?;
        let index_offset = self.writer.bytes_written();
        let index = self.index.bytes();
        self.writer.write_all(&index)?;
        let place = format!("{index_offset},{}", index.len());
        self.writer.sync()?;
        let covered = self.writer.bytes_written();
        let checks = self.writer.inner_mut().checks.finish();
        self.writer.write_all(&checks.bytes)?;
        let loose: Vec<&str> = loose.iter().map(|attr| attr.alias()).collect();
        let attrs: Vec<&str> = Attr::ALL.iter().map(|attr| attr.alias()).collect();
        for (key, value) in [
            (file::KEY_VERSION, SCHEMA_VERSION.to_string()),
            (file::KEY_INDEX, place),
            (file::KEY_CHECKS, format!("{covered},{}", checks.block_bytes)),
            (file::KEY_ORIGIN, origin.to_text()),
            (file::KEY_LOOSE, loose.join(",")),
            (file::KEY_ATTRS, attrs.join(",")),
        ] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        self.writer.inner_mut().hold_end();
        self.writer.finish()?;
        let (sha256, size_bytes) = self.writer.inner_mut().end()?;
        let path = file::relative_path(self.day, self.id);
        let full_path = self.target.folder.join(&path);
        sync_folder(&self.target.folder)?;
        rename(&self.temp, &full_path)?;
        self.segment(path, sha256, size_bytes)
    }

    fn segment(
        &self,
        path: String,
        sha256: String,
        size_bytes: u64,
    ) -> Result<Segment, StoreError> {
        let granules = self.index.granules();
        let empty = || StoreError::Index;
        let (min_collected, max_collected) = self.collected.ok_or_else(empty)?;
        let least = |pick: fn(&super::Granule) -> i64| granules.iter().map(pick).min();
        let id = |ids: Option<EventId>| ids.ok_or_else(empty);
        Ok(Segment {
            id: self.id,
            path,
            day: self.day,
            rows: self.rows,
            size_bytes,
            min_occurred_at: moment(least(|granule| granule.min_us).ok_or_else(empty)?),
            max_occurred_at: moment(
                granules.iter().map(|granule| granule.max_us).max().ok_or_else(empty)?,
            ),
            min_collected_at: moment(min_collected),
            max_collected_at: moment(max_collected),
            min_id: id(granules.iter().map(|granule| granule.min_id).min())?,
            max_id: id(granules.iter().map(|granule| granule.max_id).max())?,
            sha256,
            schema_version: SCHEMA_VERSION,
            key: self.target.key.as_ref().map(|key| key.id()),
            lies_in: self.target.lies_in,
        })
    }

    /// Gives the file up.
    pub(crate) fn abandon(self) {
        remove_or_remember(&self.temp);
    }
}

/// Gives a synced file its name and returns when that is on the disk, whatever stood there before.
///
/// Where ext4 gives its journal up, a sync that runs meanwhile may return success for what never reaches the disk. A
/// change is refused from then on, so the last step is one: the file is cut where it ends.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)?;
    let file = OpenOptions::new().write(true).open(to)?;
    file.set_len(file.metadata()?.len())
}

/// Makes a folder's entries durable, as far as a [`rename`] below it confirms it afterwards.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file that nobody needs; the next start finds it again if that fails.
pub(crate) fn remove_quietly(path: &Path) {
    if let Err(error) = remove(path) {
        tracing::warn!(file.path = %path.display(), %error, "a file that is of no use could not be removed");
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files that never came into the lake and could not be removed: once their events are there in others, a start
/// could not tell them from lost ones.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The most that are remembered; the next start finds the others.
const LEFT_MAX: usize = 1000;

/// Removes a file that never came into the lake, or remembers to: see [`remove_left`].
pub(crate) fn remove_or_remember(path: &Path) {
    if let Err(error) = remove(path) {
        tracing::warn!(file.path = %path.display(), %error, "a file that is of no use could not be removed yet");
        let mut left = LEFT.lock();
        if left.len() < LEFT_MAX {
            left.push(path.to_owned());
        }
    }
}

/// Tries again to remove what could not be removed.
pub(crate) fn remove_left() {
    LEFT.lock().retain(|path| remove(path).is_err());
}

fn least_and_most<T: Ord + Copy>(values: impl Iterator<Item = T> + Clone) -> Option<(T, T)> {
    values.clone().min().zip(values.max())
}

fn missing(column: &'static str) -> StoreError {
    BadRows::Missing(column).into()
}

/// Returns how columns are written.
pub(crate) fn properties() -> Result<WriterProperties, StoreError> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(PACKING_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(GRANULE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES_MAX)
        .set_write_batch_size(1024)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("luytre-lake ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in [schema::OCCURRED_AT, schema::COLLECTED_AT] {
        let path = ColumnPath::from(column);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path.clone(), EnabledStatistics::Page)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    builder = builder
        .set_column_dictionary_enabled(ColumnPath::from(schema::ID), false)
        // Polars reads bytes of a fixed length in no other way.
        .set_column_encoding(ColumnPath::from(schema::ID), Encoding::PLAIN);
    for column in SCATTERED {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    // The least and the greatest text say nothing of those between: index and filters do.
    for field in SCHEMA.fields().iter().filter(|field| *field.data_type() == DataType::Utf8) {
        let path = ColumnPath::from(field.name().as_str());
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    for column in RARELY_REPEATED {
        let path = ColumnPath::from(column);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_data_page_size_limit(path, TEXT_PAGE_BYTES);
    }
    for column in BLOOMED {
        let path = ColumnPath::from(column);
        builder = builder
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
    }
    Ok(builder.build())
}

/// Returns rows in the order that packs best, those of a kind together; nothing where they are too large
/// to be put in the order of time again.
fn by_kind(batches: &[RecordBatch]) -> Result<Option<RecordBatch>, StoreError> {
    let bytes: usize = batches.iter().map(raw_bytes).sum();
    if batches.is_empty() || bytes > PACKED_BYTES_MAX {
        return Ok(None);
    }
    let mut rows: Vec<(u64, usize, usize)> = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        let columns = Columns::of(batch);
        let kinds = KIND.map(|name| columns.text(name));
        rows.extend((0..columns.rows()).map(|row| {
            let kind = kinds.iter().fold(0, |kind, column| {
                value_hash(kind, text_at(*column, row).unwrap_or_default())
            });
            (kind, number, row)
        }));
    }
    rows.sort_unstable();
    let order: Vec<(usize, usize)> = rows.into_iter().map(|(_, batch, row)| (batch, row)).collect();
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    Ok(Some(interleave_record_batch(&batches, &order)?))
}

/// Returns how many bytes the records of a batch have.
fn raw_bytes(batch: &RecordBatch) -> usize {
    let raw = batch.column_by_name(schema::RAW).and_then(|column| column.as_string_opt::<i32>());
    raw.map_or(0, |raw| {
        let offsets = raw.value_offsets();
        let length = offsets.last().zip(offsets.first()).map_or(0, |(end, start)| end - start);
        usize::try_from(length).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_removed_is_removed_later() {
        let folder = tempfile::tempdir().unwrap();
        let [day, real, broken, next] =
            ["day", "real", "broken", "next"].map(|name| folder.path().join(name));
        fs::create_dir(&real).unwrap();
        fs::write(real.join("a.parquet"), "half a file").unwrap();
        // In one step from what is no folder to what is: other tests' lakes remove what is left as well.
        fs::write(&broken, "").unwrap();
        std::os::unix::fs::symlink(&broken, &day).unwrap();
        remove_or_remember(&day.join("a.parquet"));
        assert!(real.join("a.parquet").try_exists().unwrap());
        std::os::unix::fs::symlink(&real, &next).unwrap();
        fs::rename(&next, &day).unwrap();
        remove_left();
        assert!(!real.join("a.parquet").try_exists().unwrap());
    }
}
