//! What a correlation counted, in words: how many, of what, within which time, for whom. The engine
//! writes the threshold down as `>= 30 in 300 s`; nobody but this module reads that.

use chrono::TimeDelta;
use event::{Match, MatchKind};
use web::{Lang, Phrase, figures};

use super::reason;
use crate::field_name::human;
use crate::mark::{VALUE_CHARS, marked, unmarked};

/// The selection under which a correlation gives the fields that its events have in common.
const SHARED: &str = "group-by";

/// A correlation's finding, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    kind: Kind,
    tally: &'a Match,
    /// All matches of the finding; those of [`SHARED`] say what the events have in common.
    matched: &'a [Match],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Values,
    Sum,
    Average,
    Median,
    Percentile,
    Together,
    InOrder,
}

impl Kind {
    fn of(selection: &str) -> Option<Self> {
        Some(match selection {
            "event_count" => Self::Events,
            "value_count" => Self::Values,
            "value_sum" => Self::Sum,
            "value_avg" => Self::Average,
            "value_median" => Self::Median,
            "value_percentile" => Self::Percentile,
            "temporal" => Self::Together,
            "temporal_ordered" => Self::InOrder,
            _ => return None,
        })
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Events => "alert-counted-events",
            Self::Values => "alert-counted-values",
            Self::Sum => "alert-counted-sum",
            Self::Average => "alert-counted-average",
            Self::Median => "alert-counted-median",
            Self::Percentile => "alert-counted-percentile",
            Self::Together => "alert-counted-together",
            Self::InOrder => "alert-counted-in-order",
        }
    }
}

impl<'a> Counted<'a> {
    /// Returns what was counted; nothing for the finding of a plain rule.
    pub(super) fn of(matched: &'a [Match]) -> Option<Self> {
        let known = |one: &'a Match| Some((Kind::of(&one.selection)?, one));
        let (kind, tally) = matched.iter().rev().find_map(known)?;
        Some(Self { kind, tally, matched })
    }

    /// Returns the reason: `30 giá trị khác nhau của tên miền được hỏi trong 5 phút, cùng địa chỉ nguồn
    /// 10.30.0.5`, with the shared values marked.
    pub(super) fn reason(&self, lang: Lang) -> String {
        let mut parts = vec![
            Phrase::key(self.kind.key())
                .arg("count", amount(&self.tally.value, lang))
                .arg("field", unmarked(&human(&self.tally.field, lang)))
                .arg("span", self.span(lang))
                .text(lang),
        ];
        parts.extend(shared(self.matched, lang));
        parts.join(", ")
    }

    fn span(&self, lang: Lang) -> String {
        self.tally
            .pattern
            .rsplit_once(" in ")
            .and_then(|(_, span)| span.trim_end_matches(" s").parse::<i64>().ok())
            .and_then(TimeDelta::try_seconds)
            .map_or_else(|| self.tally.pattern.clone(), |span| figures::duration(span, lang))
    }
}

/// Returns what the events of a finding have in common, with the values marked.
pub(super) fn shared(matched: &[Match], lang: Lang) -> impl Iterator<Item = String> {
    matched.iter().filter(|one| is_shared(one)).map(move |one| {
        Phrase::key("alert-counted-shared")
            .arg("field", unmarked(&human(&one.field, lang)))
            .arg("value", marked(&one.value, &[], VALUE_CHARS))
            .text(lang)
    })
}

/// Returns whether the rule fired because this selection does not hold. Alerts of the first releases
/// said so by the pattern `not`.
pub(super) fn is_lacking(one: &Match) -> bool {
    one.kind == Some(MatchKind::Lacks) || (one.value.is_empty() && one.pattern == "not")
}

fn is_shared(one: &Match) -> bool {
    one.selection == SHARED
}

/// Returns a number as the reader writes it; what is no number stays.
fn amount(value: &str, lang: Lang) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |number| figures::decimal(number, lang))
}

