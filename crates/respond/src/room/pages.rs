//! Gathering what the room's pages show.

use event::IncidentId;
use sea_orm::ConnectionTrait;
use web::{Permission, Who};

use super::model::{Kept, LinkedSearch, Task};
use super::store;
use super::views::{
    ClosingPage, CommentRow, IncidentAlertsPage, ObservableRow, ObservablesPage, SearchRow, TaskRow,
};
use crate::address::Address;
use crate::alert::{self, AlertRow, Choice};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::evidence;
use crate::incident::{self, FindingsView, Head, Incident, IncidentRow, Kin};
use crate::indicator;
use crate::playbook;

/// Rows of other incidents that are looked at for "seen elsewhere".
const ELSEWHERE_MAX: u64 = 500;

/// Other incidents shown beside one observable.
const ELSEWHERE_SHOWN: usize = 3;

/// What of the room stands on the incident's first page.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) tasks: Vec<TaskRow>,
    pub(crate) comments: Vec<CommentRow>,
    pub(crate) participants: Vec<Choice>,
}

fn task_row(desk: &Desk, who: &Who, task: Task) -> TaskRow {
    let (done_by, done_at) = task.done.unzip();
    TaskRow {
        may_set: who.may(Permission::IncidentHandle)
            || (who.may(Permission::IncidentJoin) && task.assignee == Some(who.account)),
        id: task.id.to_string(),
        title: task.title,
        assignee: task.assignee.and_then(|id| desk.directory.person_name(id)),
        due_at: task.due_at,
        author: task.author,
        done_by,
        done_at,
    }
}

/// Returns the room of an incident that the reader has read, with its family.
pub(crate) async fn of_incident(
    desk: &Desk,
    who: &Who,
    incident: &Incident,
    family: &[IncidentId],
) -> Result<Room, RespondError> {
    let conn = desk.db.conn();
    let tasks = store::tasks(conn, family).await?;
    let comments = store::comments(conn, family).await?;
    Ok(Room {
        tasks: tasks.into_iter().map(|task| task_row(desk, who, task)).collect(),
        comments: comments.into_iter().map(CommentRow::from).collect(),
        participants: Choice::named(desk.directory.participants(incident.agency), None),
    })
}

async fn kin(
    conn: &impl ConnectionTrait,
    who: &Who,
    id: IncidentId,
) -> Result<Option<Kin>, RespondError> {
    let number = incident::number_of(conn, &who.scope, id).await?;
    Ok(number.map(|number| Kin { id: id.to_string(), number }))
}

/// Returns head and tabs of an incident that the reader has read.
pub(crate) async fn head(
    desk: &Desk,
    who: &Who,
    incident: &Incident,
    family: &[IncidentId],
    tab: &'static str,
) -> Result<Head, RespondError> {
    let conn = desk.db.conn();
    let merged_into = match incident.merged_into {
        Some(id) => kin(conn, who, id).await?,
        None => None,
    };
    let mut merged = Vec::new();
    for id in family.iter().filter(|id| **id != incident.id) {
        merged.extend(kin(conn, who, *id).await?);
    }
    let split = store::split_of(conn, incident.id).await?;
    let split_from = match split.filter(|_| incident.merged_into.is_none()) {
        Some(link) => kin(conn, who, link.from).await?,
        None => None,
    };
    Ok(Head {
        incident: IncidentRow::of(incident, desk.directory.as_ref()),
        tab,
        merged_into,
        merged,
        split_from,
        alert_count: alert::count_of_incidents(conn, &who.scope, family).await?,
        observable_count: store::observable_count(conn, family).await?,
        evidence_count: evidence::count(conn, family).await?,
        playbook_count: playbook::running(conn, family).await?,
    })
}

/// Returns the address of the alerts of these incidents in the list.
pub(crate) fn alerts_href(family: &[IncidentId]) -> String {
    let ids: Vec<String> = family.iter().map(ToString::to_string).collect();
    Address::of("/alerts").with("state", "all").with("incident", ids.join(",")).to_string()
}

