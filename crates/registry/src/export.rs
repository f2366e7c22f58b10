//! Lists as files: CSV for programs, XLSX for offices.

use axum::response::{IntoResponse as _, Response};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde::Deserialize;
use web::{AppError, Lang};

/// What follows the list's name in an export's address.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Export {
    /// `csv` or `xlsx`.
    #[serde(default)]
    format: ExportFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    #[default]
    Xlsx,
    Csv,
}

/// A list on its way into a file.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The file's name without its ending.
    name: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Begins a file with its column titles, by language key.
    pub(crate) fn new(name: &'static str, lang: Lang, header: &[&'static str]) -> Self {
        let header = header.iter().map(|key| web::Phrase::key(key).text(lang)).collect();
        Self { name, header, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Returns the file.
    pub(crate) fn answer(self, export: Export) -> Result<Response, AppError> {
        let (bytes, kind, ending) = match export.format {
            ExportFormat::Csv => {
                (self.csv().map_err(AppError::internal)?, "text/csv; charset=utf-8", "csv")
            }
            ExportFormat::Xlsx => (
                self.xlsx().map_err(AppError::internal)?,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "xlsx",
            ),
        };
        let disposition = format!("attachment; filename=\"{}.{ending}\"", self.name);
        let headers = [("content-type", kind.to_owned()), ("content-disposition", disposition)];
        Ok((headers, bytes).into_response())
    }

    /// Returns the list as CSV, with the mark by which Excel knows UTF-8.
    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer.write_record(row.iter().map(|cell| harmless(cell)))?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }

    /// Returns the list as an Excel file; every cell is text, so nothing is computed.
    fn xlsx(&self) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let bold = Format::new().set_bold();
        for (column, title) in (0_u16..).zip(&self.header) {
            sheet.write_string_with_format(0, column, title, &bold)?;
        }
        for (line, row) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                sheet.write_string(line, column, cell)?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
        workbook.save_to_buffer()
    }
}

/// Returns a cell that no spreadsheet takes for a formula: names in our lists come from outside too.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_the_list_and_no_formulas() {
        let mut sheet = Sheet::new("x", Lang::Vi, &[]);
        sheet.header = vec!["Tên".to_owned(), "Số".to_owned()];
        sheet.row(vec!["Sở \"Tài chính\"".to_owned(), "=1+1".to_owned()]);
        let csv = String::from_utf8(sheet.csv().unwrap()).unwrap();
        assert_eq!(csv, "\u{feff}Tên,Số\n\"Sở \"\"Tài chính\"\"\",'=1+1\n");
        assert!(sheet.xlsx().unwrap().starts_with(b"PK"));
    }
}
