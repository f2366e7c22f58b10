//! Working days: statutory clocks count without Saturdays, Sundays and days off, and with the days
//! worked instead. Read from `content/law/workdays.toml`; the table is set anew each year.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::Deserialize;

const BUILTIN: &str = include_str!("../../../../content/law/workdays.toml");

static WORKDAYS: LazyLock<Workdays> = LazyLock::new(|| {
    Workdays::read(BUILTIN).unwrap_or_else(|error| {
        tracing::error!(%error, "the table of working days cannot be read");
        Workdays::default()
    })
});

/// Days that one entry may cover: no holiday is longer than a month.
const SPAN_DAYS_MAX: usize = 31;

/// Days looked at for a clock: the longest statutory one is 30 working days, some 60 days with Tết.
const LOOK_DAYS_MAX: usize = 400;

/// Which days are worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workdays {
    off: BTreeSet<NaiveDate>,
    work: BTreeSet<NaiveDate>,
    years: BTreeSet<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    off: Vec<Entry>,
    #[serde(default)]
    work: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "what the days are called and whether they are decided is for whoever edits the file"
)]
struct Entry {
    day: NaiveDate,
    to: Option<NaiveDate>,
    vi: String,
    en: String,
    decided: bool,
}

impl Workdays {
    /// Returns the table that comes with the platform.
    pub fn builtin() -> &'static Self {
        &WORKDAYS
    }

    /// Reads a table.
    ///
    /// # Errors
    /// When it does not have the file's shape.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let days = |entries: &[Entry]| -> BTreeSet<NaiveDate> {
            let span = |entry: &Entry| {
                let last = entry.to.unwrap_or(entry.day);
                entry.day.iter_days().take(SPAN_DAYS_MAX).take_while(move |day| *day <= last)
            };
            entries.iter().flat_map(span).collect()
        };
        let (off, work) = (days(&file.off), days(&file.work));
        let years = off.iter().map(Datelike::year).collect();
        Ok(Self { off, work, years })
    }

    /// Returns whether a day is worked.
    pub fn is_worked(&self, day: NaiveDate) -> bool {
        if self.work.contains(&day) {
            return true;
        }
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.off.contains(&day)
    }

    /// Returns the last day of a limit of so many working days; the day on which it begins does not
    /// count (Bộ luật Dân sự 2015, Điều 147.2).
    pub fn after(&self, begins: NaiveDate, days: u32) -> NaiveDate {
        let wanted = usize::try_from(days).unwrap_or(usize::MAX);
        let mut worked = begins.iter_days().skip(1).take(LOOK_DAYS_MAX);
        let mut worked = worked.by_ref().filter(|day| self.is_worked(*day));
        worked.nth(wanted.saturating_sub(1)).unwrap_or(begins)
    }

    /// Returns how many working days lie after one day up to another; negative when the other is past.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        let (first, last, sign) = if from <= to { (from, to, 1) } else { (to, from, -1) };
        let days = first.iter_days().skip(1).take_while(|day| *day <= last).take(LOOK_DAYS_MAX);
        let worked = days.filter(|day| self.is_worked(*day)).count();
        sign * i64::try_from(worked).unwrap_or(i64::MAX)
    }

    /// Returns whether the table knows a year's days off.
    pub fn knows(&self, year: i32) -> bool {
        self.years.contains(&year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn limits_jump_weekends_holidays_and_count_days_worked_instead() {
        let table = Workdays::read(BUILTIN).unwrap();
        assert!(table.knows(2026) && table.knows(2027) && !table.knows(2031));
        for (begins, days, ends) in [
            ("2026-11-27", 5, "2026-12-04"),
            // Over Tết: 13/02 is a Friday, work begins again on 23/02.
            ("2026-02-13", 1, "2026-02-23"),
            // Saturday 22/08 is worked, 31/08 to 02/09 are not.
            ("2026-08-21", 1, "2026-08-22"),
            ("2026-08-28", 2, "2026-09-04"),
            ("2026-11-27", 15, "2026-12-18"),
            // 31 days of December and January with New Year's Day between.
            ("2026-11-27", 25, "2027-01-04"),
        ] {
            assert_eq!(table.after(day(begins), days), day(ends), "{begins} + {days}");
            assert_eq!(
                table.between(day(begins), day(ends)),
                i64::from(days),
                "{begins} to {ends}"
            );
        }
        assert_eq!(table.between(day("2026-12-04"), day("2026-11-27")), -5);
    }
}
