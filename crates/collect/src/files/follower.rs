//! One round over the files of a source: which are there, what is new in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event::{DeadReason, Frame};
use tokio_util::sync::CancellationToken;

use super::FileSettings;
use super::checkpoint::{self, Checkpoint, FileKey, Mark, Progress};
use crate::framing::{self, Piece};
use crate::intake::{Intake, Sender};
use crate::limits::{FILE_READ_BYTES, MISSING_FILES_MAX, MISSING_KEPT, RECORD_BYTES_MAX};
use crate::spool::AppendError;

/// Rounds over the files.
#[derive(Debug)]
pub(super) struct Follower {
    settings: FileSettings,
    checkpoint: Checkpoint,
    intake: Arc<Intake>,
    open: BTreeMap<FileKey, Arc<File>>,
    /// Rounds without news of files that lost their name.
    quiet: BTreeMap<FileKey, u32>,
    /// Paths that could not be opened: said once, not every round.
    unreadable: BTreeSet<PathBuf>,
    /// Files of the checkpoint of which nobody can tell whether they are gone, and since when: their disk
    /// is away, or fails.
    missing: BTreeMap<FileKey, DateTime<Utc>>,
    /// What was read and not yet taken, for want of room or of a disk: it goes first.
    waiting: Option<Waiting>,
    /// It could not be written down how far files were read.
    unwritten: Option<Unwritten>,
    /// The first round of the first start: old files may be passed over.
    first: bool,
}

/// A read that waits to be made durable: the same frames until they are, so that none is there twice.
#[derive(Debug)]
struct Waiting {
    frames: Vec<Frame>,
    mark: Vec<u8>,
    progress: Progress,
}

/// How far files were read, and not written down.
#[derive(Debug)]
struct Unwritten {
    /// The file that was read last: of the others it is written down.
    key: FileKey,
    /// What the disk said.
    said: String,
}

/// A renamed file is read on for so many rounds without news: its writer keeps it open until it is
/// told to begin a new one.
const QUIET_ROUNDS: u32 = 20;

/// What one read found.
#[derive(Debug, Default)]
struct Fresh {
    pieces: Vec<Piece>,
    progress: Option<Progress>,
}

impl Follower {
    pub(super) fn new(settings: FileSettings, checkpoint: Checkpoint, intake: Arc<Intake>) -> Self {
        let first = checkpoint.fresh;
        Self {
            settings,
            checkpoint,
            intake,
            open: BTreeMap::new(),
            quiet: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            missing: BTreeMap::new(),
            waiting: None,
            unwritten: None,
            first,
        }
    }

    pub(super) fn poll(&self) -> Duration {
        self.settings.poll
    }

    /// Reads what is new; returns whether there may be more right away. While what was read cannot be made durable,
    /// or not written down how far, nothing else is read, but files are met: one that is renamed meanwhile is
    /// read later. Marks alone do not do: the spool forgets them with the lines, and after a crash all since the
    /// last checkpoint would be read again. Of one read they do, see [`Self::is_written_down`].
    pub(super) async fn round(&mut self, stop: &CancellationToken) -> bool {
        let here = self.discover();
        if let Some(waiting) = self.waiting.take()
            && !self.hand_in(waiting).await
        {
            return false;
        }
        if !self.is_written_down().await {
            return false;
        }
        let mut busy = false;
        let keys: Vec<FileKey> = self.open.keys().copied().collect();
        for key in keys {
            let quiet = if here.contains(&key) {
                self.quiet.remove(&key);
                0
            } else {
                self.quiet.get(&key).copied().unwrap_or(0).saturating_add(1)
            };
            match self.read(key, quiet >= QUIET_ROUNDS).await {
                _ if self.waiting.is_some() || self.unwritten.is_some() => return false,
                Ok(true) => {
                    self.quiet.remove(&key);
                    busy = true;
                }
                Ok(false) if quiet >= QUIET_ROUNDS && !stop.is_cancelled() => self.close(key),
                Ok(false) if quiet > 0 => {
                    self.quiet.insert(key, quiet);
                }
                Ok(false) => {}
                Err(error) => {
                    let path = self.checkpoint.files.get(&key).map(|progress| &progress.path);
                    tracing::warn!(%error, ?path, "a followed file cannot be read");
                    self.open.remove(&key);
                }
            }
            if stop.is_cancelled() {
                break;
            }
        }
        busy
    }

