//! `luytre sources`: the log formats that can be read, and whether each still reads its own sample.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use decode::SourceFiles;

use super::{Outcome, output};
use crate::config::Config;

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the sources: names for a log source's parser
    List,
    /// Decode each folder's sample.log and compare it with its expected.ndjson
    Test {
        /// Source folders (each with source.toml, sample.log, expected.ndjson); without one, the built-in ones
        folders: Vec<PathBuf>,
    },
}

pub(crate) fn run(command: &Command, config: &Config) -> Result<Outcome> {
    match command {
        Command::List => list(config),
        Command::Test { folders } => test(folders),
    }
}

fn list(config: &Config) -> Result<Outcome> {
    let decoder = crate::sources::decoder(&config.sources.folders)?;
    let rows: Vec<Vec<String>> = decoder
        .sources()
        .map(|source| vec![source.id.to_string(), source.title_vi.clone(), source.title_en.clone()])
        .collect();
    output::table(&["name", "tên", "title"], &rows);
    Ok(Outcome::Good)
}

fn test(folders: &[PathBuf]) -> Result<Outcome> {
    let decoder = crate::sources::decoder(folders_of(folders).as_slice())?;
    let mut failed = 0_u32;
    let mut passed = 0_u32;
    let mut one = |files: SourceFiles<'_>| match decode::check_source(&decoder, &files) {
        Ok(report) => {
            passed += 1;
            println!(
                "{}: {} lines as expected, {} of them dead letters",
                files.folder, report.lines, report.dead
            );
        }
        Err(mismatches) => {
            failed += 1;
            for mismatch in mismatches {
                println!("{}/sample.log:{}: {}", files.folder, mismatch.line, mismatch.detail);
            }
        }
    };
    if folders.is_empty() {
        decode::folders().for_each(&mut one);
    }
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let [definition, sample, expected] =
            ["source.toml", "sample.log", "expected.ndjson"].map(|file| read(folder, file));
        one(SourceFiles {
            folder: name,
            definition: &definition?,
            sample: &sample?,
            expected: &expected?,
        });
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { Outcome::Good } else { Outcome::NotInOrder })
}

/// Returns the folders that hold the given source folders: their definitions replace the built-in ones.
fn folders_of(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> =
        folders.iter().filter_map(|folder| folder.parent().map(Path::to_owned)).collect();
    parents.sort();
    parents.dedup();
    parents
}

fn read(folder: &Path, file: &str) -> Result<String> {
    let path = folder.join(file);
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}
