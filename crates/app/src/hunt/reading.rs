//! Pieces of evidence → records → events, with the decoder of the live way.

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use decode::{Decoder, SourceContext};
use event::{
    AgencyId, Clock as _, Event, EventId, Frame, IdSource, Origin, SourceId, SystemClock,
    json_spans,
};
use uuid::Uuid;
use vault::VaultReader;

use super::cutting::Content;
use super::evidence::{Opener, Piece};
use super::zeros;

/// The source that reads EVTX records.
const WINDOWS: &str = "microsoft_windows";

/// Reads evidence.
#[derive(Debug)]
pub(crate) struct Reader {
    decoder: Decoder,
    /// How log lines are read: `auto`, or the name of a source.
    parser: String,
    /// Whether deleted records in the unused space of EVTX chunks are looked for.
    recover_records: bool,
    /// The zone of times that state none, in minutes east of UTC.
    utc_offset_minutes: i32,
}

/// One record of a piece.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// The EVTX record number, the line, or which object of a JSON file, from 1.
    pub(crate) number: u64,
    pub(crate) parser: &'a str,
    pub(crate) bytes: Bytes,
}

/// What of a piece could not be read.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub(crate) records: u64,
    /// Why nothing (more) of its file was read.
    pub(crate) refused: Option<String>,
}

impl Reader {
    /// Returns a reader that reads lines with this parser: a built-in one, or one of the operator's folders.
    pub(crate) fn new(parser: &str, folders: &[PathBuf]) -> Result<Self> {
        let decoder = crate::sources::decoder(folders)?;
        let known = parser == "auto" || decoder.sources().any(|source| source.id == parser);
        ensure!(known, "there is no source `{parser}`; see `luytre sources list`");
        let parser = parser.to_owned();
        Ok(Self { decoder, parser, recover_records: false, utc_offset_minutes: 0 })
    }

    /// Returns the reader, looking for deleted EVTX records too or not.
    pub(crate) fn recover_records(self, recover_records: bool) -> Self {
        Self { recover_records, ..self }
    }

    /// Returns the reader, taking times that state no zone for those of this one, in minutes east of UTC.
    pub(crate) fn in_zone(self, utc_offset_minutes: i32) -> Self {
        Self { utc_offset_minutes, ..self }
    }

    /// Returns what it reads with.
    pub(crate) const fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Gives each record of a piece to `each`.
    pub(crate) fn records<'a>(
        &'a self,
        content: Content,
        each: &mut dyn FnMut(Record<'a>),
    ) -> Lost {
        let mut lost = Lost::default();
        let parser = self.parser.as_str();
        match content {
            Content::Lines { first, bytes } => {
                let ends = memchr::memchr_iter(b'\n', &bytes).chain([bytes.len()]);
                let mut start = 0;
                for (end, number) in ends.zip(first..) {
                    let line = bytes.get(start..end).unwrap_or_default().trim_ascii();
                    if memchr::memchr(0, line).is_some() {
                        let parts = zeros::parts(line).into_iter().map(zeros::trimmed);
                        for part in parts.filter(|part| !part.is_empty()) {
                            each(Record { number, parser, bytes: bytes.slice_ref(part) });
                        }
                    } else if !line.is_empty() {
                        each(Record { number, parser, bytes: bytes.slice_ref(line) });
                    }
                    start = end.saturating_add(1);
                }
            }
            Content::Objects { first, bytes, spans } => {
                for (span, number) in spans.into_iter().zip(first..) {
                    each(Record { number, parser, bytes: bytes.slice(span) });
                }
            }
            Content::Evtx(bytes) => self.evtx(bytes, each, &mut lost),
            Content::Lost(count) => lost.records = count,
            Content::Refused(reason) => lost.refused = Some(reason),
        }
        lost
    }

    fn evtx<'a>(&'a self, bytes: Vec<u8>, each: &mut dyn FnMut(Record<'a>), lost: &mut Lost) {
        let settings =
            evtx::ParserSettings::default().indent(false).recover_records(self.recover_records);
        let mut parser = match evtx::EvtxParser::from_buffer(bytes) {
            Ok(parser) => parser.with_configuration(settings),
            Err(error) => {
                lost.refused = Some(error.to_string());
                return;
            }
        };
        for chunk in parser.chunks_json_bytes(false) {
            let bytes = Bytes::from(chunk.data);
            let mut start = 0;
            for item in chunk.items {
                match item {
                    evtx::RenderedChunkItem::Record { event_record_id: number, end } => {
                        let bytes = bytes.slice(start..end.saturating_sub(1));
                        each(Record { number, parser: WINDOWS, bytes });
                        start = end;
                    }
                    evtx::RenderedChunkItem::Failed(_) => lost.records += 1,
                }
            }
        }
    }

