//! What a dossier is, the ways between its states, and who may not take which step.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use event::{AccountId, AgencyId, SystemId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Phrase};

/// Where a dossier is. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Being written.
    Draft,
    /// Signed off inside the agency, not sent yet.
    Signed,
    /// Sent; whether it is complete is looked at.
    Submitted,
    /// Sent back: something is missing, or the opinion or decision was no.
    Incomplete,
    /// Complete; being appraised.
    Appraising,
    /// With the body outside that appraises it (Bộ Công an).
    Outside,
    /// Appraised with a favourable opinion; waits for the decision.
    Appraised,
    /// Decided; the papers are not filed yet.
    Approved,
    /// The decisions are filed, the system has its level.
    Filed,
    /// Given up.
    Withdrawn,
}

/// A step that someone takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Began it.
    Draft,
    /// Wrote in it.
    Edit,
    /// Signed it off inside the agency.
    SignOff,
    /// Sent it.
    Submit,
    /// Gave it up.
    Withdraw,
    /// Found it complete.
    Complete,
    /// Found something missing.
    Incomplete,
    /// Said something to a part.
    Comment,
    /// Gave a favourable opinion.
    Favour,
    /// Gave an unfavourable opinion.
    Disfavour,
    /// Noted the favourable answer from outside.
    OutsideYes,
    /// Noted the unfavourable answer from outside.
    OutsideNo,
    /// Approved it.
    Approve,
    /// Did not approve it.
    Refuse,
    /// Filed the decisions.
    File,
}

impl State {
    /// All states, in the order of the way.
    pub(crate) const ALL: [Self; 10] = [
        Self::Draft,
        Self::Signed,
        Self::Submitted,
        Self::Incomplete,
        Self::Appraising,
        Self::Outside,
        Self::Appraised,
        Self::Approved,
        Self::Filed,
        Self::Withdrawn,
    ];

    /// Returns the word used in columns, addresses and the law's clocks.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signed => "signed",
            Self::Submitted => "submitted",
            Self::Incomplete => "incomplete",
            Self::Appraising => "appraising",
            Self::Outside => "outside",
            Self::Appraised => "appraised",
            Self::Approved => "approved",
            Self::Filed => "filed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the state that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Returns the language key of the state's name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Draft => "dossier-state-draft",
            Self::Signed => "dossier-state-signed",
            Self::Submitted => "dossier-state-submitted",
            Self::Incomplete => "dossier-state-incomplete",
            Self::Appraising => "dossier-state-appraising",
            Self::Outside => "dossier-state-outside",
            Self::Appraised => "dossier-state-appraised",
            Self::Approved => "dossier-state-approved",
            Self::Filed => "dossier-state-filed",
            Self::Withdrawn => "dossier-state-withdrawn",
        }
    }

    /// Returns the language key of what form 08 calls it: four values of the law, no other.
    pub(crate) const fn form_key(self) -> &'static str {
        match self {
            Self::Draft | Self::Signed | Self::Incomplete | Self::Withdrawn => {
                "dossier-form08-drafting"
            }
            Self::Submitted | Self::Appraising | Self::Outside => "dossier-form08-sent",
            Self::Appraised => "dossier-form08-appraised",
            Self::Approved | Self::Filed => "dossier-form08-approved",
        }
    }

    /// Returns whether nothing more happens to it.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Filed | Self::Withdrawn)
    }

    /// Returns whether its words can be changed.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Signed | Self::Incomplete)
    }

    /// Returns the state after a step; `outside` tells whether another body appraises it.
    ///
    /// # Errors
    /// [`AppError::Conflict`] when the step is not to be taken now.
    pub(super) fn after(self, step: Step, outside: bool) -> Result<Self, AppError> {
        let next = match (self, step) {
            // Writing in what was signed off takes the signature away.
            (Self::Draft | Self::Signed, Step::Edit) => Self::Draft,
            (Self::Incomplete, Step::Edit) | (Self::Submitted, Step::Incomplete) => {
                Self::Incomplete
            }
            (Self::Draft | Self::Incomplete, Step::SignOff) => Self::Signed,
            (Self::Signed, Step::Submit) => Self::Submitted,
            (Self::Draft | Self::Signed | Self::Incomplete | Self::Submitted, Step::Withdraw) => {
                Self::Withdrawn
            }
            (Self::Submitted, Step::Complete) | (Self::Appraising, Step::Comment) => {
                Self::Appraising
            }
            (Self::Appraising, Step::Favour) if outside => Self::Outside,
            (Self::Appraising, Step::Favour) | (Self::Outside, Step::OutsideYes) => Self::Appraised,
            (Self::Appraising, Step::Disfavour)
            | (Self::Outside, Step::OutsideNo)
            | (Self::Appraised, Step::Refuse) => Self::Incomplete,
            (Self::Appraised, Step::Approve) => Self::Approved,
            (Self::Approved, Step::File) => Self::Filed,
            _ => return Err(AppError::Conflict(Phrase::key("dossier-error-state"))),
        };
        Ok(next)
    }
}

