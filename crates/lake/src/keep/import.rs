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

/// What is kept of a line that is no event: the longest record, as it came. The export still has the rest.
const BAD_LINE_BYTES_KEPT: usize = 1 << 20;

/// A line of an export that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file, below the export's folder.
    pub path: String,
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong, and where in the line.
    pub why: String,
    /// The line, or its beginning.
    pub bytes: Vec<u8>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that are new here.
    pub new: u64,
    /// Events that were here already.
    pub known: u64,
    /// Lines that are no events.
    pub refused: u64,
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
    /// A line of it is no event.
    #[error("{path}, line {line}: {why}")]
    Line {
        /// The file.
        path: String,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// A line that is no event cannot be put aside.
    #[error("lines that are no events cannot be kept apart")]
    Apart(#[source] io::Error),
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
    /// Says which file and which line of it, and why not; events of it that were taken in before stay.
    pub async fn import(&self, folder: &Path, file: &Exported) -> Result<Imported, ImportError> {
        let stop = |BadLine { path, line, why, .. }| Err(ImportError::Line { path, line, why });
        self.import_parts(folder, file, stop).await
    }

    /// Brings one file of an export in as [`Self::import`] does, but puts lines that are no events aside by
    /// `apart` and goes on.
    ///
    /// # Errors
    ///
    /// Says which file, and why not; events of it that were taken in before stay.
    pub async fn import_good_lines(
        &self,
        folder: &Path,
        file: &Exported,
        mut apart: impl FnMut(&BadLine) -> io::Result<()>,
    ) -> Result<Imported, ImportError> {
        let aside = |bad: BadLine| apart(&bad).map_err(ImportError::Apart);
        self.import_parts(folder, file, aside).await
    }

    async fn import_parts(
        &self,
        folder: &Path,
        file: &Exported,
        mut aside: impl FnMut(BadLine) -> Result<(), ImportError>,
    ) -> Result<Imported, ImportError> {
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
            let send = |part| sender.blocking_send(part).is_ok();
            match own.segment {
                Some(segment) => {
                    read_parquet(&SegmentFile::new(&Place::in_folder(&folder), segment), send)
                }
                None => read_lines(&folder, &own.path, send),
            }
        });
        let mut imported = Imported::default();
        while let Some(part) = parts.recv().await {
            let events = match part {
                Part::Events(events) => events,
                Part::Bad(bad) => {
                    imported.refused += 1;
                    aside(bad)?;
                    continue;
                }
            };
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

/// What is read of a file at a time.
enum Part {
    Events(Vec<Event>),
    Bad(BadLine),
}

fn read_parquet(file: &SegmentFile, send: impl Fn(Part) -> bool) -> Result<(), StoreError> {
    let footer = Footers::default().of(file)?;
    let all = 0..usize::try_from(file.segment.rows).unwrap_or(usize::MAX);
    let mut events = Vec::new();
    for batch in read_rows(file, &footer, None, std::slice::from_ref(&all), MERGE_BATCH_ROWS)? {
        events.extend(decode(&batch?)?);
        if events.len() >= EVENTS_AT_ONCE && !send(Part::Events(std::mem::take(&mut events))) {
            return Ok(());
        }
    }
    send(Part::Events(events));
    Ok(())
}

fn read_lines(folder: &Path, path: &str, send: impl Fn(Part) -> bool) -> Result<(), StoreError> {
    let mut file = BufReader::new(File::open(folder.join(path))?);
    let mut events = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let is_cut = line.len() as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n');
        if is_cut {
            file.skip_until(b'\n')?;
        } else if line.trim_ascii().is_empty() {
            continue;
        }
        let event = if is_cut {
            Err(format!("it is longer than {LINE_BYTES_MAX} bytes"))
        } else {
            read_line(&line).map_err(|error| root_of(&error))
        };
        let sent = match event {
            Ok(event) => {
                events.push(event);
                events.len() < EVENTS_AT_ONCE || send(Part::Events(std::mem::take(&mut events)))
            }
            Err(why) => {
                line.truncate(BAD_LINE_BYTES_KEPT);
                let bytes = line.trim_ascii_end().to_vec();
                send(Part::Bad(BadLine { path: path.to_owned(), line: number, why, bytes }))
            }
        };
        if !sent {
            return Ok(());
        }
    }
    send(Part::Events(events));
    Ok(())
}

/// Returns what an error comes from, in its own words.
fn root_of(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
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
