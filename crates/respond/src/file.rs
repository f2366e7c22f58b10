//! Tables as files: CSV that a spreadsheet opens as text, and XLSX.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use event::LakeReader;
use event::lake::{FileCells, FileColumn};
use rust_xlsxwriter::{Format as CellFormat, Workbook};
use sha2::{Digest as _, Sha256};

use crate::error::RespondError;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated, UTF-8 with a byte order mark (or Excel breaks Vietnamese).
    Csv,
    /// One JSON object per line.
    Ndjson,
    /// Excel.
    Xlsx,
}

/// A table on its way into a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sheet {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Format {
    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Xlsx => "xlsx",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// What a file of columns is.
///
/// Source: IANA, media type `application/vnd.apache.parquet`.
pub(crate) const PARQUET: &str = "application/vnd.apache.parquet";

/// Columns of a table that hold figures and nothing else: from this one on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FiguresFrom(pub(crate) usize);

/// A table of texts.
const TEXTS: FiguresFrom = FiguresFrom(usize::MAX);

/// Returns a file to be saved under this name (ASCII, without ending).
pub(crate) fn table(name: &str, sheet: &Sheet, format: Format) -> Result<Response, RespondError> {
    answer(name, format.ending(), format.kind(), bytes(sheet, format)?)
}

/// Returns a file whose figures other programs read as such.
pub(crate) fn figures(
    name: &str,
    sheet: &Sheet,
    from: FiguresFrom,
    format: Format,
) -> Result<Response, RespondError> {
    answer(name, format.ending(), format.kind(), figure_bytes(sheet, from, format)?)
}

/// Returns the SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Returns bytes as a file to be saved.
pub(crate) fn answer(
    name: &str,
    ending: &str,
    kind: &str,
    bytes: Vec<u8>,
) -> Result<Response, RespondError> {
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\""))
        .header(CACHE_CONTROL, "no-store")
        .body(Body::from(bytes))
        .map_err(|error| RespondError::File(Box::new(error)))
}

/// Returns the bytes of a file.
pub(crate) fn bytes(sheet: &Sheet, format: Format) -> Result<Vec<u8>, RespondError> {
    figure_bytes(sheet, TEXTS, format)
}

/// Returns the bytes of a file with figures.
pub(crate) fn figure_bytes(
    sheet: &Sheet,
    from: FiguresFrom,
    format: Format,
) -> Result<Vec<u8>, RespondError> {
    match format {
        Format::Csv => csv(sheet, from),
        Format::Xlsx => xlsx(sheet, from),
        Format::Ndjson => ndjson(sheet, from),
    }
}

/// Returns the bytes of a file of columns.
pub(crate) fn figure_columns(
    lake: &dyn LakeReader,
    sheet: &Sheet,
    from: FiguresFrom,
) -> Result<Vec<u8>, RespondError> {
    let column = |(place, name): (usize, &String)| FileColumn {
        name: name.clone(),
        cells: cells_of(sheet, place, from),
    };
    let columns: Vec<FileColumn> = sheet.head.iter().enumerate().map(column).collect();
    Ok(lake.figure_file(&columns)?)
}

/// Returns a column's cells as what they are: whole numbers where all figures are.
fn cells_of(sheet: &Sheet, column: usize, from: FiguresFrom) -> FileCells {
    let cells = || sheet.rows.iter().map(|row| row.get(column).map_or("", String::as_str));
    if column < from.0 {
        return FileCells::Text(cells().map(ToOwned::to_owned).collect());
    }
    let is_whole = |cell: &str| cell.is_empty() || cell.parse::<i64>().is_ok();
    if cells().all(is_whole) {
        return FileCells::Whole(cells().map(|cell| cell.parse().ok()).collect());
    }
    FileCells::Number(cells().map(|cell| figure(column, cell, from)).collect())
}

fn csv(sheet: &Sheet, from: FiguresFrom) -> Result<Vec<u8>, RespondError> {
    let failed = |error: csv::Error| RespondError::File(Box::new(error));
    let mut writer = csv::Writer::from_writer(vec![0xef, 0xbb, 0xbf]);
    writer.write_record(&sheet.head).map_err(failed)?;
    let head = writer.into_inner();
    let mut text = head.map_err(|error| RespondError::File(Box::new(error.into_error())))?;
    text.extend(figure_lines(&sheet.rows, from)?);
    Ok(text)
}

/// Returns the lines of a CSV file, without mark and head: a file is made of parts.
pub(crate) fn lines(rows: &[Vec<String>]) -> Result<Vec<u8>, RespondError> {
    figure_lines(rows, TEXTS)
}

fn figure_lines(rows: &[Vec<String>], from: FiguresFrom) -> Result<Vec<u8>, RespondError> {
    let failed = |error: csv::Error| RespondError::File(Box::new(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // A figure below nought begins like a formula and is none.
        let text = |(column, cell): (usize, &String)| match figure(column, cell, from) {
            Some(_) => cell.clone(),
            None => harmless(cell),
        };
        writer.write_record(row.iter().enumerate().map(text)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| RespondError::File(Box::new(error.into_error())))
}

/// Returns the number in a cell, where its column holds figures.
fn figure(column: usize, cell: &str, from: FiguresFrom) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| column >= from.0 && number.is_finite())
}

