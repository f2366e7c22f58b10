//! The limits that hostile bytes meet, each with its reason.

/// Longest record that is parsed. Windows events end at 64 KiB, a Suricata `fileinfo` or a Zeek
/// record stays far below; past this the record is a dead letter, kept whole.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Most fields read from one record. A Windows event has under 60, a deep cloud JSON some hundreds;
/// field look-ups are linear, so this also bounds the time spent on one record.
pub(crate) const FIELDS_MAX: usize = 1024;

/// Deepest JSON nesting that is flattened; deeper values stay as one text field with a note.
pub(crate) const JSON_DEPTH_MAX: usize = 32;

/// Longest dotted name made from nested JSON: each leaf carries a copy of it, so an unlimited one
/// would let a record of 1 MiB grow to gigabytes.
pub(crate) const JSON_NAME_BYTES_MAX: usize = 512;

/// Most values (list members included) read from one JSON record; each is looked up by name once.
pub(crate) const JSON_VALUES_MAX: usize = 16 * 1024;

/// Largest compiled regular expression of a source: the default of the `regex` crate is ten times
/// this, and operators may add sources.
pub(crate) const REGEX_BYTES_MAX: usize = 1024 * 1024;

/// Audit events of which the first records are remembered for the later ones: these follow within
/// milliseconds, so some seconds of a busy fleet are enough. About 2 MB when full.
pub(crate) const AUDIT_EVENTS_MAX: usize = 4096;
