//! Gathering what the pages of playbooks show.

use cacao::{Act, Line, Playbook, StepKind};
use event::IncidentId;
use uuid::Uuid;
use web::Who;

use super::category;
use super::model::{Run, Way};
use super::shelf::{self, Held};
use super::store;
use super::views::{FlowLine, PlaybookList, PlaybookPage, PlaybookRow, RoomPlaybooksPage, RunView};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::{alert, incident, obligation, room};

fn row(held: &Held) -> PlaybookRow {
    let playbook = &held.playbook;
    PlaybookRow {
        id: playbook.id.to_string(),
        name: playbook.name.en.clone(),
        name_vi: playbook.name.vi.clone(),
        description: playbook.description.en.clone(),
        description_vi: playbook.description.vi.clone(),
        categories: playbook.categories.clone(),
        steps: count(playbook),
        modified: playbook.modified,
        brought_by: held.brought.as_ref().map(|(by, _)| by.clone()),
        revoked: playbook.revoked,
    }
}

/// Returns how many steps are something to do or to judge.
fn count(playbook: &Playbook) -> u64 {
    let counts =
        |kind: &StepKind| !matches!(kind, StepKind::Start | StepKind::End | StepKind::Parallel(_));
    playbook.steps.values().filter(|step| counts(&step.kind)).count() as u64
}

fn flow(playbook: &Playbook, way: Option<&Way>) -> Vec<FlowLine> {
    playbook.outline().iter().map(|line| flow_line(line, way)).collect()
}

fn flow_line(line: &Line<'_>, way: Option<&Way>) -> FlowLine {
    let step = line.step;
    let mark = way.and_then(|way| way.marks.get(line.id));
    let note = way.and_then(|way| way.notes.get(line.id)).cloned().unwrap_or_default();
    let query = match &step.act {
        Some(Act::Search(query)) => Some(query.clone()),
        _ => None,
    };
    FlowLine {
        id: line.id.to_owned(),
        depth: line.depth,
        kind: step.kind.word().to_owned(),
        branch: line.branch.clone(),
        name: step.name.en.clone(),
        name_vi: step.name.vi.clone(),
        description: step.description.en.clone(),
        description_vi: step.description.vi.clone(),
        agent: step.agent.en.clone(),
        agent_vi: step.agent.vi.clone(),
        legal_basis: step.legal_basis.clone(),
        hours: step.deadline.as_ref().map(|one| one.hours),
        from: step.deadline.as_ref().map(|one| one.from.word().to_owned()),
        act: step.act.as_ref().map(|act| act.word().to_owned()),
        query,
        answers: step.kind.answers().into_iter().map(ToOwned::to_owned).collect(),
        state: match mark {
            None => "waiting",
            Some(mark) if mark.done => "done",
            Some(_) => "open",
        }
        .to_owned(),
        due_at: note.due_at,
        done_at: note.done_at,
        done_by: note.by,
        answer: mark.and_then(|mark| mark.answer.clone()),
        count: note.count,
        reason: note.reason,
        href: note.href,
        asked_at: note.asked_at,
        is_task: note.task.is_some(),
    }
}

/// Returns the list of playbooks.
pub(super) async fn list(desk: &Desk) -> Result<PlaybookList, RespondError> {
    let all = shelf::all(desk.db.conn()).await?;
    Ok(PlaybookList { playbooks: all.iter().map(row).collect() })
}

/// Returns one playbook with its steps.
pub(super) async fn detail(desk: &Desk, id: Uuid) -> Result<PlaybookPage, RespondError> {
    let held = shelf::get(desk.db.conn(), id).await?;
    Ok(PlaybookPage {
        playbook: row(&held),
        types: held.playbook.types.clone(),
        lines: flow(&held.playbook, None),
    })
}

fn run_view(run: &Run) -> Result<RunView, RespondError> {
    let playbook = run.playbook()?;
    let lines = flow(&playbook, Some(&run.way));
    let counts = |line: &&FlowLine| line.is_shown() && line.kind != "parallel";
    let of = |state: &str| lines.iter().filter(counts).filter(|line| line.state == state).count();
    let (done, open) = (of("done"), of("open"));
    Ok(RunView {
        id: run.id.to_string(),
        name: playbook.name.en.clone(),
        name_vi: playbook.name.vi.clone(),
        state: run.state.word().to_owned(),
        author: run.author.clone(),
        started_at: run.started_at,
        ended_at: run.ended.as_ref().map(|end| end.at),
        ended_by: run.ended.as_ref().map(|end| end.by.clone()),
        reason: run.ended.as_ref().and_then(|end| end.reason.clone()),
        done: done as u64,
        reached: done.saturating_add(open) as u64,
        all: count(&playbook),
        lines,
    })
}

/// Returns the tab of playbooks of an incident.
pub(super) async fn in_room(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<RoomPlaybooksPage, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let said = store::category(conn, id).await?;
    let presumed = if said.is_none() {
        let alerts = alert::of_incident(conn, &who.scope, &family).await?;
        let circumstances = obligation::circumstances(conn, id).await?;
        category::presumed(&alerts, &circumstances).map(ToOwned::to_owned)
    } else {
        None
    };
    let is_said = said.is_some();
    let category = said.or(presumed);
    let all = shelf::all(conn).await?;
    let fits = |held: &&Held| {
        category.as_ref().is_some_and(|word| held.playbook.categories.contains(word))
    };
    let (proposed, others): (Vec<&Held>, Vec<&Held>) = all.iter().partition(fits);
    let runs = store::runs(conn, &family).await?;
    Ok(RoomPlaybooksPage {
        head: room::head(desk, who, &incident, &family, "playbooks").await?,
        categories: category::choices(who.lang, category.as_deref().unwrap_or_default()),
        category,
        is_said,
        runs: runs.iter().map(run_view).collect::<Result<_, _>>()?,
        proposed: proposed.into_iter().map(row).collect(),
        others: others.into_iter().map(row).collect(),
    })
}
