//! Slows down guessing: after a few misses, a pair of sign-in name and address must wait, twice as
//! long each time; a name that many addresses try and an address that tries many names wait as well.
//!
//! Kept in the database, so that a restart forgives nothing.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use sha2::{Digest as _, Sha256};

use super::store;

/// Misses that cost nothing: people mistype.
const FREE_MISSES: u32 = 5;
/// Misses of one name over all addresses that cost nothing: its owner must not be shut out by a
/// stranger's few tries.
const FREE_MISSES_OF_NAME: u32 = 20;
/// Misses of one address over all names that cost nothing: an office behind one address.
const FREE_MISSES_OF_ADDRESS: u32 = 50;
/// Longest wait.
const WAIT_MAX_S: i64 = 900;
/// Longest wait of a name tried from many addresses: its owner waits too, so it must stay short.
const WAIT_OF_NAME_MAX_S: i64 = 60;
/// Misses older than this are forgotten.
const FORGET_AFTER: TimeDelta = TimeDelta::hours(1);

/// What is counted together.
struct Counted {
    key: String,
    free: u32,
    wait_max_s: i64,
}

/// Returns what a try is counted under. `address` is `None` where only the name counts (codes).
fn counted(name: &str, address: Option<IpAddr>) -> Vec<Counted> {
    let key = |parts: [&str; 3]| hex::encode(Sha256::digest(parts.join("\n")));
    let Some(address) = address.map(|address| address.to_string()) else {
        let key = key(["name only", name, ""]);
        return vec![Counted { key, free: FREE_MISSES, wait_max_s: WAIT_MAX_S }];
    };
    vec![
        Counted { key: key(["pair", name, &address]), free: FREE_MISSES, wait_max_s: WAIT_MAX_S },
        Counted {
            key: key(["name", name, ""]),
            free: FREE_MISSES_OF_NAME,
            wait_max_s: WAIT_OF_NAME_MAX_S,
        },
        Counted {
            key: key(["address", "", &address]),
            free: FREE_MISSES_OF_ADDRESS,
            wait_max_s: WAIT_MAX_S,
        },
    ]
}

/// Returns how many seconds this try must still wait; `None` if it may go on.
pub(super) async fn wait_s(
    db: &Db,
    name: &str,
    address: Option<IpAddr>,
) -> Result<Option<u64>, DbError> {
    let now = db.now();
    let mut longest = None;
    for counted in counted(name, address) {
        let Some((count, last)) = store::misses(db.conn(), &counted.key).await? else { continue };
        longest = longest.max(left(count, last, &counted, now));
    }
    Ok(longest)
}

/// Remembers a miss.
pub(super) async fn miss(db: &Db, name: &str, address: Option<IpAddr>) -> Result<(), DbError> {
    let noted = db.begin_bookkeeping().await?;
    let now = noted.now();
    store::forget_misses_before(noted.conn(), now - FORGET_AFTER).await?;
    for counted in counted(name, address) {
        store::add_miss(noted.conn(), &counted.key, now).await?;
    }
    noted.commit().await
}

/// Forgets the misses of a pair that got in; those of its address stay: one good account does not
/// excuse the tries on others.
pub(super) async fn hit(db: &Db, name: &str, address: Option<IpAddr>) -> Result<(), DbError> {
    let Some(own) = counted(name, address).into_iter().next() else { return Ok(()) };
    if store::misses(db.conn(), &own.key).await?.is_none() {
        return Ok(());
    }
    let noted = db.begin_bookkeeping().await?;
    store::forget_misses(noted.conn(), &own.key).await?;
    noted.commit().await
}

fn left(count: i32, last: DateTime<Utc>, counted: &Counted, now: DateTime<Utc>) -> Option<u64> {
    if now - last > FORGET_AFTER {
        return None;
    }
    let over = u32::try_from(count).ok()?.checked_sub(counted.free)?;
    let wait_s = 2_i64.saturating_pow(over.min(20)).clamp(1, counted.wait_max_s);
    let left = last + TimeDelta::seconds(wait_s) - now;
    u64::try_from(left.num_seconds()).ok().filter(|left| *left > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_double_end_and_survive_a_restart() {
        for test in db::testing::databases().await {
            let db = &test.db;
            let address = "203.0.113.7".parse().ok();
            for _ in 0..6 {
                assert_eq!(wait_s(db, "an", address).await.unwrap().unwrap_or(0) / 2, 0);
                miss(db, "an", address).await.unwrap();
            }
            miss(db, "an", address).await.unwrap();
            assert_eq!(wait_s(db, "an", address).await.unwrap(), Some(4), "{}", test.name);
            let elsewhere = "198.51.100.1".parse().ok();
            assert_eq!(wait_s(db, "an", elsewhere).await.unwrap(), None, "another address is free");
            test.clock.advance(TimeDelta::seconds(4));
            assert_eq!(wait_s(db, "an", address).await.unwrap(), None);
            for _ in 0..40 {
                miss(db, "an", address).await.unwrap();
            }
            assert_eq!(wait_s(db, "an", address).await.unwrap(), Some(900));
            assert_eq!(wait_s(db, "an", elsewhere).await.unwrap(), Some(60), "the name is known");
            assert_eq!(wait_s(db, "binh", elsewhere).await.unwrap(), None);
            hit(db, "an", address).await.unwrap();
            test.clock.advance(TimeDelta::seconds(60));
            assert_eq!(wait_s(db, "an", elsewhere).await.unwrap(), None);
            test.clock.advance(TimeDelta::hours(2));
            miss(db, "binh", elsewhere).await.unwrap();
            assert_eq!(wait_s(db, "an", address).await.unwrap(), None, "an hour forgives");
        }
    }

    #[tokio::test]
    async fn an_address_that_tries_many_names_waits() {
        let test = db::testing::sqlite().await;
        let address = "203.0.113.7".parse().ok();
        for index in 0..60 {
            miss(&test.db, &format!("name{index}"), address).await.unwrap();
        }
        assert_eq!(wait_s(&test.db, "fresh", address).await.unwrap(), Some(900));
    }
}
