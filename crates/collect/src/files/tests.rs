//! Following files through everything that happens to log files. Rounds are turned by hand.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use event::{Frame, SpoolPosition, TestClock};
use tokio_util::sync::CancellationToken;

use super::checkpoint::FileKey;
use super::*;
use crate::durable::Durable;
use crate::limits::RECORD_BYTES_MAX;
use crate::spool::AppendError;
use crate::testing::{Bench, SOURCE, text};
use crate::{Spool, SpoolSettings};

struct Desk {
    bench: Bench,
    listener: FileListener,
}

fn settings(bench: &Bench, from_start: bool) -> FileSettings {
    let folder = bench.folder.path();
    FileSettings {
        source: SOURCE,
        patterns: vec![format!("{}/logs/*.log", folder.display()).parse().unwrap()],
        checkpoint: folder.join("state/source.json"),
        poll: Duration::from_millis(1),
        from_start,
    }
}

impl Desk {
    fn new() -> Self {
        let bench = Bench::new(SpoolSettings::default());
        fs::create_dir(bench.folder.path().join("logs")).unwrap();
        let settings = settings(&bench, true);
        let listener = FileListener::open(settings, &[], Arc::clone(&bench.intake)).unwrap();
        Self { bench, listener }
    }

    fn log(&self) -> PathBuf {
        self.bench.folder.path().join("logs/app.log")
    }

    /// Turns rounds until nothing is new and returns the lines that came.
    async fn lines(&mut self) -> Vec<String> {
        let before = self.bench.spool.committed();
        let stop = CancellationToken::new();
        while self.listener.follower.round(&stop).await {}
        self.collect(before).await
    }

    async fn collect(&mut self, before: SpoolPosition) -> Vec<String> {
        let mut lines = Vec::new();
        let mut at = before;
        while at < self.bench.spool.committed() {
            let batch = self.bench.reader.next().await.unwrap();
            at = batch.position;
            lines.extend(batch.frames.iter().map(text));
        }
        lines
    }

    fn write_checkpoint(&mut self) {
        let nobody = FileKey { device: 0, inode: 0 };
        self.listener.follower.write_down(nobody);
    }

    /// As a new process would: checkpoint and marks are all it has.
    fn restart(&mut self, marks: &[Bytes]) {
        let settings = settings(&self.bench, true);
        let intake = Arc::clone(&self.bench.intake);
        self.listener = FileListener::open(settings, marks, intake).unwrap();
    }
}

fn write(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn whole_lines_only_and_no_line_twice() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\ntwo\r\nthr");
    assert_eq!(desk.lines().await, ["one", "two"]);
    write(&log, "ee\n\n");
    assert_eq!(desk.lines().await, ["three"]);
    desk.restart(&[]);
    assert_eq!(desk.lines().await, [""; 0]);
    write(&log, "four\n");
    assert_eq!(desk.lines().await, ["four"]);
}

#[tokio::test]
async fn rotation_by_renaming_loses_nothing() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    let old = log.with_extension("log.1");
    fs::rename(&log, &old).unwrap();
    write(&old, "late\n");
    write(&log, "new\n");
    // Which of two files is read first is nobody's promise.
    let mut lines = desk.lines().await;
    lines.sort();
    assert_eq!(lines, ["late", "new"]);
    // The writer still has the old file open.
    write(&old, "later\nno end");
    assert_eq!(desk.lines().await, ["later"]);
    let mut rest = Vec::new();
    for _ in 0..30 {
        rest.extend(desk.lines().await);
    }
    assert_eq!(rest, ["no end"]);
}

#[tokio::test]
async fn rotation_while_we_were_away_loses_nothing() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    write(&log, "two\n");
    fs::rename(&log, log.with_extension("log.1")).unwrap();
    write(&log, "three\n");
    desk.restart(&[]);
    let mut lines = desk.lines().await;
    lines.sort();
    assert_eq!(lines, ["three", "two"]);
}

/// A spool whose disk refuses while it is told to.
#[derive(Debug)]
struct Refusing {
    spool: Spool,
    refuses: AtomicBool,
}

