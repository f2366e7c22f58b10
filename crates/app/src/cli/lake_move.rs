//! `luytre lake move`: brings all files of the lake from the folder into the store, or back.
//!
//! The platform has to be ended: not because a file could get lost under it (the same work brings old files
//! into the store while it runs), but because new files go where the configuration says, and it reads that
//! when it starts. Ended in the middle, also by `kill -9`, the command is simply called again.

use anyhow::{Result, bail};
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use db::{Actor, AuditEntry, Db, Subject};
use lake::{Lake, Where};
use serde_json::json;

use super::held::hold_spool;
use super::{Outcome, output};
use crate::config::Config;
use crate::serve::open_lake;

/// What to move.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to: the store that `lake.store` names, or the data folder
    #[arg(long, value_enum)]
    to: WhereWord,
}

/// A place on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum WhereWord {
    /// The S3 store that `lake.store` names
    Store,
    /// The data folder
    Folder,
}

/// Longer than an object that was let go of stays by itself.
const GRACE: TimeDelta = TimeDelta::days(1);

pub(crate) async fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    if !config.lake.has_store() {
        bail!("`lake.store` is not set: there is no store to bring files to or from");
    }
    let db = super::open_existing_db(config).await?;
    let (spool, _reader, _) = hold_spool(config, &db).await?;
    let lake = open_lake(config, &db).await?;
    let outcome = move_all(&lake, &db, arguments.to).await;
    lake.close().await;
    spool.close().await;
    outcome
}

async fn move_all(lake: &Lake, db: &Db, to: WhereWord) -> Result<Outcome> {
    let (place, word) = match to {
        WhereWord::Store => (Where::Store, "store"),
        WhereWord::Folder => (Where::Folder, "folder"),
    };
    let files = lake.files_outside(place);
    let bar = output::progress(u64::try_from(files.len())?, "lake files");
    let (mut done, mut events, mut failed) = (0_u64, 0, 0_u64);
    for file in files {
        match lake.move_file(&file, place).await {
            Ok(moved) => {
                done += u64::from(moved);
                events += if moved { file.rows } else { 0 };
            }
            Err(error) => {
                failed += 1;
                let error = anyhow::Error::new(error);
                println!("{} stays where it is: {error:#}", file.path);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    // Nobody reads the objects of files that came back: the platform is ended.
    while lake.clear_store(db.now() + GRACE).await? > 0 {}
    let detail = json!({ "to": word, "files": done, "events": events, "failed": failed });
    let entry = AuditEntry::new(Actor::CommandLine, "lake.move", Subject::all("lake_file"), detail);
    db.begin().await?.commit(entry).await?;
    println!(
        "{done} files with {events} events brought to the {word}, {failed} stay where they are"
    );
    if failed > 0 {
        println!("see `luytre lake verify`, then call this again: it goes on with what is left");
        return Ok(Outcome::NotInOrder);
    }
    Ok(Outcome::Good)
}
