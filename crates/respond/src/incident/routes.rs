//! The pages of incidents and the presses on them.

use axum::extract::State;
use chrono::{DateTime, NaiveDateTime, Utc};
use event::{AlertId, IncidentId, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use web::figures::from_vietnam;
use web::paging::Page;
use web::{AppError, Body, Done, Path, Permission, Phrase, Query, Routes, View, Who, done};

use super::actions;
use super::list::{self, IncidentFilter, MERGED};
use super::model::{Findings, IncidentStep};
use super::store;
use super::views::{FindingsView, IncidentList, IncidentPage, IncidentRow, TimelineLine};
use crate::actor::Handler;
use crate::address::Address;
use crate::alert::{self, AlertRow, AssignForm, Choice, Reason};
use crate::desk::Desk;
use crate::error::RespondError;
use crate::hold::{self, HoldView};
use crate::limits::LISTED_COUNTED_MAX;
use crate::notice::{self, NoticeCard};
use crate::obligation;
use crate::queue_view::{self, Queue, ViewTabs};
use crate::room;

/// Returns the routes of incidents.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{IncidentHandle, IncidentRead};
    Routes::new()
        .get("/incidents", IncidentRead, list)
        .doc("Lists incidents, open ones first")
        .gives::<IncidentList>()
        .post("/incidents", IncidentHandle, open)
        .doc("Makes an incident of alerts")
        .takes::<OpenForm>()
        .get("/incidents/{id}", IncidentRead, detail)
        .doc("Shows one incident with its timeline")
        .gives::<IncidentPage>()
        .post("/incidents/{id}/note", IncidentHandle, note)
        .doc("Writes a line into the timeline")
        .takes::<NoteForm>()
        .post("/incidents/{id}/alerts", IncidentHandle, add_alerts)
        .doc("Adds alerts, by their numbers")
        .takes::<AlertsForm>()
        .post("/incidents/{id}/assign", IncidentHandle, assign)
        .doc("Gives the lead to someone")
        .takes::<AssignForm>()
        .post("/incidents/{id}/contain", IncidentHandle, contain)
        .doc("Says that it spreads no further")
        .post("/incidents/{id}/close", IncidentHandle, close)
        .doc("Closes it with cause, impact and lessons")
        .takes::<CloseForm>()
        .post("/incidents/{id}/reopen", IncidentHandle, reopen)
        .doc("Opens it again")
}

/// What the list is filtered by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    state: String,
    severity: String,
    agency: String,
    mine: bool,
    q: String,
    /// The saved view that it comes from.
    view: String,
    page: Option<u64>,
    rows: Option<u64>,
}

const STATES: [(&str, &str); 5] = [
    ("", "incident-state-all"),
    ("open", "incident-state-open"),
    ("contained", "incident-state-contained"),
    ("closed", "incident-state-closed"),
    (MERGED, "incident-state-merged"),
];

impl ListQuery {
    fn filter(&self, who: &Who) -> IncidentFilter {
        IncidentFilter {
            state: STATES.iter().map(|(word, _)| *word).skip(1).find(|word| *word == self.state),
            open_only: false,
            severity: Severity::from_word(&self.severity),
            agency: self.agency.parse().ok(),
            assignee: self.mine.then_some(who.account),
            text: self.q.clone(),
        }
    }

    /// Returns the filter as an address has it.
    fn address(&self) -> Address {
        Address::of("/incidents")
            .with("state", &self.state)
            .with("severity", &self.severity)
            .with("agency", &self.agency)
            .maybe("mine", self.mine.then_some("true"))
            .with("q", &self.q)
    }
}

/// Returns a filter of the list in its one form; nothing when it cannot be read.
pub(crate) fn normal_query(query: &str) -> Option<String> {
    serde_html_form::from_str::<ListQuery>(query).ok().map(|read| read.address().query())
}

