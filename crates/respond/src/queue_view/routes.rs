//! The presses on saved views; the tabs themselves stand on the lists.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, Who, done};

use super::actions;
use super::model::{Draft, Queue, QueueView};
use super::views::address;
use crate::desk::Desk;

/// Returns the routes of saved views.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{AlertRead, IncidentRead};
    Routes::new()
        .post("/alerts/views", AlertRead, keep_alerts)
        .doc("Keeps a filter of the alert queue under a name")
        .takes::<ViewForm>()
        .post("/incidents/views", IncidentRead, keep_incidents)
        .doc("Keeps a filter of the incidents under a name")
        .takes::<ViewForm>()
        .own_post("/views/{id}", change)
        .doc("Renames a view, changes its filter, shares it or takes it back")
        .takes::<ViewForm>()
        .own_post("/views/{id}/delete", delete)
        .doc("Deletes a view")
        .own_post("/views/{id}/default", choose)
        .doc("Lets the reader's list open with a view, or whole again")
        .takes::<DefaultForm>()
}

/// A view as someone fills it in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ViewForm {
    /// Its name.
    name: String,
    /// The filter, as the query of the list's address.
    query: String,
    /// Whether everyone at the centre has it.
    shared: bool,
    /// Whether one's own list opens with it.
    is_default: bool,
}

impl ViewForm {
    fn draft(self) -> Draft {
        Draft { name: self.name, query: self.query, shared: self.shared }
    }
}

/// Whether a list opens with a view.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct DefaultForm {
    /// Whether it does.
    is_default: bool,
}

fn told(view: &QueueView, key: &'static str) -> Done {
    done(address(view)).notice(Phrase::key(key).arg("name", view.name.as_str()))
}

async fn keep(desk: &Desk, who: &Who, queue: Queue, form: ViewForm) -> Result<Done, AppError> {
    let as_default = form.is_default;
    let view = actions::keep(desk, who, queue, (form.draft(), as_default)).await?;
    Ok(told(&view, "queue-view-done-kept").made())
}

async fn keep_alerts(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<ViewForm>,
) -> Result<Done, AppError> {
    keep(&desk, &who, Queue::Alerts, form).await
}

async fn keep_incidents(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<ViewForm>,
) -> Result<Done, AppError> {
    keep(&desk, &who, Queue::Incidents, form).await
}

async fn change(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ViewForm>,
) -> Result<Done, AppError> {
    let view = actions::change(&desk, &who, id, form.draft()).await?;
    Ok(told(&view, "queue-view-done-changed"))
}

async fn delete(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    let view = actions::delete(&desk, &who, id).await?;
    let notice = Phrase::key("queue-view-done-deleted").arg("name", view.name.as_str());
    Ok(done(view.queue.path()).notice(notice))
}

async fn choose(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<DefaultForm>,
) -> Result<Done, AppError> {
    let view = actions::choose(&desk, &who, id, form.is_default).await?;
    let key =
        if form.is_default { "queue-view-done-default" } else { "queue-view-done-no-default" };
    Ok(told(&view, key))
}
