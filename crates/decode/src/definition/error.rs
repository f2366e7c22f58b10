//! What is wrong with a `source.toml`, and where.

use std::fmt;

/// A definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The folder whose `source.toml` it is.
    pub folder: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The key, for example `variant[2].class`, where it is known.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources/{}/source.toml", self.folder)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for SourceError {}