    /// Opens files that are new, and those that were renamed while we did not look.
    fn discover(&mut self) -> BTreeSet<FileKey> {
        let paths: BTreeSet<PathBuf> =
            self.settings.patterns.iter().flat_map(super::Pattern::files).collect();
        let mut here = BTreeSet::new();
        for path in &paths {
            match self.meet(path) {
                Ok(key) => {
                    self.unreadable.remove(path);
                    self.missing.remove(&key);
                    here.insert(key);
                }
                Err(error) if self.unreadable.insert(path.clone()) => {
                    tracing::warn!(%error, path = %path.display(), "cannot follow this file");
                }
                Err(_said) => {}
            }
        }
        self.find_renamed(&here);
        self.first = false;
        here
    }

    fn meet(&mut self, path: &Path) -> io::Result<FileKey> {
        let file = File::open(path)?;
        let (key, length) = checkpoint::identify(&file)?;
        let known = match self.checkpoint.files.get(&key) {
            Some(progress) => same_file(&file, progress, length)?,
            None => false,
        };
        if !known {
            let offset = if self.first && !self.settings.from_start { length } else { 0 };
            let (head_bytes, head_crc) = checkpoint::fingerprint(&file, offset)?;
            // Behind a link: what it is renamed to lies beside the file, not beside the link.
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let progress = Progress { key, path, offset, head_bytes, head_crc, long_part: 0 };
            self.checkpoint.files.insert(key, progress);
        }
        self.open.entry(key).or_insert_with(|| Arc::new(file));
        Ok(key)
    }

    /// A file of the checkpoint that is no longer under its name may lie beside it under another.
    fn find_renamed(&mut self, here: &BTreeSet<FileKey>) {
        let lost: Vec<(FileKey, PathBuf)> = self
            .checkpoint
            .files
            .values()
            .filter(|progress| !here.contains(&progress.key))
            .filter(|progress| !self.open.contains_key(&progress.key))
            .map(|progress| (progress.key, progress.path.clone()))
            .collect();
        for (key, path) in lost {
            match find_beside(&path, key) {
                Ok(Some(file)) => {
                    self.missing.remove(&key);
                    self.open.insert(key, Arc::new(file));
                }
                Ok(None) => self.forget(key),
                Err(error) => self.miss(key, &path, &error),
            }
        }
    }

    /// Keeps in mind how far a file was read that may come back: read from its start then, all of it would
    /// be there twice.
    fn miss(&mut self, key: FileKey, path: &Path, error: &io::Error) {
        let now = self.intake.now();
        let since = *self.missing.entry(key).or_insert_with(|| {
            tracing::warn!(%error, path = %path.display(), "a followed file cannot be found; how far it was read is kept");
            now
        });
        if now - since > MISSING_KEPT {
            self.forget(key);
        } else if self.missing.len() > MISSING_FILES_MAX
            && let Some(longest) =
                self.missing.iter().min_by_key(|(_, since)| **since).map(|(key, _)| *key)
        {
            self.forget(longest);
        }
    }

    fn forget(&mut self, key: FileKey) {
        self.missing.remove(&key);
        self.checkpoint.files.remove(&key);
    }

    /// Lets go of a file that lost its name and says nothing more.
    fn close(&mut self, key: FileKey) {
        self.open.remove(&key);
        self.quiet.remove(&key);
        let progress = self.checkpoint.files.get(&key);
        // Where that cannot be told it is looked for in the next rounds.
        if progress.is_none_or(|progress| find_beside(&progress.path, key).is_ok()) {
            self.forget(key);
        }
    }

