//! Adds the fields that SigmaHQ's generic rules ask for but a channel spells otherwise: a process
//! creation reads the same from Security 4688 as from Sysmon 1, a registry write from 4657 as from
//! Sysmon 13. Fields are only added; what the source wrote stays, but for two values that Windows
//! writes in more than one way ([`settle_values`]).

use event::{Fields, Value};

use super::message;

/// The channel that a provider writes to, for shippers that leave the channel out.
const CHANNEL_OF_PROVIDER: &[(&str, &str)] = &[
    ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"),
    ("Microsoft-Windows-Security-Auditing", "Security"),
    ("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational"),
    ("PowerShell", "Windows PowerShell"),
    ("PowerShellCore", "PowerShellCore/Operational"),
    ("Service Control Manager", "System"),
    ("Microsoft-Windows-TaskScheduler", "Microsoft-Windows-TaskScheduler/Operational"),
    ("Microsoft-Windows-WMI-Activity", "Microsoft-Windows-WMI-Activity/Operational"),
    ("Microsoft-Windows-Windows Defender", "Microsoft-Windows-Windows Defender/Operational"),
    // The collector's own bookmarks, written without a channel.
    ("Microsoft-Windows-EventForwarder", "ForwardedEvents"),
    ("Microsoft-Windows-Bits-Client", "Microsoft-Windows-Bits-Client/Operational"),
    ("RPCFW", "RPCFW"),
];

/// What Application Error 1000 says, in its order: it has names since Windows 10 only.
const CRASH: &[&str] = &[
    "AppName",
    "AppVersion",
    "AppTimeStamp",
    "ModuleName",
    "ModuleVersion",
    "ModuleTimeStamp",
    "ExceptionCode",
    "FaultingOffset",
];

/// What RPC Firewall says of a call, in its order; under the names of its rules and of Sysmon.
const RPC_CALL: &[&str] = &[
    "Function",
    "ProcessId",
    "Image",
    "Protocol",
    "Endpoint",
    "SourceAddress",
    "InterfaceUuid",
    "OpNum",
    "User",
    "AuthenticationLevel",
    "AuthenticationService",
    "SourcePort",
    "DestinationIp",
    "DestinationPort",
];

/// What it says of a process that it protects, or does no more.
const RPC_PROCESS: &[&str] = &["Image", "ProcessId"];

/// Mandatory label → the word that Sysmon writes for the same integrity level.
const INTEGRITY_LEVELS: &[(&str, &str)] = &[
    ("S-1-16-0", "Untrusted"),
    ("S-1-16-4096", "Low"),
    ("S-1-16-8192", "Medium"),
    ("S-1-16-8448", "MediumPlus"),
    ("S-1-16-12288", "High"),
    ("S-1-16-16384", "System"),
    ("S-1-16-20480", "Protected"),
];

/// Adds what is missing, by channel and event number.
pub(super) fn enrich(fields: &mut Fields) {
    add_channel(fields);
    let channel = text(fields, "Channel").to_ascii_lowercase();
    let event_id = fields.get("EventID").and_then(Value::int).unwrap_or_default();
    if channel == "security" {
        settle_values(fields);
    }
    match (channel.as_str(), event_id) {
        ("security", 4688) => process_creation(fields),
        ("security", 4657) => registry_value(fields),
        ("microsoft-windows-sysmon/operational", 12..=14) => registry_event_type(fields, event_id),
        ("application", 1000) => {
            if text(fields, "Provider_Name") == "Application Error" {
                name_parts(fields, CRASH);
            }
            add_data(fields);
        }
        ("windows powershell" | "application" | "msexchange management", _) => add_data(fields),
        ("microsoft-windows-windows defender/operational", _) => defender(fields),
        ("rpcfw", 1 | 2) => name_parts(fields, RPC_PROCESS),
        ("rpcfw", 3) => rpc_call(fields),
        _ => {}
    }
}

