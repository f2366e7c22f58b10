//! What the roster shows.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use event::AccountId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Permission, filters};

use super::model::{Gap, Shift};
use crate::directory::Named;

/// A shift.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShiftRow {
    /// Its id.
    pub id: String,
    /// When it begins.
    pub from_at: DateTime<Utc>,
    /// When it ends.
    pub to_at: DateTime<Utc>,
    /// Who answers first, really.
    pub answers: String,
    /// Who would, if someone stands in for them.
    pub instead_of: Option<String>,
    /// Who answers when the first does not.
    pub second: Option<String>,
    /// The telephone of the shift; may be empty.
    pub phone: String,
    /// What to know; may be empty.
    pub note: String,
    /// Whether it lasts now.
    pub is_now: bool,
    /// Whether it is over.
    pub is_over: bool,
    #[serde(skip)]
    pub(super) crew: (String, String, String),
}

impl ShiftRow {
    pub(super) fn of(
        shift: &Shift,
        names: &BTreeMap<AccountId, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let name = |id: AccountId| names.get(&id).cloned().unwrap_or_default();
        let id = |id: Option<AccountId>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            id: shift.id.to_string(),
            from_at: shift.from,
            to_at: shift.to,
            answers: name(shift.answers()),
            instead_of: shift.substitute.map(|_| name(shift.first)),
            second: shift.second.map(name),
            phone: shift.phone.clone(),
            note: shift.note.clone(),
            is_now: shift.holds(now),
            is_over: shift.to <= now,
            crew: (shift.first.to_string(), id(shift.second), id(shift.substitute)),
        }
    }
}

/// A time in which nobody answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GapRow {
    /// From when.
    pub from_at: DateTime<Utc>,
    /// Until when.
    pub to_at: DateTime<Utc>,
}

impl From<Gap> for GapRow {
    fn from(gap: Gap) -> Self {
        Self { from_at: gap.from, to_at: gap.to }
    }
}

/// Who is on call, as the duty page shows it.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct OnCallCard {
    /// The shift that lasts now.
    pub now: Option<ShiftRow>,
    /// The next one.
    pub next: Option<ShiftRow>,
    /// The first hole of the next two days.
    pub gap: Option<GapRow>,
    /// A handover that waits for the one who comes.
    pub waiting: Option<String>,
}

/// The roster of a week.
#[derive(Debug, Clone, Template, Serialize, ToSchema)]
#[template(path = "roster/page.html")]
pub struct RosterPage {
    /// The Monday, `2026-11-23`.
    pub week: String,
    /// Its first and last day.
    pub from_day: DateTime<Utc>,
    /// The last day.
    pub to_day: DateTime<Utc>,
    /// The Monday before.
    pub previous: String,
    /// The Monday after.
    pub next: String,
    /// Seven days.
    pub days: Vec<DayRow>,
    /// The holes of the next two weeks.
    pub gaps: Vec<GapRow>,
    /// The shift that lasts now.
    pub now: Option<ShiftRow>,
    #[serde(skip)]
    pub(super) people: Vec<Named>,
}

/// A day of the roster.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DayRow {
    /// Its midnight.
    pub day: DateTime<Utc>,
    /// The shifts that begin on it.
    pub shifts: Vec<ShiftRow>,
    /// Its holes, of the time to come.
    pub gaps: Vec<GapRow>,
}
