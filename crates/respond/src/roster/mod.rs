//! The duty roster: who answers when, first and second; holes shown loudly; and the handover between two
//! shifts, signed by both and kept unchanged. Notifications ask it who is on call.

mod actions;
mod handover;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, DbError};
use web::notify::OnCall;
use web::{Permission, Who};

pub use handover::{HandoverList, HandoverPage};
pub(crate) use routes::routes;
pub use views::{OnCallCard, RosterPage};

use crate::desk::Desk;
use crate::error::RespondError;

/// How far ahead the duty page warns of a hole: long enough to find someone.
const WARNED_AHEAD: TimeDelta = TimeDelta::hours(48);

/// The roster as notifications ask it.
#[derive(Debug, Clone)]
pub struct DutyRoster(pub Db);

#[async_trait]
impl web::notify::Roster for DutyRoster {
    async fn on_call(&self, at: DateTime<Utc>) -> Result<OnCall, DbError> {
        let shifts = store::between(self.0.conn(), at, at + TimeDelta::microseconds(1)).await?;
        Ok(OnCall {
            first: shifts.iter().map(model::Shift::answers).collect(),
            second: shifts.iter().filter_map(|shift| shift.second).collect(),
        })
    }
}

/// Returns who is on call, for the duty page: everyone who sees that page may know whom to ring.
pub(crate) async fn card(desk: &Desk, who: &Who) -> Result<OnCallCard, RespondError> {
    let now = desk.db.now();
    let shifts = store::between(desk.db.conn(), now, now + WARNED_AHEAD).await?;
    let names = actions::names(desk).await?;
    let row = |shift: &model::Shift| views::ShiftRow::of(shift, &names, now);
    let waiting =
        if who.may(Permission::AlertHandle) { handover::waiting(desk).await? } else { None };
    Ok(OnCallCard {
        now: shifts.iter().find(|shift| shift.holds(now)).map(row),
        next: shifts.iter().find(|shift| shift.from > now).map(row),
        gap: model::gaps(&shifts, now, now + WARNED_AHEAD).into_iter().next().map(Into::into),
        waiting,
    })
}
