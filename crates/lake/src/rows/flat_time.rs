//! Times as flat JSON lines state them.

use chrono::{NaiveDate, NaiveTime};

use super::scan::Token;

/// Returns a moment in microseconds: RFC 3339 and its kin, `2026-11-23 10:00:00` (without a zone read as
/// UTC), or a number of seconds, milli-, micro- or nanoseconds since 1970, told apart by its size.
pub(super) fn micros(token: Token, line: &str) -> Option<i64> {
    let text = token.text(line);
    if let Ok(number) = text.parse::<i64>() {
        return Some(match number.unsigned_abs() {
            0..100_000_000_000 => number.checked_mul(1_000_000)?,
            100_000_000_000..100_000_000_000_000 => number.checked_mul(1000)?,
            100_000_000_000_000..100_000_000_000_000_000 => number,
            _ => number.div_euclid(1000),
        });
    }
    usual(text.as_bytes()).or_else(|| any(&text))
}

/// Reads `2026-11-23T10:00:00.123456Z`, the usual form, by its places.
fn usual(text: &[u8]) -> Option<i64> {
    let (rest, b'Z') = (text.get(..text.len().checked_sub(1)?)?, *text.last()?) else {
        return None;
    };
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = rest.get(from..to)?;
        digits.iter().try_fold(0_u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(place, mark)| rest.get(*place) == Some(mark)) {
        return None;
    }
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let fraction_us = match rest.len() {
        19 => 0,
        length @ 21..=26 if rest.get(19) == Some(&b'.') => {
            let places = u32::try_from(26 - length).ok()?;
            number(20, length)? * 10_u32.pow(places)
        }
        _ => return None,
    };
    let time =
        date.and_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, fraction_us)?;
    Some(time.and_utc().timestamp_micros())
}

fn any(text: &str) -> Option<i64> {
    let text = text.trim();
    spelt(text).or_else(|| seconds(text)).or_else(|| float(text))
}

/// Reads a date, with a time or without, whose parts stand as ISO 8601 or a database writes them:
/// `2026-11-23T17:00:00.5+0700`, `2026-11-23 10:00:00,5 UTC`, `2026/11/23`. Without a zone it is UTC.
fn spelt(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = ["%Y-%m-%d", "%Y/%m/%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(date, format).ok())?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?.trim_start();
    let of_clock = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ',');
    let (clock, zone) = rest.split_at(rest.find(|c: char| !of_clock(c)).unwrap_or(rest.len()));
    let clock = clock.replace(',', ".");
    let time = ["%H:%M:%S%.f", "%H:%M"]
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(&clock, format).ok())?;
    let local_us = date.and_time(time).and_utc().timestamp_micros();
    local_us.checked_sub(ahead_us(zone.trim())?)
}

/// Returns how far a zone's clock is ahead of UTC: `Z`, `UTC`, `+07:00`, `+0700`, `+07`.
fn ahead_us(zone: &str) -> Option<i64> {
    if ["", "Z", "UTC", "GMT"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_number)
    };
    let minutes = if minutes.is_empty() { 0 } else { number(minutes).filter(|own| *own < 60)? };
    let hours = number(hours).filter(|own| *own < 24)?;
    Some(sign * (hours * 60 + minutes) * 60_000_000)
}

/// Reads seconds since 1970 with a fraction, digit by digit: a float lies a little beside some of them.
fn seconds(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.')?;
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 11 || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = micros.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
    Some(sign * (whole.parse::<i64>().ok()? * 1_000_000 + micros))
}

/// Reads seconds as some programs write large numbers: `1.7954e9`.
fn float(text: &str) -> Option<i64> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e11)?;
    #[expect(clippy::cast_possible_truncation, reason = "within the type by far")]
    let micros = (seconds * 1e6).round() as i64;
    Some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_whatever_form() {
        for text in [
            "2026-11-23T10:00:00.5Z",
            "2026-11-23T10:00:00.500000Z",
            "2026-11-23T17:00:00.500+07:00",
            "2026-11-23 10:00:00.5",
            "1795428000.5",
            "1795428000500",
            "1795428000500000",
            "1795428000500000000",
            "2026-11-23T10:00:00.5",
            "2026-11-23T10:00:00.5z",
            "2026-11-23t17:00:00.500+0700",
            "2026-11-23T17:00:00.5+07",
            "2026-11-23 17:00:00,500 +07:00",
            "2026-11-23 00:30:00.5-09:30",
            "2026/11/23 10:00:00.5 UTC",
        ] {
            assert_eq!(read(text), Some(1_795_428_000_500_000), "{text}");
        }
    }

    #[test]
    fn a_time_is_read_to_the_microsecond_and_what_is_none_is_not() {
        for (text, expected) in [
            ("1795428000.123456", Some(1_795_428_000_123_456)),
            ("1795428000.123459", Some(1_795_428_000_123_459)),
            ("-1.5", Some(-1_500_000)),
            ("1.795428e9", Some(1_795_428_000_000_000)),
            ("2026-11-23", Some(1_795_392_000_000_000)),
            ("2026-11-23T10:00", Some(1_795_428_000_000_000)),
            ("2026-11-23T10:00:00+7", None),
            ("2026-11-23T10:00:00 ICT", None),
            ("2026-11-23T25:00:00", None),
            ("2026-11-23x", None),
            ("Đăng nhập thất bại", None),
            ("1.2.3", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    fn read(text: &str) -> Option<i64> {
        let line = format!("{{\"ts\":\"{text}\"}}");
        let mut marks = event::JsonMarks::default();
        marks.read(line.as_bytes());
        let rest = super::super::scan::Line::open(&line, &marks).unwrap().name().unwrap().0;
        let (_, token) = rest.value().unwrap();
        micros(token, &line)
    }
}
