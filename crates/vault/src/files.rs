//! Files that are written once, whole or not there, and sealed where there are keys.
//!
//! A sealed file has the name of a plain one with `.sealed` behind it. So its name says which of both it is,
//! never its bytes: those of a plain file may be whatever a stranger chose. Where there are keys, plain files
//! of before are read as they are, and give way when they are written again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::seal::{FileSeal, SealError, Sealing};
use uuid::Uuid;

use crate::persist;
use crate::reader::{VaultReader, named};

/// What names of sealed files end with.
const SEALED: &str = ".sealed";

/// What names of files end with that are being written again.
const AGAIN: &str = ".again";

/// The mode of new files.
const FILE_MODE: u32 = 0o600;

/// How files are kept: sealed, where there is a seal.
#[derive(Debug, Clone, Default)]
pub struct Vault {
    seal: Option<Arc<dyn FileSeal>>,
}

impl Vault {
    /// Returns how files are kept that this seals; plain without.
    pub fn new(seal: Option<Arc<dyn FileSeal>>) -> Self {
        Self { seal }
    }

    /// Returns whether new files are sealed.
    pub const fn is_sealing(&self) -> bool {
        self.seal.is_some()
    }

    /// Returns where a new file of this name lies.
    pub fn path(&self, name: &Path) -> PathBuf {
        if self.is_sealing() { with_ending(name, SEALED) } else { name.to_owned() }
    }

    /// Begins a file at this very path, in place of what lies there. It opens only under the same id.
    ///
    /// # Errors
    ///
    /// When the disk refuses, or the system gives no random numbers for a key.
    pub fn create(&self, path: &Path, id: Uuid) -> io::Result<VaultWriter> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let sealing = self.seal.as_ref().map(|seal| seal.begin(id)).transpose()?;
        let out = BufWriter::with_capacity(1 << 18, options.open(path)?);
        Ok(VaultWriter { out, sealing })
    }

    /// Gives a file that was written its name, at once in place of an older one. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When the disk refuses; the file may have its new name all the same.
    pub fn settle(&self, from: &Path, name: &Path) -> io::Result<()> {
        persist::rename(from, &self.path(name))?;
        let (sealed, plain) = (with_ending(name, SEALED), name.to_owned());
        remove(if self.is_sealing() { &plain } else { &sealed })
    }

    /// Returns where the file of a name lies, if it is there: sealed, or plain from before there were keys.
    ///
    /// # Errors
    ///
    /// When the disk does not tell.
    pub fn find(&self, name: &Path) -> io::Result<Option<PathBuf>> {
        let sealed = with_ending(name, SEALED);
        if sealed.try_exists()? {
            return Ok(Some(sealed));
        }
        Ok(name.try_exists()?.then(|| name.to_owned()))
    }

    /// Opens the file of a name, which must be the one of this id.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] when there is none; [`io::ErrorKind::PermissionDenied`] when it is sealed and its
    /// key is not there (nothing is wrong with the file then); else when it is not as it was written. Errors of a
    /// file that is there name it.
    pub fn open(&self, name: &Path, id: Uuid) -> io::Result<VaultReader> {
        let path = with_ending(name, SEALED);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = File::open(name)?;
                return VaultReader::plain(name.to_owned(), file);
            }
            Err(error) => return Err(named(&path, error)),
        };
        let opened = file.metadata().and_then(|facts| {
            let denied = || io::Error::new(io::ErrorKind::PermissionDenied, SealError::NoKey);
            let seal = self.seal.as_ref().ok_or_else(denied)?;
            Ok((seal.open(file, id)?, facts.modified().ok()))
        });
        match opened {
            Ok((file, modified)) => Ok(VaultReader::sealed(path, file, modified)),
            Err(error) => Err(named(&path, error)),
        }
    }

    /// Writes a file again as files are written now: sealed with the newest key. Whatever interrupts this, the file
    /// is there, old or new.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written; it stays as it is then.
    pub fn write_again(&self, name: &Path, id: Uuid) -> io::Result<()> {
        let mut from = self.open(name, id)?;
        let beside = with_ending(name, AGAIN);
        let mut to = self.create(&beside, id)?;
        io::copy(&mut from, &mut to)?;
        to.finish()?;
        self.settle(&beside, name)
    }

    /// Removes the file of a name, and what lay beside it; one that is not there is gone.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn remove(&self, name: &Path) -> io::Result<()> {
        remove(name)?;
        remove(&with_ending(name, AGAIN))?;
        remove(&with_ending(name, SEALED))
    }
}

/// A name in a folder, as a vault has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept<'a> {
    /// A sealed file of this name.
    Sealed(&'a str),
    /// A plain file of this name.
    Plain(&'a str),
    /// What is left of a file of this name that was being written again.
    Left(&'a str),
}

impl<'a> Kept<'a> {
    /// Tells what a name in a folder is.
    pub fn of(name: &'a str) -> Self {
        match (name.strip_suffix(SEALED), name.strip_suffix(AGAIN)) {
            (Some(name), _) => Self::Sealed(name),
            (_, Some(name)) => Self::Left(name),
            _ => Self::Plain(name),
        }
    }
}

fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(name);
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct VaultWriter {
    out: BufWriter<File>,
    sealing: Option<Box<dyn Sealing>>,
}

impl VaultWriter {
    /// Ends the file; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(sealing) = &mut self.sealing {
            sealing.end(&mut self.out)?;
        }
        self.out.flush()?;
        persist::sync(self.out.get_ref())
    }
}

impl Write for VaultWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sealing {
            None => self.out.write(bytes),
            Some(sealing) => {
                sealing.add(bytes, &mut self.out)?;
                Ok(bytes.len())
            }
        }
    }

    /// Passes on what is whole; a sealed file's last piece waits for its end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
