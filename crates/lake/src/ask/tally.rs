//! Walks every matching row, on a few threads, for answers that are figures.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use event::{Attr, Event};

use super::Stop;
use super::events::runs;
use super::look::{read_known, rows_by_first};
use crate::error::StoreError;
use crate::filter::Filter;
use crate::limits::ROW_GROUP_ROWS;
use crate::place::Opened;
use crate::segment::{
    Footer, Footers, Granule, KeptCounts, SegmentFile, ValueCounts, batch_rows, granule_rows,
    read_rows, rows_that_may_have,
};
use crate::store::View;

/// Threads for one question: more would take the cores from taking events in.
const THREADS_MAX: usize = 2;

/// Files that are open at a time: a year has thousands, and each footer takes memory.
const FILES_AT_ONCE: usize = 64;

/// Counts something about rows.
pub(super) trait Tally: Send + Sized {
    /// Returns an empty one of the same kind.
    fn fresh(&self) -> Self;
    /// Adds the columns that are read, beside the filter's.
    fn columns(&self, loose: &BTreeSet<Attr>, columns: &mut BTreeSet<&'static str>);
    /// Returns whether rows of a granule count alike, so that their number is all that must be known.
    fn is_alike(&self, _granule: &Granule) -> bool {
        false
    }
    /// Counts so many rows of a granule whose rows count alike.
    fn alike(&mut self, _granule: &Granule, _rows: u64) {}
    /// Counts rows.
    fn rows(
        &mut self,
        batch: &RecordBatch,
        loose: &BTreeSet<Attr>,
        rows: &[usize],
    ) -> Result<(), StoreError>;
    /// Counts an event that is no row yet.
    fn event(&mut self, event: &Event);
    /// Adds what another thread counted.
    fn merge(&mut self, other: Self);
    /// Returns the field whose values are counted, if the counts of a whole file may be kept.
    fn kept_field(&self) -> Option<&str> {
        None
    }
    /// Counts what was kept of a whole file.
    fn recall(&mut self, _counts: &KeptCounts) {}
    /// Returns what was counted of a whole file, to be kept.
    fn counted(&mut self) -> Option<&ValueCounts> {
        None
    }
}

/// A piece of a file that one thread reads at a time: granules of one row group.
struct Piece<'a> {
    file: &'a SegmentFile,
    footer: &'a Footer,
    granules: Vec<&'a Granule>,
    /// Whether the rows of each of them count alike and are in the span of time.
    is_alike: bool,
}

