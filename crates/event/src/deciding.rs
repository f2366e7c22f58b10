//! What of a value in a record decides how the record's other values are read: the decoder says it, and
//! who judges records without decoding them goes by it.

/// What of a value decides how the others of its record are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deciding {
    /// Nothing.
    Nothing,
    /// Whether there is one.
    Presence,
    /// All of it.
    Value,
    /// All of a text that begins with one of `starts`; of another, the first line that begins with `line`.
    Text {
        /// How the text begins.
        starts: &'static [&'static str],
        /// How the line begins, blanks aside.
        line: &'static str,
    },
}
