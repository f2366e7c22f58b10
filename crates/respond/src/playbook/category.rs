//! What kind of incident one is: said by a person, presumed from its alerts until then.

use web::Lang;

use crate::alert::{Alert, Choice};
use crate::obligation::Circumstance;

/// Kinds of incidents, with the keys of their names. Source: the grouping N1–N9 of the public toolkit for
/// agencies, which no text of law has replaced yet.
pub(super) const CATEGORIES: [(&str, &str); 9] = [
    ("malware", "playbook-category-malware"),
    ("intrusion", "playbook-category-intrusion"),
    ("dos", "playbook-category-dos"),
    ("leak", "playbook-category-leak"),
    ("defacement", "playbook-category-defacement"),
    ("phishing", "playbook-category-phishing"),
    ("supplier", "playbook-category-supplier"),
    ("insider", "playbook-category-insider"),
    ("other", "playbook-category-other"),
];

/// Techniques and tactics of ATT&CK that speak for a kind; the first that is met counts.
const SIGNS: [(&str, &[&str]); 7] = [
    ("malware", &["t1486", "t1490", "t1204", "t1587.001"]),
    ("defacement", &["t1491"]),
    ("dos", &["t1498", "t1499"]),
    ("leak", &["t1041", "t1048", "t1567", "exfiltration"]),
    ("phishing", &["t1566", "t1078", "t1110", "t1114", "t1598"]),
    ("intrusion", &["t1505", "t1190", "t1059", "t1021", "t1003", "initial-access", "execution"]),
    ("malware", &["command-and-control", "t1071", "persistence"]),
];

/// Returns what kind an incident looks like; nothing where nothing speaks for any.
pub(super) fn presumed(alerts: &[Alert], circumstances: &[Circumstance]) -> Option<&'static str> {
    let personal = [Circumstance::PersonalData, Circumstance::SensitiveData];
    if circumstances.iter().any(|one| personal.contains(one)) {
        return Some("leak");
    }
    let tags: Vec<String> =
        alerts.iter().flat_map(|one| &one.tags).map(|t| t.to_lowercase()).collect();
    let speaks = |sign: &&str| {
        tags.iter().filter_map(|tag| tag.strip_prefix("attack.")).any(|tag| {
            tag.strip_prefix(*sign).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    SIGNS.iter().find(|(_, signs)| signs.iter().any(&speaks)).map(|(word, _)| *word)
}

/// Returns whether a word is a kind.
pub(super) fn is_category(word: &str) -> bool {
    CATEGORIES.iter().any(|(own, _)| *own == word)
}

/// Returns the kinds to choose from.
pub(super) fn choices(lang: Lang, chosen: &str) -> Vec<Choice> {
    Choice::words(lang, &CATEGORIES, chosen)
}
