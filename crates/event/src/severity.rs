//! How bad a finding is, and how much a system matters.

use serde::{Deserialize, Serialize};

/// How bad something is. The names are Sigma's `level`, the numbers OCSF's `severity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth keeping, not worth a look by itself.
    Informational = 1,
    /// Worth a look when there is time.
    Low = 2,
    /// Worth a look today.
    Medium = 3,
    /// Worth a look now.
    High = 4,
    /// Wake someone.
    Critical = 5,
}

impl Severity {
    /// All severities, the worst first: the order of every list.
    pub const WORST_FIRST: [Self; 5] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Informational];

    /// Returns the word used in rules, addresses and columns.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Returns the severity that a word names, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORST_FIRST.into_iter().find(|severity| severity.word() == word)
    }

    /// Returns the OCSF `severity_id`, 1 to 5.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the severity with this OCSF `severity_id`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::WORST_FIRST.into_iter().find(|severity| severity.number() == number)
    }

    /// Returns how bad a rule's finding is on a system of this level: one step worse on level 4-5,
    /// as the rule says on level 3 or an unknown one, one step milder on level 1-2 (but never below
    /// low: a small office's web shell is still a web shell, and high stays at least medium).
    #[must_use]
    pub fn on_level(self, level: Option<Level>) -> Self {
        match level.map(Level::number) {
            Some(4 | 5) => match self {
                Self::Informational => Self::Low,
                Self::Low => Self::Medium,
                Self::Medium => Self::High,
                Self::High | Self::Critical => Self::Critical,
            },
            Some(1 | 2) => match self {
                Self::Critical => Self::High,
                Self::High => Self::Medium,
                Self::Medium | Self::Low => Self::Low,
                Self::Informational => Self::Informational,
            },
            _ => self,
        }
    }
}

/// The legal security level of an information system, 1 to 5.
///
/// Source: Nghị định 331/2026/NĐ-CP, Đ11-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

impl Level {
    /// Returns the level, if the number is 1 to 5.
    pub const fn new(number: u8) -> Option<Self> {
        if 1 <= number && number <= 5 { Some(Self(number)) } else { None }
    }

    /// Returns the number, 1 to 5.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Level {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::new(number).ok_or_else(|| format!("{number} is not a level from 1 to 5"))
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_the_system_level() {
        let on = |number| Severity::High.on_level(Level::new(number));
        assert_eq!(
            [on(1), on(2), on(3), on(4), on(5)],
            [
                Severity::Medium,
                Severity::Medium,
                Severity::High,
                Severity::Critical,
                Severity::Critical
            ]
        );
        assert_eq!(Severity::High.on_level(None), Severity::High);
    }
}
