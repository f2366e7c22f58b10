//! What may be known of a JSON record without decoding it: which of its values decide how the others
//! are read. Who judges many records by their values (`detect`'s screen) learns the rest by decoding
//! a few.

use event::{Attr, Deciding, Event, Value};

use crate::attribute::is_blank;
use crate::decoder::Decoder;
use crate::definition::{Conditions, SourceDefinition};
use crate::structured::windows;

/// The spellings of what says the kind of a Windows event, by the last name of their path.
const WINDOWS_KIND: &[&str] = &[
    "EventID",
    "EventId",
    "eventID",
    "event_id",
    "EventCode",
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
    "Source",
    "EventType",
    "event_type",
    "eventType",
    "MandatoryLabel",
    "mandatoryLabel",
    "OperationType",
    "operationType",
    // Values that are settled to one form.
    "LogonProcessName",
    "logonProcessName",
    "SubcategoryGuid",
    "subcategoryGuid",
];

/// Accounts of which only *whether there is one* decides.
const ACCOUNTS: &[&str] =
    &["TargetUserName", "TargetDomainName", "SubjectUserName", "SubjectDomainName"];

/// The rendered text of an event, in which the type of a registry event may stand.
const MESSAGES: &[&str] = &["Message", "message"];

/// Fields that may hold a whole event as XML.
const XML: &[&str] = windows::XML_FIELDS;

/// Fields that may hold the data of an event as one text.
const PACKED: &[&str] = windows::PACKED_FIELDS;

/// Ends of paths whose name alone does not say enough: the provider's name and the event's number in
/// the structure of the XML, and what names the text beside it.
const ENDS: &[&str] = &[
    "Provider.Name",
    "Provider.@Name",
    "Provider_attributes.Name",
    "EventID.Value",
    "event_id.id",
    "provider.name",
    "provider.event_source",
    "Data.Name",
    "Data.@Name",
];

/// What names the log that a Zeek record is of.
const ZEEK_LOG: &[&str] = &["_path", "@stream"];

impl Decoder {
    /// Returns what of the value at a path (keys joined by dots) decides how other values of its
    /// record are read.
    pub fn deciding_part(&self, path: &str) -> Deciding {
        let unmarked = windows::names::unmarked(path);
        let last = windows::names::last_name(&unmarked);
        let any = |path: &str, names: &[&str]| names.iter().any(|name| is_path_of(path, name));
        if WINDOWS_KIND.contains(&last) || any(&unmarked, ENDS) || ZEEK_LOG.contains(&last) {
            return Deciding::Value;
        }
        match self.asked(path) {
            Some(false) => Deciding::Value,
            _ if MESSAGES.contains(&last) || any(path, XML) => {
                Deciding::Text { starts: &["<"], line: "EventType:" }
            }
            // PowerShell's events have a `Payload` too, of any text.
            _ if is_path_of(path, "Payload") => {
                Deciding::Text { starts: &["{\"", "<"], line: "EventType:" }
            }
            _ if any(path, PACKED) => Deciding::Value,
            Some(true) => Deciding::Presence,
            None if ACCOUNTS.contains(&last) => Deciding::Presence,
            None => Deciding::Nothing,
        }
    }

    /// Returns which field of an event of this kind may become which attribute (the empty name stands for
    /// a fixed value); every attribute but `message` comes from one of them.
    pub fn feeds<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = (&'a str, Attr)> {
        let sources = self.sources().filter(move |source| source.id == event.parser);
        sources.flat_map(SourceDefinition::feeds)
    }

    /// Returns whether a text counts as no value.
    pub fn is_blank(text: &str) -> bool {
        is_blank(&Value::from(text))
    }

    /// Returns whether a source asks for what stands at a path when it chooses how to read a record, by its own
    /// name or by an alias, and if so, whether only for its presence.
    fn asked(&self, path: &str) -> Option<bool> {
        let sources = self.sources().filter(|source| source.reads_json());
        let asking = sources.flat_map(|source| {
            let conditions = source.variants.conditions().chain(source.recognise.fields.iter());
            conditions.flat_map(Conditions::fields).filter(move |(field, _)| {
                is_path_of(path, field) || source.aliases.may_take(field, path)
            })
        });
        asking.map(|(_, presence_only)| presence_only).reduce(|one, other| one && other)
    }

    /// Returns whether the events of this kind have their values as the record has them, or made in
    /// a way that shows. Not so where a text is taken apart or is a record of its own, in Windows' registry audits,
    /// whose key is rewritten by what stands in it, and where the place in a list names a value: in events of
    /// programs that broke down, and of RPC Firewall.
    pub fn reads_plainly(&self, event: &Event) -> bool {
        let source = self.source(&event.parser);
        source.is_some_and(|source| source.reads_json() && source.patterns.is_empty())
            && event.parser != "linux_laurel"
            && !self.may_carry(&event.raw)
            && !matches!(event.fields.get("EventID").and_then(Value::int), Some(4657 | 1000))
            && !is_of_rpc_firewall(event)
    }
}

fn is_of_rpc_firewall(event: &Event) -> bool {
    let channel = event.fields.get("Channel");
    channel.is_some_and(|channel| channel.text().trim().eq_ignore_ascii_case("RPCFW"))
}

/// Returns whether a path of a record may be that of a field: an export writes names of its own before it.
pub(crate) fn is_path_of(path: &str, field: &str) -> bool {
    let before = path.strip_suffix(field);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