/// Returns what the rule looks for, in words, for the table of reasons.
pub(super) fn wanted(one: &Match, lang: Lang) -> String {
    if is_shared(one) {
        return Phrase::key("alert-wanted-same").text(lang);
    }
    if is_lacking(one) {
        return Phrase::key("alert-wanted-absent")
            .arg("selection", one.selection.as_str())
            .text(lang);
    }
    let Some((limits, span)) =
        Kind::of(&one.selection).and_then(|_| one.pattern.rsplit_once(" in "))
    else {
        return reason::wanted(one, lang).unwrap_or_else(|| one.pattern.clone());
    };
    let limits: Vec<String> = limits.split(" and ").map(|limit| threshold(limit, lang)).collect();
    let span = span.trim_end_matches(" s").parse().ok().and_then(TimeDelta::try_seconds);
    let span = span.map_or_else(String::new, |span| figures::duration(span, lang));
    Phrase::key("alert-wanted").arg("limits", limits.join(", ")).arg("span", span).text(lang)
}

fn threshold(limit: &str, lang: Lang) -> String {
    let Some((sign, number)) = limit.split_once(' ') else { return limit.to_owned() };
    let key = match sign {
        ">=" => "alert-wanted-from",
        ">" => "alert-wanted-over",
        "<=" => "alert-wanted-up-to",
        "<" => "alert-wanted-under",
        "=" => "alert-wanted-exactly",
        "!=" => "alert-wanted-other",
        "all" => "alert-wanted-all",
        _ => return limit.to_owned(),
    };
    Phrase::key(key).arg("number", amount(number, lang)).text(lang)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::plain;

    fn one(selection: &str, field: &str, value: &str, pattern: &str) -> Match {
        Match {
            selection: selection.to_owned(),
            field: field.to_owned(),
            value: value.to_owned(),
            pattern: pattern.to_owned(),
            ..Match::default()
        }
    }

    #[test]
    fn a_correlation_is_told_in_words() {
        let cases = [
            (
                vec![
                    one("group-by", "src_ip", "10.30.0.5", ""),
                    one("value_count", "query", "30", ">= 30 in 300 s"),
                ],
                "30 giá trị khác nhau của tên miền được hỏi trong 5 phút, cùng địa chỉ nguồn 10.30.0.5",
                "30 different values of name asked for within 5 minutes, the same source address 10.30.0.5",
            ),
            (
                vec![one("event_count", "", "1200", ">= 1000 in 60 s")],
                "1.200 sự kiện trong 1 phút",
                "1,200 events within 1 minute",
            ),
            (
                vec![
                    one("group-by", "host", "dvc-app-01", ""),
                    one("group-by", "user", "root", ""),
                    one("temporal_ordered", "", "2", "all 2 in 600 s"),
                ],
                "các bước của luật lần lượt xảy ra trong 10 phút, cùng máy dvc-app-01, cùng tài khoản root",
                "the steps of the rule happened in order within 10 minutes, the same machine dvc-app-01, the same account root",
            ),
        ];
        for (matched, vi, en) in cases {
            let counted = Counted::of(&matched).unwrap();
            assert_eq!(plain(&counted.reason(Lang::Vi)), vi);
            assert_eq!(plain(&counted.reason(Lang::En)), en);
        }
        assert!(Counted::of(&[one("selection", "Image", "a.exe", "*.exe")]).is_none());
    }

    #[test]
    fn what_is_looked_for_is_never_empty() {
        let cases = [
            (one("group-by", "src_ip", "10.0.0.1", ""), "giống nhau ở mọi sự kiện"),
            (one("value_count", "query", "30", ">= 30 in 300 s"), "từ 30 trong 5 phút"),
            (one("event_count", "", "5", "> 3 and < 9 in 60 s"), "trên 3, dưới 9 trong 1 phút"),
            (one("temporal", "", "2", "all 2 in 60 s"), "đủ 2 luật thành phần trong 1 phút"),
            (one("filter", "", "", "not"), "không có «filter»"),
            (one("selection", "Image", "a.exe", "*.exe"), "*.exe"),
        ];
        for (matched, words) in cases {
            assert_eq!(wanted(&matched, Lang::Vi), words);
        }
    }
}
