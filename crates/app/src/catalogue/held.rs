//! What an incident holds is not deleted: asked once more in the very transaction that deletes it.

use chrono::{DateTime, Utc};
use db::{DbError, Tx};
use event::{AgencyId, Scope, SystemId};
use respond::hold::Hold;
use sea_orm::{ConnectionTrait, DbErr};
use serde::Deserialize;
use serde_json::Value;

/// What of a deletion's record says whose logs go.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(default)]
    deleted: Vec<Rows>,
}

/// One owner's rows, as [`lake::keep::OwnerRows`] tells them.
#[derive(Debug, Deserialize)]
struct Rows {
    agency: AgencyId,
    system: Option<SystemId>,
    to: DateTime<Utc>,
}

/// Returns the holds by which logs are kept at a moment, each with the agencies into which its own was merged.
///
/// # Errors
///
/// When the database does not answer, or they are too many.
pub(crate) async fn effective(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, DbError> {
    let holds = respond::hold::effective(conn, &Scope::platform(), now).await;
    let mut holds = holds.map_err(|error| DbErr::Custom(web::chain(&error)))?;
    if !holds.is_empty() {
        let successors = registry::agency::successors(conn).await?;
        for hold in &mut holds {
            hold.follow(&successors);
        }
    }
    Ok(holds)
}

/// Returns whether a hold that stands covers anything of what a deletion's record says is to go. A hold that is
/// being set meanwhile stands already, or waits until the deletion is over and comes behind it in the audit trail,
/// which `tx` has locked.
pub(super) async fn is_held(tx: &Tx, record: &Value) -> Result<bool, DbError> {
    let read = Record::deserialize(record);
    let Record { deleted } = read.map_err(|error| DbErr::Json(error.to_string()))?;
    let holds = effective(tx.conn(), tx.now()).await?;
    let covers = |rows: &Rows| {
        let day = rows.to.date_naive();
        holds.iter().any(|hold| hold.covers(rows.agency, rows.system, day))
    };
    Ok(deleted.iter().any(covers))
}
