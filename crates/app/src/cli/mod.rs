//! The command line: what can be asked of `luytre`, and with which exit code it answers.
//!
//! Exit codes: 0 done; 1 the command failed; 2 the call was wrong (clap); 3 done, and what was
//! checked is not in order (a bad rule, a missed expectation, a broken audit chain, a finding with
//! `hunt --fail-on`). Errors go to standard error, answers to standard output, so that both can be piped.

mod account;
mod audit;
mod baselines;
mod coverage;
mod database;
mod demo;
mod explain;
mod held;
pub(crate) mod hunt;
mod indicators;
mod lake;
mod lake_chain;
mod lake_event;
mod lake_import;
mod lake_key;
mod lake_move;
mod lake_verify;
mod nodes;
mod other_files;
pub(crate) mod output;
pub mod role;
mod rules;
mod search;
mod serve;
mod sources;
mod state;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use db::Db;

use crate::config::Config;

/// The command line of `luytre`.
#[derive(Debug, Parser)]
#[command(name = "luytre", version, about = "Lũy Tre: a province's cybersecurity centre in one binary", long_about = None)]
#[command(propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// Configuration file (TOML). Without one, built-in defaults serve from ./data.
    #[arg(long, short, global = true, value_name = "FILE", env = "LUYTRE_CONFIG")]
    config: Option<PathBuf>,

    /// Say more: -v for what happens, -vv for every step.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the platform: listeners, detection, lake and pages
    Serve(serve::Arguments),
    /// Start a fictional province, play a staged intrusion against it and tell what was seen
    Demo(demo::Arguments),
    /// Search files offline (EVTX, JSON, log files, archives of them) with Sigma rules
    Hunt(hunt::Arguments),
    /// Search the lake
    Search(search::Arguments),
    /// Check, test and list detection rules
    #[command(subcommand)]
    Rules(rules::Command),
    /// List and check what is learned of each system, and how far it has come
    #[command(subcommand)]
    Baselines(baselines::Command),
    /// Check lists of indicators: addresses, domains, URLs, file hashes, mail addresses
    #[command(subcommand)]
    Indicators(indicators::Command),
    /// List and test the log formats that can be read
    #[command(subcommand)]
    Sources(sources::Command),
    /// Manage accounts from the server's own console
    #[command(subcommand)]
    User(account::Command),
    /// Write a consistent copy of database and lake into a folder
    Backup(state::BackupArguments),
    /// Bring the database from SQLite to PostgreSQL
    #[command(subcommand)]
    Database(database::Command),
    /// Bring a backup back into an empty data folder
    Restore(state::RestoreArguments),
    /// Check, repair, encrypt, move, take out and bring in the files of the lake
    #[command(subcommand)]
    Lake(lake::Command),
    /// Show the machines of the platform, what each does and since when it runs
    Nodes(nodes::Arguments),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// The configuration
    #[command(subcommand)]
    Config(serve::ConfigCommand),
    /// Measure this machine
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Send events over HTTP and TCP, measure how many are taken and how soon they can be searched
    Ingest(crate::bench::IngestArguments),
    /// Hunt through a folder of EVTX files, measured beside the mere reading of them
    Hunt(crate::bench::HuntArguments),
    /// Judge events with rules, measured in events a second, reading included
    Detect(crate::bench::DetectArguments),
    /// Bring events into a lake and ask it questions, each answer checked by a plain count
    Lake(crate::bench::LakeArguments),
    /// Ask a large lake for a rare word when nothing of it is in memory
    Cold(crate::bench::ColdArguments),
    /// Ask the configured store's lake the same questions alone and by its cluster
    #[cfg(feature = "distributed")]
    Distributed(crate::bench::DistributedArguments),
    /// Fill the register from spreadsheets and let people work in it, measured page by page
    Registry(crate::bench::RegistryArguments),
    /// Raise alerts, open incidents and let people work on them, measured page by page
    Respond(crate::bench::RespondArguments),
}

/// What a command found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything is in order.
    Good,
    /// The command worked, and what it checked is not in order.
    NotInOrder,
}

