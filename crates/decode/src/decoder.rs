//! The decoder: which definition reads a frame, and how the event is put together.

use std::collections::HashMap;

use event::{Attr, DeadReason, Event, Frame, Note, Origin};

use crate::builtin;
use crate::carried::{self, Carried};
use crate::definition::{Format, SourceDefinition, SourceError, SourceText};
use crate::envelope::DataNames;
use crate::parsed::Parsed;
use crate::reading::{self, Raw};
use crate::record::Record;
use crate::structured;
use crate::text::{key_value, readable};
use crate::time;
use crate::unread_time;

/// What the registry knows of a log source that the decoder needs.
#[derive(Debug, Clone, Copy)]
pub struct SourceContext<'a> {
    /// Whose events these are.
    pub origin: Origin,
    /// `auto`, or the id of a source definition.
    pub parser: &'a str,
    /// The zone of times that state none, in minutes east of UTC (Việt Nam: 420).
    pub utc_offset_minutes: i32,
}

/// Turns frames into events. Built once from source definitions; immutable, shared by all threads.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// In order of rank.
    sources: Vec<SourceDefinition>,
    by_id: HashMap<String, usize>,
    /// Positions by lower-case syslog program, in order of rank.
    by_program: HashMap<String, Vec<usize>>,
    /// Positions of those that are recognised by their text alone.
    by_text: Vec<usize>,
    /// Positions of those whose lines begin with a date of their own.
    by_own_date: Vec<usize>,
}

impl Decoder {
    /// Returns a decoder with the sources that are part of the program.
    ///
    /// # Errors
    /// All definitions that cannot be used.
    pub fn builtin() -> Result<Self, Vec<SourceError>> {
        let texts = builtin::definitions();
        Self::from_definitions(&texts)
    }

    /// Returns a decoder with exactly these sources.
    ///
    /// # Errors
    /// All definitions that cannot be used.
    pub fn from_definitions(texts: &[SourceText<'_>]) -> Result<Self, Vec<SourceError>> {
        Self::of(Vec::new()).with_definitions(texts)
    }

    /// Returns the decoder with more sources; one with the id of a known source takes its place.
    ///
    /// # Errors
    /// All definitions that cannot be used.
    pub fn with_definitions(self, texts: &[SourceText<'_>]) -> Result<Self, Vec<SourceError>> {
        let mut sources = self.sources;
        let mut errors = Vec::new();
        for text in texts {
            match SourceDefinition::from_text(*text) {
                Ok(source) => {
                    sources.retain(|known| known.id != source.id);
                    sources.push(source);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self::of(sources)) } else { Err(errors) }
    }

    fn of(mut sources: Vec<SourceDefinition>) -> Self {
        sources.sort_by(|a, b| (a.recognise.rank, &a.id).cmp(&(b.recognise.rank, &b.id)));
        let mut by_id = HashMap::new();
        let mut by_program: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_text = Vec::new();
        let mut by_own_date = Vec::new();
        for (position, source) in sources.iter().enumerate() {
            by_id.insert(source.id.to_string(), position);
            for program in &source.recognise.programs {
                by_program.entry(program.clone()).or_default().push(position);
            }
            if source.recognise.by_text() {
                by_text.push(position);
            }
            if source.recognise.has_own_date {
                by_own_date.push(position);
            }
        }
        Self { sources, by_id, by_program, by_text, by_own_date }
    }

    /// Returns the sources, for the people who choose one.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &SourceDefinition> {
        self.sources.iter()
    }

    /// Returns the source with this id.
    pub fn source(&self, id: &str) -> Option<&SourceDefinition> {
        self.by_id.get(id).and_then(|position| self.sources.get(*position))
    }

    /// Turns a frame into an event. Whatever is odd but readable becomes a note in the event.
    ///
    /// # Errors
    /// Why the frame cannot be read at all: it was refused by the collector, is empty, too long, no
    /// text, or begins as JSON, XML, CEF or LEEF and breaks.
    pub fn decode(&self, frame: &Frame, ctx: &SourceContext<'_>) -> Result<Event, DeadReason> {
        if let Some(reason) = &frame.dead {
            return Err(reason.clone());
        }
        let mut notes = Vec::new();
        let text = readable::text(&frame.bytes, &mut notes)?;
        let record = self.settled(Record::of(&text));
        let mut parsed = self.parse(&record, ctx.parser)?;
        if let Some(envelope) = &record.envelope {
            envelope.add_to(&mut parsed.fields, &mut parsed.attrs, &mut parsed.notes);
        }
        let envelope_time = record.envelope.as_ref().and_then(|envelope| envelope.time);
        let stated = parsed.time.or(envelope_time);
        let resolved = time::resolve(stated, frame.collected_at, ctx.utc_offset_minutes);
        notes.append(&mut parsed.notes);
        if stated.is_none() {
            notes.extend(unread_time::note(parsed.unread_time, record.content));
        }
        notes.extend(resolved.note);
        Ok(Event {
            id: frame.id,
            origin: ctx.origin,
            occurred_at: resolved.at,
            time_quality: resolved.quality,
            collected_at: frame.collected_at,
            class: parsed.class,
            logsource: parsed.logsource,
            parser: parsed.parser,
            attrs: parsed.attrs,
            fields: parsed.fields,
            notes,
            raw: text.into_owned(),
        })
    }

    /// Returns the record without a syslog header where the date in it begins a line of a source that writes
    /// such: behind a bare priority `DROP` of `2026-11-23 16:20:01 DROP TCP …` is no host.
    fn settled<'r>(&self, record: Record<'r>) -> Record<'r> {
        let Some(bare) = record.with_own_date() else { return record };
        let is_line = |source: &SourceDefinition| {
            source.recognise.holds(bare.content)
                && Raw::read(source, &bare).is_ok_and(|raw| raw.meant_by(source, &bare).is_known)
        };
        let mut sources = self.by_own_date.iter().filter_map(|at| self.sources.get(*at));
        if sources.any(is_line) { bare } else { record }
    }

