//! Parts of a time (`hour`, `week` …) by the clock that the value itself shows: the specification takes
//! them from a date as it stands and converts no time zones. So the logs of one place are judged by one
//! clock, whether they state their offset or not. Numbers count from 1970, and show UTC.
//!
//! Read is what logs write so that it cannot be mistaken. Dates in an order that depends on the country
//! (`11/12/2026`) and the twelve-hour clock are no times here; a time without a year has no week.
//!
//! Source: Sigma specification 2.1, modifiers, "Time Modifiers"; for weeks ISO 8601, as the converters
//! for `ClickHouse` and `DuckDB` have it.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use event::Value;

use crate::ast::TimePart;
use crate::number::Number;

/// Seconds up to the year 5138; larger numbers are milliseconds, then microseconds, then nanoseconds, each
/// up to a thousand times as much.
const SECONDS_MAX: i64 = 100_000_000_000;

/// A text of a smaller number is no time since 1970 but a year, a compact date, a port.
const WRITTEN_SECONDS_MIN: i64 = 100_000_000;

/// The longest text that is looked at, in bytes: the longest form with its fraction and zone is shorter.
const TEXT_BYTES_MAX: usize = 64;

/// Digits of a compact date with its time; numbers since 1970 have 10, 13, 16 or 19.
const COMPACT_DIGITS: usize = 14;

/// How logs write times; a fraction and a zone may follow.
const FORMATS: [&str; 14] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%dT%H%M%S",
    "%d/%b/%Y:%H:%M:%S",
    "%d/%b/%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%b %d %Y %H:%M:%S",
    "%b %d %H:%M:%S%.f %Y",
    "%a %b %d %H:%M:%S%.f %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
];

/// A time as a clock shows it.
#[derive(Debug, Clone, Copy)]
struct Shown {
    time: NaiveDateTime,
    has_year: bool,
}

/// Returns a part of the time that a single value is; `None` for what is no time, or has no such part.
pub(crate) fn of(value: &Value, part: TimePart) -> Option<i64> {
    let Shown { time, has_year } = shown(value)?;
    Some(match part {
        TimePart::Minute => i64::from(time.minute()),
        TimePart::Hour => i64::from(time.hour()),
        TimePart::Day => i64::from(time.day()),
        TimePart::Month => i64::from(time.month()),
        TimePart::Week | TimePart::Year if !has_year => return None,
        TimePart::Week => i64::from(time.iso_week().week()),
        TimePart::Year => i64::from(time.year()),
    })
}

fn shown(value: &Value) -> Option<Shown> {
    if let Value::Text(text) = value
        && let Some(shown) = written(text.trim())
    {
        return Some(shown);
    }
    let whole = match Number::of(value)? {
        Number::Whole(number) => i64::try_from(number).ok()?,
        Number::Part(number) => floor(number)?,
    };
    let is_small = matches!(value, Value::Text(_)) && whole < WRITTEN_SECONDS_MIN;
    let time = if is_small { None } else { since_1970(whole) };
    time.map(|time| Shown { time: time.naive_utc(), has_year: true })
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "checked")]
fn floor(number: f64) -> Option<i64> {
    /// Nanoseconds up to the year 2255.
    const MOST: f64 = 9e18;
    (number.abs() < MOST).then(|| number.floor() as i64)
}

fn since_1970(number: i64) -> Option<DateTime<Utc>> {
    let milliseconds_max = SECONDS_MAX.saturating_mul(1_000);
    match number.saturating_abs() {
        own if own < SECONDS_MAX => DateTime::from_timestamp(number, 0),
        own if own < milliseconds_max => DateTime::from_timestamp_millis(number),
        own if own < milliseconds_max.saturating_mul(1_000) => {
            DateTime::from_timestamp_micros(number)
        }
        _ => Some(DateTime::from_timestamp_nanos(number)),
    }
}

