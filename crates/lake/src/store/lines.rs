//! A file of events → files of the lake, past memory and spool: on as many threads as are given.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, BufRead, Read as _};

use event::{Attr, EventId, IdSource};
use parking_lot::Mutex;

use crate::catalogue::{Segment, SegmentId};
use crate::error::StoreError;
use crate::limits::{FILE_ROWS_MAX, LINES_BYTES, LINES_CARRIED, PACKED_BYTES_MAX};
use crate::place::Target;
use crate::rows::{FlatDefaults, FlatReader, moment};
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
    // The latest lines of a piece wait for the next one: most lines are only a little out of order.
    let mut carried = Vec::new();
    let result = loop {
        std::mem::swap(&mut piece, &mut carried);
        let more = match next_piece(input, &mut piece) {
            Ok(more) => more,
            Err(error) => break Err(error.into()),
        };
        carried.clear();
        let text = match std::str::from_utf8(&piece) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(&piece),
        };
        let ids = ids.event_run(defaults.collected_at);
        match files.write(&mut reader, &text, ids, more.then_some(&mut carried)) {
            Ok(bad) => refused += bad,
            Err(error) => {
                files.abandon();
                break Err(error);
            }
        }
        if !more {
            break files.finish();
        }
    };
    (files.done, result.map(|()| refused))
}

/// Reads whole lines, as many as make a piece, behind those that are there; returns whether there was any.
fn next_piece(input: &Mutex<impl BufRead>, piece: &mut Vec<u8>) -> io::Result<bool> {
    let mut input = input.lock();
    let read = input.by_ref().take(LINES_BYTES).read_to_end(piece)?;
    if read > 0 && piece.last().is_some_and(|byte| *byte != b'\n') {
        input.by_ref().take(LINES_BYTES).read_until(b'\n', piece)?;
    }
    Ok(read > 0)
}

/// The files that one thread writes.
struct Files<'a, N> {
    target: &'a Target,
    next_id: &'a N,
    open: Option<OpenFile>,
    done: Vec<Segment>,
}

struct OpenFile {
    day: i64,
    writer: SegmentWriter,
    last_us: i64,
    rows: u64,
    loose: BTreeSet<Attr>,
}

/// A line's time in microseconds, and its place.
type Place = (i64, u32);

impl<N: Fn() -> SegmentId> Files<'_, N> {
    /// Writes lines, those of each day in the order of time; returns how many of them were refused.
    /// `ids` are greater than those of lines before. The latest lines are put into `carried`, if it is there.
    fn write(
        &mut self,
        reader: &mut FlatReader,
        text: &str,
        mut ids: impl Iterator<Item = EventId>,
        mut carried: Option<&mut Vec<u8>>,
    ) -> Result<u64, StoreError> {
        let (mut rest, mut refused) = (text, 0);
        while !rest.is_empty() {
            let cut = reader.cut(rest);
            refused += cut.refused;
            let mut places: Vec<Place> = reader.times().zip(0_u32..).collect();
            places.sort_unstable();
            let after = rest.get(cut.bytes..).unwrap_or_default();
            if let Some(carried) = carried.as_mut().filter(|_| after.is_empty()) {
                let kept = places.len() - LINES_CARRIED.min(places.len() / 2);
                for (_, line) in places.drain(kept..) {
                    carried.extend(reader.line(rest, at(line)).as_bytes());
                    carried.push(b'\n');
                }
            }
            for of_day in places.chunk_by(|a, b| day_of(*a) == day_of(*b)) {
                self.write_day(reader, rest, of_day, &mut ids)?;
            }
            rest = after;
        }
        Ok(refused)
    }

    /// Writes lines of one day, a granule at once.
    fn write_day(
        &mut self,
        reader: &mut FlatReader,
        text: &str,
        places: &[Place],
        ids: &mut impl Iterator<Item = EventId>,
    ) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return Ok(()) };
        let day = day_of(*first);
        let follows = self.open.as_ref().is_some_and(|open| {
            open.day == day && open.last_us <= first.0 && open.rows < FILE_ROWS_MAX
        });
        if !follows {
            self.finish()?;
        }
        let open = if let Some(open) = &mut self.open {
            open
        } else {
            let date = moment(first.0).date_naive();
            let writer =
                SegmentWriter::create(self.target, (self.next_id)(), date, Packing::Small)?;
            self.open.insert(OpenFile {
                day,
                writer,
                last_us: i64::MIN,
                rows: 0,
                loose: BTreeSet::new(),
            })
        };
        let mut left = places;
        while !left.is_empty() {
            let (now, rest) = left.split_at(open.writer.room().min(left.len()));
            let mut lines: Vec<usize> = now.iter().map(|(_, line)| at(*line)).collect();
            if lines.iter().map(|line| reader.bytes_of(*line)).sum::<usize>() <= PACKED_BYTES_MAX {
                lines.sort_by_key(|line| reader.kind_of(*line));
            }
            let rows = reader.rows(text, lines.into_iter(), &mut *ids, open.writer.tokens())?;
            open.writer.write_told(&rows.batch)?;
            open.loose.extend(rows.loose);
            left = rest;
        }
        open.last_us = last.0;
        open.rows += u64::try_from(places.len()).unwrap_or(0);
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

/// Returns the number of the UTC day of a line.
fn day_of((time_us, _): Place) -> i64 {
    time_us.div_euclid(DAY_US)
}

fn at(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}
