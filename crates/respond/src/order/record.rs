//! The record for praise or criticism: how each agency answered the orders of a period.

use std::collections::BTreeMap;

use axum::extract::State as Held;
use axum::response::Response;
use chrono::{DateTime, Utc};
use event::{AgencyId, Scope};
use web::{AppError, Query, View, Who};

use super::model::{Order, Part, State};
use super::views::{RecordPage, RecordRow};
use super::{sheet, store};
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::period::{Period, PeriodQuery};

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

async fn rows(desk: &Desk, who: &Who, query: &PeriodQuery) -> Result<RecordPage, AppError> {
    let period = Period::asked(query, desk.db.now())?;
    let rows = tallies(desk, &who.scope, period.moments()).await?;
    let (from, to) = (period.from.to_string(), period.to.to_string());
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
