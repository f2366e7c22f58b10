//! "Việc của tôi": what waits for this reader, told so that they can do it now. Slices contribute through
//! [`TodoSource`]; the page shows the five most urgent in full and names the others.

mod views;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use chrono::{DateTime, Utc};

use crate::{AppError, Phrase, Routes, View, Who};
use views::{MyWork, TodoCard, TodoLine};

/// How many are shown in full: more at once is none.
const TOP: usize = 5;
/// Most that one source may contribute; a source that has more names the rest in one.
pub const PER_SOURCE_MAX: usize = 20;
/// Steps told of one thing.
const STEPS_MAX: usize = 3;

/// How soon a thing must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Something burns or a legal clock runs out.
    Now,
    /// Today.
    Today,
    /// This week.
    Soon,
    /// When there is time.
    Sometime,
}

impl Urgency {
    const fn key(self) -> &'static str {
        match self {
            Self::Now => "todo-now",
            Self::Today => "todo-today",
            Self::Soon => "todo-soon",
            Self::Sometime => "todo-sometime",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Today => "today",
            Self::Soon => "soon",
            Self::Sometime => "sometime",
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone)]
pub struct Todo {
    /// What, beginning with a verb.
    pub what: Phrase,
    /// Why it matters, in one sentence.
    pub why: Phrase,
    /// How, in at most three steps.
    pub how: Vec<Phrase>,
    /// Who helps: a name, a telephone.
    pub helper: Option<String>,
    /// Where it is done.
    pub link: String,
    /// How soon.
    pub urgency: Urgency,
    /// Until when, if there is a deadline.
    pub due: Option<DateTime<Utc>>,
}

/// A slice that knows what waits for someone.
#[async_trait]
pub trait TodoSource: Send + Sync + Debug {
    /// Returns what waits for this reader, within what they may see and do; the most urgent first, at most
    /// [`PER_SOURCE_MAX`].
    ///
    /// # Errors
    /// When it cannot be found out now; the page then shows what the others know.
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError>;
}

/// All sources, in the order of wiring.
#[derive(Debug, Clone, Default)]
pub struct Todos(Arc<[Arc<dyn TodoSource>]>);

impl Todos {
    /// Returns the work that these sources know of.
    pub fn new(sources: Vec<Arc<dyn TodoSource>>) -> Self {
        Self(sources.into())
    }

    /// Returns everything that waits for a reader, the most urgent first, and whether a source failed.
    pub async fn of(&self, who: &Who) -> (Vec<Todo>, bool) {
        let (mut all, mut failed) = (Vec::new(), false);
        for source in self.0.iter() {
            match source.todos(who).await {
                Ok(todos) => all.extend(todos.into_iter().take(PER_SOURCE_MAX)),
                Err(error) => {
                    tracing::warn!(error = %crate::chain(&error), ?source, "work cannot be listed");
                    failed = true;
                }
            }
        }
        // A thing without a deadline stands after those with one.
        all.sort_by_key(|todo| (todo.urgency, todo.due.is_none(), todo.due));
        (all, failed)
    }
}

/// Returns the route of the page.
pub fn routes(todos: Todos) -> Routes {
    Routes::new()
        .own_get("/my-work", show)
        .doc("Lists what waits for the reader, the most urgent first")
        .gives::<MyWork>()
        .with_state(todos)
}

async fn show(State(todos): State<Todos>, who: Who) -> View<MyWork> {
    let (all, incomplete) = todos.of(&who).await;
    let mut all = all.into_iter();
    let top = all.by_ref().take(TOP).map(|todo| card(todo, &who)).collect();
    let rest = all
        .map(|todo| TodoLine { what: todo.what.text(who.lang), link: todo.link, due: todo.due })
        .collect();
    View::new(MyWork { top, rest, incomplete })
}

fn card(todo: Todo, who: &Who) -> TodoCard {
    TodoCard {
        what: todo.what.text(who.lang),
        why: todo.why.text(who.lang),
        how: todo.how.iter().take(STEPS_MAX).map(|step| step.text(who.lang)).collect(),
        helper: todo.helper,
        link: todo.link,
        urgency: todo.urgency.word(),
        urgency_key: todo.urgency.key(),
        due: todo.due,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[derive(Debug)]
    struct Known(Vec<(Urgency, Option<i64>)>);

    #[async_trait]
    impl TodoSource for Known {
        async fn todos(&self, _: &Who) -> Result<Vec<Todo>, AppError> {
            if self.0.is_empty() {
                return Err(AppError::NotFound);
            }
            let todo = |(urgency, due): &(Urgency, Option<i64>)| Todo {
                what: Phrase::key("todo-title"),
                why: Phrase::key("todo-title"),
                how: vec![Phrase::key("todo-title"); 5],
                helper: None,
                link: format!("/{urgency:?}/{due:?}"),
                urgency: *urgency,
                due: due.and_then(|at| DateTime::from_timestamp(at, 0)),
            };
            Ok(self.0.iter().map(todo).collect())
        }
    }

    #[tokio::test]
    async fn the_most_urgent_come_first_and_a_silent_source_hides_nothing() {
        let sources: Vec<Arc<dyn TodoSource>> = vec![
            Arc::new(Known(vec![(Urgency::Soon, None), (Urgency::Now, None)])),
            Arc::new(Known(Vec::new())),
            Arc::new(Known(vec![(Urgency::Now, Some(9)), (Urgency::Now, Some(5))])),
        ];
        let todos = Todos::new(sources);
        let who = crate::testing::who(Role::AgencyOfficer);
        let (all, failed) = todos.of(&who).await;
        let links: Vec<&str> = all.iter().map(|todo| todo.link.as_str()).collect();
        assert_eq!(links, ["/Now/Some(5)", "/Now/Some(9)", "/Now/None", "/Soon/None"]);
        assert!(failed);
        let View { .. } = show(State(todos), who).await;
    }

    #[test]
    fn the_page_is_sound() {
        let who = crate::testing::who(Role::Leader);
        let todo = |urgency| Todo {
            what: Phrase::key("todo-title"),
            why: Phrase::key("todo-empty"),
            how: vec![Phrase::key("todo-title")],
            helper: Some("Hằng · 0912 <b>".to_owned()),
            link: "/duty".to_owned(),
            urgency,
            due: Some(DateTime::UNIX_EPOCH),
        };
        let line = TodoLine { what: "x".to_owned(), link: "/x".to_owned(), due: None };
        let urgencies = [Urgency::Now, Urgency::Today, Urgency::Soon, Urgency::Sometime];
        let top = urgencies.map(|urgency| card(todo(urgency), &who)).into();
        let full = MyWork { top, rest: vec![line], incomplete: true };
        let empty = MyWork { top: Vec::new(), rest: Vec::new(), incomplete: false };
        assert_eq!(crate::testing::faults(&full), Vec::<String>::new());
        assert_eq!(crate::testing::faults(&empty), Vec::<String>::new());
    }
}
