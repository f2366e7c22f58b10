//! What may be known of a JSON record without decoding it: which of its values decide how the others
//! are read. Who judges many records by their values (`detect`'s screen) learns the rest by decoding
//! a few.

use event::{Event, Value};

use crate::attribute::is_blank;
use crate::decoder::Decoder;
use crate::structured::windows;

/// The spellings of what says the kind of a Windows event, by the last name of their path.
const WINDOWS_KIND: &[&str] = &[
    "EventID",
    "EventId",
    "eventID",
    "event_id",
    "Id",
    "Channel",
    "channel",
    "LogName",
    "log_name",
    "EventLog",
    "Provider_Name",
    "ProviderName",
    "providerName",
    "provider_name",
    "SourceName",
    "source_name",
    "EventSourceName",
    "Provider",
    "EventType",
    "event_type",
    "eventType",
    "MandatoryLabel",
    "mandatoryLabel",
    "OperationType",
    "operationType",
];

/// Accounts of which only *whether there is one* decides.
const ACCOUNTS: &[&str] =
    &["TargetUserName", "TargetDomainName", "SubjectUserName", "SubjectDomainName"];

/// The rendered text of an event, in which the type of a registry event may stand.
const MESSAGES: &[&str] = &["Message", "message"];

/// Fields that may hold a whole event as XML.
const XML: &[&str] = windows::XML_FIELDS;

/// Ends of paths whose name alone does not say enough: the provider's name and the event's number in
/// the structure of the XML.
const ENDS: &[&str] = &[
    "Provider.Name",
    "Provider.@Name",
    "Provider.#attributes.Name",
    "Provider_attributes.Name",
    "EventID.#text",
    "EventID.Value",
];

impl Decoder {
    /// Returns whether the value at a path (keys joined by dots) may decide how other values of its
    /// record are read.
    pub fn decides(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or(path);
        [WINDOWS_KIND, ACCOUNTS, MESSAGES].iter().any(|names| names.contains(&last))
            || ENDS.iter().any(|end| path.ends_with(end))
            || XML.contains(&path)
            || self.asks_for(path)
    }

    /// Whether a source asks for the field when it chooses how to read a record.
    fn asks_for(&self, path: &str) -> bool {
        let is_field = |field: &str| {
            let before = path.strip_suffix(field);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        self.sources().filter(|source| source.reads_json()).any(|source| {
            let mut asked = source.variants.asked_fields().chain(source.recognise.fields.fields());
            asked.any(is_field)
        })
    }

    /// Returns the part of a value that decides; it decides the same with other lines before it.
    pub fn deciding_part<'v>(path: &str, value: &'v str) -> &'v str {
        if XML.contains(&path) && value.trim_start().starts_with("<Event") {
            // Too long to decide by: such a record is read whole.
            return value;
        }
        let last = path.rsplit('.').next().unwrap_or(path);
        if MESSAGES.contains(&last) {
            let is_type = |line: &&str| line.trim_start().starts_with("EventType:");
            return value.lines().find(is_type).unwrap_or_default();
        }
        if XML.contains(&path) {
            return "";
        }
        if ACCOUNTS.contains(&last) {
            return if is_blank(&Value::from(value)) { value } else { "" };
        }
        value
    }

    /// Returns whether the events of this kind have their values as the record has them, or made in
    /// a way that shows. Not so where a text is taken apart by patterns, and in Windows' registry
    /// audits, whose key is rewritten by what stands in it.
    pub fn reads_plainly(&self, event: &Event) -> bool {
        let source = self.source(&event.parser);
        source.is_some_and(|source| source.reads_json() && source.patterns.is_empty())
            && event.fields.get("EventID").and_then(Value::int) != Some(4657)
    }
}
