//! `luytre lake`: proves that the files are as they were written, takes damaged ones out of service,
//! and takes spans of time along from one installation to another.
//!
//! `verify` and `export` work beside a running platform; `repair`, `import` and `move` change the lake and
//! therefore want it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use collect::{Spool, SpoolReader};
use db::{Actor, AuditEntry, Db, Subject};
use event::{Event, EventId, IdSource, SpoolPosition, SystemId};
use lake::keep::{
    Export, ExportFormat, Exported, Fault, MANIFEST, Manifest, Taken, export, rescue, verify_file,
};
use lake::{Catalogue as _, ExportError, Lake, Note, Place, Segment, SegmentId};
use serde_json::json;

use super::held::{hold_spool, refuse_running};
use super::hunt::time;
use super::lake_verify::SpoolVerdict;
use super::{Outcome, lake_chain, lake_import, lake_key, lake_move, lake_verify, output};
use crate::catalogue::keyring::{self, First};
use crate::catalogue::{DbCatalogue, chain};
use crate::config::Config;
use crate::hunt::past::Past;
use crate::serve::open_lake;

/// What to do with the lake.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check every file against the catalogue (checksum, rows, index) and follow the chain over them
    Verify(lake_verify::Arguments),
    /// Print the chain over the files, one JSON object a line: what came and went, for others to check
    Chain,
    /// Take damaged files out of service, bring back what spool and file still hold
    Repair(RepairArguments),
    /// Write a span of time out: Parquet or NDJSON, with a manifest and checksums
    Export(ExportArguments),
    /// Bring an export in, every event once; lines that are no events are named and put aside (exit code 3)
    Import(lake_import::Arguments),
    /// Bring the files from the data folder into the store, or back
    Move(lake_move::Arguments),
    /// Make, change and list the keys of a lake that is encrypted at rest
    #[command(subcommand)]
    Key(lake_key::Command),
}

/// How to repair.
#[derive(Debug, Args)]
pub(crate) struct RepairArguments {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Put the rows of a damaged file that are still as they were written, by its blocks' checksums,
    /// into a new one; where only the records themselves are, read them again
    #[arg(long)]
    save_rows: bool,
    /// Go on although every file is missing: a disk that is not mounted looks like that
    #[arg(long)]
    all_missing: bool,
}

/// What to take out.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Earliest time of the events (RFC 3339 or `2026-11-22`, UTC), inclusive
    #[arg(long, value_parser = time)]
    from: DateTime<Utc>,
    /// Latest time, exclusive
    #[arg(long, value_parser = time)]
    to: DateTime<Utc>,
    /// Only events of this information system, by its code or id; may be given again
    #[arg(long, value_name = "CODE")]
    system: Vec<String>,
    /// As what
    #[arg(long, value_enum, default_value = "parquet")]
    format: FormatWord,
    /// An empty or new folder
    folder: PathBuf,
}

/// A format on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatWord {
    /// Parquet, as the lake keeps it: pandas, DuckDB, Spark and `luytre lake import` read it
    Parquet,
    /// One JSON object a line
    Ndjson,
}

/// Rounds until an export gives up: each starts only because a merge replaced a file meanwhile, and takes what is new.
const ROUNDS_MAX: u32 = 100;

pub(crate) fn run(config: Config, command: &Command) -> Result<Outcome> {
    super::block_on(async move {
        match command {
            Command::Verify(arguments) => lake_verify::run(&config, arguments).await,
            Command::Chain => lake_chain::run(&config).await,
            Command::Repair(arguments) => repair(&config, arguments).await,
            Command::Export(arguments) => take_out(&config, arguments).await,
            Command::Import(arguments) => lake_import::run(&config, arguments).await,
            Command::Move(arguments) => lake_move::run(&config, arguments).await,
            Command::Key(command) => lake_key::run(&config, command).await,
        }
    })
}

/// Returns where the files are read, with the keys for them.
pub(super) async fn place(config: &Config, db: &Db) -> Result<Arc<Place>> {
    Ok(Place::of(&keyring::settings(config, db, First::Leave).await?)?)
}

/// A file that is not in order.
pub(super) struct Damaged {
    pub(super) segment: Segment,
    pub(super) faults: Vec<Fault>,
}

