//! Reminding people of deadlines: four hours before, one hour before, and when the time is over.
//!
//! Each step is told once: as a line of the incident's timeline, to all open pages, and to people by the
//! rules of notifications, which climb with each step. A step that passed while the platform did not run is told when it runs again; of several, the last one.

use db::Bookkeeping;
use event::Scope;
use web::notify::{self, Kind};

use super::model::{Deadline, Stage};
use super::store;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;

/// Reminders told in one look; the next look takes the rest.
const REMINDERS_MAX: u64 = 200;

/// Tells every reminder that is due now. Returns how many were told.
///
/// # Errors
/// When the database fails; what was not told is told at the next look.
pub async fn remind(desk: &Desk) -> Result<u64, RespondError> {
    let mut told = 0;
    let now = desk.db.now();
    // The last step first, so that a deadline that is over is told once, not three times.
    for stage in Stage::TOLD {
        let due_before = now + stage.ahead();
        let due = store::unreminded(desk.db.conn(), due_before, stage, REMINDERS_MAX).await?;
        for (deadline, agency) in due {
            let tx = desk.db.begin_bookkeeping().await?;
            store::set_reminded(tx.conn(), &deadline, stage).await?;
            let text = format!("{} {}", stage.word(), deadline.obligation);
            incident::add_reminder(&tx, &desk.db, deadline.incident, &text).await?;
            tell(desk, &tx, &deadline, stage).await?;
            tx.commit().await?;
            desk.hub.incidents_changed(agency);
            told += 1;
        }
    }
    Ok(told)
}

/// Writes into the outbox that a deadline is near or over, up the chain by the rules. A deadline that moves
/// is told anew.
async fn tell(
    desk: &Desk,
    tx: &Bookkeeping,
    deadline: &Deadline,
    stage: Stage,
) -> Result<(), RespondError> {
    let kind = match stage {
        Stage::Far => return Ok(()),
        Stage::Near => Kind::DeadlineNear,
        Stage::Close => Kind::DeadlineClose,
        Stage::Over => Kind::DeadlineOver,
    };
    let found = incident::get(tx.conn(), &Scope::platform(), deadline.incident).await?;
    let about = format!("{}@{}", deadline.obligation, deadline.due_at.to_rfc3339());
    notify::raise(tx.conn(), &desk.db, &[incident::told(desk, &found, kind, &about)]).await?;
    Ok(())
}
