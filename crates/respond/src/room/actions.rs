//! Giving tasks, ticking them off, naming observables, talking, linking searches.

use chrono::{DateTime, Utc};
use db::Tx;
use event::observable::read_all;
use event::query::parse_question;
use event::{AccountId, IncidentId};
use serde_json::json;
use uuid::Uuid;
use web::notify::{self, Kind, Notice};

use super::mention;
use super::model::{LinkedSearch, NewTask, Task};
use super::store;
use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Incident};
use crate::limits::{
    OBSERVABLES_AT_ONCE, OBSERVABLES_MAX, QUERY_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX,
};
use crate::playbook;

/// Returns a text of people: bounded, not empty, without the stamp of a state secret.
pub(super) fn words(field: &'static str, text: &str, most: usize) -> Result<String, RespondError> {
    let text = text.trim();
    if text.is_empty() || text.chars().nth(most).is_some() {
        return Err(RespondError::Field { field, key: "room-error-text" });
    }
    if web::carries_secret_mark(text) {
        tracing::warn!(field.name = field, "a text with the stamp of a state secret was refused");
        return Err(RespondError::Field { field, key: "profile-refused-stamp" });
    }
    Ok(text.to_owned())
}

/// Gives a task; the caller commits. The one who shall do it is told.
pub(crate) async fn give(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    new: &NewTask,
) -> Result<Task, RespondError> {
    let title = words("title", &new.title, TITLE_CHARS_MAX)?;
    let known = |person: AccountId| {
        let all = desk.directory.participants(incident.agency);
        person == who.account || all.iter().any(|one| one.id == person.to_string())
    };
    if new.assignee.is_some_and(|person| !known(person)) {
        return Err(RespondError::Field { field: "assignee", key: "room-error-assignee" });
    }
    let task = Task {
        id: tx.new_uuid(),
        incident: incident.id,
        agency: incident.agency,
        title,
        assignee: new.assignee,
        due_at: new.due_at,
        author: who.name.clone(),
        made_at: tx.now(),
        done: None,
    };
    store::save_task(tx, &task, true).await?;
    if task.assignee.is_some() {
        let about = task.id.to_string();
        let told = personal(incident, Kind::IncidentTask, &about, "#tasks").to(task.assignee);
        notify::raise(tx.conn(), &desk.db, &[told.not_to(who.account)]).await?;
    }
    Ok(task)
}

/// Returns a notice to people by name, not to whoever leads the incident.
fn personal(incident: &Incident, kind: Kind, about: &str, place: &str) -> Notice {
    let link = format!("/incidents/{}{place}", incident.id);
    Notice::new(kind, &format!("{}/{about}", incident.id), &link)
        .number(&incident.number)
        .weighed(incident.severity, None)
        .of_agency(incident.agency)
}

/// Gives a task of an incident.
pub(super) async fn add_task(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    new: &NewTask,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let task = give(desk, &tx, who, &incident, new).await?;
    let detail = json!({
        "number": incident.number, "task": task.title, "to": task.assignee, "due": task.due_at,
    });
    incident::commit(desk, tx, who, "incident.task", &incident, detail).await
}

/// Ticks a task off, or opens it again. Who only takes part may do so with their own tasks.
pub(crate) async fn set_task(
    desk: &Desk,
    who: &Handler,
    (id, task): (IncidentId, Uuid),
    done: bool,
    handles: bool,
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let family = incident::family(tx.conn(), id).await?;
    let all = store::tasks(tx.conn(), &family).await?;
    let mut task = all.into_iter().find(|one| one.id == task).ok_or(RespondError::NotFound)?;
    if !handles && task.assignee != Some(who.account) {
        return Err(RespondError::Forbidden);
    }
    if task.done.is_some() == done {
        return Err(RespondError::Conflict("room-error-task"));
    }
    task.done = done.then(|| (who.name.clone(), tx.now()));
    store::save_task(&tx, &task, false).await?;
    playbook::task_set(desk, &tx, who, &incident, (task.id, done)).await?;
    let action = if done { "incident.task-done" } else { "incident.task-reopen" };
    let detail = json!({ "number": incident.number, "task": task.title });
    incident::commit(desk, tx, who, action, &incident, detail).await?;
    playbook::follow_up(desk, who, id).await;
    Ok(())
}

/// Says something; who is named is told.
pub(super) async fn comment(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    text: &str,
    named: &[AccountId],
) -> Result<(), RespondError> {
    let text = words("text", text, TEXT_CHARS_MAX)?;
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let people = desk.directory.participants(incident.agency);
    let mut mentioned = mention::mentioned(&text, &people);
    for account in named {
        let known = people.iter().any(|one| one.id == account.to_string());
        if known && !mentioned.contains(account) {
            mentioned.push(*account);
        }
    }
    let comment = tx.new_uuid();
    store::add_comment(&tx, who, id, (comment, &text)).await?;
    let mut told = personal(&incident, Kind::IncidentMention, &comment.to_string(), "#comments");
    for account in &mentioned {
        told = told.to(Some(*account));
    }
    if !mentioned.is_empty() {
        notify::raise(tx.conn(), &desk.db, &[told.not_to(who.account)]).await?;
    }
    let detail = json!({ "number": incident.number, "mentions": mentioned });
    incident::commit(desk, tx, who, "incident.comment", &incident, detail).await
}

