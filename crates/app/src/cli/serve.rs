//! `luytre config`.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Subcommand;

use super::Outcome;
use crate::config;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration and report what is wrong, with file, line and key
    Check,
    /// Print the configuration as it is in force, with defaults and environment
    Show,
}

pub(crate) fn config(file: Option<&Path>, command: &ConfigCommand) -> Result<Outcome> {
    let config = config::load(file)?;
    match command {
        ConfigCommand::Check => {
            // A folder that does not exist is found here, not at three in the morning.
            crate::sources::decoder(&config.sources.folders)?;
            config.incidents.load_obligations()?;
            config.lake_settings()?;
            if let Some(path) = &config.lake.encryption.key_file {
                ::lake::MasterKey::read(path).context("reading `lake.encryption.key_file`")?;
            }
            let loaded = crate::rules::load_all(&config.rules.folders, &config.rules.pipelines)?;
            for bad in &loaded.bad {
                println!("{bad}");
            }
            println!("the configuration is in order; {} rules", loaded.set.rules().len());
        }
        ConfigCommand::Show => {
            let mut shown = config;
            if !shown.database.url.is_empty() {
                "postgres://…".clone_into(&mut shown.database.url);
            }
            if !shown.lake.s3.secret_access_key.is_empty() {
                "…".clone_into(&mut shown.lake.s3.secret_access_key);
            }
            print!("{}", toml::to_string(&shown)?);
        }
    }
    Ok(Outcome::Good)
}
