//! Tables as files: CSV that a spreadsheet opens as text, and XLSX.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
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

/// Returns a file to be saved under this name (ASCII, without ending).
pub(crate) fn table(name: &str, sheet: &Sheet, format: Format) -> Result<Response, RespondError> {
    match format {
        Format::Csv => answer(name, "csv", "text/csv; charset=utf-8", csv(sheet)?),
        Format::Xlsx => answer(
            name,
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            xlsx(sheet)?,
        ),
        Format::Ndjson => answer(name, "ndjson", "application/x-ndjson", ndjson(sheet)?),
    }
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
    match format {
        Format::Csv => csv(sheet),
        Format::Xlsx => xlsx(sheet),
        Format::Ndjson => ndjson(sheet),
    }
}

fn csv(sheet: &Sheet) -> Result<Vec<u8>, RespondError> {
    let failed = |error: csv::Error| RespondError::File(Box::new(error));
    let mut writer = csv::Writer::from_writer(vec![0xef, 0xbb, 0xbf]);
    writer.write_record(&sheet.head).map_err(failed)?;
    let head = writer.into_inner();
    let mut text = head.map_err(|error| RespondError::File(Box::new(error.into_error())))?;
    text.extend(lines(&sheet.rows)?);
    Ok(text)
}

/// Returns the lines of a CSV file, without mark and head: a file is made of parts.
pub(crate) fn lines(rows: &[Vec<String>]) -> Result<Vec<u8>, RespondError> {
    let failed = |error: csv::Error| RespondError::File(Box::new(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| RespondError::File(Box::new(error.into_error())))
}

/// Returns a cell that no spreadsheet takes for a formula: hostile logs end up in these files.
///
/// Source: OWASP, "CSV Injection".
fn harmless(cell: &str) -> String {
    let text = cell.replace('\0', "");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// Characters that one cell of a spreadsheet holds.
///
/// Source: Microsoft, "Excel specifications and limits".
const CELL_CHARS_MAX: usize = 32_767;

fn xlsx(sheet: &Sheet) -> Result<Vec<u8>, RespondError> {
    let failed = |error: rust_xlsxwriter::XlsxError| RespondError::File(Box::new(error));
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let bold = CellFormat::new().set_bold();
    for (column, head) in (0_u16..).zip(&sheet.head) {
        page.write_string_with_format(0, column, head, &bold).map_err(failed)?;
    }
    for (line, row) in (1_u32..).zip(&sheet.rows) {
        for (column, cell) in (0_u16..).zip(row) {
            let cell: String = cell.chars().take(CELL_CHARS_MAX).collect();
            page.write_string(line, column, cell).map_err(failed)?;
        }
    }
    page.set_freeze_panes(1, 0).map_err(failed)?;
    book.save_to_buffer().map_err(failed)
}

fn ndjson(sheet: &Sheet) -> Result<Vec<u8>, RespondError> {
    let mut bytes = Vec::new();
    for row in &sheet.rows {
        let object: serde_json::Map<String, serde_json::Value> =
            sheet.head.iter().cloned().zip(row.iter().map(|cell| cell.as_str().into())).collect();
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
        let text = String::from_utf8(csv(&sheet).unwrap()).unwrap();
        assert_eq!(text, "\u{feff}Tên\n'=cmd|'/c calc'!A1\n\"a\"\"b\nc\"\n");
        assert!(xlsx(&sheet).unwrap().starts_with(b"PK"));
        assert_eq!(String::from_utf8(ndjson(&sheet).unwrap()).unwrap().lines().count(), 2);
    }
}
