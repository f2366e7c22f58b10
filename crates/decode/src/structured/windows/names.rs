//! The names that shippers give to one and the same part of a Windows event → SigmaHQ's names.
//!
//! The event's own structure (`System`, `EventData`, `UserData`, `RenderingInfo`) is the same in
//! every shape; only the way it is spelled in JSON differs. `EventData` names are taken as they
//! stand, unless one would pass for a name of the system part: then it keeps its prefix.

use event::{Fields, Value};

/// Names of the system part. An `EventData` field of the same name must not pass for them.
const SYSTEM_NAMES: &[&str] = &[
    "EventID",
    "Qualifiers",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated",
    "EventRecordID",
    "Channel",
    "Computer",
    "Provider_Name",
    "Provider_Guid",
];

/// How JSON writers mark what is an attribute or the text of an element.
const MARKERS: &[&str] = &["#attributes", "_attributes", "@attributes", "#text", "_text", "$"];

/// Returns a dotted path without the marks of JSON writers.
pub(crate) fn unmarked(path: &str) -> String {
    let names: Vec<&str> = path.split('.').filter(|name| !MARKERS.contains(name)).collect();
    names.join(".")
}

/// Returns the field name for a dotted path below `<Event>`, or `None` for what is no field
/// (name spaces, the `Name` of `EventData` itself).
pub(crate) fn below_event(path: &str) -> Option<String> {
    let (section, rest) = path.split_once('.').unwrap_or((path, ""));
    let last = path.rsplit('.').next().unwrap_or_default();
    let is_name_space = last.trim_start_matches('@').starts_with("xmlns");
    if is_name_space || MARKERS.contains(&section) || section.starts_with('@') {
        return None;
    }
    if section == "System" {
        return system_name(rest.split('.'));
    }
    let mut parts = rest.split('.').filter(|part| !part.is_empty() && !MARKERS.contains(part));
    match section {
        "EventData" => {
            if ["#attributes.", "@"].iter().any(|own| rest.starts_with(own)) {
                return None;
            }
            // Text right inside `<EventData>` has no name either.
            let name = if rest == "#text" { "Data" } else { rest };
            let text = [".#text", "._text"].into_iter().find_map(|mark| name.strip_suffix(mark));
            data_name(text.unwrap_or(name))
        }
        // `<UserData><LogFileCleared><Channel>…`: the element between is only a wrapper.
        "UserData" => {
            let wrapper = parts.next()?;
            let name = parts.collect::<Vec<_>>().join("_");
            data_name(if name.is_empty() { wrapper } else { &name })
        }
        _ => {
            let name = parts.collect::<Vec<_>>().join("_");
            match (section, name.as_str()) {
                ("RenderingInfo", "Message") => Some(name),
                (_, "") => Some(section.to_owned()),
                _ => Some(format!("{section}_{name}")),
            }
        }
    }
}

/// Returns how long the prefix before the event's structure is, if this is a name of its system
/// part: 0 for `System.EventID`, 6 for `Event.System.EventID`, more where a tool wraps the event.
pub(super) fn structure_prefix(name: &str) -> Option<usize> {
    if name.starts_with("System.EventID") {
        return Some(0);
    }
    let at = name.find("Event.System.")?;
    let is_whole_word = at == 0 || name.get(..at).is_some_and(|before| before.ends_with('.'));
    is_whole_word.then(|| at.saturating_add("Event.".len()))
}

/// Returns the path below the event, if the name has the prefix.
pub(super) fn split_structure(name: &str, prefix_bytes: usize) -> Option<&str> {
    let (prefix, path) = name.split_at_checked(prefix_bytes)?;
    (prefix.is_empty() || prefix.ends_with("Event.")).then_some(path)
}

