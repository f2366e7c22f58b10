//! What an incident holds is not deleted: asked once more in the very transaction that deletes it. And is what stands
//! of holds in the database what the audit trail tells?

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use db::audit::{self, AuditFilter, AuditRow};
use db::{Db, DbError, Tx};
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

/// The action of a hold that is set.
const SET: &str = "incident.hold";

/// The action of one that is lifted; begins like the other.
const LIFTED: &str = "incident.hold-lifted";

/// Entries of the trail that are read at a time.
const ENTRIES: u64 = 1000;

/// What an entry tells of a hold that was set.
#[derive(Debug, Deserialize)]
struct Told {
    number: String,
    systems: Vec<SystemId>,
    from: DateTime<Utc>,
}

/// Returns the numbers of incidents of which the audit trail tells a hold that is not there as it was set, or was lifted
/// without a word there: someone changed it behind the platform's back, so that logs would go.
///
/// # Errors
///
/// When the database does not answer.
pub(crate) async fn meddled(db: &Db) -> Result<BTreeSet<String>, DbError> {
    // Holds are set and lifted beside this: every entry that is read first has its row, every row that is read then has
    // its entry in what is read last.
    let before = told(db).await?;
    let holds = respond::hold::ever_set(db.conn()).await;
    let holds = holds.map_err(|error| DbErr::Custom(web::chain(&error)))?;
    let after = told(db).await?;
    let lifts: BTreeSet<i64> =
        after.iter().filter(|row| row.action == LIFTED).map(|row| micros(row.at)).collect();
    let mut meddled = BTreeSet::new();
    for entry in before.iter().filter(|row| row.action == SET) {
        let set: Told =
            serde_json::from_str(&entry.detail).map_err(|error| DbErr::Json(error.to_string()))?;
        let is_it = |hold: &&Hold| {
            hold.incident.to_string() == entry.subject_id
                && micros(hold.set_at) == micros(entry.at)
                && micros(hold.from) == micros(set.from)
                && hold.systems == set.systems
        };
        let lifted = holds.iter().find(is_it).map(|hold| hold.lifted.as_ref());
        let is_as_told =
            lifted.is_some_and(|end| end.is_none_or(|end| lifts.contains(&micros(end.at))));
        if !is_as_told {
            meddled.insert(set.number);
        }
    }
    Ok(meddled)
}

/// Returns what the audit trail tells of holds.
async fn told(db: &Db) -> Result<Vec<AuditRow>, DbError> {
    let mut filter = AuditFilter { action: Some(SET.to_owned()), ..AuditFilter::default() };
    let mut rows = Vec::new();
    loop {
        let part = audit::list(db, &Scope::platform(), &filter, ENTRIES).await?;
        let Some(last) = part.last() else { return Ok(rows) };
        filter.before_seq = Some(last.seq);
        rows.extend(part);
    }
}

/// A database keeps microseconds, and so does the trail.
fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