    async fn read(&mut self, key: FileKey, done: bool) -> io::Result<bool> {
        let (Some(file), Some(progress)) = (self.open.get(&key), self.checkpoint.files.get(&key))
        else {
            return Ok(false);
        };
        let (file, progress) = (Arc::clone(file), progress.clone());
        let fresh = tokio::task::spawn_blocking(move || read_fresh(&file, progress, done))
            .await
            .map_err(io::Error::other)??;
        let Some(progress) = fresh.progress else { return Ok(false) };
        if fresh.pieces.is_empty() {
            self.went_on(progress);
            return Ok(true);
        }
        let sender = Sender { source: Some(self.settings.source), peer: None, request: None };
        let frames = self.intake.frames(sender, fresh.pieces);
        let mark = Mark { source: self.settings.source, progress: progress.clone() };
        let mark = serde_json::to_vec(&mark).map_err(io::Error::other)?;
        Ok(self.hand_in(Waiting { frames, mark, progress }).await)
    }

    /// Makes a read durable; returns whether it is. If not it waits, to be handed in again.
    async fn hand_in(&mut self, read: Waiting) -> bool {
        match self.intake.accept_marked(&read.frames, &read.mark).await {
            Ok(_) => {
                self.went_on(read.progress);
                return true;
            }
            Err(AppendError::TooLarge) => {
                tracing::error!(frames = read.frames.len(), "a batch was too large for the spool");
            }
            Err(_refused) => {}
        }
        self.waiting = Some(read);
        false
    }

    fn went_on(&mut self, progress: Progress) {
        let key = progress.key;
        self.checkpoint.files.insert(key, progress);
        self.write_down(key);
    }

    /// Writes down how far files were read, last this one, or takes note that it cannot be.
    pub(super) fn write_down(&mut self, key: FileKey) {
        let failure = self.checkpoint.write(&self.settings.checkpoint).err();
        let source = self.settings.source;
        let before = self.unwritten.take();
        match failure.map(|error| error.to_string()) {
            Some(error) => {
                if before.is_none_or(|before| before.said != error) {
                    tracing::warn!(error, %source, "how far files were read cannot be written down: nothing more is read of them");
                }
                self.unwritten = Some(Unwritten { key, said: error });
            }
            None if before.is_some() => {
                tracing::info!(%source, "how far files were read is written down again");
            }
            None => {}
        }
    }

    /// Returns whether it is written down how far files were read, after another try. While it is not, the last
    /// mark is put into the spool once more, before the spool forgets the one before.
    async fn is_written_down(&mut self) -> bool {
        let Some(key) = self.unwritten.as_ref().map(|unwritten| unwritten.key) else { return true };
        self.write_down(key);
        if self.unwritten.is_none() {
            return true;
        }
        let progress = self.checkpoint.files.get(&key).cloned();
        let mark = progress.map(|progress| Mark { source: self.settings.source, progress });
        if let Some(Ok(mark)) = mark.as_ref().map(serde_json::to_vec)
            && let Err(error) = self.intake.accept_marked(&[], &mark).await
        {
            tracing::debug!(%error, "a mark cannot be put into the spool once more");
        }
        false
    }
}

/// Returns whether an open file is the one that was read so far, and not another one with its inode
/// or the same one emptied and written anew (`copytruncate`).
fn same_file(file: &File, progress: &Progress, length: u64) -> io::Result<bool> {
    if length < progress.offset {
        return Ok(false);
    }
    let (bytes, crc) = checkpoint::fingerprint(file, progress.head_bytes)?;
    Ok(bytes == progress.head_bytes && crc == progress.head_crc)
}