    fn parse(&self, record: &Record<'_>, parser: &str) -> Result<Parsed, DeadReason> {
        if parser == "auto" || parser.is_empty() {
            return self.parse_auto(record);
        }
        match self.source(parser) {
            Some(source) if source.delegates => match self.parse_known(record)? {
                Some(parsed) => Ok(parsed),
                None => Ok(Raw::read(source, record)?.meant_by(source, record).into_parsed()),
            },
            Some(source) => self.parse_chosen(source, record),
            None => {
                let mut parsed = self.parse_auto(record)?;
                let detail = format!("no source is called `{parser}`; the format was guessed");
                parsed.notes.push(Note::new("unknown-parser", detail));
                Ok(parsed)
            }
        }
    }

    fn parse_auto(&self, record: &Record<'_>) -> Result<Parsed, DeadReason> {
        if let Some(parsed) = self.parse_known(record)? {
            return Ok(parsed);
        }
        let fallback = match &record.envelope {
            Some(_) => self.source("linux_syslog"),
            None => None,
        };
        match fallback {
            Some(source) => Ok(Raw::read(source, record)?.meant_by(source, record).into_parsed()),
            None => Ok(reading::unknown(record, Vec::new())),
        }
    }

    /// Reads a record whose format or program is known; `None` if neither is.
    fn parse_known(&self, record: &Record<'_>) -> Result<Option<Parsed>, DeadReason> {
        let mut notes = Vec::new();
        let structured = self.parse_structured(record);
        let parsed = match structured {
            Ok(Some(parsed)) => return Ok(Some(parsed)),
            Ok(None) => self.parse_text(record)?,
            Err(reason) if record.envelope.is_none() => return Err(reason),
            // Inside a syslog header the text is worth keeping even when it breaks.
            Err(reason) => {
                let parsed = self.parse_text(record)?;
                notes.push(Note { code: reason.code.into(), detail: reason.detail });
                Some(parsed.unwrap_or_else(|| reading::unknown(record, Vec::new())))
            }
        };
        Ok(parsed.map(|mut parsed| {
            parsed.notes.append(&mut notes);
            parsed
        }))
    }

