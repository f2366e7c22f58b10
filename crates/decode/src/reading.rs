//! Reads a record by one source's definition: fields by its format, then patterns, variants and
//! rules.

use std::borrow::Cow;

use event::{Attr, Attrs, DeadReason, Fields, Name, Note, Value};

use crate::carried;
use crate::definition::{Format, Meaning, SourceDefinition};
use crate::envelope::DataNames;
use crate::parsed::{Parsed, StatedTime};
use crate::record::Record;
use crate::structured;
use crate::text::{access_log, auditd, cef, delimited, filterlog, key_value, leef};
use crate::time;
use crate::unread_time;

/// Fields read from a content, before a definition says what they mean.
#[derive(Debug, Default, Clone)]
pub(crate) struct Raw {
    pub(crate) fields: Fields,
    pub(crate) time: Option<StatedTime>,
    pub(crate) notes: Vec<Note>,
    /// Whether the format was found; otherwise the content is free text.
    pub(crate) is_read: bool,
}

impl Raw {
    /// Reads a content by a definition's format.
    ///
    /// # Errors
    /// A structured record that begins as one and breaks.
    pub(crate) fn read(source: &SourceDefinition, record: &Record<'_>) -> Result<Self, DeadReason> {
        let content = record.content;
        let mut raw = Self::default();
        match &source.format {
            Format::Message => {}
            Format::KeyValue => {
                raw.is_read = key_value::read(content, &mut raw.fields, &mut raw.notes) > 0;
                if !raw.is_read {
                    return Ok(Self::structured_data(record, DataNames::Own));
                }
            }
            Format::Cef => return Self::cef(content),
            Format::Leef => return Self::leef(content),
            Format::AccessLog => {
                raw.time = access_log::read(content, &mut raw.fields);
                raw.is_read = raw.time.is_some();
            }
            Format::Delimited(columns) => {
                raw.is_read = delimited::read(content, columns, &mut raw.fields, &mut raw.notes);
            }
            Format::Auditd => {
                raw.time = auditd::read(content, &mut raw.fields, &mut raw.notes);
                raw.is_read = raw.time.is_some();
            }
            Format::Filterlog => raw.is_read = filterlog::read(content, &mut raw.fields),
            Format::StructuredData => {
                return Ok(Self::structured_data(record, DataNames::Whole));
            }
            Format::Json | Format::Windows if content.starts_with('<') => {
                return Self::xml(content);
            }
            Format::Json | Format::Windows => {
                if record.envelope.is_some() && !content.starts_with('{') {
                    return Ok(raw);
                }
                raw = Self::json(content)?;
                structured::normalise(&source.id, &mut raw.fields);
            }
        }
        Ok(raw)
    }

    /// Reads CEF. Only a content that begins as CEF may be refused; behind other text it is read
    /// when it is whole, and otherwise left as text.
    pub(crate) fn cef(content: &str) -> Result<Self, DeadReason> {
        Self::headed(content, &["CEF:"], &["CEF:0|", "CEF:1|"], cef::read)
    }

    /// Reads LEEF, under the same rule.
    pub(crate) fn leef(content: &str) -> Result<Self, DeadReason> {
        Self::headed(content, &["LEEF:"], &["LEEF:1.0|", "LEEF:2.0|"], leef::read)
    }

    fn headed(
        content: &str,
        starts: &[&str],
        inside: &[&str],
        read: fn(&str, &mut Fields, &mut Vec<Note>) -> Result<(), DeadReason>,
    ) -> Result<Self, DeadReason> {
        let mut raw = Self::default();
        if starts.iter().any(|start| content.starts_with(start)) {
            read(content, &mut raw.fields, &mut raw.notes)?;
            raw.is_read = true;
            return Ok(raw);
        }
        let start = inside.iter().find_map(|mark| content.find(mark));
        if let Some(text) = start.and_then(|start| content.get(start..))
            && read(text, &mut raw.fields, &mut raw.notes).is_ok()
        {
            raw.is_read = true;
            return Ok(raw);
        }
        Ok(Self::default())
    }

    /// Reads the structured data of an RFC 5424 header, with the text behind it as `message`.
    pub(crate) fn structured_data(record: &Record<'_>, names: DataNames) -> Self {
        let mut raw = Self::default();
        if let Some(envelope) = &record.envelope {
            raw.fields = envelope.data_fields(names);
            raw.is_read = !envelope.data.is_empty();
        }
        if raw.is_read && !record.content.is_empty() {
            raw.fields.push("message", record.content);
        }
        raw
    }

    /// Reads a JSON object.
    pub(crate) fn json(content: &str) -> Result<Self, DeadReason> {
        let (mut fields, notes) = structured::json::flatten(content.as_bytes())?;
        carried::take_out(&mut fields);
        carried::spell_out(&mut fields);
        Ok(Self { fields, time: None, notes, is_read: true })
    }