#[async_trait]
impl Durable for Refusing {
    async fn keep(&self, frames: &[Frame], mark: &[u8]) -> Result<SpoolPosition, AppendError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(AppendError::Full);
        }
        self.spool.append_marked(frames, mark).await
    }

    fn takes_more(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn files_that_come_and_go_while_nothing_is_taken_are_read_later() {
    let mut desk = Desk::new();
    let log = desk.log();
    let (spool, before) = (desk.bench.spool.clone(), &desk.bench.intake);
    let disk = Arc::new(Refusing { spool, refuses: AtomicBool::new(true) });
    let intake = Intake {
        durable: Arc::clone(&disk) as _,
        directory: Arc::clone(&before.directory),
        counters: Arc::clone(&before.counters),
        clock: Arc::clone(&before.clock),
        ids: Arc::clone(&before.ids),
    };
    desk.bench.intake = Arc::new(intake);
    desk.restart(&[]);
    let mut written = Vec::new();
    for number in 10..50 {
        written.push(format!("line {number}"));
        write(&log, &format!("line {number}\n"));
        assert_eq!(desk.lines().await, [""; 0]);
        fs::rename(&log, log.with_extension(format!("log.{number}"))).unwrap();
    }
    disk.refuses.store(false, Ordering::Relaxed);
    let mut lines = desk.lines().await;
    lines.sort();
    assert_eq!(lines, written, "each line once");
}

#[tokio::test]
async fn what_is_away_for_a_while_is_not_read_again() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    let folder = log.parent().unwrap().to_owned();
    let away = desk.bench.folder.path().join("away");
    fs::rename(&folder, &away).unwrap();
    // Longer than a file without a name is read on.
    for _ in 0..50 {
        assert_eq!(desk.lines().await, [""; 0]);
    }
    fs::rename(&away, &folder).unwrap();
    write(&log, "two\n");
    assert_eq!(desk.lines().await, ["two"]);
    // The same over an end and a start, with a checkpoint that is written meanwhile.
    fs::rename(&folder, &away).unwrap();
    desk.restart(&[]);
    assert_eq!(desk.lines().await, [""; 0]);
    let checkpoint = desk.bench.folder.path().join("state/source.json");
    desk.write_checkpoint();
    assert!(fs::read_to_string(&checkpoint).unwrap().contains("app.log"));
    desk.restart(&[]);
    assert_eq!(desk.lines().await, [""; 0]);
    fs::rename(&away, &folder).unwrap();
    write(&log, "three\n");
    assert_eq!(desk.lines().await, ["three"]);
    // What is gone for sure is forgotten: its number may be another file's.
    fs::remove_file(&log).unwrap();
    for _ in 0..50 {
        assert_eq!(desk.lines().await, [""; 0]);
    }
    desk.write_checkpoint();
    assert_eq!(fs::read_to_string(&checkpoint).unwrap(), "[]");
}

#[tokio::test]
async fn nothing_more_is_read_while_it_cannot_be_written_down_how_far() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    // Where the checkpoint is written stands a folder that cannot be replaced.
    let beside = desk.bench.folder.path().join("state/source.new");
    fs::create_dir(&beside).unwrap();
    write(&log, "two\n");
    write(&log.with_file_name("b.log"), "two\n");
    assert_eq!(desk.lines().await, ["two"]);
    write(&log, "three\n");
    let spool = desk.bench.folder.path().join("spool");
    let (before, stop) = (marks_in(&spool), CancellationToken::new());
    for _ in 0..3 {
        assert!(!desk.listener.follower.round(&stop).await);
    }
    // The spool is about to forget the first of them.
    let marks = marks_in(&spool);
    assert_eq!((marks.len(), marks.last()), (before.len() + 3, before.last()));
    fs::remove_dir(&beside).unwrap();
    let mut lines = desk.lines().await;
    lines.sort();
    assert_eq!(lines, ["three", "two"]);
    desk.restart(&[]);
    assert_eq!(desk.lines().await, [""; 0]);
}

