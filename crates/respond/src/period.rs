//! A period of whole days in Vietnam, as pages of figures ask for it.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use web::figures::{from_vietnam, vietnam};
use web::{AppError, Phrase};

/// Longest period: five years of orders and incidents are some ten thousand rows.
const DAYS_MAX: i64 = 5 * 366;

/// Which days are asked for (`2026-01-31`); empty is this year up to today.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PeriodQuery {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// The first and the last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
}

impl Period {
    /// Returns the period asked for.
    ///
    /// # Errors
    /// When a day is none, the last stands before the first, or the period is longer than five years.
    pub(crate) fn asked(query: &PeriodQuery, now: DateTime<Utc>) -> Result<Self, AppError> {
        let today = vietnam(now).date_naive();
        let wrong = |field: &'static str| AppError::invalid(field, Phrase::key("period-error"));
        let read = |field: &'static str, text: &str, otherwise| match text.trim() {
            "" => Ok(otherwise),
            text => text.parse::<NaiveDate>().map_err(|_| wrong(field)),
        };
        let new_year = NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap_or(today);
        let from = read("from", &query.from, new_year)?;
        let to = read("to", &query.to, today)?;
        if to < from || (to - from).num_days() > DAYS_MAX {
            return Err(wrong("to"));
        }
        Ok(Self { from, to })
    }

    /// Returns when it begins, and when it is over.
    pub(crate) fn moments(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let begin = |day: NaiveDate| from_vietnam(day.and_time(NaiveTime::MIN));
        (begin(self.from), begin(self.to.checked_add_days(Days::new(1)).unwrap_or(self.to)))
    }
}
