//! What a report is and where it stands.

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId, IncidentId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The type of document that reports are: *báo cáo*; they are numbered by it.
pub(super) const DOCUMENT_TYPE: &str = "BC";

/// What a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// First word of an incident.
    Initial,
    /// How it goes on.
    Update,
    /// Cause, scope and remedy, within 72 hours.
    Full,
    /// The last word.
    Closing,
    /// Over a time: how many incidents there were.
    Periodic,
}

impl ReportKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Initial, Self::Update, Self::Full, Self::Closing, Self::Periodic];

    /// Returns the word used in columns and forms.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Update => "update",
            Self::Full => "full",
            Self::Closing => "closing",
            Self::Periodic => "periodic",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the language key of its name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Initial => "report-kind-initial",
            Self::Update => "report-kind-update",
            Self::Full => "report-kind-full",
            Self::Closing => "report-kind-closing",
            Self::Periodic => "report-kind-periodic",
        }
    }

    /// Returns the reports, as obligations name them, that this one is: a closing report says what a
    /// full one says.
    pub(crate) const fn answers(self) -> Option<&'static str> {
        match self {
            Self::Initial => Some("initial"),
            Self::Full | Self::Closing => Some("full"),
            Self::Update | Self::Periodic => None,
        }
    }
}

/// Where a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Someone writes it.
    Draft,
    /// It waits for a second person.
    Submitted,
    /// It has its number; nothing in it changes any more.
    Approved,
    /// It was never needed.
    Withdrawn,
}

/// What someone does with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Submit,
    Approve,
    Return,
    Withdraw,
}

#[cfg(test)]
impl Step {
    pub(crate) const ALL: [Self; 4] = [Self::Submit, Self::Approve, Self::Return, Self::Withdraw];
}

impl State {
    pub(crate) const ALL: [Self; 4] =
        [Self::Draft, Self::Submitted, Self::Approved, Self::Withdrawn];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Draft => "report-state-draft",
            Self::Submitted => "report-state-submitted",
            Self::Approved => "report-state-approved",
            Self::Withdrawn => "report-state-withdrawn",
        }
    }

    /// Returns the state after a step.
    pub(crate) fn after(self, step: Step) -> Result<Self, ReportError> {
        match (self, step) {
            (Self::Draft, Step::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Step::Approve) => Ok(Self::Approved),
            (Self::Submitted, Step::Return) => Ok(Self::Draft),
            (Self::Draft, Step::Withdraw) => Ok(Self::Withdrawn),
            _ => Err(ReportError::State),
        }
    }
}

/// Why something was not done with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Where it stands does not allow it.
    #[error("the report's state does not allow it")]
    State,
    /// Someone else has changed it meanwhile.
    #[error("the report was changed meanwhile")]
    Stale,
    /// Whoever wrote or submitted it does not approve it.
    #[error("nobody approves their own report")]
    Own,
}

impl ReportError {
    /// Returns the key of the sentence that says so.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::State => "report-error-state",
            Self::Stale => "report-error-stale",
            Self::Own => "report-error-own",
        }
    }
}

/// What people write of a report; each may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Content {
    /// The body above the one that issues it.
    pub superior: String,
    /// The body that issues it.
    pub issuer: String,
    /// What follows the number: `BC-SKHCN`.
    pub symbol: String,
    /// Where it is issued.
    pub place: String,
    /// What it is about.
    pub summary: String,
    /// To whom it goes.
    pub addressee: String,
    /// What happened.
    pub happened: String,
    /// The timeline, a line each.
    pub timeline: String,
    /// Systems, data and people concerned.
    pub affected: String,
    /// What was done.
    pub measures: String,
    /// Why it could happen.
    pub cause: String,
    /// What is asked for, and what is done differently.
    pub proposals: String,
    /// `tm`, `kt`, `tl`, `tuq`, `q` or nothing.
    pub authority: String,
    /// Whose place the signer takes.
    pub whose: String,
    /// The signer's title.
    pub title: String,
    /// The signer's name.
    pub signer: String,
    /// Who else gets it, a line each.
    pub recipients: String,
    /// Where it is filed.
    pub filed: String,
}

impl Content {
    /// Returns the sections with the keys of their headings, in the order of the document.
    pub(crate) fn sections(&self) -> [(&'static str, &str); 6] {
        [
            ("report-section-happened", &self.happened),
            ("report-section-timeline", &self.timeline),
            ("report-section-affected", &self.affected),
            ("report-section-measures", &self.measures),
            ("report-section-cause", &self.cause),
            ("report-section-proposals", &self.proposals),
        ]
    }

    /// Returns each field with its name.
    pub(crate) fn fields(&self) -> [(&'static str, &str); 18] {
        [
            ("superior", &self.superior),
            ("issuer", &self.issuer),
            ("symbol", &self.symbol),
            ("place", &self.place),
            ("summary", &self.summary),
            ("addressee", &self.addressee),
            ("happened", &self.happened),
            ("timeline", &self.timeline),
            ("affected", &self.affected),
            ("measures", &self.measures),
            ("cause", &self.cause),
            ("proposals", &self.proposals),
            ("authority", &self.authority),
            ("whose", &self.whose),
            ("title", &self.title),
            ("signer", &self.signer),
            ("recipients", &self.recipients),
            ("filed", &self.filed),
        ]
    }
}

/// A figure that the platform tells, not a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it was when the report was last saved.
    pub value: String,
}

/// One version of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) content: Content,
    pub(crate) facts: Vec<Fact>,
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) kind: ReportKind,
    pub(crate) state: State,
    pub(crate) agency: AgencyId,
    pub(crate) incident: Option<IncidentId>,
    /// The time that a periodic report is over: from, and the moment it ends before.
    pub(crate) period: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub(crate) summary: String,
    pub(crate) version: i32,
    pub(crate) made_by: AccountId,
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) submitted_by: Option<AccountId>,
    pub(crate) submitter: Option<String>,
    pub(crate) submitted_at: Option<DateTime<Utc>>,
    pub(crate) approver: Option<String>,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    pub(crate) returned: Option<String>,
    pub(crate) number: Option<i64>,
    pub(crate) year: Option<i32>,
    pub(crate) quoted: Option<String>,
    pub(crate) frozen: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) reference: Option<String>,
    pub(crate) signed_on: Option<String>,
}

impl Report {
    /// Returns whether this person wrote a version of it or handed it in: somebody else approves it.
    pub(crate) fn is_work_of(&self, person: AccountId, versions: &[Version]) -> bool {
        let wrote = versions.iter().any(|version| version.account == person);
        wrote || self.submitted_by == Some(person)
    }
}

/// One version, as the list of versions tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: i32,
    pub(crate) account: AccountId,
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) body: Body,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_submitted_is_approved_and_nothing_follows() {
        let mut led = Vec::new();
        for from in State::ALL {
            for step in Step::ALL {
                if let Ok(to) = from.after(step) {
                    led.push((from, step, to));
                }
            }
        }
        assert_eq!(
            led,
            [
                (State::Draft, Step::Submit, State::Submitted),
                (State::Draft, Step::Withdraw, State::Withdrawn),
                (State::Submitted, Step::Approve, State::Approved),
                (State::Submitted, Step::Return, State::Draft),
            ]
        );
    }
}
