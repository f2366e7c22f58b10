//! What a parser hands to the decoder: the fields of one record and what is known of it so far,
//! before time is resolved and the event is put together.

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use event::{Attrs, Class, Fields, LogSource, Name, Note};

/// One record, read but not yet an event.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The folder under `sources/` that read it, or the built-in format's name.
    pub(crate) parser: Name,
    /// Its OCSF class.
    pub(crate) class: Class,
    /// What Sigma rules call its log source.
    pub(crate) logsource: LogSource,
    /// Every field under the source's own name.
    pub(crate) fields: Fields,
    /// The OCSF attributes found so far.
    pub(crate) attrs: Attrs,
    /// The time that the record states.
    pub(crate) time: Option<StatedTime>,
    /// What the record says where its time should stand, if that is no time.
    pub(crate) unread_time: Option<String>,
    /// What the reader should know.
    pub(crate) notes: Vec<Note>,
}

/// A time as a record states it, before the rules of [`crate::time`] resolve what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatedTime {
    /// Date, time and zone.
    Exact(DateTime<Utc>),
    /// Date and time, no zone.
    Local(NaiveDateTime),
    /// No year and no zone (RFC 3164).
    NoYear {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
        /// Wall clock time.
        time: NaiveTime,
    },
}
