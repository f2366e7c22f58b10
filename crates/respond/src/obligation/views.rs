//! What the clocks of an incident and the list of deadlines show.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Lang, Who, filters};

use super::model::{Circumstance, Deadline, Moved, Outcome, Precision, Which};
use super::store;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::Incident;

/// One deadline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeadlineRow {
    /// The incident's id.
    pub incident_id: String,
    /// The incident's number.
    pub incident: String,
    /// What happened.
    pub title: String,
    /// The agency that owes it.
    pub agency: String,
    /// The obligation's id.
    pub obligation: String,
    /// What must be told.
    pub name: String,
    /// Whom.
    pub to: String,
    /// Under which law.
    pub law: String,
    /// What to know about it.
    pub note: Option<String>,
    /// By when.
    pub due_at: DateTime<Utc>,
    /// `running`, `overdue`, `in-time`, `detected-late` or `reported-late`.
    pub outcome: String,
    /// When it was done.
    pub fulfilled_at: Option<DateTime<Utc>>,
    /// By which document, call or message.
    pub reference: String,
    /// Who says so.
    pub by: String,
}

impl DeadlineRow {
    fn of(desk: &Desk, lang: Lang, incident: &Incident, deadline: Deadline) -> Self {
        let obligation = desk.obligations.get(&deadline.obligation);
        let outcome = Outcome::of(&deadline, incident.detected_at, desk.db.now());
        let done = deadline.fulfilled;
        Self {
            incident_id: incident.id.to_string(),
            incident: incident.number.clone(),
            title: incident.title.clone(),
            agency: desk
                .directory
                .agency_name_on(incident.agency, incident.detected_at)
                .unwrap_or_default(),
            name: desk.obligations.name(&deadline.obligation, lang).to_owned(),
            to: obligation.map(|one| one.to.in_lang(lang).to_owned()).unwrap_or_default(),
            law: obligation.map(|one| one.law.clone()).unwrap_or_default(),
            note: obligation
                .and_then(|one| one.note.as_ref())
                .map(|note| note.in_lang(lang).to_owned()),
            obligation: deadline.obligation,
            due_at: deadline.due_at,
            outcome: outcome.word().to_owned(),
            fulfilled_at: done.as_ref().map(|done| done.at),
            reference: done.as_ref().map(|done| done.reference.clone()).unwrap_or_default(),
            by: done.map(|done| done.by).unwrap_or_default(),
        }
    }

    /// Returns whether nobody has fulfilled it.
    pub const fn is_open(&self) -> bool {
        self.fulfilled_at.is_none()
    }

    /// Returns the key of how it came out.
    pub fn outcome_key(&self) -> &'static str {
        match self.outcome.as_str() {
            "running" => "obligation-outcome-running",
            "overdue" => "obligation-outcome-overdue",
            "in-time" => "obligation-outcome-in-time",
            "detected-late" => "obligation-outcome-detected-late",
            _ => "obligation-outcome-reported-late",
        }
    }
}

/// A circumstance as the form shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CircumstanceChoice {
    /// Its word.
    pub word: String,
    /// The key of its name.
    #[serde(skip)]
    pub key: &'static str,
    /// Whether it holds.
    pub holds: bool,
}

/// That a moment was moved.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MovedRow {
    /// `occurred` or `detected`.
    pub which: String,
    /// What it was.
    pub before: Option<DateTime<Utc>>,
    /// What it is.
    pub after: DateTime<Utc>,
    /// `minute`, `hour` or `day`.
    pub precision: String,
    /// From what it is known.
    pub source: String,
    /// Why it was moved.
    pub reason: String,
    /// Who moved it.
    pub by: String,
    /// When.
    pub made_at: DateTime<Utc>,
}

impl From<Moved> for MovedRow {
    fn from(moved: Moved) -> Self {
        Self {
            which: moved.which.word().to_owned(),
            before: moved.before,
            after: moved.after,
            precision: moved.precision.word().to_owned(),
            source: moved.source,
            reason: moved.reason,
            by: moved.by,
            made_at: moved.made_at,
        }
    }
}