fn written(text: &str) -> Option<Shown> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let with_year = |time| Shown { time, has_year: true };
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(with_year(time.naive_local()));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let compact = (digits == COMPACT_DIGITS).then_some("%Y%m%d%H%M%S");
    if let Some(time) = FORMATS.into_iter().chain(compact).find_map(|format| read(text, format)) {
        return Some(with_year(time));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_hms_opt(0, 0, 0).map(with_year);
    }
    // A leap year, for the 29th of February.
    let time = read(&format!("2000 {text}"), "%Y %b %d %H:%M:%S")?;
    Some(Shown { time, has_year: false })
}

fn read(text: &str, format: &str) -> Option<NaiveDateTime> {
    let (time, rest) = NaiveDateTime::parse_and_remainder(text, format).ok()?;
    let fraction = rest.strip_prefix(['.', ',']);
    let rest = fraction.map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let mut words = rest.split_whitespace();
    // Go writes both the offset and the zone's name.
    let fits = words.by_ref().take(2).all(is_zone) && words.next().is_none();
    fits.then_some(time)
}

/// Returns whether a word may stand for a zone: a name, an offset, or an offset behind a name. Two letters are
/// none: they would be those of a twelve-hour clock.
fn is_zone(word: &str) -> bool {
    let offset = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len().saturating_sub(offset.len());
    let is_number = |digits: &str| {
        let digits = digits.replacen(':', "", 1);
        matches!(digits.len(), 1..=4) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(letters, 0 | 1 | 3..=5)
        && (offset.is_empty() || offset.strip_prefix(['+', '-']).is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARTS: [TimePart; 6] = [
        TimePart::Year,
        TimePart::Month,
        TimePart::Week,
        TimePart::Day,
        TimePart::Hour,
        TimePart::Minute,
    ];

    fn parts(value: impl Into<Value>) -> [Option<i64>; 6] {
        let value = value.into();
        PARTS.map(|part| of(&value, part))
    }

    #[test]
    fn a_time_is_read_however_logs_write_it_by_its_own_clock() {
        let want = [2026, 11, 48, 23, 16, 20].map(Some);
        for text in [
            "2026-11-23T16:20:01Z",
            "2026-11-23t16:20:01.123456789z",
            "2026-11-23T16:20:05.123+07:00",
            "2026-11-23T16:20:05.123456+0700",
            "2026-11-23T16:20:05-11:30",
            "2026-11-23 16:20:01",
            "2026-11-23 16:20:01,123",
            "2026-11-23 16:20:01.123 +07",
            "2026-11-23 16:20:01.123 UTC",
            "2026-11-23 16:20:01 +0700 ICT",
            "2026-11-23 16:20",
            "2026-11-23T16:20Z",
            " 2026/11/23 16:20:01 ",
            "20261123 16:20:03",
            "20261123T162003Z",
            "20261123162003.0Z",
            "20261123162003",
            "23/Nov/2026:16:20:01 +0700",
            "23/Nov/2026:16:20:01.123",
            "23-Nov-2026 16:20:03.123",
            "Nov 23 2026 16:20:01",
            "Nov 23 2026 16:20:01 GMT+00:00",
            "Mon Nov 23 16:20:04.123456 2026",
            "Mon, 23 Nov 2026 16:20:01 GMT",
        ] {
            assert_eq!(parts(text), want, "{text}");
        }
        assert_eq!(parts("2026-11-23"), [2026, 11, 48, 23, 0, 0].map(Some));
        let without_year = [None, Some(11), None, Some(23), Some(16), Some(20)];
        for text in ["Nov 23 16:20:01", "Nov 23 16:20:01.123", "Nov 23 16:20:04 ICT"] {
            assert_eq!(parts(text), without_year, "{text}");
        }
    }

    #[test]
    fn what_may_be_another_time_is_none() {
        for text in [
            "",
            "Z",
            "16:20:01",
            "2026",
            "20261123",
            "11/12/2026 16:20:01",
            "11/23/2026 4:20:01 PM",
            "2026-11-23 4:20:01 PM",
            "2026-11-23 4:20:01 CH",
            "2026-11-23T24:00:00Z",
            "2026-11-23T16:60:00Z",
            "2026-11-31T16:20:00Z",
            "2026-02-29 10:00:00",
            "Tue, 23 Nov 2026 16:20:01 GMT",
            "2026-11-23 16:20:01 and so on it went",
            "2026-11-23 16:20:01 said",
            "2026-11-23 16:20:01+07:00:00",
            "ngày 2026-11-23 16:20:01",
        ] {
            assert_eq!(parts(text), [None; 6], "{text}");
        }
        for value in [Value::Null, Value::Bool(true), Value::List(vec!["2026-11-23".into()])] {
            assert_eq!(parts(value.clone()), [None; 6], "{value:?}");
        }
    }

    #[test]
    fn edges_of_the_calendar() {
        for (text, want) in [
            // 53 weeks; the days round New Year are of a week of the other year.
            ("2026-12-31T23:59:59Z", [2026, 12, 53, 31, 23, 59]),
            ("2027-01-03T00:00:00Z", [2027, 1, 53, 3, 0, 0]),
            ("2027-01-04T00:00:00Z", [2027, 1, 1, 4, 0, 0]),
            ("2024-12-30T12:00:00Z", [2024, 12, 1, 30, 12, 0]),
            ("2024-02-29 00:00:00", [2024, 2, 9, 29, 0, 0]),
            // A leap second is of its minute.
            ("2016-12-31T23:59:60Z", [2016, 12, 52, 31, 23, 59]),
            ("2016-12-31 23:59:60", [2016, 12, 52, 31, 23, 59]),
            // By UTC it is another day, year and week.
            ("2026-01-01T00:00:00+14:00", [2026, 1, 1, 1, 0, 0]),
            ("0001-01-01T00:00:00Z", [1, 1, 1, 1, 0, 0]),
            ("9999-12-31T23:59:59Z", [9999, 12, 52, 31, 23, 59]),
        ] {
            assert_eq!(parts(text), want.map(Some), "{text}");
        }
        let leap_day = [None, Some(2), None, Some(29), Some(1), Some(2)];
        assert_eq!(parts("Feb 29 01:02:03"), leap_day);
    }

    #[test]
    fn numbers_count_from_1970_by_utc() {
        let want = [2025, 12, 1, 31, 23, 59].map(Some);
        for value in [
            Value::Int(1_767_225_598),
            Value::Float(1_767_225_598.75),
            Value::Int(1_767_225_598_000),
            Value::Int(1_767_225_598_000_000),
            Value::Int(1_767_225_598_000_000_000),
            "1767225598".into(),
            "1767225598.123456".into(),
            "1767225598000".into(),
        ] {
            assert_eq!(parts(value.clone()), want, "{value:?}");
        }
        assert_eq!(parts(0), [1970, 1, 1, 1, 0, 0].map(Some));
        assert_eq!(parts(-1), [1969, 12, 1, 31, 23, 59].map(Some));
        assert!(parts(i64::MAX).iter().all(Option::is_some));
        for number in [f64::INFINITY, -1e300, f64::NAN] {
            assert_eq!(parts(Value::Float(number)), [None; 6], "{number}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9A-Za-zà/:., +-]{0,40}") {
            for part in PARTS {
                if let Some(number) = of(&text.as_str().into(), part) {
                    prop_assert!(part == TimePart::Year || part.range().contains(&number));
                }
            }
        }

        #[test]
        fn what_is_written_is_read_whatever_the_offset(
            second in 0_i64..4_000_000_000, hours in -14_i32..=14, minutes in 0..60_i32,
        ) {
            let east = hours * 3600 + hours.signum() * minutes * 60;
            let zone = chrono::FixedOffset::east_opt(east).unwrap();
            let time = DateTime::from_timestamp(second, 0).unwrap().with_timezone(&zone);
            let local = time.naive_local();
            let want = [
                i64::from(local.year()), i64::from(local.month()), i64::from(local.iso_week().week()),
                i64::from(local.day()), i64::from(local.hour()), i64::from(local.minute()),
            ];
            for format in ["%Y-%m-%dT%H:%M:%S%:z", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S"] {
                prop_assert_eq!(parts(local_text(time, format)), want.map(Some));
            }
        }
    }

    fn local_text(time: DateTime<chrono::FixedOffset>, format: &str) -> String {
        time.format(format).to_string()
    }
}
