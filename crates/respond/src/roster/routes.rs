//! The addresses of the roster and of handovers.

use axum::extract::State;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use event::AccountId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions::{self, Crew, Times};
use super::handover::{self, HandoverList, HandoverPage};
use super::model::{Order, day_of, gaps, moment, monday};
use super::store;
use super::views::{DayRow, RosterPage, ShiftRow};
use crate::actor::Handler;
use crate::desk::Desk;
use crate::directory::Named;
use crate::error::RespondError;

/// How far ahead the roster's page looks for holes.
const GAPS_AHEAD: TimeDelta = TimeDelta::days(14);

/// Returns the routes of the roster.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{AlertHandle, DutyRead, RosterChange};
    Routes::new()
        .get("/duty/roster", DutyRead, week)
        .doc("Shows who is on call in a week, and where nobody is")
        .gives::<RosterPage>()
        .post("/duty/shifts", RosterChange, add)
        .doc("Enters a shift, on one day or several")
        .takes::<NewShift>()
        .post("/duty/shifts/{id}", RosterChange, change)
        .doc("Changes who answers in a shift")
        .takes::<NewCrew>()
        .post("/duty/shifts/{id}/remove", RosterChange, remove)
        .doc("Takes away a shift that has not begun")
        .post("/duty/roster/repeat", RosterChange, repeat)
        .doc("Repeats a week's shifts for the weeks after it")
        .takes::<Repetition>()
        .get("/duty/handovers", AlertHandle, handovers)
        .doc("Lists the handovers between shifts, the newest first")
        .gives::<HandoverList>()
        .get("/duty/handovers/new", AlertHandle, draft)
        .doc("Shows what a handover would hold now")
        .gives::<HandoverPage>()
        .post("/duty/handovers", AlertHandle, leave)
        .doc("Signs a handover for the one who leaves")
        .takes::<Leaving>()
        .get("/duty/handovers/{id}", AlertHandle, show)
        .doc("Shows a handover as it was signed")
        .gives::<HandoverPage>()
        .post("/duty/handovers/{id}/take", AlertHandle, take)
        .doc("Signs a handover for the one who comes")
        .takes::<Taking>()
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// A day of the week asked for.
    week: Option<NaiveDate>,
}

async fn week(
    State(desk): State<Desk>,
    who: Who,
    Query(asked): Query<Asked>,
) -> Result<View<RosterPage>, AppError> {
    Ok(View::new(page(&desk, &who, asked.week).await?))
}

/// Returns the roster of the week that a day lies in, of this one without.
pub(super) async fn page(
    desk: &Desk,
    who: &Who,
    day: Option<NaiveDate>,
) -> Result<RosterPage, RespondError> {
    let now = desk.db.now();
    let first = monday(day.unwrap_or_else(|| day_of(now)));
    let midnight = |n: i64| moment(first + TimeDelta::days(n), NaiveTime::MIN);
    let conn = desk.db.conn();
    let names = actions::names(desk).await?;
    let shifts = store::between(conn, midnight(0), midnight(7)).await?;
    let row = |shift| ShiftRow::of(shift, &names, now);
    let day = |n: i64| {
        let (from, to) = (midnight(n), midnight(n + 1));
        let begins = |shift: &&super::model::Shift| shift.from >= from && shift.from < to;
        let holes = gaps(&shifts, from.max(now), to).into_iter().map(Into::into);
        DayRow {
            day: from,
            shifts: shifts.iter().filter(begins).map(row).collect(),
            gaps: if to > now { holes.collect() } else { Vec::new() },
        }
    };
    let ahead = store::between(conn, now, now + GAPS_AHEAD).await?;
    let people = if who.may(Permission::RosterChange) {
        let named = actions::candidates(desk).await?.into_iter();
        named.map(|one| Named { id: one.account.to_string(), name: one.name }).collect()
    } else {
        Vec::new()
    };
    Ok(RosterPage {
        week: first.to_string(),
        from_day: midnight(0),
        to_day: midnight(6),
        previous: (first - TimeDelta::days(7)).to_string(),
        next: (first + TimeDelta::days(7)).to_string(),
        days: (0..7).map(day).collect(),
        gaps: gaps(&ahead, now, now + GAPS_AHEAD).into_iter().map(Into::into).collect(),
        now: ahead.iter().find(|shift| shift.holds(now)).map(row),
        people,
    })
}