/// Runs a command and returns its exit code.
pub fn run(cli: Cli) -> ExitCode {
    let is_server = matches!(cli.command, Command::Serve(_) | Command::Demo(_) | Command::Bench(_));
    if !is_server {
        // `luytre hunt … | head` ends quietly; a server must outlive a reader that went away.
        sigpipe::reset();
    }
    output::start_logging(cli.verbose, matches!(cli.command, Command::Serve(_)));
    match dispatch(cli) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::NotInOrder) => ExitCode::from(3),
        Err(error) => {
            output::error(&error);
            ExitCode::from(1)
        }
    }
}

fn dispatch(cli: Cli) -> Result<Outcome> {
    let config = || crate::config::load(cli.config.as_deref());
    match cli.command {
        Command::Serve(arguments) => serve::run(config()?, &arguments),
        Command::Nodes(arguments) => nodes::run(config()?, &arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Hunt(arguments) => hunt::run(&arguments, cli.verbose > 0, || Ok(config()?)),
        Command::Search(arguments) => search::run(&config()?, &arguments),
        Command::Rules(command) => rules::run(&command, || Ok(config()?)),
        Command::Baselines(command) => baselines::run(&config()?, &command),
        Command::Indicators(command) => indicators::run(&config()?, &command),
        Command::Sources(command) => sources::run(&command, &config()?),
        Command::User(command) => account::run(config()?, &command),
        Command::Backup(arguments) => state::backup(config()?, &arguments),
        Command::Database(command) => database::run(config()?, &command),
        Command::Restore(arguments) => state::restore(&config()?, &arguments),
        Command::Lake(command) => lake::run(config()?, &command),
        Command::Audit(command) => audit::run(config()?, &command),
        Command::Config(command) => serve::config(cli.config.as_deref(), &command),
        Command::Bench(BenchCommand::Ingest(arguments)) => {
            crate::bench::ingest(&arguments)?;
            Ok(Outcome::Good)
        }
        Command::Bench(BenchCommand::Hunt(arguments)) => {
            crate::bench::hunt(&arguments)?;
            Ok(Outcome::Good)
        }
        Command::Bench(BenchCommand::Detect(arguments)) => {
            crate::bench::detect(&arguments)?;
            Ok(Outcome::Good)
        }
        Command::Bench(BenchCommand::Lake(arguments)) => {
            let is_right = crate::bench::lake(&arguments)?;
            Ok(if is_right { Outcome::Good } else { Outcome::NotInOrder })
        }
        Command::Bench(BenchCommand::Cold(arguments)) => {
            let is_right = crate::bench::cold(&arguments)?;
            Ok(if is_right { Outcome::Good } else { Outcome::NotInOrder })
        }
        #[cfg(feature = "distributed")]
        Command::Bench(BenchCommand::Distributed(arguments)) => {
            let is_right = crate::bench::distributed(config()?, &arguments)?;
            Ok(if is_right { Outcome::Good } else { Outcome::NotInOrder })
        }
        Command::Bench(BenchCommand::Registry(arguments)) => {
            let is_right = crate::bench::registry(&arguments)?;
            Ok(if is_right { Outcome::Good } else { Outcome::NotInOrder })
        }
        Command::Bench(BenchCommand::Respond(arguments)) => {
            let is_right = crate::bench::respond(&arguments)?;
            Ok(if is_right { Outcome::Good } else { Outcome::NotInOrder })
        }
        Command::Completion { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "luytre", &mut std::io::stdout());
            Ok(Outcome::Good)
        }
    }
}

/// Opens the platform's database, beside a running server or without one; one that is not there yet is
/// an error here, because there is nothing to tell of it. On a disk that takes no writes it can be read.
async fn open_existing_db(config: &Config) -> Result<Db> {
    let file = config.site.data_folder.join("luytre.db");
    if config.database.url.is_empty() && !file.try_exists()? {
        bail!("there is no database {}; name the configuration with --config", file.display());
    }
    crate::serve::open_db_as(config, &config.database().may_be_still()).await
}

/// Runs an asynchronous command on a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_can_be_called() {
        Cli::command().debug_assert();
    }
}
