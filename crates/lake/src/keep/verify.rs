//! Is a file as it was written, and does its index find what is in it?

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use event::lake::Search;
use event::{Event, Scope, query};

use super::repair::QUARANTINE_FOLDER;
use crate::ask::{Stop, page};
use crate::catalogue::Segment;
use crate::error::{BadRows, StoreError};
use crate::lake::chain;
use crate::limits::{GRANULE_ROWS, PAGE_EVENTS_MAX};
use crate::place::Place;
use crate::rows::{Columns, decode, id_at, moment};
use crate::schema::{self, LAST_IN_TIME};
use crate::segment::{Footers, SegmentFile, read_rows};
use crate::store::{LOST_FOLDER, View, files};

/// How long one question to a file's index may take.
const QUESTION_MAX: Duration = Duration::from_mins(1);

/// Letters and digits that a word must have at least to be asked for.
const WORD_BYTES_MIN: usize = 4;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// Its bytes are not those that were written.
    Checksum {
        /// The checksum that it has.
        found: String,
        /// The size that it has.
        size_bytes: u64,
    },
    /// It cannot be read.
    Unreadable(String),
    /// Its rows are not those that the catalogue names.
    Rows(String),
    /// Its index does not find an event that is in it.
    Index(String),
}

impl Fault {
    /// Returns whether its rows may be other than what was written.
    pub const fn touches_rows(&self) -> bool {
        !matches!(self, Self::Index(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "the file is missing"),
            Self::Checksum { found, size_bytes } => {
                write!(f, "the checksum does not hold: {size_bytes} bytes with SHA-256 {found}")
            }
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Self::Rows(what) => write!(f, "its rows are not those of the catalogue: {what}"),
            Self::Index(what) => write!(f, "its index does not fit its rows: {what}"),
        }
    }
}

/// Checks one file of the lake against what the catalogue says of it: checksum and size, rows, times,
/// ids, and whether its index finds samples of what is in it. Reads the whole file.
pub fn verify_file(place: &Arc<Place>, segment: &Segment) -> Vec<Fault> {
    let faults = verify_bytes(place, segment);
    if !faults.is_empty() {
        return faults;
    }
    // A reader of hostile bytes may stumble; here it must not take the others with it.
    match catch_unwind(AssertUnwindSafe(|| check(place, segment))) {
        Ok(Ok(faults)) => faults,
        Ok(Err(error)) => vec![Fault::Unreadable(chain(&error))],
        Err(_panic) => vec![Fault::Unreadable("the reader failed on it".to_owned())],
    }
}

/// Checks one file's checksum and size only: of the bytes that lie there, for which an encrypted file needs no
/// key. Reads the whole file.
pub fn verify_bytes(place: &Arc<Place>, segment: &Segment) -> Vec<Fault> {
    match place.digest(segment) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![Fault::Missing],
        Err(error) => vec![Fault::Unreadable(error.to_string())],
        Ok((found, size_bytes)) if found != segment.sha256 || size_bytes != segment.size_bytes => {
            vec![Fault::Checksum { found, size_bytes }]
        }
        Ok(_) => Vec::new(),
    }
}

/// Returns the files below the lake's folder that the catalogue does not know, half-written ones left
/// out.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn strangers(place: &Place, segments: &[Segment]) -> io::Result<Vec<PathBuf>> {
    let folder = place.folder();
    let known: BTreeSet<PathBuf> =
        segments.iter().map(|segment| folder.join(&segment.path)).collect();
    let is_stranger = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "parquet") && !known.contains(path)
    };
    Ok(files(folder)?.into_iter().filter(is_stranger).collect())
}

/// Files of the lake that lie beside it: no search finds them, and nothing removes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// The folder below the lake's own.
    pub folder: &'static str,
    /// How many.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// Returns what was taken out of service by a repair ([`QUARANTINE_FOLDER`]) and what nobody could explain at a start
/// (`lost+found`); folders with nothing in them are left out.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn set_aside(place: &Place) -> io::Result<Vec<SetAside>> {
    let mut found = Vec::new();
    for folder in [QUARANTINE_FOLDER, LOST_FOLDER] {
        let entries = match fs::read_dir(place.folder().join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        let mut aside = SetAside { folder, files: 0, bytes: 0 };
        for entry in entries {
            aside.files += 1;
            aside.bytes += entry?.metadata()?.len();
        }
        if aside.files > 0 {
            found.push(aside);
        }
    }
    Ok(found)
}

fn check(place: &Arc<Place>, segment: &Segment) -> Result<Vec<Fault>, StoreError> {
    let file = Arc::new(SegmentFile::new(place, segment.clone()));
    let footers = Footers::default();
    let mut faults = check_rows(&file, &footers)?;
    faults.extend(check_index(&file, &footers)?);
    Ok(faults)
}