/// Checks all files, those that a merge replaced meanwhile left out.
pub(super) async fn check_all(
    config: &Config,
    db: &Db,
    check: fn(&Arc<Place>, &Segment) -> Vec<Fault>,
    place: &Arc<Place>,
) -> Result<(u64, Vec<Damaged>)> {
    let catalogue = DbCatalogue::new(db.clone(), config.lake.has_store());
    let segments = catalogue.segments().await?;
    let bar = output::progress(u64::try_from(segments.len())?, "lake files");
    let mut damaged = Vec::new();
    let files = u64::try_from(segments.len())?;
    for segment in segments {
        let faults = check(place, &segment);
        bar.inc(1);
        if !faults.is_empty() {
            damaged.push(Damaged { segment, faults });
        }
    }
    bar.finish_and_clear();
    if damaged.iter().any(|one| one.faults.contains(&Fault::Missing)) {
        // Beside a running platform a file may have been merged, or moved, since the list was read.
        let now: BTreeMap<SegmentId, Segment> =
            catalogue.segments().await?.into_iter().map(|segment| (segment.id, segment)).collect();
        damaged.retain(|one| now.contains_key(&one.segment.id));
        for one in &mut damaged {
            if let Some(moved) = now.get(&one.segment.id).filter(|own| **own != one.segment) {
                *one = Damaged { faults: check(place, moved), segment: moved.clone() };
            }
        }
        damaged.retain(|one| !one.faults.is_empty());
    }
    Ok((files, damaged))
}

async fn repair(config: &Config, arguments: &RepairArguments) -> Result<Outcome> {
    let db = super::open_existing_db(config).await?;
    let seen = SpoolVerdict::of(config, &db, false).await?;
    println!("{}", seen.text());
    if arguments.dry_run {
        return would_repair(config, &db, &seen).await;
    }
    let (spool, reader, stored) = hold_spool(config, &db).await?;
    let place = place(config, &db).await?;
    let (files, damaged) = check_all(config, &db, verify_file, &place).await?;
    if damaged.is_empty() {
        println!("{files} files, all of them in order: nothing to repair");
        return Ok(if seen.is_in_order() { Outcome::Good } else { Outcome::NotInOrder });
    }
    let (missing, present): (Vec<Damaged>, Vec<Damaged>) =
        damaged.into_iter().partition(|one| one.faults.contains(&Fault::Missing));
    if files > 1 && u64::try_from(missing.len())? == files && !arguments.all_missing {
        bail!(
            "all {files} files of the lake are missing: is its disk mounted on {}? If they are gone for good: \
             --all-missing",
            config.lake_folder().display()
        );
    }
    forget_missing(config, &db, &missing).await?;
    let lake = open_lake(config, &db).await?;
    let mut lost = 0;
    let mut again = 0;
    for one in &present {
        lost += put_aside(&lake, one, arguments.save_rows).await?;
        if arguments.save_rows {
            again += read_again(config, &db, &lake, (&place, &one.segment)).await?;
        }
    }
    lost += missing.iter().map(|one| one.segment.rows).sum::<u64>();
    let ranges: Vec<(EventId, EventId)> = missing
        .iter()
        .chain(&present)
        .map(|one| (one.segment.min_id, one.segment.max_id))
        .collect();
    let back = bring_back(config, &db, &lake, (spool, reader, stored), &ranges).await?;
    lake.close().await;
    if again > 0 {
        println!("{again} events read again from the records that were taken out with them");
    }
    println!("{back} events brought back from the spool");
    let left = lost.saturating_sub(back).saturating_sub(again);
    if left > 0 {
        println!("{left} events are lost to searches; what was taken out lies in lake/quarantine");
        return Ok(Outcome::NotInOrder);
    }
    println!("nothing is lost");
    Ok(Outcome::Good)
}

/// Says what a repair would do. Opens nothing that opening changes.
async fn would_repair(config: &Config, db: &Db, seen: &SpoolVerdict) -> Result<Outcome> {
    refuse_running(seen.found.in_use)?;
    let place = place(config, db).await?;
    let (files, damaged) = check_all(config, db, verify_file, &place).await?;
    if damaged.is_empty() {
        println!("{files} files, all of them in order: nothing to repair");
    }
    for one in &damaged {
        let faults: Vec<String> = one.faults.iter().map(ToString::to_string).collect();
        println!("would be taken out: {} ({})", one.segment.path, faults.join("; "));
    }
    let good = damaged.is_empty() && seen.is_in_order();
    Ok(if good { Outcome::Good } else { Outcome::NotInOrder })
}