impl<'a> Piece<'a> {
    /// Cuts granules of a file into pieces.
    fn cut(
        (file, footer): (&'a SegmentFile, &'a Footer),
        granules: &[&'a Granule],
        is_alike: bool,
    ) -> Vec<Self> {
        let groups = granules
            .chunk_by(|a, b| a.rows.start / ROW_GROUP_ROWS == b.rows.start / ROW_GROUP_ROWS);
        let piece =
            |granules: &[&'a Granule]| Self { file, footer, granules: granules.to_vec(), is_alike };
        groups.map(piece).collect()
    }
}

/// Counts all rows that the filter takes.
pub(super) fn count<T: Tally>(
    view: &View,
    footers: &Footers,
    filter: &Filter,
    tally: T,
    stop: &Stop,
) -> Result<T, StoreError> {
    match count_until(view, footers, filter, tally, stop)? {
        (tally, false) => Ok(tally),
        (_, true) => Err(stop.timeout()),
    }
}

/// Counts the rows that the filter takes until the time is up; tells whether it was.
pub(super) fn count_until<T: Tally>(
    view: &View,
    footers: &Footers,
    filter: &Filter,
    mut tally: T,
    stop: &Stop,
) -> Result<(T, bool), StoreError> {
    for event in view.tail.iter().flat_map(|events| events.iter()) {
        if filter.takes(event) {
            tally.event(event);
        }
    }
    for rows in &view.batches {
        if stop.is_up() {
            return Ok((tally, true));
        }
        stop.check()?;
        let found = filter.rows_in_memory(rows)?;
        tally.rows(&rows.batch, &rows.loose, &found)?;
    }
    let in_reach = |file: &&Arc<SegmentFile>| {
        let oldest_us = file.segment.min_occurred_at.timestamp_micros();
        filter.may_match_times(oldest_us, file.segment.max_occurred_at.timestamp_micros())
    };
    let files: Vec<&Arc<SegmentFile>> = view.segments.iter().filter(in_reach).collect();
    for files in files.chunks(FILES_AT_ONCE) {
        tally = count_files(files, footers, filter, tally, stop)?;
        if stop.is_up() {
            return Ok((tally, true));
        }
    }
    Ok((tally, false))
}

fn count_files<T: Tally>(
    files: &[&Arc<SegmentFile>],
    footers: &Footers,
    filter: &Filter,
    mut tally: T,
    stop: &Stop,
) -> Result<T, StoreError> {
    let mut opened: Vec<(&SegmentFile, Arc<Footer>)> = Vec::new();
    for file in files {
        opened.push((file, footers.of(file)?));
    }
    let mut pieces = Vec::new();
    for (file, footer) in &opened {
        if stop.is_up() {
            break;
        }
        stop.check()?;
        let whole = filter.condition().filter(|_| filter.spans_file(file));
        if let (Some(condition), Some(field)) = (whole, tally.kept_field())
            && let Some(counts) = footer.counts.values_of(condition, field)
        {
            tally.recall(&counts);
            continue;
        }
        let granules = filter.granules(file, footer)?;
        let (alike, apart) = known_apart(footer, filter, &mut tally, granules);
        let mut own = Piece::cut((file, footer), &alike, true);
        own.extend(Piece::cut((file, footer), &apart, false));
        let (Some(condition), Some(_)) = (whole, tally.kept_field()) else {
            pieces.extend(own);
            continue;
        };
        let mut counted = count_pieces(&own, filter, tally.fresh(), stop)?;
        if !stop.is_up()
            && let Some(counts) = counted.counted()
            && let Some(field) = tally.kept_field()
        {
            footer.counts.keep_values(condition, field, counts);
        }
        tally.merge(counted);
    }
    count_pieces(&pieces, filter, tally, stop)
}

/// Counts granules of which it is known how many rows match and that these count alike. Returns those whose rows
/// count alike but must be looked at for their number, and the others.
fn known_apart<'a, T: Tally>(
    footer: &Footer,
    filter: &Filter,
    tally: &mut T,
    granules: Vec<&'a Granule>,
) -> (Vec<&'a Granule>, Vec<&'a Granule>) {
    let Some(condition) = filter.condition() else { return (Vec::new(), granules) };
    let (alike, apart): (Vec<_>, Vec<_>) = granules.into_iter().partition(|granule| {
        filter.spans(granule.min_us, granule.max_us) && tally.is_alike(granule)
    });
    let kept = if alike.is_empty() { Vec::new() } else { footer.counts.rows_of(condition) };
    let mut unknown = alike;
    unknown.retain(|granule| {
        let known = if filter.takes_all() {
            u64::try_from(granule.rows.len()).ok()
        } else {
            kept.get(granule.number).copied().flatten().map(u64::from)
        };
        if let Some(rows) = known {
            tally.alike(granule, rows);
        }
        known.is_none()
    });
    (unknown, apart)
}

fn count_pieces<T: Tally>(
    pieces: &[Piece<'_>],
    filter: &Filter,
    mut tally: T,
    stop: &Stop,
) -> Result<T, StoreError> {
    let threads = THREADS_MAX.min(pieces.len());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = |mut own: T| -> Result<T, StoreError> {
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(piece) = pieces.get(number) else { return Ok(own) };
            match count_piece(piece, filter, &mut own, stop) {
                // What was counted so far is told, or thrown away, by whoever asked.
                Err(StoreError::Timeout { .. }) => return Ok(own),
                counted => counted?,
            }
        }
    };
    let work = &work;
    let counted = std::thread::scope(|scope| {
        let started: Vec<_> = (1..threads)
            .map(|_| {
                let own = tally.fresh();
                scope.spawn(move || work(own))
            })
            .collect();
        let mut counted = vec![work(tally.fresh())];
        for thread in started {
            // A panic in there is ours; it goes on here.
            counted.push(match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
        }
        counted
    });
    for result in counted {
        tally.merge(result?);
    }
    Ok(tally)
}

fn count_piece<T: Tally>(
    piece: &Piece<'_>,
    filter: &Filter,
    tally: &mut T,
    stop: &Stop,
) -> Result<(), StoreError> {
    if piece.is_alike {
        return count_alike(piece, filter, tally, stop);
    }
    let loose = &piece.footer.loose;
    let mut columns = filter.columns(loose);
    tally.columns(loose, &mut columns);
    let mut looking = Looking::begin(piece, filter)?;
    let mut whole = Vec::new();
    for granule in &piece.granules {
        stop.check()?;
        let Some(batches) = looking.few_rows(granule, &columns, stop)? else {
            whole.push(*granule);
            continue;
        };
        for batch in batches {
            let found = filter.rows(&batch, loose)?;
            tally.rows(&batch, loose, &found)?;
        }
    }
    if whole.is_empty() {
        return Ok(());
    }
    let columns: Vec<&str> = columns.into_iter().collect();
    let rows = granule_rows(whole);
    for batch in read_rows(piece.file, piece.footer, Some(&columns), &rows, batch_rows(&columns))? {
        stop.check()?;
        let batch = batch?;
        let found = filter.rows(&batch, loose)?;
        tally.rows(&batch, loose, &found)?;
    }
    Ok(())
}

/// Counts how many rows of each granule match, and keeps that.
fn count_alike<T: Tally>(
    piece: &Piece<'_>,
    filter: &Filter,
    tally: &mut T,
    stop: &Stop,
) -> Result<(), StoreError> {
    let loose = &piece.footer.loose;
    let columns = filter.columns_in_span(loose);
    let mut counted: Vec<(&Granule, u32)> = Vec::with_capacity(piece.granules.len());
    let mut looking = Looking::begin(piece, filter)?;
    let mut whole = Vec::new();
    for granule in &piece.granules {
        stop.check()?;
        let Some(batches) = looking.few_rows(granule, &columns, stop)? else {
            whole.push(*granule);
            continue;
        };
        let mut count = 0;
        for batch in batches {
            count += filter.rows_in_span(&batch, loose)?.len();
        }
        counted.push((granule, u32::try_from(count).unwrap_or(u32::MAX)));
    }
    let columns: Vec<&str> = columns.into_iter().collect();
    let rows = granule_rows(whole.iter().copied());
    let mut numbers = RowNumbers::of(&whole);
    if !whole.is_empty() {
        let batches =
            read_rows(piece.file, piece.footer, Some(&columns), &rows, batch_rows(&columns))?;
        for batch in batches {
            stop.check()?;
            let batch = batch?;
            let found = filter.rows_in_span(&batch, loose)?;
            numbers.add(batch.num_rows(), &found);
        }
    }
    counted.extend(whole.into_iter().zip(numbers.counts));
    for (granule, rows) in &counted {
        tally.alike(granule, u64::from(*rows));
    }
    if let Some(condition) = filter.condition() {
        piece.footer.counts.keep_rows(condition, &counted);
    }
    Ok(())
}

/// How many rows were found in each of some granules whose rows are read one after the other.
struct RowNumbers {
    /// Where each granule ends among the rows that are read.
    ends: Vec<usize>,
    counts: Vec<u32>,
    /// The granule of the next row, and how many rows were read.
    place: usize,
    read: usize,
}

impl RowNumbers {
    fn of(granules: &[&Granule]) -> Self {
        let ends = granules.iter().scan(0, |end, granule| {
            *end += granule.rows.len();
            Some(*end)
        });
        Self { ends: ends.collect(), counts: vec![0; granules.len()], place: 0, read: 0 }
    }

    /// Takes in rows that were read, and which of them were found (ascending).
    fn add(&mut self, rows: usize, found: &[usize]) {
        for row in found {
            let row = self.read + row;
            while self.ends.get(self.place).is_some_and(|end| *end <= row) {
                self.place += 1;
            }
            if let Some(count) = self.counts.get_mut(self.place) {
                *count += 1;
            }
        }
        self.read += rows;
    }
}

/// Granules that are looked through before it is told whether that is worth it.
const TRIED_GRANULES: usize = 4;

/// How often few rows of a granule were looked for, and how often there were many.
#[derive(Debug, Default)]
struct Tried {
    granules: usize,
    dense: usize,
}

impl Tried {
    /// Returns whether most had many.
    fn is_vain(&self) -> bool {
        self.granules >= TRIED_GRANULES && self.dense * 2 > self.granules
    }

    fn note(&mut self, is_dense: bool) {
        self.granules += 1;
        self.dense += usize::from(is_dense);
    }
}

/// Looks at the granules of a piece before rows are made of them: at the dictionaries of their row group, at short
/// columns, and for the filter's text, as far as it asks for these and few rows are mostly left.
struct Looking<'a> {
    piece: &'a Piece<'a>,
    filter: &'a Filter,
    /// The file, where a text is looked for.
    open: Option<Arc<Opened>>,
    short: Tried,
    text: Tried,
}

impl<'a> Looking<'a> {
    fn begin(piece: &'a Piece<'a>, filter: &'a Filter) -> Result<Self, StoreError> {
        let open = filter.needle().map(|_| piece.file.open()).transpose()?.map(Arc::new);
        Ok(Self { piece, filter, open, short: Tried::default(), text: Tried::default() })
    }

