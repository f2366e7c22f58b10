//! What someone asks the lake: the query line, the span of time, the place in the pages.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use event::EventId;
use event::lake::{Cursor, Search};
use event::query::{ParseError, Query, Question, parse, parse_question};
use serde::Deserialize;
use web::figures::vietnam;
use web::{AppError, Phrase};

use crate::address::Address;
use crate::limits::{EVENTS_PER_PAGE, QUERY_CHARS_MAX};

/// The spans offered, by their word in the address, in minutes.
pub(crate) const SPANS: [(&str, i64); 7] = [
    ("15m", 15),
    ("1h", 60),
    ("4h", 240),
    ("24h", 1440),
    ("7d", 10_080),
    ("30d", 43_200),
    ("custom", 0),
];

/// The span taken when none is chosen.
const SPAN: &str = "1h";

/// Vietnam's clock is seven hours ahead of UTC, all year.
const AHEAD: TimeDelta = TimeDelta::hours(7);

/// The question as it stands in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    /// The query line.
    pub(crate) q: Option<String>,
    /// A span's word.
    pub(crate) range: String,
    /// Not before: RFC 3339, or Vietnam's clock as browsers write it.
    pub(crate) from: String,
    /// Before.
    pub(crate) to: String,
    /// Where the page before ended.
    pub(crate) after: String,
    /// A field whose most frequent values are wanted.
    pub(crate) field: String,
}

impl Ask {
    /// Returns whether a question was asked at all; an empty line over a chosen time is one.
    pub(crate) fn is_asked(&self) -> bool {
        self.q.is_some() || [&self.range, &self.from, &self.to].iter().any(|one| !one.is_empty())
    }

    /// Returns the query line as typed.
    pub(crate) fn line(&self) -> &str {
        self.q.as_deref().unwrap_or_default()
    }

    /// Returns the chosen span's word; moments typed in win.
    pub(crate) fn span(&self) -> &'static str {
        if !self.from.is_empty() || !self.to.is_empty() {
            return "custom";
        }
        let known = SPANS.iter().map(|(word, _)| *word);
        known.filter(|word| *word != "custom").find(|word| *word == self.range).unwrap_or(SPAN)
    }

    /// Returns from when to when. A moment that cannot be read is left out.
    pub(crate) fn times(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let minutes = SPANS
            .iter()
            .find(|(word, minutes)| *word == self.span() && *minutes > 0)
            .map_or(60, |(_, minutes)| *minutes);
        // What is being written this very moment belongs to "until now".
        let to = moment(&self.to).unwrap_or(now + TimeDelta::seconds(1));
        let from = moment(&self.from).unwrap_or(to - TimeDelta::minutes(minutes));
        if from < to { (from, to) } else { (to - TimeDelta::minutes(minutes), to) }
    }

    /// Refuses a span of time that cannot be read: an answer over another one would look like the truth.
    ///
    /// # Errors
    /// For the field that is wrong.
    pub(crate) fn check_times(&self) -> Result<(), AppError> {
        for (field, text) in [("from", &self.from), ("to", &self.to)] {
            if !text.trim().is_empty() && moment(text).is_none() {
                return Err(AppError::invalid(field, Phrase::key("search-parse-time")));
            }
        }
        if self.range.is_empty() || SPANS.iter().any(|(word, _)| *word == self.range) {
            return Ok(());
        }
        let known: Vec<&str> = SPANS.iter().map(|(word, _)| *word).collect();
        Err(AppError::invalid(
            "range",
            Phrase::key("search-range-unknown").arg("known", known.join(", ")),
        ))
    }

    /// Returns the question to the lake, and what is computed of the answer.
    ///
    /// # Errors
    /// Where the query line is wrong.
    pub(crate) fn search(&self, now: DateTime<Utc>) -> Result<(Search, Question), ParseError> {
        let line = self.line();
        if line.chars().count() > QUERY_CHARS_MAX {
            return Err(ParseError {
                column: QUERY_CHARS_MAX,
                message: "the query is too long".to_owned(),
                code: "too-long",
            });
        }
        let question = parse_question(line)?;
        let (from, to) = self.times(now);
        let (query, after) = (question.query.clone(), cursor(&self.after));
        Ok((Search { query, from, to, limit: EVENTS_PER_PAGE, after }, question))
    }

    /// Returns the address of this question, without a place in the pages.
    pub(crate) fn address(&self, path: &str) -> Address {
        let mut address =
            Address::of(path).with("q", if self.line().is_empty() { "*" } else { self.line() });
        if self.span() == "custom" {
            address = address.with("from", &self.from).with("to", &self.to);
        } else {
            address = address.with("range", self.span());
        }
        address.with("field", &self.field)
    }

    /// Returns the query of this question over the time that was looked at, however late it is asked again.
    pub(crate) fn fixed_query(&self, search: &Search) -> String {
        let at = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        let fixed = Self {
            from: at(search.from),
            to: at(search.to),
            range: String::new(),
            field: String::new(),
            ..self.clone()
        };
        fixed.address("/search").query()
    }

    /// Returns the part of the line that says which events, and the rest of it.
    pub(crate) fn parts(&self) -> (String, String) {
        let length = parse_question(self.line()).map_or(usize::MAX, |read| read.filter_length);
        let chars = || self.line().chars();
        (chars().take(length).collect(), chars().skip(length).collect())
    }

    /// Returns the address of this question with a term added to its filter.
    pub(crate) fn narrowed(&self, term: &str) -> Address {
        let (filter, stages) = self.parts();
        let is_choice = matches!(parse(&filter), Ok(Query::Or(_)));
        let line = match filter.trim() {
            "" | "*" => term.to_owned(),
            line if is_choice => format!("({line}) {term}"),
            line => format!("{line} {term}"),
        };
        let line = if stages.is_empty() { line } else { format!("{line} {stages}") };
        Self { q: Some(line), field: String::new(), ..self.clone() }.address("/search")
    }
}

