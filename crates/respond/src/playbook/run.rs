//! Following a playbook in an incident: starting, going on, answering, leaving out, giving up.

use cacao::{Act, Moment, Step, StepKind, flow};
use chrono::{DateTime, TimeDelta, Utc};
use db::Tx;
use event::IncidentId;
use serde_json::json;
use uuid::Uuid;
use web::notify::{self, Kind};

use super::model::{Ended, Note, Run, RunState, Way};
use super::{search, shelf, store};
use crate::actor::Handler;
use crate::alert::Reason;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, EntryKind, Incident};
use crate::limits::{RUNS_MAX, TITLE_CHARS_MAX};
use crate::obligation;
use crate::room::{self, NewTask};

/// Starts a playbook in an incident; returns the run's id.
pub(super) async fn start(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
    playbook: Uuid,
) -> Result<Uuid, RespondError> {
    let wrong = |key| RespondError::Field { field: "playbook", key };
    let held = match shelf::get(desk.db.conn(), playbook).await {
        Err(RespondError::NotFound) => return Err(wrong("playbook-error-none")),
        held => held?,
    };
    if held.playbook.revoked {
        return Err(wrong("playbook-error-revoked"));
    }
    let tx = desk.db.begin().await?;
    let incident = incident::get_for_change(&tx, &who.scope, id).await?;
    if !incident.status.is_open() {
        return Err(RespondError::Conflict("playbook-error-closed"));
    }
    if store::running(tx.conn(), &[id]).await? >= RUNS_MAX {
        return Err(RespondError::Conflict("playbook-error-runs"));
    }
    let mut run = Run {
        id: tx.new_uuid(),
        incident: id,
        agency: incident.agency,
        playbook_id: playbook,
        document: held.document,
        state: RunState::Running,
        way: Way::default(),
        version: 0,
        account: who.account,
        author: who.name.clone(),
        started_at: tx.now(),
        ended: None,
    };
    store::add_run(&tx, &run).await?;
    let name = held.playbook.name.vietnamese();
    incident::add_step(&tx, who, &incident, tx.now(), &format!("playbook-started {name}")).await?;
    settle(desk, &tx, who, &incident, &mut run).await?;
    let detail = json!({ "number": incident.number, "playbook": name, "id": playbook });
    incident::commit(desk, tx, who, "incident.playbook-start", &incident, detail).await?;
    Ok(run.id)
}

/// Opens what can be opened now: tasks are given, people are told. The caller commits.
pub(super) async fn settle(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    run: &mut Run,
) -> Result<(), RespondError> {
    let playbook = run.playbook()?;
    loop {
        let advance = flow::advance(&playbook, &mut run.way.marks);
        let mut goes_on = false;
        for id in &advance.opened {
            let Some(step) = playbook.steps.get(id) else { continue };
            let due_at = due(tx, incident, run, step).await?;
            let mut note = Note { opened_at: Some(tx.now()), due_at, ..Note::default() };
            match (&step.kind, &step.act) {
                (StepKind::Action, Some(Act::Notify)) => {
                    let about = format!("{}/{id}", run.id);
                    let told = incident::told(desk, incident, Kind::IncidentPlaybook, &about);
                    notify::raise(tx.conn(), &desk.db, &[told]).await?;
                    flow::set_done(&mut run.way.marks, id, true);
                    note.done_at = Some(tx.now());
                    goes_on = true;
                }
                (StepKind::Action, Some(Act::Search(_) | Act::Block)) => {}
                (StepKind::Action | StepKind::Playbook(_), _) => {
                    let new = NewTask { title: title(step), assignee: None, due_at };
                    let task = room::give(desk, tx, who, incident, &new).await?;
                    store::add_task(tx, (task.id, run.id, id)).await?;
                    note.task = Some(task.id);
                }
                _ => {}
            }
            run.way.notes.insert(id.clone(), note);
        }
        if !goes_on {
            if advance.finished && run.state == RunState::Running {
                run.state = RunState::Done;
                run.ended = Some(Ended { at: tx.now(), by: who.name.clone(), reason: None });
                let name = playbook.name.vietnamese();
                let word = format!("playbook-done {name}");
                incident::add_step(tx, who, incident, tx.now(), &word).await?;
            }
            return store::save_run(tx, run).await;
        }
    }
}

