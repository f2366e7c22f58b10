//! What the lake holds at this moment, and the view of it that one question keeps to its end.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event::{Event, EventId};
use serde::Serialize;

use super::Buffer;
use crate::catalogue::SegmentId;
use crate::limits::WAITING_BUFFERS_MAX;
use crate::place::Leaving;
use crate::rows::Rows;
use crate::segment::SegmentFile;

/// Memory and files, changed together under one lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) active: Buffer,
    /// Buffers that wait for the disk, the oldest first.
    pub(crate) sealed: VecDeque<Arc<Buffer>>,
    /// Files, the one with the newest event first.
    pub(crate) segments: Arc<Vec<Arc<SegmentFile>>>,
    pub(crate) closed: bool,
    pub(crate) health: LakeHealth,
}

impl State {
    /// Lets the active buffer wait for the disk, if there is anything in it.
    pub(crate) fn seal(&mut self) {
        if !self.active.is_empty() {
            self.sealed.push_back(Arc::new(std::mem::take(&mut self.active)));
        }
    }

    /// Returns whether more events may be taken in.
    pub(crate) fn has_room(&self, memory_budget_bytes: usize) -> bool {
        // With nothing waiting there is nothing to wait for.
        self.sealed.is_empty()
            || (self.sealed.len() < WAITING_BUFFERS_MAX && self.bytes() < memory_budget_bytes)
    }

    /// Returns how much memory the events take.
    pub(crate) fn bytes(&self) -> usize {
        self.active.bytes() + self.sealed.iter().map(|buffer| buffer.bytes()).sum::<usize>()
    }

    /// Returns whether an event is in memory.
    pub(crate) fn holds(&self, id: EventId) -> bool {
        self.active.ids.contains(&id) || self.sealed.iter().any(|buffer| buffer.ids.contains(&id))
    }

    /// Adds files and takes others out; those go when their last reader is done.
    pub(crate) fn change_segments(&mut self, add: Vec<Arc<SegmentFile>>, remove: &[SegmentId]) {
        let mut segments: Vec<Arc<SegmentFile>> =
            Vec::with_capacity(self.segments.len() + add.len());
        for file in self.segments.iter() {
            if remove.contains(&file.segment.id) {
                file.leave(Leaving::Replaced);
            } else {
                segments.push(Arc::clone(file));
            }
        }
        // A change that is made a second time changes nothing.
        let is_new = |file: &Arc<SegmentFile>| {
            !self.segments.iter().any(|own| own.segment.id == file.segment.id)
        };
        segments.extend(add.into_iter().filter(is_new));
        segments.sort_by_key(|file| Reverse((file.segment.max_occurred_at, file.segment.id)));
        self.segments = Arc::new(segments);
    }

    /// Puts a file that lies elsewhere now in the place of what was there; returns whether it was.
    pub(crate) fn move_segment(&mut self, moved: SegmentFile) -> bool {
        let mut segments = Vec::clone(&self.segments);
        let mut files = segments.iter_mut();
        let Some(file) = files.find(|file| file.segment.id == moved.segment.id) else {
            return false;
        };
        std::mem::replace(file, Arc::new(moved)).leave(Leaving::Moved);
        self.segments = Arc::new(segments);
        true
    }

    /// Returns all that can be found now; nothing is in it twice.
    pub(crate) fn view(&self) -> View {
        let buffers = || self.sealed.iter().map(AsRef::as_ref).chain([&self.active]);
        View {
            batches: buffers().flat_map(|buffer| buffer.batches.iter().cloned()).collect(),
            tail: buffers().flat_map(|buffer| buffer.tail.iter().cloned()).collect(),
            segments: Arc::clone(&self.segments),
        }
    }
}

/// What one question sees: unchanged to its end, files included.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) batches: Vec<Arc<Rows>>,
    pub(crate) tail: Vec<Arc<Vec<Event>>>,
    pub(crate) segments: Arc<Vec<Arc<SegmentFile>>>,
}

/// How the lake is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LakeHealth {
    /// Events in memory that no file holds yet.
    pub waiting_events: u64,
    /// The memory they take.
    pub waiting_bytes: u64,
    /// How often in a row writing has failed; 0 is well.
    pub failures: u32,
    /// Since when it fails.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why, the whole chain of causes.
    pub error: Option<String>,
    /// When events were last made durable.
    pub flushed_at: Option<DateTime<Utc>>,
    /// Files that turned out not to be as they were written, as far as they were used since the start.
    pub damaged: Vec<String>,
}