/// What became of a text with observables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How many are new to the incident.
    pub(super) new: usize,
    /// How many it had already.
    pub(super) standing: usize,
    /// Words that are none.
    pub(super) other: Vec<String>,
}

/// Adds the observables of a text to an incident, each once however it is written.
pub(crate) async fn observe(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    text: &str,
    note: &str,
) -> Result<Taken, RespondError> {
    let (found, other) = read_all(text, OBSERVABLES_AT_ONCE);
    if found.is_empty() {
        return Err(RespondError::Field { field: "text", key: "room-error-observable" });
    }
    let note = note.trim();
    if !note.is_empty() {
        words("note", note, TITLE_CHARS_MAX)?;
    }
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let family = incident::family(tx.conn(), id).await?;
    let standing = store::observables(tx.conn(), &family).await?;
    let is_new =
        |one: &event::observable::Observable| !standing.iter().any(|kept| kept.observable == *one);
    let (new, old): (Vec<_>, Vec<_>) = found.into_iter().partition(is_new);
    if standing.len() as u64 + new.len() as u64 > OBSERVABLES_MAX {
        return Err(RespondError::Field { field: "text", key: "room-error-observables" });
    }
    store::add_observables(&tx, who, (id, incident.agency), &new, note).await?;
    let told: Vec<String> = new.iter().map(event::observable::Observable::defanged).collect();
    let taken = Taken { new: new.len(), standing: old.len(), other };
    let detail = json!({ "number": incident.number, "observables": told });
    incident::commit(desk, tx, who, "incident.observable", &incident, detail).await?;
    Ok(taken)
}

/// Takes an observable away that does not belong there.
pub(super) async fn remove_observable(
    desk: &Desk,
    who: &Handler,
    (id, observable): (IncidentId, Uuid),
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let family = incident::family(tx.conn(), id).await?;
    let gone = store::remove_observable(&tx, &family, observable).await?;
    let detail = json!({ "number": incident.number, "observable": gone.observable.defanged() });
    incident::commit(desk, tx, who, "incident.observable-removed", &incident, detail).await
}

/// A search to be linked.
#[derive(Debug, Clone)]
pub(super) struct NewSearch {
    pub(super) name: String,
    pub(super) line: String,
    pub(super) span: (DateTime<Utc>, DateTime<Utc>),
}

/// Links a search to an incident: the line and the time that it is about.
pub(super) async fn link_search(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    new: NewSearch,
) -> Result<(), RespondError> {
    let NewSearch { name: called, line, span: (from, to) } = new;
    let line = line.trim().to_owned();
    if line.chars().nth(QUERY_CHARS_MAX).is_some() || parse_question(&line).is_err() {
        return Err(RespondError::Field { field: "line", key: "room-error-line" });
    }
    let called = if called.trim().is_empty() { line.clone() } else { called };
    let called: String = called.chars().take(TITLE_CHARS_MAX).collect();
    let called = if called.is_empty() { "*".to_owned() } else { called };
    let name = words("name", &called, TITLE_CHARS_MAX)?;
    if from >= to {
        return Err(RespondError::Field { field: "to", key: "room-error-span" });
    }
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let author = who.name.clone();
    let search = LinkedSearch { id: tx.new_uuid(), incident: id, name, line, from, to, author };
    store::add_search(&tx, &search).await?;
    let detail = json!({
        "number": incident.number, "question": search.line, "from": from, "to": to,
    });
    incident::commit(desk, tx, who, "incident.search", &incident, detail).await
}

/// Links a search that a playbook ran; the caller commits.
pub(crate) async fn keep_search(
    tx: &Tx,
    who: &Handler,
    id: IncidentId,
    (name, line, (from, to)): (&str, &str, (DateTime<Utc>, DateTime<Utc>)),
) -> Result<(), RespondError> {
    let name: String = name.chars().take(TITLE_CHARS_MAX).collect();
    let (line, author) = (line.to_owned(), who.name.clone());
    let search = LinkedSearch { id: tx.new_uuid(), incident: id, name, line, from, to, author };
    store::add_search(tx, &search).await
}

/// Takes a linked search away.
pub(super) async fn remove_search(
    desk: &Desk,
    who: &Handler,
    (id, search): (IncidentId, Uuid),
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    let family = incident::family(tx.conn(), id).await?;
    store::remove_search(&tx, &family, search).await?;
    let detail = json!({ "number": incident.number, "search": search });
    incident::commit(desk, tx, who, "incident.search-removed", &incident, detail).await
}
