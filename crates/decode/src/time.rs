//! Reads the times that records state, and resolves what they leave out.
//!
//! The rules, in this order:
//!
//! 1. The record's own time is used before the syslog header's. Date, time and zone: taken as is.
//! 2. No zone: the log source's configured offset (+07:00 unless set), quality `AssumedZone`.
//! 3. No year: the year that puts it nearest to the collection time, quality `AssumedYear`.
//! 4. No time, or one before 2000-01-01 or more than 24 hours after collection: the collection
//!    time, quality `Collected`, and a note `clock-off` that quotes what was stated; one that cannot be
//!    read gets the note `time-unreadable` ([`crate::unread_time`]).
//! 5. Old but plausible times stay: a forwarder may have been off for a month.

use chrono::{
    DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc,
};
use event::{Note, TimeQuality};

use crate::parsed::StatedTime;
use crate::scan::Scan;

/// 2000-01-01T00:00:00Z. Earlier times come from clocks that were never set (1970, 1980, 1999).
const PLAUSIBLE_FROM_S: i64 = 946_684_800;

/// How far ahead of our clock a sender's may run before its time is not believed: a wrong zone is
/// off by at most 26 hours, a wrong date by more.
const AHEAD_MAX: Duration = Duration::hours(24);

/// A time with how it was found, and what to tell the reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
    /// How far that can be trusted.
    pub(crate) quality: TimeQuality,
    /// Set when the stated time was not believed.
    pub(crate) note: Option<Note>,
}

/// Resolves a stated time against the collection time and the source's offset from UTC.
pub(crate) fn resolve(
    stated: Option<StatedTime>,
    collected_at: DateTime<Utc>,
    utc_offset_minutes: i32,
) -> Resolved {
    let Some(stated) = stated else {
        return Resolved { at: collected_at, quality: TimeQuality::Collected, note: None };
    };
    let offset = Duration::minutes(i64::from(utc_offset_minutes));
    let (at, quality) = match stated {
        StatedTime::Exact(at) => (Some(at), TimeQuality::Stated),
        StatedTime::Local(local) => (to_utc(local, offset), TimeQuality::AssumedZone),
        StatedTime::NoYear { month, day, time } => {
            (nearest_year(month, day, time, collected_at, offset), TimeQuality::AssumedYear)
        }
    };
    match at {
        Some(at) if is_plausible(at, collected_at) => Resolved { at, quality, note: None },
        _ => Resolved {
            at: collected_at,
            quality: TimeQuality::Collected,
            note: Some(Note::new(event::CLOCK_OFF, format!("the record states {}", spell(stated)))),
        },
    }
}

fn is_plausible(at: DateTime<Utc>, collected_at: DateTime<Utc>) -> bool {
    at.timestamp() >= PLAUSIBLE_FROM_S && at.signed_duration_since(collected_at) <= AHEAD_MAX
}

fn to_utc(local: NaiveDateTime, offset: Duration) -> Option<DateTime<Utc>> {
    local.checked_sub_signed(offset).map(|utc| utc.and_utc())
}

fn nearest_year(
    month: u32,
    day: u32,
    time: NaiveTime,
    collected_at: DateTime<Utc>,
    offset: Duration,
) -> Option<DateTime<Utc>> {
    let this_year = collected_at.naive_utc().checked_add_signed(offset)?.year();
    // Four years back reach the last 29 February; a line that old has lost its meaning anyway.
    (-4..=1)
        .filter_map(|step| {
            let date = NaiveDate::from_ymd_opt(this_year.checked_add(step)?, month, day)?;
            to_utc(date.and_time(time), offset)
        })
        .min_by_key(|at| at.signed_duration_since(collected_at).abs())
}

fn spell(stated: StatedTime) -> String {
    match stated {
        StatedTime::Exact(at) => at.to_rfc3339(),
        StatedTime::Local(local) => local.to_string(),
        StatedTime::NoYear { month, day, time } => format!("day {day} of month {month}, {time}"),
    }
}

