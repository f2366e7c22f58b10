//! The answers by a plain count over the lines: what every engine must say too.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDate};
use memchr::memmem::Finder;
use serde::Deserialize;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// A rare word, in small letters.
    pub(super) word: String,
    /// A part of a word, in small letters.
    pub(super) part: String,
    /// The first filter of the histogram.
    pub(super) action: String,
    /// The second.
    pub(super) protocol: String,
}

/// Microseconds of ten minutes.
pub(super) const BAR_US: i64 = 600_000_000;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;

/// The answers.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) words: u64,
    pub(super) parts: u64,
    /// The day with the most events: what is asked of one day is asked of it.
    pub(super) day: NaiveDate,
    /// Start of each ten minutes of the day, in microseconds.
    pub(super) bars: HashMap<i64, u64>,
    /// Count and sum of bytes by source address, of the day.
    pub(super) sources: HashMap<String, (u64, i64)>,
    pub(super) users: HashMap<String, u64>,
    /// By start of the hour, in microseconds, and product.
    pub(super) hours: HashMap<(i64, String), u64>,
}

#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow, alias = "occurred_at", alias = "time", alias = "timestamp")]
    ts: Cow<'a, str>,
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    protocol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    src_ip: Option<Cow<'a, str>>,
    bytes_out: Option<i64>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    log_product: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "raw")]
    message: Option<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Day {
    events: u64,
    bars: HashMap<i64, u64>,
    sources: HashMap<String, (u64, i64)>,
}

/// Counts. Lines that are no events of the bench's form are given to `leave_out`, with their number from 1 and
/// what is wrong.
///
/// # Errors
///
/// When the input cannot be read, has no events, or `leave_out` refuses.
pub(super) fn count(
    input: impl BufRead,
    wanted: &Wanted,
    mut leave_out: impl FnMut(u64, &str, &[u8]) -> Result<()>,
) -> Result<Truth> {
    let mut truth = Truth::default();
    let mut days = HashMap::<i64, Day>::new();
    let word = Finder::new(&wanted.word).into_owned();
    let part = Finder::new(&wanted.part).into_owned();
    for (number, line) in (1..).zip(input.split(b'\n')) {
        let bytes = line?;
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let (line, time_us) = match read(&bytes) {
            Ok(read) => read,
            Err(why) => {
                leave_out(number, &why, &bytes)?;
                continue;
            }
        };
        truth.events += 1;
        truth.bytes += u64::try_from(bytes.len() + 1)?;
        // Without a message the line itself is the record.
        let whole = || String::from_utf8_lossy(&bytes);
        let record = line.message.clone().unwrap_or_else(whole).to_ascii_lowercase();
        truth.words += u64::from(has_word(&record, &word));
        truth.parts += u64::from(part.find(record.as_bytes()).is_some());
        let day = days.entry(time_us.div_euclid(DAY_US)).or_default();
        day.events += 1;
        if line.action.as_deref() == Some(wanted.action.as_str())
            && line.protocol.as_deref() == Some(wanted.protocol.as_str())
        {
            *day.bars.entry(time_us.div_euclid(BAR_US) * BAR_US).or_default() += 1;
        }
        if let Some(src) = line.src_ip {
            let (count, sum) = day.sources.entry(src.into_owned()).or_default();
            *count += 1;
            *sum += line.bytes_out.unwrap_or(0);
        }
        if let Some(user) = line.user {
            *truth.users.entry(user.into_owned()).or_default() += 1;
        }
        let product = line.log_product.unwrap_or_default().into_owned();
        *truth.hours.entry((time_us.div_euclid(HOUR_US) * HOUR_US, product)).or_default() += 1;
    }
    let mut days: Vec<(i64, Day)> = days.into_iter().collect();
    days.sort_by_key(|(number, day)| (std::cmp::Reverse(day.events), *number));
    let (number, day) = days.into_iter().next().context("the input has no events")?;
    truth.day = DateTime::from_timestamp_micros(number * DAY_US).unwrap_or_default().date_naive();
    (truth.bars, truth.sources) = (day.bars, day.sources);
    Ok(truth)
}

/// Reads a line and its time in microseconds, or returns what is wrong with it.
fn read(bytes: &[u8]) -> Result<(Line<'_>, i64), String> {
    let line: Line<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let time = DateTime::parse_from_rfc3339(&line.ts)
        .map_err(|error| format!("its time `{}`: {error}", line.ts))?;
    let time_us = time.timestamp_micros();
    Ok((line, time_us))
}

