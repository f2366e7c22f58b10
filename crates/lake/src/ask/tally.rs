//! Walks every matching row, on a few threads, for answers that are figures.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use event::{Attr, Event};

use super::Stop;
use crate::error::StoreError;
use crate::filter::Filter;
use crate::limits::ROW_GROUP_ROWS;
use crate::segment::{
    Footer, Footers, Granule, SegmentFile, batch_rows, granule_may_have, granule_rows, read_rows,
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
    /// Counts a granule of which every row matches without reading it, if that is possible.
    fn granule(&mut self, granule: &Granule) -> bool;
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
    /// Counts a file of which every row matches by what was kept of it, if something was.
    fn recall(&mut self, _footer: &Footer) -> bool {
        false
    }
    /// Returns whether what was counted of a whole file may be kept.
    fn is_kept(&self) -> bool {
        false
    }
    /// Keeps what was counted of a whole file, and of nothing else.
    fn keep(&mut self, _footer: &Footer) {}
}

/// A piece of a file that one thread reads at a time: granules of one row group.
struct Piece<'a> {
    file: &'a SegmentFile,
    footer: &'a Footer,
    granules: Vec<&'a Granule>,
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
        let found = filter.rows(&rows.batch, &rows.loose)?;
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
        let is_whole = filter.takes_all() && filter.spans_file(file);
        if is_whole && tally.recall(footer) {
            continue;
        }
        let mut granules = filter.granules(file, footer)?;
        if filter.takes_all() {
            granules.retain(|granule| {
                !(filter.spans(granule.min_us, granule.max_us) && tally.granule(granule))
            });
        }
        let groups = granules
            .chunk_by(|a, b| a.rows.start / ROW_GROUP_ROWS == b.rows.start / ROW_GROUP_ROWS);
        let own = groups.map(|granules| Piece { file, footer, granules: granules.to_vec() });
        if is_whole && tally.is_kept() {
            let mut counted = count_pieces(&own.collect::<Vec<_>>(), filter, tally.fresh(), stop)?;
            if !stop.is_up() {
                counted.keep(footer);
            }
            tally.merge(counted);
        } else {
            pieces.extend(own);
        }
    }
    count_pieces(&pieces, filter, tally, stop)
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
    let loose = &piece.footer.loose;
    let mut columns = filter.columns(loose);
    tally.columns(loose, &mut columns);
    let columns: Vec<&str> = columns.into_iter().collect();
    let granules = with_needle(piece, filter, stop)?;
    if granules.is_empty() {
        return Ok(());
    }
    let rows = granule_rows(granules);
    for batch in read_rows(piece.file, piece.footer, Some(&columns), &rows, batch_rows(&columns))? {
        stop.check()?;
        let batch = batch?;
        let found = filter.rows(&batch, loose)?;
        tally.rows(&batch, loose, &found)?;
    }
    Ok(())
}

/// Granules that are looked through before it is told whether that is worth it.
const TRIED_GRANULES: usize = 4;

/// Returns the granules that may have the filter's text, if it asks for one. Where most have it,
/// the rest is not looked through.
fn with_needle<'a>(
    piece: &Piece<'a>,
    filter: &Filter,
    stop: &Stop,
) -> Result<Vec<&'a Granule>, StoreError> {
    let Some(needle) = filter.needle() else { return Ok(piece.granules.clone()) };
    let open = Arc::new(piece.file.open()?);
    let mut found = Vec::new();
    for (tried, granule) in piece.granules.iter().enumerate() {
        stop.check()?;
        if tried >= TRIED_GRANULES && found.len() * 2 > tried {
            found.extend(piece.granules.iter().skip(tried));
            break;
        }
        if granule_may_have(piece.file, piece.footer, &open, granule, needle)? {
            found.push(*granule);
        }
    }
    Ok(found)
}
