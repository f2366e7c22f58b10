//! The event: what one record of one log source says, under OCSF names, with everything the source
//! wrote kept beside it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AgencyId, Attr, Class, EventId, Fields, LogSource, Name, SourceId, SystemId, Value};

/// Whose event it is. Decided by the log source's token or listener; the sender cannot claim another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The agency that owns the source.
    pub agency: AgencyId,
    /// The information system it belongs to; `None` for a source shared by several.
    pub system: Option<SystemId>,
    /// The log source.
    pub source: SourceId,
}

/// How much the event's own time can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeQuality {
    /// The record states date, time and zone.
    Stated,
    /// It states no zone: the source's configured zone was taken.
    AssumedZone,
    /// It states no year: the one that puts it nearest to collection was taken.
    AssumedYear,
    /// It states no time, or one so far off that it cannot be true: the collection time was taken.
    Collected,
}

impl TimeQuality {
    /// All, the best first.
    pub const ALL: [Self; 4] =
        [Self::Stated, Self::AssumedZone, Self::AssumedYear, Self::Collected];

    /// Returns the word that people type and files hold.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::AssumedZone => "assumed_zone",
            Self::AssumedYear => "assumed_year",
            Self::Collected => "collected",
        }
    }
}

/// Something the decoder wants the reader to know: why the record reads as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable word for translation, for example `invalid-utf8`, `clock-off`, `extra-fields`.
    pub code: Name,
    /// What and where, in English.
    pub detail: String,
}

/// The code of a note: the stated time cannot be true, the collection time was taken.
pub const CLOCK_OFF: &str = "clock-off";

/// The code of a note: what is stated as time is none, the collection time was taken.
pub const TIME_UNREADABLE: &str = "time-unreadable";

impl Note {
    /// Returns a note from its stable code and what was seen.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code: Name::Borrowed(code), detail: detail.into() }
    }
}

/// One thing that happened, as one log source told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, for ever.
    pub id: EventId,
    /// Whose it is.
    pub origin: Origin,
    /// When it happened, by the source's word (OCSF `time`).
    pub occurred_at: DateTime<Utc>,
    /// How far that word can be trusted.
    pub time_quality: TimeQuality,
    /// When we received it (OCSF `metadata.logged_time`).
    pub collected_at: DateTime<Utc>,
    /// Its OCSF class.
    pub class: Class,
    /// What Sigma rules call its log source.
    pub logsource: LogSource,
    /// The folder under `sources/` that read it (`linux_sshd`), or the built-in format's name.
    pub parser: Name,
    /// The OCSF attributes.
    #[serde(rename = "attributes")]
    pub attrs: Attrs,
    /// Every field under the name the source gave it (OCSF `unmapped`, but complete).
    pub fields: Fields,
    /// What the decoder wants to say about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The record as it came (OCSF `raw_data`); bytes that are no UTF-8 stand as `\xNN`.
    pub raw: String,
}

impl Event {
    /// Returns a field by any of its names: the source's own, the OCSF path or our short alias.
    /// The source's own name wins, because that is what rules for that source are written against.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .get(name)
            .or_else(|| Attr::from_name(name).and_then(|attr| self.attrs.get(attr)))
    }

    /// Returns whether the event states a time that could not be read or believed, so that it stands under that of its
    /// collection.
    pub fn lost_its_time(&self) -> bool {
        let codes = [CLOCK_OFF, TIME_UNREADABLE];
        self.time_quality == TimeQuality::Collected
            && self.notes.iter().any(|note| codes.contains(&note.code.as_ref()))
    }

    /// Returns an attribute as text, if it is set and not a list.
    pub fn attr_text(&self, attr: Attr) -> Option<&str> {
        match self.attrs.get(attr)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The OCSF attributes of an event, in the order they were set. Few are set at a time, so a walk
/// over a short list beats sixty empty slots.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attrs(Vec<(Attr, Value)>);

impl Attrs {
    /// Returns the attribute's value.
    pub fn get(&self, attr: Attr) -> Option<&Value> {
        self.0.iter().find_map(|(own, value)| (*own == attr).then_some(value))
    }

    /// Sets an attribute, replacing what stood there.
    pub fn set(&mut self, attr: Attr, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(own, _)| *own == attr) {
            None => self.0.push((attr, value)),
            Some((_, old)) => *old = value,
        }
    }

    /// Returns the attributes that are set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Attr, &Value)> {
        self.0.iter().map(|(attr, value)| (*attr, value))
    }
}

impl Serialize for Attrs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(attr, value)| (attr.path(), value)))
    }
}

impl<'de> Deserialize<'de> for Attrs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<Attr, Value>::deserialize(deserializer)?;
        Ok(Self(map.into_iter().collect()))
    }
}
