//! The NDJSON recordings of the data folder (zipped Sysmon, Security and PowerShell events), as lines
//! and as events, for the tests and the benchmarks.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use event::Event;

use crate::decoded;

/// Calls `with` with up to so many lines of each zipped recording below a folder.
pub(crate) fn each_line(folder: &Path, most_per_file: usize, mut with: impl FnMut(&[u8])) {
    for path in crate::data::files(folder, ".zip") {
        for text in unzip(&fs::read(&path).unwrap()) {
            let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            lines.filter(|line| !line.is_empty()).take(most_per_file).for_each(&mut with);
        }
    }
}

/// Reads up to so many records of each zipped recording below a folder; without the rendered text, which
/// repeats every field, unless it is asked for.
pub(crate) fn records(folder: &Path, most_per_file: usize, with_message: bool) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    each_line(folder, most_per_file, |line| {
        let read = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line);
        let Ok(mut record) = read else { return };
        if !with_message {
            record.remove("Message");
        }
        records.push(serde_json::to_vec(&record).unwrap());
    });
    records
}

/// Reads up to `most` events of the zipped recordings below a folder.
pub(crate) fn events(folder: &Path, most: usize) -> Vec<Event> {
    let mut events = Vec::new();
    each_line(folder, most, |line| {
        if events.len() < most {
            events.extend(decoded::read("auto", line));
        }
    });
    events
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
