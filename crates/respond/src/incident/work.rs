//! What incidents put on people's lists of work at the centre: those that nobody leads yet, and what must be told
//! in time of those one leads.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use web::todo::{PER_SOURCE_MAX, Todo, TodoSource, Urgency};
use web::{AppError, Permission, Phrase, Who};

use super::list;
use super::model::Incident;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::notice::{self, Sent};
use crate::obligation;

/// Incidents as work of people.
#[derive(Debug, Clone)]
pub struct IncidentWork(pub Desk);

#[async_trait]
impl TodoSource for IncidentWork {
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        if !who.may(Permission::IncidentHandle) {
            return Ok(Vec::new());
        }
        Ok(self.own(who).await?)
    }
}

impl IncidentWork {
    async fn own(&self, who: &Who) -> Result<Vec<Todo>, RespondError> {
        let conn = self.0.db.conn();
        let most = u64::try_from(PER_SOURCE_MAX).unwrap_or(u64::MAX);
        let incidents = list::to_lead(conn, &who.scope, who.account, most).await?;
        let ids: Vec<_> = incidents.iter().map(|incident| incident.id).collect();
        let mut deadlines = obligation::of_incidents(conn, &ids).await?;
        deadlines.retain(|deadline| deadline.fulfilled.is_none());
        deadlines.sort_by_key(|deadline| deadline.due_at);
        let notices = notice::of_incidents(conn, &ids).await?;
        let mut todos = Vec::new();
        for incident in incidents {
            let next = deadlines.iter().find(|deadline| deadline.incident == incident.id);
            let todo = match (incident.assignee, next) {
                (None, next) => {
                    let sent = notices.iter().find(|(of, _)| *of == incident.id);
                    self.take_up(
                        &incident,
                        sent.map(|(_, sent)| sent),
                        next.map(|next| next.due_at),
                    )
                }
                (Some(_), Some(next)) => {
                    let duty = self.0.obligations.name(&next.obligation, who.lang);
                    report(&incident, duty, next.due_at, self.0.db.now())
                }
                (Some(_), None) => continue,
            };
            todos.push(todo);
        }
        todos.sort_by_key(|todo| (todo.urgency, todo.due.is_none(), todo.due));
        Ok(todos)
    }

    /// Returns the work of an incident that nobody leads: whoever reported it waits for a call.
    fn take_up(
        &self,
        incident: &Incident,
        sent: Option<&Sent>,
        due: Option<DateTime<Utc>>,
    ) -> Todo {
        let agency = self.0.directory.agency(incident.agency);
        let of_agency = || agency.as_ref().and_then(|card| card.phone.clone());
        let contact = sent.map(|sent| sent.notice.contact.clone()).filter(|text| !text.is_empty());
        Todo {
            what: Phrase::key("incident-todo-take").arg("number", incident.number.as_str()),
            why: Phrase::key("incident-todo-take-why")
                .arg("title", incident.title.as_str())
                .arg("agency", agency.as_ref().map_or("", |card| card.name.as_str())),
            how: vec![
                Phrase::key("incident-todo-take-call"),
                Phrase::key("incident-todo-take-lead"),
                Phrase::key("incident-todo-take-clock"),
            ],
            helper: contact.or_else(of_agency),
            link: format!("/incidents/{}", incident.id),
            urgency: Urgency::Now,
            due,
        }
    }
}

/// Returns the work of telling whom the law names.
fn report(incident: &Incident, duty: &str, due: DateTime<Utc>, now: DateTime<Utc>) -> Todo {
    Todo {
        what: Phrase::key("incident-todo-report").arg("duty", duty),
        why: Phrase::key("incident-todo-report-why")
            .arg("number", incident.number.as_str())
            .arg("title", incident.title.as_str()),
        how: vec![
            Phrase::key("incident-todo-report-draft"),
            Phrase::key("incident-todo-report-note"),
        ],
        helper: None,
        link: format!("/incidents/{}", incident.id),
        urgency: match due - now {
            left if left <= TimeDelta::hours(4) => Urgency::Now,
            left if left <= TimeDelta::days(1) => Urgency::Today,
            _ => Urgency::Soon,
        },
        due: Some(due),
    }
}
