//! Every JSON shape of a Windows event → one set of names: `EventID` (a number), `Channel`,
//! `Provider_Name`, `Computer`, and the `EventData` names flat, as SigmaHQ's rules ask for them.
//!
//! | shape | how it is told |
//! | --- | --- |
//! | Winlogbeat 7+, Elastic Agent | `winlog.event_id` |
//! | Winlogbeat through Graylog | `winlogbeat_winlog_event_id`, `winlog_event_id` |
//! | Winlogbeat 6, Vector | `event_id` with `log_name`, or with `channel` and `provider_name` |
//! | OpenTelemetry | `event_id.id`, also below `body.` |
//! | the `evtx` crate, Chainsaw, xmltodict, Velociraptor | `Event.System.EventID`, `System.EventID` |
//! | Wazuh | `data.win.system.eventID` |
//! | NXLog, OTRF, Fluent Bit, Log Analytics, `EvtxECmd`, `Get-WinEvent` | `EventID` or `Id` beside a channel or provider |
//! | Splunk's searches | `EventCode` beside a channel or provider |
//! | `Get-EventLog` | `EventID` beside `Source` and `ReplacementStrings` |
//! | XML inside JSON (Splunk, syslog forwarders) | a text that starts with `<Event ` |
//!
//! Two of the flat ones keep the event's data as one text, in JSON or XML ([`packed`]); exports for people have
//! it in the rendered message only ([`message`]).

mod enrich;
mod message;
pub(crate) mod names;
mod packed;

#[cfg(test)]
mod tests;

pub(crate) use self::packed::TEXTS as PACKED_FIELDS;
use event::{Attr, Attrs, Fields, Value};

/// Fields in which forwarders put the whole event as XML.
pub(crate) const XML_FIELDS: &[&str] =
    &["event", "_raw", "result._raw", "event.original", "xml", "Xml", "EventXml", "message"];

