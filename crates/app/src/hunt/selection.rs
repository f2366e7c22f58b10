//! Which findings of a hunt are wanted: by severity, rule, tag and status of the rule.

use std::collections::HashSet;
use std::str::FromStr;

use detect::{RuleInfo, RuleSet, indicator_rules};
use event::{Finding, Severity};

/// What rules are chosen by: `tag:attack.t1059`, `status:experimental`, or a rule's id, name or title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The rule carries this tag, or one below it (`attack.t1059` has `attack.t1059.001`).
    Tag(String),
    /// The rule is in this state.
    Status(String),
    /// The rule's id, name or title.
    Rule(String),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("tag", tag)) => Ok(Self::Tag(tag.to_ascii_lowercase())),
            Some(("status", status)) => Ok(Self::Status(status.to_ascii_lowercase())),
            _ if text.is_empty() => Err("expected a rule's id, tag:… or status:…".to_owned()),
            _ => Ok(Self::Rule(text.to_lowercase())),
        }
    }
}

impl Choice {
    fn fits(&self, rule: &RuleInfo) -> bool {
        match self {
            Self::Tag(tag) => rule.tags.iter().any(|own| {
                let own = own.to_ascii_lowercase();
                own.strip_prefix(tag.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
            Self::Status(status) => {
                rule.status.as_ref().is_some_and(|own| own.to_ascii_lowercase() == *status)
            }
            Self::Rule(word) => [Some(&rule.id), rule.name.as_ref(), Some(&rule.title)]
                .into_iter()
                .flatten()
                .any(|own| own.to_lowercase() == *word),
        }
    }
}

/// Which findings are wanted.
#[derive(Debug)]
pub(crate) struct Selection {
    min_level: Severity,
    /// Ids of rules; findings of others are left out.
    wanted: Option<HashSet<String>>,
    unwanted: HashSet<String>,
}

impl Selection {
    /// Returns the selection, or the choices that fit no rule: more likely a slip than a wish.
    pub(crate) fn new(
        rules: &RuleSet,
        min_level: Severity,
        include: &[Choice],
        exclude: &[Choice],
    ) -> Result<Self, Vec<Choice>> {
        let built_in = indicator_rules();
        let known = || rules.rules().iter().chain(&built_in);
        let chosen = |choices: &[Choice]| -> HashSet<String> {
            let fitting = known().filter(|rule| choices.iter().any(|c| c.fits(rule)));
            fitting.map(|rule| rule.id.clone()).collect()
        };
        let idle: Vec<Choice> = include
            .iter()
            .chain(exclude)
            .filter(|choice| !known().any(|rule| choice.fits(rule)))
            .cloned()
            .collect();
        if !idle.is_empty() {
            return Err(idle);
        }
        let wanted = (!include.is_empty()).then(|| chosen(include));
        Ok(Self { min_level, wanted, unwanted: chosen(exclude) })
    }

    /// Returns whether a finding is wanted.
    pub(crate) fn wants(&self, finding: &Finding) -> bool {
        finding.severity >= self.min_level
            && self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&finding.rule))
            && !self.unwanted.contains(&finding.rule)
    }
}

#[cfg(test)]
mod tests {
    use detect::RuleFile;

    use super::*;

    #[test]
    fn rules_are_chosen_by_id_title_tag_and_status() {
        let text = "title: Một\nid: r1\nstatus: test\ntags: [attack.t1059.001]\nlogsource: {product: x}\n\
                    detection: {a: {f: 1}, condition: a}\n";
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
        assert!(errors.is_empty(), "{errors:?}");
        for (choice, fits) in [
            ("r1", true),
            ("một", true),
            ("tag:attack.t1059", true),
            ("tag:attack.t105", false),
            ("status:Test", true),
            ("status:stable", false),
            ("r2", false),
        ] {
            let choice: Choice = choice.parse().unwrap();
            let made = Selection::new(&rules, Severity::Low, &[], std::slice::from_ref(&choice));
            assert_eq!(made.is_ok(), fits, "{choice:?}");
        }
        assert!("".parse::<Choice>().is_err());
    }
}
