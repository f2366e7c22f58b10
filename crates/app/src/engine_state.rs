//! What the engine remembers, on the disk: written beside the pipeline, read when the platform starts.
//!
//! The file says up to which position of the spool its events are counted. The spool keeps what lies
//! above (see [`Pipeline`](crate::pipeline::Pipeline)), so that after a crash each event is counted
//! once: what the state knows is not judged again, what it does not know is played again. It is
//! replaced as a whole, never changed in place. Where the lake is encrypted, so is this file, under the
//! same keys; a plain one of before is read and gives way to the first that is written.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use detect::{Engine, EngineState};
use event::{Clock, SpoolPosition};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;
use vault::Vault;

/// What the file begins with. The number changes when an older program could misread it.
const HEAD: &[u8] = b"luytre engine state 1\n";

/// The most bytes that a state may unfold to: several times what correlations at all their limits take.
const UNPACKED_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// How often the state is written: what a crash has played again.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// The time between two writings is at least this many times what one takes: a large state costs the
/// machine a twentieth, and the pipeline waits for its copy only.
const SAVE_SHARE: u32 = 20;

/// What the file is bound to where it is encrypted: no other one has its name.
pub(crate) const ID: Uuid = Uuid::from_u128(0x6c75_7974_7265_656e_6769_6e65_7374_6174);

/// The file.
#[derive(Debug, Clone)]
pub struct StateFile {
    path: PathBuf,
    vault: Vault,
}

/// A state as it is stored.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Up to here everything in the spool is judged, and its findings are durable.
    pub judged: SpoolPosition,
    /// When it was stored.
    pub saved_at: DateTime<Utc>,
    /// What the engine remembers.
    pub engine: EngineState,
}

/// Why a state could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Its key is not there, or the platform may not read it. Nothing is wrong with it then, so it stays.
    #[error("what detection remembers cannot be opened; it is left as it is")]
    Locked(#[source] io::Error),
    /// The file cannot be read, or not as it was written: its checksum tells.
    #[error("it does not read as it was written")]
    Damaged(#[source] io::Error),
    /// Another program wrote it.
    #[error("it is not of this version")]
    Foreign,
    /// What was written makes no state.
    #[error("it holds no state")]
    Unreadable(#[source] serde_json::Error),
}

/// A state as it is written: without its own copy of what the engine remembers.
#[derive(Serialize)]
struct Writing<'a> {
    judged: SpoolPosition,
    saved_at: DateTime<Utc>,
    engine: &'a EngineState,
}

impl StateFile {
    /// Returns the file of a data folder.
    pub fn in_folder(folder: &Path, vault: Vault) -> Self {
        Self { path: folder.join("engine.state"), vault }
    }

    /// Returns how it is kept, as other files beside the lake's are.
    pub(crate) const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Returns its name, which an encrypted one bears with an ending.
    pub(crate) fn name(&self) -> &Path {
        &self.path
    }

    /// Reads the state; `None` if there is none yet. What cannot be read is put aside as
    /// `engine.state.damaged`, but not what only lacks its key.
    ///
    /// # Errors
    ///
    /// Says why a state that is there cannot be used.
    pub fn load(&self) -> Result<Option<Stored>, StateError> {
        let stored = match self.vault.open(&self.path, ID) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(StateError::Locked(error));
            }
            Err(error) => Err(StateError::Damaged(error)),
            Ok(file) => read(BufReader::new(file)).map(Some),
        };
        stored.inspect_err(|_| {
            if let Err(error) = self.put_aside() {
                tracing::warn!(%error, file = %self.path.display(), "a damaged file stays there");
            }
        })
    }

    /// Puts a file that cannot be read where nobody looks for it.
    fn put_aside(&self) -> io::Result<()> {
        let Some(path) = self.vault.find(&self.path)? else { return Ok(()) };
        let mut aside = path.clone().into_os_string();
        aside.push(".damaged");
        fs::rename(&path, aside)
    }

    /// Replaces the state. When this returns it is durable; whatever interrupts it, the one before is
    /// still there.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn save(
        &self,
        engine: &EngineState,
        judged: SpoolPosition,
        saved_at: DateTime<Utc>,
    ) -> io::Result<()> {
        let beside = self.path.with_extension("state.new");
        let file = self.vault.create(&beside, ID)?;
        write(file, &Writing { judged, saved_at, engine })?.finish()?;
        self.vault.settle(&beside, &self.path)
    }

    /// Notes that the platform runs.
    ///
    /// # Errors
    ///
    /// When the file cannot be touched.
    pub fn touch(&self, now: DateTime<Utc>) -> io::Result<()> {
        let Some(path) = self.vault.find(&self.path)? else { return Ok(()) };
        match File::options().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(file) => file.set_modified(SystemTime::from(now)),
        }
    }

    /// Returns when the platform last noted that it runs.
    pub fn touched_at(&self) -> Option<DateTime<Utc>> {
        let path = self.vault.find(&self.path).ok().flatten()?;
        fs::metadata(path).and_then(|facts| facts.modified()).ok().map(DateTime::from)
    }
}

