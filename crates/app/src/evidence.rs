//! Reads evidence files for the offline hunt: EVTX, JSON and log files become events in batches.
//!
//! The same decoder as the live way reads them. Every file is read in bounded pieces; a line past the
//! limit, a broken record or a damaged chunk is counted and left behind.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use decode::{Decoder, SourceContext};
use event::{AgencyId, Clock as _, Event, Frame, IdSource, Origin, SourceId, SystemClock};
use uuid::Uuid;

use crate::cli::has_ending;

/// Events handed on at once: enough to keep the engine busy, little enough to hold in memory.
const BATCH_EVENTS: usize = 4096;

/// The longest line or JSON document that is read; the same as the collectors' limit.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes one compressed file may unfold to: past it, a bomb is likelier than a log.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// How many records could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Unreadable(pub(crate) u64);

/// Reads files into events.
#[derive(Debug)]
pub(crate) struct Reader {
    decoder: Decoder,
    parser: String,
    ids: IdSource,
}

/// Where a file's events go, batch by batch.
type Sink<'a> = &'a mut dyn FnMut(Vec<Event>);

impl Reader {
    /// Returns a reader that reads lines with this parser.
    pub(crate) fn new(parser: &str) -> Result<Self> {
        let decoder = crate::sources::decoder(&[])?;
        let known = parser == "auto" || decoder.sources().any(|source| source.id == parser);
        anyhow::ensure!(known, "there is no source `{parser}`; see `luytre sources list`");
        Ok(Self { decoder, parser: parser.to_owned(), ids: IdSource::seeded(0) })
    }

    /// Reads one file and hands its events on.
    pub(crate) fn read(&self, path: &Path, sink: Sink<'_>) -> Result<Unreadable> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        // A log without a year is read as of the day the file was last written.
        let written =
            file.metadata()?.modified().map_or_else(|_| SystemClock.now(), DateTime::<Utc>::from);
        if has_ending(path, &[".evtx"]) {
            return self.read_evtx(path, written, sink);
        }
        let reader: Box<dyn Read> = if has_ending(path, &[".gz"]) {
            Box::new(flate2::read::MultiGzDecoder::new(file).take(UNPACKED_BYTES_MAX))
        } else if has_ending(path, &[".zst"]) {
            Box::new(zstd::Decoder::new(file)?.take(UNPACKED_BYTES_MAX))
        } else {
            Box::new(file)
        };
        let mut reader = BufReader::with_capacity(256 * 1024, reader);
        let is_array =
            reader.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if is_array && has_ending(path, &[".json", ".json.gz", ".json.zst"]) {
            return self.read_array(reader, written, sink);
        }
        self.read_lines(reader, written, sink)
    }

    /// Reads one record given as bytes and hands its event on.
    pub(crate) fn read_record(&self, bytes: Bytes, sink: Sink<'_>) -> Unreadable {
        let mut batch = Batch::new(self, &self.parser, SystemClock.now(), sink);
        batch.add(bytes);
        batch.finish()
    }

    fn read_evtx(&self, path: &Path, written: DateTime<Utc>, sink: Sink<'_>) -> Result<Unreadable> {
        let settings = evtx::ParserSettings::default().num_threads(0).indent(false);
        let mut parser = evtx::EvtxParser::from_path(path)?.with_configuration(settings);
        let mut batch = Batch::new(self, "microsoft_windows", written, sink);
        for record in parser.records_json() {
            match record {
                Ok(record) => batch.add(Bytes::from(record.data)),
                Err(_) => batch.unreadable.0 += 1,
            }
        }
        Ok(batch.finish())
    }

    fn read_lines(
        &self,
        mut reader: impl BufRead,
        written: DateTime<Utc>,
        sink: Sink<'_>,
    ) -> Result<Unreadable> {
        let mut batch = Batch::new(self, &self.parser, written, sink);
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = u64::try_from(LINE_BYTES_MAX)?.saturating_add(1);
            let length = (&mut reader).take(limit).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(batch.finish());
            }
            if length > LINE_BYTES_MAX && !line.ends_with(b"\n") {
                batch.unreadable.0 += 1;
                reader.skip_until(b'\n')?;
                continue;
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                batch.add(Bytes::copy_from_slice(text));
            }
        }
    }

    /// Reads a JSON array of objects, one element at a time.
    fn read_array(
        &self,
        reader: impl Read,
        written: DateTime<Utc>,
        sink: Sink<'_>,
    ) -> Result<Unreadable> {
        let mut batch = Batch::new(self, &self.parser, written, sink);
        let visitor = ArrayVisitor { batch: &mut batch };
        let mut deserializer = serde_json::Deserializer::from_reader(reader);
        serde::Deserializer::deserialize_seq(&mut deserializer, visitor)
            .context("reading a JSON array")?;
        Ok(batch.finish())
    }
}

struct ArrayVisitor<'a, 'b> {
    batch: &'a mut Batch<'b>,
}

impl<'de> serde::de::Visitor<'de> for ArrayVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<serde_json::Value>()? {
            self.batch.add(Bytes::from(element.to_string()));
        }
        Ok(())
    }
}

/// Collects events until there are enough to hand on.
struct Batch<'a> {
    reader: &'a Reader,
    parser: &'a str,
    written: DateTime<Utc>,
    events: Vec<Event>,
    unreadable: Unreadable,
    sink: Sink<'a>,
}

impl<'a> Batch<'a> {
    fn new(reader: &'a Reader, parser: &'a str, written: DateTime<Utc>, sink: Sink<'a>) -> Self {
        let events = Vec::with_capacity(BATCH_EVENTS);
        Self { reader, parser, written, events, unreadable: Unreadable::default(), sink }
    }

    fn add(&mut self, bytes: Bytes) {
        let nobody = Origin {
            agency: AgencyId::from_uuid(Uuid::nil()),
            system: None,
            source: SourceId::from_uuid(Uuid::nil()),
        };
        let frame = Frame {
            id: self.reader.ids.event(self.written),
            source: nobody.source,
            collected_at: self.written,
            peer: None,
            bytes,
            dead: None,
        };
        let context = SourceContext { origin: nobody, parser: self.parser, utc_offset_minutes: 0 };
        match self.reader.decoder.decode(&frame, &context) {
            Ok(event) => self.events.push(event),
            Err(_) => self.unreadable.0 += 1,
        }
        if self.events.len() >= BATCH_EVENTS {
            (self.sink)(std::mem::replace(&mut self.events, Vec::with_capacity(BATCH_EVENTS)));
        }
    }

    fn finish(self) -> Unreadable {
        if !self.events.is_empty() {
            (self.sink)(self.events);
        }
        self.unreadable
    }
}
