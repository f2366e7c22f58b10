//! Positions between a separator, named by `source.toml` (Squid, proxies, appliances).

use std::borrow::Cow;

use event::{Fields, Note, Value};

use crate::limits::FIELDS_MAX;

/// Which columns a delimited text has.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// One character; a space stands for runs of white space.
    pub(crate) separator: char,
    /// One name per column; `a/b` splits at the first slash, `_` is skipped.
    pub(crate) names: Vec<ColumnName>,
    /// With fewer columns than this the text is something else.
    pub(crate) at_least: usize,
}

/// The name of one column.
#[derive(Debug, Clone)]
pub(crate) enum ColumnName {
    /// Not kept.
    Skipped,
    /// Kept whole.
    One(String),
    /// Split at the first slash.
    Two(String, String),
}

impl ColumnName {
    /// Reads a name as `source.toml` writes it.
    pub(crate) fn from_text(text: &str) -> Self {
        match text.split_once('/') {
            _ if text == "_" => Self::Skipped,
            Some((first, second)) => Self::Two(first.to_owned(), second.to_owned()),
            None => Self::One(text.to_owned()),
        }
    }
}

impl Columns {
    /// Returns whether a column has this name.
    pub(crate) fn have(&self, name: &str) -> bool {
        self.names.iter().any(|own| match own {
            ColumnName::Skipped => false,
            ColumnName::One(own) => own == name,
            ColumnName::Two(first, second) => first == name || second == name,
        })
    }
}

/// Reads a text by its columns; returns whether it had enough of them.
pub(crate) fn read(
    text: &str,
    columns: &Columns,
    fields: &mut Fields,
    notes: &mut Vec<Note>,
) -> bool {
    let values: Vec<Cow<'_, str>> = if columns.separator == ' ' {
        text.split_ascii_whitespace().take(FIELDS_MAX).map(Cow::Borrowed).collect()
    } else {
        split(text, columns.separator)
    };
    if values.len() < columns.at_least {
        return false;
    }
    for (name, value) in columns.names.iter().zip(&values) {
        match name {
            ColumnName::Skipped => {}
            ColumnName::One(name) => fields.push(name.clone(), stated(value)),
            ColumnName::Two(first, second) => match value.split_once('/') {
                Some((before, after)) => {
                    fields.push(first.clone(), stated(before));
                    fields.push(second.clone(), stated(after));
                }
                None => fields.push(first.clone(), stated(value)),
            },
        }
    }
    if let Some(extra) = values.get(columns.names.len()..)
        && !extra.is_empty()
    {
        notes.push(Note::new("extra-fields", format!("{} columns without a name", extra.len())));
        fields.push("extra", extra.join(" "));
    }
    true
}

/// Splits at a separator, but not inside quotes that begin a value (RFC 4180).
fn split(text: &str, separator: char) -> Vec<Cow<'_, str>> {
    let mut values = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest
        && values.len() < FIELDS_MAX
    {
        let (value, after) =
            quoted(text, separator).unwrap_or_else(|| match text.split_once(separator) {
                Some((value, after)) => (Cow::Borrowed(value), Some(after)),
                None => (Cow::Borrowed(text), None),
            });
        values.push(value);
        rest = after;
    }
    values
}

/// Returns the value in quotes that a text begins with, and what follows the separator behind it; `""` inside is
/// a quote.
fn quoted(text: &str, separator: char) -> Option<(Cow<'_, str>, Option<&str>)> {
    let mut rest = text.strip_prefix('"')?;
    let mut value = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        value.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None if after.is_empty() => return Some((Cow::Owned(value), None)),
            None => return Some((Cow::Owned(value), Some(after.strip_prefix(separator)?))),
        }
    }
}

/// Returns a value; such logs write `-` where there is none (W3C extended log file format).
fn stated(value: &str) -> Value {
    if value == "-" { Value::Null } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_quotes_is_none() {
        let cases = [
            ("a,b,,-", vec!["a", "b", "", "-"]),
            (r#""a,b",c,"""x""""#, vec!["a,b", "c", "\"x\""]),
            ("\"\"\",\"\"\"", vec!["\",\""]),
            (r#"a"b,"c"d,"e"#, vec!["a\"b", "\"c\"d", "\"e"]),
            ("", vec![""]),
            ("a,", vec!["a", ""]),
            (r#""a","#, vec!["a", ""]),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text, ','), expected, "{text}");
        }
    }
}