async fn list(
    State(desk): State<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<IncidentList>, AppError> {
    Ok(View::new(listed(&desk, &who, opened(&desk, &who, query).await?).await?))
}

/// Returns what the list is opened with: what was asked for, else the reader's default view.
async fn opened(desk: &Desk, who: &Who, query: ListQuery) -> Result<ListQuery, RespondError> {
    let asks = !query.view.is_empty() || !query.address().query().is_empty();
    if asks || query.page.is_some() {
        return Ok(query);
    }
    let Some(opened) = queue_view::default_of(desk, who, Queue::Incidents).await? else {
        return Ok(query);
    };
    let read: Result<ListQuery, _> = serde_html_form::from_str(&opened.query);
    Ok(read.map_or(query, |read| ListQuery { view: opened.view, ..read }))
}

async fn views(desk: &Desk, who: &Who, query: &ListQuery) -> Result<ViewTabs, RespondError> {
    let mut counted = Vec::new();
    for view in queue_view::of(desk, who, Queue::Incidents).await? {
        let read: ListQuery = serde_html_form::from_str(&view.query).unwrap_or_default();
        let limit = queue_view::COUNTED_MAX + 1;
        let filter = read.filter(who);
        let count = list::count_up_to(desk.db.conn(), &who.scope, &filter, limit).await?;
        counted.push((view, count));
    }
    let present = query.address().query();
    Ok(ViewTabs::of(who, Queue::Incidents, counted, (present, &query.view)))
}

async fn listed(desk: &Desk, who: &Who, query: ListQuery) -> Result<IncidentList, RespondError> {
    let filter = query.filter(who);
    let page = Page { page: query.page, rows: query.rows };
    let (incidents, total) = list::list(desk.db.conn(), &who.scope, &filter, page).await?;
    let active = !query.address().query().is_empty();
    let rest = query.address().with("view", &query.view).query();
    let directory = desk.directory.as_ref();
    Ok(IncidentList {
        states: Choice::words(who.lang, &STATES, filter.state.unwrap_or_default()),
        severities: Choice::severities(who.lang, filter.severity),
        agencies: Choice::named(directory.agencies(&who.scope), Some(&query.agency)),
        active,
        views: views(desk, who, &query).await?,
        view: query.view,
        pager: page
            .pager("/incidents", &rest, total.min(LISTED_COUNTED_MAX))
            .and_more(total > LISTED_COUNTED_MAX),
        text: query.q,
        mine: query.mine,
        incidents: incidents.iter().map(|one| IncidentRow::of(one, directory)).collect(),
    })
}

async fn detail(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<View<IncidentPage>, AppError> {
    Ok(View::new(page(&desk, &who, id).await?))
}

/// Gathers what an incident's page shows.
pub(crate) async fn page(
    desk: &Desk,
    who: &Who,
    id: IncidentId,
) -> Result<IncidentPage, RespondError> {
    let conn = desk.db.conn();
    let incident = store::get(conn, &who.scope, id).await?;
    let timeline = store::timeline(conn, &incident).await?;
    let all = super::family(conn, id).await?;
    let alerts = alert::of_incident(conn, &who.scope, &all).await?;
    let room = room::of_incident(desk, who, &incident, &all).await?;
    let mut clocks = obligation::ClockPanel::of(desk, who, &incident).await?;
    if incident.merged_into.is_some() {
        // They run on at the survivor.
        clocks.deadlines.retain(|row| row.fulfilled_at.is_some());
    }
    let holds = hold::of_incident(conn, &incident).await?;
    let sent = notice::of_incident(conn, incident.id).await?;
    let directory = desk.directory.as_ref();
    let line = |entry| TimelineLine::of(entry, &desk.obligations, who.lang);
    let assignee = incident.assignee.map(|id| id.to_string());
    Ok(IncidentPage {
        contained_at: incident.contained_at,
        closed_at: incident.closed_at,
        holds: holds.into_iter().map(HoldView::from).collect(),
        findings: FindingsView::of(&incident.status),
        notice: sent.map(NoticeCard::from),
        timeline: timeline.into_iter().map(line).collect(),
        alert_rows: alerts.iter().map(|one| AlertRow::of(one, directory)).collect(),
        alerts_href: room::alerts_href(&all),
        systems: incident.systems.iter().filter_map(|id| directory.system(*id)).collect(),
        agency: directory.agency(incident.agency),
        people: Choice::named(directory.people(incident.agency), assignee.as_deref()),
        clocks,
        participants: room.participants,
        tasks: room.tasks,
        comments: room.comments,
        head: room::head(desk, who, &incident, &all, "overview").await?,
    })
}

/// Alerts that become an incident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenForm {
    /// The alerts' ids.
    #[serde(default)]
    alert: Vec<String>,
    /// What happened; empty takes the worst alert's title.
    #[serde(default)]
    title: String,
}

async fn open(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<OpenForm>,
) -> Result<Done, AppError> {
    let ids: Result<Vec<AlertId>, _> = form.alert.iter().map(|id| id.parse()).collect();
    let Ok(ids) = ids else {
        return Err(AppError::invalid("alert", Phrase::key("incident-error-alerts")));
    };
    let handler = Handler::from(&who);
    let incident = actions::open(&desk, &handler, &ids, Some(&form.title)).await?;
    let notice = Phrase::key("incident-done-opened").arg("number", incident.number);
    Ok(done(format!("/incidents/{}", incident.id)).made().notice(notice))
}

/// A line for the timeline.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteForm {
    /// Its words.
    #[serde(default)]
    text: String,
    /// When it happened (Vietnam's clock, `2026-11-22T14:05`); empty is now.
    #[serde(default)]
    at: String,
}

