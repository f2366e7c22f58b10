//! A spool on a disk that fails: nothing is accepted that is not there, and nothing refused stays.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::disk::{Disk, LocalDisk, SegmentFile};
use super::shared::Shared;
use super::tests::{append, frame, open, rest, segments};
use super::{AppendError, Floor, Spool, SpoolReader, SpoolSettings, Trouble};

/// A disk that fails on demand.
#[derive(Debug, Default)]
struct FailingDisk {
    full: AtomicBool,
    unsynced: AtomicBool,
    low: AtomicBool,
    uncut: AtomicBool,
    failures: AtomicU64,
    /// What forgets, up to this position, just when a new segment has been made.
    forgetting: OnceLock<(Arc<Shared>, u64)>,
}

#[derive(Debug)]
struct FailingFile {
    file: Box<dyn SegmentFile>,
    disk: Arc<FailingDisk>,
}

impl Disk for Arc<FailingDisk> {
    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(if self.low.load(Ordering::SeqCst) { 1000 } else { u64::MAX })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.check(&self.full)?;
        let file = LocalDisk.create(path)?;
        if let Some((shared, up_to)) = self.forgetting.get() {
            shared.forget(*up_to);
        }
        Ok(Box::new(FailingFile { file, disk: Arc::clone(self) }))
    }
}

impl FailingDisk {
    fn check(&self, fault: &AtomicBool) -> io::Result<()> {
        if fault.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }
}

impl SegmentFile for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.disk.check(&self.disk.full) {
            // The disk took half of it.
            self.file.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.check(&self.disk.unsynced)?;
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.check(&self.disk.uncut)?;
        self.file.cut(length)
    }
}

#[tokio::test]
async fn a_failing_disk_accepts_nothing_and_the_spool_mends_itself() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let floor = Floor { stored: None, read: None };
    let (spool, mut reader, _) =
        Spool::open_on(folder.path(), SpoolSettings::default(), floor, Arc::new(Arc::clone(&disk)))
            .unwrap();
    append(&spool, "before").await;
    for fault in [&disk.full, &disk.unsynced] {
        fault.store(true, Ordering::SeqCst);
        disk.uncut.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            let refused = spool.append(&[frame("never accepted")]).await;
            assert!(matches!(refused, Err(AppendError::Failed(_))), "{refused:?}");
        }
        // Space is back, but the half-written record cannot be cut off yet.
        fault.store(false, Ordering::SeqCst);
        assert!(spool.append(&[frame("never accepted")]).await.is_err());
        disk.uncut.store(false, Ordering::SeqCst);
        append(&spool, "after").await;
    }
    assert!(disk.failures.load(Ordering::SeqCst) >= 6);
    spool.close().await;
    assert_eq!(rest(&mut reader).await, ["before", "after", "after"]);
    drop((spool, reader));
    let (spool, mut reader, recovered) = open(folder.path(), 0);
    assert_eq!((recovered.batches, recovered.damaged_bytes, recovered.truncated_bytes), (3, 0, 0));
    spool.close().await;
    assert_eq!(rest(&mut reader).await, ["before", "after", "after"]);
}

#[tokio::test]
async fn a_disk_with_too_little_room_is_left_to_others_until_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let floor = Floor { stored: None, read: None };
    let open = |disk: &Arc<FailingDisk>| {
        let disk = Arc::new(Arc::clone(disk));
        Spool::open_on(folder.path(), SpoolSettings::default(), floor, disk).unwrap()
    };
    disk.low.store(true, Ordering::SeqCst);
    let (spool, reader, _) = open(&disk);
    let refused = spool.append(&[frame("no room")]).await;
    assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
    assert!(!spool.has_room());
    let trouble = spool.trouble();
    assert!(matches!(trouble, Some(Trouble::DiskLow { free_bytes: 1000, .. })), "{trouble:?}");
    drop((spool, reader));
    disk.low.store(false, Ordering::SeqCst);
    let (spool, _reader, _) = open(&disk);
    append(&spool, "room again").await;
    assert_eq!(spool.trouble(), None);
    disk.full.store(true, Ordering::SeqCst);
    assert!(spool.append(&[frame("refused")]).await.is_err());
    assert!(matches!(spool.trouble(), Some(Trouble::Failing { .. })));
    disk.full.store(false, Ordering::SeqCst);
    append(&spool, "taken").await;
    assert_eq!(spool.trouble(), None);
}

