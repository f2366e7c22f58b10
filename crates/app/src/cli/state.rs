//! `luytre backup` and `luytre restore`: a copy that fits together, made while the platform runs.
//!
//! Order matters. The spool first: what it forgets from then on is in lake files that a later copy of
//! the database names. Then the database, then the files it names. A compaction may remove a file in
//! between; then the whole round starts again. After a restore the pipeline plays the spool from the
//! database's position, as after a crash: the copy is as of the moment when the spool was copied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use db::Db;
use event::{IdSource, SystemClock};
use lake::{Catalogue as _, Segment, SegmentId, Where};
use sha2::{Digest as _, Sha256};

use super::{Outcome, output};
use crate::catalogue::DbCatalogue;
use crate::config::Config;
use crate::serve::DATABASE_UNFINISHED;

/// Rounds until we give up: each starts only because a merge removed a file meanwhile, and copies what is new.
const ROUNDS_MAX: u32 = 100;

/// Name of the database inside a backup. It has it once all the rest is there: a folder without it is no backup.
const DATABASE: &str = "luytre.db";

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// An empty or new folder
    folder: PathBuf,
}

/// Where from.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The folder of a backup
    folder: PathBuf,
}

pub(crate) fn backup(config: Config, arguments: &BackupArguments) -> Result<Outcome> {
    if config.lake.has_store() && config.lake.tier.after_days == 0 {
        bail!(
            "`lake.store` is set: back up the bucket and the database with their own tools, the \
             database first"
        );
    }
    empty_or_new(&arguments.folder)?;
    let folder = &arguments.folder;
    super::block_on(async move {
        let mut copied = Copied::default();
        for _ in 0..ROUNDS_MAX {
            let round = one_round(&config, folder, &mut copied).await;
            if round.is_err() {
                // Half a backup is none: who tries again finds the folder as it was.
                empty(folder)?;
            }
            if let Some(files) = round? {
                println!(
                    "{} lake files, database and spool copied to {}",
                    files.copied,
                    folder.display()
                );
                if files.in_store > 0 {
                    println!(
                        "{} lake files lie in the store and are not in it: the bucket is backed up with its own tools",
                        files.in_store
                    );
                }
                if config.lake.encryption.key_file.is_some() {
                    println!(
                        "the master key is not in it: without `lake.encryption.key_file` nobody reads its lake files"
                    );
                }
                return Ok(Outcome::Good);
            }
        }
        empty(folder)?;
        bail!("the lake's files kept changing; try again in a quieter moment")
    })
}

/// What became of the lake's files.
#[derive(Debug)]
struct Files {
    copied: usize,
    in_store: usize,
}

/// What was copied so far of the lake's files, which never change.
#[derive(Debug, Default)]
struct Copied {
    /// The files, with their paths.
    files: BTreeMap<SegmentId, String>,
    /// The one that was not there in the last round.
    missing: Option<SegmentId>,
}

/// Makes one copy; `None` if a file that the database names went away meanwhile. What was copied stays for the next
/// round.
async fn one_round(config: &Config, to: &Path, copied: &mut Copied) -> Result<Option<Files>> {
    let (spool, database) = (to.join("spool"), to.join(DATABASE_UNFINISHED));
    for left in [spool.clone(), database.clone()] {
        remove(&left).with_context(|| format!("removing {}", left.display()))?;
    }
    copy_folder(&config.spool_folder(), &spool)?;
    let live = super::open_existing_db(config).await?;
    live.backup(&database).await.context("copying the database")?;
    live.close().await?;
    let copy = Db::open(
        &db::DbSettings::sqlite(&database),
        Arc::new(SystemClock),
        Arc::new(IdSource::from_os()),
    )
    .await?;
    let segments = DbCatalogue::new(copy.clone(), false).segments().await?;
    copy.close().await?;
    let (segments, stored): (Vec<_>, Vec<_>) =
        segments.into_iter().partition(|segment| segment.lies_in == Where::Folder);
    if !copy_files(config, &segments, to, copied)? {
        return Ok(None);
    }
    // After the database: what it names is there, and a file more does no harm.
    copy_folder(&config.exports_folder().join("store"), &to.join("store"))?;
    fs::File::open(&database)?.sync_all()?;
    fs::rename(&database, to.join(DATABASE))?;
    fs::File::open(to)?.sync_all()?;
    Ok(Some(Files { copied: segments.len(), in_store: stored.len() }))
}

/// Copies the files of the lake that are not there yet, the small ones first: these are merged soon. Returns whether
/// all of them were still there.
fn copy_files(
    config: &Config,
    segments: &[Segment],
    to: &Path,
    copied: &mut Copied,
) -> Result<bool> {
    let listed: BTreeSet<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    if copied.missing.take().is_some_and(|id| listed.contains(&id)) {
        bail!("a file of the lake is missing: `luytre lake verify` says which");
    }
    for (id, path) in std::mem::take(&mut copied.files) {
        if listed.contains(&id) {
            copied.files.insert(id, path);
        } else {
            fs::remove_file(to.join("lake").join(path))?;
        }
    }
    let mut wanted: Vec<&Segment> =
        segments.iter().filter(|segment| !copied.files.contains_key(&segment.id)).collect();
    wanted.sort_by_key(|segment| segment.size_bytes);
    let bar = output::progress(u64::try_from(wanted.len())?, "lake files");
    for segment in wanted {
        let target = to.join("lake").join(&segment.path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        match copy_file(&config.lake_folder().join(&segment.path), &target) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bar.finish_and_clear();
                copied.missing = Some(segment.id);
                return Ok(false);
            }
            Err(error) => return Err(error).with_context(|| format!("copying {}", segment.path)),
        }
        if digest(&target)? != segment.sha256 {
            bail!("{} does not have the checksum that the catalogue names", segment.path);
        }
        copied.files.insert(segment.id, segment.path.clone());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(true)
}

