//! Counts of what was found: by rule, by host, by ATT&CK tactic and technique.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use chrono::{DateTime, Utc};
use event::Severity;

use crate::cli::output;
use crate::hunt::Hit;

/// Counts of findings.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) findings: u64,
    pub(crate) worst: Option<Severity>,
    pub(crate) rules: BTreeMap<RuleKey, RuleCount>,
    pub(crate) hosts: BTreeMap<String, Count>,
    pub(crate) tactics: BTreeMap<String, Count>,
    pub(crate) techniques: BTreeMap<String, Count>,
}

/// A rule, the worst first, then by title.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleKey {
    pub(crate) severity: Reverse<Severity>,
    pub(crate) title: String,
    id: String,
}

/// What one rule found.
#[derive(Debug)]
pub(crate) struct RuleCount {
    pub(crate) count: u64,
    pub(crate) title_vi: Option<String>,
    pub(crate) first: DateTime<Utc>,
    pub(crate) last: DateTime<Utc>,
    /// Of the earliest finding.
    pub(crate) host: String,
    pub(crate) file: String,
}

/// A count with the worst severity in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) count: u64,
    pub(crate) worst: Severity,
}

impl Summary {
    /// Counts one hit.
    pub(crate) fn count(&mut self, hit: &Hit) {
        let finding = &hit.finding;
        self.findings += 1;
        self.worst = self.worst.max(Some(finding.severity));
        let key = RuleKey {
            severity: Reverse(finding.severity),
            title: finding.title.clone(),
            id: finding.rule.clone(),
        };
        let at = finding.occurred_at;
        let rule = self.rules.entry(key).or_insert_with(|| RuleCount {
            count: 0,
            title_vi: finding.title_vi.clone(),
            first: at,
            last: at,
            host: hit.host.clone(),
            file: hit.spot.exhibit.shown.clone(),
        });
        rule.count += 1;
        rule.last = rule.last.max(at);
        if at < rule.first {
            rule.first = at;
            rule.host.clone_from(&hit.host);
            rule.file.clone_from(&hit.spot.exhibit.shown);
        }
        add(&mut self.hosts, &hit.host, finding.severity);
        for tag in &finding.tags {
            match attack(tag) {
                Some(Attack::Tactic(name)) => add(&mut self.tactics, &name, finding.severity),
                Some(Attack::Technique(id)) => add(&mut self.techniques, &id, finding.severity),
                None => {}
            }
        }
    }

    /// Prints the counts as tables.
    pub(crate) fn print(&self, out: &mut dyn Write) -> Result<()> {
        let rows: Vec<Vec<String>> = self
            .rules
            .iter()
            .map(|(rule, found)| {
                vec![
                    rule.severity.0.word().to_owned(),
                    found.count.to_string(),
                    rule.title.clone(),
                    found.first.format("%Y-%m-%d %H:%M:%S").to_string(),
                    found.host.clone(),
                    found.file.clone(),
                ]
            })
            .collect();
        let head = ["severity", "findings", "rule", "first seen (UTC)", "host", "file"];
        output::write_table(out, &head, &rows)?;
        for (name, counts) in [("host", &self.hosts), ("ATT&CK tactic", &self.tactics)] {
            if !counts.is_empty() {
                writeln!(out)?;
                let rows: Vec<Vec<String>> = by_count(counts)
                    .into_iter()
                    .map(|(name, found)| {
                        let name = if name.is_empty() { "(none named)" } else { name };
                        let worst = found.worst.word().to_owned();
                        vec![name.to_owned(), found.count.to_string(), worst]
                    })
                    .collect();
                output::write_table(out, &[name, "findings", "worst"], &rows)?;
            }
        }
        Ok(())
    }
}

/// Returns counts, the largest first.
pub(crate) fn by_count(counts: &BTreeMap<String, Count>) -> Vec<(&str, Count)> {
    let mut sorted: Vec<(&str, Count)> =
        counts.iter().map(|(name, found)| (name.as_str(), *found)).collect();
    sorted.sort_by_key(|(_, found)| Reverse(found.count));
    sorted
}

fn add(counts: &mut BTreeMap<String, Count>, name: &str, severity: Severity) {
    match counts.get_mut(name) {
        Some(found) => {
            found.count += 1;
            found.worst = found.worst.max(severity);
        }
        None => {
            counts.insert(name.to_owned(), Count { count: 1, worst: severity });
        }
    }
}

/// What a tag says of ATT&CK.
#[derive(Debug, PartialEq, Eq)]
enum Attack {
    /// `defense evasion`
    Tactic(String),
    /// `T1059.001`
    Technique(String),
}

/// Reads `attack.t1059.001` and `attack.defense-evasion` (older rules write an underscore). Groups
/// (`attack.g0016`) and software (`attack.s0002`) are neither.
fn attack(tag: &str) -> Option<Attack> {
    let name = tag.strip_prefix("attack.")?;
    let mut rest = name.chars();
    match (rest.next()?, rest.next().is_some_and(|c| c.is_ascii_digit())) {
        ('t' | 'T', true) => Some(Attack::Technique(name.to_ascii_uppercase())),
        ('a'..='z', true) => None,
        _ => Some(Attack::Tactic(name.replace(['-', '_'], " "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_tactics_and_techniques() {
        for (tag, want) in [
            ("attack.t1059.001", Some(Attack::Technique("T1059.001".to_owned()))),
            ("attack.defense_evasion", Some(Attack::Tactic("defense evasion".to_owned()))),
            ("attack.command-and-control", Some(Attack::Tactic("command and control".to_owned()))),
            ("attack.g0016", None),
            ("cve.2021-44228", None),
            ("attack.", None),
        ] {
            assert_eq!(attack(tag), want, "{tag}");
        }
    }
}
