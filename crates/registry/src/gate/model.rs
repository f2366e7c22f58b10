//! Papers and overrides.

use chrono::{DateTime, Months, NaiveDate, Utc};
use event::{Level, SystemId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, FieldErrors, Phrase};

use crate::law::Law;
use crate::limits;
use crate::text::{check_length, check_marks, clean};

/// A paper of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its id.
    pub id: Uuid,
    /// The system.
    pub system: SystemId,
    /// Its kind, a word of the law's papers.
    pub kind: String,
    /// Its number (`12/QĐ-UBND`).
    pub number: String,
    /// Who issued it.
    pub issuer: String,
    /// The level that a decision on the level gives.
    pub level: Option<Level>,
    /// Its day.
    pub issued_on: NaiveDate,
    /// Its last day, if it has one.
    pub valid_to: Option<NaiveDate>,
    /// What else is to be said.
    pub note: String,
    /// When it was filed.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
    /// When it was withdrawn; it stays on record.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl Paper {
    /// Returns the last day on which it counts: its own end, or the law's term after its day.
    pub fn counts_until(&self, law: &Law) -> Option<NaiveDate> {
        let months = law.paper_kind(&self.kind).map_or(0, |kind| kind.months);
        let term =
            (months > 0).then(|| self.issued_on.checked_add_months(Months::new(months))).flatten();
        match (self.valid_to, term) {
            (Some(own), Some(term)) => Some(own.min(term)),
            (own, term) => own.or(term),
        }
    }

    /// Returns whether it counts on a day.
    pub fn counts(&self, law: &Law, day: NaiveDate) -> bool {
        self.withdrawn_at.is_none()
            && self.issued_on <= day
            && self.counts_until(law).is_none_or(|last| day <= last)
    }
}

/// What a form says of a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaperDraft {
    /// Kind: `level_decision` …
    #[serde(default)]
    pub kind: String,
    /// Number.
    #[serde(default)]
    pub number: String,
    /// Who issued it.
    #[serde(default)]
    pub issuer: String,
    /// The level that a decision on the level gives.
    pub level: Option<u8>,
    /// Its day.
    pub issued_on: Option<NaiveDate>,
    /// Its last day.
    pub valid_to: Option<NaiveDate>,
    /// What else is to be said.
    #[serde(default)]
    pub note: String,
}

impl PaperDraft {
    /// Returns the draft with tidy fields, its day and level.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub(super) fn checked(
        mut self,
        law: &Law,
        today: NaiveDate,
    ) -> Result<(Self, NaiveDate, Option<Level>), AppError> {
        let mut errors = FieldErrors::default();
        if law.paper_kind(&self.kind).is_none() {
            errors.add("kind", Phrase::key("registry-field-choose"));
        }
        for (field, text) in
            [("number", &mut self.number), ("issuer", &mut self.issuer), ("note", &mut self.note)]
        {
            *text = clean(text);
            check_length(&mut errors, field, text, limits::TEXT_CHARS_MAX);
            check_marks(&mut errors, field, text);
        }
        if self.number.is_empty() {
            errors.add("number", Phrase::key("registry-field-empty"));
        }
        let level = self.level.and_then(Level::new);
        if self.kind == LEVEL_DECISION && level.is_none() {
            errors.add("level", Phrase::key("registry-field-choose"));
        }
        if self.valid_to.is_some_and(|to| self.issued_on.is_some_and(|from| to < from)) {
            errors.add("valid_to", Phrase::key("gate-ends-before"));
        }
        match self.issued_on {
            Some(day) if errors.is_empty() && day <= today => Ok((self, day, level)),
            Some(day) if day > today => {
                errors.add("issued_on", Phrase::key("gate-future"));
                Err(AppError::Invalid(errors))
            }
            Some(_) => Err(AppError::Invalid(errors)),
            None => {
                errors.add("issued_on", Phrase::key("registry-field-empty"));
                Err(AppError::Invalid(errors))
            }
        }
    }
}

/// The kind of paper that gives a system its level.
pub(super) const LEVEL_DECISION: &str = "level_decision";

/// Leave to run without what the law wants, by a named person until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its id.
    pub id: Uuid,
    /// The system.
    pub system: SystemId,
    /// Why.
    pub reason: String,
    /// The person who answers for it.
    pub approver: String,
    /// What was missing when it was given.
    pub missing: Vec<String>,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// Who recorded it.
    pub created_by: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was ended before that.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Override {
    /// Returns whether it holds at a moment.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// What a form says of an override.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideDraft {
    /// Why.
    #[serde(default)]
    pub(crate) reason: String,
    /// Name and post of the person who answers for it.
    #[serde(default)]
    pub(crate) approver: String,
    /// Its last day.
    pub(crate) until: Option<NaiveDate>,
}
