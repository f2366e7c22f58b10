//! Real recordings from the folder with third-party data, where it lies beside the repository:
//! every record must become an event that rules can find. Prints that it was skipped elsewhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use event::{Event, TimeQuality, Value};
use flate2::read::{DeflateDecoder, GzDecoder};

use crate::{Decoder, decode_record};

/// Records read from each file of a big collection.
const RECORDS_PER_FILE: usize = 400;

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no recordings in {}", path.display());
    None
}

/// Returns the files below a folder that end so, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn decode(decoder: &Decoder, parser: &str, bytes: &[u8]) -> Result<Event, String> {
    decode_record(decoder, parser, 0, bytes)
        .map_err(|reason| format!("{}: {}", reason.code, reason.detail))
}

/// What every Windows event must have for rules to find it.
fn check_windows(event: &Event, place: &str) {
    assert_eq!(event.parser, "microsoft_windows", "{place}");
    assert!(matches!(event.fields.get("EventID"), Some(Value::Int(_))), "{place}: {event:?}");
    assert!(event.fields.get("Channel").is_some(), "{place}: {event:?}");
    assert_eq!(event.logsource.product.as_deref(), Some("windows"), "{place}");
    let unfit = event.notes.iter().find(|note| note.code != "bad-value");
    assert_eq!(unfit, None, "{place}: {event:?}");
}

/// Counts events by channel that no variant gives a service.
fn count_unknown(event: &Event, unknown: &mut BTreeMap<String, usize>) {
    if event.logsource.service.is_none() {
        let channel = event.fields.get("Channel").map(|value| value.text().into_owned());
        *unknown.entry(channel.unwrap_or_default()).or_default() += 1;
    }
}

#[test]
fn event_log_files_decode_whole() {
    let decoder = Decoder::builtin().unwrap();
    let (mut count, mut unknown) = (0_usize, BTreeMap::new());
    for folder in ["evtx-to-mitre-attack", "sigma/regression_data"] {
        let Some(folder) = data(folder) else { continue };
        for path in files(&folder, ".evtx") {
            let mut parser = evtx::EvtxParser::from_path(&path).unwrap();
            for record in parser.records_json() {
                // A torn record in the file is the reader's business.
                let Ok(record) = record else { continue };
                let place = format!("{} record {}", path.display(), record.event_record_id);
                let event = decode(&decoder, "microsoft_windows", record.data.as_bytes());
                let event = event.unwrap_or_else(|reason| panic!("{place}: {reason}"));
                check_windows(&event, &place);
                assert_eq!(event.time_quality, TimeQuality::Stated, "{place}");
                count_unknown(&event, &mut unknown);
                count += 1;
            }
        }
    }
    println!("{count} events; without a service: {unknown:?}");
}

#[test]
fn recorded_json_decodes_as_auto() {
    let Some(folder) = data("security-datasets") else { return };
    let decoder = Decoder::builtin().unwrap();
    let (mut count, mut unknown) = (0_usize, BTreeMap::new());
    for path in files(&folder, ".zip") {
        for line in first_entry_lines(&path) {
            if !line.starts_with(b"{") {
                continue;
            }
            let place = format!("{}: {}", path.display(), String::from_utf8_lossy(&line));
            let event = decode(&decoder, "auto", &line);
            let event = event.unwrap_or_else(|reason| panic!("{place}: {reason}"));
            if event.fields.get("EventID").is_some() {
                check_windows(&event, &place);
                count_unknown(&event, &mut unknown);
            }
            assert_ne!(event.time_quality, TimeQuality::AssumedYear, "{place}");
            count += 1;
        }
    }
    println!("{count} events; without a service: {unknown:?}");
}

#[test]
fn zeek_logs_decode_as_auto() {
    let Some(folder) = data("zeek") else { return };
    let decoder = Decoder::builtin().unwrap();
    let mut count = 0_usize;
    for path in files(&folder, ".json.gz") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let log = name.trim_end_matches(".json.gz");
        let lines = BufReader::new(GzDecoder::new(File::open(&path).unwrap())).split(b'\n');
        for line in lines.take(RECORDS_PER_FILE) {
            let event = decode(&decoder, "auto", &line.unwrap()).unwrap();
            assert_eq!(event.parser, "zeek_zeek");
            assert_eq!(event.logsource.product.as_deref(), Some("zeek"));
            assert_eq!(event.logsource.service.as_deref(), Some(log));
            count += 1;
        }
    }
    println!("{count} events");
}

/// Returns the first lines of the first file in a zip archive. Enough of the format for that: one
/// local header (APPNOTE 4.3.7), then deflated data that says itself where it ends.
fn first_entry_lines(path: &Path) -> Vec<Vec<u8>> {
    let mut file = File::open(path).unwrap();
    let mut header = [0_u8; 30];
    file.read_exact(&mut header).unwrap();
    assert_eq!(&header[..4], b"PK\x03\x04", "{}", path.display());
    let length = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
    if length(8) != 8 {
        return Vec::new();
    }
    file.seek(SeekFrom::Current(length(26) + length(28))).unwrap();
    let lines = BufReader::new(DeflateDecoder::new(file)).split(b'\n');
    lines.take(RECORDS_PER_FILE).map_while(Result::ok).collect()
}
