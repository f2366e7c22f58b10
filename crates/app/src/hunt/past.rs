//! The hunt through the lake's past: file by file as they lie, beside a running platform or without it.
//!
//! Files are judged in pieces of rows, as many at a time as there are threads, and merged in the order
//! of time of the files: the same lake gives the same answer on any number of threads.

use std::ops::Range;
use std::sync::Arc;
use std::thread;

use anyhow::{Result, anyhow};
use detect::RuleSet;
use indicatif::ProgressBar;
use lake::keep::read_events;
use lake::{Place, Segment};

use super::evidence::Exhibit;
use super::judge::{Judge, Judged};
use super::reading::Reader;
use super::{Hit, Merge, Question, Tally};

/// Rows that one thread judges at a time: what stays small in memory and still outweighs the opening of
/// the file.
const PIECE_ROWS: usize = 65_536;

/// The lake's files.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) place: Arc<Place>,
    pub(crate) segments: Vec<Segment>,
}

/// Some rows of one file.
struct Piece<'a> {
    segment: &'a Segment,
    exhibit: Arc<Exhibit>,
    rows: Range<usize>,
}

impl Past {
    /// Returns the files that may hold events of the question's time, in the order of time.
    fn asked(&self, question: &Question) -> Vec<&Segment> {
        let is_asked = |segment: &&Segment| {
            question.from.is_none_or(|from| segment.max_occurred_at >= from)
                && question.to.is_none_or(|to| segment.min_occurred_at < to)
        };
        let mut asked: Vec<&Segment> = self.segments.iter().filter(is_asked).collect();
        asked.sort_by_key(|segment| (segment.min_occurred_at, segment.id));
        asked
    }

    /// Returns how many rows are read to answer the question.
    pub(crate) fn rows(&self, question: &Question) -> u64 {
        self.asked(question).iter().map(|segment| segment.rows).sum()
    }

    /// Searches the files and gives each hit to `take`, in the order of the files' time; those of
    /// correlations follow, in the order of time. A file that cannot be read is named in the tally.
    ///
    /// # Errors
    /// What `take` cannot do.
    pub(crate) fn search(
        &self,
        question: &Question,
        reader: &Reader,
        rules: &Arc<RuleSet>,
        bar: &ProgressBar,
        take: &mut dyn FnMut(Hit) -> Result<()>,
    ) -> Result<Tally> {
        let jobs = question.jobs.max(1);
        let mut judges: Vec<Judge<'_>> =
            (0..jobs).map(|_| Judge::new(question, reader, rules)).collect();
        let mut merge = Merge::new(question, rules, take);
        let asked = self.asked(question);
        let pieces: Vec<Piece<'_>> = asked.iter().flat_map(|segment| pieces(segment)).collect();
        for window in pieces.chunks(jobs) {
            let judged: Vec<Result<Judged>> = thread::scope(|scope| {
                let threads: Vec<_> = window
                    .iter()
                    .zip(&mut judges)
                    .map(|(piece, judge)| scope.spawn(|| self.judge(judge, piece)))
                    .collect();
                let lost = |_panic| anyhow!("judging failed");
                threads.into_iter().map(|thread| thread.join().map_err(lost)).collect()
            });
            for judged in judged {
                merge.piece(judged?)?;
            }
            bar.inc(window.iter().map(|piece| piece.rows.len() as u64).sum());
        }
        Ok(Tally { files: asked.len() as u64, ..merge.finish()? })
    }

    fn judge(&self, judge: &mut Judge<'_>, piece: &Piece<'_>) -> Judged {
        let exhibit = Arc::clone(&piece.exhibit);
        match read_events(&self.place, piece.segment, piece.rows.clone()) {
            Ok(events) => judge.judge_events(exhibit, piece.rows.start as u64, events),
            Err(error) => Judged::refused(exhibit, web::chain(&error)),
        }
    }
}

fn pieces(segment: &Segment) -> Vec<Piece<'_>> {
    let exhibit =
        Arc::new(Exhibit { shown: segment.path.clone(), written: segment.max_occurred_at });
    let rows = usize::try_from(segment.rows).unwrap_or(usize::MAX);
    let piece = |start| Piece {
        segment,
        exhibit: Arc::clone(&exhibit),
        rows: start..rows.min(start.saturating_add(PIECE_ROWS)),
    };
    (0..rows).step_by(PIECE_ROWS).map(piece).collect()
}
