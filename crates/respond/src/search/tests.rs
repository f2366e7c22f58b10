//! The search over a lake on paper: scope, mistakes, audit.

use db::audit::AuditFilter;
use db::testing::sqlite;
use event::Event;
use web::Role;
use web::testing::{faults, officer_of, who};

use super::ask::Ask;
use super::pages;
use crate::testing::*;

fn events() -> Vec<Event> {
    let maker = Maker::new();
    (0..3).map(|n| event_of(&maker.finding(-5 - n), "an")).collect()
}

fn ask(line: &str) -> Ask {
    Ask { q: Some(line.to_owned()), ..Ask::default() }
}

#[tokio::test]
async fn an_answer_is_a_sound_page_within_scope_and_in_the_audit_log() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("user:an")).await.unwrap();
    let results = page.results.as_ref().unwrap();
    assert_eq!((results.events.len(), results.total), (3, 3));
    assert!(results.fields.iter().any(|field| field.name == "user"));
    assert_eq!(faults(&page), Vec::<String>::new());

    let outsider = officer_of([agency(2)]);
    let hidden = pages::search(&desk, &outsider, &ask("user:an")).await.unwrap();
    assert!(hidden.results.unwrap().events.is_empty());

    let filter = AuditFilter { action: Some("search.".to_owned()), ..AuditFilter::default() };
    let scope = event::Scope::platform();
    let log = db::audit::list(&desk.db, &scope, &filter, 10).await.unwrap();
    assert_eq!(log.len(), 2);
    assert!(log[0].detail.contains("user:an"));
}

#[tokio::test]
async fn a_mistake_is_shown_at_its_column() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("user:an AND (")).await.unwrap();
    let error = page.error.as_ref().unwrap();
    assert!(error.column > 9, "{error:?}");
    assert_eq!(format!("{}{}", error.before, error.rest), "user:an AND (");
    assert_eq!(faults(&page), Vec::<String>::new());
    let everything = Ask { range: "1h".to_owned(), ..Ask::default() };
    let all = pages::search(&desk, &who(Role::Analyst), &everything).await.unwrap();
    assert_eq!(all.results.unwrap().events.len(), 3, "an empty line asks for everything");
    let empty = pages::search(&desk, &who(Role::Analyst), &Ask::default()).await.unwrap();
    assert!(empty.results.is_none() && empty.error.is_none());
    assert_eq!(faults(&empty), Vec::<String>::new());
}
