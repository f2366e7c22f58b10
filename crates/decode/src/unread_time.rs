//! Times that a record states and that are none: a day that does not exist (`2026-02-29T…`), an hour past
//! 24, two different times under one name. Such an event gets the time of its collection; the note says so
//! and quotes what was stated.

use event::Note;

use crate::attribute::brief;
use crate::definition::TimeFields;
use crate::scan::Scan;
use crate::time;

/// Returns what the first field says that should hold the time, holds something, and holds no time.
pub(crate) fn in_fields(times: &[TimeFields], fields: &event::Fields) -> Option<String> {
    times.iter().find_map(|own| {
        let stated = own.joined(fields)?;
        // A word or a truth value under a name like `date` or `published` states no time.
        let is_stated = stated.bytes().any(|byte| byte.is_ascii_digit());
        is_stated.then(|| format!("`{}` says `{}`", own.names.join(" "), brief(stated.trim())))
    })
}

/// Returns the note for an event that has no time of its own: what its field says, or the text's beginning.
pub(crate) fn note(field: Option<String>, content: &str) -> Option<Note> {
    let stated = field.or_else(|| {
        let stamp = leading(content)?;
        Some(format!("the record begins with `{}`", brief(stamp)))
    })?;
    Some(Note::new(event::TIME_UNREADABLE, format!("{stated}, which is no time")))
}

/// Returns what stands at a text's beginning in the shape of a date with a clock and is no time.
fn leading(text: &str) -> Option<&str> {
    if time::leading(text).is_some() {
        return None;
    }
    let begin = text.trim_start_matches(['[', '*', '.']);
    let begin = time::behind_weekday(begin).unwrap_or(begin);
    let mut scan = Scan::new(begin);
    date(&mut scan)?;
    if !["T", "t", " ", "-", ":"].into_iter().any(|between| scan.eat(between)) {
        return None;
    }
    scan.spaces();
    scan.number(1, 2)?;
    if !scan.eat(":") {
        return None;
    }
    scan.number(2, 2)?;
    scan.take_while(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | ','));
    begin.get(..begin.len().saturating_sub(scan.rest.len()))
}

/// Steps over `2026-02-29`, `2026/02/29`, `20260229`, `29/Feb/2026`, `29-Feb-2026`, `29/02/2026`, `Feb 30`.
fn date(scan: &mut Scan<'_>) -> Option<()> {
    if scan.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        time::month(scan)?;
        scan.spaces();
        scan.number(1, 2)?;
        return Some(());
    }
    let mut ahead = *scan;
    if ahead.number(4, 4).is_some() {
        let separator = ["-", "/"].into_iter().find(|separator| ahead.eat(separator));
        ahead.number(if separator.is_some() { 1 } else { 2 }, 2)?;
        if separator.is_some_and(|separator| !ahead.eat(separator)) {
            return None;
        }
        ahead.number(if separator.is_some() { 1 } else { 2 }, 2)?;
        *scan = ahead;
        return Some(());
    }
    scan.number(1, 2)?;
    let separator = ["/", "-", " "].into_iter().find(|separator| scan.eat(separator))?;
    if scan.number(1, 2).is_none() {
        time::month(scan)?;
    }
    if !scan.eat(separator) {
        return None;
    }
    scan.number(4, 4)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_clocks_that_do_not_exist_are_found() {
        for (text, stamp) in [
            ("2026-02-29T10:00:00Z host app: x", "2026-02-29T10:00:00"),
            ("[2026/13/01 10:00:00.123] x", "2026/13/01 10:00:00.123"),
            ("2026-11-23 25:00:00 x", "2026-11-23 25:00:00"),
            ("20261323 16:20:01", "20261323 16:20:01"),
            ("29/Feb/2026:10:00:00 +0700", "29/Feb/2026:10:00:00"),
            ("31-Apr-2026 10:00:00", "31-Apr-2026 10:00:00"),
            ("31/04/2026 10:00:00", "31/04/2026 10:00:00"),
            ("Sun, 29 Feb 2026 10:00:00", "29 Feb 2026 10:00:00"),
            ("Nov 99 16:20:01 host", "Nov 99 16:20:01"),
        ] {
            assert_eq!(leading(text), Some(stamp), "{text}");
        }
    }

    #[test]
    fn what_is_a_time_or_states_none_is_not() {
        for text in [
            "",
            "2026-11-23T10:00:00Z x",
            "Nov 23 16:20:01 host",
            "10.20.0.7:40212 - 54321",
            "12:00:00",
            "2026-02-29",
            "Novel 12 ideas",
            "một dòng không ai biết",
            "1/2/26 16:20:01",
            "ééé",
        ] {
            assert_eq!(leading(text), None, "{text}");
        }
    }
}
