//! The answer to a SQL question.

use serde::{Deserialize, Serialize};

/// The rows of an answer, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, one cell per column.
    pub rows: Vec<Vec<TableCell>>,
    /// Whether rows were cut at the limit.
    pub truncated: bool,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
}

/// A cell of an answer: a text, or nothing where the value is missing (`NULL`), which an empty text is
/// not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct TableCell(Option<String>);

impl TableCell {
    /// Returns a cell with this text, or without one.
    pub fn new(text: Option<String>) -> Self {
        Self(text)
    }

    /// Returns the text; nothing for a missing value.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq<&str> for TableCell {
    fn eq(&self, text: &&str) -> bool {
        self.text() == Some(*text)
    }
}

impl PartialEq<String> for TableCell {
    fn eq(&self, text: &String) -> bool {
        self.text() == Some(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_no_empty_text() {
        let cells = [TableCell::new(Some(String::new())), TableCell::new(None)];
        assert!(cells[0] == "" && cells[1] != "" && cells[0] != cells[1]);
        let json = serde_json::to_string(&cells).unwrap();
        assert_eq!(json, r#"["",null]"#);
        assert_eq!(serde_json::from_str::<[TableCell; 2]>(&json).unwrap(), cells);
    }
}