/// Reads a text that is a time as a whole, in any of the ways that logs write one.
pub(crate) fn read(text: &str) -> Option<StatedTime> {
    let text = text.trim();
    match leading(text) {
        Some((stated, rest)) if rest.trim_matches([' ', ']', ':']).is_empty() => Some(stated),
        _ => epoch(text),
    }
}

/// Reads a time at the start of a text; returns it with what follows.
pub(crate) fn leading(text: &str) -> Option<(StatedTime, &str)> {
    let mut scan = Scan::new(text.trim_start_matches(['[', '*', '.']));
    skip_weekday(&mut scan);
    let first = scan.rest.bytes().next()?;
    let stated = if first.is_ascii_alphabetic() {
        month_first(&mut scan)?
    } else if first.is_ascii_digit() {
        let mut ahead = scan;
        let stated = if let Some(stated) = year_first(&mut ahead) {
            stated
        } else {
            ahead = scan;
            if let Some(stated) = day_first(&mut ahead) {
                stated
            } else {
                ahead = scan;
                by_language(&mut ahead)?
            }
        };
        scan = ahead;
        stated
    } else {
        return None;
    };
    Some((stated, scan.rest))
}

fn skip_weekday(scan: &mut Scan<'_>) {
    if let Some(rest) = behind_weekday(scan.rest) {
        scan.rest = rest;
    }
}

/// Returns what stands behind the `Mon ` or `Mon, ` of ctime and RFC 2822.
pub(crate) fn behind_weekday(text: &str) -> Option<&str> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let rest = DAYS.iter().find_map(|day| text.strip_prefix(day))?;
    rest.starts_with([' ', ',']).then(|| rest.trim_start_matches([',', ' ']))
}

/// `2026-11-23T16:20:01.123456+07:00`, `2026-11-23 16:20:01,123`, `2026/11/23 16:20:01`, `20261123 16:20:01`.
fn year_first(scan: &mut Scan<'_>) -> Option<StatedTime> {
    let year = scan.number(4, 4)?;
    let separator = ["-", "/"].into_iter().find(|separator| scan.eat(separator));
    let (month, day) = match separator {
        Some(separator) => {
            let month = scan.number(1, 2)?;
            if !scan.eat(separator) {
                return None;
            }
            (month, scan.number(1, 2)?)
        }
        None => (scan.number(2, 2)?, scan.number(2, 2)?),
    };
    if !(scan.eat("T") || scan.eat("t") || scan.eat(" ") || scan.eat("-")) {
        return None;
    }
    scan.spaces();
    with_date(scan, year, month, day)
}

/// `Nov 23 16:20:01`, `Nov  3 2026 16:20:01.123 ICT`, `Nov 23 16:20:01 2026`.
fn month_first(scan: &mut Scan<'_>) -> Option<StatedTime> {
    let month = month(scan)?;
    scan.spaces();
    let day = scan.number(1, 2)?;
    if !(1..=31).contains(&day) || !scan.eat(" ") {
        return None;
    }
    scan.spaces();
    let mut ahead = *scan;
    if let Some(year) = ahead.number(4, 4)
        && ahead.eat(" ")
    {
        *scan = ahead;
        return with_date(scan, year, month, day);
    }
    let time = clock(scan)?;
    let mut after = *scan;
    if after.eat(" ")
        && let Some(year) = after.number(4, 4)
        && (1970..2200).contains(&year)
        && (after.rest.is_empty() || [" ", "]", ": "].iter().any(|end| after.rest.starts_with(end)))
    {
        *scan = after;
        let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
        return Some(zoned(date.and_time(time), zone(scan)));
    }
    zone(scan); // a zone without a year (Cisco's `UTC:`) says too little to be used
    Some(StatedTime::NoYear { month, day, time })
}

