//! What dossiers put on people's lists of work.

use chrono::{DateTime, NaiveDate, Utc};
use web::todo::{PER_SOURCE_MAX, Todo, Urgency};
use web::{AppError, Permission, Phrase, Who};

use super::model::{Dossier, State};
use super::store::{self, DossierFilter};
use crate::{Registry, failed, text, today};

/// Returns what waits for a reader: to sign, to complete, to look at, to appraise, to decide, to file.
pub(crate) async fn todos(registry: &Registry, who: &Who) -> Result<Vec<Todo>, AppError> {
    let mut states = Vec::new();
    if who.may(Permission::DossierWrite) {
        states.extend([State::Draft, State::Incomplete, State::Signed, State::Approved]);
    }
    if who.may(Permission::DossierSign) {
        states.push(State::Draft);
    }
    if who.may(Permission::DossierAppraise) {
        states.extend([State::Submitted, State::Appraising, State::Outside]);
    }
    if who.may(Permission::DossierDecide) {
        states.push(State::Appraised);
    }
    // Whoever runs the platform may do everything and need do none of it.
    if states.is_empty() || who.role == web::Role::Administrator {
        return Ok(Vec::new());
    }
    let filter = DossierFilter { states, ..DossierFilter::default() };
    let most = u64::try_from(PER_SOURCE_MAX).unwrap_or(u64::MAX);
    let found = store::list(registry.db.conn(), &who.scope, &filter, (0, most)).await;
    let (dossiers, _) = found.map_err(failed)?;
    let snapshot = registry.directory.snapshot();
    let name = |dossier: &Dossier| snapshot.system(dossier.system).map(|one| one.name.clone());
    let today = today(registry);
    let waits = dossiers.iter().filter(|dossier| concerns(dossier, who));
    Ok(waits.map(|one| todo(one, name(one).unwrap_or_default(), today)).collect())
}

/// Returns whether a decision is this reader's: the unit decides levels 1 and 2, the owner the others.
fn concerns(dossier: &Dossier, who: &Who) -> bool {
    if dossier.state != State::Appraised {
        return true;
    }
    dossier.is_decided_by_unit() == (who.role == web::Role::Appraiser)
}

fn todo(dossier: &Dossier, system: String, today: NaiveDate) -> Todo {
    let what = match dossier.state {
        State::Draft => "dossier-todo-write",
        State::Signed => "dossier-todo-send",
        State::Incomplete => "dossier-todo-complete",
        State::Submitted => "dossier-todo-check",
        State::Appraising => "dossier-todo-appraise",
        State::Outside => "dossier-todo-outside",
        State::Appraised => "dossier-todo-decide",
        State::Approved | State::Filed | State::Withdrawn => "dossier-todo-file",
    };
    let due = dossier.due_on.and_then(end_of);
    let urgency = match dossier.due_on {
        Some(day) if day < today => Urgency::Now,
        Some(day) if day <= today.succ_opt().unwrap_or(today) => Urgency::Today,
        _ => Urgency::Soon,
    };
    let level = i64::from(dossier.level);
    Todo {
        what: Phrase::key(what).arg("number", dossier.number.as_str()).arg("system", system),
        why: Phrase::key("dossier-todo-why").arg("level", level),
        how: vec![Phrase::key("dossier-todo-how-1"), Phrase::key("dossier-todo-how-2")],
        helper: None,
        link: format!("/dossiers/{}", dossier.id),
        urgency,
        due,
    }
}

/// Returns the end of a day in Vietnam.
fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    text::day_begins(day.succ_opt()?)
}