/// All steps, in the order of the way.
const STEPS: [Step; 15] = [
    Step::Draft,
    Step::Edit,
    Step::SignOff,
    Step::Submit,
    Step::Withdraw,
    Step::Complete,
    Step::Incomplete,
    Step::Comment,
    Step::Favour,
    Step::Disfavour,
    Step::OutsideYes,
    Step::OutsideNo,
    Step::Approve,
    Step::Refuse,
    Step::File,
];

impl Step {
    /// Returns the word used in columns; with `dossier.` before it, that of the audit log.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Edit => "edit",
            Self::SignOff => "sign-off",
            Self::Submit => "submit",
            Self::Withdraw => "withdraw",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Comment => "comment",
            Self::Favour => "favour",
            Self::Disfavour => "disfavour",
            Self::OutsideYes => "outside-yes",
            Self::OutsideNo => "outside-no",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::File => "file",
        }
    }

    /// Returns the code in the audit log.
    pub(crate) const fn action(self) -> &'static str {
        match self {
            Self::Draft => "dossier.draft",
            Self::Edit => "dossier.edit",
            Self::SignOff => "dossier.sign-off",
            Self::Submit => "dossier.submit",
            Self::Withdraw => "dossier.withdraw",
            Self::Complete => "dossier.complete",
            Self::Incomplete => "dossier.incomplete",
            Self::Comment => "dossier.comment",
            Self::Favour => "dossier.favour",
            Self::Disfavour => "dossier.disfavour",
            Self::OutsideYes => "dossier.outside-yes",
            Self::OutsideNo => "dossier.outside-no",
            Self::Approve => "dossier.approve",
            Self::Refuse => "dossier.refuse",
            Self::File => "dossier.file",
        }
    }

    /// Returns the step that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        STEPS.into_iter().find(|step| step.word() == word)
    }
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Which.
    pub(crate) step: Step,
    /// How often the dossier had been sent by then.
    pub(crate) round: i32,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// By which account.
    pub(crate) account: AccountId,
    /// Whose place that account took.
    pub(crate) acting_for: Option<AccountId>,
    /// By whom, as shown.
    pub(crate) author: String,
    /// What was said.
    pub(crate) note: String,
}

/// What an appraiser says of a part. The words stand in the database: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It fits.
    Fits,
    /// It fits in part.
    Partly,
    /// It does not fit.
    Not,
    /// It does not apply.
    Nothing,
}

impl Verdict {
    /// All of them, in the order of the form.
    pub(crate) const ALL: [Self; 4] = [Self::Fits, Self::Partly, Self::Not, Self::Nothing];

    /// Returns the law's word, as columns and forms hold it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fits => "dat",
            Self::Partly => "mot_phan",
            Self::Not => "chua",
            Self::Nothing => "khong_ap_dung",
        }
    }

    /// Returns the verdict that a word names.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }

    /// Returns the language key of its name.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Fits => "dossier-verdict-fits",
            Self::Partly => "dossier-verdict-partly",
            Self::Not => "dossier-verdict-not",
            Self::Nothing => "dossier-verdict-nothing",
        }
    }
}

/// What an appraiser said of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// How often the dossier had been sent by then.
    pub(crate) round: i32,
    /// The part.
    pub(crate) part: String,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The words.
    pub(crate) text: String,
    /// By which account.
    pub(crate) account: AccountId,
    /// By whom.
    pub(crate) author: String,
    /// When.
    pub(crate) made_at: DateTime<Utc>,
}

