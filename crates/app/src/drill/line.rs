//! A log line with blanks: `{bsd}`, `{pick a|b}`, `{int 1 99}` …, filled anew each time it is sent.
//!
//! | blank | becomes |
//! | --- | --- |
//! | `{bsd}` | `Nov 23 14:05:01`, province time (RFC 3164) |
//! | `{iso}` | `2026-11-23T07:05:01.123Z` |
//! | `{local}` | `2026-11-23 14:05:01`, province time |
//! | `{date}` / `{clock}` | `2026-11-23` / `14:05:01`, province time |
//! | `{clf}` | `23/Nov/2026:14:05:01 +0700` (access logs) |
//! | `{epoch}` | `1795417501.123` |
//! | `{n}` | how many lines this source has sent |
//! | `{int A B}` | a whole number from A to B |
//! | `{hex N}` | N random hex digits |
//! | `{pick a\|b\|c}` | one of them |
//! | `{host}` | the sending source's host name |
//!
//! Anything else in braces is sent as it stands, so JSON lines need no escaping.

use chrono::{DateTime, FixedOffset, Utc};
use rand::Rng;
use rand::seq::IndexedRandom as _;
use serde::Deserialize;

/// Seconds of UTC+7, the province's time zone.
const PROVINCE_OFFSET_S: i32 = 7 * 3600;

/// A line with blanks.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Blank(Blank),
}

#[derive(Debug, Clone, PartialEq)]
enum Blank {
    Time(&'static str),
    Iso,
    Epoch,
    Count,
    Int(i64, i64),
    Hex(usize),
    Pick(Vec<String>),
    Host,
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl Template {
    /// Reads a line. What is no known blank stays text.
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            let filled =
                after.split_once('}').and_then(|(inside, tail)| Some((blank(inside)?, tail)));
            if let Some((blank, tail)) = filled {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Blank(blank));
                rest = tail;
            } else {
                plain.push('{');
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self(parts)
    }

    /// Returns the line for this moment and sender.
    pub fn fill(&self, now: DateTime<Utc>, host: &str, count: u64, rng: &mut impl Rng) -> String {
        let mut line = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Blank(blank) => line.push_str(&blank.fill(now, host, count, rng)),
            }
        }
        line
    }
}

fn blank(inside: &str) -> Option<Blank> {
    let (word, rest) = inside.split_once(' ').unwrap_or((inside, ""));
    match (word, rest) {
        ("bsd", "") => Some(Blank::Time("%b %e %H:%M:%S")),
        ("local", "") => Some(Blank::Time("%Y-%m-%d %H:%M:%S")),
        ("date", "") => Some(Blank::Time("%Y-%m-%d")),
        ("clock", "") => Some(Blank::Time("%H:%M:%S")),
        ("clf", "") => Some(Blank::Time("%d/%b/%Y:%H:%M:%S %z")),
        ("iso", "") => Some(Blank::Iso),
        ("epoch", "") => Some(Blank::Epoch),
        ("n", "") => Some(Blank::Count),
        ("host", "") => Some(Blank::Host),
        ("int", range) => {
            let (low, high) = range.split_once(' ')?;
            let (low, high) = (low.parse().ok()?, high.parse().ok()?);
            (low <= high).then_some(Blank::Int(low, high))
        }
        ("hex", digits) => digits.parse().ok().filter(|digits| *digits <= 256).map(Blank::Hex),
        ("pick", choices) if !choices.is_empty() => {
            Some(Blank::Pick(choices.split('|').map(ToOwned::to_owned).collect()))
        }
        _ => None,
    }
}

impl Blank {
    fn fill(&self, now: DateTime<Utc>, host: &str, count: u64, rng: &mut impl Rng) -> String {
        match self {
            Self::Time(format) => match FixedOffset::east_opt(PROVINCE_OFFSET_S) {
                Some(zone) => now.with_timezone(&zone).format(format).to_string(),
                None => now.format(format).to_string(),
            },
            Self::Iso => now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            Self::Epoch => format!("{}.{:03}", now.timestamp(), now.timestamp_subsec_millis()),
            Self::Count => count.to_string(),
            Self::Int(low, high) => rng.random_range(*low..=*high).to_string(),
            Self::Hex(digits) => {
                let digit = |_| char::from_digit(rng.random_range(0..16), 16);
                (0..*digits).filter_map(digit).collect()
            }
            Self::Pick(choices) => choices.choose(rng).cloned().unwrap_or_default(),
            Self::Host => host.to_owned(),
        }
    }
}