/// `23/Nov/2026:16:20:01 +0700`, `23-Nov-2026 16:20:01.123`, `23 Nov 2026 16:20:01 +0700`.
fn day_first(scan: &mut Scan<'_>) -> Option<StatedTime> {
    let day = scan.number(1, 2)?;
    let separator = ["/", "-", " "].into_iter().find(|separator| scan.eat(separator))?;
    let month = month(scan)?;
    if !scan.eat(separator) {
        return None;
    }
    let year = scan.number(4, 4)?;
    if !(scan.eat(":") || scan.eat(" ")) {
        return None;
    }
    with_date(scan, year, month, day)
}

/// `11/23/2026 4:20:01 PM`, `23/11/2026 4:20:01 CH`, `23/11/2026 16:20:01`: Windows writes times by the machine's
/// language. English has AM and PM and puts the month first; Vietnamese (SA, CH) and who writes 24 hours put the
/// day first, unless that cannot be.
fn by_language(scan: &mut Scan<'_>) -> Option<StatedTime> {
    const HALVES: [(&str, bool); 4] =
        [(" AM", false), (" SA", false), (" PM", true), (" CH", true)];
    let first = scan.number(1, 2)?;
    let second = if scan.eat("/") { scan.number(1, 2)? } else { return None };
    let year = if scan.eat("/") { scan.number(4, 4)? } else { return None };
    if !scan.eat(" ") {
        return None;
    }
    let mut time = clock(scan)?;
    let half = HALVES.iter().find(|(word, _)| scan.eat(word));
    if let Some((_, is_afternoon)) = half {
        time = in_half(time, *is_afternoon)?;
    }
    let is_english = matches!(half, Some((" AM" | " PM", _)));
    let is_month_first = second > 12 || (is_english && first <= 12);
    let (month, day) = if is_month_first { (first, second) } else { (second, first) };
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    Some(zoned(date.and_time(time), zone(scan)))
}

/// Twelve is the first hour of either half of the day.
fn in_half(time: NaiveTime, is_afternoon: bool) -> Option<NaiveTime> {
    let hour = time.hour();
    time.with_hour(match (is_afternoon, hour) {
        (false, 12) => 0,
        (true, 1..=11) => hour.checked_add(12)?,
        _ => hour,
    })
}

fn with_date(scan: &mut Scan<'_>, year: u32, month: u32, day: u32) -> Option<StatedTime> {
    let time = clock(scan)?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    Some(zoned(date.and_time(time), zone(scan)))
}

fn zoned(local: NaiveDateTime, offset_s: Option<i32>) -> StatedTime {
    offset_s
        .and_then(|offset_s| to_utc(local, Duration::seconds(i64::from(offset_s))))
        .map_or(StatedTime::Local(local), StatedTime::Exact)
}

pub(crate) fn month(scan: &mut Scan<'_>) -> Option<u32> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = scan.rest.get(..3)?;
    let found = (1..).zip(MONTHS).find(|(_, month)| month.eq_ignore_ascii_case(name))?.0;
    scan.take_bytes(3);
    Some(found)
}

/// `16:20:01`, with a fraction after `.` or `,`. A leap second counts as the second before it.
fn clock(scan: &mut Scan<'_>) -> Option<NaiveTime> {
    let hour = scan.number(1, 2)?;
    let minute = if scan.eat(":") { scan.number(2, 2)? } else { return None };
    let second = if scan.eat(":") { scan.number(2, 2)? } else { return None };
    let mut nanos = 0_u32;
    let mut ahead = *scan;
    if ahead.eat(".") || ahead.eat(",") {
        let digits = ahead.take_while(|c| c.is_ascii_digit());
        if !digits.is_empty() {
            *scan = ahead;
            let nine = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
            for digit in nine {
                let digit = u32::from(digit.saturating_sub(b'0'));
                nanos = nanos.saturating_mul(10).saturating_add(digit);
            }
        }
    }
    NaiveTime::from_hms_nano_opt(hour, minute, second.min(59), nanos)
}

