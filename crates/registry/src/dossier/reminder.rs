//! Reminding of limits: before one ends, and when it is over.

use web::notify::{self, Kind};

use super::actions::told;
use super::store;
use crate::law::Workdays;
use crate::{Registry, limits, vietnam_day};

/// Tells people of dossiers whose limit ends soon or is over; each is told once. Returns how many were
/// looked at.
///
/// # Errors
/// When the database does not answer.
pub async fn remind(registry: &Registry) -> Result<usize, db::DbError> {
    let today = vietnam_day(registry.db.now());
    let near = u32::try_from(limits::DOSSIER_NEAR_DAYS).unwrap_or(0);
    let last = Workdays::builtin().after(today, near);
    let due = store::due_by(registry.db.conn(), last).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let notices: Vec<_> = due
        .iter()
        .filter_map(|dossier| {
            let over = dossier.due_on? < today;
            let stage = if over { "over" } else { "near" };
            let state = dossier.state.word();
            let about = format!("{}:{}:{state}:{stage}", dossier.id, dossier.round);
            Some(told(dossier, Kind::DossierDue, &about))
        })
        .collect();
    let books = registry.db.begin_bookkeeping().await?;
    notify::raise(books.conn(), &registry.db, &notices).await?;
    books.commit().await?;
    Ok(due.len())
}
