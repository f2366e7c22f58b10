//! Rows of a table: values between separators, in quotes where they hold separators, line breaks or quotes (RFC 4180).

use memchr::{memchr, memchr_iter, memchr2};

/// Most columns of a row that are read: the decoder takes no more fields of a record.
const COLUMNS_MAX: usize = 1024;

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) values: Vec<String>,
    /// How many bytes it takes, with its line end.
    pub(super) bytes: usize,
    /// How many line ends stand in it, its own among them.
    pub(super) line_ends: usize,
}

/// Takes the first row off a text; `None` while its end has not come. When the text `is_over` its end
/// ends the row too, but not inside quotes.
pub(super) fn first(text: &[u8], separator: u8, is_over: bool) -> Option<Row> {
    let mut values = Vec::new();
    let mut at = 0;
    loop {
        let mut value = Vec::new();
        if text.get(at) == Some(&b'"') {
            at = quoted(text, at + 1, &mut value)?;
        }
        // What stands behind the closing quote belongs to the value.
        let rest = text.get(at..)?;
        let end = memchr2(separator, b'\n', rest).or_else(|| is_over.then_some(rest.len()))?;
        let is_last = rest.get(end) != Some(&separator);
        let plain = rest.get(..end)?;
        let plain = if is_last { plain.strip_suffix(b"\r").unwrap_or(plain) } else { plain };
        value.extend_from_slice(plain);
        if values.len() < COLUMNS_MAX {
            values.push(String::from_utf8_lossy(&value).into_owned());
        }
        at += end + 1;
        if is_last {
            let bytes = at.min(text.len());
            let line_ends = memchr_iter(b'\n', text.get(..bytes)?).count();
            return Some(Row { values, bytes, line_ends });
        }
    }
}

/// Reads what stands in quotes; returns where it goes on behind the closing one.
fn quoted(text: &[u8], start: usize, value: &mut Vec<u8>) -> Option<usize> {
    let mut at = start;
    loop {
        let end = at + memchr(b'"', text.get(at..)?)?;
        value.extend_from_slice(text.get(at..end)?);
        at = end + 1;
        if text.get(at) != Some(&b'"') {
            return Some(at);
        }
        value.push(b'"');
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, separator: u8) -> Vec<Row> {
        let mut rest = text.as_bytes();
        let mut rows = Vec::new();
        while let Some(row) = first(rest, separator, true).filter(|_| !rest.is_empty()) {
            rest = &rest[row.bytes..];
            rows.push(row);
        }
        rows
    }

    #[test]
    fn a_row_ends_where_its_quotes_let_it() {
        for (text, values, line_ends) in [
            ("a,b\nc", vec!["a", "b"], 1),
            ("a,b\r\nc", vec!["a", "b"], 1),
            ("\"a\nb\",\"c\"\"d\"\r\n", vec!["a\nb", "c\"d"], 2),
            ("\"a,b\"c,5\" disk,\n", vec!["a,bc", "5\" disk", ""], 1),
            ("a", vec!["a"], 0),
            ("\n", vec![""], 1),
        ] {
            let row = first(text.as_bytes(), b',', true).unwrap();
            assert_eq!(
                (row.values, row.line_ends),
                (values.iter().map(|v| (*v).to_owned()).collect(), line_ends)
            );
        }
        for open in ["a,b", "\"a\n", "\"a\"", "\"a\"\"\n"] {
            assert_eq!(first(open.as_bytes(), b',', false), None, "{open}");
        }
        assert_eq!(first(b"\"a\n", b',', true), None, "quotes that never close");
    }

    proptest! {
        /// The second opinion is the `csv` crate's.
        #[test]
        fn rows_are_read_as_others_read_them(
            cells in prop::collection::vec(prop::collection::vec("[a-z\",;\r\n \u{e9}]{0,8}", 2..5), 1..6),
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = rows(&text, b',').into_iter().map(|row| row.values).collect();
            prop_assert_eq!(found, cells);
        }

        #[test]
        fn any_text_is_used_up(text in "[a\",\n\r]{0,40}") {
            let found = rows(&text, b',');
            let bytes: usize = found.iter().map(|row| row.bytes).sum();
            let line_ends: usize = found.iter().map(|row| row.line_ends).sum();
            prop_assert!(bytes <= text.len());
            prop_assert_eq!(line_ends, text.get(..bytes).unwrap().matches('\n').count());
        }
    }
}