/// How a JSON object spells a Windows event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// The structure of the XML, below a prefix of this many bytes.
    Structure(usize),
    Winlogbeat,
    /// Below this prefix.
    Graylog(&'static str),
    OldWinlogbeat,
    /// Below this prefix.
    OpenTelemetry(&'static str),
    /// Below this prefix.
    Wazuh(&'static str),
    Flat,
    /// The XML itself, in the field of this name.
    Xml(&'static str),
}

/// Returns whether flattened JSON is a Windows event in a shape that [`normalise`] knows.
pub(crate) fn is_windows(fields: &Fields) -> bool {
    spelling(fields).is_some()
}

/// Renames the fields of a Windows event to SigmaHQ's names and adds what generic rules need.
/// Fields that are none of the event's own (`agent.version`, `host.ip` …) keep their names.
pub(crate) fn normalise(fields: &mut Fields) {
    if respell(fields) {
        complete(fields);
    }
}

/// Returns whether what rules ask of an event of these fields stands in its rendered message only.
pub(crate) fn is_told_by_message(fields: &Fields) -> bool {
    let mut fields = fields.clone();
    if !respell(&mut fields) {
        return false;
    }
    settle(&mut fields);
    message::is_told(&fields)
}

/// Gives the fields of a Windows event SigmaHQ's names; returns whether it is one.
fn respell(fields: &mut Fields) -> bool {
    match spelling(fields) {
        None => return false,
        Some(Spelling::Structure(prefix_bytes)) => {
            rename(fields, |name| match names::split_structure(name, prefix_bytes) {
                Some(path) => names::below_event(path),
                None => Some(name.to_owned()),
            });
            join_named_data(fields);
        }
        Some(Spelling::Winlogbeat) => {
            rename(fields, names::winlogbeat);
            add_moved(fields);
        }
        Some(Spelling::Graylog(prefix)) => rename(fields, |name| names::graylog(name, prefix)),
        Some(Spelling::OldWinlogbeat) => rename(fields, names::old_winlogbeat),
        Some(Spelling::OpenTelemetry(prefix)) => {
            rename(fields, |name| match name.strip_prefix(prefix) {
                Some(inner) => names::open_telemetry(inner),
                None => Some(name.to_owned()),
            });
        }
        Some(Spelling::Wazuh(prefix)) => {
            halve_backslashes(fields, prefix);
            let small = names::small_in_wazuh(fields, prefix);
            rename(fields, |name| match name.strip_prefix(prefix) {
                Some(inner) => names::wazuh(inner),
                None => Some(name.to_owned()),
            });
            for (name, value) in small {
                fields.push(name, value);
            }
        }
        Some(Spelling::Flat) => {
            if names::are_of_the_log(fields) {
                rename(fields, |name| Some(names::of_the_log(name)));
            }
            packed::unpack(fields);
        }
        Some(Spelling::Xml(name)) => unwrap_xml(fields, name),
    }
    true
}

/// Adds what generic rules need to fields that have SigmaHQ's names already.
pub(crate) fn complete(fields: &mut Fields) {
    settle(fields);
    message::tell(fields);
    enrich::enrich(fields);
}

fn settle(fields: &mut Fields) {
    add_flat_aliases(fields);
    names::number_event_id(fields);
}

fn spelling(fields: &Fields) -> Option<Spelling> {
    let has = |name: &str| fields.get(name).is_some();
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    if has("winlog.event_id") || has("winlog.channel") {
        return Some(Spelling::Winlogbeat);
    }
    let is_graylog = |prefix: &&&str| has(&format!("{prefix}winlog_event_id"));
    if let Some(prefix) = names::GRAYLOG.iter().find(is_graylog) {
        return Some(Spelling::Graylog(prefix));
    }
    if has("EventID") || has("EventId") {
        let beside = ["Channel", "SourceName", "ProviderName", "ProviderGuid", "Provider_Name"];
        if any(&beside) || any(&["EventSourceName", "LogName", "EventLog", "UtcTime", "channel"]) {
            return Some(Spelling::Flat);
        }
        if has("ReplacementStrings") && has("Source") {
            return Some(Spelling::Flat);
        }
    }
    if let Some(prefix_bytes) = fields.iter().find_map(|(name, _)| names::structure_prefix(name)) {
        return Some(Spelling::Structure(prefix_bytes));
    }
    if let Some(prefix) = ["body.", ""].into_iter().find(|prefix| {
        fields.iter().any(|(name, _)| name.strip_prefix(prefix) == Some("event_id.id"))
    }) {
        return Some(Spelling::OpenTelemetry(prefix));
    }
    if has("data.win.system.eventID") {
        return Some(Spelling::Wazuh("data.win."));
    }
    if has("win.system.eventID") {
        return Some(Spelling::Wazuh("win."));
    }
    let is_vector = has("channel") && has("provider_name");
    if has("event_id") && (is_vector || any(&["log_name", "source_name", "provider_guid"])) {
        return Some(Spelling::OldWinlogbeat);
    }
    if has("Id") && has("LogName") && has("ProviderName") {
        return Some(Spelling::Flat);
    }
    let xml = XML_FIELDS
        .iter()
        .copied()
        .find(|name| matches!(fields.get(name), Some(Value::Text(text)) if is_xml(text)));
    let is_searched = has("EventCode") && any(&["Channel", "LogName", "SourceName"]);
    xml.map(Spelling::Xml).or_else(|| is_searched.then_some(Spelling::Flat))
}

fn is_xml(text: &str) -> bool {
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or(rest, |(_, rest)| rest).trim_start(),
        None => text,
    };
    text.starts_with("<Event ")
}

/// Gives every field the name that `name_of` returns; `None` leaves the field out.
fn rename(fields: &mut Fields, name_of: impl Fn(&str) -> Option<String>) {
    let old = std::mem::take(fields);
    for (name, value) in old.iter() {
        if let Some(name) = name_of(name) {
            fields.push(name, value.clone());
        }
    }
}

/// Pairs names and texts that stand in two lists, as writers leave
/// `<Data Name="User">root</Data>` that know nothing of Windows events.
fn join_named_data(fields: &mut Fields) {
    const NAMES: &[&str] = &[
        "Data.@Name",
        "Data.#attributes.Name",
        "Data._attributes.Name",
        "Data.Name",
        "Data.$.Name",
    ];
    const TEXTS: &[&str] = &["Data.#text", "Data", "Data._", "Data.content", "Data.Value"];
    let find =
        |wanted: &[&'static str]| wanted.iter().copied().find(|name| fields.get(name).is_some());
    let (Some(name), Some(text)) = (find(NAMES), find(TEXTS)) else { return };
    let members = |name: &str| fields.get(name).map(|value| value.members().to_vec());
    let (Some(keys), Some(texts)) = (members(name), members(text)) else { return };
    // Writers leave out the text of an empty element: then nobody knows which text is whose.
    if keys.len() != texts.len() {
        return;
    }
    rename(fields, |own| (own != name && own != text).then(|| own.to_owned()));
    for (key, text) in keys.iter().zip(texts) {
        if let Some(key) = names::data_name(&key.text()) {
            fields.push(key, text);
        }
    }
}

/// Wazuh escapes backslashes twice: `C:\\Windows` for `C:\Windows`.
fn halve_backslashes(fields: &mut Fields, prefix: &str) {
    let old = std::mem::take(fields);
    for (name, value) in old.iter() {
        let value = match value {
            Value::Text(text) if name.starts_with(prefix) && text.contains(r"\\") => {
                Value::Text(text.replace(r"\\", r"\"))
            }
            other => other.clone(),
        };
        fields.push(name.to_owned(), value);
    }
}

/// Replaces the field that holds an event as XML by that event's fields.
fn unwrap_xml(fields: &mut Fields, xml_name: &str) {
    let Some(Value::Text(text)) = fields.get(xml_name) else { return };
    // Broken XML stays what it is: a text that can be searched.
    let Ok((inner, _)) = super::xml::windows_event(text) else { return };
    rename(fields, |name| (name != xml_name).then(|| name.to_owned()));
    for (name, value) in inner.iter() {
        fields.push(name.to_owned(), value.clone());
    }
}

/// Gives back the names that the shipper's modules took from the event's data.
fn add_moved(fields: &mut Fields) {
    for (name, moved) in names::MOVED {
        if fields.get(name).is_none()
            && let Some(value) = fields.get(moved).cloned()
        {
            fields.set(*name, value);
        }
    }
    if fields.get("User").is_none()
        && let (Some(domain), Some(user)) = (fields.get("user.domain"), fields.get("user.name"))
    {
        let account = format!(r"{}\{}", domain.text(), user.text());
        fields.set("User", account);
    }
}

fn add_flat_aliases(fields: &mut Fields) {
    for (name, others) in names::FLAT_ALIASES {
        if fields.get(name).is_some() {
            continue;
        }
        let value = others.iter().find_map(|other| fields.get(other)).cloned();
        if let Some(value) = value {
            fields.set(*name, value);
        }
    }
}

/// Splits `DOMAIN\user` in the acting account into its two attributes.
pub(crate) fn split_account(attrs: &mut Attrs) {
    let Some((domain, user)) = attrs.get(Attr::User).and_then(|account| match account {
        Value::Text(text) => {
            text.split_once('\\').map(|(domain, user)| (domain.to_owned(), user.to_owned()))
        }
        _ => None,
    }) else {
        return;
    };
    attrs.set(Attr::User, user);
    if attrs.get(Attr::Domain).is_none() {
        attrs.set(Attr::Domain, domain);
    }
}
