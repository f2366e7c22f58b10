//! Keeping, changing and deleting saved searches; a change of the plan changes the schedule with it.

use db::job::{self, Missed, Schedule};
use db::{AuditEntry, Subject, Tx};
use serde_json::json;
use uuid::Uuid;
use web::{Permission, Who};

use super::model::{Draft, Saved, Share};
use super::run::{DELAY, KIND};
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// Searches that one person keeps: a list that can be read, and a bound on what runs by itself.
const KEPT_MAX: u64 = 200;

/// Checks a draft, and that it stays within what its maker may share.
fn bounded(who: &Who, draft: &Draft) -> Result<(), RespondError> {
    draft.check()?;
    match draft.share {
        Share::Agency(agency) if !who.scope.sees(agency) => Err(RespondError::NotFound),
        Share::All if who.scope.visible().is_some() => {
            Err(RespondError::Field { field: "share", key: "saved-error-share" })
        }
        Share::Own | Share::Agency(_) | Share::All => Ok(()),
    }
}

/// Keeps a new search.
pub(super) async fn keep(desk: &Desk, who: &Who, draft: Draft) -> Result<Saved, RespondError> {
    bounded(who, &draft)?;
    if store::kept(desk.db.conn(), who.account).await? >= KEPT_MAX {
        return Err(RespondError::Field { field: "name", key: "saved-error-many" });
    }
    let tx = desk.db.begin().await?;
    let saved = Saved {
        id: tx.new_uuid(),
        name: draft.name,
        about: draft.about,
        line: draft.line,
        span: draft.span,
        owner: who.account,
        share: draft.share,
        plan: draft.plan,
        made_at: tx.now(),
        changed_at: tx.now(),
    };
    store::insert(&tx, &saved).await?;
    plan(&tx, &saved, who).await?;
    tx.commit(entry(who, "search.save", &saved)).await?;
    Ok(saved)
}

/// Changes one's own search.
pub(super) async fn change(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    draft: Draft,
) -> Result<Saved, RespondError> {
    let before = store::get(desk.db.conn(), who, id).await?;
    if before.owner != who.account {
        return Err(RespondError::Forbidden);
    }
    bounded(who, &draft)?;
    let tx = desk.db.begin().await?;
    let saved = Saved {
        name: draft.name,
        about: draft.about,
        line: draft.line,
        span: draft.span,
        share: draft.share,
        plan: draft.plan,
        changed_at: tx.now(),
        ..before
    };
    store::update(&tx, &saved).await?;
    plan(&tx, &saved, who).await?;
    tx.commit(entry(who, "search.change", &saved)).await?;
    Ok(saved)
}

/// Deletes one's own search; who changes the platform may delete any that they find.
pub(super) async fn delete(desk: &Desk, who: &Who, id: Uuid) -> Result<(), RespondError> {
    let saved = store::get(desk.db.conn(), who, id).await?;
    if saved.owner != who.account && !who.may(Permission::PlatformChange) {
        return Err(RespondError::Forbidden);
    }
    let tx = desk.db.begin().await?;
    store::delete(&tx, id).await?;
    job::drop_schedule(&tx, &saved.schedule()).await?;
    tx.commit(entry(who, "search.delete", &saved)).await?;
    Ok(())
}

/// Puts the schedule up, changes it or takes it down. How far it has come stays when it changes: a
/// new line goes on where the old one ended.
async fn plan(tx: &Tx, saved: &Saved, who: &Who) -> Result<(), RespondError> {
    let Some(plan) = saved.plan else {
        return Ok(job::drop_schedule(tx, &saved.schedule()).await?);
    };
    let schedule = Schedule {
        name: saved.schedule(),
        kind: KIND.to_owned(),
        payload: json!({ "search": saved.id }),
        // What the owner may see is looked up anew for each run: this one is for the list of work.
        scope: who.scope.clone(),
        agency: None,
        label: saved.name.clone(),
        every: plan.every,
        delay: DELAY,
        missed: Missed::Each,
        from: tx.now(),
    };
    Ok(job::put_schedule(tx, &schedule).await?)
}

fn entry(who: &Who, action: &'static str, saved: &Saved) -> AuditEntry {
    let detail = json!({
        "name": saved.name,
        "question": saved.line,
        "share": saved.share.word(),
        "every_s": saved.plan.map(|plan| plan.every.num_seconds()),
        "above": saved.plan.map(|plan| plan.above),
    });
    let actor = Handler::from(who).actor();
    let entry = AuditEntry::new(actor, action, Subject::new("saved_search", saved.id), detail);
    match saved.share {
        Share::Agency(agency) => entry.of_agency(agency),
        Share::Own | Share::All => entry,
    }
}
