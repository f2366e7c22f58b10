//! One reason why a rule fired, in words: which field, what was there, how it meets what the rule
//! wants. Reasons about the same value are told together.

use event::{Match, MatchKind};
use web::{Lang, Phrase};

use super::count;
use crate::field_name::human;
use crate::mark::{VALUE_CHARS, marked, unmarked};

/// What several matches say about one value.
#[derive(Debug)]
struct Reason<'m> {
    first: &'m Match,
    same: Vec<&'m Match>,
}

/// Returns the reasons in words, with what matched marked: at most so many, then how many more.
pub(super) fn told(matched: &[Match], told_max: usize, lang: Lang) -> String {
    let reasons = together(matched);
    let mut words: Vec<String> =
        reasons.iter().take(told_max).map(|reason| reason.words(lang)).collect();
    let rest = reasons.len().saturating_sub(told_max);
    if rest > 0 {
        words.push(Phrase::key("alert-why-rest").arg("count", rest).text(lang));
    }
    words.join("; ")
}

fn together(matched: &[Match]) -> Vec<Reason<'_>> {
    let mut reasons: Vec<Reason<'_>> = Vec::new();
    for one in matched {
        let about =
            |own: &Match| (&own.field, &own.value, own.kind) == (&one.field, &one.value, one.kind);
        match reasons.last_mut() {
            Some(last) if about(last.first) && one.kind.is_some() => last.same.push(one),
            _ => reasons.push(Reason { first: one, same: vec![one] }),
        }
    }
    reasons
}

impl Reason<'_> {
    fn words(&self, lang: Lang) -> String {
        let Match { selection, field, value, .. } = self.first;
        if count::is_lacking(self.first) {
            return Phrase::key("alert-why-absent")
                .arg("selection", unmarked(selection))
                .text(lang);
        }
        let parts: Vec<(usize, usize)> = self.same.iter().filter_map(|one| one.part).collect();
        let wanted = self.same.iter().map(|one| format!("«{}»", wanted_text(one)));
        let wanted = listed(wanted.collect(), lang);
        let key = if field.is_empty() { "alert-why-word" } else { self.key() };
        Phrase::key(key)
            .arg("field", unmarked(&human(field, lang)))
            .arg("value", marked(value, &parts, VALUE_CHARS))
            .arg("wanted", if lang == Lang::Vi { wanted } else { quoted_in_english(&wanted) })
            .text(lang)
    }

    /// Returns the key of the sentence for a field's value.
    fn key(&self) -> &'static str {
        let Match { value, pattern, selection, .. } = self.first;
        match self.first.kind {
            Some(MatchKind::Is) => "alert-why-is",
            Some(MatchKind::Starts) => "alert-why-starts",
            Some(MatchKind::Ends) => "alert-why-ends",
            Some(MatchKind::Contains) => "alert-why-contains",
            Some(MatchKind::Like) => "alert-why-like",
            Some(MatchKind::Regex) => "alert-why-regex",
            Some(MatchKind::Network) => "alert-why-network",
            Some(MatchKind::Number | MatchKind::Time) => "alert-why-number",
            Some(MatchKind::Field) => "alert-why-field",
            Some(MatchKind::Present) => "alert-why-present",
            Some(MatchKind::Absent | MatchKind::Lacks) => "alert-why-no-field",
            Some(MatchKind::Not) if value.is_empty() => "alert-why-not-there",
            Some(MatchKind::Not) => "alert-why-not",
            None if is_indicator(selection) => "alert-why-indicator",
            None if value == pattern || pattern.is_empty() => "alert-why-is",
            None => "alert-why-holds",
        }
    }
}

/// Returns whether a selection is the kind of an indicator.
fn is_indicator(selection: &str) -> bool {
    matches!(selection, "ip" | "domain" | "url" | "hash" | "email")
}

/// Returns what was wanted, as people read it: the text itself, without the stars that say where.
fn wanted_text(one: &Match) -> String {
    let by_place =
        matches!(one.kind, Some(MatchKind::Starts | MatchKind::Ends | MatchKind::Contains));
    let found = one.part.filter(|_| by_place).map(|(start, end)| {
        one.value.chars().skip(start).take(end.saturating_sub(start)).collect::<String>()
    });
    let written = found.unwrap_or_else(|| match one.kind {
        _ if by_place => one.pattern.trim_matches('*').to_owned(),
        Some(MatchKind::Regex) => one.pattern.trim_matches('/').to_owned(),
        _ => one.pattern.clone(),
    });
    unmarked(&crate::event_line::cut(&written, VALUE_CHARS))
}

/// Returns what a rule wants of a field, for the table of reasons; nothing for what is no pattern.
pub(super) fn wanted(one: &Match, lang: Lang) -> Option<String> {
    let key = match one.kind? {
        MatchKind::Is => "alert-wanted-is",
        MatchKind::Starts => "alert-wanted-starts",
        MatchKind::Ends => "alert-wanted-ends",
        MatchKind::Contains => "alert-wanted-contains",
        MatchKind::Like => "alert-wanted-like",
        MatchKind::Regex => "alert-wanted-regex",
        MatchKind::Network => "alert-wanted-network",
        MatchKind::Not => "alert-wanted-not",
        MatchKind::Present => "alert-wanted-present",
        MatchKind::Absent => "alert-wanted-no-field",
        MatchKind::Number | MatchKind::Time | MatchKind::Field | MatchKind::Lacks => return None,
    };
    Some(Phrase::key(key).arg("wanted", wanted_text(one)).text(lang))
}

