//! Tests of what is marked in the events found, and of where patterns stand.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::*;
use crate::fold::fold;
use crate::{Attr, Event, Value};

fn marked(text: &str, stretches: &[Stretch]) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().chain(['\0']).enumerate() {
        if stretches.iter().any(|(_, end)| *end == at) {
            out.push(']');
        }
        if stretches.iter().any(|(start, _)| *start == at) {
            out.push('[');
        }
        out.push(c);
    }
    out.trim_end_matches('\0').to_owned()
}

fn sought(line: &str) -> Highlighter {
    Highlighter::new(&parse(line).unwrap())
}

#[track_caller]
fn check_text(line: &str, text: &str, expected: &str) {
    assert_eq!(marked(text, &sought(line).in_text(text)), expected, "{line} in {text}");
}

#[test]
fn words_and_phrases_are_marked_wherever_they_stand() {
    check_text("failed", "Failed password, FAILED again", "[Failed] password, [FAILED] again");
    check_text("fail", "Failed", "Failed");
    check_text("fail*", "it failed, fails", "it [failed], [fails]");
    check_text("*ail*", "it failed", "it [failed]");
    check_text("f*d", "failed ford", "[failed] [ford]");
    check_text("10.1.?.3", "10.1.2.3 110.1.2.3", "[10.1.2.3] 110.1.2.3");
    check_text("\"failed password\"", "a failed password b", "a [failed password] b");
    check_text("\"a*b\"", "axb a*b", "axb [a*b]");
    check_text("a OR b AND NOT c -d", "a b c d", "[a] [b] c d");
    check_text("ab \"ab cd\"", "ab cd", "[ab cd]");
    check_text("user:an", "user an", "user an");
    check_text("*", "an", "an");
    check_text("", "an", "an");
}

#[test]
fn diacritics_are_marked_with_their_letters_in_each_spelling() {
    check_text("\"that bai\"", "Đăng nhập thất bại!", "Đăng nhập [thất bại]!");
    check_text("ĐĂNG", "đăng nhập", "[đăng] nhập");
    let nfd = |text: &str| -> String { text.nfd().collect() };
    check_text("\"thất bại\"", &nfd("bị thất bại."), &nfd("bị [thất bại]."));
    check_text(&nfd("\"thất bại\""), "bị thất bại.", "bị [thất bại].");
}

#[test]
fn a_field_is_marked_where_it_is_meant() {
    let event = tests::login();
    let attr = |line: &str, attr: Attr| {
        let value = event.attrs.get(attr).unwrap();
        marked(&value.text(), &sought(line).in_attr(attr, value))
    };
    let own = |line: &str, name: &str| {
        let value = event.fields.get(name).unwrap();
        marked(&value.text(), &sought(line).in_field(&event, name, value))
    };
    assert_eq!(attr("user:backup", Attr::User), "[Backup]");
    assert_eq!(attr("actor.user.name:backup", Attr::User), "[Backup]");
    assert_eq!(attr("backup", Attr::User), "[Backup]");
    assert_eq!(attr("src_ip:10.1.0.0/16", Attr::SrcIp), "[10.1.2.3]");
    assert_eq!(attr("src_ip:backup", Attr::User), "Backup");
    assert_eq!(attr("NOT user:backup", Attr::User), "Backup");
    assert_eq!(attr("src_port:>1000", Attr::SrcPort), "[50022]");
    assert_eq!(attr("file_hash:bb22", Attr::FileHash), "aa11, [bb22]");
    assert_eq!(attr("file_hash:*", Attr::FileHash), "aa11, bb22");
    // The name means the attribute where there is one, else the source's own field.
    assert_eq!(own("user:\"own name\"", "user"), "own name");
    assert_eq!(own("host:may-chu-01", "host"), "[may-chu-01]");
    assert_eq!(own("reason:*that*", "reason"), "Đăng nhập [thất] bại");
    assert_eq!(own("reason:dang*", "reason"), "[Đăng] nhập thất bại");
    assert_eq!(own("reason:*b?i", "reason"), "Đăng nhập thất [bại]");
    assert_eq!(own("reason:dang*bai", "reason"), "[Đăng nhập thất bại]");
    assert_eq!(own("reason:/th.t/", "reason"), "Đăng nhập [thất] bại");
    assert_eq!(own(r"path:*\\s*", "path"), r"C:\Windows[\S]ystem32\cmd.exe");
    assert_eq!(own("path:/[a-z]+\\.exe$/", "path"), r"C:\Windows\System32\[cmd.exe]");
    assert_eq!(own("class:authentication", "reason"), "Đăng nhập thất bại");
}

/// The meaning of a word with wildcards, by trying everything.
fn stands(pattern: &[char], text: &[char], at: usize) -> Vec<usize> {
    match pattern {
        [] => vec![at],
        ['*', rest @ ..] => {
            let run = text.iter().skip(at).take_while(|c| !c.is_whitespace()).count();
            (at..=at + run).flat_map(|next| stands(rest, text, next)).collect()
        }
        [c, rest @ ..] => match text.get(at) {
            Some(own) if own == c || (*c == '?' && !own.is_whitespace()) => {
                stands(rest, text, at + 1)
            }
            _ => Vec::new(),
        },
    }
}

proptest! {
    #[test]
    fn what_was_tried_in_vain_is_not_tried_again(
        pattern in "[ab*?]{1,6}",
        text in "[ab .]{0,14}",
    ) {
        let typed: Vec<char> = pattern.chars().collect();
        let chars: Vec<char> = text.chars().collect();
        let is_word = |at: Option<usize>| {
            at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric())
        };
        let border = |at: usize| !(is_word(at.checked_sub(1)) && is_word(Some(at)));
        let (opens, stays_open) = (pattern.starts_with('*'), pattern.ends_with('*'));
        let inner: Vec<char> = pattern.trim_matches('*').chars().collect();
        let found = inner.is_empty() || (0..chars.len()).any(|start| {
            (opens || border(start))
                && stands(&inner, &chars, start).into_iter().any(|end| stays_open || border(end))
        });
        prop_assert_eq!(TextPattern::new(&pattern).found_in_folded(&text), found, "{:?}", typed);
    }
}

#[test]
fn a_long_run_without_a_space_is_gone_through_once() {
    // Were it tried again from each letter, this would take minutes.
    let text = "a".repeat(400_000);
    assert!(!TextPattern::new("a*b").found_in_folded(&text));
    assert!(!TextPattern::new("*a*a*b").found_in_folded(&fold(&text)));
}

#[test]
fn marks_in_one_text_are_bounded() {
    let text = "an ".repeat(5000);
    assert_eq!(sought("an").in_text(&text).len(), 200);
}

#[test]
fn an_event_without_what_is_sought_stays_unmarked() {
    let event: Event = tests::login();
    let sought = sought("gone user:gone");
    for (attr, value) in event.attrs.iter() {
        assert!(sought.in_attr(attr, value).is_empty());
    }
    assert!(sought.in_attr(Attr::User, &Value::Null).is_empty());
}
