//! Reading a spreadsheet: the first sheet that holds something, cell by cell as text. What it may cost is
//! limited before anything is unpacked.

use std::io::Cursor;

use calamine::{Data, Reader as _, open_workbook_auto_from_rs};
use unicode_normalization::UnicodeNormalization as _;

use crate::limits;

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SheetError {
    /// It is no spreadsheet.
    #[error("not a spreadsheet")]
    Unreadable,
    /// Unpacked it would be too large.
    #[error("larger than an import may be")]
    TooLarge,
    /// It holds nothing.
    #[error("empty")]
    Empty,
}

impl SheetError {
    /// Returns the language key of what is wrong.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Unreadable => "import-unreadable",
            Self::TooLarge => "import-too-large",
            Self::Empty => "import-empty-file",
        }
    }
}

/// A sheet as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// Rows of cells.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// Where: `C7`.
    pub(super) at: String,
    /// The line, from 1.
    pub(super) line: u32,
    /// What stands there, tidied: NFC, single spaces.
    pub(super) text: String,
    /// Whether it holds an error of the spreadsheet (`#REF!`).
    pub(super) is_error: bool,
}

/// Reads the first sheet that holds something.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, SheetError> {
    if unpacked(bytes) > limits::IMPORT_UNPACKED_BYTES_MAX {
        return Err(SheetError::TooLarge);
    }
    let mut book = open_workbook_auto_from_rs(Cursor::new(bytes.to_vec()))
        .map_err(|_| SheetError::Unreadable)?;
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|_| SheetError::Unreadable)?;
        let Some((top, left)) = range.start() else { continue };
        if range.height() > limits::IMPORT_ROWS_MAX + 20 || range.width() > 200 {
            return Err(SheetError::TooLarge);
        }
        let rows = (top..).zip(range.rows()).map(|(line, row)| {
            (left..).zip(row).map(|(column, data)| cell(line, column, data)).collect()
        });
        return Ok(Sheet { rows: rows.collect() });
    }
    Err(SheetError::Empty)
}

/// Returns the bytes that a zip says it unpacks to: the sum over its central directory.
fn unpacked(bytes: &[u8]) -> u64 {
    const HEAD: &[u8] = b"PK\x01\x02";
    let entries = bytes.windows(28).filter(|window| window.starts_with(HEAD));
    entries
        .filter_map(|entry| <[u8; 4]>::try_from(entry.get(24..28)?).ok())
        .map(|size| u64::from(u32::from_le_bytes(size)))
        .sum()
}

fn cell(line: u32, column: u32, data: &Data) -> Cell {
    let is_error = matches!(data, Data::Error(_));
    Cell {
        at: format!("{}{}", letters(column), line + 1),
        line: line + 1,
        text: text(data),
        is_error,
    }
}

/// Returns a column's letters: 0 is `A`, 26 is `AA`.
fn letters(column: u32) -> String {
    let mut left = column + 1;
    let mut letters = Vec::new();
    while left > 0 {
        let digit = (left - 1) % 26;
        letters.push(char::from_u32(u32::from('A') + digit).unwrap_or('?'));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

fn text(data: &Data) -> String {
    match data {
        Data::DateTime(moment) => day(moment.as_f64()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => tidy(text),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
        // A whole number is written without its point: 3, not 3.0.
        other => tidy(&other.to_string()),
    }
}

/// Returns a day as a spreadsheet counts it, in days since 30/12/1899; nothing for one that no calendar
/// has.
///
/// Source: ECMA-376 part 1, 18.17.4.1.
fn day(serial: f64) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(1899, 12, 30);
    let days = format!("{:.0}", serial.floor()).parse().ok().and_then(chrono::TimeDelta::try_days);
    let day = first.zip(days).and_then(|(first, days)| first.checked_add_signed(days));
    day.map(|day| day.format("%d/%m/%Y").to_string()).unwrap_or_default()
}

/// Returns a text in NFC with single spaces; lines stay lines.
fn tidy(text: &str) -> String {
    let text: String =
        text.nfc().map(|c| if c == '\u{a0}' || c == '\u{feff}' { ' ' } else { c }).collect();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_the_spreadsheet_names_them() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(letters), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
        assert_eq!(tidy(" Sở\u{a0} Tài  chính \n\n x "), "Sở Tài chính\nx");
        assert_eq!(text(&Data::Float(3.0)), "3");
        assert_eq!(read(b"no sheet"), Err(SheetError::Unreadable));
        let mut bomb = b"PK\x01\x02".to_vec();
        bomb.resize(24, 0);
        bomb.extend([0xff; 4]);
        assert_eq!(read(&bomb), Err(SheetError::TooLarge));
    }
}