/// Returns the file that lies under another name where it had its own; nothing if it is gone.
///
/// Fails where that cannot be told: on a disk that fails, or a file system that is away at this moment.
fn find_beside(path: &Path, key: FileKey) -> io::Result<Option<File>> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut doubt = None;
    for entry in std::fs::read_dir(folder)? {
        match open_if(&entry?.path(), key) {
            Ok(Some(file)) => return Ok(Some(file)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => doubt = Some(error),
        }
    }
    if doubt.is_none() && std::fs::metadata(folder)?.dev() != key.device {
        doubt = Some(io::Error::other("its file system is not there"));
    }
    doubt.map_or(Ok(None), Err)
}

/// Opens what has this name if it is this file.
fn open_if(path: &Path, key: FileKey) -> io::Result<Option<File>> {
    let facts = std::fs::metadata(path)?;
    if !facts.is_file() || (facts.dev(), facts.ino()) != (key.device, key.inode) {
        return Ok(None);
    }
    let file = File::open(path)?;
    // Another may have taken the name in between.
    let (own, _) = checkpoint::identify(&file)?;
    Ok((own == key).then_some(file))
}

/// Reads whole lines from where the file was left. Of a file that is `done` the last line counts
/// without its end too.
fn read_fresh(file: &File, progress: Progress, done: bool) -> io::Result<Fresh> {
    let length = file.metadata()?.len();
    let mut start = progress;
    if !same_file(file, &start, length)? {
        // Emptied and written anew.
        start = Progress { offset: 0, head_bytes: 0, head_crc: 0, long_part: 0, ..start };
    }
    let mut buffer = vec![0; FILE_READ_BYTES.saturating_add(1)];
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        let count = file.read_at(room, start.offset.saturating_add(filled as u64))?;
        if count == 0 {
            break;
        }
        filled = filled.saturating_add(count);
    }
    buffer.truncate(filled);
    let ended = done && filled <= FILE_READ_BYTES;
    let (pieces, used, long_part) = cut(&Bytes::from(buffer), start.long_part, ended);
    if used == 0 {
        return Ok(Fresh::default());
    }
    let offset = start.offset.saturating_add(used as u64);
    let (head_bytes, head_crc) = checkpoint::fingerprint(file, offset)?;
    let progress = Progress { offset, head_bytes, head_crc, long_part, ..start };
    Ok(Fresh { pieces, progress: Some(progress) })
}

/// Returns the records in a read, how many of its bytes they take, and how many pieces of a record
/// that is too long have gone out with its end still to come.
fn cut(read: &Bytes, long_part: usize, ended: bool) -> (Vec<Piece>, usize, usize) {
    let mut pieces = Vec::new();
    let mut used = 0_usize;
    let mut part = long_part;
    loop {
        let rest = read.slice(used..);
        match memchr::memchr(b'\n', &rest) {
            Some(end) => {
                record(rest.slice(..end), &mut part, &mut pieces);
                part = 0;
                used = used.saturating_add(end).saturating_add(1);
            }
            None if rest.len() > RECORD_BYTES_MAX => {
                part = part.saturating_add(1);
                let bytes = rest.slice(..RECORD_BYTES_MAX);
                pieces.push(Piece { bytes, dead: Some(too_long(part)) });
                used = used.saturating_add(RECORD_BYTES_MAX);
            }
            None => {
                if ended && !rest.is_empty() {
                    used = used.saturating_add(rest.len());
                    record(rest, &mut part, &mut pieces);
                }
                return (pieces, used, part);
            }
        }
    }
}

fn record(line: Bytes, part: &mut usize, pieces: &mut Vec<Piece>) {
    if *part > 0 {
        *part = part.saturating_add(1);
        pieces.push(Piece { bytes: line, dead: Some(too_long(*part)) });
    } else if let Some(bytes) = framing::datagram(line) {
        pieces.extend(framing::records(bytes));
    }
}

fn too_long(part: usize) -> DeadReason {
    DeadReason::new(
        "too-long",
        format!("the line is longer than {RECORD_BYTES_MAX} bytes; part {part}"),
    )
}