fn check_rows(file: &SegmentFile, footers: &Footers) -> Result<Vec<Fault>, StoreError> {
    let segment = &file.segment;
    let footer = footers.of(file)?;
    let all = 0..usize::try_from(segment.rows).unwrap_or(usize::MAX);
    let columns = [schema::ID, schema::OCCURRED_AT, schema::COLLECTED_AT];
    let (mut rows, mut is_sorted) = (0_u64, true);
    // Rows must not be earlier than those before them; since version 3, than those of granules before.
    let step = if segment.schema_version <= LAST_IN_TIME { 1 } else { GRANULE_ROWS as u64 };
    let (mut floor_us, mut last_us) = (i64::MIN, i64::MIN);
    let mut bounds = Bounds::default();
    for batch in read_rows(file, &footer, Some(&columns), std::slice::from_ref(&all), GRANULE_ROWS)?
    {
        let batch = batch?;
        let columns = Columns::of(&batch);
        let occurred = columns.times(schema::OCCURRED_AT);
        let occurred = occurred.ok_or(BadRows::Missing(schema::OCCURRED_AT))?;
        let collected = columns.times(schema::COLLECTED_AT);
        let collected = collected.ok_or(BadRows::Missing(schema::COLLECTED_AT))?;
        let ids = columns.ids().ok_or(BadRows::Missing(schema::ID))?;
        for row in 0..columns.rows() {
            let id = id_at(ids, row).ok_or(BadRows::Invalid(schema::ID))?;
            let time_us = occurred.value(row);
            if rows.is_multiple_of(step) {
                floor_us = last_us;
            }
            is_sorted &= time_us >= floor_us;
            last_us = last_us.max(time_us);
            bounds.add(time_us, collected.value(row), id);
            rows += 1;
        }
    }
    let mut faults = Vec::new();
    if rows != segment.rows {
        faults.push(Fault::Rows(format!("{rows} instead of {}", segment.rows)));
    }
    if !is_sorted {
        faults.push(Fault::Rows("they do not stand in the order of time".to_owned()));
    }
    if !bounds.fit(segment) {
        faults.push(Fault::Rows("their times or ids begin or end elsewhere".to_owned()));
    }
    Ok(faults)
}

/// Where times and ids begin and end.
#[derive(Default)]
struct Bounds {
    occurred: Option<(i64, i64)>,
    collected: Option<(i64, i64)>,
    ids: Option<(event::EventId, event::EventId)>,
}

impl Bounds {
    fn add(&mut self, occurred_us: i64, collected_us: i64, id: event::EventId) {
        fn widen<T: Ord + Copy>(bounds: &mut Option<(T, T)>, value: T) {
            let (min, max) = bounds.unwrap_or((value, value));
            *bounds = Some((min.min(value), max.max(value)));
        }
        widen(&mut self.occurred, occurred_us);
        widen(&mut self.collected, collected_us);
        widen(&mut self.ids, id);
    }

    fn fit(&self, segment: &Segment) -> bool {
        let us = |from: chrono::DateTime<chrono::Utc>, to: chrono::DateTime<chrono::Utc>| {
            Some((from.timestamp_micros(), to.timestamp_micros()))
        };
        let days = [segment.min_occurred_at, segment.max_occurred_at].map(|at| at.date_naive());
        days == [segment.day, segment.day]
            && self.occurred == us(segment.min_occurred_at, segment.max_occurred_at)
            && self.collected == us(segment.min_collected_at, segment.max_collected_at)
            && self.ids == Some((segment.min_id, segment.max_id))
    }
}

/// Asks the file, as a search does, for the first event of each granule.
fn check_index(file: &Arc<SegmentFile>, footers: &Footers) -> Result<Vec<Fault>, StoreError> {
    let footer = footers.of(file)?;
    let rows = usize::try_from(file.segment.rows).unwrap_or(usize::MAX);
    let samples: Vec<_> = (0..rows).step_by(GRANULE_ROWS).map(|row| row..row + 1).collect();
    let view =
        View { batches: Vec::new(), tail: Vec::new(), segments: Arc::new(vec![Arc::clone(file)]) };
    let mut faults = Vec::new();
    for batch in read_rows(file, &footer, None, &samples, 64)? {
        for event in decode(&batch?)? {
            if let Some(words) = unfound(&view, footers, &event)? {
                faults.push(Fault::Index(format!("event {} is not found by {words}", event.id)));
            }
        }
    }
    Ok(faults)
}

/// Returns the words by which an event of a file is not found, if so.
fn unfound(view: &View, footers: &Footers, event: &Event) -> Result<Option<String>, StoreError> {
    let mut words = format!("source_id:{}", event.origin.source);
    // A word as the index cuts it, of which none of the query language's signs is a part.
    let is_plain = |word: &String| {
        word.len() >= WORD_BYTES_MIN && word.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if let Some(word) = event::fold::words(&event.raw).into_iter().find(is_plain) {
        words = format!("{words} AND \"{word}\"");
    }
    let Ok(query) = query::parse(&words) else { return Ok(None) };
    let search = Search {
        query,
        from: event.occurred_at,
        to: moment(event.occurred_at.timestamp_micros()) + TimeDelta::microseconds(1),
        limit: PAGE_EVENTS_MAX,
        after: None,
    };
    let stop = Stop::after(QUESTION_MAX);
    let found = page(view, footers, &Scope::platform(), &search, &stop)?;
    // More of that very moment than a page holds: found or not cannot be told.
    let is_there = found.next.is_some() || found.events.iter().any(|one| one.id == event.id);
    Ok((!is_there).then_some(words))
}