fn add_channel(fields: &mut Fields) {
    if fields.get("Channel").is_some() {
        return;
    }
    let provider = text(fields, "Provider_Name");
    let known = CHANNEL_OF_PROVIDER.iter().find(|(name, _)| *name == provider);
    // Sysmon's `UtcTime` is in no other provider's events.
    let channel = match known {
        Some((_, channel)) => Some(*channel),
        None if fields.get("UtcTime").is_some() && fields.get("ProcessGuid").is_some() => {
            Some("Microsoft-Windows-Sysmon/Operational")
        }
        None => None,
    };
    if let Some(channel) = channel {
        fields.set("Channel", channel);
    }
}

/// Brings to one form what rules compare as a whole: the event's own text pads the name of a logon
/// process with blanks (`NtLmSsp `, `Advapi  `), and readers of event log files leave out the braces
/// of a GUID.
fn settle_values(fields: &mut Fields) {
    if let Some(Value::Text(name)) = fields.get("LogonProcessName")
        && name.ends_with(' ')
    {
        let name = name.trim_end().to_owned();
        fields.set("LogonProcessName", name);
    }
    if let Some(Value::Text(guid)) = fields.get("SubcategoryGuid")
        && !guid.is_empty()
        && !guid.starts_with('{')
    {
        let guid = format!("{{{guid}}}");
        fields.set("SubcategoryGuid", guid);
    }
}

/// Security 4688 as Sysmon 1. `ProcessId` stays the creator's number, as the event says; the new
/// process's number is an attribute.
fn process_creation(fields: &mut Fields) {
    copy(fields, "NewProcessName", "Image");
    copy(fields, "ProcessCommandLine", "CommandLine");
    copy(fields, "CreatorProcessName", "ParentProcessName");
    copy(fields, "ParentProcessName", "ParentImage");
    copy(fields, "SubjectLogonId", "LogonId");
    let label = text(fields, "MandatoryLabel");
    if let Some((_, level)) = INTEGRITY_LEVELS.iter().find(|(sid, _)| *sid == label) {
        add(fields, "IntegrityLevel", (*level).to_owned());
    }
    // The target is set only when the process runs as someone other than its creator.
    let target = account(fields, "TargetDomainName", "TargetUserName");
    if let Some(user) = target.or_else(|| account(fields, "SubjectDomainName", "SubjectUserName")) {
        add(fields, "User", user);
    }
}

/// Security 4657 as Sysmon 12 or 13.
fn registry_value(fields: &mut Fields) {
    let key = registry_key(text(fields, "ObjectName"));
    let value_name = text(fields, "ObjectValueName");
    if !key.is_empty() {
        let path = if value_name.is_empty() { key } else { format!(r"{key}\{value_name}") };
        add(fields, "TargetObject", path);
    }
    if let Some(details) = registry_details(text(fields, "NewValueType"), text(fields, "NewValue"))
    {
        add(fields, "Details", details);
    }
    copy(fields, "NewValue", "Details");
    copy(fields, "ProcessName", "Image");
    // %%1904 made, %%1905 changed, %%1906 removed.
    let kind = if text(fields, "OperationType") == "%%1906" { "DeleteValue" } else { "SetValue" };
    add(fields, "EventType", kind.to_owned());
}