    /// Reads a Windows event in XML.
    pub(crate) fn xml(content: &str) -> Result<Self, DeadReason> {
        let (fields, notes) = structured::xml::windows_event(content)?;
        Ok(Self { fields, time: None, notes, is_read: true })
    }

    /// Says what the fields mean by a definition.
    pub(crate) fn meant_by(self, source: &SourceDefinition, record: &Record<'_>) -> Meant {
        let Self { mut fields, time: own_time, mut notes, is_read } = self;
        source.aliases.add_to(&mut fields);
        let pattern = pattern_meaning(source, record, is_read, &mut fields);
        let variant = source.variants.first(&fields);
        if let Some(variant) = variant {
            variant.aliases.add_to(&mut fields);
        }
        let meanings = [pattern, variant.map(|variant| &variant.meaning)];
        let mut attrs = Attrs::default();
        for meaning in meanings.into_iter().flatten() {
            meaning.rules.apply(&fields, &mut attrs, &mut notes, &source.rules);
        }
        source.rules.apply(&fields, &mut attrs, &mut notes, &source.rules);
        if matches!(source.format, Format::Windows) {
            structured::windows::split_account(&mut attrs);
        }
        if !is_read && attrs.get(Attr::Message).is_none() {
            attrs.set(Attr::Message, record.content);
        }
        let first = |of: fn(&Meaning) -> bool| meanings.into_iter().flatten().find(|m| of(m));
        let class = first(|m| m.class.is_some()).and_then(|m| m.class).unwrap_or(source.class);
        let logsource = first(|m| m.logsource.is_some())
            .and_then(|m| m.logsource.as_ref())
            .unwrap_or(&source.logsource);
        let time = source.times.iter().find_map(|times| times.read(&fields)).or(own_time);
        let unread_time =
            if time.is_none() { unread_time::in_fields(&source.times, &fields) } else { None };
        record.add_repeated(&mut fields);
        let is_known = is_read || pattern.is_some();
        let parsed = Parsed {
            parser: source.id.clone(),
            class,
            logsource: logsource.clone(),
            fields,
            attrs,
            time,
            unread_time,
            notes,
        };
        // Of a whole machine's syslog nothing is expected but the header.
        let expects_match =
            if source.delegates { record.envelope.is_none() } else { !source.is_free() };
        Meant { parsed, is_known, expects_match }
    }
}

/// A record with its meaning.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) parsed: Parsed,
    /// Whether the format or a pattern of the definition fitted.
    pub(crate) is_known: bool,
    /// Whether one of them should have.
    pub(crate) expects_match: bool,
}

impl Meant {
    /// Returns the record, with a note if its definition did not fit.
    pub(crate) fn into_parsed(mut self) -> Parsed {
        if self.expects_match && !self.is_known {
            let detail = format!("nothing in `{}` fits this text", self.parsed.parser);
            self.parsed.notes.push(Note::new("unparsed", detail));
        }
        self.parsed
    }
}

impl SourceDefinition {
    /// Whether its records are free text, of which nothing more is expected.
    fn is_free(&self) -> bool {
        matches!(self.format, Format::Message) && self.patterns.is_empty()
    }
}

/// Adds the groups of the first pattern that fits the message, and returns what it means.
fn pattern_meaning<'s>(
    source: &'s SourceDefinition,
    record: &Record<'_>,
    is_read: bool,
    fields: &mut Fields,
) -> Option<&'s Meaning> {
    if source.patterns.is_empty() {
        return None;
    }
    let message = if is_read {
        let field = source.rules.field_of(Attr::Message, fields)?;
        Cow::Owned(field.text().into_owned())
    } else {
        Cow::Borrowed(record.content)
    };
    for pattern in &source.patterns {
        let captures = pattern.regex.regex().and_then(|regex| regex.captures(&message));
        let Some(captures) = captures else { continue };
        for (position, name) in &pattern.groups {
            if let Some(group) = captures.get(*position)
                && fields.get(name).is_none()
            {
                fields.push(name.clone(), group.as_str());
            }
        }
        return Some(&pattern.meaning);
    }
    None
}

/// A record that no definition knows: its text is kept, searchable and matched by keyword rules.
pub(crate) fn unknown(record: &Record<'_>, notes: Vec<Note>) -> Parsed {
    let mut parsed = Parsed {
        parser: Name::Borrowed("text"),
        class: event::Class::BaseEvent,
        logsource: event::LogSource::default(),
        fields: Fields::new(),
        attrs: Attrs::default(),
        time: time::leading(record.content).map(|(stated, _)| stated),
        unread_time: None,
        notes,
    };
    parsed.attrs.set(Attr::Message, Value::from(record.content));
    parsed.notes.push(Note::new("unknown-format", "no known format; kept as text"));
    parsed
}
