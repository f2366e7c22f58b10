//! What a baseline found unusual, in words. The engine writes it down as short statements that each
//! begin with their name: `seen 0 of 1204 events; by 0 of 14 others; since 2026-01-05; usual a, b`.

use chrono::TimeDelta;
use event::Match;
use web::{Lang, Phrase, figures};

use super::count;
use crate::field_name::human;
use crate::mark::{VALUE_CHARS, marked, unmarked};

/// Returns the reason in words, with the unusual value marked; nothing for other findings.
pub(super) fn reason(matched: &[Match], lang: Lang) -> Option<String> {
    let (one, key) = matched.iter().rev().find_map(|one| Some((one, key(&one.selection)?)))?;
    let field = match one.field.as_str() {
        "" => Phrase::key("alert-counted").text(lang),
        field => unmarked(&human(field, lang)),
    };
    let first = Phrase::key(key)
        .arg("field", field)
        .arg("value", marked(&one.value, &[], VALUE_CHARS))
        .text(lang);
    let mut parts = vec![first];
    parts.extend(one.pattern.split("; ").map(|own| statement(own, lang)));
    parts.extend(count::shared(matched, lang));
    Some(parts.join(", "))
}

fn key(selection: &str) -> Option<&'static str> {
    Some(match selection {
        "first_seen" => "alert-unusual-first",
        "rare_value" => "alert-unusual-rare",
        "volume" => "alert-unusual-volume",
        "beacon" => "alert-unusual-beacon",
        _ => return None,
    })
}

/// Returns one statement in the reader's language; what we cannot read stays as it is.
fn statement(written: &str, lang: Lang) -> String {
    let words: Vec<&str> = written.split(' ').collect();
    let phrase = match words.as_slice() {
        ["seen", seen, "of", events, "events"] => {
            Phrase::key("alert-unusual-seen").arg("seen", *seen).arg("events", *events)
        }
        ["by", with, "of", others, "others"] => {
            Phrase::key("alert-unusual-others").arg("with", *with).arg("others", *others)
        }
        ["since", day] => Phrase::key("alert-unusual-since").arg("day", shown(day)),
        ["usual", median, "±", deviation, "an", "hour"] => {
            Phrase::key("alert-unusual-median").arg("median", *median).arg("deviation", *deviation)
        }
        ["usual", ..] => {
            let named = written.trim_start_matches("usual ");
            Phrase::key("alert-unusual-named").arg("values", unmarked(named))
        }
        ["largest", largest, "of", hours, "such", "hours"] => {
            Phrase::key("alert-unusual-largest").arg("largest", *largest).arg("hours", *hours)
        }
        ["every", interval, "s", "±", jitter, "%"] => {
            Phrase::key("alert-unusual-every").arg("interval", *interval).arg("jitter", *jitter)
        }
        ["contacts", contacts, "in", span, "s"] => {
            let span = span.parse().ok().and_then(TimeDelta::try_seconds);
            let span = span.map_or_else(String::new, |span| figures::duration(span, lang));
            Phrase::key("alert-unusual-contacts").arg("contacts", *contacts).arg("span", span)
        }
        _ => return unmarked(written),
    };
    phrase.text(lang)
}

/// Returns `2026-01-05` as `05/01/2026`.
fn shown(day: &str) -> String {
    let date = chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d");
    date.map_or_else(|_| day.to_owned(), |date| date.format("%d/%m/%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::plain;

    #[test]
    fn what_is_unusual_is_told_in_words() {
        let one = |selection: &str, field: &str, value: &str, pattern: &str| Match {
            selection: selection.to_owned(),
            field: field.to_owned(),
            value: value.to_owned(),
            pattern: pattern.to_owned(),
            ..Match::default()
        };
        let rare = [
            one("group-by", "User", "an", ""),
            one(
                "rare_value",
                "Image",
                "nc.exe",
                "seen 1 of 900 events; by 0 of 14 others; since 2026-01-05; usual a.exe, b.exe",
            ),
        ];
        assert_eq!(
            plain(&reason(&rare, Lang::Vi).unwrap()),
            "tiến trình «nc.exe» hiếm thấy, thấy 1 lần trong 900 sự kiện, 0 trong 14 nơi khác có, theo dõi từ \
             05/01/2026, thường thấy: a.exe, b.exe, cùng tài khoản an"
        );
        let beacon = [one(
            "beacon",
            "dst_ip",
            "203.0.113.9",
            "every 60 s ± 3 %; contacts 30 in 1800 s; a new word",
        )];
        assert_eq!(
            plain(&reason(&beacon, Lang::En).unwrap()),
            "destination address “203.0.113.9” is contacted at a steady beat, every 60 s ± 3 %, 30 contacts \
             within 30 minutes, a new word"
        );
        assert_eq!(reason(&[one("selection", "Image", "a", "a")], Lang::Vi), None);
    }
}