/// The kernel's name of a key as Sysmon and the rules write it: root keys by their short names, the
/// numbered control set as the current one.
fn registry_key(name: &str) -> String {
    let roots = [(r"\REGISTRY\MACHINE", "HKLM"), (r"\REGISTRY\USER", "HKU")];
    let rooted = roots.into_iter().find_map(|(kernel, short)| {
        let (root, rest) = name.split_at_checked(kernel.len())?;
        root.eq_ignore_ascii_case(kernel).then(|| format!("{short}{rest}"))
    });
    let key = rooted.unwrap_or_else(|| name.to_owned());
    ["ControlSet001", "ControlSet002", "ControlSet003"]
        .into_iter()
        .fold(key, |key, set| key.replace(&format!(r"\{set}\"), r"\CurrentControlSet\"))
}

/// What Sysmon would write of a number: `DWORD (0x00000001)`. Source: Sysmon's event 13; the message
/// ids are those of the Security log (`%%1876` is `REG_DWORD`, `%%1883` is `REG_QWORD`).
fn registry_details(kind: &str, value: &str) -> Option<String> {
    let number = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => value.parse::<u64>().ok(),
    };
    match kind {
        "%%1876" => Some(format!("DWORD ({:#010x})", number?)),
        "%%1883" => {
            let number = number?;
            Some(format!("QWORD ({:#010x}-{:#010x})", number >> 32, number & 0xFFFF_FFFF))
        }
        "%%1875" => Some("Binary Data".to_owned()),
        _ => None,
    }
}

/// NXLog overwrites Sysmon's `EventType` with its own (`INFO`): what happened is then in the message.
fn registry_event_type(fields: &mut Fields, event_id: i64) {
    let stated = text(fields, "EventType");
    if stated.ends_with("Key") || stated.ends_with("Value") {
        return;
    }
    let in_message = text(fields, "Message").lines().find_map(|line| {
        line.trim_start().strip_prefix("EventType:").map(|kind| kind.trim().to_owned())
    });
    let kind = match (in_message, event_id) {
        (Some(kind), _) if !kind.is_empty() => kind,
        (_, 13) => "SetValue".to_owned(),
        _ => return,
    };
    fields.set("EventType", kind);
}

/// Names data that has no names by its order: a list, or Winlogbeat's `param1` ….
fn name_parts(fields: &mut Fields, names: &[&'static str]) {
    for (at, name) in names.iter().enumerate() {
        let part = match fields.get("Data") {
            Some(Value::List(parts)) => parts.get(at),
            _ => fields.get(&format!("param{}", at.saturating_add(1))),
        };
        let part = part.filter(|part| !part.text().is_empty()).cloned();
        if let Some(part) = part
            && fields.get(name).is_none()
        {
            fields.set(*name, part);
        }
    }
}

/// RPC Firewall's data has no names; some shippers bring the text alone.
fn rpc_call(fields: &mut Fields) {
    name_parts(fields, RPC_CALL);
    if fields.get("InterfaceUuid").is_some() {
        return;
    }
    let told = message::rpc_call(text(fields, "Message"));
    for (name, value) in told.iter() {
        if fields.get(name).is_none() {
            fields.push(name.to_owned(), value.clone());
        }
    }
}

/// Rules for channels without named data look into `Data`. Winlogbeat calls its parts `param1` …,
/// others give the rendered message only.
fn add_data(fields: &mut Fields) {
    if fields.get("Data").is_some() {
        return;
    }
    let parameters = fields.iter().filter(|(name, value)| {
        let number = name.strip_prefix("param").and_then(|number| number.parse::<u8>().ok());
        number.is_some() && matches!(value, Value::Text(_))
    });
    let parameters: Vec<Value> = parameters.map(|(_, value)| value.clone()).collect();
    if !parameters.is_empty() {
        fields.set("Data", Value::List(parameters));
    } else if let Some(message) = fields.get("Message").cloned() {
        fields.set("Data", message);
    }
}

/// Defender's names have blanks (`Threat Name`); rules write them without, or with `_`.
fn defender(fields: &mut Fields) {
    let spaced: Vec<(String, Value)> = fields
        .iter()
        .filter(|(name, _)| name.contains(' '))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    for (name, value) in spaced {
        for alias in [name.replace(' ', ""), name.replace(' ', "_")] {
            if fields.get(&alias).is_none() {
                fields.set(alias, value.clone());
            }
        }
    }
    copy(fields, "ThreatName", "Signature");
    copy(fields, "Path", "Filename");
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    match fields.get(name) {
        Some(Value::Text(text)) => text.trim(),
        _ => "",
    }
}

fn account(fields: &Fields, domain_name: &str, user_name: &str) -> Option<String> {
    let user = text(fields, user_name);
    if matches!(user, "" | "-") {
        return None;
    }
    Some(match text(fields, domain_name) {
        "" | "-" => user.to_owned(),
        domain => format!(r"{domain}\{user}"),
    })
}

fn add(fields: &mut Fields, name: &'static str, value: String) {
    if fields.get(name).is_none() {
        fields.set(name, value);
    }
}

fn copy(fields: &mut Fields, from: &str, to: &'static str) {
    if fields.get(to).is_none()
        && let Some(value) = fields.get(from).cloned()
    {
        fields.set(to, value);
    }
}
