//! What the law wants at least: data of `content/law/log_retention.toml`, with dates of validity.

use std::sync::LazyLock;

use chrono::NaiveDate;
use event::Level;
use serde::Deserialize;

const TEXT: &str = include_str!("../../../../content/law/log_retention.toml");

/// The rules, the oldest first. A test reads them, so that the program cannot be built with others.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| read(TEXT).unwrap_or_default());

/// Months that are assumed where no rule answers: the longest term that any level has.
const LONGEST_MONTHS: u32 = 12;

/// Why the rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LawError {
    /// It is no TOML of this shape.
    #[error("the rules of log retention cannot be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// They do not stand in the order of time.
    #[error("the rules of log retention do not stand in the order of their dates")]
    Order,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    standard: String,
    valid_from: NaiveDate,
    /// By level, from 1 to 5.
    months: [u32; 5],
}

pub(super) fn read(text: &str) -> Result<Vec<Rule>, LawError> {
    let File { rule: rules } =
        toml::from_str(text).map_err(|error| LawError::Unreadable(Box::new(error)))?;
    let ordered = rules.iter().zip(rules.iter().skip(1)).all(|(a, b)| a.valid_from < b.valid_from);
    if ordered { Ok(rules) } else { Err(LawError::Order) }
}

/// The least that the law wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Minimum {
    pub(super) months: u32,
    /// The standard; empty where none is in force.
    pub(super) base: String,
}

/// Returns the least months for a level on a day. A system without a level is kept as the highest:
/// what it will be is not known.
pub(super) fn minimum(level: Option<Level>, on: NaiveDate) -> Minimum {
    let Some(rule) = RULES.iter().rev().find(|rule| rule.valid_from <= on) else {
        return Minimum { months: LONGEST_MONTHS, base: String::new() };
    };
    let months = match level {
        Some(level) => rule.months.get(usize::from(level.number()).saturating_sub(1)).copied(),
        None => rule.months.iter().max().copied(),
    };
    Minimum { months: months.unwrap_or(LONGEST_MONTHS), base: rule.standard.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: &str) -> NaiveDate {
        day.parse().unwrap()
    }

    #[test]
    fn the_rules_are_read_and_hold_from_their_day() {
        assert_eq!(read(TEXT).unwrap().len(), RULES.len());
        let months = |level, day| minimum(Level::new(level), on(day)).months;
        for (level, before, since) in [(1, 0, 0), (2, 0, 1), (3, 3, 3), (4, 6, 6), (5, 12, 12)] {
            assert_eq!(months(level, "2026-07-23"), before, "level {level}");
            assert_eq!(months(level, "2026-07-24"), since, "level {level}");
        }
        assert_eq!(minimum(None, on("2026-11-27")).months, 12);
        assert_eq!(minimum(Level::new(1), on("1990-01-01")).months, 12);
        assert!(minimum(None, on("2026-11-27")).base.contains("14423"));
    }

    #[test]
    fn rules_out_of_order_are_refused() {
        let rule = |day: &str| {
            format!("[[rule]]\nstandard = \"a\"\nvalid_from = \"{day}\"\nmonths = [0,0,0,0,0]\n")
        };
        let text = rule("2026-01-02") + &rule("2026-01-01");
        assert!(matches!(read(&text), Err(LawError::Order)));
    }
}