/// The offset from UTC in seconds: `Z`, `+07:00`, `+0700`, `+07`, ` UTC`, ` ICT` … Takes nothing
/// if there is none.
fn zone(scan: &mut Scan<'_>) -> Option<i32> {
    let mut ahead = *scan;
    ahead.spaces();
    let sign = if ahead.eat("+") {
        1
    } else if ahead.eat("-") {
        -1
    } else {
        const NAMES: [(&str, i32); 4] = [("Z", 0), ("UTC", 0), ("GMT", 0), ("ICT", 7)];
        let name = ahead.take_while(|c| c.is_ascii_alphabetic());
        let hours = NAMES.iter().find(|(known, _)| *known == name)?.1;
        *scan = ahead;
        // `GMT+07:00`
        let offset_s = if ahead.rest.starts_with(['+', '-']) { zone(scan) } else { None };
        return offset_s.or_else(|| hours.checked_mul(3600));
    };
    let hours = ahead.number(2, 2)?;
    let minutes =
        if ahead.eat(":") { ahead.number(2, 2)? } else { ahead.number(2, 2).unwrap_or(0) };
    if hours > 14 || minutes > 59 {
        return None;
    }
    *scan = ahead;
    let seconds = hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60));
    i32::try_from(seconds).ok()?.checked_mul(sign)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size, so that
