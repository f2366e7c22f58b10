//! Files beside the lake's that are encrypted under its keys: what detection remembers, and people's files. Which
//! key each has, and writing them again under the newest.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lake::{DataKeyId, key_of_file};
use respond::{AtRest, Files, Form};
use vault::Vault;

use super::output;
use crate::config::Config;
use crate::engine_state::{self, StateFile};

/// Files that are named where something is not as it should be; the others are counted.
const NAMED_MAX: usize = 20;

/// A file beside the lake's, and its key.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) file: AtRest,
    /// Its data key; none if it is plain.
    pub(super) key: Option<DataKeyId>,
}

/// What writing files again came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) written: u64,
    pub(super) failed: u64,
    /// Plain, and only under way: they end by themselves.
    pub(super) under_way: u64,
    /// Halves of files, which were removed.
    pub(super) removed: u64,
}

/// Returns all of them, in the order of their paths.
///
/// # Errors
///
/// When the disk does not tell.
pub(super) fn all(config: &Config) -> Result<Vec<Other>> {
    let folder = config.exports_folder();
    let found = Files::new(&folder, Vault::default()).at_rest();
    let mut found = found.with_context(|| format!("looking into {}", folder.display()))?;
    found.extend(states(&config.site.data_folder)?);
    let mut others = Vec::new();
    for file in found {
        let path = file.path.clone();
        others.extend(with_key(file).with_context(|| format!("reading {}", path.display()))?);
    }
    Ok(others)
}

/// Returns what detection remembers, as it lies there: also what could not be read.
fn states(folder: &Path) -> io::Result<Vec<AtRest>> {
    let state = StateFile::in_folder(folder, Vault::default());
    let name = state.name();
    let beside = |ending: &str| {
        let mut path = name.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let kept = Some((name.to_owned(), engine_state::ID));
    let places = [
        (beside(""), Form::Plain, kept.clone()),
        (beside(".sealed"), Form::Sealed, kept),
        (beside(".damaged"), Form::Plain, None),
        (beside(".sealed.damaged"), Form::Sealed, None),
        (beside(".new"), Form::Unfinished, None),
        (beside(".again"), Form::Unfinished, None),
    ];
    let mut found = Vec::new();
    for (path, form, kept) in places {
        if path.try_exists()? {
            found.push(AtRest { path, form, kept });
        }
    }
    Ok(found)
}

/// Returns a file with its key; nothing if it is no longer there.
fn with_key(file: AtRest) -> io::Result<Option<Other>> {
    let stored = match File::open(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        stored => stored?,
    };
    // What a plain file ends with is anyone's choice.
    let key = if file.form == Form::Sealed { key_of_file(stored)? } else { None };
    Ok(Some(Other { file, key }))
}

/// Writes all of them again that are not under the newest key, and removes what was left half written: nothing
/// else may write to them meanwhile.
///
/// # Errors
///
/// When the disk does not tell what lies there; a file that cannot be written again is told and stays.
pub(super) fn write_again(config: &Config, vault: &Vault, newest: DataKeyId) -> Result<Again> {
    let mut again = Again::default();
    let older: Vec<Other> =
        all(config)?.into_iter().filter(|other| other.key != Some(newest)).collect();
    let bar = output::progress(u64::try_from(older.len())?, "other files");
    for Other { file, .. } in older {
        bar.inc(1);
        let (done, count) = match &file.kept {
            Some((name, id)) => (vault.write_again(name, *id), &mut again.written),
            None if file.form == Form::Unfinished => {
                (std::fs::remove_file(&file.path), &mut again.removed)
            }
            None => (Ok(()), &mut again.under_way),
        };
        match done {
            Ok(()) => *count += 1,
            // It was there twice, and went with the other one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                again.failed += 1;
                let error = anyhow::Error::new(error);
                println!("{} stays as it is: {error:#}", file.path.display());
            }
        }
    }
    bar.finish_and_clear();
    Ok(again)
}

/// Prints which of them are plain or under an older key than the newest.
pub(super) fn print_older(others: &[Other], newest: Option<DataKeyId>) {
    let is_older = |other: &&Other| {
        newest.is_some() && other.key != newest && other.file.form != Form::Unfinished
    };
    let older: Vec<&Other> = others.iter().filter(is_older).collect();
    for other in older.iter().take(NAMED_MAX) {
        let key = other.key.map_or_else(|| "plain".to_owned(), |key| format!("under {key}"));
        println!("{}: {key}", other.file.path.display());
    }
    if let Some(more @ 1..) = older.len().checked_sub(NAMED_MAX) {
        println!("and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use detect::EngineState;
    use event::SpoolPosition;
    use lake::{DataKey, FileKeys, Keyring, MasterKey};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn all_come_under_the_newest_key_and_what_cannot_be_opened_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.site.data_folder = folder.path().to_owned();
        let id = |number| DataKeyId::from_uuid(Uuid::from_u128(number));
        let master = MasterKey::generate().unwrap();
        let wrapped: Vec<_> = (1..=3)
            .map(|number| master.wrap(&DataKey::generate(id(number)).unwrap()).unwrap())
            .collect();
        let vault = |keys: &[lake::WrappedKey]| {
            let keys = Keyring::open(&master, keys).unwrap().unwrap();
            Vault::new(Some(Arc::new(FileKeys::new(Arc::new(keys)))))
        };
        assert!(all(&config).unwrap().is_empty(), "nothing is there yet");

        // What detection remembers is plain, one export is under an older key, one under a key that is lost.
        let now = chrono::DateTime::UNIX_EPOCH;
        let plain = StateFile::in_folder(folder.path(), Vault::default());
        plain.save(&EngineState::default(), SpoolPosition(9), now).unwrap();
        let exports = config.exports_folder();
        fs::create_dir_all(&exports).unwrap();
        let export = |number: u128, vault: &Vault| {
            let job = Uuid::from_u128(number);
            let name = exports.join(job.to_string());
            let part = name.with_extension("part");
            let mut file = vault.create(&part, job).unwrap();
            io::Write::write_all(&mut file, b"mat khau").unwrap();
            file.finish().unwrap();
            vault.settle(&part, &name).unwrap();
            (name, job)
        };
        let (old, old_job) = export(1, &vault(&wrapped[..1]));
        export(2, &vault(&wrapped[2..]));
        fs::write(exports.join(format!("{old_job}-2.part")), "mat").unwrap();

        let keys = |config: &Config| -> Vec<Option<DataKeyId>> {
            all(config).unwrap().into_iter().map(|other| other.key).collect()
        };
        assert_eq!(keys(&config), [None, Some(id(1)), Some(id(3)), None]);
        let ring = vault(&wrapped[..2]);
        let again = write_again(&config, &ring, id(2)).unwrap();
        assert_eq!(again, Again { written: 2, failed: 1, under_way: 0, removed: 1 });
        assert_eq!(keys(&config), [Some(id(2)), Some(id(3)), Some(id(2))]);
        let state = StateFile::in_folder(folder.path(), ring.clone());
        assert_eq!(state.load().unwrap().unwrap().judged, SpoolPosition(9));
        let mut text = String::new();
        let mut file = ring.open(&old, old_job).unwrap();
        io::Read::read_to_string(&mut file, &mut text).unwrap();
        assert_eq!(text, "mat khau");
        let once_more = write_again(&config, &ring, id(2)).unwrap();
        assert_eq!((once_more.written, once_more.failed), (0, 1));
    }
}
