//! An anchor: what the chain looked like at the end of a month, to be printed, signed and put away. A chain
//! that was rewritten or cut off later does not bear it out.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

use super::store;
use crate::{Db, DbError};

/// Vietnam's clock: months begin at its midnight.
const OFFSET: TimeDelta = TimeDelta::hours(7);
/// Hex digits of a hash.
const HASH_DIGITS: usize = 64;

/// The chain at the end of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// Beginning of the period.
    pub from: DateTime<Utc>,
    /// Its end; not in it.
    pub to: DateTime<Utc>,
    /// Entries made in it.
    pub entries: u64,
    /// The last entry made before its end; `None` when there is none yet.
    pub mark: Option<Mark>,
}

/// An entry's number and hash, written `1234:9f86…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The number.
    pub seq: i64,
    /// The hash, hex.
    pub hash: String,
}

/// Why a mark cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mark: write the entry's number, a colon and the 64 digits of its hash")]
pub struct MarkError(String);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    /// Reads a mark as printed: digits may stand in groups.
    fn from_str(text: &str) -> Result<Self, MarkError> {
        let wrong = || MarkError(text.to_owned());
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let hash: String = hash.split_whitespace().collect::<String>().to_lowercase();
        let seq = seq.trim().parse().map_err(|_no_number| wrong())?;
        if hash.len() != HASH_DIGITS || !hash.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        Ok(Self { seq, hash })
    }
}

/// Returns the beginning and the end of a month in Vietnam (`2026-11`); `None` if it names none.
pub fn month(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let first = NaiveDate::parse_from_str(&format!("{}-01", text.trim()), "%Y-%m-%d").ok()?;
    let (year, month) = match first.month() {
        12 => (first.year().checked_add(1)?, 1),
        month => (first.year(), month.checked_add(1)?),
    };
    let next = NaiveDate::from_ymd_opt(year, month, 1)?;
    let begins = |day: NaiveDate| day.and_hms_opt(0, 0, 0)?.and_utc().checked_sub_signed(OFFSET);
    Some((begins(first)?, begins(next)?))
}

/// Returns the anchor of a period.
///
/// # Errors
/// When the database does not answer.
pub async fn anchor(
    db: &Db,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Anchor, DbError> {
    let entries = store::count(db, from, to).await?;
    let mark = store::last_before(db, to).await?;
    Ok(Anchor { from, to, entries, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_at_vietnams_midnight() {
        let (from, to) = month("2026-11").unwrap();
        assert_eq!(from.to_rfc3339(), "2026-10-31T17:00:00+00:00");
        assert_eq!(to.to_rfc3339(), "2026-11-30T17:00:00+00:00");
        assert_eq!(month("2026-12").unwrap().1.to_rfc3339(), "2026-12-31T17:00:00+00:00");
        for wrong in ["", "2026", "2026-13", "11/2026", "2026-11-05"] {
            assert_eq!(month(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn marks_are_read_as_they_are_printed() {
        let hash = "0123456789abcdef".repeat(4);
        let mark: Mark = format!("12:{hash}").parse().unwrap();
        assert_eq!(mark.to_string(), format!("12:{hash}"));
        let (left, right) = hash.split_at(32);
        let grouped = format!(" 12 : {} {right}", left.to_uppercase());
        assert_eq!(grouped.parse::<Mark>().unwrap(), mark);
        for wrong in ["", "12", "12:abc", &format!("x:{hash}"), &format!("12:{hash}0")] {
            assert!(wrong.parse::<Mark>().is_err(), "{wrong}");
        }
    }
}
