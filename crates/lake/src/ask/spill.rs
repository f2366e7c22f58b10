//! Where SQL questions spill to. Where the lake is encrypted, so is what they spill: files without a name,
//! sealed piece by piece under the newest data key, as records that wait in the spool are ([`RecordSeal`]).
//!
//! Where each piece ends is remembered in memory alone, so nothing of a file is taken at its word.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use event::seal::Seal as _;
use futures::{Stream, stream};
use parking_lot::Mutex;

use crate::encryption::{Keyring, RecordSeal};

/// Bytes that are sealed at a time: what `DataFusion` reads of a plain file at a time.
const PIECE_BYTES: usize = 128 << 10;

/// Returns what a question spills to: a folder, and of the disk so many bytes at most.
///
/// # Errors
///
/// When the system gives no random numbers for a key.
pub(crate) fn disk(
    folder: PathBuf,
    keys: Option<&Arc<Keyring>>,
    bytes_max: u64,
) -> Result<DiskManagerBuilder> {
    let builder = DiskManagerBuilder::default().with_max_temp_directory_size(bytes_max);
    let Some(keys) = keys else {
        return Ok(builder.with_mode(DiskManagerMode::Directories(vec![folder])));
    };
    let seal = RecordSeal::new(Arc::clone(keys))
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let room = Room { used: AtomicU64::new(0), bytes_max };
    let sealed = SealedSpill {
        folder,
        seal: Arc::new(seal),
        room: Arc::new(room),
        files: AtomicU64::new(0),
    };
    Ok(builder.with_temp_file_factory(Arc::new(sealed)))
}

/// Bytes of the disk that one question may take, and has taken.
#[derive(Debug)]
struct Room {
    used: AtomicU64,
    bytes_max: u64,
}

impl Room {
    fn take(&self, bytes: u64) -> io::Result<()> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if used <= self.bytes_max {
            return Ok(());
        }
        self.give_back(bytes);
        Err(io::Error::other(format!(
            "it spills more than {} bytes to the disk; ask for less time or fewer columns",
            self.bytes_max
        )))
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Makes the files of one question.
#[derive(Debug)]
struct SealedSpill {
    folder: PathBuf,
    seal: Arc<RecordSeal>,
    room: Arc<Room>,
    files: AtomicU64,
}

impl TempFileFactory for SealedSpill {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        let spilled = Spilled {
            file: nameless(&self.folder)?,
            number: self.files.fetch_add(1, Ordering::Relaxed),
            seal: Arc::clone(&self.seal),
            room: Arc::clone(&self.room),
            ends: Mutex::default(),
        };
        Ok(Arc::new(SealedFile(Arc::new(spilled))))
    }
}

/// Opens a file that ends with who has it open, whatever ends the process.
fn nameless(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder)
}

/// A file of a question.
struct Spilled {
    file: File,
    number: u64,
    seal: Arc<RecordSeal>,
    room: Arc<Room>,
    /// Where each sealed piece ends.
    ends: Mutex<Vec<u64>>,
}

impl fmt::Debug for Spilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spilled").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Spilled {
    /// Returns what a piece is bound to: its file and its place there.
    fn bound(&self, piece: usize) -> [u8; 16] {
        let piece = u64::try_from(piece).unwrap_or(u64::MAX);
        ((u128::from(self.number) << 64) | u128::from(piece)).to_be_bytes()
    }

    /// Adds a piece.
    fn add(&self, plain: Vec<u8>) -> io::Result<()> {
        let mut ends = self.ends.lock();
        let start = ends.last().copied().unwrap_or_default();
        let sealed = self.seal.seal(plain, &self.bound(ends.len())).map_err(io::Error::other)?;
        let length = sealed.len() as u64;
        self.room.take(length)?;
        self.file
            .write_all_at(&sealed, start)
            .inspect_err(|_refused| self.room.give_back(length))?;
        ends.push(start.saturating_add(length));
        Ok(())
    }

    /// Returns a piece, as it was written; none behind the last.
    fn piece(&self, piece: usize) -> io::Result<Option<Bytes>> {
        let (start, end) = {
            let ends = self.ends.lock();
            let before = piece.checked_sub(1).and_then(|before| ends.get(before));
            let Some(end) = ends.get(piece) else { return Ok(None) };
            (before.copied().unwrap_or_default(), *end)
        };
        let length = usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?;
        let mut sealed = vec![0; length];
        self.file.read_exact_at(&mut sealed, start)?;
        let opened = self.seal.open(sealed.into(), &self.bound(piece));
        opened.map(Some).map_err(io::Error::other)
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        self.room.give_back(self.ends.get_mut().last().copied().unwrap_or_default());
    }
}

/// A file of a question, as `DataFusion` has it.
#[derive(Debug)]
struct SealedFile(Arc<Spilled>);

impl SpillFile for SealedFile {
    fn size(&self) -> Option<u64> {
        Some(self.0.ends.lock().last().copied().unwrap_or_default())
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let from = (Arc::clone(&self.0), 0_usize);
        Ok(Box::pin(stream::unfold(from, |(spilled, piece)| async move {
            let file = Arc::clone(&spilled);
            let read = tokio::task::spawn_blocking(move || file.piece(piece)).await;
            let read = match read {
                Ok(read) => read.map_err(DataFusionError::IoError).transpose()?,
                Err(ended) => Err(DataFusionError::External(Box::new(ended))),
            };
            Some((read, (spilled, piece.saturating_add(1))))
        })))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer { spilled: Arc::clone(&self.0), piece: Vec::new() }))
    }
}

