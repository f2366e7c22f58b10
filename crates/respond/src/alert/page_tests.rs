//! Every page of this crate is sound in both languages, empty and full.

use std::sync::Arc;

use db::testing::sqlite;
use event::Finding;
use web::testing::{faults, officer_of, who};
use web::{Role, Who};

use super::routes::ListQuery;
use super::{actions, pages, receive};
use crate::desk::Desk;
use crate::testing::*;

async fn with_alerts(count: i64) -> (db::testing::TestDatabase, Desk, Vec<event::AlertId>) {
    let test = sqlite().await;
    let maker = Maker::new();
    let make = |n: i64| Finding {
        entity: event::Entity {
            kind: event::EntityKind::SrcIp,
            value: format!("10.20.{}.{}", n / 250, n % 250),
        },
        ..maker.finding(-n)
    };
    let findings: Vec<Finding> = (0..count).map(make).collect();
    let events = findings.iter().map(|finding| event_of(finding, "an")).collect();
    let desk = desk(&test, events);
    let directory = Arc::clone(&desk.directory);
    let received = receive(&desk.db, directory.as_ref(), &desk.hub, findings, &[]).await.unwrap();
    (test, desk, received.fresh)
}

fn analyst_who() -> Who {
    who(Role::Analyst)
}

#[tokio::test]
async fn the_lists_and_the_detail_are_sound_pages() {
    let (_test, desk, made) = with_alerts(60).await;
    let reader = analyst_who();
    let queries = [
        ListQuery::default(),
        ListQuery { severity: "critical".to_owned(), level: Some(4), ..ListQuery::default() },
        ListQuery { q: "không có gì như thế".to_owned(), ..ListQuery::default() },
        ListQuery { rule: "x\"><script>".to_owned(), mine: true, ..ListQuery::default() },
    ];
    for query in queries {
        let page = pages::list(&desk, &reader, &query).await.unwrap();
        assert_eq!(faults(&page), Vec::<String>::new(), "{query:?}");
    }
    let list = pages::list(&desk, &reader, &ListQuery::default()).await.unwrap();
    assert_eq!((list.alerts.len(), list.pager.total), (50, 60));

    let page = pages::detail(&desk, &reader, made[0]).await.unwrap();
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(page.why.vi.contains("cmd.exe"), "{}", page.why.vi);
    assert!(page.events[0].hit, "the event behind it is marked");
    assert_eq!(page.first_steps.len(), 4);
    assert!(page.is_new() && page.is_open());
    assert!(pages::detail(&desk, &officer_of([agency(2)]), made[0]).await.is_err());
    assert!(pages::detail(&desk, &officer_of([agency(1)]), made[0]).await.is_ok());
}

#[tokio::test]
async fn what_was_done_stands_in_the_history() {
    let (_test, desk, made) = with_alerts(1).await;
    let handler = analyst();
    let closure = actions::closure(&desk, &handler, "false", "máy quét của trung tâm").await;
    let step = super::Step::Close(closure.unwrap());
    actions::step(&desk, &handler, made[0], step).await.unwrap();
    actions::comment(&desk, &handler, made[0], "đã gọi").await.unwrap();
    let page = pages::detail(&desk, &analyst_who(), made[0]).await.unwrap();
    assert_eq!(page.history.len(), 3);
    assert_eq!(page.closure.as_ref().unwrap().reason, "máy quét của trung tâm");
    assert_eq!(faults(&page), Vec::<String>::new());
    assert!(actions::closure(&desk, &handler, "false", "ok").await.is_err());
    assert!(actions::closure(&desk, &handler, "", "lý do dài").await.is_err());
}

#[tokio::test]
async fn a_list_leaves_as_a_file() {
    let (_test, desk, _) = with_alerts(3).await;
    let query = ListQuery::default();
    for format in [super::export::Format::Csv, super::export::Format::Xlsx] {
        let file = super::export::alerts(&desk, &analyst_who(), &query, format).await.unwrap();
        assert_eq!(file.status(), 200);
        assert!(file.headers().contains_key("content-disposition"));
    }
}
