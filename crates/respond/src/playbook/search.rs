//! The searches of a run: how many events of the incident's systems a line finds, in the timeline with the
//! way to them.

use cacao::Act;
use chrono::{DateTime, TimeDelta, Utc};
use event::IncidentId;
use event::lake::Search;
use event::query::parse;
use serde_json::json;
use uuid::Uuid;

use super::model::{Run, RunState};
use super::{run, store};
use crate::actor::Handler;
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident::{self, Incident};
use crate::room;
use crate::search::Reading;

/// How long before an incident its searches begin.
const BEFORE: TimeDelta = TimeDelta::hours(24);

/// Searches that one change sets off: each holds a request for a while.
const AT_ONCE: usize = 8;

/// Runs the searches that are open in an incident, one after the other.
pub(super) async fn run_open(
    desk: &Desk,
    who: &Handler,
    id: IncidentId,
) -> Result<(), RespondError> {
    for _ in 0..AT_ONCE {
        let family = incident::family(desk.db.conn(), id).await?;
        let runs = store::runs(desk.db.conn(), &family).await?;
        let Some((of, step)) = runs.iter().find_map(|run| Some((run.id, open_search(run)?))) else {
            return Ok(());
        };
        one(desk, who, (id, of), &step).await?;
    }
    Ok(())
}

/// Returns the first search of a run that is open.
fn open_search(run: &Run) -> Option<String> {
    if run.state != RunState::Running {
        return None;
    }
    let playbook = run.playbook().ok()?;
    let is_search = |id: &&String| {
        let act = playbook.steps.get(*id).and_then(|step| step.act.as_ref());
        matches!(act, Some(Act::Search(_))) && run.open(id).is_some()
    };
    run.way.notes.keys().find(is_search).cloned()
}

/// What is asked, and from when to when.
struct Asked {
    line: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Asked {
    fn of(line: &str, incident: &Incident, now: DateTime<Utc>) -> Self {
        let began = incident.occurred_at.unwrap_or(incident.detected_at).min(now);
        let systems: Vec<String> =
            incident.systems.iter().map(|id| format!("system_id:{id}")).collect();
        let line = match (line.trim(), systems.is_empty()) {
            (line, true) => line.to_owned(),
            ("" | "*", false) => systems.join(" OR "),
            (line, false) => format!("({line}) AND ({})", systems.join(" OR ")),
        };
        Self { line, from: began - BEFORE, to: now }
    }

    fn href(&self) -> String {
        Address::of("/search")
            .with("q", &self.line)
            .with("from", self.from.to_rfc3339())
            .with("to", self.to.to_rfc3339())
            .to_string()
    }
}

/// Runs one search of a run and writes down what it found.
pub(super) async fn one(
    desk: &Desk,
    who: &Handler,
    (id, of): (IncidentId, Uuid),
    step: &str,
) -> Result<(), RespondError> {
    let incident = incident::get(desk.db.conn(), &who.scope, id).await?;
    let family = incident::family(desk.db.conn(), id).await?;
    let standing = store::run(desk.db.conn(), &family, of).await?;
    let Some(Act::Search(line)) = run::act_of(&standing, step)? else {
        return Err(RespondError::Conflict("playbook-error-step"));
    };
    let asked = Asked::of(&line, &incident, desk.db.now());
    let count = count(desk, who, &asked).await?;

    let tx = desk.db.begin().await?;
    let (incident, mut run) = run::opened(&tx, who, (id, of)).await?;
    if run.open(step).is_none() {
        return Err(RespondError::Conflict("playbook-error-step"));
    }
    run.finish(step, &who.name, tx.now());
    let named = run.playbook()?.steps.get(step).map(|step| step.name.clone()).unwrap_or_default();
    let (name, href) = (named.vietnamese(), asked.href());
    if let Some(note) = run.way.notes.get_mut(step) {
        (note.count, note.href) = (Some(count), Some(href.clone()));
    }
    let span = (asked.from, asked.to);
    room::keep_search(&tx, who, id, (name, &asked.line, span)).await?;
    run::tell_search(&tx, who, &incident, (count, &href, name)).await?;
    run::settle(desk, &tx, who, &incident, &mut run).await?;
    let detail = json!({
        "number": incident.number, "run": run.id, "question": asked.line, "found": count,
    });
    incident::commit(desk, tx, who, "incident.playbook-search", &incident, detail).await
}

async fn count(desk: &Desk, who: &Handler, asked: &Asked) -> Result<u64, RespondError> {
    let wrong = |_| RespondError::Conflict("playbook-error-line");
    let query = parse(&asked.line).map_err(wrong)?;
    let question = json!({ "question": asked.line, "from": asked.from, "to": asked.to });
    let reading = Reading::begin(desk, who, "search.playbook", question);
    let search = Search { query, from: asked.from, to: asked.to, limit: 1, after: None };
    let bars = desk.lake.histogram(&who.scope, &search, 1).await?;
    let count = bars.iter().map(|bar| bar.count).sum();
    reading.end(json!({ "events": count })).await?;
    Ok(count)
}