/// Returns the tab of observables and searches.
pub(super) async fn observables(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<ObservablesPage, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let own = store::observables(conn, &family).await?;
    let values = own.iter().map(|one| one.observable.value.as_str());
    let others = store::elsewhere(conn, &who.scope, &family, values, ELSEWHERE_MAX).await?;
    let all: Vec<_> = own.iter().map(|one| &one.observable).collect();
    let watched = indicator::standing(conn, &all, desk.db.now()).await?;
    let mut rows: Vec<ObservableRow> = Vec::with_capacity(own.len());
    // One that two of the family have stands once.
    let mut last: Option<event::observable::Observable> = None;
    for one in own {
        if last.as_ref() == Some(&one.observable) {
            continue;
        }
        last = Some(one.observable.clone());
        let mut elsewhere: Vec<Kin> = Vec::new();
        for other in others.iter().filter(|other| other.observable == one.observable) {
            let known = elsewhere.iter().any(|kin| kin.id == other.incident.to_string());
            if !known && elsewhere.len() < ELSEWHERE_SHOWN {
                elsewhere.extend(kin(conn, who, other.incident).await?);
            }
        }
        let is_watched = watched.contains_key(&one.observable);
        rows.push(observable_row(one, elsewhere, is_watched));
    }
    let searches = store::searches(conn, &family).await?;
    Ok(ObservablesPage {
        head: head(desk, who, &incident, &family, "observables").await?,
        observables: rows,
        searches: searches.into_iter().map(search_row).collect(),
    })
}

/// Returns the observables of incidents that the caller has read, each once.
pub(crate) async fn shown_observables(
    conn: &impl ConnectionTrait,
    family: &[IncidentId],
) -> Result<Vec<event::observable::Observable>, RespondError> {
    let mut all: Vec<_> = store::observables(conn, family).await?;
    all.dedup_by(|later, first| later.observable == first.observable);
    Ok(all.into_iter().map(|one| one.observable).collect())
}

fn observable_row(one: Kept, elsewhere: Vec<Kin>, is_watched: bool) -> ObservableRow {
    let quoted = format!("\"{}\"", one.observable.value.replace('"', "\\\""));
    ObservableRow {
        id: one.id.to_string(),
        kind: one.observable.kind.word().to_owned(),
        shown: one.observable.defanged(),
        note: one.note,
        author: one.author,
        made_at: one.made_at,
        search: Address::of("/search").with("q", quoted).with("range", "30d").to_string(),
        elsewhere,
        is_watched,
    }
}

fn search_row(one: LinkedSearch) -> SearchRow {
    let href = Address::of("/search")
        .with("q", if one.line.is_empty() { "*" } else { &one.line })
        .with("from", one.from.to_rfc3339())
        .with("to", one.to.to_rfc3339())
        .to_string();
    SearchRow {
        id: one.id.to_string(),
        name: one.name,
        line: one.line,
        from: one.from,
        to: one.to,
        author: one.author,
        href,
    }
}

/// Returns the tab of alerts.
pub(super) async fn alerts(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<IncidentAlertsPage, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let alerts = alert::of_incident(conn, &who.scope, &family).await?;
    let directory = desk.directory.as_ref();
    Ok(IncidentAlertsPage {
        head: head(desk, who, &incident, &family, "alerts").await?,
        alerts: alerts.iter().map(|one| AlertRow::of(one, directory)).collect(),
        alerts_href: alerts_href(&family),
    })
}

/// Returns the tab where an incident ends.
pub(super) async fn closing(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<ClosingPage, RespondError> {
    let conn = desk.db.conn();
    let incident = incident::get(conn, &who.scope, id).await?;
    let family = incident::family(conn, id).await?;
    let tasks = store::tasks(conn, &family).await?;
    Ok(ClosingPage {
        head: head(desk, who, &incident, &family, "closing").await?,
        findings: FindingsView::of(&incident.status),
        participants: Choice::named(desk.directory.participants(incident.agency), None),
        open_tasks: tasks.iter().filter(|task| task.done.is_none()).count() as u64,
    })
}
