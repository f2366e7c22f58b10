//! Tables with a header: CSV that Windows Event Viewer, `Export-Csv`, `EvtxECmd` and Timeline Explorer, Splunk, Kibana, Log
//! Analytics and Purview write. As a stream, every row becomes one JSON object with the header's names, on
//! the line where the row begins; the lines that it goes on over stay empty, so lines keep their numbers.
//!
//! What is no row (quotes that never close) is handed on as the text that it is.

mod header;
mod row;
mod stamp;

#[cfg(test)]
mod tests;

use std::io;

use memchr::{memchr, memchr_iter, memrchr};
use serde_json::{Map, Value as Json};

use self::header::{Column, Kind};
use self::row::Row;
use self::stamp::Order;
use super::cutting::RECORD_BYTES_MAX;
use super::rewritten::Rewrite;

/// What may stand between values; Excel's `sep=` says which.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Most lines before the header: `#TYPE` of PowerShell, `sep=` of Excel, blank ones.
const LINES_BEFORE_MAX: usize = 4;

/// Rows that are asked which number of a date is the day.
const ROWS_ASKED: usize = 500;

/// How a table is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    separator: u8,
    names: Vec<String>,
    columns: Vec<Column>,
    order: Order,
    /// What of the lines up to the header's end is still to come, in bytes.
    header_bytes: usize,
}

impl Table {
    /// Returns what the beginning of a text tells of.
    pub(crate) fn told_by(head: &[u8]) -> Option<Self> {
        let mut start = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut stated = None;
        for _ in 0..LINES_BEFORE_MAX {
            let rest = head.get(start..)?;
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end)?.trim_ascii();
            let said = line.strip_prefix(b"sep=").and_then(<[u8]>::first);
            if said.is_none() && !line.is_empty() && !line.starts_with(b"#TYPE ") {
                break;
            }
            stated = stated.or(said.copied());
            start += end + 1;
        }
        let text = head.get(start..)?;
        let read = |separator: u8| Some((separator, row::first(text, separator, true)?));
        let found = match stated {
            Some(separator) => read(separator),
            None => SEPARATORS.into_iter().filter_map(read).max_by_key(|(_, row)| row.values.len()),
        };
        let (separator, names) = found?;
        let rows = rows(text.get(names.bytes..)?, separator);
        let next = rows.first().map_or(&[][..], |row| row.values.as_slice());
        let columns = header::columns(&names.values, next)?;
        let is_time = |place: usize| columns.get(place).is_some_and(|it| it.kind == Kind::Time);
        let times = rows.iter().flat_map(|row| {
            let values = row.values.iter().enumerate();
            values.filter(|(place, _)| is_time(*place)).map(|(_, value)| value.as_str())
        });
        let order = stamp::order_of(times);
        let header_bytes = start + names.bytes;
        Some(Self { separator, names: names.values, columns, order, header_bytes })
    }

    fn pass_header(&mut self, open: &mut Vec<u8>, text: &mut Vec<u8>) {
        let passed: Vec<u8> = open.drain(..self.header_bytes.min(open.len())).collect();
        self.header_bytes -= passed.len();
        push_line_ends(text, memchr_iter(b'\n', &passed).count());
    }

    fn write(&self, row: &Row, text: &mut Vec<u8>) -> io::Result<()> {
        let is_blank = row.values.iter().all(String::is_empty);
        // Tables that were put together repeat it.
        if !is_blank && row.values != self.names {
            serde_json::to_writer(&mut *text, &self.object(row)).map_err(io::Error::other)?;
        }
        push_line_ends(text, row.line_ends);
        Ok(())
    }

    fn object(&self, row: &Row) -> Json {
        let mut object = Map::new();
        for (place, value) in row.values.iter().enumerate() {
            if value.is_empty() {
                continue;
            }
            match self.columns.get(place) {
                Some(Column { kind: Kind::Passed, .. }) => {}
                Some(Column { kind: Kind::Object, name }) => match serde_json::from_str(value) {
                    Ok(Json::Object(own)) => object.extend(own),
                    _ => insert(&mut object, name, value.clone()),
                },
                Some(Column { kind: Kind::Time, name }) => {
                    insert(&mut object, name, stamp::plain(value, self.order));
                }
                Some(Column { kind: Kind::Plain, name }) => {
                    insert(&mut object, name, value.clone());
                }
                None => insert(&mut object, &header::unnamed(place + 1), value.clone()),
            }
        }
        Json::Object(object)
    }
}

impl Rewrite for Table {
    fn rewrite(&mut self, open: &mut Vec<u8>, is_over: bool, text: &mut Vec<u8>) -> io::Result<()> {
        self.pass_header(open, text);
        let mut at = 0;
        while let Some(rest) = open.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(row) = row::first(rest, self.separator, is_over) {
                self.write(&row, text)?;
                at += row.bytes;
            } else if is_over || rest.len() > RECORD_BYTES_MAX {
                // All of it at once: to look at each line anew would take for ever.
                let end = memrchr(b'\n', rest).filter(|_| !is_over);
                let end = end.map_or(rest.len(), |end| end + 1);
                text.extend_from_slice(rest.get(..end).unwrap_or_default());
                at += end;
            } else {
                break;
            }
        }
        open.drain(..at);
        Ok(())
    }
}

/// Returns the rows that a table begins with.
fn rows(text: &[u8], separator: u8) -> Vec<Row> {
    let mut rest = text;
    let next = || {
        let row = row::first(rest, separator, true).filter(|_| !rest.is_empty())?;
        rest = rest.get(row.bytes..).unwrap_or_default();
        Some(row)
    };
    std::iter::from_fn(next).take(ROWS_ASKED).collect()
}

/// Adds a value where the record itself says nothing of this name.
fn insert(object: &mut Map<String, Json>, name: &str, value: String) {
    object.entry(name).or_insert(Json::String(value));
}

fn push_line_ends(text: &mut Vec<u8>, count: usize) {
    text.extend(std::iter::repeat_n(b'\n', count));
}
