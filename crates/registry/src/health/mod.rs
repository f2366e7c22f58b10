//! How each source does, measured: counted in memory while frames pass, written down every few
//! seconds. "Monitored" is what these numbers say, never what someone declares.

mod book;
mod chart;
mod store;

use chrono::{DateTime, Utc};
use db::{Db, DbError};
use event::AgencyId;

pub use book::{Health, HealthBook, Sighting, Silence, Status, Tally};

/// Returns the events of all sources since a moment, per minute and agency, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn events_per_minute(
    db: &Db,
    since: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, AgencyId, u64)>, DbError> {
    store::minutes_of_agencies(db.conn(), since).await
}

#[cfg(test)]
mod tests;
