//! `luytre indicators`: check lists of indicators before they are trusted.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use event::{Clock as _, SystemClock};

use super::Outcome;
use crate::config::Config;
use crate::indicators::{self, Places};

/// What to do with indicators.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read lists of indicators: how many of each kind, what is refused, and what never matches
    Check(Files),
}

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Files and folders of indicators: lists, CSV, STIX 2.1 bundles, MISP events. Without one, those
    /// of the configuration
    files: Vec<PathBuf>,
    /// File or folder of names that must never be alerted on, besides the built-in lists and those of
    /// the configuration
    #[arg(long, value_name = "FILE")]
    warning_list: Vec<PathBuf>,
}

pub(crate) fn run(config: &Config, command: &Command) -> Result<Outcome> {
    let Command::Check(files) = command;
    let mut places = config.indicators.places();
    if !files.files.is_empty() {
        places.indicators.clone_from(&files.files);
    }
    places.warning_lists.extend(files.warning_list.iter().cloned());
    check(&places)
}

fn check(places: &Places) -> Result<Outcome> {
    let loaded = indicators::load(places)?;
    let report = &loaded.report;
    for error in &report.errors {
        println!("{error}");
    }
    for error in &loaded.warning_errors {
        println!("{error}");
    }
    if report.errors_beyond > 0 {
        println!("… and {} more", report.errors_beyond);
    }
    let expired = loaded.set.expired(SystemClock.now());
    if expired > 0 {
        println!("{expired} past their time: they match earlier events only");
    }
    for line in indicators::summary(&loaded) {
        println!("{line}");
    }
    let is_good = report.errors.is_empty() && loaded.warning_errors.is_empty();
    Ok(if is_good { Outcome::Good } else { Outcome::NotInOrder })
}
