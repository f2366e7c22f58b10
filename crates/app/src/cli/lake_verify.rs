//! `luytre lake verify`: are the lake's files, the chain over them and the spool as they were written?
//!
//! Works beside a running platform and changes nothing.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use collect::{Inspection, Keys, inspect};
use db::Db;
use event::SpoolPosition;
use lake::keep::{Fault, SetAside, set_aside, strangers, verify_bytes, verify_file};
use lake::{Catalogue as _, Place, Segment, Where};
use serde_json::{Value, json};

use super::Outcome;
use super::lake::{Damaged, check_all, place};
use crate::catalogue::keyring::{self, First};
use crate::catalogue::{DbCatalogue, chain};
use crate::config::Config;

/// How to check.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Only checksums and the chain: for an encrypted lake whose key is not at hand
    #[arg(long)]
    without_key: bool,
}

/// What is looked at of a file.
type Check = fn(&Arc<Place>, &Segment) -> Vec<Fault>;

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<Outcome> {
    let db = super::open_existing_db(config).await?;
    let (place, check): (_, Check) = if arguments.without_key {
        (Place::of(&config.lake_settings()?)?, verify_bytes)
    } else {
        (place(config, &db).await?, verify_file)
    };
    let spool = SpoolVerdict::of(config, &db, arguments.without_key).await?;
    let (files, damaged) = check_all(config, &db, check, &place).await?;
    let segments = DbCatalogue::new(db.clone(), config.lake.has_store()).segments().await?;
    let unknown = strangers(&place, &segments).unwrap_or_default();
    let aside = set_aside(&place).context("reading what was set aside")?;
    let verdict = chain::verify(&db).await?;
    let events: u64 = segments.iter().map(|segment| segment.rows).sum();
    let in_store = segments.iter().filter(|segment| segment.lies_in == Where::Store).count();
    let encrypted = segments.iter().filter(|segment| segment.key.is_some()).count();
    let good = damaged.is_empty() && verdict.holds() && spool.is_in_order();
    if arguments.json {
        let fault = |one: &Damaged| {
            json!({
                "file": one.segment.path,
                "events": one.segment.rows,
                "faults": one.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        };
        let told = json!({
            "in_order": good,
            "files": files,
            "files_in_store": in_store,
            "files_encrypted": encrypted,
            "events": events,
            "damaged": damaged.iter().map(fault).collect::<Vec<_>>(),
            "chain_entries": verdict.entries,
            "chain_first_bad": verdict.first_bad,
            "chain_head": verdict.head,
            "chain_cut": verdict.cut.as_ref().map(|seen| json!({
                "entries": seen.entries,
                "head": seen.head,
                "audit_entry": seen.audit_entry,
            })),
            "not_as_the_chain_says": verdict.strangers,
            "holds_not_as_the_trail_says": verdict.holds_meddled,
            "unknown_files": unknown,
            "set_aside": aside.iter().map(|one| json!({
                "folder": one.folder,
                "files": one.files,
                "bytes": one.bytes,
            })).collect::<Vec<_>>(),
            "spool": spool.json(),
        });
        println!("{told}");
    } else {
        tell(files, events, &damaged, &verdict);
        if in_store + encrypted > 0 {
            println!("{in_store} of them lie in the store, {encrypted} are encrypted");
        }
        for path in &unknown {
            println!("not in the catalogue: {}", path.display());
        }
        for one in &aside {
            println!("{}", what_to_do(one));
        }
        println!("{}", spool.text());
    }
    Ok(if good { Outcome::Good } else { Outcome::NotInOrder })
}

/// Says how much was set aside, and what is to be done with it.
fn what_to_do(aside: &SetAside) -> String {
    let SetAside { folder, files, bytes } = aside;
    format!(
        "lake/{folder}: {files} files with {bytes} bytes. No search finds them and nothing removes them; they are \
         logs all the same: `luytre lake chain` says of when those of a quarantine are. Delete them by hand when \
         nobody looks into the damage any more, at the latest when the term of their logs is over"
    )
}

fn tell(files: u64, events: u64, damaged: &[Damaged], verdict: &chain::ChainVerdict) {
    for one in damaged {
        println!("{} ({} events)", one.segment.path, one.segment.rows);
        for fault in &one.faults {
            println!("  {fault}");
        }
    }
    println!("{files} files with {events} events, {} of them not in order", damaged.len());
    match verdict.first_bad {
        Some(bad) => println!("the chain over the files breaks at entry {bad}"),
        None => println!("{} entries, the chain over the files is whole", verdict.entries),
    }
    if let Some(seen) = &verdict.cut {
        println!(
            "entry {} of the audit trail saw {} entries of the chain, the last with hash {}: it has no such entry",
            seen.audit_entry, seen.entries, seen.head
        );
    }
    for id in &verdict.strangers {
        println!("file {id}: catalogue and chain do not say the same");
    }
    for number in &verdict.holds_meddled {
        println!(
            "incident {number}: its hold is not what the audit trail tells, nothing is deleted"
        );
    }
    if !verdict.head.is_empty() {
        println!("head of the chain: {}", verdict.head);
    }
}

/// What a look at the spool found.
pub(super) struct SpoolVerdict {
    pub(super) found: Inspection,
    /// How far the lake was after the look.
    stored: Option<SpoolPosition>,
    /// Batches that the lake does not have and no file of the spool holds.
    missing: Vec<Range<u64>>,
}

impl SpoolVerdict {
    /// Looks at the spool, with its keys unless told to do without.
    pub(super) async fn of(config: &Config, db: &Db, without_key: bool) -> Result<Self> {
        let seal = if without_key {
            None
        } else {
            keyring::spool_settings(config, db, First::Leave).await?.seal
        };
        let catalogue = DbCatalogue::new(db.clone(), config.lake.has_store());
        let (folder, before) = (config.spool_folder(), catalogue.position().await?);
        let shown = folder.display().to_string();
        let found = tokio::task::spawn_blocking(move || {
            let keys = if without_key { Keys::Unasked } else { Keys::Open(seal.as_deref()) };
            inspect(&folder, before, keys)
        })
        .await?
        .with_context(|| format!("reading the spool in {shown}"))?;
        let stored = catalogue.position().await?;
        let missing = found.missing(stored);
        Ok(Self { found, stored, missing })
    }

    /// Returns whether everything that the lake does not have yet can be read.
    pub(super) fn is_in_order(&self) -> bool {
        self.missing.is_empty() && !self.found.faults.iter().any(|it| it.costs_records(self.stored))
    }

    fn json(&self) -> Value {
        let found = &self.found;
        let fault = |one: &collect::SpoolFault| {
            json!({
                "file": one.path,
                "from": one.bytes.start,
                "to": one.bytes.end,
                "fault": one.to_string(),
                "costs_records": one.costs_records(self.stored),
            })
        };
        json!({
            "in_order": self.is_in_order(),
            "files": found.files,
            "bytes": found.bytes,
            "batches": found.batches,
            "records": found.frames,
            "unread_batches": found.unread_batches,
            "unread_records": found.unread_frames,
            "faults": found.faults.iter().map(fault).collect::<Vec<_>>(),
            "missing_batches": self.missing.iter().map(|it| [it.start, it.end.saturating_sub(1)]).collect::<Vec<_>>(),
            "in_use": found.in_use,
        })
    }

    /// Returns what a person reads of it, a line each.
    pub(super) fn text(&self) -> String {
        let found = &self.found;
        let mut lines: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
        lines.extend(self.missing.iter().map(|gone| {
            let last = gone.end.saturating_sub(1);
            format!("spool: batches {} to {last} are neither in it nor in the lake", gone.start)
        }));
        lines.push(format!(
            "spool: {} files with {} records, {} of them not in the lake's files yet",
            found.files, found.frames, found.unread_frames
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_told_with_what_to_do() {
        let told = what_to_do(&SetAside { folder: "quarantine", files: 2, bytes: 4096 });
        assert!(told.starts_with("lake/quarantine: 2 files with 4096 bytes. "), "{told}");
        assert!(told.contains("Delete them by hand"), "{told}");
    }

    #[test]
    fn what_the_lake_has_is_not_missed() {
        let verdict = |missing: Vec<Range<u64>>| SpoolVerdict {
            found: Inspection::default(),
            stored: Some(SpoolPosition(7)),
            missing,
        };
        let whole = verdict(Vec::new());
        assert!(whole.is_in_order());
        assert_eq!(
            whole.text(),
            "spool: 0 files with 0 records, 0 of them not in the lake's files yet"
        );
        let gone = verdict(std::iter::once(8..10).collect());
        assert!(!gone.is_in_order());
        assert!(
            gone.text().starts_with("spool: batches 8 to 9 are neither in it nor in the lake\n")
        );
        assert_eq!(gone.json()["missing_batches"], json!([[8, 9]]));
    }
}