/// What came of a dossier so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Outcome {
    /// The appraising unit's opinion in words.
    pub(crate) opinion: String,
    /// Whose it is.
    pub(crate) appraiser: String,
    /// Whether it is favourable; nothing while there is none.
    pub(crate) favourable: Option<bool>,
    /// Number of the answer from outside.
    pub(crate) outside_number: String,
    /// Its day.
    pub(crate) outside_on: Option<NaiveDate>,
    /// Who decided.
    pub(crate) decider: String,
    /// Number of the decision on the level.
    pub(crate) level_number: String,
    /// Its day.
    pub(crate) level_on: Option<NaiveDate>,
    /// Number of the decision on the security plan.
    pub(crate) plan_number: String,
    /// Its day.
    pub(crate) plan_on: Option<NaiveDate>,
    /// Who issued both.
    pub(crate) issuer: String,
}

/// Texts by section.
pub(crate) type Sections = BTreeMap<String, String>;

/// A level dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dossier {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its number (`HS-2026-0001`).
    pub(crate) number: String,
    /// The system.
    pub(crate) system: SystemId,
    /// The agency that owns the system.
    pub(crate) agency: AgencyId,
    /// The level proposed, 1 to 5.
    pub(crate) level: u8,
    /// Whether a body outside appraises it.
    pub(crate) outside: bool,
    /// The decree it is handled under.
    pub(crate) regime: String,
    /// Where it is.
    pub(crate) state: State,
    /// What it says.
    pub(crate) sections: Sections,
    /// What the register gave when it was last drawn from.
    pub(crate) drawn: Sections,
    /// How often it was sent.
    pub(crate) round: i32,
    /// Who began it.
    pub(crate) made_by: AccountId,
    /// Their name.
    pub(crate) author: String,
    /// When.
    pub(crate) made_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) changed_at: DateTime<Utc>,
    /// Since which day it is in its state.
    pub(crate) state_on: NaiveDate,
    /// The last day of the limit that runs.
    pub(crate) due_on: Option<NaiveDate>,
    /// What came of it so far.
    pub(crate) outcome: Outcome,
    /// Counts changes.
    pub(crate) version: i32,
}

impl Dossier {
    /// Returns whether the specialised unit itself approves it (NĐ 331/2026, Điều 18.1: levels 1 and 2).
    pub(crate) fn is_decided_by_unit(&self) -> bool {
        self.level <= 2 && !self.outside
    }

    /// Returns the text of a section; empty when nothing stands there.
    pub(crate) fn text(&self, section: &str) -> &str {
        self.sections.get(section).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_what_they_came_from() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
        }
        for step in STEPS {
            assert_eq!(Step::from_word(step.word()), Some(step));
            assert_eq!(step.action(), format!("dossier.{}", step.word()));
        }
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_word(verdict.word()), Some(verdict));
        }
    }

    #[test]
    fn only_the_steps_of_the_way_are_taken() {
        let way = [
            (State::Draft, Step::SignOff, State::Signed),
            (State::Signed, Step::Submit, State::Submitted),
            (State::Submitted, Step::Complete, State::Appraising),
            (State::Appraising, Step::Favour, State::Appraised),
            (State::Appraised, Step::Approve, State::Approved),
            (State::Approved, Step::File, State::Filed),
            (State::Signed, Step::Edit, State::Draft),
            (State::Submitted, Step::Incomplete, State::Incomplete),
            (State::Incomplete, Step::SignOff, State::Signed),
        ];
        for (from, step, to) in way {
            assert_eq!(from.after(step, false).unwrap(), to);
        }
        assert_eq!(State::Appraising.after(Step::Favour, true).unwrap(), State::Outside);
        assert_eq!(State::Outside.after(Step::OutsideYes, true).unwrap(), State::Appraised);
        let taken = STEPS.into_iter().filter(|step| State::Filed.after(*step, false).is_ok());
        assert_eq!(taken.count(), 0, "what is filed stays as it is");
        assert!(State::Draft.after(Step::Submit, false).is_err(), "unsigned");
        assert!(State::Submitted.after(Step::Approve, false).is_err(), "not appraised");
    }
}
