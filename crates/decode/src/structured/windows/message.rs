//! The text of an event, for exports and shippers that hold nothing else of it: Event Viewer, `Get-WinEvent`,
//! `Get-EventLog`, Fluent Bit and Splunk's classic input render the event's data into the message, and leave it out
//! or its names away.
//!
//! Sysmon writes every value behind its own name. In the Security log labels stand in sections; they are in
//! the language of the machine, of which English is known here. A value that a text makes up twice (a
//! command line may hold line breaks) is kept twice, so that nobody can put one in the place of another.

use event::{Fields, Value};

use super::names;
use crate::limits::FIELDS_MAX;

/// Names that only these have: the level of Event Viewer and `Get-WinEvent`, the nameless data of Fluent Bit and
/// `Get-EventLog`, the number of Splunk.
const MARKS: &[&str] = &["LevelDisplayName", "StringInserts", "ReplacementStrings", "EventCode"];

/// Names of which one tells that the event's data came by itself.
const DATA: &[&str] = &[
    "UtcTime",
    "RuleName",
    "ProcessGuid",
    "Image",
    "SourceImage",
    "SubjectUserName",
    "TargetUserName",
    "NewProcessName",
    "ServiceName",
    "ScriptBlockText",
    "EventData",
    "UserData",
];

/// Who wrote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Sysmon,
    Security,
    Services,
    ScriptBlock,
}

/// Returns whether values of this event are told by its text alone. Names and the writer decide, never
/// what the text says.
pub(super) fn is_told(fields: &Fields) -> bool {
    writer(fields).is_some()
}

/// Adds what the text tells.
pub(super) fn tell(fields: &mut Fields) {
    let Some(writer) = writer(fields) else { return };
    let Some(Value::Text(text)) = fields.get("Message") else { return };
    let told = match writer {
        Writer::Sysmon => sysmon(text),
        Writer::Security => labelled(text, SECURITY),
        Writer::Services => labelled(text, SERVICES),
        Writer::ScriptBlock => script_block(text),
    };
    for (name, value) in told.iter() {
        if fields.get(name).is_none() {
            fields.push(name.to_owned(), value.clone());
        }
    }
    // The export's own time is that of the machine's clock, of a zone that nobody knows.
    if let Some(time @ Value::Text(_)) = told.get("UtcTime") {
        fields.set("TimeCreated", time.clone());
    }
}

fn writer(fields: &Fields) -> Option<Writer> {
    let has = |name: &str| fields.get(name).is_some();
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    if !any(MARKS) || !has("Message") || any(DATA) {
        return None;
    }
    let event_id = fields.get("EventID").and_then(Value::int);
    let provider = fields.get("Provider_Name").map(Value::text)?;
    match (&*provider, event_id) {
        ("Microsoft-Windows-Sysmon", _) => Some(Writer::Sysmon),
        ("Microsoft-Windows-Security-Auditing" | "Microsoft Windows security auditing.", _) => {
            Some(Writer::Security)
        }
        ("Service Control Manager", Some(7045)) => Some(Writer::Services),
        ("Microsoft-Windows-PowerShell" | "PowerShellCore", Some(4104)) => {
            Some(Writer::ScriptBlock)
        }
        _ => None,
    }
}

/// `Image: C:\Windows\x.exe`, a line for each value.
fn sysmon(text: &str) -> Fields {
    let mut told = Fields::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        if is_name && let Some(name) = names::data_name(name) {
            add(&mut told, name, value.trim());
        }
    }
    told
}

