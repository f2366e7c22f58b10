//! Brings an export in: every event once, into the files of the days they occurred on.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use event::lake::LakeError;
use event::{Attr, Event, EventId, SpoolPosition};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::export::Exported;
use crate::ask::{Stop, known_ids};
use crate::error::StoreError;
use crate::lake::{Lake, blocking, to_micros};
use crate::limits::MERGE_BATCH_ROWS;
use crate::place::Place;
use crate::place::digest;
use crate::rows::{decode, exact_attrs, fields};
use crate::segment::{Footers, SegmentFile, read_rows};

/// Events that are looked up and taken in at a time.
const EVENTS_AT_ONCE: usize = 8192;

/// The longest line of an export: a record of 1 MiB and what was made of it (a message, own fields), where JSON
/// writes a control character as six bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that are new here.
    pub new: u64,
    /// Events that were here already.
    pub known: u64,
}

/// Why a file of an export was not brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not what the manifest says.
    #[error("{path} does not have the checksum that the manifest names")]
    Checksum {
        /// Which.
        path: String,
    },
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The lake fails.
    #[error("the lake cannot take the events in")]
    Lake(#[from] LakeError),
}

impl Lake {
    /// Brings one file of an export in. Its checksum is tried first; what is here already stays as it
    /// is, so that the same file twice is the same as once. Durable when this returns.
    ///
    /// # Errors
    ///
    /// Says which file, and why not; events of it that were taken in before stay.
    pub async fn import(&self, folder: &Path, file: &Exported) -> Result<Imported, ImportError> {
        let failed = |source: StoreError| ImportError::Unreadable {
            path: file.path.clone(),
            source: Box::new(source),
        };
        let path = folder.join(&file.path);
        let (sha256, _) = digest(&path).map_err(|error| failed(error.into()))?;
        if sha256 != file.sha256 {
            return Err(ImportError::Checksum { path: file.path.clone() });
        }
        let (sender, mut parts) = tokio::sync::mpsc::channel(1);
        let (own, folder) = (file.clone(), folder.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let send = |events| sender.blocking_send(events).is_ok();
            match own.segment {
                Some(segment) => {
                    read_parquet(&SegmentFile::new(&Place::in_folder(&folder), segment), send)
                }
                None => read_lines(&folder.join(&own.path), send),
            }
        });
        let mut imported = Imported::default();
        while let Some(events) = parts.recv().await {
            let all = events.len();
            let new = self.take_in(events).await?;
            imported.new += u64::try_from(new).unwrap_or(0);
            imported.known += u64::try_from(all - new).unwrap_or(0);
        }
        reading.await.map_err(StoreError::from).and_then(|read| read).map_err(failed)?;
        self.flush().await?;
        Ok(imported)
    }

    /// Takes in those of the events that are not here; returns how many. They can be found when this
    /// returns, and are durable after the next flush.
    ///
    /// # Errors
    ///
    /// When the lake is closed or a file cannot be read; nothing was taken in then.
    pub async fn take_in(&self, mut events: Vec<Event>) -> Result<usize, LakeError> {
        let turn = self.appending.lock().await;
        self.wait_for_room().await?;
        let ids: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
        let (view, footers) = (self.view(), Arc::clone(&self.footers));
        let stop = Stop::after(self.settings.query_timeout);
        let known = blocking(move || known_ids(&view, &footers, &ids, &stop)).await?;
        let mut seen = BTreeSet::new();
        // The spool knows nothing of these: its position stays where it is.
        let position = (*self.position.borrow()).unwrap_or(SpoolPosition(0));
        let new = {
            let mut state = self.state.lock();
            if state.closed {
                return Err(StoreError::Closed.into());
            }
            events.retain(|event| {
                !known.contains(&event.id) && !state.holds(event.id) && seen.insert(event.id)
            });
            for event in &mut events {
                event.occurred_at = to_micros(event.occurred_at);
                event.collected_at = to_micros(event.collected_at);
            }
            let new = events.len();
            state.active.push(events, position);
            self.seal_if_full(&mut state);
            new
        };
        drop(turn);
        Ok(new)
    }
}

fn read_parquet(file: &SegmentFile, send: impl Fn(Vec<Event>) -> bool) -> Result<(), StoreError> {
    let footer = Footers::default().of(file)?;
    let all = 0..usize::try_from(file.segment.rows).unwrap_or(usize::MAX);
    let mut events = Vec::new();
    for batch in read_rows(file, &footer, None, std::slice::from_ref(&all), MERGE_BATCH_ROWS)? {
        events.extend(decode(&batch?)?);
        if events.len() >= EVENTS_AT_ONCE && !send(std::mem::take(&mut events)) {
            return Ok(());
        }
    }
    send(events);
    Ok(())
}

fn read_lines(path: &Path, send: impl Fn(Vec<Event>) -> bool) -> Result<(), StoreError> {
    let mut file = BufReader::new(File::open(path)?);
    let mut events = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        events.push(read_line(&line)?);
        if events.len() >= EVENTS_AT_ONCE && !send(std::mem::take(&mut events)) {
            return Ok(());
        }
    }
    send(events);
    Ok(())
}

/// Reads an event. Its numbers are read as the lake's files are: `serde_json` may be one step off.
fn read_line(line: &[u8]) -> Result<Event, StoreError> {
    #[derive(Deserialize)]
    struct Values<'a> {
        #[serde(borrow)]
        attributes: &'a RawValue,
        #[serde(borrow)]
        fields: &'a RawValue,
    }
    let mut event: Event = serde_json::from_slice(line).map_err(io::Error::from)?;
    let own: Values<'_> = serde_json::from_slice(line).map_err(io::Error::from)?;
    event.fields = fields(own.fields.get())?;
    for (path, value) in exact_attrs(own.attributes.get())? {
        if let Some(attr) = Attr::from_name(&path) {
            event.attrs.set(attr, value);
        }
    }
    Ok(event)
}