async fn note(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<NoteForm>,
) -> Result<Done, AppError> {
    let at = moment(&form.at)?;
    actions::note(&desk, &Handler::from(&who), id, at, &form.text).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-noted")))
}

/// Returns the moment that someone typed; nothing for an empty field.
///
/// # Errors
/// When it is no moment.
pub(crate) fn moment(text: &str) -> Result<Option<DateTime<Utc>>, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Some(at.to_utc()));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%H:%M %d/%m/%Y"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    match local {
        Some(local) => Ok(Some(from_vietnam(local))),
        None => Err(AppError::invalid("at", Phrase::key("incident-error-time"))),
    }
}

/// More alerts for an incident.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AlertsForm {
    /// Their numbers (`CB-2026-00042`), parted by spaces or commas.
    #[serde(default)]
    numbers: String,
}

async fn add_alerts(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<AlertsForm>,
) -> Result<Done, AppError> {
    let mut ids = Vec::new();
    let words = form.numbers.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    for number in words.filter(|word| !word.is_empty()).take(crate::limits::BULK_MAX) {
        let found = alert::by_number(desk.db.conn(), &who.scope, &number.to_uppercase()).await;
        match found {
            Ok(alert) => ids.push(alert.id),
            Err(RespondError::NotFound) => {
                let why = Phrase::key("incident-error-number").arg("number", number);
                return Err(AppError::invalid("numbers", why));
            }
            Err(error) => return Err(error.into()),
        }
    }
    actions::add_alerts(&desk, &Handler::from(&who), id, &ids).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-added")))
}

async fn assign(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<AssignForm>,
) -> Result<Done, AppError> {
    let to = form.account(&who)?;
    actions::assign(&desk, &Handler::from(&who), id, to).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-assigned")))
}

async fn contain(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<Done, AppError> {
    actions::step(&desk, &Handler::from(&who), id, IncidentStep::Contain).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-contained")))
}

async fn reopen(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
) -> Result<Done, AppError> {
    actions::step(&desk, &Handler::from(&who), id, IncidentStep::Reopen).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-reopened")))
}

/// What an incident leaves behind.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseForm {
    /// Why it could happen.
    #[serde(default)]
    cause: String,
    /// What it did.
    #[serde(default)]
    impact: String,
    /// What we do differently.
    #[serde(default)]
    lessons: String,
    /// What it cost.
    #[serde(default)]
    cost: String,
    /// What follows.
    #[serde(default)]
    follow_up: String,
    /// Tasks that follow, one a line.
    #[serde(default)]
    tasks: String,
    /// Who shall do them: an account's id, or `me`.
    #[serde(default)]
    assignee: String,
    /// Until when (Vietnam's clock, `2026-11-22T14:05`).
    #[serde(default)]
    due: String,
}

