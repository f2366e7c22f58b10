//! Typed ids: a UUIDv7 inside, so that ids sort by the time they were made.
//!
//! People never see these; what they read aloud (`SC-2026-0042`) is a separate column.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use uuid::Uuid;

/// Declares types of ids, each a UUID inside. The crate that calls it needs `uuid` and `serde`.
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(::uuid::Uuid);

        impl $name {
            /// Wraps a UUID that came from this id's own column, file or URL.
            pub const fn from_uuid(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID inside, for columns and bytes on disk.
            pub const fn uuid(self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ::uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                ::uuid::Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

// The ids that every crate knows; the list is append-only.
id! {
    /// Names one event for ever: given at collection, kept through spool, lake and alert.
    EventId,
    /// Names an agency (a department, a commune, a school …).
    AgencyId,
    /// Names an information system.
    SystemId,
    /// Names a log source: the stream of one sender, with its token or listener.
    SourceId,
    /// Names an alert.
    AlertId,
    /// Names an incident.
    IncidentId,
    /// Names a person's account.
    AccountId,
}

impl EventId {
    /// Returns when the id was made, in milliseconds since 1970 (the collection time).
    pub fn collected_at_ms(self) -> u64 {
        let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

/// Makes UUIDv7 values from a given time and a seeded generator; safe to share between threads.
///
/// Ids made in the same millisecond by one source still sort in the order they were made: the 12
/// bits after the version count up, and past 4095 the time moves on by one millisecond.
#[derive(Debug)]
pub struct IdSource {
    state: Mutex<IdState>,
}

#[derive(Debug)]
struct IdState {
    rng: StdRng,
    last_ms: u64,
    counter: u16,
}

/// Ids per millisecond before the time field has to run ahead (the 12-bit `rand_a` field, RFC 9562 §5.7).
const COUNTER_MAX: u16 = 0x0fff;

/// The bits of an id's second half that are not its variant.
const RUN_MASK: u64 = 0x3fff_ffff_ffff_ffff;

impl IdSource {
    /// Returns a source seeded by the operating system.
    pub fn from_os() -> Self {
        Self::with(StdRng::from_os_rng())
    }

    /// Returns a source that makes the same ids in every run, for tests and drills.
    pub fn seeded(seed: u64) -> Self {
        Self::with(StdRng::seed_from_u64(seed))
    }

    fn with(rng: StdRng) -> Self {
        Self { state: Mutex::new(IdState { rng, last_ms: 0, counter: 0 }) }
    }

    /// Returns a fresh UUIDv7 for the given time.
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if now_ms > state.last_ms {
            state.last_ms = now_ms;
            state.counter = 0;
        } else if state.counter < COUNTER_MAX {
            state.counter += 1;
        } else {
            state.last_ms += 1;
            state.counter = 0;
        }
        let low = state.rng.next_u64();
        let high = (state.last_ms << 16) | 0x7000 | u64::from(state.counter);
        Uuid::from_u64_pair(high, (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000)
    }

    /// Returns a run of ids, as many as are wanted, for the given time: they share all but their last
    /// bits, which count up from a random start, so that a column of them takes little room.
    pub fn event_run(&self, now: DateTime<Utc>) -> impl Iterator<Item = EventId> + use<> {
        let (high, low) = self.uuid(now).as_u64_pair();
        // The two bits of the variant stay as they are.
        let (variant, start) = (low & !RUN_MASK, low & (RUN_MASK >> 1));
        (start..).map(move |tail| {
            EventId::from_uuid(Uuid::from_u64_pair(high, variant | (tail & RUN_MASK)))
        })
    }

    /// Returns 32 random bytes: tokens, session ids, secrets.
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Returns an id for an event collected now.
    pub fn event(&self, now: DateTime<Utc>) -> EventId {
        EventId::from_uuid(self.uuid(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_sort_in_the_order_they_were_made() {
        let ids = IdSource::seeded(7);
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let made: Vec<EventId> = (0..10_000).map(|_| ids.event(now)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(made[0].collected_at_ms(), 1_790_000_000_123);
        assert_eq!(made[0].uuid().get_version_num(), 7);
    }

    #[test]
    fn a_run_of_ids_counts_up_and_no_two_runs_meet() {
        let ids = IdSource::seeded(7);
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let made: Vec<EventId> =
            (0..3).flat_map(|_| ids.event_run(now).take(5000).collect::<Vec<_>>()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(made[9999].uuid().get_version_num(), 7);
        assert_eq!(made[9999].uuid().get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = IdSource::seeded(1).event(DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        assert!("not an id".parse::<EventId>().is_err());
    }
}
