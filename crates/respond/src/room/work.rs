//! What incidents put on people's lists of work: the tasks they were given.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use web::todo::{PER_SOURCE_MAX, Todo, TodoSource, Urgency};
use web::{AppError, Permission, Phrase, Who};

use super::model::Task;
use super::store;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::incident;

/// Tasks of incidents as work of people.
#[derive(Debug, Clone)]
pub struct RoomWork(pub Desk);

#[async_trait]
impl TodoSource for RoomWork {
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        if !who.may(Permission::IncidentJoin) {
            return Ok(Vec::new());
        }
        Ok(self.own(who).await?)
    }
}

impl RoomWork {
    async fn own(&self, who: &Who) -> Result<Vec<Todo>, RespondError> {
        let conn = self.0.db.conn();
        let most = u64::try_from(PER_SOURCE_MAX).unwrap_or(u64::MAX);
        let tasks = store::tasks_of_person(conn, &who.scope, who.account, most).await?;
        let now = self.0.db.now();
        let mut todos = Vec::with_capacity(tasks.len());
        for task in tasks {
            let id = incident::survivor(conn, &who.scope, task.incident).await?;
            let incident = incident::get(conn, &who.scope, id).await?;
            todos.push(Todo {
                what: Phrase::key("room-todo").arg("title", task.title.as_str()),
                why: Phrase::key("room-todo-why")
                    .arg("number", incident.number.as_str())
                    .arg("title", incident.title.as_str()),
                how: vec![Phrase::key("room-todo-how")],
                helper: Some(task.author.clone()),
                link: format!("/incidents/{id}#tasks"),
                urgency: urgency(&task, now),
                due: task.due_at,
            });
        }
        Ok(todos)
    }
}

fn urgency(task: &Task, now: DateTime<Utc>) -> Urgency {
    match task.due_at {
        Some(due) if due <= now => Urgency::Now,
        Some(due) if due <= now + TimeDelta::days(1) => Urgency::Today,
        Some(due) if due > now + TimeDelta::days(7) => Urgency::Sometime,
        _ => Urgency::Soon,
    }
}
