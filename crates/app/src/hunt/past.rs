//! The hunt through the lake's past: file by file as they lie, beside a running platform or without it.
//!
//! Files are judged in pieces of rows, as many at a time as there are threads, and merged in the order
//! of time of the files: the same lake gives the same answer on any number of threads. Only those rows are read
//! that may hold what the rules need, by the index of each file.

use std::ops::Range;
use std::sync::Arc;
use std::thread;

use anyhow::{Result, anyhow};
use chrono::{DateTime, Utc};
use detect::RuleSet;
use event::lake::Search;
use event::query::Query;
use indicatif::ProgressBar;
use lake::keep::{asked_rows, read_events};
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

/// What is read to answer a question.
pub(crate) struct Plan<'a> {
    question: &'a Question,
    /// Files of the question's time, whether anything of them is read or not.
    files: u64,
    pieces: Vec<Piece<'a>>,
    /// Rows were left out.
    is_narrow: bool,
}

impl Plan<'_> {
    /// Returns how many rows are read.
    pub(crate) fn rows(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.rows.len() as u64).sum()
    }
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

    /// Returns what is read to answer the question by these rules. A file whose index cannot be read is
    /// read whole.
    pub(crate) fn plan<'a>(&'a self, question: &'a Question, rules: &RuleSet) -> Plan<'a> {
        let needs =
            if question.indicators.is_empty() { rules.necessary_of_all() } else { Query::All };
        let search = Search {
            query: needs,
            from: question.from.unwrap_or(DateTime::<Utc>::MIN_UTC),
            to: question.to.unwrap_or(DateTime::<Utc>::MAX_UTC),
            limit: 0,
            after: None,
        };
        let asked = self.asked(question);
        let pieces = asked.iter().flat_map(|segment| self.pieces(segment, &search));
        let pieces = pieces.collect();
        let is_narrow = search.query != Query::All;
        Plan { question, files: asked.len() as u64, pieces, is_narrow }
    }

    fn pieces<'a>(&self, segment: &'a Segment, search: &Search) -> Vec<Piece<'a>> {
        let rows = usize::try_from(segment.rows).unwrap_or(usize::MAX);
        let whole = || std::iter::once(0..rows).collect();
        let rows = match search.query {
            Query::All => whole(),
            _ => asked_rows(&self.place, segment, search).unwrap_or_else(|_error| whole()),
        };
        let exhibit =
            Arc::new(Exhibit { shown: segment.path.clone(), written: segment.max_occurred_at });
        let cut = |rows: Range<usize>| {
            let end = rows.end;
            let piece = move |start: usize| start..end.min(start.saturating_add(PIECE_ROWS));
            rows.step_by(PIECE_ROWS).map(piece)
        };
        let piece = |rows| Piece { segment, exhibit: Arc::clone(&exhibit), rows };
        rows.into_iter().flat_map(cut).map(piece).collect()
    }

    /// Searches the files and gives each hit to `take`, in the order of the files' time; those of
    /// correlations follow, in the order of time. A file that cannot be read is named in the tally.
    ///
    /// # Errors
    /// What `take` cannot do.
    pub(crate) fn search(
        &self,
        plan: &Plan<'_>,
        reader: &Reader,
        rules: &Arc<RuleSet>,
        bar: &ProgressBar,
        take: &mut dyn FnMut(Hit) -> Result<()>,
    ) -> Result<Tally> {
        let question = plan.question;
        let jobs = question.jobs.max(1);
        let mut judges: Vec<Judge<'_>> =
            (0..jobs).map(|_| Judge::new(question, reader, rules)).collect();
        let mut merge = Merge::new(question, rules, take);
        for window in plan.pieces.chunks(jobs) {
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
        let mut tally = Tally { files: plan.files, ..merge.finish()? };
        if plan.is_narrow {
            // What was not read is not missing.
            tally.sources = rules.rules().iter().map(|rule| rule.logsource.clone()).collect();
        }
        Ok(tally)
    }

    fn judge(&self, judge: &mut Judge<'_>, piece: &Piece<'_>) -> Judged {
        let exhibit = Arc::clone(&piece.exhibit);
        match read_events(&self.place, piece.segment, piece.rows.clone()) {
            Ok(events) => judge.judge_events(exhibit, piece.rows.start as u64, events),
            Err(error) => Judged::refused(exhibit, web::chain(&error)),
        }
    }
}