/// Who answers.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCrew {
    /// The account that answers first.
    #[schema(value_type = String)]
    first: AccountId,
    /// The account that answers when the first does not.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    second: Option<AccountId>,
    /// The account that stands in for the first.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    substitute: Option<AccountId>,
    /// The telephone of the shift.
    #[serde(default)]
    phone: String,
    /// What to know.
    #[serde(default)]
    note: String,
}

impl NewCrew {
    fn crew(self) -> Crew {
        let Self { first, second, substitute, phone, note } = self;
        Crew { first, second, substitute, phone, note }
    }
}

/// A shift to be entered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShift {
    /// The first day.
    #[schema(value_type = String)]
    day: NaiveDate,
    /// When it begins (`07:00`).
    from: String,
    /// When it ends; not after the beginning: on the next day.
    to: String,
    /// On how many days that follow each other.
    #[serde(default)]
    days: Option<i64>,
    /// The account that answers first.
    #[schema(value_type = String)]
    first: AccountId,
    /// The account that answers when the first does not.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    second: Option<AccountId>,
    /// The telephone of the shift.
    #[serde(default)]
    phone: String,
    /// What to know.
    #[serde(default)]
    note: String,
}

fn time(text: &str, field: &'static str) -> Result<NaiveTime, RespondError> {
    let wrong = |_| RespondError::Field { field, key: "roster-error-times" };
    NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(wrong)
}

/// The page of the week that a moment lies in.
fn back(day: NaiveDate) -> Done {
    done(format!("/duty/roster?week={}", monday(day)))
}

async fn add(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<NewShift>,
) -> Result<Done, AppError> {
    let NewShift { day, from, to, days, first, second, phone, note } = form;
    let times =
        Times { day, from: time(&from, "from")?, to: time(&to, "to")?, days: days.unwrap_or(1) };
    let crew = Crew { first, second, substitute: None, phone, note };
    let made = actions::add(&desk, &Handler::from(&who), crew, times).await?;
    Ok(back(day).made().notice(Phrase::key("roster-done-added").arg("count", made)))
}

async fn change(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<NewCrew>,
) -> Result<Done, AppError> {
    let shift = actions::change(&desk, &Handler::from(&who), id, form.crew()).await?;
    Ok(back(day_of(shift.from)).notice(Phrase::key("roster-done-changed")))
}

async fn remove(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let shift = actions::remove(&desk, &Handler::from(&who), id).await?;
    Ok(back(day_of(shift.from)).notice(Phrase::key("roster-done-removed")))
}

/// A week to be repeated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Repetition {
    /// A day of the week.
    #[schema(value_type = String)]
    week: NaiveDate,
    /// For how many weeks.
    weeks: i64,
    /// `same`, or `turning`: each week everyone has the place of the one before them.
    #[serde(default)]
    order: String,
}

async fn repeat(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<Repetition>,
) -> Result<Done, AppError> {
    let order = if form.order == "turning" { Order::Turning } else { Order::Same };
    let week = (form.week, form.weeks);
    let (made, skipped) = actions::repeat(&desk, &Handler::from(&who), week, order).await?;
    Ok(back(form.week + TimeDelta::days(7)).notice(actions::repeated_notice(made, skipped)))
}

async fn handovers(State(desk): State<Desk>) -> Result<View<HandoverList>, AppError> {
    Ok(View::new(handover::list(&desk).await?))
}

async fn draft(State(desk): State<Desk>, who: Who) -> Result<View<HandoverPage>, AppError> {
    Ok(View::new(handover::draft(&desk, &Handler::from(&who)).await?))
}

async fn show(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<HandoverPage>, AppError> {
    Ok(View::new(handover::page(&desk, who.account, id).await?))
}

/// What the one who leaves writes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Leaving {
    /// What the next shift must know.
    notes: String,
}

async fn leave(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<Leaving>,
) -> Result<Done, AppError> {
    let id = handover::leave(&desk, &Handler::from(&who), &form.notes).await?;
    Ok(done(format!("/duty/handovers/{id}")).made().notice(Phrase::key("roster-done-left")))
}

/// What the one who comes writes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Taking {
    /// What they see differently; may be empty.
    remark: String,
}

async fn take(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<Taking>,
) -> Result<Done, AppError> {
    handover::take(&desk, &Handler::from(&who), id, &form.remark).await?;
    Ok(done(format!("/duty/handovers/{id}")).notice(Phrase::key("roster-done-taken")))
}