fn system_name(parts: std::str::Split<'_, char>) -> Option<String> {
    let parts = parts.filter(|part| !part.is_empty() && !MARKERS.contains(part)).map(|part| {
        let part = part.strip_suffix("_attributes").unwrap_or(part);
        part.strip_prefix('@').unwrap_or(part)
    });
    let name = parts.collect::<Vec<_>>().join("_");
    Some(match name.as_str() {
        "" => return None,
        "TimeCreated_SystemTime" => "TimeCreated".to_owned(),
        "EventID_Qualifiers" => "Qualifiers".to_owned(),
        "EventID_Value" => "EventID".to_owned(),
        _ => name,
    })
}

/// Returns the field name for a name inside `EventData` or `UserData`.
pub(crate) fn data_name(name: &str) -> Option<String> {
    match name {
        "" => None,
        name if SYSTEM_NAMES.contains(&name) => Some(format!("EventData.{name}")),
        name => Some(name.to_owned()),
    }
}

/// Returns the field name for a name that Winlogbeat 7 and later, or Elastic Agent, uses.
pub(super) fn winlogbeat(name: &str) -> Option<String> {
    let Some(inner) = name.strip_prefix("winlog.") else {
        return Some(if name == "message" { "Message".to_owned() } else { name.to_owned() });
    };
    if let Some(data) = inner.strip_prefix("event_data.").or(inner.strip_prefix("user_data.")) {
        return data_name(data).filter(|data| data != "xml_name");
    }
    Some(match inner {
        "event_id" => "EventID".to_owned(),
        "channel" => "Channel".to_owned(),
        "provider_name" => "Provider_Name".to_owned(),
        "provider_guid" => "Provider_Guid".to_owned(),
        "computer_name" => "Computer".to_owned(),
        "record_id" => "EventRecordID".to_owned(),
        "process.pid" => "Execution_ProcessID".to_owned(),
        "process.thread.id" => "Execution_ThreadID".to_owned(),
        "user.identifier" => "Security_UserID".to_owned(),
        "activity_id" => "Correlation_ActivityID".to_owned(),
        "version" => "Version".to_owned(),
        "task" => "Task".to_owned(),
        "opcode" => "Opcode".to_owned(),
        "keywords" => "Keywords".to_owned(),
        "level" => "Level".to_owned(),
        "time_created" => "TimeCreated".to_owned(),
        _ => name.to_owned(),
    })
}

/// What Graylog puts before the names of a Beat, unless it was told not to.
pub(super) const GRAYLOG: &[&str] = &["winlogbeat_", ""];

/// Returns the field name for a name that Graylog gave to one of Winlogbeat's: it has no dots.
pub(super) fn graylog(name: &str, prefix: &str) -> Option<String> {
    let Some(inner) = name.strip_prefix(prefix).and_then(|own| own.strip_prefix("winlog_")) else {
        return winlogbeat(name);
    };
    let sections = [("event_data_", "event_data."), ("user_data_", "user_data.")];
    let found = sections
        .into_iter()
        .find_map(|(own, section)| Some(format!("winlog.{section}{}", inner.strip_prefix(own)?)));
    winlogbeat(&found.unwrap_or_else(|| format!("winlog.{inner}")))
}

/// Returns the last name of a path; of one that Graylog wrote, what it calls a part of the event.
pub(crate) fn last_name(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    let inner = last.split_once("winlog_").map_or(last, |(_, inner)| inner);
    inner.strip_prefix("event_data_").unwrap_or(inner)
}

/// Returns the field name for a name that Winlogbeat 6 and earlier uses, or Vector.
pub(super) fn old_winlogbeat(name: &str) -> Option<String> {
    if let Some(data) = name.strip_prefix("event_data.").or(name.strip_prefix("user_data.")) {
        return data_name(data).filter(|data| data != "xml_name");
    }
    Some(match name {
        "event_id" => "EventID".to_owned(),
        "log_name" | "channel" => "Channel".to_owned(),
        "source_name" | "provider_name" => "Provider_Name".to_owned(),
        "provider_guid" => "Provider_Guid".to_owned(),
        "computer_name" | "computer" => "Computer".to_owned(),
        "record_number" | "record_id" => "EventRecordID".to_owned(),
        "process_id" => "Execution_ProcessID".to_owned(),
        "thread_id" => "Execution_ThreadID".to_owned(),
        "user.identifier" => "Security_UserID".to_owned(),
        "message" => "Message".to_owned(),
        _ => name.to_owned(),
    })
}