/// Returns `a, b và c`.
fn listed(mut words: Vec<String>, lang: Lang) -> String {
    let Some(last) = words.pop() else { return String::new() };
    if words.is_empty() {
        return last;
    }
    Phrase::key("alert-why-and").arg("first", words.join(", ")).arg("last", last).text(lang)
}

fn quoted_in_english(words: &str) -> String {
    words.replace('«', "“").replace('»', "”")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::{pieces, plain};

    fn one(
        kind: MatchKind,
        field: &str,
        value: &str,
        pattern: &str,
        part: Option<(usize, usize)>,
    ) -> Match {
        Match {
            selection: "selection".to_owned(),
            field: field.to_owned(),
            value: value.to_owned(),
            pattern: pattern.to_owned(),
            kind: Some(kind),
            part,
        }
    }

    fn check(matched: &[Match], vi: &str, en: &str) {
        assert_eq!(plain(&told(matched, 3, Lang::Vi)), vi);
        assert_eq!(plain(&told(matched, 3, Lang::En)), en);
    }

    #[test]
    fn each_kind_of_pattern_has_its_words() {
        use MatchKind::{Absent, Ends, Is, Like, Network, Not, Number, Present, Regex, Starts};
        let cases = [
            (
                one(Ends, "Image", r"C:\cmd.exe", r"*\cmd.exe", Some((2, 10))),
                r"tiến trình «C:\cmd.exe» kết thúc bằng «\cmd.exe»",
                r"process “C:\cmd.exe” ends with “\cmd.exe”",
            ),
            (
                one(Is, "EventID", "1102", "1102", None),
                "mã sự kiện là «1102»",
                "event number is “1102”",
            ),
            (
                one(Starts, "url", "http://a", "http*", Some((0, 4))),
                "địa chỉ web «http://a» bắt đầu bằng «http»",
                "URL “http://a” starts with “http”",
            ),
            (
                one(Regex, "CommandLine", "aab", "/a+/", Some((0, 2))),
                "dòng lệnh «aab» khớp biểu thức «a+»",
                "command line “aab” fits the expression “a+”",
            ),
            (
                one(Network, "src_ip", "10.0.0.1", "10.0.0.0/8", None),
                "địa chỉ nguồn «10.0.0.1» thuộc mạng «10.0.0.0/8»",
                "source address “10.0.0.1” is in the network “10.0.0.0/8”",
            ),
            (
                one(Like, "file_path", "a1b", "a?b", None),
                "tệp «a1b» có dạng «a?b»",
                "file “a1b” has the shape “a?b”",
            ),
            (
                one(Number, "sc-status", "503", ">= 500", None),
                "mã trả lời HTTP là «503» (luật tìm «>= 500»)",
                "HTTP status is “503” (the rule looks for “>= 500”)",
            ),
            (one(Present, "User", "an", "*", None), "có tài khoản «an»", "account is there: “an”"),
            (one(Absent, "User", "", "null", None), "không có tài khoản", "there is no account"),
            (
                one(Not, "User", "an", "SYSTEM", None),
                "tài khoản là «an», không phải «SYSTEM»",
                "account is “an”, not “SYSTEM”",
            ),
            (
                one(Not, "User", "", "SYSTEM", None),
                "không có tài khoản «SYSTEM»",
                "there is no account “SYSTEM”",
            ),
            (
                one(MatchKind::Contains, "", "x mimikatz y", "*mimikatz*", Some((2, 10))),
                "bản ghi có «mimikatz»: «x mimikatz y»",
                "the record holds “mimikatz”: “x mimikatz y”",
            ),
        ];
        for (matched, vi, en) in cases {
            check(&[matched], vi, en);
        }
    }

    #[test]
    fn several_patterns_on_one_value_are_one_reason() {
        let value = "powershell -nop -enc AAA";
        let part =
            |start, end| one(MatchKind::Contains, "CommandLine", value, "*", Some((start, end)));
        let matched = [part(11, 15), part(16, 20)];
        check(
            &matched,
            "dòng lệnh «powershell -nop -enc AAA» chứa «-nop» và «-enc»",
            "command line “powershell -nop -enc AAA” contains “-nop” and “-enc”",
        );
        let words = told(&matched, 3, Lang::Vi);
        let marked: Vec<String> = pieces(&words)
            .into_iter()
            .filter(|piece| piece.marked)
            .map(|piece| piece.text)
            .collect();
        assert_eq!(marked, ["-nop", "-enc"]);
    }

    #[test]
    fn indicators_and_old_reasons_are_told_too() {
        let indicator = Match {
            selection: "domain".to_owned(),
            field: "dns_query".to_owned(),
            value: "evil.example".to_owned(),
            pattern: "evil.example (Trung tâm, botnet)".to_owned(),
            ..Match::default()
        };
        check(
            &[indicator],
            "tên miền được hỏi «evil.example» nằm trong chỉ dấu tấn công «evil.example (Trung tâm, botnet)»",
            "name asked for “evil.example” is a known indicator: “evil.example (Trung tâm, botnet)”",
        );
        let old = Match {
            selection: "s".to_owned(),
            field: "Image".to_owned(),
            value: "cmd.exe".to_owned(),
            pattern: "*cmd*".to_owned(),
            ..Match::default()
        };
        check(
            &[old],
            "tiến trình là «cmd.exe» (luật tìm «*cmd*»)",
            "process is “cmd.exe” (the rule looks for “*cmd*”)",
        );
    }
}
