//! A baseline as written: what it learns, of whom, for how long, and what it then calls unusual.

use event::Event;

use super::value::Part;

/// What a baseline document asks for, beside its condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spec {
    pub(super) kind: Kind,
    /// Whose habits are learned; empty: those of the whole system.
    pub(super) entity: Vec<Part>,
    /// What is remembered of each; empty for a volume.
    pub(super) value: Vec<Part>,
    pub(super) learn: Learn,
    /// A value not seen for so long is forgotten.
    pub(super) forget_s: i64,
    /// Changes when other things are learned.
    pub(super) fingerprint: u64,
}

/// How long a source, and each entity in it, is watched before anything is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Learn {
    /// Seconds of event time.
    pub(super) span_s: i64,
    /// Events of the source.
    pub(super) events: u64,
    /// Events of the entity.
    pub(super) known: u64,
}

/// What is called unusual.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A value that the entity never had.
    FirstSeen,
    /// A value that the entity hardly ever has and few others have.
    RareValue {
        /// At most this share of the entity's events, 0 to 1.
        share_max: f64,
        /// At most so many other entities.
        others_max: u64,
    },
    /// Far more in one hour than at this time of day and kind of day before.
    Volume {
        /// The field that is added up; without one, events are counted.
        sum: Option<String>,
        /// Never told below this.
        least: f64,
        /// Never told below so many times the usual.
        times: f64,
    },
    /// Contacts at even intervals with something that few others contact.
    Beacon {
        /// Contacts needed.
        contacts: usize,
        /// How far four of five intervals may lie from the median one, as a share of it.
        jitter_max: f64,
        /// Shortest and longest median interval, in seconds. Contacts closer together than half the
        /// shortest count as one.
        interval_s: (i64, i64),
        /// At most so many other entities contact the same.
        others_max: u64,
        /// A size that a beacon keeps even as well.
        size: Option<String>,
    },
}

impl Kind {
    /// The words of `type`.
    pub(super) const WORDS: [&'static str; 4] = ["first_seen", "rare_value", "volume", "beacon"];

    /// Returns the word of `type`: also the selection that a finding names.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::FirstSeen => "first_seen",
            Self::RareValue { .. } => "rare_value",
            Self::Volume { .. } => "volume",
            Self::Beacon { .. } => "beacon",
        }
    }
}

impl Spec {
    /// Returns what is learned together: values are a system's, because the same account may be seen
    /// by several of its sources; rhythms and volumes are one source's, because a second source that
    /// joins would double them.
    pub(super) fn scope(&self, event: &Event) -> uuid::Uuid {
        let own = event.origin.source.uuid();
        match self.kind {
            Kind::FirstSeen | Kind::RareValue { .. } => {
                event.origin.system.map_or(own, event::SystemId::uuid)
            }
            Kind::Volume { .. } | Kind::Beacon { .. } => own,
        }
    }
}