/// Returns a cell that no spreadsheet takes for a formula: hostile logs end up in these files.
///
/// Source: OWASP, "CSV Injection".
fn harmless(cell: &str) -> String {
    let text = cell.replace('\0', "");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// UTF-16 units that one cell of a spreadsheet holds: a file with more in one is broken to Excel.
///
/// Source: Microsoft, "Excel specifications and limits".
const CELL_UNITS_MAX: usize = 32_767;

/// Room for what is said at the end of a cell that does not hold all.
const CUT_UNITS: usize = 32;

/// Returns a text as a cell holds it. How many characters did not fit stands at the end, so that nobody
/// takes a part for the whole.
fn cell_text(text: &str) -> Cow<'_, str> {
    if text.encode_utf16().count() <= CELL_UNITS_MAX {
        return Cow::Borrowed(text);
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= CELL_UNITS_MAX - CUT_UNITS
    };
    let kept: String = text.chars().take_while(fits).collect();
    let left = text.chars().count() - kept.chars().count();
    Cow::Owned(format!("{kept}… [+{left}]"))
}

fn xlsx(sheet: &Sheet, from: FiguresFrom) -> Result<Vec<u8>, RespondError> {
    let failed = |error: rust_xlsxwriter::XlsxError| RespondError::File(Box::new(error));
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let bold = CellFormat::new().set_bold();
    for (column, head) in (0_u16..).zip(&sheet.head) {
        page.write_string_with_format(0, column, head, &bold).map_err(failed)?;
    }
    for (line, row) in (1_u32..).zip(&sheet.rows) {
        for (column, cell) in (0_u16..).zip(row) {
            if let Some(number) = figure(usize::from(column), cell, from) {
                page.write_number(line, column, number).map_err(failed)?;
                continue;
            }
            page.write_string(line, column, cell_text(cell)).map_err(failed)?;
        }
    }
    page.set_freeze_panes(1, 0).map_err(failed)?;
    book.save_to_buffer().map_err(failed)
}

fn ndjson(sheet: &Sheet, from: FiguresFrom) -> Result<Vec<u8>, RespondError> {
    let value = |(column, cell): (usize, &String)| -> serde_json::Value {
        match (figure(column, cell, from), cell.parse::<i64>()) {
            (Some(_), Ok(whole)) => whole.into(),
            (Some(number), Err(_)) => number.into(),
            (None, _) => cell.as_str().into(),
        }
    };
    let mut bytes = Vec::new();
    for row in &sheet.rows {
        let object: serde_json::Map<String, serde_json::Value> =
            sheet.head.iter().cloned().zip(row.iter().enumerate().map(value)).collect();
        serde_json::to_writer(&mut bytes, &object).map_err(RespondError::Json)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_cells_stay_text() {
        let sheet = Sheet {
            head: vec!["Tên".to_owned()],
            rows: vec![vec!["=cmd|'/c calc'!A1".to_owned()], vec!["a\"b\nc".to_owned()]],
        };
        let text = String::from_utf8(bytes(&sheet, Format::Csv).unwrap()).unwrap();
        assert_eq!(text, "\u{feff}Tên\n'=cmd|'/c calc'!A1\n\"a\"\"b\nc\"\n");
        assert!(bytes(&sheet, Format::Xlsx).unwrap().starts_with(b"PK"));
        let objects = bytes(&sheet, Format::Ndjson).unwrap();
        assert_eq!(String::from_utf8(objects).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_cell_that_does_not_hold_all_says_so() {
        assert_eq!(cell_text("Sở"), "Sở");
        let fits = "x".repeat(CELL_UNITS_MAX);
        assert_eq!(cell_text(&fits), fits.as_str());
        // Two units each.
        let faces = "😀".repeat(CELL_UNITS_MAX / 2 + 1);
        let cell = cell_text(&faces);
        assert!(cell.encode_utf16().count() <= CELL_UNITS_MAX);
        let kept = cell.chars().filter(|c| *c == '😀').count();
        assert!(cell.ends_with(&format!("… [+{}]", CELL_UNITS_MAX / 2 + 1 - kept)), "{kept}");
    }

    #[test]
    fn columns_are_what_their_figures_are() {
        let row = |cells: [&str; 3]| cells.map(ToOwned::to_owned).to_vec();
        let sheet = Sheet {
            head: row(["user", "count", "avg"]),
            rows: vec![row(["7", "3", "0.5"]), row(["", "2", ""])],
        };
        let cells = |column| cells_of(&sheet, column, FiguresFrom(1));
        assert_eq!(cells(0), FileCells::Text(vec!["7".to_owned(), String::new()]));
        assert_eq!(cells(1), FileCells::Whole(vec![Some(3), Some(2)]));
        assert_eq!(cells(2), FileCells::Number(vec![Some(0.5), None]));
    }

    #[test]
    fn figures_stay_numbers() {
        let row = ["-7", "822", "-5", "0.5", ""].map(ToOwned::to_owned);
        let head = ["name", "count", "min", "avg", "sum"].map(ToOwned::to_owned);
        let sheet = Sheet { head: head.to_vec(), rows: vec![row.to_vec()] };
        let text = |format| {
            String::from_utf8(figure_bytes(&sheet, FiguresFrom(1), format).unwrap()).unwrap()
        };
        assert_eq!(text(Format::Csv), "\u{feff}name,count,min,avg,sum\n'-7,822,-5,0.5,\n");
        let object: serde_json::Value = serde_json::from_str(&text(Format::Ndjson)).unwrap();
        let want =
            serde_json::json!({"name": "-7", "count": 822, "min": -5, "avg": 0.5, "sum": ""});
        assert_eq!(object, want);
        let book = figure_bytes(&sheet, FiguresFrom(1), Format::Xlsx).unwrap();
        assert_ne!(book, bytes(&sheet, Format::Xlsx).unwrap());
    }
}
