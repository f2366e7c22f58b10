//! How numbers, sizes, durations and moments are written for people.
//!
//! Pure functions; the filters and the language files use them. Times are shown in Vietnam's zone
//! (UTC+7, no daylight saving), the UTC time stands in the tooltip.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};

use crate::Lang;
use crate::i18n::Phrase;

/// Seconds by which Vietnam's clocks are ahead of UTC.
///
/// Source: Quyết định 134/2002/QĐ-TTg (the official time zone is UTC+7).
const VIETNAM_OFFSET_S: i32 = 7 * 3600;

/// Returns a moment on Vietnam's clock.
pub fn vietnam(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(VIETNAM_OFFSET_S) {
        Some(zone) => moment.with_timezone(&zone),
        None => moment.fixed_offset(),
    }
}

/// Returns the moment at which Vietnam's clock shows this: the way back from [`vietnam`].
pub fn from_vietnam(local: NaiveDateTime) -> DateTime<Utc> {
    local.and_utc() - TimeDelta::seconds(i64::from(VIETNAM_OFFSET_S))
}

/// Returns a whole number with groups of three: `1.234` in Vietnamese, `1,234` in English.
pub fn whole(number: i128, lang: Lang) -> String {
    let separator = match lang {
        Lang::Vi => '.',
        Lang::En => ',',
    };
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Returns a number with at most one digit after the mark: `1.234,5` in Vietnamese.
pub fn decimal(number: f64, lang: Lang) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let rounded = format!("{number:.1}");
    let (whole_part, fraction) = rounded.split_once('.').unwrap_or((&rounded, "0"));
    let whole_part: i128 = whole_part.parse().unwrap_or_default();
    let sign = if number < 0.0 && whole_part == 0 && fraction != "0" { "−" } else { "" };
    let mark = match lang {
        Lang::Vi => ',',
        Lang::En => '.',
    };
    let grouped = whole(whole_part, lang);
    if fraction == "0" { grouped } else { format!("{sign}{grouped}{mark}{fraction}") }
}

/// Returns a size in bytes with the largest fitting unit: `1,5 MB`.
pub fn bytes(size: u64, lang: Lang) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[expect(clippy::cast_precision_loss, reason = "one digit after the mark is shown")]
    let mut rest = size as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or("B");
    while rest >= 1000.0 {
        let Some(next) = units.next() else { break };
        rest /= 1000.0;
        unit = next;
    }
    format!("{} {unit}", decimal(rest, lang))
}

/// Returns a duration in its two largest units: `2 giờ 14 phút`. The sign is dropped.
pub fn duration(length: TimeDelta, lang: Lang) -> String {
    let seconds = length.num_seconds().unsigned_abs();
    let parts = [
        (seconds / 86_400, "web-duration-days"),
        (seconds / 3600 % 24, "web-duration-hours"),
        (seconds / 60 % 60, "web-duration-minutes"),
        (seconds % 60, "web-duration-seconds"),
    ];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else {
        return Phrase::key("web-duration-seconds").arg("count", 0_i64).text(lang);
    };
    // Seconds matter only under ten minutes: "2 giờ 14 phút", never "14 phút 3 giây".
    let shown = if seconds >= 600 { 3 } else { 4 };
    parts
        .iter()
        .take(shown)
        .skip(first)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, key)| Phrase::key(key).arg("count", *count).text(lang))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns how long ago a moment was (or how far ahead it is): `3 phút trước`.
pub fn ago(moment: DateTime<Utc>, now: DateTime<Utc>, lang: Lang) -> String {
    let gap = now - moment;
    if gap.num_seconds().abs() < 10 {
        return crate::i18n::text(lang, "web-just-now");
    }
    let coarse = [
        (86_400, "web-duration-days"),
        (3600, "web-duration-hours"),
        (60, "web-duration-minutes"),
        (1, "web-duration-seconds"),
    ]
    .into_iter()
    .map(|(unit, key)| (gap.num_seconds().abs() / unit, key))
    .find(|(count, _)| *count > 0);
    let (count, key) = coarse.unwrap_or((0, "web-duration-seconds"));
    let length = Phrase::key(key).arg("count", count).text(lang);
    let frame =
        if gap < TimeDelta::zero() { Phrase::key("web-ahead") } else { Phrase::key("web-ago") };
    frame.arg("length", length).text(lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_the_reader_writes_them() {
        let cases = [
            (0.0, "0", "0"),
            (1234.5, "1.234,5", "1,234.5"),
            (1_000_000.0, "1.000.000", "1,000,000"),
            (-0.5, "−0,5", "−0.5"),
            (-1234.0, "−1.234", "−1,234"),
            (f64::NAN, "–", "–"),
        ];
        for (number, vi, en) in cases {
            assert_eq!(decimal(number, Lang::Vi), vi);
            assert_eq!(decimal(number, Lang::En), en);
        }
        assert_eq!(bytes(1_536_000, Lang::Vi), "1,5 MB");
        assert_eq!(bytes(0, Lang::Vi), "0 B");
    }

    #[test]
    fn durations_name_their_two_largest_units() {
        let cases = [
            (0, "0 giây"),
            (59, "59 giây"),
            (125, "2 phút 5 giây"),
            (8040, "2 giờ 14 phút"),
            (8043, "2 giờ 14 phút"),
            (7200, "2 giờ"),
            (-90_000, "1 ngày 1 giờ"),
            (86_400 + 59 * 60, "1 ngày"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(duration(TimeDelta::seconds(seconds), Lang::Vi), expected);
        }
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let cases =
            [(3, "vừa xong"), (190, "3 phút trước"), (7300, "2 giờ trước"), (-3600, "1 giờ nữa")];
        for (seconds, expected) in cases {
            assert_eq!(ago(now - TimeDelta::seconds(seconds), now, Lang::Vi), expected);
        }
    }
}
