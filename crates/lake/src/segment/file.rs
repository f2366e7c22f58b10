//! A file's names and its footer, which is kept in memory while it is often asked for.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Schema};
use chrono::NaiveDate;
use event::{Attr, SpoolPosition};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest as _, Sha256};

use super::counts::Counts;
use super::footer_copy::Mended;
use super::granules::{self, Filters, Granule};
use super::keys::Keys;
use super::rare::Rare;
use crate::catalogue::{Segment, SegmentId};
use crate::error::StoreError;
use crate::limits::FOOTERS_KEPT;
use crate::place::{Leaving, Opened, Place, Teller};
use crate::schema::{LAST_IN_TIME, RARELY_REPEATED};

pub(super) const KEY_VERSION: &str = "luytre.schema_version";
pub(super) const KEY_INDEX: &str = "luytre.index";
pub(super) const KEY_LOOSE: &str = "luytre.loose";
/// How many bytes the checksums cover; they stand right behind.
pub(super) const KEY_CHECKS: &str = "luytre.checks";
/// The attributes that have a column in the file, by alias.
pub(super) const KEY_ATTRS: &str = "luytre.attributes";
pub(super) const KEY_ORIGIN: &str = "luytre.origin";

/// Extension of a file that is still being written.
pub(crate) const TEMP_EXTENSION: &str = "tmp";

/// Returns the folder of a day.
pub(super) fn day_folder(day: NaiveDate) -> String {
    format!("day={}", day.format("%Y-%m-%d"))
}

/// Returns where a segment is, below the lake's folder.
pub(crate) fn relative_path(day: NaiveDate, id: SegmentId) -> String {
    format!("{}/{id}.parquet", day_folder(day))
}

/// The origin of a file of [`FileOrigin::Lines`].
const LINES: &str = "lines";

/// Where a file's rows came from: what decides its fate if the catalogue does not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileOrigin {
    /// From memory; the spool has the events until the catalogue holds this position.
    Flush(SpoolPosition),
    /// From these files.
    Merge(Vec<SegmentId>),
    /// From lines that were brought in past the spool: there may be no other copy.
    Lines,
}

impl FileOrigin {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Flush(position) => format!("flush {position}"),
            Self::Merge(inputs) => {
                let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
                format!("merge {}", inputs.join(" "))
            }
            Self::Lines => LINES.to_owned(),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        if text == LINES {
            return Some(Self::Lines);
        }
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "flush" => rest.parse().ok().map(|position| Self::Flush(SpoolPosition(position))),
            "merge" => {
                rest.split(' ').map(|id| id.parse().ok()).collect::<Option<_>>().map(Self::Merge)
            }
            _ => None,
        }
    }
}

/// Returns where a file's rows came from, if the file is whole and ours.
pub(crate) fn file_origin(file: &Opened) -> Option<FileOrigin> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).ok()?;
    FileOrigin::from_text(key(&metadata, KEY_ORIGIN)?)
}

/// Returns the files that a file was merged from; none if it was not.
pub(crate) fn merged_from(file: &Opened) -> Vec<SegmentId> {
    match file_origin(file) {
        Some(FileOrigin::Merge(inputs)) => inputs,
        _ => Vec::new(),
    }
}

pub(super) fn key<'a>(metadata: &'a ParquetMetaData, name: &str) -> Option<&'a str> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == name)?.value.as_deref()
}

/// A segment that readers hold; its file goes when it was replaced and the last of them is done.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) segment: Segment,
    place: Arc<Place>,
    leaving: OnceLock<Leaving>,
}

