//! Decodes a source folder's sample and compares it with what the folder expects.
//!
//! The same function serves `cargo test`, `luytre sources test` and the example that writes
//! `expected.ndjson`, so that all three mean the same by "as expected".

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event::{AgencyId, DeadReason, Event, EventId, Frame, Origin, SourceId};
use serde_json::Value as Json;

use crate::decoder::{Decoder, SourceContext};

/// The texts of a source folder.
#[derive(Debug, Clone, Copy)]
pub struct SourceFiles<'a> {
    /// The folder's name, which is the source's id.
    pub folder: &'a str,
    /// `source.toml`.
    pub definition: &'a str,
    /// `sample.log`: one record per line.
    pub sample: &'a str,
    /// `expected.ndjson`: one event, or `{"dead": …}`, per line.
    pub expected: &'a str,
}

/// What a folder's sample came to, when all is as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Lines in the sample.
    pub lines: usize,
    /// Of these, dead letters.
    pub dead: usize,
    /// Lines that `auto` gives to this source as well.
    pub recognised: usize,
}

/// A line that did not come out as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The line in `sample.log`, counted from 1; 0 for the folder as a whole.
    pub line: usize,
    /// What differs, for example `attributes: expected {…}, found {…}`.
    pub detail: String,
}

/// The moment at which samples are collected: 23/11/2026 16:30 in Việt Nam. Samples state times
/// shortly before it, so that their missing years resolve the same for ever.
pub const SAMPLE_COLLECTED_AT: DateTime<Utc> = match DateTime::from_timestamp(1_795_426_200, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

/// Decodes one record as samples are: collected at [`SAMPLE_COLLECTED_AT`] in Việt Nam, of nobody's agency.
///
/// # Errors
/// Why the record is a dead letter.
pub fn decode_record(
    decoder: &Decoder,
    parser: &str,
    id: u128,
    record: &[u8],
) -> Result<Event, DeadReason> {
    let nobody = uuid::Uuid::nil();
    let source = SourceId::from_uuid(nobody);
    let origin = Origin { agency: AgencyId::from_uuid(nobody), system: None, source };
    let frame = Frame {
        id: EventId::from_uuid(uuid::Uuid::from_u128(id)),
        source,
        collected_at: SAMPLE_COLLECTED_AT,
        peer: None,
        bytes: Bytes::copy_from_slice(record),
        dead: None,
    };
    decoder.decode(&frame, &SourceContext { origin, parser, utc_offset_minutes: 420 })
}

/// Decodes each line of a sample, with fixed ids, as `expected.ndjson` has it.
pub fn decode_sample(decoder: &Decoder, parser: &str, sample: &str) -> Vec<Json> {
    let decode = |(number, line): (u128, &str)| {
        let outcome = match decode_record(decoder, parser, number, line.as_bytes()) {
            Ok(event) => serde_json::to_value(&event),
            Err(reason) => {
                serde_json::to_value(reason).map(|dead| serde_json::json!({"dead": dead}))
            }
        };
        outcome.unwrap_or_else(|error| Json::String(error.to_string()))
    };
    (1..).zip(sample.lines()).map(decode).collect()
}

/// Compares a folder's sample with its expectation.
///
/// # Errors
/// Every line that differs, and what the folder lacks.
pub fn check_source(decoder: &Decoder, files: &SourceFiles<'_>) -> Result<Report, Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    let mut lacks = |what: &str| {
        mismatches.push(Mismatch { line: 0, detail: format!("{what} is missing or empty") });
    };
    for (name, text) in [
        ("source.toml", files.definition),
        ("sample.log", files.sample),
        ("expected.ndjson", files.expected),
    ] {
        if text.trim().is_empty() {
            lacks(name);
        }
    }
    let found = decode_sample(decoder, files.folder, files.sample);
    let expected: Vec<&str> = files.expected.lines().collect();
    if expected.len() != found.len() {
        let detail = format!("{} lines in sample.log, {} expected", found.len(), expected.len());
        mismatches.push(Mismatch { line: 0, detail });
    }
    for ((line, found), expected) in (1..).zip(&found).zip(expected) {
        match serde_json::from_str::<Json>(expected) {
            Ok(expected) if expected == *found => {}
            Ok(expected) => {
                mismatches.push(Mismatch { line, detail: difference(&expected, found) });
            }
            Err(error) => {
                mismatches.push(Mismatch { line, detail: format!("expected.ndjson: {error}") });
            }
        }
    }
    if !mismatches.is_empty() {
        return Err(mismatches);
    }
    let by_auto = decode_sample(decoder, "auto", files.sample);
    let is_own = |event: &&Json| event.get("parser").and_then(Json::as_str) == Some(files.folder);
    Ok(Report {
        lines: found.len(),
        dead: found.iter().filter(|event| event.get("dead").is_some()).count(),
        recognised: by_auto.iter().filter(is_own).count(),
    })
}

/// Names the members that differ; `attributes` and `fields` down to the single one.
fn difference(expected: &Json, found: &Json) -> String {
    let (Some(expected), Some(found)) = (expected.as_object(), found.as_object()) else {
        return format!("expected {expected}, found {found}");
    };
    let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut parts = Vec::new();
    for name in names {
        match (expected.get(name), found.get(name)) {
            (own, other) if own == other => {}
            (Some(own @ Json::Object(_)), Some(other @ Json::Object(_))) => {
                parts.push(format!("{name}.{}", difference(own, other)));
            }
            (own, other) => {
                let spell =
                    |value: Option<&Json>| value.map_or("nothing".to_owned(), Json::to_string);
                parts.push(format!("{name}: expected {}, found {}", spell(own), spell(other)));
            }
        }
    }
    parts.join("; ")
}
