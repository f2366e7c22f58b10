//! What a saved search is: types and checks, no IO.

use chrono::{DateTime, TimeDelta, Utc};
use event::query::{ParseError, Question, parse_question};
use event::{AccountId, AgencyId, Scope, Severity};
use uuid::Uuid;

use crate::limits::{QUERY_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::search::SPANS;

/// Who finds a saved search besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Nobody.
    Own,
    /// Whoever sees this agency.
    Agency(AgencyId),
    /// Everyone who searches.
    All,
}

impl Share {
    /// Returns the word in the column and in the form.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Agency(_) => "agency",
            Self::All => "all",
        }
    }
}

/// How a saved search runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How long a window is.
    pub every: TimeDelta,
    /// An alert is raised when more events than this match; with stages, when more rows than this are
    /// left.
    pub above: u64,
    /// How bad the alert is.
    pub severity: Severity,
}

/// The windows offered, in minutes.
pub(crate) const EVERY_MIN: [i64; 6] = [1, 5, 15, 60, 360, 1440];

/// A saved search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Saved {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) about: String,
    /// The query line.
    pub(crate) line: String,
    /// The span of time it opens with.
    pub(crate) span: String,
    pub(crate) owner: AccountId,
    pub(crate) share: Share,
    pub(crate) plan: Option<Plan>,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) changed_at: DateTime<Utc>,
}

impl Saved {
    /// Returns the name of its schedule in the queue.
    pub(crate) fn schedule(&self) -> String {
        format!("search.{}", self.id)
    }

    /// Returns whether who sees this sees what the search is for.
    pub(crate) fn is_for(&self, scope: &Scope) -> bool {
        match self.share {
            Share::Agency(agency) => scope.sees(agency),
            Share::Own | Share::All => true,
        }
    }

    /// Returns the id of the rule under which its alerts stand.
    pub(crate) fn rule(&self) -> String {
        format!("{}{}", super::RULE_PREFIX, self.id)
    }
}

/// What someone fills in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) line: String,
    pub(crate) span: String,
    pub(crate) share: Share,
    pub(crate) plan: Option<Plan>,
}

/// Why a search cannot be saved so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The line does not parse.
    #[error("the query is wrong at column {}", .0.column)]
    Line(ParseError),
    /// A field is wrong: its name and the key of the sentence that says why.
    #[error("the field {0} is wrong ({1})")]
    Field(&'static str, &'static str),
}

impl Draft {
    /// Returns the question, once everything about the draft is sound.
    pub(crate) fn check(&self) -> Result<Question, DraftError> {
        let length = self.name.chars().count();
        if length == 0 || length > TITLE_CHARS_MAX {
            return Err(DraftError::Field("name", "saved-error-name"));
        }
        if self.about.chars().count() > TEXT_CHARS_MAX {
            return Err(DraftError::Field("about", "saved-error-about"));
        }
        if !SPANS.iter().any(|(word, minutes)| *word == self.span && *minutes > 0) {
            return Err(DraftError::Field("span", "saved-error-span"));
        }
        if self.line.chars().count() > QUERY_CHARS_MAX {
            return Err(DraftError::Field("line", "saved-error-long"));
        }
        let question = parse_question(&self.line).map_err(DraftError::Line)?;
        if let Some(plan) = self.plan {
            if !EVERY_MIN.contains(&plan.every.num_minutes()) {
                return Err(DraftError::Field("every", "saved-error-every"));
            }
            // A window is one stretch of time already; bars inside it would be counted as rows.
            if question.summary.as_ref().is_some_and(|summary| summary.time.is_some()) {
                return Err(DraftError::Field("every", "saved-error-timechart"));
            }
        }
        Ok(question)
    }
}

/// What came of one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) search: Uuid,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) ran_at: DateTime<Utc>,
    /// Events, or rows that the stages left.
    pub(crate) hits: u64,
    /// Whether it raised an alert.
    pub(crate) raised: bool,
    /// How long after its time it ran, in seconds.
    pub(crate) late_s: i64,
    /// Why it was not asked at all, or only in part; empty if all was.
    pub(crate) skipped_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_sound_or_says_where_not() {
        let draft = |line: &str, plan: Option<i64>| Draft {
            name: "Đăng nhập sai".to_owned(),
            about: String::new(),
            line: line.to_owned(),
            span: "24h".to_owned(),
            share: Share::Own,
            plan: plan.map(|minutes| Plan {
                every: TimeDelta::minutes(minutes),
                above: 0,
                severity: Severity::Medium,
            }),
        };
        let field = |draft: Draft| match draft.check() {
            Ok(_) => "",
            Err(DraftError::Line(_)) => "line",
            Err(DraftError::Field(field, _)) => field,
        };
        assert_eq!(field(draft("status:failure | stats count() by src_ip", Some(5))), "");
        assert_eq!(field(draft("| timechart count()", None)), "");
        assert_eq!(field(draft("| timechart count()", Some(5))), "every");
        assert_eq!(field(draft("*", Some(7))), "every");
        assert_eq!(field(draft("a AND", None)), "line");
        assert_eq!(field(draft(&"a ".repeat(2_000), None)), "line");
        assert_eq!(field(Draft { name: String::new(), ..draft("*", None) }), "name");
        assert_eq!(field(Draft { span: "custom".to_owned(), ..draft("*", None) }), "span");
    }
}
