//! How the platform's own disk does, as the duty page tells it: the room left, how fast it goes, and
//! why nothing is taken in, if so. The application measures, the [`Hub`](crate::Hub) holds the newest.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// The platform's disk at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Storage {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// The size of the file system.
    pub total_bytes: u64,
    /// Bytes that the events take.
    pub lake_bytes: u64,
    /// Those of them that lie in a store, and not on this disk.
    pub store_bytes: u64,
    /// Bytes that the events of one day take, by the last seven; nothing while too little is known.
    pub daily_bytes: Option<u64>,
    /// Days until senders must wait, at this rate; nothing while it is not known, or where as much goes to a
    /// store as comes.
    pub days_left: Option<u64>,
    /// Why nothing is taken in, or nothing can be written.
    pub trouble: Option<StorageTrouble>,
}

/// What keeps the platform from taking records in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StorageTrouble {
    /// `disk-low`, `behind`, `spool-failing`, `spool-unreadable` or `lake-failing`.
    pub kind: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the system said; empty where the kind says all.
    pub detail: String,
}

impl StorageTrouble {
    /// Returns the key of what it is.
    pub fn key(&self) -> &'static str {
        match self.kind.as_str() {
            "disk-low" => "duty-storage-disk-low",
            "behind" => "duty-storage-behind",
            "lake-failing" => "duty-storage-lake-failing",
            "spool-unreadable" => "duty-storage-spool-unreadable",
            _ => "duty-storage-spool-failing",
        }
    }
}

/// Days that a forecast should leave: below it there is hardly time to buy a disk.
const DAYS_MIN: u64 = 30;

impl Storage {
    /// Returns what the events of one day take; 0 while that is not known.
    pub fn daily(&self) -> u64 {
        self.daily_bytes.unwrap_or_default()
    }

    /// Returns whether the room left lasts long enough.
    pub fn lasts(&self) -> bool {
        self.days_left.is_none_or(|days| days >= DAYS_MIN)
    }
}
