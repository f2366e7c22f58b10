//! Which findings are one alert: the same rule, the same system, the same entity, close in time.

use chrono::{DateTime, Utc};
use event::{EntityKind, Finding};

use crate::limits::{ENTITY_CHARS, WINDOW_QUIET, WINDOW_WHOLE};

/// The platform's own rules that speak of a correlation: what they say of two correlations is two alerts.
const OF_A_CORRELATION: &str = "luytre-correlation-";

/// Returns what findings of one alert have in common, as the text of an indexed column. Findings of
/// a source that belongs to no system group by the source.
pub(crate) fn group_key(finding: &Finding) -> String {
    let place = finding.origin.system.map_or_else(
        || format!("source:{}", finding.origin.source),
        |system| format!("system:{system}"),
    );
    let kind = kind_word(finding.entity.kind);
    let value: String = finding.entity.value.chars().take(ENTITY_CHARS).collect();
    let about = match finding.matched.first() {
        Some(one) if finding.rule.starts_with(OF_A_CORRELATION) => format!(":{}", one.selection),
        _ => String::new(),
    };
    format!("{}{about}|{place}|{kind}:{}", finding.rule, value.to_lowercase())
}

/// Returns the word of an entity's kind in columns, addresses and translation keys.
pub(crate) const fn kind_word(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::SrcIp => "src_ip",
        EntityKind::User => "user",
        EntityKind::Host => "host",
        EntityKind::Source => "source",
    }
}

/// Returns the kind that a word names.
pub(crate) fn kind_from_word(word: &str) -> Option<EntityKind> {
    [EntityKind::SrcIp, EntityKind::User, EntityKind::Host, EntityKind::Source]
        .into_iter()
        .find(|kind| kind_word(*kind) == word)
}

/// The time that an alert covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first finding's event.
    pub(crate) first_at: DateTime<Utc>,
    /// The last finding's event.
    pub(crate) last_at: DateTime<Utc>,
}

impl Window {
    /// Returns whether a finding of this moment belongs to the alert: near enough to its ends, and
    /// the whole not too long. Late logs may reach back before the first finding.
    pub(crate) fn takes(self, at: DateTime<Utc>) -> bool {
        let near = at >= self.first_at - WINDOW_QUIET && at <= self.last_at + WINDOW_QUIET;
        let widened = self.with(at);
        near && widened.last_at - widened.first_at <= WINDOW_WHOLE
    }

    /// Returns the window that also covers this moment.
    #[must_use]
    pub(crate) fn with(self, at: DateTime<Utc>) -> Self {
        Self { first_at: self.first_at.min(at), last_at: self.last_at.max(at) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_window_stays_open_for_thirty_quiet_minutes_and_a_day() {
        let check = |first: i64, last: i64, finding: i64, takes: bool| {
            let window = Window { first_at: at(first), last_at: at(last) };
            assert_eq!(window.takes(at(finding)), takes, "{first}..{last} and {finding}");
        };
        check(0, 0, 0, true);
        check(0, 0, 30, true);
        check(0, 0, 31, false);
        check(0, 100, 50, true);
        check(0, 100, 130, true);
        check(0, 100, 131, false);
        check(100, 110, 70, true);
        check(100, 110, 69, false);
        check(0, 1430, 1440, true);
        check(0, 1430, 1441, false);
    }

    #[test]
    fn what_is_said_of_two_correlations_is_two_alerts() {
        let maker = crate::testing::Maker::new();
        let about = |rule: &str, correlation: &str| {
            let mut finding = maker.finding(0);
            rule.clone_into(&mut finding.rule);
            correlation.clone_into(&mut finding.matched[0].selection);
            group_key(&finding)
        };
        for rule in ["luytre-correlation-late", "luytre-correlation-limit"] {
            assert_eq!(about(rule, "one"), about(rule, "one"));
            assert_ne!(about(rule, "one"), about(rule, "two"), "{rule}");
        }
        assert_eq!(about("a-rule", "one"), about("a-rule", "two"), "a selection is no group");
    }

    #[test]
    fn kinds_read_back() {
        for kind in [EntityKind::SrcIp, EntityKind::User, EntityKind::Host, EntityKind::Source] {
            assert_eq!(kind_from_word(kind_word(kind)), Some(kind));
        }
        assert_eq!(kind_from_word("planet"), None);
    }
}
