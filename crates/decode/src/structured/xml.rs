//! Windows event XML (`<Event xmlns=…>`) → [`Fields`] under the names that Sigma rules use.
//!
//! `quick-xml` neither fetches nor expands anything: an entity of the record's own making stays as
//! `&name;`, so no entity bomb exists. Depth and number of fields are limited here.

use event::{DeadReason, Fields, Note, Value};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::windows::{self, names};
use crate::limits::{FIELDS_MAX, JSON_DEPTH_MAX};

/// Returns the fields of one Windows event and what could not be kept as it stood.
///
/// # Errors
///
/// `bad-xml` with the place, when the text is no well-formed `<Event>` element.
pub(crate) fn windows_event(text: &str) -> Result<(Fields, Vec<Note>), DeadReason> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().allow_dangling_amp = true;
    let mut walk = Walk { open: Vec::new(), fields: Fields::new(), dropped: 0, done: false };
    loop {
        let event = reader.read_event();
        let place = reader.buffer_position();
        let step = match event {
            Ok(Event::Eof) => break,
            Ok(event) => walk.step(event),
            Err(error) => Err(error.to_string()),
        };
        step.map_err(|what| DeadReason::new("bad-xml", format!("byte {place}: {what}")))?;
    }
    if !walk.done {
        let detail = format!("byte {}: the record ends before </Event>", reader.buffer_position());
        return Err(DeadReason::new("bad-xml", detail));
    }
    Ok(walk.finish())
}

/// The elements around the place where the reader stands, and what was found so far.
struct Walk {
    open: Vec<Element>,
    fields: Fields,
    dropped: usize,
    done: bool,
}

/// An element whose end has not been read yet.
struct Element {
    /// Its name without namespace prefix.
    tag: String,
    /// The `Name` attribute of a `Data` element.
    name: Option<String>,
    text: String,
    /// Whether it has elements inside, so that blank text between them means nothing.
    parent: bool,
}

impl Walk {
    fn step(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => self.text(&resolve(&entity)),
            Event::DocType(_) => Err("a document type is not allowed".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        let local_name = start.local_name();
        let tag: &str = local_name.as_ref();
        if self.open.is_empty() && (self.done || tag != "Event") {
            return Err(format!("expected one <Event>, found <{tag}>"));
        }
        if self.open.len() >= JSON_DEPTH_MAX {
            return Err(format!("elements nested deeper than {JSON_DEPTH_MAX}"));
        }
        if let Some(outer) = self.open.last_mut() {
            outer.parent = true;
        }
        self.open.push(Element {
            tag: tag.to_owned(),
            name: None,
            text: String::new(),
            parent: false,
        });
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let key: &str = attribute.key.as_ref();
            match attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0) {
                Ok(value) => self.attribute(key, &value),
                // An entity that nobody knows: the text as it was written says more than an error.
                Err(_) => self.attribute(key, &attribute.value),
            }
        }
        Ok(())
    }

    fn attribute(&mut self, key: &str, value: &str) {
        if key == "xmlns" || key.starts_with("xmlns:") || key.starts_with("xml:") {
            return;
        }
        let in_event_data = self.section() == Some("EventData");
        match self.open.last_mut() {
            Some(element) if in_event_data && key == "Name" => {
                // An `EventData` may carry a name itself (`<EventData Name="…">`): no field.
                if element.tag != "EventData" {
                    element.name = Some(value.to_owned());
                }
            }
            _ => {
                let path = self.path(Some(key));
                self.put(&path, value);
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err("text outside of <Event>".to_owned()),
        }
        Ok(())
    }

    fn end(&mut self) {
        let path = self.path(None);
        let section_depth = self.open.len();
        let Some(element) = self.open.pop() else { return };
        self.done = self.open.is_empty();
        // `<System>`, `<EventData>` and the like are no fields even when empty.
        let is_section = section_depth <= 2;
        if element.parent || is_section || (element.text.is_empty() && path.starts_with("System."))
        {
            return;
        }
        match element.name {
            Some(name) => self.put(&format!("EventData.{name}"), &element.text),
            None => self.put(&path, &element.text),
        }
    }

    /// Returns the part of the event that the reader is in: `System`, `EventData` …
    fn section(&self) -> Option<&str> {
        self.open.get(1).map(|element| element.tag.as_str())
    }

    /// Returns the dotted path below `<Event>`.
    fn path(&self, attribute: Option<&str>) -> String {
        let tags = self.open.iter().skip(1).map(|element| element.tag.as_str());
        tags.chain(attribute).collect::<Vec<_>>().join(".")
    }

    fn put(&mut self, path: &str, text: &str) {
        let Some(name) = names::below_event(path) else { return };
        if self.fields.len() >= FIELDS_MAX && self.fields.get(&name).is_none() {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.fields.push(name, Value::from(text));
    }

    fn finish(mut self) -> (Fields, Vec<Note>) {
        windows::complete(&mut self.fields);
        let mut notes = Vec::new();
        if self.dropped > 0 {
            let detail = format!("{} values are in the raw record only", self.dropped);
            notes.push(Note::new("extra-fields", detail));
        }
        (self.fields, notes)
    }
}

/// Returns the character that a reference stands for; an unknown one stays as it was written.
fn resolve(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = entity;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}
