//! `luytre config`.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::Outcome;
use super::role::Role;
use crate::config::{self, Config};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration and report what is wrong, with file, line and key
    Check,
    /// Print the configuration as it is in force, with defaults and environment
    Show,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What this machine does; anything but `all` means that it is one of several ([cluster] in the configuration)
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

pub(crate) fn run(config: Config, arguments: &Arguments) -> Result<Outcome> {
    let role = arguments.role;
    let config = match role {
        Role::Intake | Role::Web => {
            config.as_member().with_context(|| format!("serving with --role {}", role.word()))?
        }
        Role::All | Role::Scheduler | Role::Executor => config,
    };
    super::block_on(async move {
        match role {
            Role::Scheduler | Role::Executor => query_node(&config, role).await?,
            _ if config.cluster.on => crate::serve::serve_as_member(config, role).await?,
            _ => crate::serve::serve(config).await?,
        }
        Ok(Outcome::Good)
    })
}

#[cfg(feature = "distributed")]
async fn query_node(config: &Config, role: Role) -> Result<()> {
    match role {
        Role::Scheduler => crate::serve::query_nodes::scheduler(config).await,
        _ => crate::serve::query_nodes::executor(config).await,
    }
}

#[cfg(not(feature = "distributed"))]
async fn query_node(_config: &Config, _role: Role) -> Result<()> {
    anyhow::bail!("this program was built without distributed queries")
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