async fn forget_missing(config: &Config, db: &Db, missing: &[Damaged]) -> Result<()> {
    let catalogue = DbCatalogue::new(db.clone(), config.lake.has_store());
    for one in missing {
        let segment = &one.segment;
        let detail = json!({
            "file": segment.path,
            "sha256": segment.sha256,
            "events_lost": segment.rows,
            "from": segment.min_occurred_at,
            "to": segment.max_occurred_at,
        });
        let note = Note { kind: "missing", detail };
        catalogue.commit_noted(&[], &[segment.id], &note).await?;
        println!("{} is missing: {} events", segment.path, segment.rows);
    }
    Ok(())
}

/// Takes a file out of service; returns how many of its events are gone.
async fn put_aside(lake: &Lake, one: &Damaged, save_rows: bool) -> Result<u64> {
    let rows_are_good = !one.faults.iter().any(Fault::touches_rows);
    let why: Vec<String> = one.faults.iter().map(ToString::to_string).collect();
    let why = why.join("; ");
    let salvaged = lake.take_out(&one.segment, rows_are_good || save_rows, &why).await?;
    println!("{}: {why}", one.segment.path);
    match &salvaged.replaced_by {
        Some(new) => println!(
            "  taken out; {} of {} events saved to {}",
            salvaged.rows_saved, salvaged.rows_before, new.path
        ),
        None => println!("  taken out; {} events", salvaged.rows_before),
    }
    Ok(salvaged.rows_lost())
}

/// Makes events again of the records of a file that was taken out, where only what stood beside them is damaged;
/// returns how many.
async fn read_again(
    config: &Config,
    db: &Db,
    lake: &Lake,
    (place, taken_out): (&Arc<Place>, &Segment),
) -> Result<u64> {
    let mut back = 0;
    let mut ways = None;
    for frames in rescue(place, taken_out) {
        if ways.is_none() {
            let decoder = crate::sources::decoder(&config.sources.folders)?;
            ways = Some((decoder, registry::Directory::load(db).await?.snapshot()));
        }
        let Some((decoder, snapshot)) = &ways else { break };
        let events: Vec<Event> = frames
            .iter()
            .filter_map(|frame| crate::pipeline::decode_one(decoder, snapshot, frame).ok())
            .collect();
        back += u64::try_from(lake.take_in(events).await?)?;
    }
    Ok(back)
}

/// Reads again what the spool still holds of the files that went; returns how many events that are.
async fn bring_back(
    config: &Config,
    db: &Db,
    lake: &Lake,
    (spool, mut reader, stored): (Spool, SpoolReader, Option<SpoolPosition>),
    ranges: &[(EventId, EventId)],
) -> Result<u64> {
    let decoder = crate::sources::decoder(&config.sources.folders)?;
    let snapshot = registry::Directory::load(db).await?.snapshot();
    let is_wanted = |id: EventId| ranges.iter().any(|(from, to)| (*from..=*to).contains(&id));
    spool.close().await;
    let mut back = 0;
    while let Some(batch) = reader.next().await {
        // What lies above is played by the platform itself when it starts.
        if stored.is_none_or(|stored| batch.position > stored) {
            break;
        }
        let events: Vec<Event> = batch
            .frames
            .iter()
            .filter(|frame| is_wanted(frame.id))
            .filter_map(|frame| crate::pipeline::decode_one(&decoder, &snapshot, frame).ok())
            .collect();
        if !events.is_empty() {
            back += u64::try_from(lake.take_in(events).await?)?;
        }
    }
    Ok(back)
}

async fn take_out(config: &Config, arguments: &ExportArguments) -> Result<Outcome> {
    super::state::empty_or_new(&arguments.folder)?;
    let db = super::open_existing_db(config).await?;
    let what = Export {
        from: arguments.from,
        to: arguments.to,
        systems: systems(&db, &arguments.system).await?,
        format: match arguments.format {
            FormatWord::Parquet => ExportFormat::Parquet,
            FormatWord::Ndjson => ExportFormat::Ndjson,
        },
    };
    let written = write_out(config, &db, &what, &arguments.folder).await;
    if written.is_err() {
        // Half an export is none: who tries again finds the folder as it was.
        super::state::empty(&arguments.folder)?;
    }
    let (manifest, sum) = written?;
    record(&db, "lake.export", &manifest, &sum, None).await?;
    println!(
        "{} events in {} files written to {}; SHA-256 of {MANIFEST}: {sum}",
        manifest.events,
        manifest.files.len(),
        arguments.folder.display()
    );
    Ok(Outcome::Good)
}

