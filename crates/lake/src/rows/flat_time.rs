//! Times as flat JSON lines state them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::scan::Token;

/// Returns a moment in microseconds: RFC 3339, `2026-11-23 10:00:00` (read as UTC), or a number of
/// seconds, milli-, micro- or nanoseconds since 1970, told apart by its size.
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
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return Some(time.and_utc().timestamp_micros());
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e11)?;
    let whole = DateTime::from_timestamp_millis(0)?;
    let span = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    whole
        .checked_add_signed(chrono::TimeDelta::from_std(span).ok()?)
        .map(|time| time.timestamp_micros())
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
        ] {
            let line = format!("{{\"ts\":\"{text}\"}}");
            let mut marks = event::JsonMarks::default();
            marks.read(line.as_bytes());
            let rest = super::super::scan::Line::open(&line, &marks).unwrap().name().unwrap().0;
            let (_, token) = rest.value().unwrap();
            assert_eq!(micros(token, &line), Some(1_795_428_000_500_000), "{text}");
        }
    }
}
