//! A file of events → files of the lake, past memory and spool: on as many threads as are given.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read as _};

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use event::{Attr, EventId, IdSource};
use parking_lot::Mutex;

use crate::catalogue::{Segment, SegmentId};
use crate::error::{BadRows, StoreError};
use crate::limits::{FILE_ROWS_MAX, LINES_BYTES};
use crate::place::Target;
use crate::rows::{Columns, FlatDefaults, FlatReader, Rows, id_at, moment};
use crate::schema;
use crate::segment::{FileOrigin, Packing, SegmentWriter, remove_quietly};

/// Reads flat JSON lines into files, all of them or none; returns the files, which the catalogue does
/// not know yet, and how many lines were refused.
pub(crate) fn bring_in(
    target: &Target,
    input: impl BufRead + Send,
    defaults: &FlatDefaults,
    threads: usize,
    next_id: impl Fn() -> SegmentId + Sync,
) -> Result<(Vec<Segment>, u64), StoreError> {
    let input = Mutex::new(input);
    let work = || bring(target, &input, defaults, &next_id);
    let work = &work;
    let results: Vec<(Vec<Segment>, Result<u64, StoreError>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let own = work();
        let joined = others.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        std::iter::once(own).chain(joined).collect()
    });
    let (mut brought, mut refused, mut failed) = (Vec::new(), 0, None);
    for (segments, result) in results {
        brought.extend(segments);
        match result {
            Ok(own) => refused += own,
            Err(error) => failed = Some(error),
        }
    }
    let Some(error) = failed else { return Ok((brought, refused)) };
    for segment in brought {
        remove_quietly(&target.folder.join(segment.path));
    }
    Err(error)
}

/// One thread's work: pieces of the input until it ends.
fn bring(
    target: &Target,
    input: &Mutex<impl BufRead>,
    defaults: &FlatDefaults,
    next_id: &impl Fn() -> SegmentId,
) -> (Vec<Segment>, Result<u64, StoreError>) {
    let mut files = Files { target, next_id, open: None, done: Vec::new() };
    let mut reader = FlatReader::new(defaults);
    let ids = IdSource::from_os();
    let mut refused = 0;
    let mut piece = Vec::new();
    let result = loop {
        match next_piece(input, &mut piece) {
            Ok(true) => {}
            Ok(false) => break files.finish(),
            Err(error) => break Err(error.into()),
        }
        let text = String::from_utf8_lossy(&piece);
        let read = reader.read(&text, ids.event_run(defaults.collected_at));
        let written = read.map_err(StoreError::from).and_then(|(rows, bad)| {
            refused += bad;
            files.write(&rows)
        });
        if let Err(error) = written {
            files.abandon();
            break Err(error);
        }
    };
    (files.done, result.map(|()| refused))
}

/// Reads whole lines, as many as make a piece; returns whether there was one.
fn next_piece(input: &Mutex<impl BufRead>, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    let mut input = input.lock();
    input.by_ref().take(LINES_BYTES).read_to_end(piece)?;
    if piece.last().is_some_and(|byte| *byte != b'\n') {
        input.by_ref().take(LINES_BYTES).read_until(b'\n', piece)?;
    }
    Ok(!piece.is_empty())
}

/// The files that one thread writes.
struct Files<'a, N> {
    target: &'a Target,
    next_id: &'a N,
    open: Option<OpenFile>,
    done: Vec<Segment>,
}

struct OpenFile {
    day: NaiveDate,
    writer: SegmentWriter,
    last: (i64, EventId),
    rows: u64,
    loose: BTreeSet<Attr>,
}

/// A row's time and id, and its place.
type Place = (i64, EventId, u32);

impl<N: Fn() -> SegmentId> Files<'_, N> {
    /// Writes rows, those of each day in the order of time.
    fn write(&mut self, rows: &Rows) -> Result<(), StoreError> {
        let columns = Columns::of(&rows.batch);
        let missing = |name| StoreError::from(BadRows::Missing(name));
        let times = columns.times(schema::OCCURRED_AT).ok_or(missing(schema::OCCURRED_AT))?;
        let ids = columns.ids().ok_or(missing(schema::ID))?;
        let mut days = BTreeMap::<i64, Vec<Place>>::new();
        let mut last: Option<(i64, Vec<Place>)> = None;
        for (row, time_us) in (0_u32..).zip(times.values()) {
            let place = usize::try_from(row).unwrap_or(usize::MAX);
            let id = id_at(ids, place).ok_or(BadRows::Invalid(schema::ID))?;
            let day = time_us.div_euclid(DAY_US);
            match &mut last {
                Some((own, places)) if *own == day => places.push((*time_us, id, row)),
                _ => {
                    let mut places = days.remove(&day).unwrap_or_default();
                    places.push((*time_us, id, row));
                    if let Some((day, places)) = last.replace((day, places)) {
                        days.insert(day, places);
                    }
                }
            }
        }
        days.extend(last);
        for mut places in days.into_values() {
            let batch = in_order(&rows.batch, &mut places)?;
            self.write_day(&batch, &places, &rows.loose)?;
        }
        Ok(())
    }

    fn write_day(
        &mut self,
        batch: &RecordBatch,
        places: &[Place],
        loose: &BTreeSet<Attr>,
    ) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return Ok(()) };
        let day = moment(first.0).date_naive();
        let follows = self.open.as_ref().is_some_and(|open| {
            open.day == day && open.last <= (first.0, first.1) && open.rows < FILE_ROWS_MAX
        });
        if !follows {
            self.finish()?;
        }
        let open = if let Some(open) = &mut self.open {
            open
        } else {
            let writer = SegmentWriter::create(self.target, (self.next_id)(), day, Packing::Small)?;
            let last = (i64::MIN, first.1);
            self.open.insert(OpenFile { day, writer, last, rows: 0, loose: BTreeSet::new() })
        };
        open.writer.write(batch)?;
        open.last = (last.0, last.1);
        open.rows += u64::try_from(places.len()).unwrap_or(0);
        open.loose.extend(loose);
        Ok(())
    }

    /// Ends the open file.
    fn finish(&mut self) -> Result<(), StoreError> {
        if let Some(open) = self.open.take() {
            self.done.push(open.writer.finish(&FileOrigin::Lines, &open.loose)?);
        }
        Ok(())
    }

    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            open.writer.abandon();
        }
    }
}

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Returns the rows at these places in the order of time; places without a copy where they stand
/// so already.
fn in_order(batch: &RecordBatch, places: &mut [Place]) -> Result<RecordBatch, StoreError> {
    let is_run = places.windows(2).all(|pair| match pair {
        [a, b] => (a.0, a.1) <= (b.0, b.1) && a.2 + 1 == b.2,
        _ => true,
    });
    if let (true, Some(first)) = (is_run, places.first()) {
        let offset = usize::try_from(first.2).unwrap_or(0);
        return Ok(batch.slice(offset, places.len()));
    }
    places.sort_unstable();
    let rows = UInt32Array::from_iter_values(places.iter().map(|place| place.2));
    Ok(take_record_batch(batch, &rows)?)
}