/// Section, label, and what the value is called in the event's data. Without a section: in all of them.
type Label = (&'static str, &'static str, &'static str);

/// `Subject:` and below it `Account Name: an`.
fn labelled(text: &str, labels: &[Label]) -> Fields {
    let mut told = Fields::new();
    let mut section = "";
    for line in text.lines() {
        let Some((label, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if value.is_empty() && !label.starts_with(char::is_whitespace) {
            section = label.trim_end();
            continue;
        }
        let label = label.trim();
        let is_own =
            |(own, name, _): &&Label| *name == label && (own.is_empty() || *own == section);
        let Some((_, _, name)) = labels.iter().find(is_own) else { continue };
        // Accounts are shown by name where the data has their number.
        if !name.ends_with("Sid") || value.starts_with("S-1-") {
            add(&mut told, (*name).to_owned(), value);
        }
    }
    told
}

/// Returns what the text of RPC Firewall's event about a call tells.
pub(super) fn rpc_call(text: &str) -> Fields {
    labelled(text, RPC_CALL)
}

/// The script stands between the first line and its number.
fn script_block(text: &str) -> Fields {
    let mut told = Fields::new();
    let Some((_, rest)) = text.split_once('\n') else { return told };
    let (script, behind) = rest.rsplit_once("\nScriptBlock ID: ").unwrap_or((rest, ""));
    add(&mut told, "ScriptBlockText".to_owned(), script.trim());
    let mut lines = behind.lines();
    add(&mut told, "ScriptBlockId".to_owned(), lines.next().unwrap_or_default().trim());
    let path = lines.find_map(|line| line.strip_prefix("Path: ")).unwrap_or_default();
    add(&mut told, "Path".to_owned(), path.trim());
    told
}

fn add(told: &mut Fields, name: String, value: &str) {
    if !value.is_empty() && (told.len() < FIELDS_MAX || told.get(&name).is_some()) {
        told.push(name, value);
    }
}

const RPC_CALL: &[Label] = &[
    ("", "RPCRT_Func", "Function"),
    ("", "Process ID", "ProcessId"),
    ("", "Image Path", "Image"),
    ("", "Protocol", "Protocol"),
    ("", "Endpoint", "Endpoint"),
    ("", "Client Network Address", "SourceAddress"),
    ("", "Source Network Address", "SourceAddress"),
    ("", "Client Port", "SourcePort"),
    ("", "Remote Port", "SourcePort"),
    ("", "Server Network Address", "DestinationIp"),
    ("", "Server Port", "DestinationPort"),
    ("", "InterfaceUuid", "InterfaceUuid"),
    ("", "OpNum", "OpNum"),
    ("", "Security ID", "User"),
    ("", "Authentication Level", "AuthenticationLevel"),
    ("", "Authentication Service", "AuthenticationService"),
];

const SERVICES: &[Label] = &[
    ("", "Service Name", "ServiceName"),
    ("", "Service File Name", "ImagePath"),
    ("", "Service Type", "ServiceType"),
    ("", "Service Start Type", "StartType"),
    ("", "Service Account", "AccountName"),
];

/// Source: the messages of Windows 10 and Server 2016 to 2022, as Microsoft documents each event.
const SECURITY: &[Label] = &[
    ("Subject", "Security ID", "SubjectUserSid"),
    ("Subject", "Account Name", "SubjectUserName"),
    ("Subject", "Account Domain", "SubjectDomainName"),
    ("Subject", "Logon ID", "SubjectLogonId"),
    ("Creator Subject", "Security ID", "SubjectUserSid"),
    ("Creator Subject", "Account Name", "SubjectUserName"),
    ("Creator Subject", "Account Domain", "SubjectDomainName"),
    ("Creator Subject", "Logon ID", "SubjectLogonId"),
    ("Target Subject", "Security ID", "TargetUserSid"),
    ("Target Subject", "Account Name", "TargetUserName"),
    ("Target Subject", "Account Domain", "TargetDomainName"),
    ("Target Subject", "Logon ID", "TargetLogonId"),
    ("New Logon", "Security ID", "TargetUserSid"),
    ("New Logon", "Account Name", "TargetUserName"),
    ("New Logon", "Account Domain", "TargetDomainName"),
    ("New Logon", "Logon ID", "TargetLogonId"),
    ("Account For Which Logon Failed", "Security ID", "TargetUserSid"),
    ("Account For Which Logon Failed", "Account Name", "TargetUserName"),
    ("Account For Which Logon Failed", "Account Domain", "TargetDomainName"),
    ("Account Whose Credentials Were Used", "Account Name", "TargetUserName"),
    ("Account Whose Credentials Were Used", "Account Domain", "TargetDomainName"),
    ("Target Server", "Target Server Name", "TargetServerName"),
    ("Target Account", "Security ID", "TargetSid"),
    ("Target Account", "Account Name", "TargetUserName"),
    ("Target Account", "Account Domain", "TargetDomainName"),
    ("New Account", "Security ID", "TargetSid"),
    ("New Account", "Account Name", "TargetUserName"),
    ("New Account", "Account Domain", "TargetDomainName"),
    ("Account That Was Locked Out", "Security ID", "TargetSid"),
    ("Account That Was Locked Out", "Account Name", "TargetUserName"),
    ("Account Information", "Account Name", "TargetUserName"),
    ("Account Information", "Account Domain", "TargetDomainName"),
    ("Account Information", "Supplied Realm Name", "TargetDomainName"),
    ("Group", "Security ID", "TargetSid"),
    ("Group", "Group Name", "TargetUserName"),
    ("Group", "Group Domain", "TargetDomainName"),
    ("Member", "Security ID", "MemberSid"),
    ("Member", "Account Name", "MemberName"),
    ("Process Information", "New Process ID", "NewProcessId"),
    ("Process Information", "New Process Name", "NewProcessName"),
    ("Process Information", "Token Elevation Type", "TokenElevationType"),
    ("Process Information", "Creator Process ID", "ProcessId"),
    ("Process Information", "Creator Process Name", "ParentProcessName"),
    ("Process Information", "Process Command Line", "CommandLine"),
    ("Process Information", "Process ID", "ProcessId"),
    ("Process Information", "Process Name", "ProcessName"),
    ("Process Information", "Caller Process ID", "ProcessId"),
    ("Process Information", "Caller Process Name", "ProcessName"),
    ("Network Information", "Workstation Name", "WorkstationName"),
    ("Network Information", "Source Network Address", "IpAddress"),
    ("Network Information", "Source Address", "IpAddress"),
    ("Network Information", "Client Address", "IpAddress"),
    ("Network Information", "Network Address", "IpAddress"),
    ("Network Information", "Source Port", "IpPort"),
    ("Network Information", "Client Port", "IpPort"),
    ("Network Information", "Port", "IpPort"),
    ("", "Logon Type", "LogonType"),
    ("", "Logon Process", "LogonProcessName"),
    ("", "Authentication Package", "AuthenticationPackageName"),
    ("", "Package Name (NTLM only)", "LmPackageName"),
    ("", "Key Length", "KeyLength"),
    ("Failure Information", "Failure Reason", "FailureReason"),
    ("Failure Information", "Status", "Status"),
    ("Failure Information", "Sub Status", "SubStatus"),
    ("Service Information", "Service Name", "ServiceName"),
    ("Service Information", "Service File Name", "ServiceFileName"),
    ("Service Information", "Service Type", "ServiceType"),
    ("Service Information", "Service Start Type", "ServiceStartType"),
    ("Service Information", "Service Account", "ServiceAccount"),
    ("Additional Information", "Ticket Options", "TicketOptions"),
    ("Additional Information", "Ticket Encryption Type", "TicketEncryptionType"),
    ("Additional Information", "Failure Code", "Status"),
    ("Additional Information", "Result Code", "Status"),
    ("Share Information", "Share Name", "ShareName"),
    ("Share Information", "Share Path", "ShareLocalPath"),
    ("Share Information", "Relative Target Name", "RelativeTargetName"),
    ("Access Request Information", "Access Mask", "AccessMask"),
    ("Task Information", "Task Name", "TaskName"),
    ("Object", "Object Server", "ObjectServer"),
    ("Object", "Object Type", "ObjectType"),
    ("Object", "Object Name", "ObjectName"),
];

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::super::{is_told_by_message, normalise};
    use super::*;
    use crate::structured::json;

    fn read(json: &str) -> Fields {
        let (mut fields, _) = json::flatten(json.as_bytes()).unwrap();
        normalise(&mut fields);
        fields
    }

    #[test]
    fn exports_for_people_tell_the_data_in_their_text() {
        let message = "Process Create:\r\nRuleName: -\r\nUtcTime: 2026-11-20 03:00:00.123\r\nProcessId: 812\r\n\
            Image: C:\\Windows\\cmd.exe\r\nCommandLine: cmd /c echo\nUser: x\r\nUser: MAY\\an\r\nLevel: 7";
        let export = serde_json::json!({
            "LevelDisplayName": "Information", "TimeCreated": "2026-11-20 10:00:00",
            "ProviderName": "Microsoft-Windows-Sysmon", "LogName": "Microsoft-Windows-Sysmon/Operational",
            "Id": "1", "ProcessId": "4", "ThreadId": "5", "Message": message,
        });
        let fields = read(&export.to_string());
        check(
            &fields,
            &[
                ("EventID", Value::from(1)),
                ("Image", Value::from("C:\\Windows\\cmd.exe")),
                ("ProcessId", Value::from("812")),
                ("Execution_ProcessID", Value::from("4")),
                ("TimeCreated", Value::from("2026-11-20 03:00:00.123")),
                ("User", Value::List(vec![Value::from("x"), Value::from("MAY\\an")])),
                ("EventData.Level", Value::from("7")),
            ],
        );
        let message = "A new process has been created.\n\nCreator Subject:\n\tSecurity ID:\t\tMAY\\an\n\
            \tAccount Name:\t\tan\n\tAccount Domain:\t\tMAY\n\nTarget Subject:\n\tAccount Name:\t\t-\n\n\
            Process Information:\n\tNew Process Name:\tC:\\Windows\\whoami.exe\n\
            \tProcess Command Line:\twhoami /all\n\nLogon Type:\t\t3\n";
        let export = serde_json::json!({
            "LevelDisplayName": "Information", "EventID": "4688", "Message": message,
            "ProviderName": "Microsoft-Windows-Security-Auditing",
        });
        let fields = read(&export.to_string());
        check(
            &fields,
            &[
                ("Channel", Value::from("Security")),
                ("SubjectUserName", Value::from("an")),
                ("Image", Value::from("C:\\Windows\\whoami.exe")),
                ("CommandLine", Value::from("whoami /all")),
                ("User", Value::from("MAY\\an")),
                ("LogonType", Value::from("3")),
            ],
        );
        assert_eq!(fields.get("SubjectUserSid"), None, "a name is no number");
        let script = serde_json::json!({
            "LevelDisplayName": "Verbose", "EventID": 4104, "ProviderName": "Microsoft-Windows-PowerShell",
            "Message": "Creating Scriptblock text (1 of 1):\r\nGet-Process\r\nPath: x\r\n\r\nScriptBlock ID: 7\r\nPath: C:\\a.ps1",
        });
        let fields = read(&script.to_string());
        check(
            &fields,
            &[
                ("ScriptBlockText", Value::from("Get-Process\r\nPath: x")),
                ("Path", Value::from("C:\\a.ps1")),
            ],
        );
    }

    #[test]
    fn shippers_without_the_names_of_the_data_are_told_by_the_text() {
        let message = "A new process has been created.\r\n\r\nCreator Subject:\r\n\tAccount Name:\t\tan\r\n\
            \tAccount Domain:\t\tMAY\r\n\r\nProcess Information:\r\n\tNew Process Name:\tC:\\Windows\\whoami.exe\r\n";
        for event in [
            serde_json::json!({
                "ProviderName": "Microsoft-Windows-Security-Auditing", "ProviderGuid": "{5}", "EventID": 4688,
                "Channel": "Security", "Computer": "may", "Message": message,
                "StringInserts": ["S-1-5-18", "an", "MAY", "0x3e7", "0x1a4", "C:\\Windows\\whoami.exe"],
            }),
            serde_json::json!({
                "EventID": 4688, "MachineName": "may", "EntryType": "SuccessAudit", "Message": message,
                "Source": "Microsoft-Windows-Security-Auditing", "ReplacementStrings": ["S-1-5-18", "an"],
                "InstanceId": 4688, "TimeGenerated": "2026-11-23 15:05:00",
            }),
            serde_json::json!({
                "EventCode": "4688", "LogName": "Security", "ComputerName": "may", "Message": message,
                "SourceName": "Microsoft Windows security auditing.", "New_Process_Name": "C:\\Windows\\whoami.exe",
            }),
        ] {
            let fields = read(&event.to_string());
            check(
                &fields,
                &[
                    ("EventID", Value::from(4688)),
                    ("Channel", Value::from("Security")),
                    ("Computer", Value::from("may")),
                    ("Image", Value::from("C:\\Windows\\whoami.exe")),
                    ("User", Value::from("MAY\\an")),
                ],
            );
            let (raw, _) = json::flatten(event.to_string().as_bytes()).unwrap();
            assert!(is_told_by_message(&raw), "the screen must not judge it by its values");
        }
    }

    #[test]
    fn the_text_is_not_asked_where_the_data_came_by_itself() {
        let live = serde_json::json!({
            "EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Image": "C:\\a.exe", "Hostname": "may",
            "Message": "Process Create:\r\nImage: C:\\b.exe\r\nUser: x",
        });
        let fields = read(&live.to_string());
        check(&fields, &[("Image", Value::from("C:\\a.exe"))]);
        assert_eq!(fields.get("User"), None);
        let (raw, _) = json::flatten(live.to_string().as_bytes()).unwrap();
        assert!(!is_told_by_message(&raw));
        let export = r#"{"LevelDisplayName":"Information","EventID":1,"ProviderName":"Microsoft-Windows-Sysmon","Message":"any"}"#;
        let (raw, _) = json::flatten(export.as_bytes()).unwrap();
        assert!(is_told_by_message(&raw), "the screen must not judge it by its values");
    }

    #[test]
    fn who_wrote_an_event_is_not_whom_it_tells_of() {
        let payload = r##"{"EventData":{"Data":[{"@Name":"ProcessId","#text":"812"}]}}"##;
        let row = serde_json::json!({
            "EventId": "1", "Channel": "Microsoft-Windows-Sysmon/Operational", "ChunkNumber": "0",
            "RecordNumber": "3", "EventRecordId": "7001",
            "Provider": "Microsoft-Windows-Sysmon", "ProcessId": "4", "ThreadId": "5", "Payload": payload,
        });
        let fields = read(&row.to_string());
        check(
            &fields,
            &[
                ("ProcessId", Value::from("812")),
                ("Execution_ProcessID", Value::from("4")),
                ("EventRecordID", Value::from("7001")),
            ],
        );
    }
}
