//! Positions between a separator, named by `source.toml` (Squid, proxies, appliances).

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

/// Reads a text by its columns; returns whether it had enough of them.
pub(crate) fn read(
    text: &str,
    columns: &Columns,
    fields: &mut Fields,
    notes: &mut Vec<Note>,
) -> bool {
    let values: Vec<&str> = if columns.separator == ' ' {
        text.split_ascii_whitespace().take(FIELDS_MAX).collect()
    } else {
        text.split(columns.separator).take(FIELDS_MAX).collect()
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

/// Returns a value; such logs write `-` where there is none (W3C extended log file format).
fn stated(value: &str) -> Value {
    if value == "-" { Value::Null } else { Value::from(value) }
}
