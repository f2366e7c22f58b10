//! `luytre baselines`: what is learned of each system: listed, checked before it is trusted, and how
//! far it has come.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use detect::{Engine, Learning};
use respond::rule::switched;
use vault::Vault;

use super::{Outcome, output};
use crate::catalogue::keyring::{self, First};
use crate::config::Config;
use crate::engine_state::StateFile;
use crate::rules;
use crate::serve::with_switched;

/// What to do with baselines.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List baselines with severity, log source and title
    List(Folders),
    /// Read baselines and report every error with file, line and a hint
    Check(Folders),
    /// Show how far each baseline has learned each log source, as last stored by the server
    Status,
}

/// Which baselines.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Folders or files of baselines; without one, the built-in baselines
    folders: Vec<PathBuf>,
}

pub(crate) fn run(config: &Config, command: &Command) -> Result<Outcome> {
    match command {
        Command::List(which) => list(&which.folders),
        Command::Check(which) => check(&which.folders),
        Command::Status => status(config),
    }
}

fn check(folders: &[PathBuf]) -> Result<Outcome> {
    let loaded = rules::load_baselines(folders)?;
    for bad in &loaded.bad {
        println!("{bad}");
    }
    let baselines = loaded.set.rules().iter().filter(|rule| rule.is_baseline).count();
    println!("{baselines} baselines in force, {} refused", loaded.bad.len());
    Ok(if loaded.bad.is_empty() { Outcome::Good } else { Outcome::NotInOrder })
}

fn list(folders: &[PathBuf]) -> Result<Outcome> {
    let loaded = rules::load_baselines(folders)?;
    let rows: Vec<Vec<String>> = loaded
        .set
        .rules()
        .iter()
        .filter(|rule| rule.is_baseline)
        .map(|rule| {
            let source = &rule.logsource;
            let parts = [&source.product, &source.category, &source.service];
            let source: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
            let name = rule.name.clone().unwrap_or_else(|| rule.id.clone());
            vec![name, rule.level.word().to_owned(), source.join("/"), rule.title.clone()]
        })
        .collect();
    output::table(&["name", "severity", "log source", "title"], &rows);
    Ok(Outcome::Good)
}

fn status(config: &Config) -> Result<Outcome> {
    let vault = if config.lake.encryption.key_file.is_some() {
        super::block_on(async {
            let db = super::open_existing_db(config).await?;
            keyring::vault(config, &db, First::Leave).await
        })?
    } else {
        Vault::default()
    };
    let file = StateFile::in_folder(&config.site.data_folder, vault);
    let Some(stored) = file.load().context("reading what the server stored")? else {
        println!("nothing is stored yet: the server has not run with this data folder");
        return Ok(Outcome::Good);
    };
    let set = Arc::new(rules::load_all(&config.rules.folders, &config.rules.pipelines)?.set);
    let mut engine = Engine::new(Arc::clone(&set));
    let on_page = super::block_on(async {
        let db = super::open_existing_db(config).await?;
        Ok(switched(&db).await?)
    })?;
    engine.set_baselines(with_switched(config.baseline_settings(), &on_page));
    // What belongs to rules that are gone does not concern baselines.
    let _dropped = engine.restore(stored.engine);
    let name = |id: &str| {
        let info = set.rule(id);
        info.and_then(|info| info.name.clone()).unwrap_or_else(|| id.to_owned())
    };
    let learning = engine.learning();
    let rows: Vec<Vec<String>> =
        learning.iter().map(|own| row(&name(&own.baseline), own)).collect();
    println!("as stored at {}", stored.saved_at.format("%Y-%m-%d %H:%M:%S UTC"));
    output::table(&["baseline", "source", "state", "since", "time", "events"], &rows);
    Ok(Outcome::Good)
}

fn row(name: &str, learning: &Learning) -> Vec<String> {
    let state = match (learning.is_on, learning.learned_at) {
        (false, _) => "off".to_owned(),
        (true, None) => "learning".to_owned(),
        (true, Some(at)) => format!("on since {}", at.format("%Y-%m-%d")),
    };
    vec![
        name.to_owned(),
        learning.source.to_string(),
        state,
        learning.since.format("%Y-%m-%d").to_string(),
        format!("{} of {} parts", learning.slices, learning.slices_wanted),
        format!("{} of {}", learning.events, learning.events_wanted),
    ]
}