/// Returns the title of a step's task: what, and which post. Tasks are the centre's papers: in Vietnamese.
fn title(step: &Step) -> String {
    let (name, agent) = (step.name.vietnamese(), step.agent.vietnamese());
    let name = if name.is_empty() { step.kind.word() } else { name };
    let whole = if agent.is_empty() { name.to_owned() } else { format!("{name} ({agent})") };
    whole.chars().take(TITLE_CHARS_MAX).collect()
}

/// Returns by when a step is to be done: when the legal duty that it names is due, if the incident owes it,
/// or its hours from the moment that it names.
async fn due(
    tx: &Tx,
    incident: &Incident,
    run: &Run,
    step: &Step,
) -> Result<Option<DateTime<Utc>>, RespondError> {
    let Some(deadline) = &step.deadline else { return Ok(None) };
    if let Some(duty) = &deadline.obligation {
        let owed = obligation::of_incident(tx.conn(), incident.id).await?;
        if let Some(own) = owed.iter().find(|own| own.obligation == *duty) {
            return Ok(Some(own.due_at));
        }
    }
    let from = match deadline.from {
        Moment::Occurred => incident.occurred_at.unwrap_or(incident.detected_at),
        Moment::Detected => incident.detected_at,
        Moment::Reported => incident.reported_at.unwrap_or(incident.detected_at),
        Moment::Opened => incident.opened_at,
        Moment::Started => run.started_at,
    };
    Ok(Some(from + TimeDelta::hours(i64::try_from(deadline.hours).unwrap_or(0))))
}

/// Gives the open steps of an incident's runs their time anew, after its moments or its duties have changed;
/// the caller commits. A task whose time someone has changed by hand keeps it.
pub(crate) async fn retime(tx: &Tx, incident: &Incident) -> Result<(), RespondError> {
    for mut run in store::runs(tx.conn(), &[incident.id]).await? {
        if run.state != RunState::Running {
            continue;
        }
        let playbook = run.playbook()?;
        let mut has_changed = false;
        for (id, step) in &playbook.steps {
            let Some(before) = run.open(id).cloned() else { continue };
            let due_at = due(tx, incident, &run, step).await?;
            if due_at == before.due_at {
                continue;
            }
            if let Some(task) = before.task {
                room::set_due(tx, task, (before.due_at, due_at)).await?;
            }
            if let Some(note) = run.way.notes.get_mut(id) {
                note.due_at = due_at;
                has_changed = true;
            }
        }
        if has_changed {
            store::save_run(tx, &mut run).await?;
        }
    }
    Ok(())
}

/// Takes note that a task of the room was ticked off or opened again; the caller commits.
pub(crate) async fn task_set(
    desk: &Desk,
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    (task, done): (Uuid, bool),
) -> Result<(), RespondError> {
    let Some((id, step)) = store::of_task(tx.conn(), task).await? else { return Ok(()) };
    let family = incident::family(tx.conn(), incident.id).await?;
    let mut run = store::run(tx.conn(), &family, id).await?;
    let is_its_task = run.way.notes.get(&step).is_some_and(|note| note.task == Some(task));
    if run.state == RunState::Abandoned || !is_its_task {
        return Ok(());
    }
    if done {
        run.finish(&step, &who.name, tx.now());
    } else {
        flow::set_done(&mut run.way.marks, &step, false);
        if let Some(note) = run.way.notes.get_mut(&step) {
            (note.done_at, note.by) = (None, String::new());
        }
        (run.state, run.ended) = (RunState::Running, None);
    }
    settle(desk, tx, who, incident, &mut run).await
}

/// Does what the platform does by itself in the open runs of an incident, after a change of them. What
/// fails is logged and stays open for a press.
pub(crate) async fn follow_up(desk: &Desk, who: &Handler, id: IncidentId) {
    if let Err(error) = search::run_open(desk, who, id).await {
        tracing::warn!(error = web::chain(&error), incident.id = %id, "a step of a playbook waits");
    }
}

