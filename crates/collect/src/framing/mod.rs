//! Cuts a byte stream into records: RFC 6587 octet counting and newline framing, told apart for
//! each frame.
//!
//! Pure: bytes in, records out, and however the stream was cut into pieces on its way, the records
//! are the same. A record never grows past [`RECORD_BYTES_MAX`]; what is longer, what an octet count
//! lied about and what a connection left unfinished comes out as dead pieces with the reason, so
//! that no byte disappears and the stream goes on.

mod count;

#[cfg(test)]
mod tests;

use bytes::{Buf as _, Bytes, BytesMut};
use event::DeadReason;

use crate::limits::RECORD_BYTES_MAX;
use crate::several;
use count::{Boundary, Head};

/// A record, or a piece of what could not be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The bytes, without framing.
    pub(crate) bytes: Bytes,
    /// Why they must not be parsed.
    pub(crate) dead: Option<DeadReason>,
}

/// Where in the stream we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a frame: its first bytes say how it is framed.
    Start,
    /// In a record that ends with LF, CRLF or NUL.
    Line,
    /// In what follows a wrong octet count: up to the next line end or the next count.
    Astray,
    /// In a record of which this many bytes are to come.
    Counted { left: usize },
    /// In a record that is too long; `part` pieces of it have gone out.
    LongLine { part: usize },
    /// As before, for a counted one.
    LongCounted { part: usize, left: usize },
}

/// Cuts one stream.
#[derive(Debug)]
pub(crate) struct Framer {
    buffer: BytesMut,
    state: State,
    /// Bytes of the buffer that hold no line end, so that a slow sender costs no second look.
    scanned: usize,
    /// The stream has used octet counting: a frame without a count is a broken one.
    counted: bool,
    /// No more bytes will come.
    ended: bool,
}

impl Framer {
    /// Returns a framer at the start of a stream.
    pub(crate) fn new() -> Self {
        Self {
            buffer: BytesMut::new(),
            state: State::Start,
            scanned: 0,
            counted: false,
            ended: false,
        }
    }

    /// Takes bytes in and appends the records that are now whole.
    pub(crate) fn push(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) {
        self.buffer.extend_from_slice(bytes);
        self.cut(pieces);
    }

    /// Ends the stream: a line without its end is a record all the same, a counted record without
    /// its bytes is dead (`cut-short`).
    pub(crate) fn finish(&mut self, pieces: &mut Vec<Piece>) {
        self.ended = true;
        self.cut(pieces);
        if self.buffer.is_empty() {
            return;
        }
        let bytes = self.buffer.split().freeze();
        let (bytes, dead) = match self.state {
            State::Start | State::Line => (line(bytes), None),
            State::Astray => (line(bytes), Some(astray())),
            State::LongLine { part } | State::LongCounted { part, .. } => {
                (bytes, Some(too_long(part.saturating_add(1))))
            }
            State::Counted { left } => {
                let missing = left.saturating_sub(bytes.len());
                (bytes, Some(cut_short(left, missing)))
            }
        };
        push(pieces, bytes, dead);
    }

    /// Returns how many bytes are held for a record that is not whole.
    pub(crate) fn unfinished_bytes(&self) -> usize {
        self.buffer.len()
    }

    fn cut(&mut self, pieces: &mut Vec<Piece>) {
        while self.step(pieces) {}
        if self.buffer.is_empty() {
            // Lets go of a large record's memory.
            self.buffer = BytesMut::new();
        }
    }