async fn close(
    State(desk): State<Desk>,
    who: Who,
    Path(id): Path<IncidentId>,
    Body(form): Body<CloseForm>,
) -> Result<Done, AppError> {
    let mut wrong = web::FieldErrors::default();
    let mut take = |field: &'static str, text: &str| {
        let reason = Reason::new(text);
        if reason.is_none() {
            wrong.add(field, Phrase::key("incident-error-findings"));
        }
        reason
    };
    let cause = take("cause", &form.cause);
    let impact = take("impact", &form.impact);
    let lessons = take("lessons", &form.lessons);
    let cost = take("cost", &form.cost);
    let follow_up = take("follow_up", &form.follow_up);
    let (Some(cause), Some(impact), Some(lessons), Some(_), Some(_)) =
        (cause, impact, lessons, &cost, &follow_up)
    else {
        return Err(AppError::Invalid(wrong));
    };
    let step = IncidentStep::Close(Findings { cause, impact, lessons, cost, follow_up });
    let to = AssignForm { assignee: form.assignee.clone() }.account(&who)?;
    let tasks = room::task_lines(&form.tasks, to, moment(&form.due)?);
    actions::step_with(&desk, &Handler::from(&who), id, step, &tasks).await?;
    Ok(done(format!("/incidents/{id}")).notice(Phrase::key("incident-done-closed")))
}

#[cfg(test)]
mod tests {
    use db::testing::sqlite;
    use web::Role;
    use web::testing::{faults, who};

    use super::*;
    use crate::testing::{Maker, desk};

    #[tokio::test]
    async fn the_pages_of_incidents_are_sound() {
        let test = sqlite().await;
        let desk = desk(&test, Vec::new());
        let who = who(Role::DutyOfficer);
        let empty = listed(&desk, &who, ListQuery::default()).await.unwrap();
        assert_eq!(faults(&empty), Vec::<String>::new());
        let finding = Maker::new().finding(-5);
        let directory = desk.directory.as_ref();
        let made = alert::receive(&desk.db, directory, &desk.hub, vec![finding], &[]).await;
        let handler = Handler::from(&who);
        let incident = actions::open(&desk, &handler, &made.unwrap().fresh, None).await.unwrap();
        let reason = |text: &str| Reason::new(text).unwrap();
        let left = Findings {
            cause: reason("tệp tải lên <script>"),
            impact: reason("một máy chủ"),
            lessons: reason("kiểm tra tệp"),
            cost: None,
            follow_up: None,
        };
        for step in [IncidentStep::Contain, IncidentStep::Close(left)] {
            let shown = page(&desk, &who, incident.id).await.unwrap();
            assert_eq!(faults(&shown), Vec::<String>::new());
            assert_eq!((shown.alert_rows.len(), shown.systems.len()), (1, 1));
            actions::step(&desk, &handler, incident.id, step).await.unwrap();
        }
        let shown = page(&desk, &who, incident.id).await.unwrap();
        assert_eq!(faults(&shown), Vec::<String>::new());
        let full = listed(&desk, &who, ListQuery::default()).await.unwrap();
        assert_eq!(full.incidents.len(), 1);
        assert_eq!(faults(&full), Vec::<String>::new());
        assert_eq!(crate::nav_counts(&desk, &who).await.len(), 2);
    }

    #[test]
    fn typed_moments_are_on_vietnams_clock() {
        let cases = [
            ("2026-11-22T14:05", "2026-11-22T07:05:00Z"),
            ("14:05 22/11/2026", "2026-11-22T07:05:00Z"),
            ("2026-11-22T07:05:00Z", "2026-11-22T07:05:00Z"),
        ];
        for (typed, expected) in cases {
            let read = moment(typed).unwrap().unwrap();
            assert_eq!(read, expected.parse::<DateTime<Utc>>().unwrap(), "{typed}");
        }
        assert!(moment("  ").unwrap().is_none());
        assert!(moment("hôm qua").is_err());
    }
}