/// Opens a spool whose reader begins at its start.
fn on(disk: &Arc<FailingDisk>, folder: &Path) -> (Spool, SpoolReader) {
    let floor = Floor { stored: None, read: None };
    let disk = Arc::new(Arc::clone(disk));
    let (spool, reader, _) = Spool::open_on(folder, SpoolSettings::default(), floor, disk).unwrap();
    (spool, reader)
}

/// Copies the spool as it lies there, as a crash leaves it.
fn crashed(spool: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for segment in segments(spool) {
        std::fs::copy(&segment, copy.path().join(segment.file_name().unwrap())).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_was_refused_does_not_come_back_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let (spool, _reader) = on(&disk, folder.path());
    append(&spool, "before").await;
    // The whole record is in the file, and its sender is told that it is not.
    disk.unsynced.store(true, Ordering::SeqCst);
    assert!(spool.append(&[frame("refused")]).await.is_err());
    let copy = crashed(folder.path());
    let (again, mut reader, recovered) = open(copy.path(), 0);
    assert_eq!((recovered.batches, recovered.truncated_bytes), (1, 0));
    again.close().await;
    assert_eq!(rest(&mut reader).await, ["before"]);
}

#[tokio::test]
async fn what_was_refused_does_not_come_back_after_an_orderly_end() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let (spool, reader) = on(&disk, folder.path());
    append(&spool, "before").await;
    disk.unsynced.store(true, Ordering::SeqCst);
    disk.uncut.store(true, Ordering::SeqCst);
    assert!(spool.append(&[frame("refused")]).await.is_err());
    // The disk is well again, and nobody sends any more.
    disk.uncut.store(false, Ordering::SeqCst);
    spool.close().await;
    drop((spool, reader));
    let (spool, mut reader, recovered) = open(folder.path(), 0);
    assert_eq!(recovered.batches, 1);
    spool.close().await;
    assert_eq!(rest(&mut reader).await, ["before"]);
}

#[tokio::test]
async fn a_segment_begun_anew_under_its_name_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::default());
    let (spool, mut reader) = on(&disk, folder.path());
    disk.unsynced.store(true, Ordering::SeqCst);
    assert!(spool.append(&[frame("refused")]).await.is_err());
    disk.unsynced.store(false, Ordering::SeqCst);
    // The lake forgets all below that segment while the file is made again.
    assert!(disk.forgetting.set((Arc::clone(&spool.shared), 0)).is_ok());
    append(&spool, "accepted").await;
    assert_eq!(segments(folder.path()).len(), 1, "the file that holds it is gone");
    spool.close().await;
    assert_eq!(rest(&mut reader).await, ["accepted"]);
}

#[tokio::test]
async fn what_cannot_be_read_back_is_told_and_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut reader, _) = open(folder.path(), 0);
    append(&spool, "accepted").await;
    let file = segments(folder.path()).remove(0);
    let away = folder.path().join("away");
    std::fs::rename(&file, &away).unwrap();
    while spool.trouble().is_none() {
        let read = tokio::time::timeout(Duration::from_millis(50), reader.next()).await;
        assert!(read.is_err(), "{read:?}");
    }
    let trouble = spool.trouble();
    let names_it = |error: &String| error.contains(&file.display().to_string());
    assert!(
        matches!(&trouble, Some(Trouble::Unreadable { error }) if names_it(error)),
        "{trouble:?}"
    );
    std::fs::rename(&away, &file).unwrap();
    let batch = reader.next().await.unwrap();
    assert_eq!(batch.frames.len(), 1);
    assert_eq!(spool.trouble(), None);
}