fn write<W: io::Write>(mut to: W, state: &Writing<'_>) -> io::Result<W> {
    to.write_all(HEAD)?;
    let mut packed = zstd::Encoder::new(to, 1)?;
    packed.include_checksum(true)?;
    serde_json::to_writer(&mut packed, state)?;
    packed.finish()
}

/// Returns a state as bytes, for where there is no file; [`read`] reads them.
///
/// # Errors
///
/// When it cannot be packed.
pub(crate) fn pack(
    engine: &EngineState,
    judged: SpoolPosition,
    saved_at: DateTime<Utc>,
) -> io::Result<Vec<u8>> {
    write(Vec::new(), &Writing { judged, saved_at, engine })
}

/// Reads a state.
///
/// # Errors
///
/// Says why it cannot be used.
pub(crate) fn read(mut file: impl Read) -> Result<Stored, StateError> {
    let mut head = [0; HEAD.len()];
    file.read_exact(&mut head).map_err(StateError::Damaged)?;
    if head != HEAD {
        return Err(StateError::Foreign);
    }
    let mut unpacked = zstd::Decoder::new(file)
        .map_err(StateError::Damaged)?
        .single_frame()
        .take(UNPACKED_BYTES_MAX);
    let mut text = Vec::new();
    // Read to its end before anything is made of it: the checksum comes last.
    unpacked.read_to_end(&mut text).map_err(StateError::Damaged)?;
    serde_json::from_slice(&text).map_err(StateError::Unreadable)
}

/// Writes the state down now and then while the pipeline goes on.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: StateFile,
    clock: Arc<dyn Clock>,
    /// Up to where the spool may forget.
    saved: watch::Sender<SpoolPosition>,
    judged: SpoolPosition,
    due: Instant,
    writing: Option<JoinHandle<Duration>>,
}

impl Keeper {
    /// Returns a keeper of this file, whose state knows what `saved` says.
    pub(crate) fn new(
        file: StateFile,
        clock: Arc<dyn Clock>,
        saved: watch::Sender<SpoolPosition>,
    ) -> Self {
        let judged = *saved.borrow();
        Self { file, clock, saved, judged, due: Instant::now() + SAVE_EVERY, writing: None }
    }

    /// Returns whether a batch's events are in the state already.
    pub(crate) fn knows(&self, position: SpoolPosition) -> bool {
        position <= self.judged
    }

    /// Takes note that all up to here is judged, and its findings are durable.
    pub(crate) fn judged(&mut self, position: SpoolPosition) {
        self.judged = self.judged.max(position);
    }

    /// Waits until the state is due; for ever, if nothing is new.
    pub(crate) async fn due(&self) {
        if self.judged == *self.saved.borrow() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep_until(self.due).await;
    }

    /// Writes the state if it is due. The engine waits for a copy, not for the disk.
    pub(crate) async fn keep(&mut self, engine: Engine) -> Option<Engine> {
        if Instant::now() < self.due || self.judged == *self.saved.borrow() {
            return Some(engine);
        }
        self.end().await;
        let copied = tokio::task::spawn_blocking(move || (engine.state(), engine)).await;
        let (state, engine) = copied
            .inspect_err(|error| tracing::error!(%error, "the engine's state cannot be copied"))
            .ok()?;
        let (file, judged, now) = (self.file.clone(), self.judged, self.clock.now());
        let saved = self.saved.clone();
        self.due = Instant::now() + SAVE_EVERY;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            if let Err(error) = file.save(&state, judged, now) {
                // The spool may go on all the same: to take no records is worse than to judge a
                // window in parts, and the next start tells what it misses.
                tracing::error!(%error, "the engine's state cannot be written; after a crash, windows that are open now are not judged");
            }
            saved.send_replace(judged);
            began.elapsed()
        }));
        Some(engine)
    }

    /// Writes the state a last time.
    pub(crate) async fn close(mut self, engine: Engine) {
        self.end().await;
        self.due = Instant::now();
        self.keep(engine).await;
        self.end().await;
    }

    /// Waits for the writing that is under way.
    async fn end(&mut self) {
        let Some(writing) = self.writing.take() else { return };
        if let Ok(took) = writing.await {
            self.due = self.due.max(Instant::now() + took * SAVE_SHARE);
        }
    }
}

#[cfg(test)]
mod tests {
    use lake::{DataKey, DataKeyId, FileKeys, Keyring, MasterKey, WrappedKey};

    use super::*;