/// Removes a file or a folder with everything below; one that is not there is no error.
fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn restore(config: &Config, arguments: &RestoreArguments) -> Result<Outcome> {
    let from = &arguments.folder;
    if !from.join(DATABASE).try_exists()? {
        bail!("{} holds no backup: {DATABASE} is missing", from.display());
    }
    if !config.database.url.is_empty() {
        bail!(
            "`database.url` is set: restore PostgreSQL with its own tools, then copy lake and spool"
        );
    }
    let data = &config.site.data_folder;
    empty_or_new(data)?;
    let restored = bring_back(config, from);
    if restored.is_err() {
        // Half of it is no installation: who tries again finds the folder as it was.
        empty(data)?;
    }
    restored?;
    println!("restored to {}; start `luytre serve`", data.display());
    println!(
        "holds that were set since the backup are not in it: set them again; a platform that stood still for more than \
         a day deletes nothing on its first"
    );
    Ok(Outcome::Good)
}

/// Copies a backup into the empty data folder. The database has its name when all the rest is there: the platform
/// does not start on less.
fn bring_back(config: &Config, from: &Path) -> Result<()> {
    let data = &config.site.data_folder;
    let database = data.join(DATABASE_UNFINISHED);
    copy_file(&from.join(DATABASE), &database).context("copying the database")?;
    copy_folder(&from.join("lake"), &config.lake_folder())?;
    copy_folder(&from.join("spool"), &config.spool_folder())?;
    copy_folder(&from.join("store"), &config.exports_folder().join("store"))?;
    fs::rename(&database, data.join(DATABASE))?;
    fs::File::open(data)?.sync_all()?;
    Ok(())
}

pub(super) fn empty_or_new(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty: nothing was changed", folder.display());
    }
    Ok(())
}

/// Removes everything in a folder, not the folder itself: it may be where a medium is mounted.
pub(super) fn empty(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Copies a file; it is on the disk when this returns.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::File::open(to)?.sync_all()
}

/// Copies a folder with everything below; one that is not there has nothing to copy.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if !from.try_exists()? {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            match copy_file(&entry.path(), &target) {
                // Forgotten by the spool meanwhile: its events are in files that the database names.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                outcome => {
                    outcome.with_context(|| format!("copying {}", entry.path().display()))?;
                }
            }
        }
    }
    Ok(())
}

pub(super) fn digest(file: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut fs::File::open(file)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u128, content: &[u8]) -> Segment {
        Segment {
            size_bytes: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
            ..crate::catalogue::tests::segment(number)
        }
    }

    #[tokio::test]
    async fn a_backup_goes_on_where_a_merge_took_its_files_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.site.data_folder = folder.path().join("data");
        let catalogue = DbCatalogue::new(crate::serve::open_db(&config).await.unwrap(), false);
        let put = |file: &Segment, content: &[u8]| {
            let path = config.lake_folder().join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let (small, large) = (segment(1, b"small"), segment(2, b"a large one"));
        let (late, merged) = (segment(3, b"the newest of all"), segment(4, b"small and newest"));
        put(&small, b"small");
        put(&large, b"a large one");
        catalogue.commit(&[small.clone(), large.clone(), late.clone()], &[], None).await.unwrap();
        let to = folder.path().join("copy");
        fs::create_dir(&to).unwrap();
        let mut copied = Copied::default();
        // The newest file was merged with the small one since the database was copied.
        assert!(one_round(&config, &to, &mut copied).await.unwrap().is_none());
        assert_eq!((copied.files.len(), copied.missing), (2, Some(late.id)));
        assert!(!to.join(DATABASE).try_exists().unwrap());
        put(&merged, b"small and newest");
        fs::remove_file(config.lake_folder().join(&small.path)).unwrap();
        // What is there still is not read again.
        fs::remove_file(config.lake_folder().join(&large.path)).unwrap();
        catalogue.commit(std::slice::from_ref(&merged), &[small.id, late.id], None).await.unwrap();
        let files = one_round(&config, &to, &mut copied).await.unwrap().unwrap();
        assert_eq!((files.copied, files.in_store), (2, 0));
        let is_there = |file: &Segment| to.join("lake").join(&file.path).try_exists().unwrap();
        assert_eq!([&small, &large, &late, &merged].map(is_there), [false, true, false, true]);
        assert!(to.join(DATABASE).try_exists().unwrap());
        assert!(!to.join(DATABASE_UNFINISHED).try_exists().unwrap());
    }

    #[tokio::test]
    async fn a_backup_of_a_lake_that_lacks_a_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.site.data_folder = folder.path().join("data");
        let catalogue = DbCatalogue::new(crate::serve::open_db(&config).await.unwrap(), false);
        catalogue.commit(&[segment(1, b"lost")], &[], None).await.unwrap();
        let mut copied = Copied::default();
        let to = folder.path().join("copy");
        fs::create_dir(&to).unwrap();
        assert!(one_round(&config, &to, &mut copied).await.unwrap().is_none());
        let error = one_round(&config, &to, &mut copied).await.unwrap_err();
        assert!(error.to_string().contains("a file of the lake is missing"), "{error:#}");
    }
}