impl SegmentFile {
    pub(crate) fn new(place: &Arc<Place>, segment: Segment) -> Self {
        Self { segment, place: Arc::clone(place), leaving: OnceLock::new() }
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> io::Result<Opened> {
        self.place.open_file(&self.segment)
    }

    /// Returns what names the file in errors.
    pub(crate) fn teller(&self) -> Teller {
        self.place.teller(&self.segment)
    }

    /// Proves that the file is what was written, to the byte, before its rows are written to another that takes its
    /// place or its word: a bit that has turned would look as it always was from then on. An encrypted file proves
    /// that itself, wherever it is read.
    ///
    /// # Errors
    ///
    /// When it is not, or cannot be read.
    pub(crate) fn prove(&self) -> Result<(), StoreError> {
        /// Bytes that are read at a time.
        const PIECE: u64 = 1 << 20;
        if self.segment.key.is_some() {
            return Ok(());
        }
        let file = self.open()?;
        let (mut hash, mut at, length) = (Sha256::new(), 0, Length::len(&file));
        while at < length {
            let piece = PIECE.min(length - at);
            let bytes = file.read(at, usize::try_from(piece).unwrap_or(0));
            hash.update(bytes.map_err(|error| self.teller().of(error.into()))?);
            at += piece;
        }
        if length == self.segment.size_bytes && hex::encode(hash.finalize()) == self.segment.sha256
        {
            return Ok(());
        }
        self.place.damaged().note(&self.segment);
        Err(StoreError::Altered { path: self.segment.path.clone() })
    }

    /// Lets the file go from its place once its last reader is done.
    pub(crate) fn leave(&self, why: Leaving) {
        self.leaving.get_or_init(|| why);
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        if let Some(why) = self.leaving.get() {
            self.place.leave(&self.segment, *why);
        }
    }
}

/// What must be known of a file before its rows are read.
#[derive(Debug)]
pub(crate) struct Footer {
    pub(crate) granules: Vec<Granule>,
    pub(crate) loose: BTreeSet<Attr>,
    pub(super) filters: Filters,
    /// Whether all rows stand in the order of time; else only granules do.
    pub(super) is_in_time: bool,
    /// What Parquet's own footer says: it is large, and only read where rows are.
    parquet: OnceLock<Parquet>,
    pub(crate) counts: Counts,
    /// Events that were found in its file before.
    pub(crate) rare: Rare,
}

/// A file's Parquet footer, ready for reading.
#[derive(Debug)]
pub(crate) struct Parquet {
    /// Columns as [`crate::schema::SCHEMA`] has them.
    pub(crate) plain: ArrowReaderMetadata,
    /// Short texts as codes of a dictionary, as they lie in the file.
    pub(crate) coded: ArrowReaderMetadata,
}

impl Parquet {
    fn read<R: ChunkReader>(file: &R) -> Result<Self, StoreError> {
        let options = ArrowReaderOptions::new()
            .with_offset_index_policy(PageIndexPolicy::Required)
            .with_column_index_policy(PageIndexPolicy::Skip);
        let plain = ArrowReaderMetadata::load(file, options)?;
        let fields = plain.schema().fields().iter().map(|field| {
            let is_coded = *field.data_type() == DataType::Utf8
                && !RARELY_REPEATED.contains(&field.name().as_str());
            if is_coded {
                Arc::new(field.as_ref().clone().with_data_type(coded_text()))
            } else {
                Arc::clone(field)
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let coded = ArrowReaderMetadata::try_new(
            Arc::clone(plain.metadata()),
            ArrowReaderOptions::new().with_schema(schema),
        )?;
        Ok(Self { plain, coded })
    }
}

/// The type of a text column that is read as codes.
fn coded_text() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl Footer {
    /// Reads what the footer says that `ending` ends with.
    fn read<R: ChunkReader>(file: &Opened, ending: &R) -> Result<Self, StoreError> {
        let keys = Keys::of(ending)?;
        let place = keys.index.as_deref().and_then(|place| place.split_once(','));
        let offset = place.and_then(|(offset, _)| offset.parse::<u64>().ok());
        let offset = offset.ok_or(StoreError::Index)?;
        let (granules, filters) = granules::read(file, offset)?;
        let parquet = OnceLock::new();
        let there: Vec<Attr> = if let Some(names) = &keys.attrs {
            names.split(',').filter_map(Attr::from_name).collect()
        } else {
            // A file of the first layout does not say it.
            let own = Parquet::read(ending)?;
            let is_there = |attr: &Attr| own.plain.schema().index_of(attr.alias()).is_ok();
            let there = Attr::ALL.iter().copied().filter(is_there).collect();
            parquet.get_or_init(|| own);
            there
        };
        // What is younger than the file has no column in it: there, only the own fields answer.
        let younger = Attr::ALL.iter().copied().filter(|attr| !there.contains(attr));
        let is_in_time = keys.version_number().is_some_and(|version| version <= LAST_IN_TIME);
        let loose = keys.loose.unwrap_or_default();
        let loose = loose.split(',').filter_map(Attr::from_name).chain(younger).collect();
        let (counts, rare) = (Counts::default(), Rare::default());
        Ok(Self { granules, loose, filters, is_in_time, parquet, counts, rare })
    }

    /// Returns the footer of a file that is damaged: by its copy, which has a checksum, before the footer
    /// itself, which has none.
    ///
    /// # Errors
    ///
    /// When neither can be read.
    pub(crate) fn of_damaged(file: &SegmentFile) -> Result<Arc<Self>, StoreError> {
        if let Some(footer) = Self::of_copy(file) {
            return Ok(Arc::new(footer));
        }
        let footer = Footers::default().of(file)?;
        footer.parquet(file)?;
        Ok(footer)
    }

    fn of_copy(file: &SegmentFile) -> Option<Self> {
        let open = file.open().ok()?;
        let mended = Mended::find(&open)?;
        let footer = Self::read(&open, &mended).ok()?;
        let parquet = Parquet::read(&mended).ok()?;
        footer.parquet.get_or_init(|| parquet);
        Some(footer)
    }

    /// Returns Parquet's own footer of the file.
    pub(crate) fn parquet(&self, file: &SegmentFile) -> Result<&Parquet, StoreError> {
        if let Some(parquet) = self.parquet.get() {
            return Ok(parquet);
        }
        let parquet = Parquet::read(&file.open()?)?;
        Ok(self.parquet.get_or_init(|| parquet))
    }
}

/// The footers that were last asked for.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<SegmentId, (u64, Arc<Footer>)>,
    uses: u64,
}

impl Footers {
    /// Returns a file's footer.
    pub(crate) fn of(&self, file: &SegmentFile) -> Result<Arc<Footer>, StoreError> {
        {
            let mut kept = self.kept.lock();
            kept.uses += 1;
            let now = kept.uses;
            if let Some((used, footer)) = kept.by_id.get_mut(&file.segment.id) {
                *used = now;
                return Ok(Arc::clone(footer));
            }
        }
        let read =
            file.open().map_err(StoreError::from).and_then(|open| Footer::read(&open, &open));
        let footer = Arc::new(read.map_err(|error| file.teller().of(error))?);
        let mut kept = self.kept.lock();
        if kept.by_id.len() >= FOOTERS_KEPT {
            let oldest = kept.by_id.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                kept.by_id.remove(&oldest);
            }
        }
        let now = kept.uses;
        kept.by_id.insert(file.segment.id, (now, Arc::clone(&footer)));
        Ok(footer)
    }
}
