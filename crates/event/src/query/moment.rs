//! Times in a query: `occurred_at:2026-11-22`, `collected_at:[2026-11-22T14:00 TO 2026-11-22T15:30]`.
//!
//! A time without a zone is Vietnam's clock. What is written says how long it is: a date is its whole
//! day, a minute its whole minute, so that `[2026-11-22 TO 2026-11-23]` holds both days.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// Vietnam's clock is seven hours ahead of UTC, all year.
pub const CLOCK_AHEAD: TimeDelta = TimeDelta::hours(7);

/// Which of an event's times is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When it happened.
    Occurred,
    /// When it was received.
    Collected,
}

impl Moment {
    /// Both times.
    pub const ALL: [Self; 2] = [Self::Occurred, Self::Collected];

    /// Returns the name that people type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Occurred => "occurred_at",
            Self::Collected => "collected_at",
        }
    }

    /// Returns the time that a name means.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.name() == name)
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its begin, inclusive; `None` is open.
    pub from: Option<DateTime<Utc>>,
    /// Its end, exclusive; `None` is open.
    pub to: Option<DateTime<Utc>>,
}

impl Period {
    /// Returns whether a moment lies in it.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// Returns whether no moment lies in it: its ends were confused.
    pub(super) fn is_empty(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from >= to)
    }
}

/// Reads what stands after `occurred_at:`; the inner text of a range comes without its brackets.
pub(super) fn period(text: &str) -> Option<Period> {
    if let Some(inner) = text.strip_prefix('[') {
        let (low, high) = inner.split_once(" TO ")?;
        let from = if low.trim() == "*" { None } else { Some(written(low)?.0) };
        let to = if high.trim() == "*" { None } else { Some(written(high)?.1) };
        return Some(Period { from, to });
    }
    let signs = [">=", "<=", ">", "<"];
    let sign = signs.into_iter().find(|sign| text.starts_with(sign)).unwrap_or_default();
    let (start, end) = written(text.get(sign.len()..)?)?;
    let (from, to) = match sign {
        ">=" => (Some(start), None),
        ">" => (Some(end), None),
        "<=" => (None, Some(end)),
        "<" => (None, Some(start)),
        _ => (Some(start), Some(end)),
    };
    Some(Period { from, to })
}

/// Returns where a written time begins and where it ends.
fn written(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let text = text.trim().trim_matches('"');
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let start = date.and_hms_opt(0, 0, 0)?.checked_sub_signed(CLOCK_AHEAD)?.and_utc();
        return Some((start, start.checked_add_signed(TimeDelta::days(1))?));
    }
    let formats =
        [("%Y-%m-%dT%H:%M", TimeDelta::minutes(1)), ("%Y-%m-%dT%H:%M:%S", TimeDelta::seconds(1))];
    for (format, length) in formats {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
            let start = local.checked_sub_signed(CLOCK_AHEAD)?.and_utc();
            return Some((start, start.checked_add_signed(length)?));
        }
    }
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some((at, at.checked_add_signed(TimeDelta::microseconds(1))?))
}