    /// Returns columns of the few rows of a granule that may match; nothing where all of its rows must be read.
    fn few_rows(
        &mut self,
        granule: &Granule,
        columns: &BTreeSet<&'static str>,
        stop: &Stop,
    ) -> Result<Option<Vec<RecordBatch>>, StoreError> {
        let (file, footer, filter) = (self.piece.file, self.piece.footer, self.filter);
        if !filter.may_match_group(file, footer, granule)? {
            return Ok(Some(Vec::new()));
        }
        if !self.short.is_vain() && filter.first_columns(&footer.loose).is_some() {
            let rows = rows_by_first((file, footer), granule, filter, stop)?;
            self.short.note(rows.is_none());
            if let Some(rows) = rows {
                let columns: Vec<&str> = columns.iter().copied().collect();
                let rows = runs(&rows);
                if rows.is_empty() {
                    return Ok(Some(Vec::new()));
                }
                let batch_rows = batch_rows(&columns);
                let batches = read_rows(file, footer, Some(&columns), &rows, batch_rows)?;
                return batches.collect::<Result<Vec<_>, StoreError>>().map(Some);
            }
        }
        let (Some(needle), Some(open)) = (filter.needle(), &self.open) else { return Ok(None) };
        if self.text.is_vain() {
            return Ok(None);
        }
        let known = rows_that_may_have(file, footer, open, granule, needle)?;
        self.text.note(known.is_none());
        let Some(known) = known else { return Ok(None) };
        if known.rows.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let read = read_known((file, footer), columns.clone(), &known, filter, stop)?;
        Ok(Some(read.into_iter().map(|(batch, _)| batch).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_looked_for_while_some_granules_have_few() {
        let mut tried = Tried::default();
        for _ in 0..TRIED_GRANULES {
            assert!(!tried.is_vain());
            tried.note(true);
        }
        assert!(tried.is_vain());
        for _ in 0..TRIED_GRANULES {
            tried.note(false);
        }
        assert!(!tried.is_vain());
    }
}