/// Gathers what is written to pieces.
#[derive(Debug)]
struct Writer {
    spilled: Arc<Spilled>,
    piece: Vec<u8>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE_BYTES.saturating_sub(self.piece.len());
        let (now, _later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.piece.extend_from_slice(now);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(now.len())
    }

    /// What was written is read by others from now on.
    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.spilled.add(std::mem::take(&mut self.piece))
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(self.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray as _, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;
    use datafusion::datasource::MemTable;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use futures::TryStreamExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::encryption::{DataKey, DataKeyId, MasterKey};

    fn spill(folder: &Path, bytes_max: u64) -> SealedSpill {
        let master = MasterKey::generate().unwrap();
        let key = DataKey::generate(DataKeyId::from_uuid(Uuid::from_u128(1))).unwrap();
        let keys = Keyring::open(&master, &[master.wrap(&key).unwrap()]).unwrap().unwrap();
        SealedSpill {
            folder: folder.to_owned(),
            seal: Arc::new(RecordSeal::new(Arc::new(keys)).unwrap()),
            room: Arc::new(Room { used: AtomicU64::new(0), bytes_max }),
            files: AtomicU64::new(0),
        }
    }

    fn file(spill: &SealedSpill) -> SealedFile {
        let spilled = Spilled {
            file: nameless(&spill.folder).unwrap(),
            number: 7,
            seal: Arc::clone(&spill.seal),
            room: Arc::clone(&spill.room),
            ends: Mutex::default(),
        };
        SealedFile(Arc::new(spilled))
    }

    async fn all(file: &dyn SpillFile) -> Vec<u8> {
        let pieces: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    #[tokio::test]
    async fn what_is_spilled_lies_nowhere_as_it_is_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let spill = spill(folder.path(), 1 << 20);
        let file = file(&spill);
        let words = b"mat khau cua giam doc ".repeat(20_000);
        let mut writer = file.open_writer().unwrap();
        writer.write_all(&words[..100_000]).unwrap();
        assert_eq!(all(&file).await, b"", "not flushed yet");
        writer.flush().unwrap();
        assert_eq!(all(&file).await, &words[..100_000], "others read while it is written");
        writer.write_all(&words[100_000..]).unwrap();
        writer.finish().unwrap();
        assert_eq!(all(&file).await, words);

        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it has a name");
        let mut lies = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
        file.0.file.read_exact_at(&mut lies, 0).unwrap();
        assert!(memchr::memmem::find(&lies, b"mat khau").is_none());

        // A piece in another's place does not open, nor does a changed one.
        file.0.file.write_all_at(&lies[..1000], file.0.ends.lock()[0]).unwrap();
        assert!(file.0.piece(1).is_err());
        assert!(file.0.piece(0).is_ok());
    }

    #[tokio::test]
    async fn a_question_spills_no_more_than_it_may_and_gives_back_what_it_took() {
        let folder = tempfile::tempdir().unwrap();
        let spill = spill(folder.path(), 300 << 10);
        let one = file(&spill);
        one.open_writer().unwrap().write_all(&vec![1; 2 * PIECE_BYTES]).unwrap();
        let two = file(&spill);
        let refused = two.open_writer().unwrap().write_all(&vec![1; PIECE_BYTES]).unwrap_err();
        assert!(refused.to_string().contains("more than 307200 bytes"), "{refused}");
        drop(one);
        two.open_writer().unwrap().write_all(&vec![1; PIECE_BYTES]).unwrap();
        drop(two);
        assert_eq!(spill.room.used.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_sort_that_does_not_fit_is_answered_from_what_it_spilled() {
        const ROWS: usize = 600_000;
        let folder = tempfile::tempdir().unwrap();
        let spill = Arc::new(spill(folder.path(), 1 << 30));
        let disk = DiskManagerBuilder::default().with_temp_file_factory(Arc::clone(&spill) as _);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(16 << 20, 1.0)
            .with_disk_manager_builder(disk)
            .build_arc()
            .unwrap();
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(2048)
            .with_sort_spill_reservation_bytes(1 << 20);
        let context = SessionContext::new_with_config_rt(config, runtime);
        let schema = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, false)]));
        let name = |n: usize| format!("giam doc so {:08}", n * 7919 % ROWS);
        let batch = |first: usize| {
            let names: StringArray =
                (first..(first + 2000).min(ROWS)).map(|n| Some(name(n))).collect();
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(names)]).unwrap()
        };
        let batches = (0..ROWS).step_by(2000).map(batch).collect();
        let table = MemTable::try_new(Arc::clone(&schema), vec![batches]).unwrap();
        context.register_table("people", Arc::new(table)).unwrap();
        let sorted = context.sql("SELECT name FROM people ORDER BY name").await.unwrap();
        let sorted = sorted.collect().await.unwrap();
        let mut rows = 0;
        for batch in &sorted {
            let names = batch.column(0).as_string::<i32>();
            for row in 0..names.len() {
                assert_eq!(names.value(row), format!("giam doc so {rows:08}"));
                rows += 1;
            }
        }
        assert_eq!(rows, ROWS);
        assert!(spill.files.load(Ordering::Relaxed) > 0, "nothing was spilled");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
