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
    assert_eq!((results.events.len(), results.total), (3, Some(3)));
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

#[tokio::test]
async fn figures_open_their_events_and_stay_within_scope() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let line = "cmd.exe | stats count(), distinct(Image) by user";
    let page = pages::search(&desk, &who(Role::Analyst), &ask(line)).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    let table = page.results.unwrap().summary.unwrap();
    assert_eq!((table.total, table.events), (1, 3));
    let cells: Vec<&str> = table.rows[0].iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(cells, ["an", "3", "1"]);
    let href = table.rows[0][1].href.as_deref();
    assert_eq!(href, Some("/search?q=cmd.exe+user%3Aan&range=1h"));

    let chart = ask("| timechart span=1m count() by user");
    let page = pages::search(&desk, &who(Role::Analyst), &chart).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(page.results.unwrap().summary.unwrap().chart.is_some());
    let narrow = Ask { range: "30d".to_owned(), ..ask("| timechart span=1s") };
    assert!(pages::search(&desk, &who(Role::Analyst), &narrow).await.is_err());

    let hidden = pages::search(&desk, &officer_of([agency(2)]), &ask(line)).await.unwrap();
    assert_eq!(hidden.results.unwrap().summary.unwrap().events, 0);
}

#[tokio::test]
async fn what_may_have_been_meant_is_told() {
    let test = sqlite().await;
    let desk = desk(&test, events());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("usr:an")).await.unwrap();
    assert_eq!(page.hints[0].better, "user");
    assert_eq!(faults(&page), Vec::<String>::new());
    let page = pages::search(&desk, &who(Role::Analyst), &ask("(user:an")).await.unwrap();
    assert_eq!(page.error.as_ref().unwrap().better.as_ref().unwrap().line, "(user:an)");
    assert_eq!(faults(&page), Vec::<String>::new());
}
