//! The NDJSON recordings of the data folder (zipped Sysmon, Security and PowerShell events) as
//! events, for the differential test and the benchmark.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use detect::testing::EventMaker;
use event::{Event, Fields, LogSource, Value};

/// Reads up to `most` events of the zipped recordings below a folder.
pub(crate) fn events(folder: &Path, most: usize) -> Vec<Event> {
    let mut maker = EventMaker::new();
    let mut events = Vec::new();
    for path in crate::data::files(folder, ".zip") {
        for text in unzip(&fs::read(&path).unwrap()) {
            for line in String::from_utf8_lossy(&text).lines() {
                if events.len() >= most {
                    return events;
                }
                events.extend(event(line, &mut maker));
            }
        }
    }
    events
}

fn event(line: &str, maker: &mut EventMaker) -> Option<Event> {
    let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    let mut fields = Fields::new();
    for (name, value) in json {
        // The rendered text repeats every field.
        if name == "Message" {
            continue;
        }
        if let Ok(value) = serde_json::from_value::<Value>(value) {
            fields.push(name, value);
        }
    }
    let logsource = windows_logsource(&fields)?;
    let mut event = maker.event(logsource, fields, chrono::Duration::zero());
    line.clone_into(&mut event.raw);
    Some(event)
}

/// What Sigma calls the log source of a Windows event. A short copy of what the decoder does in full.
fn windows_logsource(fields: &Fields) -> Option<LogSource> {
    let channel = fields.get("Channel")?.text().to_lowercase();
    let id = fields.get("EventID")?.int()?;
    let service = match channel.as_str() {
        "security" => "security",
        "system" => "system",
        "application" => "application",
        own if own.contains("sysmon") => "sysmon",
        "windows powershell" => "powershell-classic",
        own if own.contains("powershell") => "powershell",
        own if own.contains("wmi-activity") => "wmi",
        own if own.contains("taskscheduler") => "taskscheduler",
        _ => "other",
    };
    let category = match (service, id) {
        ("sysmon", 1) | ("security", 4688) => Some("process_creation"),
        ("sysmon", 3) | ("security", 5156) => Some("network_connection"),
        ("sysmon", 6) => Some("driver_load"),
        ("sysmon", 7) => Some("image_load"),
        ("sysmon", 8) => Some("create_remote_thread"),
        ("sysmon", 10) => Some("process_access"),
        ("sysmon", 11) => Some("file_event"),
        ("sysmon", 12) => Some("registry_event"),
        ("sysmon", 13) => Some("registry_set"),
        ("sysmon", 17 | 18) => Some("pipe_created"),
        ("sysmon", 22) => Some("dns_query"),
        ("powershell", 4103) => Some("ps_module"),
        ("powershell", 4104) => Some("ps_script"),
        _ => None,
    };
    Some(LogSource {
        product: Some("windows".into()),
        category: category.map(Into::into),
        service: Some(service.into()),
    })
}

/// Returns the unpacked files of a zip archive: read by its central directory.
fn unzip(bytes: &[u8]) -> Vec<Vec<u8>> {
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut at = number(end + 16, 4);
    let mut files = Vec::new();
    for _ in 0..number(end + 10, 2) {
        let (method, packed) = (number(at + 10, 2), number(at + 20, 4));
        let local = number(at + 42, 4);
        let start = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let content = &bytes[start..start + packed];
        let mut file = Vec::new();
        match method {
            0 => file.extend_from_slice(content),
            _ => {
                flate2::read::DeflateDecoder::new(content).read_to_end(&mut file).unwrap();
            }
        }
        files.push(file);
        at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2);
    }
    files
}