/// Returns the moment that someone typed or an address holds; a date is its first moment.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some((date.and_time(NaiveTime::MIN) - AHEAD).and_utc());
    }
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|local| (local - AHEAD).and_utc())
}

/// Returns a moment as browsers write it into a field, by Vietnam's clock; one that cannot be read is
/// no moment. A broken second counts as begun, so that what is asked again holds what was found.
pub(crate) fn clock_text(text: &str) -> String {
    moment(text).map_or_else(String::new, |at| {
        let whole = at + TimeDelta::nanoseconds(999_999_999);
        vietnam(whole).format("%Y-%m-%dT%H:%M:%S").to_string()
    })
}

/// Returns the text of a cursor.
pub(crate) fn cursor_text(cursor: Cursor) -> String {
    format!("{}_{}", cursor.occurred_at.timestamp_micros(), cursor.id)
}

/// Returns the cursor that a text names; a broken one is the first page.
fn cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('_')?;
    Some(Cursor {
        occurred_at: DateTime::from_timestamp_micros(micros.parse().ok()?)?,
        id: id.parse::<EventId>().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Maker, at};

    #[test]
    fn spans_are_relative_unless_moments_are_typed() {
        let check = |range: &str, from: &str, to: &str, minutes: i64| {
            let ask = Ask {
                range: range.to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                ..Ask::default()
            };
            let (start, end) = ask.times(at(0));
            assert_eq!((end - start).num_minutes(), minutes, "{range} {from} {to}");
        };
        check("", "", "", 60);
        check("15m", "", "", 15);
        check("nonsense", "", "", 60);
        check("15m", "2026-11-22T12:00", "2026-11-22T14:00", 120);
        check("", "2026-11-22T14:00", "2026-11-22T12:00", 60);
        check("", "2026-11-22", "2026-11-23", 1440);
        check("", "2026-11-22", "2026-11-21T17:01:00Z", 1);
    }

    #[test]
    fn a_time_that_cannot_be_read_is_told() {
        let is_refused = |range: &str, from: &str, to: &str| {
            let ask = Ask {
                range: range.to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                ..Ask::default()
            };
            ask.check_times().is_err()
        };
        for (range, from, to) in [
            ("", "", ""),
            ("30d", "", ""),
            ("custom", "2026-11-22T12:00", ""),
            ("", "2026-11-22", "2026-11-22T14:00:00+07:00"),
        ] {
            assert!(!is_refused(range, from, to), "{range} {from} {to}");
        }
        for (range, from, to) in [
            ("90d", "", ""),
            ("", "22/11/2026", ""),
            ("", "2026-11-22", "2026-11-31"),
            ("", "", "x"),
        ] {
            assert!(is_refused(range, from, to), "{range} {from} {to}");
        }
    }

    #[test]
    fn a_cursor_reads_back() {
        let cursor_in = Cursor { occurred_at: at(3), id: Maker::new().event_id(3) };
        assert_eq!(cursor(&cursor_text(cursor_in)), Some(cursor_in));
        assert_eq!(cursor("x_y"), None);
    }

    #[test]
    fn a_term_narrows_the_whole_question() {
        let narrowed = |line: &str| {
            let ask = Ask { q: Some(line.to_owned()), ..Ask::default() };
            ask.narrowed("user:an").query()
        };
        assert_eq!(narrowed(""), "q=user%3Aan&range=1h");
        assert_eq!(narrowed("a | top user"), "q=a+user%3Aan+%7C+top+user&range=1h");
        assert_eq!(narrowed("a OR b"), "q=%28a+OR+b%29+user%3Aan&range=1h");
        assert_eq!(narrowed("a || b"), "q=%28a+%7C%7C+b%29+user%3Aan&range=1h");
        assert_eq!(narrowed("a OR(b c)"), "q=%28a+OR%28b+c%29%29+user%3Aan&range=1h");
        assert_eq!(narrowed("\"a OR b\""), "q=%22a+OR+b%22+user%3Aan&range=1h");
    }
}