#[tokio::test]
async fn what_does_not_come_back_is_forgotten_in_the_end() {
    let mut desk = Desk::new();
    let log = desk.log();
    let clock =
        Arc::new(TestClock::at(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
    let before = &desk.bench.intake;
    let intake = Intake {
        durable: Arc::clone(&before.durable),
        directory: Arc::clone(&before.directory),
        counters: Arc::clone(&before.counters),
        clock: Arc::clone(&clock) as _,
        ids: Arc::clone(&before.ids),
    };
    desk.bench.intake = Arc::new(intake);
    desk.restart(&[]);
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    let checkpoint = desk.bench.folder.path().join("state/source.json");
    let folder = log.parent().unwrap().to_owned();
    fs::rename(&folder, desk.bench.folder.path().join("away")).unwrap();
    for (days, is_kept) in [(6, true), (2, false)] {
        for _ in 0..50 {
            assert_eq!(desk.lines().await, [""; 0]);
        }
        clock.advance(chrono::TimeDelta::days(days));
        assert_eq!(desk.lines().await, [""; 0]);
        desk.write_checkpoint();
        assert_eq!(fs::read_to_string(&checkpoint).unwrap().contains("app.log"), is_kept);
    }
}

#[tokio::test]
async fn truncation_begins_anew() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one is a longer line\n");
    assert_eq!(desk.lines().await, ["one is a longer line"]);
    fs::write(&log, "two\n").unwrap();
    assert_eq!(desk.lines().await, ["two"]);
    // Emptied and grown past the old place between two looks.
    fs::write(&log, "three\nfour\nfive\n").unwrap();
    assert_eq!(desk.lines().await, ["three", "four", "five"]);
}

#[tokio::test]
async fn a_crash_before_the_checkpoint_doubles_nothing() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "one\n");
    assert_eq!(desk.lines().await, ["one"]);
    let checkpoint = desk.bench.folder.path().join("state/source.json");
    let before = fs::read(&checkpoint).unwrap();
    write(&log, "two\n");
    assert_eq!(desk.lines().await, ["two"]);
    // The crash: the spool has the lines, the checkpoint does not know.
    fs::write(&checkpoint, before).unwrap();
    desk.bench.spool.close().await;
    let marks = marks_in(&desk.bench.folder.path().join("spool"));
    // A fresh spool beside the same logs; its folder lives as long as the test.
    let fresh = Bench::new(SpoolSettings::default());
    let bench = Bench { folder: desk.bench.folder, ..fresh };
    let mut desk = Desk { bench, listener: desk.listener };
    desk.restart(&marks);
    write(&log, "three\n");
    assert_eq!(desk.lines().await, ["three"]);
}

/// Copies the spool (its folder is still locked) and returns the marks in it.
fn marks_in(spool: &Path) -> Vec<Bytes> {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(spool).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let opened = Spool::open(copy.path(), SpoolSettings::default(), None).unwrap();
    opened.2.marks
}

#[tokio::test]
async fn a_long_line_goes_out_in_dead_pieces() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, &"x".repeat(2 * RECORD_BYTES_MAX + 5));
    let mut lines = desk.lines().await;
    write(&log, "yz\nnext\n");
    lines.extend(desk.lines().await);
    let sizes: Vec<usize> = lines.iter().map(String::len).collect();
    let prefix = "!too-long ".len();
    assert_eq!(sizes, [RECORD_BYTES_MAX + prefix, RECORD_BYTES_MAX + prefix, 7 + prefix, 4]);
}

#[tokio::test]
async fn old_files_are_passed_over_when_asked() {
    let mut desk = Desk::new();
    let log = desk.log();
    write(&log, "old\n");
    let settings = settings(&desk.bench, false);
    desk.listener = FileListener::open(settings, &[], Arc::clone(&desk.bench.intake)).unwrap();
    assert_eq!(desk.lines().await, [""; 0]);
    write(&log, "new\n");
    write(&log.with_file_name("b.log"), "from its start\n");
    let mut lines = desk.lines().await;
    lines.sort();
    assert_eq!(lines, ["from its start", "new"]);
}
