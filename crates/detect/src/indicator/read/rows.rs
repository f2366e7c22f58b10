//! CSV with a header: our own columns, MISP's export, and the lists of abuse.ch.
//!
//! The columns known: the indicator (`indicator`, `value`, `ioc`, `ioc_value`, or one named after its
//! kind: `url`, `domain`, `ip`, `sha256_hash` …), `type`, `source`, `confidence`, `valid_until`,
//! `tlp`, `description`, and MISP's `to_ids`. A header that stands in a comment is found too.

use csv::{ReaderBuilder, StringRecord};

use super::{Intake, Place};
use crate::indicator::kind::{IndicatorKind, Tlp};
use crate::indicator::set::Facts;
use crate::indicator::value::IndicatorValue;

/// The header of a CSV file.
#[derive(Debug, Default)]
pub(super) struct Header {
    delimiter: u8,
    /// The lines up to and with the header.
    lines: usize,
    columns: Vec<String>,
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// An indicator whose kind another column or its look tells.
    Value,
    /// An indicator of this kind.
    Kind(IndicatorKind),
    Type,
    Source,
    Confidence,
    ValidUntil,
    Tlp,
    Label,
    ForDetection,
    Other,
}

impl Column {
    fn of(name: &str) -> Self {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "indicator" | "value" | "ioc" | "ioc_value" | "observable" => Self::Value,
            "type" | "ioc_type" | "indicator_type" | "kind" => Self::Type,
            "source" | "feed" | "source_name" => Self::Source,
            "confidence" | "confidence_level" => Self::Confidence,
            "valid_until" | "expires" | "expiration" | "expiration_date" | "expiry" => {
                Self::ValidUntil
            }
            "tlp" => Self::Tlp,
            "description" | "comment" | "label" | "threat" | "malware" | "malware_printable"
            | "signature" => Self::Label,
            "to_ids" => Self::ForDetection,
            "link" => Self::Other,
            "dst_ip" | "ip_address" => Self::Kind(IndicatorKind::Ip),
            other => IndicatorKind::from_word(other).map_or(Self::Other, Self::Kind),
        }
    }
}

/// Lines looked through for a header.
const HEADER_LINES_MAX: usize = 100;

/// Returns the header, if the text has one: the first line that is no comment, or the last comment
/// before it. `is_csv`: the file's name says that it is CSV.
pub(super) fn header(text: &str, is_csv: bool) -> Option<Header> {
    let mut in_comment = None;
    for (number, line) in text.lines().take(HEADER_LINES_MAX).enumerate() {
        let lines = number.saturating_add(1);
        if line.trim().is_empty() {
            continue;
        }
        if let Some(comment) = line.trim_start().strip_prefix('#') {
            in_comment = columns(comment, lines).or(in_comment);
        } else {
            // A commented header has as many columns as the rows below it.
            let plain = columns(line, lines).filter(|found| is_csv || found.columns.len() > 1);
            let fits = |above: &Header| {
                let count = above.columns.len();
                count == cells(line, above.delimiter).count() && (is_csv || count > 1)
            };
            return in_comment.filter(fits).or(plain);
        }
    }
    None
}

/// Returns the cells of a line, without quotes.
fn cells(line: &str, delimiter: u8) -> impl Iterator<Item = &str> {
    line.split(char::from(delimiter)).map(unquoted)
}

/// Some write a blank between comma and quote: then the quotes are part of the cell.
fn unquoted(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

/// Reads a line as a header; one that names no indicator column is none.
fn columns(line: &str, lines: usize) -> Option<Header> {
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, line.as_bytes()).count();
    let delimiter = *b",;\t".iter().rev().max_by_key(|delimiter| count(**delimiter))?;
    let columns: Vec<String> = cells(line, delimiter).map(ToOwned::to_owned).collect();
    let names_some =
        columns.iter().any(|name| matches!(Column::of(name), Column::Value | Column::Kind(_)));
    let is_header = names_some && columns.iter().all(|name| name.len() <= 64);
    is_header.then_some(Header { delimiter, lines, columns })
}

/// Reads the rows below the header.
pub(super) fn read(text: &str, header: &Header, intake: &mut Intake<'_>) {
    let skipped = text.split_inclusive('\n').take(header.lines).map(str::len);
    let start = skipped.fold(0, usize::saturating_add);
    let body = text.get(start..).unwrap_or_default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(header.delimiter)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(body.as_bytes());
    let kinds: Vec<Column> = header.columns.iter().map(|name| Column::of(name)).collect();
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let line = usize::try_from(line).unwrap_or(0).saturating_add(header.lines);
                row(&record, line, header, &kinds, intake);
            }
            Ok(false) => return,
            // The text is UTF-8 and rows may differ in length: nothing else can go wrong.
            Err(error) => return intake.wrong(Place::File, error.to_string()),
        }
    }
}

fn row(
    record: &StringRecord,
    line: usize,
    header: &Header,
    kinds: &[Column],
    intake: &mut Intake<'_>,
) {
    let cell = |column: Column| {
        let place = kinds.iter().position(|own| *own == column)?;
        record.get(place).map(unquoted).filter(|text| !text.is_empty())
    };
    if cell(Column::ForDetection).is_some_and(|word| matches!(word, "0" | "false" | "False")) {
        return intake.skip();
    }
    let stated = cell(Column::Type);
    let source = cell(Column::Source).unwrap_or(intake.stem);
    let written = cell(Column::ValidUntil).unwrap_or_default();
    let valid_until = intake.until(|| Place::Column(line, "valid_until".to_owned()), written);
    let facts = Facts {
        source,
        label: cell(Column::Label).unwrap_or_default(),
        confidence: cell(Column::Confidence).and_then(super::confidence),
        tlp: cell(Column::Tlp).and_then(Tlp::from_word),
        valid_until,
    };
    let mut found = false;
    for ((column, written), name) in kinds.iter().zip(record).zip(&header.columns) {
        let written = unquoted(written);
        if written.is_empty() {
            continue;
        }
        let place = || Place::Column(line, name.clone());
        let value = match column {
            Column::Kind(kind) => IndicatorValue::of_kind(*kind, written),
            Column::Value => match stated.map(|word| (word, IndicatorKind::from_word(word))) {
                None => IndicatorValue::guess(written),
                Some((_, Some(kind))) => IndicatorValue::of_kind(kind, written),
                Some((word, None)) => {
                    found = true;
                    let message = format!("type `{}` is not looked for", super::brief(word));
                    intake.wrong(Place::Column(line, "type".to_owned()), message);
                    continue;
                }
            },
            _ => continue,
        };
        found = true;
        intake.take(place(), written, value, &facts);
    }
    if !found {
        intake.wrong(Place::Line(line), "no indicator in this row".to_owned());
    }
}