/// Returns the field name for a name of OpenTelemetry's receiver for Windows event logs.
pub(super) fn open_telemetry(name: &str) -> Option<String> {
    if let Some(data) = name.strip_prefix("event_data.") {
        return data_name(data.strip_prefix("data.").unwrap_or(data));
    }
    Some(match name {
        "event_id.id" => "EventID".to_owned(),
        "event_id.qualifiers" => "Qualifiers".to_owned(),
        "channel" => "Channel".to_owned(),
        "computer" => "Computer".to_owned(),
        "provider.name" | "provider.event_source" => "Provider_Name".to_owned(),
        "provider.guid" => "Provider_Guid".to_owned(),
        "record_id" => "EventRecordID".to_owned(),
        "system_time" => "TimeCreated".to_owned(),
        "message" => "Message".to_owned(),
        "level" => "Level".to_owned(),
        _ => name.to_owned(),
    })
}

/// Returns the field name for a Wazuh name below `data.win.`: there every name starts lower case.
pub(super) fn wazuh(inner: &str) -> Option<String> {
    if let Some(data) = inner.strip_prefix("eventdata.") {
        return data_name(&capitalised(data));
    }
    let Some(system) = inner.strip_prefix("system.") else {
        return Some(capitalised(inner));
    };
    Some(match system {
        "systemTime" => "TimeCreated".to_owned(),
        "providerName" => "Provider_Name".to_owned(),
        "providerGuid" => "Provider_Guid".to_owned(),
        "processID" => "Execution_ProcessID".to_owned(),
        "threadID" => "Execution_ThreadID".to_owned(),
        other => capitalised(other),
    })
}

/// Providers that begin names of their data with a small letter themselves.
const SMALL: &[&str] = &[
    "Microsoft-Windows-Bits-Client",
    "Microsoft-Windows-AppxPackagingOM",
    "Microsoft-Windows-AppxPackaging",
    "OpenSSH",
];