impl MovedRow {
    /// Returns the key of the moment's name.
    pub fn which_key(&self) -> &'static str {
        if self.which == "occurred" { "incident-occurred" } else { "incident-detected" }
    }
}

/// The clocks of one incident: its moments, what it owes, and what makes it owe that.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClockPanel {
    /// When it happened, as far as known.
    pub occurred_at: Option<DateTime<Utc>>,
    /// How exactly that is known, if a person has said so.
    pub precision: Option<String>,
    /// From what it is known, if a person has said so.
    pub source: String,
    /// When it was detected.
    pub detected_at: DateTime<Utc>,
    /// When someone was first told.
    pub reported_at: Option<DateTime<Utc>>,
    /// What it owes, the earliest first.
    pub deadlines: Vec<DeadlineRow>,
    /// What makes it owe that.
    pub circumstances: Vec<CircumstanceChoice>,
    /// How its moments were moved.
    pub moves: Vec<MovedRow>,
}

impl ClockPanel {
    /// Gathers the clocks of an incident that the caller has read.
    pub(crate) async fn of(
        desk: &Desk,
        who: &Who,
        incident: &Incident,
    ) -> Result<Self, RespondError> {
        let conn = desk.db.conn();
        let deadlines = store::of_incident(conn, incident.id).await?;
        let holding = store::circumstances(conn, incident.id).await?;
        let moves = store::moves(conn, incident.id).await?;
        let last = moves.iter().rfind(|moved| moved.which == Which::Occurred);
        let row = |deadline| DeadlineRow::of(desk, who.lang, incident, deadline);
        let choice = |one: Circumstance| CircumstanceChoice {
            word: one.word().to_owned(),
            key: one.key(),
            holds: holding.contains(&one),
        };
        Ok(Self {
            occurred_at: incident.occurred_at,
            precision: last.map(|moved| moved.precision.word().to_owned()),
            source: last.map(|moved| moved.source.clone()).unwrap_or_default(),
            detected_at: incident.detected_at,
            reported_at: incident.reported_at,
            deadlines: deadlines.into_iter().map(row).collect(),
            circumstances: Circumstance::ALL.into_iter().map(choice).collect(),
            moves: moves.into_iter().map(MovedRow::from).collect(),
        })
    }

    /// Returns the key of how exactly the occurrence is known.
    pub fn precision_key(&self) -> &'static str {
        match self.precision.as_deref().and_then(Precision::from_word) {
            Some(Precision::Minute) => "obligation-precision-minute",
            Some(Precision::Hour) => "obligation-precision-hour",
            Some(Precision::Day) => "obligation-precision-day",
            None => "obligation-precision-events",
        }
    }
}

/// The list of deadlines.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "obligation/list.html")]
pub struct DeadlineList {
    /// States to filter by.
    pub states: Vec<Choice>,
    /// Agencies to filter by.
    pub agencies: Vec<Choice>,
    /// Whether anything is filtered.
    pub active: bool,
    /// The deadlines, the earliest due first.
    pub deadlines: Vec<DeadlineRow>,
    /// Where the list stands.
    pub pager: Pager,
}

impl DeadlineList {
    /// Returns the rows of deadlines; one whose incident is gone from the scope is left out.
    pub(super) async fn rows(
        desk: &Desk,
        who: &Who,
        deadlines: Vec<Deadline>,
    ) -> Result<Vec<DeadlineRow>, RespondError> {
        let mut rows = Vec::with_capacity(deadlines.len());
        for deadline in deadlines {
            match crate::incident::get(desk.db.conn(), &who.scope, deadline.incident).await {
                Ok(incident) => rows.push(DeadlineRow::of(desk, who.lang, &incident, deadline)),
                Err(RespondError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }
}