    /// Makes one step; returns whether another may follow without more bytes.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.state {
            State::Start => self.start(),
            State::Line => self.line(pieces, None),
            State::Astray => self.astray(pieces),
            State::LongLine { part } => self.line(pieces, Some(part)),
            State::Counted { left } => self.counted(pieces, left),
            State::LongCounted { part, left } => self.long_counted(pieces, part, left),
        }
    }

    fn start(&mut self) -> bool {
        // Empty lines, and the line ends that some senders put between counted records.
        let blank = self.buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
        self.buffer.advance(blank);
        if self.buffer.is_empty() {
            return false;
        }
        match count::head(&self.buffer, self.counted, self.ended) {
            Head::NeedMore => return false,
            Head::Counted { digits, octets } => {
                self.buffer.advance(digits.saturating_add(1));
                self.counted = true;
                self.state = if octets > RECORD_BYTES_MAX {
                    State::LongCounted { part: 0, left: octets }
                } else {
                    State::Counted { left: octets }
                };
            }
            Head::Line => self.state = State::Line,
            Head::Astray => self.state = State::Astray,
        }
        self.scanned = 0;
        true
    }

    /// Ends a line, or a long line of which `part` pieces have gone out.
    fn line(&mut self, pieces: &mut Vec<Piece>, part: Option<usize>) -> bool {
        if let Some(end) = self.line_end() {
            let bytes = self.buffer.split_to(end).freeze();
            self.buffer.advance(1);
            self.emit(pieces, line(bytes), part.map(|part| too_long(part.saturating_add(1))));
            return true;
        }
        if self.buffer.len() > RECORD_BYTES_MAX {
            let part = part.unwrap_or(0).saturating_add(1);
            let bytes = self.buffer.split_to(RECORD_BYTES_MAX).freeze();
            pieces.push(Piece { bytes, dead: Some(too_long(part)) });
            self.state = State::LongLine { part };
            self.scanned = 0;
            return true;
        }
        false
    }

    fn astray(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let from = self.scanned.saturating_sub(count::BOUNDARY_BYTES);
        let end = self.line_end();
        let within = end.unwrap_or(self.buffer.len()).min(RECORD_BYTES_MAX.saturating_add(1));
        let window = self.buffer.get(..within).unwrap_or_default();
        match count::boundary(window, from, self.ended || end.is_some()) {
            Boundary::At(at) => {
                let bytes = self.buffer.split_to(at).freeze();
                self.emit(pieces, bytes, Some(astray()));
                true
            }
            Boundary::NeedMore if within == self.buffer.len() => false,
            Boundary::NeedMore | Boundary::None => {
                if let Some(end) = end {
                    let bytes = self.buffer.split_to(end).freeze();
                    self.buffer.advance(1);
                    self.emit(pieces, line(bytes), Some(astray()));
                    return true;
                }
                if self.buffer.len() > RECORD_BYTES_MAX {
                    let bytes = self.buffer.split_to(RECORD_BYTES_MAX).freeze();
                    pieces.push(Piece { bytes, dead: Some(astray()) });
                    self.scanned = 0;
                    return true;
                }
                false
            }
        }
    }

    fn counted(&mut self, pieces: &mut Vec<Piece>, left: usize) -> bool {
        if self.buffer.len() < left {
            return false;
        }
        let bytes = self.buffer.split_to(left).freeze();
        self.emit(pieces, line(bytes), None);
        true
    }

    fn long_counted(&mut self, pieces: &mut Vec<Piece>, part: usize, left: usize) -> bool {
        let size = left.min(RECORD_BYTES_MAX);
        if self.buffer.len() < size {
            return false;
        }
        let part = part.saturating_add(1);
        let left = left.saturating_sub(size);
        let bytes = self.buffer.split_to(size).freeze();
        self.emit(pieces, bytes, Some(too_long(part)));
        if left > 0 {
            self.state = State::LongCounted { part, left };
        }
        true
    }

    fn emit(&mut self, pieces: &mut Vec<Piece>, bytes: Bytes, dead: Option<DeadReason>) {
        push(pieces, bytes, dead);
        self.state = State::Start;
        self.scanned = 0;
    }

    /// Returns where the first line end stands within one record's length.
    fn line_end(&mut self) -> Option<usize> {
        let within = self.buffer.len().min(RECORD_BYTES_MAX.saturating_add(1));
        let fresh = self.buffer.get(self.scanned..within)?;
        let found = memchr::memchr2(b'\n', 0, fresh).map(|at| self.scanned.saturating_add(at));
        if found.is_none() {
            self.scanned = within;
        }
        found
    }
}

/// Returns a record whose bytes are one datagram, without the line ends and NULs at its end; a
/// datagram too long to be a record does not exist.
pub(crate) fn datagram(bytes: Bytes) -> Option<Bytes> {
    let bytes = line(bytes);
    (!bytes.is_empty()).then_some(bytes)
}

/// Appends a frame: the records in it, or one piece if it is dead.
fn push(pieces: &mut Vec<Piece>, bytes: Bytes, dead: Option<DeadReason>) {
    if bytes.is_empty() {
        return;
    }
    let records = if dead.is_none() { several::records(&bytes) } else { None };
    match records {
        Some(records) => {
            pieces.extend(records.into_iter().map(|bytes| Piece { bytes, dead: None }));
        }
        None => pieces.push(Piece { bytes, dead }),
    }
}

/// Returns the records of a line or datagram, cut into dead pieces where they are too long.
pub(crate) fn records(bytes: Bytes) -> Vec<Piece> {
    match several::records(&bytes) {
        Some(records) => records.into_iter().flat_map(whole).collect(),
        None => whole(bytes),
    }
}

/// Returns a record that came in one piece, cut into dead pieces if it is too long.
pub(crate) fn whole(bytes: Bytes) -> Vec<Piece> {
    if bytes.len() <= RECORD_BYTES_MAX {
        return vec![Piece { bytes, dead: None }];
    }
    pieces_of(&bytes, too_long)
}

/// Cuts bytes into dead pieces of at most a record's length.
pub(crate) fn pieces_of(bytes: &Bytes, reason: impl Fn(usize) -> DeadReason) -> Vec<Piece> {
    (0..bytes.len())
        .step_by(RECORD_BYTES_MAX)
        .enumerate()
        .map(|(index, start)| {
            let end = start.saturating_add(RECORD_BYTES_MAX).min(bytes.len());
            Piece { bytes: bytes.slice(start..end), dead: Some(reason(index.saturating_add(1))) }
        })
        .collect()
}

/// Returns the bytes without the line ends and NULs behind them.
fn line(mut bytes: Bytes) -> Bytes {
    let ends = bytes.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    bytes.truncate(bytes.len().saturating_sub(ends));
    bytes
}

fn too_long(part: usize) -> DeadReason {
    DeadReason::new(
        "too-long",
        format!("the record is longer than {RECORD_BYTES_MAX} bytes; part {part}"),
    )
}

fn astray() -> DeadReason {
    DeadReason::new(
        "bad-octet-count",
        "no octet count where one must stand: the count before it was wrong",
    )
}

fn cut_short(octets: usize, missing: usize) -> DeadReason {
    DeadReason::new(
        "cut-short",
        format!("the connection ended {missing} bytes before the {octets} that were announced"),
    )
}