    fn moment() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_790_000_000_123).unwrap()
    }

    fn written(folder: &Path) -> (StateFile, Vec<u8>) {
        let file = StateFile::in_folder(folder, Vault::default());
        file.save(&EngineState::default(), SpoolPosition(42), moment()).unwrap();
        let bytes = fs::read(&file.path).unwrap();
        (file, bytes)
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = written(folder.path());
        let stored = file.load().unwrap().unwrap();
        assert_eq!((stored.judged, stored.saved_at), (SpoolPosition(42), moment()));
        assert_eq!(stored.engine, EngineState::default());
        let later = moment() + chrono::TimeDelta::hours(1);
        file.touch(later).unwrap();
        assert_eq!(file.touched_at().unwrap().timestamp(), later.timestamp());
        file.save(&EngineState::default(), SpoolPosition(43), moment()).unwrap();
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(43));
    }

    #[test]
    fn none_is_no_error_and_damage_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let none = StateFile::in_folder(folder.path(), Vault::default());
        assert_eq!(none.load().unwrap(), None);
        let (file, whole) = written(folder.path());
        let mut harmless = 0;
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 0x20;
            fs::write(&file.path, &flipped).unwrap();
            // A few bits of the packing carry no meaning.
            if let Ok(read) = file.load() {
                assert_eq!(read.map(|own| own.judged), Some(SpoolPosition(42)), "byte {place}");
                harmless += 1;
                continue;
            }
            assert_eq!(fs::read(folder.path().join("engine.state.damaged")).unwrap(), flipped);
            assert_eq!(file.load().unwrap(), None, "it is tried once");
        }
        assert!(harmless < 3, "{harmless} flipped bytes were not seen");
        for length in 0..whole.len() {
            fs::write(&file.path, &whole[..length]).unwrap();
            assert!(file.load().is_err(), "cut to {length} bytes and not seen");
        }
    }

    /// Returns what seals with some data keys, the same for the same numbers.
    fn vault(master: &MasterKey, wrapped: &[WrappedKey]) -> Vault {
        let keys = Keyring::open(master, wrapped).unwrap().unwrap();
        Vault::new(Some(Arc::new(FileKeys::new(Arc::new(keys)))))
    }

    fn keys() -> (MasterKey, Vec<WrappedKey>) {
        let master = MasterKey::generate().unwrap();
        let key = |id| DataKey::generate(DataKeyId::from_uuid(Uuid::from_u128(id))).unwrap();
        let wrapped = [1, 2].map(|id| master.wrap(&key(id)).unwrap()).to_vec();
        (master, wrapped)
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_plain_state_is_taken_over_and_gives_way_to_an_encrypted_one() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let (master, wrapped) = keys();
        let file = StateFile::in_folder(folder.path(), vault(&master, &wrapped[..1]));
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(42));
        file.touch(moment()).unwrap();
        assert_eq!(file.touched_at().unwrap().timestamp(), moment().timestamp());
        file.save(&EngineState::default(), SpoolPosition(43), moment()).unwrap();
        assert_eq!(names(folder.path()), ["engine.state.sealed"]);
        let bytes = fs::read(folder.path().join("engine.state.sealed")).unwrap();
        assert!(memchr::memmem::find(&bytes, HEAD).is_none());
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(43));
        // After a rotation the older key still opens, the next writing takes the newest.
        let file = StateFile::in_folder(folder.path(), vault(&master, &wrapped));
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(43));
        file.save(&EngineState::default(), SpoolPosition(44), moment()).unwrap();
        let stored = File::open(folder.path().join("engine.state.sealed")).unwrap();
        let newest = DataKeyId::from_uuid(Uuid::from_u128(2));
        assert_eq!(lake::key_of_file(stored).unwrap(), Some(newest));
    }

    #[test]
    fn a_state_whose_key_is_not_there_is_named_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (master, wrapped) = keys();
        let file = StateFile::in_folder(folder.path(), vault(&master, &wrapped[1..]));
        file.save(&EngineState::default(), SpoolPosition(42), moment()).unwrap();
        let other = StateFile::in_folder(folder.path(), vault(&master, &wrapped[..1]));
        let none = StateFile::in_folder(folder.path(), Vault::default());
        for locked in [other, none] {
            let error = locked.load().unwrap_err();
            assert!(matches!(error, StateError::Locked(_)), "{error:?}");
            let told = web::chain(&error);
            assert!(told.contains("engine.state.sealed"), "{told}");
        }
        assert_eq!(names(folder.path()), ["engine.state.sealed"]);
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(42), "nothing is lost");
        // A writing that was cut off leaves the state of before.
        fs::write(folder.path().join("engine.state.new"), "half").unwrap();
        assert_eq!(file.load().unwrap().unwrap().judged, SpoolPosition(42));
        // Damage is no lack of a key.
        let path = folder.path().join("engine.state.sealed");
        let mut bytes = fs::read(&path).unwrap();
        bytes[3] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(file.load(), Err(StateError::Damaged(_))));
        assert_eq!(names(folder.path()), ["engine.state.new", "engine.state.sealed.damaged"]);
    }
}
