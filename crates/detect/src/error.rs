//! What is wrong with a rule, said so that its author finds the place at once.

use std::fmt;

/// A place in a rule file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: usize,
    /// The column, in characters.
    pub(crate) column: usize,
}

impl Place {
    /// Returns the place so many characters further on the same line.
    pub(crate) const fn right(self, characters: usize) -> Self {
        Self { line: self.line, column: self.column.saturating_add(characters) }
    }
}

/// What kind of trouble a rule is in: screens group by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleErrorKind {
    /// The file is not readable YAML, or too large.
    Yaml,
    /// The document is not a complete, sensible Sigma rule.
    Rule,
    /// The rule is right but uses a placeholder nobody gave a value for.
    Placeholder,
    /// The rule is right but asks for something this engine does not do.
    Unsupported,
}

/// Why one rule was refused. The other rules of the set load all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    /// The file, as the caller named it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What kind of trouble it is.
    pub kind: RuleErrorKind,
    /// The rule's title, if the document got that far.
    pub title: Option<String>,
    /// What is wrong, in English.
    pub message: String,
    /// How to mend it, if that can be guessed.
    pub hint: Option<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// A fault found while reading, before the file's name is known to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Place,
    pub(crate) kind: RuleErrorKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    /// Returns a fault in the rule itself.
    pub(crate) fn rule(at: Place, message: impl Into<String>) -> Self {
        Self { at, kind: RuleErrorKind::Rule, message: message.into(), hint: None }
    }

    /// Returns a fault in the YAML.
    pub(crate) fn yaml(at: Place, message: impl Into<String>) -> Self {
        Self { kind: RuleErrorKind::Yaml, ..Self::rule(at, message) }
    }

    /// Returns a fault for something this engine does not do.
    pub(crate) fn unsupported(at: Place, message: impl Into<String>) -> Self {
        Self { kind: RuleErrorKind::Unsupported, ..Self::rule(at, message) }
    }

    /// Adds how to mend it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds how to mend it, if there is a guess.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Returns the fault as the caller sees it.
    pub(crate) fn in_file(self, path: &str, title: Option<&str>) -> RuleError {
        RuleError {
            path: path.to_owned(),
            line: self.at.line,
            column: self.at.column,
            kind: self.kind,
            title: title.map(ToOwned::to_owned),
            message: self.message,
            hint: self.hint,
        }
    }
}

/// Returns the candidate that the author most likely meant, as a hint.
pub(crate) fn did_you_mean(
    written: &str,
    candidates: impl Iterator<Item = impl AsRef<str>>,
) -> Option<String> {
    let measured = candidates.map(|name| (distance(written, name.as_ref()), name));
    let (changes, name) = measured.min_by_key(|(changes, _)| *changes)?;
    let near_enough = changes <= 2.max(written.len() / 4) && changes < written.len();
    near_enough.then(|| format!("did you mean `{}`?", name.as_ref()))
}

/// Returns how many letters must be changed, added or removed to turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, right) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX);
            let swapped = at(&row, j).saturating_add(usize::from(left != *right));
            let removed = at(&row, j.saturating_add(1)).saturating_add(1);
            let added = at(&next, j).saturating_add(1);
            next.push(swapped.min(removed).min(added));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let names = ["contains", "startswith", "endswith"];
        let hint = |word| did_you_mean(word, names.into_iter());
        assert_eq!(hint("contain").as_deref(), Some("did you mean `contains`?"));
        assert_eq!(hint("starts_with").as_deref(), Some("did you mean `startswith`?"));
        assert_eq!(hint("zzz"), None);
    }
}
