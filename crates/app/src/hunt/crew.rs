//! The threads of a hunt. Each takes the next file, reads it and judges what it reads; some pieces are
//! laid out for threads that have nothing to read, so that one large file keeps all of them busy.
//!
//! What they found is taken in the order of the evidence. So that it does not pile up, threads that are
//! far ahead of the taker wait, and judge what others hand over meanwhile; whoever holds the piece that
//! is taken next never waits.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use event::EventId;
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::evidence::{Open, Opener, Piece};
use super::judge::{Judge, Judged};

/// Pieces judged and not yet taken, for each thread: enough that none waits while another unpacks an
/// archive, few enough to hold.
const AHEAD_PER_JOB: usize = 64;

/// Which piece of which file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) piece: usize,
}

impl Place {
    /// Returns the id of a record, the same in every hunt over the same evidence: of the time its file
    /// was written, and of its place.
    pub(super) fn event_id(self, record: u64, written: DateTime<Utc>) -> EventId {
        let number = |part: usize| u64::try_from(part).unwrap_or(u64::MAX);
        let piece = (number(self.file) << 32) ^ number(self.piece);
        let low = spread(spread(piece).wrapping_add(record));
        let ms = u64::try_from(written.timestamp_millis()).unwrap_or(0);
        // Version and variant of a UUIDv7 (RFC 9562).
        let (high, low) = ((ms << 16) | 0x7000, (low >> 2) | (1 << 63));
        EventId::from_uuid(Uuid::from_u64_pair(high, low))
    }
}

/// Spreads neighbouring numbers over all numbers, no two onto one (`SplitMix64`).
fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What the threads share.
pub(super) struct Crew<'a> {
    files: &'a [PathBuf],
    open: Open<'a>,
    ahead_max: usize,
    /// Pieces laid out at a time: as many as there are threads, none for a single one.
    handed_max: usize,
    state: Mutex<State>,
    /// There is something to do, or to wait for no longer.
    turn: Condvar,
    /// There is something to take.
    news: Condvar,
    bytes_read: AtomicU64,
    opened: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The file that is opened next.
    unopened: usize,
    /// Files that are being read.
    open: usize,
    /// Pieces laid out for idle threads.
    pieces: VecDeque<(Place, Piece)>,
    found: BTreeMap<Place, Found>,
    /// What is taken next.
    next: Place,
    /// Nothing more is wanted.
    is_over: bool,
}

enum Found {
    Judged(Box<Judged>),
    /// The file has no piece of this number, nor after it.
    End,
}

enum Work {
    File(usize),
    Piece(Place, Piece),
    Nothing,
}

impl<'a> Crew<'a> {
    /// Returns what so many threads share over these files.
    pub(super) fn new((files, open): (&'a [PathBuf], Open<'a>), jobs: usize) -> Self {
        Self {
            files,
            open,
            ahead_max: jobs * AHEAD_PER_JOB,
            handed_max: if jobs > 1 { jobs } else { 0 },
            state: Mutex::default(),
            turn: Condvar::new(),
            news: Condvar::new(),
            bytes_read: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        }
    }

    /// Returns how many bytes were read of the files so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Returns how many files were opened, those in archives too.
    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Reads and judges until nothing is left, on the thread that calls.
    pub(super) fn work(&self, mut judge: Judge<'_>) {
        let _over = self.over_if_it_fails();
        loop {
            match self.next_work() {
                Work::File(number) => self.read(number, &mut judge),
                Work::Piece(place, piece) => self.judge(&mut judge, place, piece),
                Work::Nothing => return,
            }
        }
    }

    /// Returns the next piece's findings, in the order of the evidence; `None` after the last.
    pub(super) fn take(&self) -> Option<Judged> {
        let mut state = self.state.lock();
        loop {
            let next = state.next;
            if state.is_over || next.file >= self.files.len() {
                return None;
            }
            let Some(found) = state.found.remove(&next) else {
                self.news.wait(&mut state);
                continue;
            };
            state.next = match found {
                Found::Judged(_) => Place { piece: next.piece + 1, ..next },
                Found::End => Place { file: next.file + 1, piece: 0 },
            };
            self.turn.notify_all();
            if let Found::Judged(judged) = found {
                return Some(*judged);
            }
        }
    }