    /// Returns the records that stand in a line which is none itself: several JSON objects, or members of a
    /// list.
    pub(crate) fn parts<'r>(record: &Record<'r>) -> Vec<Record<'r>> {
        let spans = json_spans::objects_of_line(&record.bytes, usize::MAX).unwrap_or_default();
        let part = |span: Range<usize>| Record { bytes: record.bytes.slice(span), ..*record };
        spans.into_iter().map(part).collect()
    }

    /// Returns the events of a record: one, or those of its parts.
    fn events(&self, record: Record<'_>, written: DateTime<Utc>, ids: &IdSource) -> Vec<Event> {
        let parts = Record { bytes: record.bytes.clone(), ..record };
        if let Some(event) = self.event(record, written, ids.event(written)) {
            return vec![event];
        }
        let parts = Self::parts(&parts).into_iter();
        parts.filter_map(|part| self.event(part, written, ids.event(written))).collect()
    }

    /// Returns the event of a record, if it can be read. A log without a year is read as of the day its
    /// file was written.
    pub(crate) fn event(
        &self,
        record: Record<'_>,
        written: DateTime<Utc>,
        id: EventId,
    ) -> Option<Event> {
        let nobody = Origin {
            agency: AgencyId::from_uuid(Uuid::nil()),
            system: None,
            source: SourceId::from_uuid(Uuid::nil()),
        };
        let frame = Frame {
            id,
            source: nobody.source,
            collected_at: written,
            peer: None,
            bytes: record.bytes,
            dead: None,
        };
        let utc_offset_minutes = self.utc_offset_minutes;
        let context = SourceContext { origin: nobody, parser: record.parser, utc_offset_minutes };
        let mut event = self.decoder.decode(&frame, &context).ok()?;
        if has_doubted_time(&event) {
            let late = Frame { collected_at: Self::never(), ..frame };
            let believed = self.decoder.decode(&late, &context).ok();
            event = believed.filter(|own| !has_doubted_time(own)).unwrap_or(event);
        }
        // Correlations do not believe what is dated after its collection either.
        event.collected_at = written.max(event.occurred_at);
        Some(event)
    }

    /// Returns a time after all that a record may tell of. A file may be older than its records: Windows does
    /// not date an open event log anew, copies keep old dates, and clocks differ.
    fn never() -> DateTime<Utc> {
        DateTime::<Utc>::MAX_UTC - chrono::Duration::days(366)
    }

    /// Reads one file on the caller's thread and hands on the events of each piece.
    ///
    /// # Errors
    /// Why the file, or what follows in it, cannot be read.
    pub(crate) fn read(&self, path: &Path, sink: &mut dyn FnMut(Vec<Event>)) -> Result<()> {
        let ids = IdSource::seeded(0);
        let mut refused = None;
        let mut send = |piece: Piece| {
            let mut events = Vec::new();
            let written = piece.exhibit.written;
            let lost = self.records(piece.content, &mut |record| {
                events.extend(self.events(record, written, &ids));
            });
            if let Some(reason) = lost.refused {
                refused.get_or_insert(reason);
            }
            sink(events);
            ControlFlow::Continue(())
        };
        let (bytes_read, files) = (AtomicU64::new(0), AtomicU64::new(0));
        let open = &VaultReader::open_plain;
        let mut opener = Opener { open, send: &mut send, bytes_read: &bytes_read, files: &files };
        let flow = opener.open(path);
        debug_assert!(flow.is_continue(), "nothing above asks to stop");
        refused.map_or(Ok(()), |reason| Err(anyhow!(reason)))
    }

    /// Reads one record given as bytes and hands its event on.
    pub(crate) fn read_record(&self, bytes: Bytes, sink: &mut dyn FnMut(Vec<Event>)) {
        let record = Record { number: 1, parser: &self.parser, bytes };
        sink(self.events(record, SystemClock.now(), &IdSource::seeded(0)));
    }
}

/// Returns whether the decoder did not believe the time that the record states.
fn has_doubted_time(event: &Event) -> bool {
    event.notes.iter().any(|note| note.code == event::CLOCK_OFF)
}
