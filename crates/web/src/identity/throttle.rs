//! Slows down guessing: after a few misses, a pair of sign-in name and address must wait, twice as
//! long each time; an address that tries many names waits as well.
//!
//! Kept in memory: a restart forgives, which costs a guesser more than it gives.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

/// Misses that cost nothing: people mistype.
const FREE_MISSES: u32 = 5;
/// Misses of one address over all names that cost nothing: an office behind one address.
const FREE_MISSES_OF_ADDRESS: u32 = 50;
/// Longest wait.
const WAIT_MAX_S: i64 = 900;
/// Pairs remembered; past this the oldest is forgotten.
const PAIRS_MAX: usize = 10_000;
/// Misses older than this are forgotten.
const FORGET_AFTER: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Copy)]
struct Misses {
    count: u32,
    last: DateTime<Utc>,
}

/// The memory of misses.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<(String, Option<IpAddr>), Misses>>);

impl Throttle {
    /// Returns how many seconds this pair must still wait; `None` if it may try now.
    pub(super) fn wait_s(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Option<u64> {
        let memory = self.0.lock();
        let pair = memory.get(&(name.to_owned(), address)).copied();
        let whole = memory.get(&(String::new(), address)).copied();
        [(pair, FREE_MISSES), (whole, FREE_MISSES_OF_ADDRESS)]
            .into_iter()
            .filter_map(|(misses, free)| left(misses?, free, now))
            .max()
    }

    /// Remembers a miss.
    pub(super) fn miss(&self, name: &str, address: Option<IpAddr>, now: DateTime<Utc>) {
        let mut memory = self.0.lock();
        for key in [(name.to_owned(), address), (String::new(), address)] {
            let misses = memory.entry(key).or_insert(Misses { count: 0, last: now });
            if now - misses.last > FORGET_AFTER {
                misses.count = 0;
            }
            misses.count = misses.count.saturating_add(1);
            misses.last = now;
        }
        if memory.len() > PAIRS_MAX {
            memory.retain(|_, misses| now - misses.last <= FORGET_AFTER);
        }
        while memory.len() > PAIRS_MAX {
            let oldest =
                memory.iter().min_by_key(|(_, misses)| misses.last).map(|(key, _)| key.clone());
            match oldest {
                Some(key) => drop(memory.remove(&key)),
                None => break,
            }
        }
    }

    /// Forgets the misses of a pair that got in.
    pub(super) fn hit(&self, name: &str, address: Option<IpAddr>) {
        self.0.lock().remove(&(name.to_owned(), address));
    }
}

fn left(misses: Misses, free: u32, now: DateTime<Utc>) -> Option<u64> {
    let over = misses.count.checked_sub(free)?;
    let wait_s = 2_i64.saturating_pow(over.min(20)).clamp(1, WAIT_MAX_S);
    let left = misses.last + TimeDelta::seconds(wait_s) - now;
    u64::try_from(left.num_seconds()).ok().filter(|left| *left > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_pass() {
        let throttle = Throttle::default();
        let start = DateTime::UNIX_EPOCH;
        let address = "203.0.113.7".parse().ok();
        for _ in 0..FREE_MISSES {
            assert_eq!(throttle.wait_s("an", address, start), None);
            throttle.miss("an", address, start);
        }
        throttle.miss("an", address, start);
        throttle.miss("an", address, start);
        assert_eq!(throttle.wait_s("an", address, start), Some(4));
        assert_eq!(throttle.wait_s("an", None, start), None, "another address is free");
        assert_eq!(throttle.wait_s("an", address, start + TimeDelta::seconds(4)), None);
        for _ in 0..40 {
            throttle.miss("an", address, start);
        }
        assert_eq!(throttle.wait_s("an", address, start), Some(900));
        assert!(throttle.wait_s("binh", address, start).is_none());
        throttle.hit("an", address);
        assert_eq!(throttle.wait_s("an", address, start), None);
    }

    #[test]
    fn an_address_that_tries_many_names_waits() {
        let throttle = Throttle::default();
        let address = "203.0.113.7".parse().ok();
        for index in 0..60 {
            throttle.miss(&format!("name{index}"), address, DateTime::UNIX_EPOCH);
        }
        assert_eq!(throttle.wait_s("fresh", address, DateTime::UNIX_EPOCH), Some(900));
    }
}