    /// Returns what ends the work of all when it is dropped.
    pub(super) const fn over(&self) -> Over<'_, 'a> {
        Over { crew: self, always: true }
    }

    /// Nobody waits for a thread that failed.
    const fn over_if_it_fails(&self) -> Over<'_, 'a> {
        Over { crew: self, always: false }
    }

    fn next_work(&self) -> Work {
        let mut state = self.state.lock();
        loop {
            if state.is_over {
                return Work::Nothing;
            }
            if let Some((place, piece)) = state.pieces.pop_front() {
                return Work::Piece(place, piece);
            }
            let file = state.unopened;
            if file < self.files.len() && !self.is_ahead(&state, Place { file, piece: 0 }) {
                state.unopened += 1;
                state.open += 1;
                return Work::File(file);
            }
            if file >= self.files.len() && state.open == 0 {
                return Work::Nothing;
            }
            self.idle(&mut state);
        }
    }

    fn idle(&self, state: &mut parking_lot::MutexGuard<'_, State>) {
        self.turn.wait(state);
    }

    fn is_ahead(&self, state: &State, place: Place) -> bool {
        state.found.len() >= self.ahead_max && place != state.next
    }

    fn read(&self, file: usize, judge: &mut Judge<'_>) {
        let mut place = Place { file, piece: 0 };
        let mut send = |piece: Piece| {
            let flow = self.hand_over(place, piece, judge);
            place.piece += 1;
            flow
        };
        let mut opener = Opener {
            open: self.open,
            send: &mut send,
            bytes_read: &self.bytes_read,
            files: &self.opened,
        };
        let flow = self.files.get(file).map(|path| opener.open(path));
        let mut state = self.state.lock();
        state.open -= 1;
        // Where nothing more is wanted, nobody takes the end.
        state.is_over |= flow.is_some_and(|flow| flow.is_break());
        state.found.insert(place, Found::End);
        self.tell(&state, place);
        self.turn.notify_all();
    }

    /// Lays a piece out for an idle thread, or, where enough lie there, judges one.
    fn hand_over(&self, place: Place, piece: Piece, judge: &mut Judge<'_>) -> ControlFlow<()> {
        let mut state = self.state.lock();
        loop {
            if state.is_over {
                return ControlFlow::Break(());
            }
            let is_ahead = self.is_ahead(&state, place);
            if !is_ahead && state.pieces.len() < self.handed_max {
                break;
            }
            if let Some((place, piece)) = state.pieces.pop_front() {
                drop(state);
                self.judge(judge, place, piece);
                state = self.state.lock();
            } else if is_ahead {
                self.idle(&mut state);
            } else {
                drop(state);
                self.judge(judge, place, piece);
                return ControlFlow::Continue(());
            }
        }
        state.pieces.push_back((place, piece));
        self.turn.notify_one();
        ControlFlow::Continue(())
    }

    fn judge(&self, judge: &mut Judge<'_>, place: Place, piece: Piece) {
        let judged = judge.judge(place, piece);
        let mut state = self.state.lock();
        state.found.insert(place, Found::Judged(Box::new(judged)));
        self.tell(&state, place);
    }

    fn tell(&self, state: &State, place: Place) {
        if place == state.next {
            self.news.notify_one();
        }
    }
}

/// Ends the work of all when it is dropped.
pub(super) struct Over<'c, 'a> {
    crew: &'c Crew<'a>,
    /// Else only where the thread fails.
    always: bool,
}

impl Drop for Over<'_, '_> {
    fn drop(&mut self) {
        if self.always || std::thread::panicking() {
            self.crew.state.lock().is_over = true;
            self.crew.turn.notify_all();
            self.crew.news.notify_all();
        }
    }
}
