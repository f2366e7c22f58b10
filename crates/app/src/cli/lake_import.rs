//! `luytre lake import`: brings an export in, every event once. A line that is no event is named, put aside
//! and left out; the rest comes in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use lake::Lake;
use lake::keep::{BadLine, ImportError, Imported, MANIFEST, Manifest};

use super::held::hold_spool;
use super::lake::record;
use super::{Outcome, output};
use crate::config::Config;
use crate::rejects::Rejects;
use crate::serve::{IMPORT_ACTION, open_lake};

/// What to bring in.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder of an export
    folder: PathBuf,
    /// Stop at the first line that is no event
    #[arg(long)]
    strict: bool,
    /// Where lines that are no events are put, with file, line and reason; without it, a file in the folder
    /// `rejected` of the data folder
    #[arg(long, value_name = "FILE", conflicts_with = "strict")]
    rejects: Option<PathBuf>,
}

pub(crate) async fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    let folder = &arguments.folder;
    let manifest = read_manifest(folder)?;
    let sum = super::state::digest(&folder.join(MANIFEST))?;
    let db = super::open_existing_db(config).await?;
    let (spool, _reader, _) = hold_spool(config, &db).await?;
    let lake: Arc<Lake> = open_lake(config, &db).await?;
    let mut rejects = Rejects::at(arguments.rejects.clone().unwrap_or_else(|| {
        // Named by what was brought in: once more gives the same file.
        let name = format!("{}.ndjson", sum.get(..16).unwrap_or(&sum));
        config.site.data_folder.join("rejected").join(name)
    }));
    let brought = files(&lake, &manifest, arguments, &mut rejects).await;
    // Also where a file failed: what was put aside before is kept, and told.
    let kept = rejects.finish(io::stdout().lock());
    lake.close().await;
    spool.close().await;
    kept.context("keeping the lines that were left out")?;
    let Imported { new, known, refused } = brought?;
    record(&db, IMPORT_ACTION, &manifest, &sum, Some(refused)).await?;
    println!("{new} events brought in, {known} were there already; what is over stays 30 days");
    Ok(if refused == 0 { Outcome::Good } else { Outcome::NotInOrder })
}

/// Reads what is to be there, and refuses what this program must not touch.
fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).context("reading the manifest")?;
    if manifest.version != 1 || manifest.schema_version > lake::SCHEMA_VERSION {
        bail!("a newer luytre made this export; this one does not read it");
    }
    for file in &manifest.files {
        let inside = Path::new(&file.path).components();
        if !inside.into_iter().all(|part| matches!(part, std::path::Component::Normal(_))) {
            bail!("{} leads out of the export's folder", file.path);
        }
    }
    Ok(manifest)
}

async fn files(
    lake: &Lake,
    manifest: &Manifest,
    Arguments { folder, strict, .. }: &Arguments,
    rejects: &mut Rejects,
) -> Result<Imported, ImportError> {
    let bar = output::progress(manifest.files.len() as u64, "files");
    let mut all = Imported::default();
    for file in &manifest.files {
        let imported = if *strict {
            lake.import(folder, file).await?
        } else {
            let apart = |bad: &BadLine| rejects.put(&bad.path, bad.line, &bad.why, &bad.bytes);
            lake.import_good_lines(folder, file, apart).await?
        };
        all.new += imported.new;
        all.known += imported.known;
        all.refused += imported.refused;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(all)
}