/// Answers a question of a run.
pub(super) async fn answer(
    desk: &Desk,
    who: &Handler,
    (id, run): (IncidentId, Uuid),
    (step, word): (&str, &str),
) -> Result<(), RespondError> {
    let tx = desk.db.begin().await?;
    let (incident, mut run) = opened(&tx, who, (id, run)).await?;
    let playbook = run.playbook()?;
    if !flow::answer(&playbook, &mut run.way.marks, step, word) {
        return Err(RespondError::Conflict("playbook-error-answer"));
    }
    let note = run.way.notes.entry(step.to_owned()).or_default();
    (note.done_at, note.by) = (Some(tx.now()), who.name.clone());
    let asked = playbook.steps.get(step).map(|step| step.name.vietnamese()).unwrap_or_default();
    let line = format!("playbook-answer-{} {asked}", if word == "no" { "no" } else { "yes" });
    incident::add_step(&tx, who, &incident, tx.now(), &line).await?;
    settle(desk, &tx, who, &incident, &mut run).await?;
    let detail = json!({ "number": incident.number, "run": run.id, "step": step, "answer": word });
    incident::commit(desk, tx, who, "incident.playbook-answer", &incident, detail).await
}

/// Leaves out a step that the platform would do, with the reason.
pub(super) async fn skip(
    desk: &Desk,
    who: &Handler,
    (id, run): (IncidentId, Uuid),
    (step, reason): (&str, &str),
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let (incident, mut run) = opened(&tx, who, (id, run)).await?;
    let is_automatic = act_of(&run, step)?.is_some();
    let waits = run.open(step).is_some_and(|note| note.task.is_none());
    if !is_automatic || !waits {
        return Err(RespondError::Conflict("playbook-error-step"));
    }
    run.finish(step, &who.name, tx.now());
    if let Some(note) = run.way.notes.get_mut(step) {
        note.reason = Some(reason.as_str().to_owned());
    }
    settle(desk, &tx, who, &incident, &mut run).await?;
    let detail =
        json!({ "number": incident.number, "run": run.id, "step": step, "reason": reason });
    incident::commit(desk, tx, who, "incident.playbook-skip", &incident, detail).await
}

/// Gives a run up, with the reason. Its tasks stay: whoever has one decides.
pub(super) async fn abandon(
    desk: &Desk,
    who: &Handler,
    (id, run): (IncidentId, Uuid),
    reason: &str,
) -> Result<(), RespondError> {
    let reason = reason_of(reason)?;
    let tx = desk.db.begin().await?;
    let (incident, mut run) = opened(&tx, who, (id, run)).await?;
    run.state = RunState::Abandoned;
    let why = Some(reason.as_str().to_owned());
    run.ended = Some(Ended { at: tx.now(), by: who.name.clone(), reason: why });
    store::save_run(&tx, &mut run).await?;
    let name = run.playbook()?.name;
    let word = format!("playbook-abandoned {}: {}", name.vietnamese(), reason.as_str());
    incident::add_step(&tx, who, &incident, tx.now(), &word).await?;
    let detail = json!({ "number": incident.number, "run": run.id, "reason": reason });
    incident::commit(desk, tx, who, "incident.playbook-abandon", &incident, detail).await
}

fn reason_of(text: &str) -> Result<Reason, RespondError> {
    Reason::new(text).ok_or(RespondError::Field { field: "reason", key: "room-error-reason" })
}

/// Returns the incident and a run of it that goes on, for a change.
pub(super) async fn opened(
    tx: &Tx,
    who: &Handler,
    (id, run): (IncidentId, Uuid),
) -> Result<(Incident, Run), RespondError> {
    let incident = incident::get_for_change(tx, &who.scope, id).await?;
    let family = incident::family(tx.conn(), id).await?;
    let run = store::run(tx.conn(), &family, run).await?;
    if run.state != RunState::Running {
        return Err(RespondError::Conflict("playbook-error-over"));
    }
    Ok((incident, run))
}

/// Returns what the platform does by itself at a step.
pub(super) fn act_of(run: &Run, step: &str) -> Result<Option<Act>, RespondError> {
    Ok(run.playbook()?.steps.get(step).and_then(|step| step.act.clone()))
}

/// Writes what a search of a run found into the timeline, with the way to it.
pub(super) async fn tell_search(
    tx: &Tx,
    who: &Handler,
    incident: &Incident,
    (count, href, name): (u64, &str, &str),
) -> Result<(), RespondError> {
    let text = format!("{count} {href} {name}");
    incident::add_line(tx, who, incident, EntryKind::Search, &text).await
}
