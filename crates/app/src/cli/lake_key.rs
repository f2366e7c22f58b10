//! `luytre lake key`: the keys of a lake that is encrypted at rest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use db::Db;
use lake::{Catalogue as _, DataKeyId, Lake, MasterKey};
use respond::Form;

use super::held::hold_spool;
use super::{Outcome, other_files, output};
use crate::catalogue::keyring::First;
use crate::catalogue::{DbCatalogue, keyring};
use crate::config::Config;
use crate::serve::open_lake;

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a new master key to a file that only its owner reads (for `lake.encryption.key_file`)
    New {
        /// The file; one that is there is never written over
        file: PathBuf,
    },
    /// Change keys: a new data key for new files, or another master key
    Rotate(RotateArguments),
    /// Say which keys there are, and how many files each encrypts
    List,
}

/// Which key is changed.
#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// Put all data keys under the master key in this file, made with `lake key new`; files stay as they are
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    to: Option<PathBuf>,
    /// Write older files again under the new data key, plain ones too: the lake's, what detection remembers, people's
    /// files (the platform must be ended)
    #[arg(long)]
    files: bool,
}

pub(crate) async fn run(config: &Config, command: &Command) -> Result<Outcome> {
    match command {
        Command::New { file } => {
            let key = MasterKey::create(file)?;
            println!(
                "master key {} written to {}; set `lake.encryption.key_file`, and keep a copy where no backup \
                 of the data lies: without it nobody reads the files",
                key.fingerprint(),
                file.display()
            );
            Ok(Outcome::Good)
        }
        Command::Rotate(arguments) => rotate(config, arguments).await,
        Command::List => list(config).await,
    }
}

async fn rotate(config: &Config, arguments: &RotateArguments) -> Result<Outcome> {
    let db = super::open_existing_db(config).await?;
    if let Some(to) = &arguments.to {
        let keys = keyring::rewrap(config, &db, to).await?;
        println!(
            "{keys} data keys lie under the master key in {path} now; set `lake.encryption.key_file` to {path} \
             before the next start",
            path = to.display()
        );
        return Ok(Outcome::Good);
    }
    if !arguments.files {
        let key = keyring::rotate(config, &db).await?;
        println!("data key {key} encrypts the files that are written from the next start on");
        return Ok(Outcome::Good);
    }
    let (spool, _reader, _) = hold_spool(config, &db).await?;
    let key = keyring::rotate(config, &db).await?;
    let lake = open_lake(config, &db).await?;
    println!("data key {key} encrypts the files from now on");
    let outcome = encrypt_all(&lake).await;
    lake.close().await;
    let others = encrypt_others(config, &db, key).await;
    spool.close().await;
    let (outcome, others) = (outcome?, others?);
    Ok(if outcome == Outcome::Good { others } else { Outcome::NotInOrder })
}

/// Writes all files again that are not under the newest key.
async fn encrypt_all(lake: &Lake) -> Result<Outcome> {
    let files = lake.files();
    let bar = output::progress(u64::try_from(files.len())?, "lake files");
    let (mut done, mut failed) = (0, 0);
    for file in files {
        match lake.encrypt_file(&file).await {
            Ok(written) => done += u64::from(written),
            Err(error) => {
                failed += 1;
                let error = anyhow::Error::new(error);
                println!("{} stays as it is: {error:#}", file.path);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("{done} files written again under the new key, {failed} stay as they are");
    Ok(if failed == 0 { Outcome::Good } else { Outcome::NotInOrder })
}

/// Writes all files beside the lake's again that are not under the newest key.
async fn encrypt_others(config: &Config, db: &Db, newest: DataKeyId) -> Result<Outcome> {
    let vault = keyring::vault(config, db, First::Leave).await?;
    let own = config.clone();
    let again = tokio::task::spawn_blocking(move || other_files::write_again(&own, &vault, newest))
        .await??;
    println!(
        "{} other files written again under the new key, {} stay as they are",
        again.written, again.failed
    );
    if again.under_way > 0 {
        println!(
            "{} others stay: under way, until what is handed over is whole, or put aside as damaged",
            again.under_way
        );
    }
    Ok(if again.failed == 0 { Outcome::Good } else { Outcome::NotInOrder })
}

async fn list(config: &Config) -> Result<Outcome> {
    let db = super::open_existing_db(config).await?;
    let keys = keyring::list(&db).await?;
    let mut files: BTreeMap<Option<DataKeyId>, u64> = BTreeMap::new();
    for segment in DbCatalogue::new(db, config.lake.has_store()).segments().await? {
        *files.entry(segment.key).or_default() += 1;
    }
    let plain = files.remove(&None).unwrap_or_default();
    if keys.is_empty() && plain == 0 {
        bail!("there are neither keys nor files");
    }
    let (others, newest) = (other_files::all(config)?, keys.last().map(|key| key.id));
    let mut counts: BTreeMap<Option<DataKeyId>, u64> = BTreeMap::new();
    for other in others.iter().filter(|other| other.file.form != Form::Unfinished) {
        *counts.entry(other.key).or_default() += 1;
    }
    let others_plain = counts.remove(&None).unwrap_or_default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for key in keys {
        let count = files.remove(&Some(key.id)).unwrap_or_default();
        let others = counts.remove(&Some(key.id)).unwrap_or_default();
        rows.push(vec![key.id.to_string(), key.master, count.to_string(), others.to_string()]);
    }
    if !rows.is_empty() {
        output::table(&["data key, the newest last", "master key", "files", "other files"], &rows);
    }
    println!("{plain} files are plain");
    println!("{others_plain} other files are plain");
    other_files::print_older(&others, newest);
    let unknown = files.values().chain(counts.values()).sum::<u64>();
    if unknown > 0 {
        println!("{unknown} files have a key that is not in the keyring");
        return Ok(Outcome::NotInOrder);
    }
    if let Some(path) = &config.lake.encryption.key_file {
        let found = MasterKey::read(path).context("reading `lake.encryption.key_file`")?;
        println!("master key in {}: {}", path.display(), found.fingerprint());
    }
    Ok(Outcome::Good)
}
