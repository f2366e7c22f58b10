//! Reads indicator files: plain lists, CSV, STIX 2.1 bundles and MISP events.
//!
//! The format is told by what the file holds and how its name ends. Whatever cannot be used is
//! reported with its place and never stops the rest. Everything is bounded (`limits.rs`).

mod json;
mod list;
mod misp;
mod rows;
mod stix;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::kind::{IndicatorKind, Tlp};
use super::set::{Facts, IndicatorSet, SetBuilder};
use super::value::{IndicatorValue, Unfit};
use super::warning::WarningLists;
use crate::limits::{INDICATOR_ERRORS_KEPT, INDICATOR_FILE_BYTES_MAX, INDICATORS_MAX};

/// Collects indicators from files into a set.
#[derive(Debug)]
pub struct IndicatorLoader {
    builder: SetBuilder,
    warnings: Arc<WarningLists>,
    report: IndicatorReport,
    set_aside: BTreeMap<usize, SetAside>,
    is_full: bool,
}

/// An indicator that its source has read already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indicator<'a> {
    /// What it names.
    pub kind: IndicatorKind,
    /// In any spelling.
    pub value: &'a str,
    /// Who says so.
    pub source: &'a str,
    /// What they call it; may be empty.
    pub label: &'a str,
    /// How sure they are, 0 to 100.
    pub confidence: Option<u8>,
    /// How far it may be passed on.
    pub tlp: Option<Tlp>,
    /// Until when it is looked for.
    pub valid_until: Option<DateTime<Utc>>,
}

/// What came of loading indicators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndicatorReport {
    /// What could not be used, in the order of the files; at most [`INDICATOR_ERRORS_KEPT`].
    pub errors: Vec<IndicatorError>,
    /// How many more there were.
    pub errors_beyond: usize,
    /// Indicators that their source does not mean for detection: revoked, or without `to_ids`.
    pub not_for_detection: usize,
    /// Indicators that the same source names twice.
    pub repeated: usize,
    /// Indicators that never match, by warning list.
    pub set_aside: Vec<SetAside>,
    /// Indicators of which part never matches, because they are wider than something listed.
    pub narrowed: usize,
}

/// Indicators that never match because of one warning list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    /// The list's title: why.
    pub list: String,
    /// How many.
    pub count: usize,
    /// The first few, as written, with the file.
    pub examples: Vec<String>,
}

/// Examples kept of what is set aside: enough to recognise a bad feed.
const EXAMPLES: usize = 5;

/// Something in an indicator file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct IndicatorError {
    /// The file, as the caller named it.
    pub path: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong, in English.
    pub message: String,
}

impl fmt::Display for IndicatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.path, self.place, self.message)
    }
}

/// A place in an indicator file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line, from 1.
    Line(usize),
    /// A line and the name of a column.
    Column(usize, String),
    /// An object of a JSON file: its id, or its number.
    Object(String),
}

impl Place {
    /// Returns the line, from 1; a place that has none is told by the first.
    pub const fn line(&self) -> usize {
        match self {
            Self::Line(line) | Self::Column(line, _) => *line,
            Self::File | Self::Object(_) => 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Column(line, column) => write!(f, ":{line}, column `{column}`"),
            Self::Object(name) => write!(f, ", object {name}"),
        }
    }
}

impl IndicatorLoader {
    /// Returns a loader that has read nothing yet. The seed keys the set's hashes: take it from
    /// chance, so that no feed can be made to collide.
    pub fn new(warnings: Arc<WarningLists>, seed: u64) -> Self {
        Self {
            builder: SetBuilder::new(seed),
            warnings,
            report: IndicatorReport::default(),
            set_aside: BTreeMap::new(),
            is_full: false,
        }
    }

    /// Reads a file. Its name (`path`) is what errors call it, and the source of what it does not
    /// say the source of.
    pub fn read(&mut self, path: &str, bytes: &[u8]) {
        let stem = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let mut intake = Intake { loader: self, path, stem };
        if bytes.len() > INDICATOR_FILE_BYTES_MAX {
            let message = format!("is larger than {INDICATOR_FILE_BYTES_MAX} bytes");
            return intake.wrong(Place::File, message);
        }
        let text = text(bytes);
        let start = text.trim_start();
        let ending = stem.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        if start.starts_with('{') || (start.starts_with('[') && ending == "json") {
            json::read(&text, &mut intake);
        } else if let Some(header) = rows::header(&text, ending == "csv") {
            rows::read(&text, &header, &mut intake);
        } else {
            list::read(&text, &mut intake);
        }
    }

    /// Takes the `number`-th indicator of a list that is no file; errors call the list `path`.
    pub fn add(&mut self, path: &str, number: usize, indicator: &Indicator<'_>) {
        let mut intake = Intake { loader: self, path, stem: path };
        let facts = Facts {
            source: indicator.source,
            label: indicator.label,
            confidence: indicator.confidence,
            tlp: indicator.tlp,
            valid_until: indicator.valid_until,
        };
        let value = IndicatorValue::of_kind(indicator.kind, indicator.value);
        intake.take(Place::Line(number), indicator.value, value, &facts);
    }

