//! Files of columns (Parquet) that are handed out: what other programs read fast.

use std::fmt::Debug;

use super::LakeError;
use crate::Event;

/// A file of events under way. Its parts, one after the other, are the file.
pub trait EventFile: Send + Debug {
    /// Takes events in; returns what is to be written now, which may be nothing yet.
    ///
    /// # Errors
    /// When they cannot be written as columns.
    fn add(&mut self, events: &[Event]) -> Result<Vec<u8>, LakeError>;

    /// Ends the file; returns its last part.
    ///
    /// # Errors
    /// When the rest cannot be written as columns.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, LakeError>;
}

/// A column of a file of figures.
#[derive(Debug, Clone, PartialEq)]
pub struct FileColumn {
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub cells: FileCells,
}

/// The cells of a column of a file, all columns of the same length.
#[derive(Debug, Clone, PartialEq)]
pub enum FileCells {
    /// Text.
    Text(Vec<String>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
}
