//! The file with the master key: one line, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::key::{DataKeyId, MasterKey};

/// The longest key file that is read: a key has less than a hundred bytes.
const FILE_BYTES_MAX: u64 = 1024;

/// The mode of a new key file.
const FILE_MODE: u32 = 0o600;

/// Mode bits of group and others: none of them may be set.
const OTHERS_MODE: u32 = 0o077;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read.
    #[error("the key file {path} cannot be read")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than its owner may read the key file.
    #[error("the key file {path} is open to others (mode {mode:04o}); `chmod 600` it")]
    Mode {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{path} holds no key: it is not the line that `luytre lake key new` writes")]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key file cannot be written; one that is there is never written over.
    #[error("the key file {path} cannot be written")]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is another master key than the one in use.
    #[error("the lake was encrypted under the master key {wanted}; this one is {found}")]
    OtherMaster {
        /// The fingerprint of the key that is needed.
        wanted: String,
        /// The fingerprint of the key that was given.
        found: String,
    },
    /// A data key is not as it was written.
    #[error("data key {id} was changed behind the platform's back: it does not open")]
    Damaged {
        /// Which.
        id: DataKeyId,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl MasterKey {
    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, may be read by others than its owner, or holds no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |source| KeyError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        if mode & OTHERS_MODE != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        let no_key = || KeyError::NoKey { path: path.to_owned() };
        match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(no_key()),
            Err(error) => return Err(unreadable(error)),
        }
        Self::from_text(&text).ok_or_else(no_key)
    }

    /// Makes a new key and writes it to a new file, durable when this returns. A file that is there is left
    /// as it is.
    ///
    /// # Errors
    ///
    /// When there is a file of that name, or it cannot be written.
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let unwritable = |source| KeyError::Unwritable { path: path.to_owned(), source };
        let key = Self::generate()?;
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(FILE_MODE).open(path).map_err(unwritable)?;
        let written = file.write_all(key.to_text().as_bytes()).and_then(|()| file.sync_all());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let named = written.and_then(|()| File::open(folder.unwrap_or(Path::new(".")))?.sync_all());
        if let Err(error) = named {
            // Half a key file is worse than none; the error says what was wrong.
            drop(fs::remove_file(path));
            return Err(unwritable(error));
        }
        Ok(key)
    }
}
