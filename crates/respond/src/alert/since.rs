//! The alerts of a stretch of time: what a drill's judge and tests ask for.

use chrono::{DateTime, Utc};
use db::Db;
use event::Scope;

use super::Alert;
use super::store::{AlertFilter, AlertOrder, Slice, StateFilter, slice};
use crate::RespondError;

/// How many alerts are returned at most: a drill makes some dozens.
const ALERTS_MAX: u64 = 5_000;

/// Returns the alerts with a finding since a moment, the newest first, whatever their state.
///
/// # Errors
/// When the database does not answer.
pub async fn made_since(
    db: &Db,
    scope: &Scope,
    since: DateTime<Utc>,
) -> Result<Vec<Alert>, RespondError> {
    let filter =
        AlertFilter { state: StateFilter::All, since: Some(since), ..AlertFilter::default() };
    let newest = Slice { order: AlertOrder::Newest, offset: 0, limit: ALERTS_MAX };
    slice(db.conn(), scope, &filter, newest).await
}