/// Returns whether a text has a word that is no part of a longer one.
fn has_word(text: &str, word: &Finder<'_>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    word.find_iter(text.as_bytes()).any(|start| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text.get(start + word.needle().len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Returns whether these are the `limit` largest of all: each as often as it should be, and none larger
/// left out. Which of equals stand at the end is free.
pub(super) fn are_top<C: Ord + Copy>(
    given: &[(String, C)],
    all: &HashMap<String, C>,
    limit: usize,
    by: impl Fn(C) -> u64,
) -> bool {
    let mut counts: Vec<u64> = all.values().map(|own| by(*own)).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts.truncate(limit);
    let shown: Vec<u64> = given.iter().map(|(_, own)| by(*own)).collect();
    shown == counts && given.iter().all(|(value, own)| all.get(value) == Some(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_lines_is_counted() {
        let lines = concat!(
            r#"{"ts":"2026-11-23T00:11:00.5Z","action":"denied","protocol":"tcp","src_ip":"1.2.3.4","bytes_out":7,"user":"an","log_product":"p","message":"one QZ7 word"}"#,
            "\n",
            r#"{"ts":"2026-11-23T00:19:59Z","action":"denied","protocol":"tcp","src_ip":"1.2.3.4","bytes_out":5,"log_product":"p","message":"xqz7x"}"#,
            "\n",
            r#"{"ts":"2026-11-24T00:00:00Z","action":"denied","protocol":"udp","src_ip":"1.2.3.4","message":"x"}"#,
            "\n",
            r#"{"ts":"2026-11-25T00:00:00Z","CommandLine":"a QZ7x, qz7"}"#,
            "\n",
        );
        let wanted = Wanted {
            word: "qz7".to_owned(),
            part: "z7x".to_owned(),
            action: "denied".to_owned(),
            protocol: "tcp".to_owned(),
        };
        let truth = count(lines.as_bytes(), &wanted, |_, _, _| Ok(())).unwrap();
        assert_eq!((truth.events, truth.words, truth.parts), (4, 2, 2));
        assert_eq!(truth.day.to_string(), "2026-11-23");
        assert_eq!(truth.bars, HashMap::from([(1_795_392_600_000_000, 2)]));
        assert_eq!(truth.sources, HashMap::from([("1.2.3.4".to_owned(), (2, 12))]));
        assert_eq!(truth.users, HashMap::from([("an".to_owned(), 1)]));
        assert_eq!(truth.hours.get(&(1_795_392_000_000_000, "p".to_owned())), Some(&2));
    }

    #[test]
    fn equals_at_the_end_of_a_top_are_free() {
        let all = HashMap::from([("a", 3_u64), ("b", 1), ("c", 1)].map(|(k, n)| (k.to_owned(), n)));
        let top = |given: &[(&str, u64)]| {
            let given: Vec<(String, u64)> =
                given.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect();
            are_top(&given, &all, 2, |count| count)
        };
        assert!(top(&[("a", 3), ("b", 1)]) && top(&[("a", 3), ("c", 1)]));
        assert!(!top(&[("b", 1), ("c", 1)]) && !top(&[("a", 2), ("b", 1)]) && !top(&[("a", 3)]));
    }

    fn wanted() -> Wanted {
        let text = |text: &str| text.to_owned();
        Wanted { word: text("word"), part: text("par"), action: text("a"), protocol: text("b") }
    }

    #[test]
    fn bad_lines_are_left_out_by_number_and_the_rest_is_counted() {
        let good = r#"{"ts":"2026-11-23T10:00:00Z","message":"a word"}"#;
        let lines = [
            good,
            r#"{"ts":"2026-02-29T10:00:00Z","message":"a word"}"#,
            "",
            r#"{"ts":"2026-11-23T10:00:00Z","message":"\ud83d word"}"#,
            r#"{"ts":"2026-11-23T10:00:00Z","user":["a","word"]}"#,
            good,
        ];
        let input = lines.join("\n");
        let mut left_out = Vec::new();
        let leave = |number, why: &str, bytes: &[u8]| {
            assert!(!why.is_empty());
            left_out.push((number, bytes.to_vec()));
            Ok(())
        };
        let truth = count(input.as_bytes(), &wanted(), leave).unwrap();
        assert_eq!((truth.events, truth.words), (2, 2));
        let numbers: Vec<u64> = left_out.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 4, 5]);
        assert_eq!(left_out[0].1, lines[1].as_bytes());
        let refuse = |number: u64, _: &str, _: &[u8]| anyhow::bail!("line {number}");
        let error = count(input.as_bytes(), &wanted(), refuse).unwrap_err();
        assert_eq!(error.to_string(), "line 2");
    }
}
