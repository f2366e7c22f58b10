//! What orders put on people's lists of work: acknowledge, do, and at the centre look at what was done.

use async_trait::async_trait;
use web::todo::{PER_SOURCE_MAX, Todo, TodoSource, Urgency};
use web::{AppError, Permission, Phrase, Reach, Who};

use super::model::{Order, Part, State};
use super::store;
use crate::desk::Desk;
use crate::error::RespondError;

/// Orders as work of people.
#[derive(Debug, Clone)]
pub struct OrderWork(pub Desk);

#[async_trait]
impl TodoSource for OrderWork {
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        Ok(self.own(who).await?)
    }
}

impl OrderWork {
    async fn own(&self, who: &Who) -> Result<Vec<Todo>, RespondError> {
        let is_agency = who.role.reach() == Reach::Subtree && who.may(Permission::OrderAnswer);
        let judges = who.role.reach() == Reach::Province && who.may(Permission::OrderIssue);
        let states: &[State] = match (is_agency, judges) {
            (true, _) => &[State::Sent, State::Acknowledged],
            (_, true) => &[State::Done],
            _ => return Ok(Vec::new()),
        };
        let most = u64::try_from(PER_SOURCE_MAX).unwrap_or(u64::MAX);
        let waiting = store::waiting(self.0.db.conn(), &who.scope, states, most).await?;
        let now = self.0.db.now();
        Ok(waiting.iter().map(|(part, order)| self.todo(part, order, now)).collect())
    }

    fn todo(&self, part: &Part, order: &Order, now: chrono::DateTime<chrono::Utc>) -> Todo {
        let agency = self.0.directory.agency(part.agency).map(|card| card.name);
        let (what, steps, due) = match part.state {
            State::Sent => {
                ("order-todo-acknowledge", "order-todo-acknowledge-how", order.acknowledge_by)
            }
            State::Acknowledged => ("order-todo-do", "order-todo-do-how", order.done_by),
            _ => ("order-todo-judge", "order-todo-judge-how", order.done_by),
        };
        let urgent = part.state == State::Sent || due <= now;
        Todo {
            what: Phrase::key(what).arg("number", order.number.as_str()),
            why: Phrase::key("order-todo-why")
                .arg("title", order.title.as_str())
                .arg("agency", agency.unwrap_or_default()),
            how: vec![Phrase::key(steps)],
            helper: (!order.signer.is_empty()).then(|| order.signer.clone()),
            link: format!("/orders/{}", order.id),
            urgency: if urgent { Urgency::Now } else { Urgency::Today },
            due: Some(due),
        }
    }
}