    /// JSON, XML, CEF and LEEF: the content says what it is; structured data does so in the header.
    fn parse_structured(&self, record: &Record<'_>) -> Result<Option<Parsed>, DeadReason> {
        let content = record.content;
        let (mut raw, source) = if content.starts_with('{') {
            let raw = Raw::json(content)?;
            if let Some(parsed) = self.parse_carried(&raw, record, None) {
                return Ok(Some(parsed));
            }
            let source = self.source_of(&raw);
            (raw, source)
        } else if content.starts_with("<Event") || content.starts_with("<?xml") {
            (Raw::xml(content)?, self.source("microsoft_windows"))
        } else if content.starts_with("CEF:") {
            let raw = Raw::cef(content)?;
            let source = self.by_fields(&raw, |source| matches!(source.format, Format::Cef));
            (raw, source.or_else(|| self.source("generic_cef")))
        } else if content.starts_with("LEEF:") {
            let raw = Raw::leef(content)?;
            let source = self.by_fields(&raw, |source| matches!(source.format, Format::Leef));
            (raw, source.or_else(|| self.source("generic_leef")))
        } else if let Some(source) = self.source_of_data(record) {
            (Raw::read(source, record)?, Some(source))
        } else {
            return Ok(None);
        };
        let Some(source) = source else {
            let mut parsed = reading::unknown(record, raw.notes);
            parsed.fields = raw.fields;
            return Ok(Some(parsed));
        };
        structured::normalise(&source.id, &mut raw.fields);
        Ok(Some(raw.meant_by(source, record).into_parsed()))
    }

    /// The source that knows the structured data of a record's header.
    fn source_of_data(&self, record: &Record<'_>) -> Option<&SourceDefinition> {
        record.envelope.as_ref().filter(|envelope| !envelope.data.is_empty())?;
        let reads_it = |source: &SourceDefinition| {
            matches!(source.format, Format::StructuredData | Format::KeyValue)
        };
        self.by_fields(&Raw::structured_data(record, DataNames::Whole), reads_it)
    }

    /// The source that knows a JSON object, or else the one for any.
    fn source_of(&self, raw: &Raw) -> Option<&SourceDefinition> {
        let known = self.by_fields(raw, SourceDefinition::reads_json);
        let known = known.or_else(|| self.source(structured::shape(&raw.fields)));
        known.or_else(|| self.source("generic_json"))
    }

    /// Reads a record by the source that was chosen for it.
    fn parse_chosen(
        &self,
        source: &SourceDefinition,
        record: &Record<'_>,
    ) -> Result<Parsed, DeadReason> {
        let takes_carried = !source.reads_json() || source.id == "elastic_ecs";
        if takes_carried
            && record.content.starts_with('{')
            && let Ok(mut raw) = Raw::json(record.content)
        {
            if let Some(parsed) = self.parse_carried(&raw, record, Some(source)) {
                return Ok(parsed);
            }
            // The row of a table whose header named the columns.
            if let Format::Delimited(columns) = &source.format {
                raw.is_read = raw.fields.iter().any(|(name, _)| columns.have(name));
                return Ok(raw.meant_by(source, record).into_parsed());
            }
        }
        Ok(Raw::read(source, record)?.meant_by(source, record).into_parsed())
    }

    /// Reads the record that stands inside a JSON object of whoever handed it on, by the source that was
    /// chosen or by what it looks like. `None` if there is none, or nobody knows it: then the object is
    /// read as it is. JSON inside JSON ends soon, for every layer doubles its backslashes.
    fn parse_carried(
        &self,
        raw: &Raw,
        record: &Record<'_>,
        chosen: Option<&SourceDefinition>,
    ) -> Option<Parsed> {
        let outer = self.source_of(raw)?;
        if !is_wide(outer) {
            return None;
        }
        let carried = Carried::find(&raw.fields)?;
        let inner = self.settled(carried.record());
        let mut own = match chosen.filter(|source| !source.reads_json()) {
            Some(source) => self.parse_chosen(source, &inner).ok()?,
            None => self.parse_inner(&inner)?,
        };
        if let Some(envelope) = &inner.envelope {
            envelope.add_to(&mut own.fields, &mut own.attrs, &mut own.notes);
            own.time = own.time.or(envelope.time);
        }
        let beside = raw.clone().meant_by(outer, record).into_parsed();
        Some(carried.beside(own, beside))
    }