/// each unit covers 1973 to 2286.
fn epoch(text: &str) -> Option<StatedTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let nanos_per_unit: i64 = match whole.len() {
        0..=10 => 1_000_000_000,
        11..=13 => 1_000_000,
        14..=16 => 1_000,
        _ => 1,
    };
    let mut nanos = i128::from(number).checked_mul(i128::from(nanos_per_unit))?;
    let mut digit_worth = nanos_per_unit;
    for digit in fraction.bytes() {
        digit_worth = digit_worth.checked_div(10)?;
        let part = i128::from(digit.saturating_sub(b'0')).checked_mul(i128::from(digit_worth))?;
        nanos = nanos.checked_add(part)?;
    }
    let seconds = i64::try_from(nanos.checked_div(1_000_000_000)?).ok()?;
    let rest = u32::try_from(nanos.checked_rem(1_000_000_000)?).ok()?;
    DateTime::from_timestamp(seconds, rest).map(StatedTime::Exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_as_logs_write_them() {
        let cases = [
            ("2026-11-23T16:20:01.123456+07:00", "2026-11-23T09:20:01.123456Z Stated"),
            ("2026-11-23T09:20:01Z", "2026-11-23T09:20:01Z Stated"),
            ("2026-11-23 16:20:01,250", "2026-11-23T09:20:01.250Z AssumedZone"),
            ("2026-11-23  9:20:01", "2026-11-23T02:20:01Z AssumedZone"),
            ("20261123 16:20:01", "2026-11-23T09:20:01Z AssumedZone"),
            ("2026/11/23 16:20:01", "2026-11-23T09:20:01Z AssumedZone"),
            ("2026-11-23 16:20:01 +0700", "2026-11-23T09:20:01Z Stated"),
            ("2026-11-23 09:20:01 UTC", "2026-11-23T09:20:01Z Stated"),
            ("23/Nov/2026:16:20:01 +0700", "2026-11-23T09:20:01Z Stated"),
            ("23-Nov-2026 16:20:01.5", "2026-11-23T09:20:01.500Z AssumedZone"),
            ("Mon, 23 Nov 2026 16:20:01 +0700", "2026-11-23T09:20:01Z Stated"),
            ("Mon Nov 23 16:20:01.000001 2026", "2026-11-23T09:20:01.000001Z AssumedZone"),
            ("Nov 23 16:20:01", "2026-11-23T09:20:01Z AssumedYear"),
            ("Nov  3 16:20:01", "2026-11-03T09:20:01Z AssumedYear"),
            ("nov 03 16:20:01", "2026-11-03T09:20:01Z AssumedYear"),
            ("Nov 23 2026 16:20:01", "2026-11-23T09:20:01Z AssumedZone"),
            ("Nov 23 2026 16:20:01 GMT+07:00", "2026-11-23T09:20:01Z Stated"),
            ("Nov 23 2026 09:20:01 GMT", "2026-11-23T09:20:01Z Stated"),
            ("Jun 30 23:59:60", "2026-06-30T16:59:59Z AssumedYear"),
            ("Feb 29 00:00:00", "2024-02-28T17:00:00Z AssumedYear"),
            ("11/23/2026 4:20:01 PM", "2026-11-23T09:20:01Z AssumedZone"),
            ("11/3/2026 12:20:01 AM", "2026-11-02T17:20:01Z AssumedZone"),
            ("3/11/2026 12:20:01 CH", "2026-11-03T05:20:01Z AssumedZone"),
            ("23/11/2026 4:20:01 PM", "2026-11-23T09:20:01Z AssumedZone"),
            ("23/11/2026 16:20:01", "2026-11-23T09:20:01Z AssumedZone"),
            ("11/23/2026 9:20:01 AM +00:00", "2026-11-23T09:20:01Z Stated"),
            ("1795425601", "2026-11-23T09:20:01Z Stated"),
            ("1795425601.042", "2026-11-23T09:20:01.042Z Stated"),
            ("1795425601042", "2026-11-23T09:20:01.042Z Stated"),
            ("1795425601042000", "2026-11-23T09:20:01.042Z Stated"),
            ("1795425601042000000", "2026-11-23T09:20:01.042Z Stated"),
        ];
        for (text, expected) in cases {
            let resolved = resolve(read(text), at("2026-11-23T09:30:00Z"), 420);
            let (when, quality) = expected.split_once(' ').unwrap();
            assert_eq!(resolved.at, at(when), "{text}");
            assert_eq!(format!("{:?}", resolved.quality), quality, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read_as_one() {
        for text in [
            "",
            "-",
            "Nov",
            "Nov 99 16:20:01",
            "2026-13-01T00:00:00Z",
            "Foo 1 00:00:00",
            "2026-11-23",
            "12:00:00",
            "99999999999999999999",
            "1.2.3",
            "20261323 16:20:01",
            "13/13/2026 16:20:01",
            "1/2/26 16:20:01",
            "11/23/2026",
            "2026-11-23T25:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_clock_never_hides_an_event() {
        let now = at("2026-11-23T09:30:00Z");
        for text in [
            "1970-01-01T00:00:07Z",
            "2099-01-01T00:00:00Z",
            "1999-12-31 23:59:59",
            "0",
            "2026-11-24T09:30:01Z",
            "Dec 31 23:59:59",
            "Jan  1 00:00:07",
        ] {
            let resolved = resolve(read(text), now, 420);
            assert_eq!((resolved.at, resolved.quality), (now, TimeQuality::Collected), "{text}");
            assert_eq!(resolved.note.unwrap().code, "clock-off", "{text}");
        }
        let old = resolve(read("2001-02-03T04:05:06Z"), now, 420);
        assert_eq!((old.at, old.note), (at("2001-02-03T04:05:06Z"), None));
    }

    #[test]
    fn new_year_does_not_throw_a_line_a_year_off() {
        let just_after = at("2027-01-01T00:10:00Z");
        let resolved = resolve(read("Dec 31 23:59:00"), just_after, 0);
        assert_eq!(resolved.at, at("2026-12-31T23:59:00Z"));
        let just_before = at("2026-12-31T23:50:00Z");
        let resolved = resolve(read("Jan  1 00:01:00"), just_before, 0);
        assert_eq!(resolved.at, at("2027-01-01T00:01:00Z"));
    }
}