/// Returns the data of a Wazuh event under the names that stand there, where the provider may mean them so.
/// (Nobody can tell any more which of them it began with a capital one: those are kept beside.)
pub(super) fn small_in_wazuh(fields: &Fields, prefix: &str) -> Vec<(String, Value)> {
    let provider = fields.get(&format!("{prefix}system.providerName")).map(Value::text);
    if !provider.is_some_and(|provider| SMALL.contains(&provider.as_ref())) {
        return Vec::new();
    }
    let data = format!("{prefix}eventdata.");
    let named = fields.iter().filter_map(|(name, value)| Some((name.strip_prefix(&data)?, value)));
    let named = named.filter(|(name, _)| capitalised(name) != *name);
    named.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn capitalised(name: &str) -> String {
    // Windows itself writes these with a small letter.
    if name.strip_prefix("param").is_some_and(|number| number.parse::<u8>().is_ok()) {
        return name.to_owned();
    }
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The other names that flat shapes use for the system part: NXLog, Azure Monitor, Fluent Bit,
/// `Get-WinEvent`. The first that is present is copied; the source's own name stays.
pub(super) const FLAT_ALIASES: &[(&str, &[&str])] = &[
    ("EventID", &["Id", "EventId", "eventID", "EventCode"]),
    ("Channel", &["LogName", "channel", "EventLog"]),
    (
        "Provider_Name",
        &["ProviderName", "SourceName", "EventSourceName", "Provider", "Source", "Name"],
    ),
    ("Provider_Guid", &["ProviderGuid"]),
    ("Computer", &["Hostname", "MachineName", "ComputerName", "host.name", "hostname"]),
    ("EventRecordID", &["EventRecordId", "RecordNumber", "RecordId"]),
    ("Data", &["StringInserts", "Properties.Value"]),
    ("Message", &["message"]),
];

/// Where the modules of Winlogbeat and Elastic Agent move parts of an event's data to. Source: ECS 8,
/// the modules `sysmon`, `security` and `powershell`.
pub(super) const MOVED: &[(&str, &str)] = &[
    ("Image", "process.executable"),
    ("SourceImage", "process.executable"),
    ("CommandLine", "process.command_line"),
    ("CurrentDirectory", "process.working_directory"),
    ("OriginalFileName", "process.pe.original_file_name"),
    ("OriginalFileName", "file.pe.original_file_name"),
    ("Product", "process.pe.product"),
    ("Company", "process.pe.company"),
    ("Description", "process.pe.description"),
    ("FileVersion", "process.pe.file_version"),
    ("ProcessGuid", "process.entity_id"),
    ("ProcessId", "process.pid"),
    ("ParentImage", "process.parent.executable"),
    ("ParentCommandLine", "process.parent.command_line"),
    ("ParentProcessGuid", "process.parent.entity_id"),
    ("ParentProcessId", "process.parent.pid"),
    ("ImageLoaded", "dll.path"),
    ("ImageLoaded", "file.path"),
    ("TargetFilename", "file.path"),
    ("PipeName", "file.name"),
    ("TargetObject", "registry.path"),
    ("Details", "registry.data.strings"),
    ("SourceIp", "source.ip"),
    ("SourcePort", "source.port"),
    ("SourceHostname", "source.domain"),
    ("DestinationIp", "destination.ip"),
    ("DestinationPort", "destination.port"),
    ("DestinationHostname", "destination.domain"),
    ("Protocol", "network.transport"),
    ("QueryName", "dns.question.name"),
    ("ScriptBlockText", "powershell.file.script_block_text"),
];

/// Returns whether `ProcessId` and the like say who wrote the event into the log, as `Get-WinEvent` and `EvtxECmd` have
/// it, and not what the event tells of.
pub(super) fn are_of_the_log(fields: &Fields) -> bool {
    let has = |name: &str| fields.get(name).is_some();
    has("ThreadId") && (has("LogName") || has("Channel")) && (has("Id") || has("ChunkNumber"))
}

/// Returns the name of what those two say of the writer.
pub(super) fn of_the_log(name: &str) -> String {
    let own = match name {
        "ProcessId" => "Execution_ProcessID",
        "ThreadId" => "Execution_ThreadID",
        "UserId" => "Security_UserID",
        name => name,
    };
    own.to_owned()
}

/// Makes `EventID` a number where it is spelled as text or with a fraction (by programs that have no other numbers),
/// because rules compare it as one.
pub(crate) fn number_event_id(fields: &mut Fields) {
    let number = match fields.get("EventID") {
        Some(Value::Text(text)) => {
            let text = text.trim();
            text.strip_suffix(".0").unwrap_or(text).parse::<i64>().ok()
        }
        Some(Value::Float(number)) => number.to_string().parse::<i64>().ok(),
        // The same number twice is one number; two different ones stay a list for all to see.
        Some(Value::List(members)) => {
            let first = members.first().and_then(Value::int);
            first.filter(|first| members.iter().all(|member| member.int() == Some(*first)))
        }
        _ => None,
    };
    if let Some(number) = number {
        fields.set("EventID", number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_an_event_is_one_however_it_is_written() {
        for (written, want) in [
            (Value::Int(4688), Value::Int(4688)),
            ("4688".into(), Value::Int(4688)),
            (Value::Float(4688.0), Value::Int(4688)),
            (" 4688.0".into(), Value::Int(4688)),
            (Value::List(vec![Value::Int(4688), "4688".into()]), Value::Int(4688)),
            (Value::Float(4688.5), Value::Float(4688.5)),
            ("4688.5".into(), "4688.5".into()),
            ("x".into(), "x".into()),
        ] {
            let mut fields: Fields = [("EventID", written.clone())].into_iter().collect();
            number_event_id(&mut fields);
            assert_eq!(fields.get("EventID"), Some(&want), "{written:?}");
        }
    }
}
