//! Plain lists: one indicator on each line, its kind told by its look.
//!
//! `#` and `;` open a comment; behind an indicator it is the label. Lines `# source: …`,
//! `# confidence: …`, `# tlp: …` and `# valid_until: …` speak for what follows. Hosts files
//! (`0.0.0.0 bad.example`) and the domain lines of filter lists (`||bad.example^`) read as domains.

use chrono::{DateTime, Utc};

use super::{Intake, Place};
use crate::indicator::kind::Tlp;
use crate::indicator::set::Facts;
use crate::indicator::value::IndicatorValue;

/// What the lines so far say of all that follow.
struct Common {
    source: String,
    confidence: Option<u8>,
    tlp: Option<Tlp>,
    valid_until: Option<DateTime<Utc>>,
}

/// Reads a list.
pub(super) fn read(text: &str, intake: &mut Intake<'_>) {
    let mut common =
        Common { source: intake.stem.to_owned(), confidence: None, tlp: None, valid_until: None };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix(['#', ';']) {
            common.note(comment, number.saturating_add(1), intake);
            continue;
        }
        if line.is_empty() || line.starts_with("//") || line.starts_with('!') {
            continue;
        }
        let (written, label) = split(line);
        let place = Place::Line(number.saturating_add(1));
        let facts = Facts {
            source: &common.source,
            label,
            confidence: common.confidence,
            tlp: common.tlp,
            valid_until: common.valid_until,
        };
        intake.take(place, written, IndicatorValue::guess(written), &facts);
    }
}

impl Common {
    fn note(&mut self, comment: &str, line: usize, intake: &mut Intake<'_>) {
        let Some((name, value)) = comment.split_once(':') else { return };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "source" if !value.is_empty() => value.clone_into(&mut self.source),
            "confidence" => self.confidence = super::confidence(value),
            "tlp" => self.tlp = Tlp::from_word(value),
            "valid_until" => self.valid_until = intake.until(|| Place::Line(line), value),
            _ => {}
        }
    }
}

/// Splits a line into indicator and label.
fn split(line: &str) -> (&str, &str) {
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let is_hosts = matches!(first, "0.0.0.0" | "127.0.0.1" | "::" | "::1");
    if is_hosts && !rest.is_empty() && !rest.starts_with(['#', ';']) {
        return split(rest);
    }
    match rest.strip_prefix(['#', ';']) {
        Some(label) => (first, label.trim()),
        // Words behind an indicator without a mark: the whole line is no indicator.
        None if !rest.is_empty() => (line, ""),
        None => (first, ""),
    }
}
