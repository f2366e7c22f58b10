//! The record for praise or criticism: how each agency answered the orders of a period.

use std::collections::BTreeMap;

use axum::extract::State as Held;
use axum::response::Response;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use event::{AgencyId, Scope};
use serde::Deserialize;
use web::figures::vietnam;
use web::{AppError, Phrase, Query, View, Who};

use super::model::{Order, Part, State};
use super::views::{RecordPage, RecordRow};
use super::{sheet, store};
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;

/// How one agency answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Orders it was given.
    pub(super) orders: u64,
    /// Acknowledged in time.
    pub(super) acknowledged_in_time: u64,
    /// Acknowledged late, or not yet and late.
    pub(super) acknowledged_late: u64,
    /// Done in time.
    pub(super) done_in_time: u64,
    /// Done late.
    pub(super) done_late: u64,
    /// Not done, and its time is over.
    pub(super) overdue: u64,
    /// Times that its work was given back.
    pub(super) returned: u64,
}

impl Tally {
    /// Counts a part.
    fn add(&mut self, part: &Part, order: &Order, now: DateTime<Utc>) {
        // What was left undone when the order was closed stays undone: time stops there.
        let now = order.closed.as_ref().map_or(now, |end| end.at);
        let one = |holds: bool| u64::from(holds);
        let (late, done) = (part.acknowledged_late(order, now), part.state >= State::Done);
        self.orders += 1;
        self.acknowledged_in_time += one(part.acknowledged_at.is_some() && !late);
        self.acknowledged_late += one(late);
        self.done_in_time += one(done && !part.done_late(order, now));
        self.done_late += one(done && part.done_late(order, now));
        self.overdue += one(!done && part.done_late(order, now));
        self.returned += u64::try_from(part.returned).unwrap_or(0);
    }
}

/// Returns how each agency in sight answered the orders issued within a time, the most overdue first.
pub(super) async fn tallies(
    desk: &Desk,
    scope: &Scope,
    period: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<RecordRow>, RespondError> {
    let now = desk.db.now();
    let mut by_agency: BTreeMap<AgencyId, Tally> = BTreeMap::new();
    for (part, order) in store::issued_between(desk.db.conn(), scope, period).await? {
        by_agency.entry(part.agency).or_default().add(&part, &order, now);
    }
    let name = |id| desk.directory.agency(id).map(|card| card.name).unwrap_or_default();
    let mut rows: Vec<RecordRow> =
        by_agency.into_iter().map(|(id, tally)| RecordRow::of(name(id), id, tally)).collect();
    rows.sort_by(|a, b| {
        (b.overdue, b.done_late, &a.agency).cmp(&(a.overdue, a.done_late, &b.agency))
    });
    Ok(rows)
}

/// Which days are asked for; empty is this year.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeriodQuery {
    from: String,
    to: String,
}

/// Longest period: five years of orders are a few thousand rows.
const DAYS_MAX: i64 = 5 * 366;

/// Returns the first and the last day asked for.
fn days(query: &PeriodQuery, now: DateTime<Utc>) -> Result<(NaiveDate, NaiveDate), AppError> {
    let today = vietnam(now).date_naive();
    let read = |field: &'static str, text: &str, otherwise| match text.trim() {
        "" => Ok(otherwise),
        text => text
            .parse::<NaiveDate>()
            .map_err(|_| AppError::invalid(field, Phrase::key("order-error-period"))),
    };
    let new_year = NaiveDate::from_ymd_opt(today.year(), 1, 1).unwrap_or(today);
    let (from, to) = (read("from", &query.from, new_year)?, read("to", &query.to, today)?);
    if to < from || (to - from).num_days() > DAYS_MAX {
        return Err(AppError::invalid("to", Phrase::key("order-error-period")));
    }
    Ok((from, to))
}

/// Returns the moment at which a day begins in Vietnam.
fn begin(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::hours(7)
}

async fn rows(desk: &Desk, who: &Who, query: &PeriodQuery) -> Result<RecordPage, AppError> {
    let (from, to) = days(query, desk.db.now())?;
    let end = to.checked_add_days(Days::new(1)).unwrap_or(to);
    let rows = tallies(desk, &who.scope, (begin(from), begin(end))).await?;
    let (from, to) = (from.to_string(), to.to_string());
    let export = Address::of("/orders/record.xlsx").with("from", &from).with("to", &to).to_string();
    Ok(RecordPage { from, to, rows, export })
}

/// Answers with the page.
pub(super) async fn page(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<PeriodQuery>,
) -> Result<View<RecordPage>, AppError> {
    Ok(View::new(rows(&desk, &who, &query).await?))
}

/// Answers with the spreadsheet.
pub(super) async fn xlsx(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<PeriodQuery>,
) -> Result<Response, AppError> {
    let page = rows(&desk, &who, &query).await?;
    let name = format!("orders-{}-{}", page.from, page.to);
    Ok(file::table(&name, &sheet::record(&page.rows, who.lang), file::Format::Xlsx)?)
}