    /// Reads a carried record if its format or program is known, or if it is a line of syslog.
    fn parse_inner(&self, record: &Record<'_>) -> Option<Parsed> {
        if let Some(parsed) = self.parse_known(record).ok()? {
            return Some(parsed);
        }
        record.envelope.as_ref()?;
        let source = self.source("linux_syslog")?;
        Some(Raw::read(source, record).ok()?.meant_by(source, record).into_parsed())
    }

    /// Returns whether a JSON record may carry another, or its data in another form, by its names.
    pub(crate) fn may_carry(&self, record: &str) -> bool {
        let Ok(raw) = Raw::json(record) else { return false };
        self.source_of(&raw).is_none_or(is_wide) && carried::is_carrier(&raw.fields)
            || carried::is_of_journald(&raw.fields)
            || structured::windows::is_told_by_message(&raw.fields)
            || structured::json::is_wrapped(record)
    }

    /// The first source of a format whose conditions on the fields hold.
    fn by_fields(
        &self,
        raw: &Raw,
        is_format: impl Fn(&SourceDefinition) -> bool,
    ) -> Option<&SourceDefinition> {
        self.sources
            .iter()
            .find(|source| is_format(source) && source.recognise.holds_for_fields(&raw.fields))
    }

    /// Text: the program in the header decides, then what the text looks like. A text that an
    /// attacker can shape (a user name, a browser's name) must not choose its reader: hence the
    /// program before the text, and the web server's strict shape before loose marks.
    fn parse_text(&self, record: &Record<'_>) -> Result<Option<Parsed>, DeadReason> {
        if let Some(meant) = self.parse_by_program(record)? {
            return Ok(Some(meant.into_parsed()));
        }
        if let Some(source) = self.source("generic_access_log")
            && record.content.contains("] \"")
        {
            let meant = Raw::read(source, record)?.meant_by(source, record);
            if meant.is_known {
                return Ok(Some(meant.into_parsed()));
            }
        }
        for position in &self.by_text {
            let Some(source) = self.sources.get(*position) else { continue };
            if !source.recognise.holds(record.content) {
                continue;
            }
            let meant = Raw::read(source, record)?.meant_by(source, record);
            if meant.is_known {
                return Ok(Some(meant.into_parsed()));
            }
        }
        self.parse_by_shape(record)
    }

    /// The best of the sources that name the program: one that fits, or else the first.
    fn parse_by_program(&self, record: &Record<'_>) -> Result<Option<reading::Meant>, DeadReason> {
        let names = [record.program(), record.program_family()];
        let mut first = None;
        for name in names.into_iter().flatten() {
            let Some(positions) = self.by_program.get(&name.to_ascii_lowercase()) else { continue };
            for position in positions {
                let Some(source) = self.sources.get(*position) else { continue };
                let meant = Raw::read(source, record)?.meant_by(source, record);
                if meant.is_known || !meant.expects_match {
                    return Ok(Some(meant));
                }
                first.get_or_insert(meant);
            }
        }
        Ok(first)
    }

    /// What nobody claims: CEF behind a header that is no syslog, and key-value pairs.
    fn parse_by_shape(&self, record: &Record<'_>) -> Result<Option<Parsed>, DeadReason> {
        if let Some(source) = self.source("generic_cef") {
            let raw = Raw::cef(record.content)?;
            if raw.is_read {
                return Ok(Some(raw.meant_by(source, record).into_parsed()));
            }
        }
        if let Some(source) = self.source("generic_key_value")
            && key_value::looks_like(record.content)
        {
            let mut parsed = Raw::read(source, record)?.meant_by(source, record).into_parsed();
            if parsed.attrs.get(Attr::Message).is_none() {
                parsed.attrs.set(Attr::Message, record.content);
            }
            return Ok(Some(parsed));
        }
        Ok(None)
    }
}

/// Whether a source reads JSON objects of any kind.
fn is_wide(source: &SourceDefinition) -> bool {
    matches!(source.id.as_ref(), "elastic_ecs" | "generic_json")
}
