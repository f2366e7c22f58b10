//! Setting how long a system's logs are kept.

use db::{AuditEntry, Subject};
use event::SystemId;
use serde_json::json;
use web::{AppError, Phrase, Who};

use super::model::{MONTHS_MAX, SetTerm, legal_day};
use super::{Keeping, law, store};
use crate::{actor, failed, limits};

/// Letters that a reason has at least.
const REASON_CHARS_MIN: usize = 5;

/// Sets the months for a system that the reader sees; less than the law wants is refused.
pub(super) async fn set(
    keeping: &Keeping,
    who: &Who,
    id: SystemId,
    months: u32,
    reason: &str,
) -> Result<(), AppError> {
    let snapshot = keeping.registry.directory.snapshot();
    let system = snapshot.system(id).filter(|system| who.scope.sees(system.agency));
    let system = system.ok_or(AppError::NotFound)?;
    let db = &keeping.registry.db;
    let legal = law::minimum(system.level, legal_day(db.now()));
    if months < legal.months || months == 0 || months > MONTHS_MAX {
        let why = Phrase::key("keeping-error-months").arg("min", u64::from(legal.months.max(1)));
        return Err(AppError::invalid("months", why.arg("max", u64::from(MONTHS_MAX))));
    }
    let reason: String = reason.trim().chars().take(limits::TEXT_CHARS_MAX).collect();
    if reason.chars().count() < REASON_CHARS_MIN {
        return Err(AppError::invalid("reason", Phrase::key("keeping-error-reason")));
    }
    let tx = db.begin().await.map_err(failed)?;
    let before = store::all(tx.conn()).await.map_err(failed)?.remove(&id).map(|old| old.months);
    let term = SetTerm { months, reason, set_by: who.name.clone(), set_at: tx.now() };
    store::set(tx.conn(), id, &term).await.map_err(failed)?;
    let detail = json!({ "from": before, "to": months, "reason": term.reason });
    let subject = Subject::new("system", id);
    let entry = AuditEntry::new(actor(who), "system.retention", subject, detail);
    tx.commit(entry.of_agency(system.agency)).await.map_err(failed)
}
