//! `luytre audit`: proves that the audit trail is whole.

use anyhow::Result;
use clap::Subcommand;

use super::Outcome;
use crate::config::Config;

/// What to do with the audit trail.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow the hash chain from the first entry to the last
    Verify,
}

pub(crate) fn run(config: Config, command: &Command) -> Result<Outcome> {
    match command {
        Command::Verify => super::block_on(async move {
            let db = super::open_existing_db(&config).await?;
            let verdict = db::audit::verify(&db).await?;
            match verdict.first_bad {
                None => {
                    println!("{} entries, the chain is whole", verdict.entries);
                    Ok(Outcome::Good)
                }
                Some(bad) => {
                    println!("{} entries, the chain breaks at entry {bad}", verdict.entries);
                    Ok(Outcome::NotInOrder)
                }
            }
        }),
    }
}
