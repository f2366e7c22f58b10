//! What the registry puts on people's lists of work: sources that fell silent, posts that nobody holds,
//! dossiers that wait for a step.

use async_trait::async_trait;
use web::todo::{PER_SOURCE_MAX, Todo, TodoSource, Urgency};
use web::{AppError, Permission, Phrase, Reach, Who};

use crate::{Registry, agency, dossier, post};

#[async_trait]
impl TodoSource for Registry {
    async fn todos(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        let mut todos = self.silent_sources(who);
        todos.extend(self.contact_due(who));
        todos.extend(self.vacant_posts(who).await?);
        todos.extend(dossier::todos(self, who).await?);
        Ok(todos)
    }
}

impl Registry {
    /// Returns a thing to do for each source that should send and does not: its agency's, and at the
    /// centre that of whoever connects sources.
    fn silent_sources(&self, who: &Who) -> Vec<Todo> {
        let own = who.role.reach() == Reach::Subtree && who.may(Permission::SourceRead);
        if !own && !who.may(Permission::SourceChange) {
            return Vec::new();
        }
        let snapshot = self.directory.snapshot();
        let silent = self.health.silent(&snapshot, &who.scope, self.db.now());
        silent
            .into_iter()
            .take(PER_SOURCE_MAX)
            .map(|silence| {
                let binding = &silence.binding;
                let place = binding.system_name.as_ref().unwrap_or(&binding.agency_name);
                let phone = binding.duty_phone.as_str();
                Todo {
                    what: Phrase::key("todo-silent").arg("name", binding.name.as_str()),
                    why: Phrase::key("todo-silent-why").arg("place", place.as_str()),
                    how: vec![
                        Phrase::key("todo-silent-how-1"),
                        Phrase::key("todo-silent-how-2"),
                        Phrase::key("todo-silent-how-3"),
                    ],
                    helper: (!phone.is_empty()).then(|| phone.to_owned()),
                    link: format!("/sources/{}", binding.origin.source),
                    urgency: Urgency::Today,
                    due: None,
                }
            })
            .collect()
    }

    /// Returns the confirmation of an agency's own contact, once a quarter.
    fn contact_due(&self, who: &Who) -> Option<Todo> {
        let own = who.agency.filter(|_| who.may(Permission::AgencyContact))?;
        let snapshot = self.directory.snapshot();
        let agency = snapshot.tree().get(own).filter(|agency| agency.valid_to.is_none())?;
        if agency.contact.state(self.db.now()) == agency::ContactState::Confirmed {
            return None;
        }
        Some(Todo {
            what: Phrase::key("todo-contact").arg("agency", agency.name.as_str()),
            why: Phrase::key("todo-contact-why"),
            how: vec![
                Phrase::key("todo-contact-how-1"),
                Phrase::key("todo-contact-how-2"),
                Phrase::key("todo-contact-how-3"),
            ],
            helper: None,
            link: format!("/agencies/{own}"),
            urgency: Urgency::Soon,
            due: None,
        })
    }

    /// Returns what an agency's own people must do about its posts.
    async fn vacant_posts(&self, who: &Who) -> Result<Vec<Todo>, AppError> {
        let Some(agency) = who.agency.filter(|_| who.role.reach() == Reach::Subtree) else {
            return Ok(Vec::new());
        };
        if !who.may(Permission::PostChange) {
            return Ok(Vec::new());
        }
        let snapshot = self.directory.snapshot();
        let (any, vacant) = post::vacant(self, who, agency).await?;
        if !any {
            return Ok(vec![Todo {
                what: Phrase::key("todo-no-posts"),
                why: Phrase::key("todo-no-posts-why"),
                how: vec![
                    Phrase::key("todo-no-posts-how-1"),
                    Phrase::key("todo-no-posts-how-2"),
                    Phrase::key("todo-no-posts-how-3"),
                ],
                helper: None,
                link: format!("/posts/new?agency={agency}&kind=focal_point"),
                urgency: Urgency::Soon,
                due: None,
            }]);
        }
        let todo = |post: post::Post| Todo {
            what: Phrase::key("todo-vacant").arg("title", post.title),
            why: Phrase::key("todo-vacant-why").arg("agency", snapshot.tree().name(post.agency)),
            how: vec![
                Phrase::key("todo-vacant-how-1"),
                Phrase::key("todo-vacant-how-2"),
                Phrase::key("todo-vacant-how-3"),
            ],
            helper: None,
            link: format!("/posts/{}", post.id),
            urgency: Urgency::Soon,
            due: None,
        };
        Ok(vacant.into_iter().take(PER_SOURCE_MAX).map(todo).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::one_desk;

    #[tokio::test]
    async fn an_agency_is_asked_for_its_own_posts_only() {
        let desk = one_desk().await;
        let officer = desk.officer("so-y-te");
        let todos = desk.registry.todos(&officer).await.unwrap();
        let links: Vec<&str> = todos.iter().map(|todo| todo.link.as_str()).collect();
        assert!(links.iter().any(|link| link.starts_with("/posts/new?agency=")), "{links:?}");
        let leader = web::testing::who(web::Role::Leader);
        assert!(desk.registry.todos(&leader).await.unwrap().is_empty());
    }
}