/// Writes the files of an export and their manifest; returns it with its checksum.
async fn write_out(
    config: &Config,
    db: &Db,
    what: &Export,
    folder: &Path,
) -> Result<(Manifest, String)> {
    let mut taken = Taken::default();
    for _ in 0..ROUNDS_MAX {
        if let Some(files) = one_round(config, db, what, folder, &mut taken).await? {
            let manifest = manifest(db, what, files).await?;
            let path = folder.join(MANIFEST);
            let mut file = fs::File::create(&path)?;
            file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
            file.sync_all().with_context(|| format!("writing {}", path.display()))?;
            return Ok((manifest, super::state::digest(&path)?));
        }
    }
    bail!("the lake's files kept changing; try again in a quieter moment")
}

/// Returns the files of the lake, to be read where they lie.
///
/// # Errors
/// When there is no database, or the place of the files cannot be reached.
pub(super) async fn past(config: &Config) -> Result<Past> {
    let db = super::open_existing_db(config).await?;
    let place = place(config, &db).await?;
    let segments = DbCatalogue::new(db, config.lake.has_store()).segments().await?;
    Ok(Past { place, segments })
}

async fn one_round(
    config: &Config,
    db: &Db,
    what: &Export,
    folder: &Path,
    taken: &mut Taken,
) -> Result<Option<Vec<Exported>>> {
    let catalogue = DbCatalogue::new(db.clone(), config.lake.has_store());
    let segments = catalogue.segments().await?;
    let listed: BTreeSet<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    let place = place(config, db).await?;
    let (what, folder) = (what.clone(), folder.to_owned());
    let (ids, now) = (IdSource::from_os(), db.now());
    let next_id = move || SegmentId::from_uuid(ids.uuid(now));
    let mut so_far = std::mem::take(taken);
    let work = move || {
        let files = export(&place, &segments, &what, &folder, next_id, &mut so_far);
        (files, so_far)
    };
    let (files, so_far) = tokio::task::spawn_blocking(work).await?;
    *taken = so_far;
    match files {
        Ok(files) => Ok(Some(files)),
        Err(ExportError::Replaced) => {
            let now = catalogue.segments().await?;
            let now: BTreeSet<SegmentId> = now.iter().map(|segment| segment.id).collect();
            if now == listed {
                bail!("a file of the lake is missing: `luytre lake verify` says which");
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn manifest(db: &Db, what: &Export, files: Vec<Exported>) -> Result<Manifest> {
    Ok(Manifest {
        version: 1,
        made_by: format!("luytre {}", env!("CARGO_PKG_VERSION")),
        made_at: db.now(),
        from: what.from,
        to: what.to,
        systems: what.systems.clone(),
        format: what.format,
        schema_version: lake::SCHEMA_VERSION,
        events: files.iter().map(|file| file.events).sum(),
        chain_head: chain::head_of(db).await?,
        files,
    })
}

/// Returns the systems that codes or ids name; nothing for none.
async fn systems(db: &Db, words: &[String]) -> Result<Option<BTreeSet<SystemId>>> {
    if words.is_empty() {
        return Ok(None);
    }
    let snapshot = registry::Directory::load(db).await?.snapshot();
    let named = |word: &String| {
        let fits = |code: &str, id: SystemId| code == word || id.to_string() == *word;
        let found = snapshot.systems().find(|system| fits(&system.code, system.id));
        found.map(|system| system.id).with_context(|| format!("there is no system `{word}`"))
    };
    Ok(Some(words.iter().map(named).collect::<Result<_>>()?))
}

/// Writes down who took events out or brought them in, and how many lines were left out then.
pub(super) async fn record(
    db: &Db,
    action: &str,
    manifest: &Manifest,
    sum: &str,
    refused: Option<u64>,
) -> Result<()> {
    let mut detail = json!({
        "from": manifest.from,
        "to": manifest.to,
        "systems": manifest.systems,
        "events": manifest.events,
        "files": manifest.files.len(),
        "manifest_sha256": sum,
    });
    if let (Some(detail), Some(refused)) = (detail.as_object_mut(), refused) {
        detail.insert("refused".to_owned(), json!(refused));
    }
    let entry = AuditEntry::new(Actor::CommandLine, action, Subject::all("lake_file"), detail);
    Ok(db.begin().await?.commit(entry).await?)
}
