//! The limits that hostile bytes meet, each with its reason.

/// Longest record that is parsed. Windows events end at 64 KiB, a Suricata `fileinfo` or a Zeek
/// record stays far below; past this the record is a dead letter, kept whole.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Most fields read from one record. A Windows event has under 60, a deep cloud JSON some hundreds;
/// field look-ups are linear, so this also bounds the time spent on one record.
pub(crate) const FIELDS_MAX: usize = 1024;

/// Deepest JSON nesting that is flattened; deeper values stay as one text field with a note.
pub(crate) const JSON_DEPTH_MAX: usize = 32;