    /// Returns how many indicators were taken so far, repeated ones included.
    pub const fn taken(&self) -> usize {
        self.builder.len()
    }

    /// Makes the set, and says what was not taken into it.
    pub fn finish(self) -> (IndicatorSet, IndicatorReport) {
        let mut report = self.report;
        report.set_aside = self.set_aside.into_values().collect();
        let (set, repeated) = self.builder.finish(self.warnings);
        report.repeated = repeated;
        (set, report)
    }
}

/// What a reader hands its findings to: the loader, and which file it reads.
struct Intake<'a> {
    loader: &'a mut IndicatorLoader,
    path: &'a str,
    /// The file's name without folders.
    stem: &'a str,
}

impl Intake<'_> {
    /// Takes an indicator, or the reason why it is none.
    fn take(
        &mut self,
        place: Place,
        written: &str,
        value: Result<IndicatorValue, Unfit>,
        facts: &Facts<'_>,
    ) {
        let value = match value {
            Ok(value) => value,
            Err(why) => return self.wrong(place, format!("`{}` {why}", brief(written))),
        };
        let loader = &mut *self.loader;
        if let Some(list) = loader.warnings.set_aside(&value) {
            let own = loader.set_aside.entry(list).or_default();
            own.count = own.count.saturating_add(1);
            if own.count == 1 {
                loader.warnings.title(list).clone_into(&mut own.list);
            }
            if own.examples.len() < EXAMPLES {
                own.examples.push(format!("{} ({})", brief(written), self.stem));
            }
            return;
        }
        if loader.builder.len() >= INDICATORS_MAX || !loader.builder.add(&value, facts) {
            // Said once: each further one is the same news.
            if !std::mem::replace(&mut loader.is_full, true) {
                let message = format!("no more than {INDICATORS_MAX} indicators are taken");
                self.wrong(place, message);
            }
            return;
        }
        if loader.warnings.is_wider(&value) {
            loader.report.narrowed = loader.report.narrowed.saturating_add(1);
        }
    }

    /// Returns until when an indicator is looked for; a time that cannot be read is reported, since the
    /// indicator never ends then.
    fn until(&mut self, place: impl FnOnce() -> Place, written: &str) -> Option<DateTime<Utc>> {
        const NEVER: [&str; 8] = ["", "-", "0", "never", "none", "null", "n/a", "forever"];
        let at = time(written);
        if at.is_none() && !NEVER.contains(&written.trim().to_ascii_lowercase().as_str()) {
            let message = format!("`{}` is no time: it never expires", brief(written));
            self.wrong(place(), message);
        }
        at
    }

    /// Notes an indicator that its source does not want looked for.
    fn skip(&mut self) {
        let skipped = &mut self.loader.report.not_for_detection;
        *skipped = skipped.saturating_add(1);
    }

    /// Reports something that cannot be used.
    fn wrong(&mut self, place: Place, message: String) {
        let report = &mut self.loader.report;
        if report.errors.len() < INDICATOR_ERRORS_KEPT {
            report.errors.push(IndicatorError { path: self.path.to_owned(), place, message });
        } else {
            report.errors_beyond = report.errors_beyond.saturating_add(1);
        }
    }
}

/// Returns a file's text: UTF-8, or UTF-16 where the mark before it says so (what Windows calls Unicode).
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        plain => String::from_utf8_lossy(plain),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let chars = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    chars.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Shortens foreign text for a message.
fn brief(text: &str) -> String {
    /// Enough to recognise a value, too little to flood a terminal.
    const CHARS: usize = 80;
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A number of so many digits is a date (`20261231`): as seconds it would be of the year 1970.
const DATE_DIGITS: usize = 8;

/// A number from here on counts milliseconds: as seconds it would be beyond the year 5000.
const MILLIS_FROM: i64 = 100_000_000_000;

/// Reads a time as feeds write it: RFC 3339, a date with or without a time (UTC), seconds or milliseconds. A
/// date alone means its end.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Ok(number) = text.parse::<i64>().map(|number| number.max(0))
        && text.len() != DATE_DIGITS
    {
        let is_millis = number >= MILLIS_FROM;
        return match number {
            0 => None,
            millis if is_millis => DateTime::from_timestamp_millis(millis),
            seconds => DateTime::from_timestamp(seconds, 0),
        };
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f UTC"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Some(at.and_utc());
        }
    }
    let days = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"].iter();
    let mut days = days.filter_map(|format| NaiveDate::parse_from_str(text, format).ok());
    let day = days.next()?;
    let end = NaiveTime::from_hms_opt(23, 59, 59)?;
    Some(day.and_time(end).and_utc())
}

/// Reads how sure a source is, 0 to 100: a number, or a word of STIX's scale.
///
/// Source: STIX 2.1, appendix A (None/Low/Med/High).
fn confidence(text: &str) -> Option<u8> {
    let text = text.trim().trim_end_matches('%');
    if let Ok(number) = text.parse::<u8>() {
        return (number <= 100).then_some(number);
    }
    match text.to_ascii_lowercase().as_str() {
        "high" => Some(85),
        "medium" | "med" | "moderate" => Some(50),
        "low" => Some(15),
        "none" => Some(0),
        _ => None,
    }
}
