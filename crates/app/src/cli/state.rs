//! `luytre backup` and `luytre restore`: a copy that fits together, made while the platform runs.
//!
//! Order matters. The spool first: what it forgets from then on is in lake files that a later copy of
//! the database names. Then the database, then the files it names. A compaction may remove a file in
//! between; then the whole round starts again. After a restore the pipeline plays the spool from the
//! database's position, as after a crash: the copy is as of the moment when the spool was copied.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use db::Db;
use event::{IdSource, SystemClock};
use lake::{Catalogue as _, Where};
use sha2::{Digest as _, Sha256};

use super::{Outcome, output};
use crate::catalogue::DbCatalogue;
use crate::config::Config;
use crate::serve::DATABASE_UNFINISHED;

/// Rounds until we give up: each starts only because a compaction removed a file meanwhile.
const ROUNDS_MAX: u32 = 5;

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
        for _ in 0..ROUNDS_MAX {
            let round = one_round(&config, folder).await;
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
            empty(folder)?;
        }
        bail!("the lake's files kept changing; try again in a quieter moment")
    })
}

/// What became of the lake's files.
struct Files {
    copied: usize,
    in_store: usize,
}

/// Makes one copy; `None` if a file that the database names went away meanwhile.
async fn one_round(config: &Config, to: &Path) -> Result<Option<Files>> {
    copy_folder(&config.spool_folder(), &to.join("spool"))?;
    let live = super::open_existing_db(config).await?;
    let database = to.join(DATABASE_UNFINISHED);
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
    let bar = output::progress(u64::try_from(segments.len())?, "lake files");
    for segment in &segments {
        let target = to.join("lake").join(&segment.path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        match copy_file(&config.lake_folder().join(&segment.path), &target) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("copying {}", segment.path)),
        }
        if digest(&target)? != segment.sha256 {
            bail!("{} does not have the checksum that the catalogue names", segment.path);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    // After the database: what it names is there, and a file more does no harm.
    copy_folder(&config.exports_folder().join("store"), &to.join("store"))?;
    fs::File::open(&database)?.sync_all()?;
    fs::rename(&database, to.join(DATABASE))?;
    fs::File::open(to)?.sync_all()?;
    Ok(Some(Files { copied: segments.len(), in_store: stored.len() }))
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
