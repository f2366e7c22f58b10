//! Keeping, changing, sharing and deleting views, and choosing the one that a list opens with.

use db::{AuditEntry, Subject};
use serde_json::json;
use uuid::Uuid;
use web::{Permission, Who};

use super::model::{Draft, Queue, QueueView, VIEWS_MAX};
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

/// Checks a draft against the views that are there; `own` is the one that is changed.
async fn bounded(
    desk: &Desk,
    who: &Who,
    (queue, own): (Queue, Option<Uuid>),
    draft: Draft,
) -> Result<Draft, RespondError> {
    let draft = draft.checked(queue)?;
    if draft.shared && !who.may(Permission::ViewShare) {
        return Err(RespondError::Field { field: "shared", key: "queue-view-error-share" });
    }
    let others = store::list(desk.db.conn(), who, queue).await?;
    let mut others = others.iter().filter(|one| Some(one.id) != own);
    if others.clone().filter(|one| one.shared == draft.shared).count() >= VIEWS_MAX {
        return Err(RespondError::Field { field: "name", key: "queue-view-error-many" });
    }
    if others.any(|one| one.name == draft.name) {
        return Err(RespondError::Field { field: "name", key: "queue-view-error-taken" });
    }
    Ok(draft)
}

/// Keeps the present filter under a name.
pub(super) async fn keep(
    desk: &Desk,
    who: &Who,
    queue: Queue,
    (draft, as_default): (Draft, bool),
) -> Result<QueueView, RespondError> {
    let draft = bounded(desk, who, (queue, None), draft).await?;
    let tx = desk.db.begin().await?;
    let view = QueueView {
        id: tx.new_uuid(),
        queue,
        name: draft.name,
        query: draft.query,
        owner: who.account,
        shared: draft.shared,
        is_default: as_default,
        made_at: tx.now(),
        changed_at: tx.now(),
    };
    store::put(&tx, &view).await?;
    if as_default {
        store::choose(&tx, who, queue, Some(view.id)).await?;
    }
    tx.commit(entry(who, "queue_view.keep", &view)).await?;
    Ok(view)
}

/// Renames a view, changes its filter, shares it or takes it back.
pub(super) async fn change(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    draft: Draft,
) -> Result<QueueView, RespondError> {
    let before = store::get(desk.db.conn(), who, id).await?;
    if !before.may_change(who) {
        return Err(RespondError::Forbidden);
    }
    let draft = bounded(desk, who, (before.queue, Some(id)), draft).await?;
    if before.shared && !draft.shared && before.owner != who.account {
        // It would become someone's private view by another's press.
        return Err(RespondError::Field { field: "shared", key: "queue-view-error-unshare" });
    }
    let tx = desk.db.begin().await?;
    let view = QueueView {
        name: draft.name,
        query: draft.query,
        shared: draft.shared,
        changed_at: tx.now(),
        ..before
    };
    store::put(&tx, &view).await?;
    tx.commit(entry(who, "queue_view.change", &view)).await?;
    Ok(view)
}

/// Deletes a view.
pub(super) async fn delete(desk: &Desk, who: &Who, id: Uuid) -> Result<QueueView, RespondError> {
    let view = store::get(desk.db.conn(), who, id).await?;
    if !view.may_change(who) {
        return Err(RespondError::Forbidden);
    }
    let tx = desk.db.begin().await?;
    store::delete(&tx, id).await?;
    tx.commit(entry(who, "queue_view.delete", &view)).await?;
    Ok(view)
}

/// Lets the reader's list open with this view, or whole again.
pub(super) async fn choose(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    is_default: bool,
) -> Result<QueueView, RespondError> {
    let view = store::get(desk.db.conn(), who, id).await?;
    let view = QueueView { is_default, ..view };
    let tx = desk.db.begin().await?;
    store::choose(&tx, who, view.queue, is_default.then_some(id)).await?;
    tx.commit(entry(who, "queue_view.choose", &view)).await?;
    Ok(view)
}

fn entry(who: &Who, action: &'static str, view: &QueueView) -> AuditEntry {
    let detail = json!({
        "queue": view.queue.word(),
        "name": view.name,
        "filter": view.query,
        "shared": view.shared,
        "default": view.is_default,
    });
    let actor = Handler::from(who).actor();
    AuditEntry::new(actor, action, Subject::new("queue_view", view.id), detail)
}
