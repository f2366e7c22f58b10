//! `luytre database`: from SQLite to PostgreSQL.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use db::{Db, DbSettings};
use event::{IdSource, SystemClock};

use super::Outcome;
use super::held::hold_spool;
use crate::config::Config;

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy all rows of the SQLite in the data folder into an empty PostgreSQL, while the platform does not run
    Copy {
        /// `postgres://user:password@host/database`
        #[arg(long, value_name = "URL", env = "LUYTRE_COPY_TO", hide_env_values = true)]
        to: String,
    },
}

pub(crate) fn run(config: Config, command: &Command) -> Result<Outcome> {
    let Command::Copy { to } = command;
    if !config.database.url.is_empty() {
        bail!(
            "`database.url` is set: the platform is not on the SQLite of the data folder any more"
        );
    }
    super::block_on(async move {
        let from = super::open_existing_db(&config).await?;
        let (spool, _reader, _) = hold_spool(&config, &from).await?;
        let settings = DbSettings::from_url(to);
        let ids = Arc::new(IdSource::from_os());
        let target = Db::open(&settings, Arc::new(SystemClock), ids);
        let target = target.await.context("opening the database that is to be copied into")?;
        let copied = db::copy(&from, &target).await.context("copying the database")?;
        let (before, after) = (db::audit::verify(&from).await?, db::audit::verify(&target).await?);
        spool.close().await;
        println!("{} rows of {} tables copied", copied.rows, copied.tables);
        if before != after {
            println!("the audit log of the copy does not read as the one that was copied");
            return Ok(Outcome::NotInOrder);
        }
        println!(
            "the audit log reads the same in both; set `database.url` now, and keep the data folder"
        );
        Ok(Outcome::Good)
    })
}
